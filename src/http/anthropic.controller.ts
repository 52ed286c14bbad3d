import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ChatService, type PipelineRequest } from './chat.service.ts';

/** Anthropic Messages, for clients whose base URL is `/pipelines/NAME`, or `/pipelines/NAME/v1` for some. */
@Controller('pipelines/:name/v1')
export class AnthropicController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('messages')
  messages(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(request.params.name, 'anthropic-messages', request, reply);
  }
}
