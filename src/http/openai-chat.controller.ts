import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChatService } from './chat.service.ts';

/** OpenAI Chat Completions, for clients whose base URL is `/pipelines/NAME/v1`. */
@Controller('pipelines/:name/v1')
export class OpenAiChatController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('chat/completions')
  chat(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(name, 'openai-chat', request, reply);
  }

  @Get('models')
  models(@Param('name') name: string): unknown {
    return this.#chat.models(name, 'openai-chat');
  }
}
