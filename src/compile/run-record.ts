import type { EarlyEnd } from '../kernel/answer-ends.ts';
import type { UsageFold } from '../kernel/answer.ts';
import { describeCause, type SluiceError } from '../kernel/errors.ts';
import type { Run } from '../kernel/run.ts';
import { refusalOf } from '../kernel/tokens/refusal-of.ts';

export type Outcome = 'ok' | 'blocked' | 'error' | 'client-gone' | 'client-slow';

/** What is known of a run when it is over. Times are monotonic milliseconds. */
export interface RunFacts {
  readonly run: Run;
  readonly backend: string;
  /** How often it was asked. */
  readonly attempts: number;
  /** Where its credentials come from. */
  readonly tokenProvider: string | undefined;
  readonly outcome: Outcome;
  readonly error: SluiceError | undefined;
  readonly startedAt: number;
  readonly firstContentAt: number | undefined;
  /** What each processor did. */
  readonly steps: Readonly<Record<string, string>>;
  /** What each modifier changed, where it counts. May throw for a run that has failed. */
  matches(): Iterable<readonly [string, number | undefined]>;
  /** What modifiers have ended before the provider did. */
  readonly earlyEnds: readonly EarlyEnd[];
  /** What each attempt that has answered has used. */
  readonly usages: readonly (UsageFold | undefined)[];
  /** What could not be told to the other side. */
  readonly lost: readonly string[];
}

/** Writes the one record of a run. */
export function recordRun(facts: RunFacts): void {
  const { run, backend, outcome, error, startedAt, firstContentAt } = facts;
  const inputTokens = sum(facts.usages.map((usage) => usage?.input?.total));
  const outputTokens = sum(facts.usages.map((usage) => usage?.output?.total));
  const steps = { ...facts.steps, ...readMatches(facts) };
  const { upstreamMessage, ...context } = error?.context ?? {};
  const level = error === undefined || error.kind === 'client' ? 'info' : 'warn';
  run.log[level]('run ended', {
    run: run.id,
    pipeline: run.pipeline,
    revision: run.revision,
    backend,
    outcome,
    ...(facts.attempts > 1 && { attempts: facts.attempts }),
    milliseconds: Math.round(run.clock.now() - startedAt),
    ...(firstContentAt !== undefined && { firstContentMilliseconds: Math.round(firstContentAt - startedAt) }),
    ...(Object.keys(steps).length > 0 && { steps }),
    ...(facts.earlyEnds.length > 0 && { endedBy: facts.earlyEnds.map(({ by, ending }) => `${by}: ${ending.reason}`) }),
    ...(facts.lost.length > 0 && { lost: facts.lost }),
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(error !== undefined && {
      code: error.code,
      ...(isAboutCredential(error) && { tokenProvider: facts.tokenProvider }),
      ...context,
      ...(error.cause !== undefined && { cause: describeCause(error.cause) }),
    }),
  });
  // A provider may repeat the prompt in its complaint, so its words are for those who ask for them.
  if (upstreamMessage !== undefined) run.log.debug('the provider said', { run: run.id, words: upstreamMessage });
  run.meter.count(`runs_${outcome.replace('-', '_')}`);
}

/** The token provider names itself where it failed, but not where its credential did. */
function isAboutCredential(error: SluiceError): boolean {
  return /^(?:TOKEN|CREDENTIAL)_/.test(error.code) || error.code === 'UPSTREAM_AUTH' || refusalOf(error) !== undefined;
}

/** A count that can't be read fails a run that is not over; one that has failed is recorded without. */
function readMatches(facts: RunFacts): Readonly<Record<string, number | 'ran'>> {
  try {
    return Object.fromEntries([...facts.matches()].map(([name, count]) => [name, count ?? 'ran']));
  } catch (failure) {
    const { run } = facts;
    run.log.warn('what the modifiers changed is not known', { run: run.id, error: describeCause(failure) });
    return {};
  }
}

/** Of what is known; undefined where nothing is. */
function sum(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce((total, count) => (count === undefined ? total : (total ?? 0) + count), undefined);
}
