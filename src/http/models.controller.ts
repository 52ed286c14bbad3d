import { Controller, Get, Req } from '@nestjs/common';
import { ChatService, type PipelineRequest } from './chat.service.ts';
import { dialectOf } from './routes.ts';

/** The models of a pipeline, in the shape that the client reads: on one path the headers tell who asks. */
@Controller('pipelines/:name')
export class ModelsController {
  readonly #chat: ChatService;

  constructor(chat: ChatService) {
    this.#chat = chat;
  }

  @Get(['v1/models', 'v1beta/models', 'api/tags'])
  models(@Req() request: PipelineRequest): unknown {
    return this.#chat.models(request.params.name, dialectOf(request));
  }
}
