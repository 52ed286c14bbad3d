import type { UsageFold } from '../kernel/answer.ts';
import { describeCause, type SluiceError } from '../kernel/errors.ts';
import type { Run } from '../kernel/run.ts';

export type Outcome = 'ok' | 'error' | 'client-gone' | 'client-slow';

/** What is known of a run when it is over. Times are monotonic milliseconds. */
export interface RunFacts {
  readonly run: Run;
  readonly backend: string;
  readonly outcome: Outcome;
  readonly error: SluiceError | undefined;
  readonly startedAt: number;
  readonly firstContentAt: number | undefined;
  readonly steps: Readonly<Record<string, unknown>>;
  readonly usage: UsageFold | undefined;
}

/** Writes the one record of a run. */
export function recordRun({ run, backend, outcome, error, startedAt, firstContentAt, steps, usage }: RunFacts): void {
  const { upstreamMessage, ...context } = error?.context ?? {};
  const level = error === undefined || error.kind === 'client' ? 'info' : 'warn';
  run.log[level]('run ended', {
    run: run.id,
    pipeline: run.pipeline,
    revision: run.revision,
    backend,
    outcome,
    milliseconds: Math.round(run.clock.now() - startedAt),
    ...(firstContentAt !== undefined && { firstContentMilliseconds: Math.round(firstContentAt - startedAt) }),
    ...(Object.keys(steps).length > 0 && { steps }),
    ...(usage?.input?.total !== undefined && { inputTokens: usage.input.total }),
    ...(usage?.output?.total !== undefined && { outputTokens: usage.output.total }),
    ...(error !== undefined && {
      code: error.code,
      ...context,
      ...(error.cause !== undefined && { cause: describeCause(error.cause) }),
    }),
  });
  // A provider may repeat the prompt in its complaint, so its words are for those who ask for them.
  if (upstreamMessage !== undefined) run.log.debug('the provider said', { run: run.id, words: upstreamMessage });
  run.meter.count(`runs_${outcome.replace('-', '_')}`);
}
