import type { AnswerEvent } from '../kernel/event.ts';
import type { ChatRequest } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';

/** The event that opens the stream of a run. */
export function streamStart(run: Run, { dialect, model }: ChatRequest): AnswerEvent {
  const { id, pipeline, revision } = run;
  const asked = model === undefined ? {} : { requestedModel: model };
  return { type: 'stream.start', requestId: id, pipeline, revision, dialect, ...asked };
}
