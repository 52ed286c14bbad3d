import { AnswerBody, type BodyOptions } from '../kernel/answer-body.ts';
import { AnswerPipe, type PipeOptions } from '../kernel/answer-pipe.ts';
import type { Bound } from '../kernel/bound-modifier.ts';
import type { EncodeContext, Encoder, StreamEncoder } from '../kernel/component.ts';
import type { Modifier } from '../kernel/modifier.ts';
import type { ChatRequest } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';
import type { CompiledPipeline } from './compiled-pipeline.ts';

export interface AnswerOptions {
  readonly run: Run;
  readonly pipeline: CompiledPipeline;
  /** As the steps have made it. */
  readonly request: ChatRequest;
  readonly sameDialect: boolean;
  /** The client's side, which is the same for each attempt; `context` has the request of the client. */
  readonly client: { readonly encoder: Encoder; readonly stream: StreamEncoder; readonly context: EncodeContext };
  readonly output: PipeOptions['output'] & BodyOptions['output'];
}

/**
 * The way of one attempt's answer to the client, with modifiers of its own. The form is what the client asked for, whatever a
 * processor made of the request.
 */
export function openAnswer(options: AnswerOptions): AnswerPipe | AnswerBody {
  const { run, pipeline, request, sameDialect, output } = options;
  const { encoder, stream, context } = options.client;
  const { caller, params } = run;
  const modifiers = (model: string | undefined): readonly Bound<Modifier>[] =>
    pipeline.modifiers({ request, caller, params, response: { ...(model !== undefined && { model }) } });
  const { settings, stream: isStream } = context.request;
  const shared = { run, choices: settings.choices ?? 1, sameDialect, modifiers, output };
  return isStream
    ? new AnswerPipe({ ...shared, encoder: stream, counters: pipeline.counters })
    : new AnswerBody({ ...shared, encoder, context });
}
