import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ChatService, type PipelineRequest } from './chat.service.ts';

/** Sluice's own format: the events of the engine as server-sent events. */
@Controller('pipelines/:name')
export class NativeChatController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('chat')
  chat(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(request.params.name, 'native', request, reply);
  }
}
