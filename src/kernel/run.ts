import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from './clock.ts';
import type { LossName } from './losses.ts';
import type { Secret } from './schema.ts';

/** Structured log lines. Fields never hold a secret or text of a prompt or an answer. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Counters and gauges of the process, as plain numbers. Names are full words in snake case. */
export interface Meter {
  count(name: string, amount?: number): void;
}

/** Who calls. Before there is authentication everybody is `anonymous`. */
export interface Caller {
  readonly id: string;
  readonly tier: string;
  readonly scopes: readonly string[];
}

export const anonymousCaller: Caller = { id: 'anonymous', tier: '', scopes: [] };

/** One request through one pipeline. Every step gets it; nothing else is shared between steps. */
export interface Run {
  readonly id: string;
  readonly pipeline: string;
  readonly revision: string;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, unknown>>;
  /** Aborted as soon as the run is over for whatever reason; every wait must end with it. */
  readonly signal: AbortSignal;
  /** Monotonic time, in the milliseconds of `clock.now()`, at which the run is ended. */
  readonly deadline: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** What steps of one run tell each other, each pair under a symbol of its own. Goes with the run. */
  readonly notes: Map<symbol, unknown>;
  /** What the client sent in this header of its request, in lower case; it may be a key of its own. */
  presented(header: string): Secret | undefined;
  /**
   * Says that something can't be told to the other side, by its name in `losses.ts`, such as `request.seed`: it is left
   * out, but not in silence. Shown in `x-sluice-warnings` while the head has not left, and in the record of the run.
   */
  lose(what: LossName): void;
  /** Tells the client what goes on (`step.progress`); shown by the native dialect only. */
  progress(step: string, message: string, data?: unknown): void;
}

/** Ends a run from outside: an error that escaped a component is laid to the run it belongs to. */
export interface RunScope {
  readonly runId: string;
  fail(error: unknown): void;
}

/** Names the run that the current call belongs to, also inside timers and promises that a component left behind. */
export const currentRun = new AsyncLocalStorage<RunScope>();
