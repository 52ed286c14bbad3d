import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { refuse } from '../kernel/dialects/field-check.ts';
import type { PathFields } from '../kernel/component.ts';
import { SluiceError } from '../kernel/errors.ts';
import { ChatService, type PipelineRequest } from './chat.service.ts';

const calls: ReadonlyMap<string, boolean> = new Map([
  ['generateContent', false],
  ['streamGenerateContent', true],
]);

/** Gemini, for clients whose base URL is `/pipelines/NAME`. The model and the wish to stream stand in the path. */
@Controller(['pipelines/:name/v1', 'pipelines/:name/v1beta'])
export class GeminiController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('models/:call')
  generate(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    const { call = '', name } = request.params;
    const path = readCall(call);
    const { alt } = request.query as { readonly alt?: unknown };
    // The other form, one JSON array in pieces, is read by no client that streams.
    if (path.stream === true && alt !== 'sse')
      refuse('alt', 'expected "sse": streams are served as server-sent events');
    this.#chat.chat(name, 'gemini', request, reply, path);
  }
}

/** `MODEL:generateContent` or `MODEL:streamGenerateContent`; a model may hold colons. */
function readCall(call: string): PathFields {
  const colon = call.lastIndexOf(':');
  const stream = calls.get(call.slice(colon + 1));
  if (colon <= 0 || stream === undefined) throw new SluiceError('ROUTE_UNKNOWN');
  return { model: call.slice(0, colon), stream };
}
