import { Controller, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChatService } from './chat.service.ts';

/** Sluice's own format: the events of the engine as server-sent events. */
@Controller('pipelines/:name')
export class NativeChatController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('chat')
  chat(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(name, 'native', request, reply);
  }
}
