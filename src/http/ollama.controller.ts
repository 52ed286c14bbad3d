import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ChatService, type PipelineRequest } from './chat.service.ts';

/** Ollama's own format, for clients whose host is `/pipelines/NAME`. */
@Controller('pipelines/:name/api')
export class OllamaController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Post('chat')
  chat(@Req() request: PipelineRequest, @Res() reply: FastifyReply): void {
    this.#chat.chat(request.params.name, 'ollama', request, reply);
  }
}
