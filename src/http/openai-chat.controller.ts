import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ChatService, type PipelineRequest } from './chat.service.ts';

/** OpenAI Chat Completions, for clients whose base URL is `/pipelines/NAME/v1`. */
@Controller('pipelines/:name/v1')
export class OpenAiChatController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('chat/completions')
  chat(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(request.params.name, 'openai-chat', request, reply);
  }

  @Get('models')
  models(@Param('name') name: string): unknown {
    return this.#chat.models(name, 'openai-chat');
  }
}
