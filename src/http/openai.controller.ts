import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ChatService, type PipelineRequest } from './chat.service.ts';

/** OpenAI's two formats, for clients whose base URL is `/pipelines/NAME/v1`. */
@Controller('pipelines/:name/v1')
export class OpenAiController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('chat/completions')
  chat(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(request.params.name, 'openai-chat', request, reply);
  }

  @Post('responses')
  responses(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(request.params.name, 'openai-responses', request, reply);
  }
}
