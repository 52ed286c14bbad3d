import type { Clock } from '../kernel/clock.ts';
import type { LossName } from '../kernel/losses.ts';
import type { Caller, Log, Meter, Run } from '../kernel/run.ts';
import type { Secret } from '../kernel/schema.ts';

/** Things that are told to be left out; there are not many more names for them. */
const maxLost = 64;
const maxLostCharacters = 80;

/** What a client sent in a header of its request, in lower case. */
export type Presented = (header: string) => Secret | undefined;

export interface RunFields extends Omit<Run, 'signal' | 'progress' | 'lose' | 'notes' | 'presented'> {
  readonly presented: Presented;
  readonly onProgress: (step: string, message: string, data: unknown) => void;
}

/**
 * The run that steps see. A class and not an object literal: a literal with a getter gets a hidden class of its own each
 * time, which costs more than the rest of a run and keeps all of it alive until a full collection.
 */
export class RunOfRequest implements Run {
  readonly id: string;
  readonly pipeline: string;
  readonly revision: string;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, unknown>>;
  readonly deadline: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly #presented: Presented;
  readonly #onProgress: RunFields['onProgress'];
  #notes: Map<symbol, unknown> | undefined;
  #lost: string[] | undefined;
  #abort: AbortController | undefined;
  #endedBy: Error | undefined;

  constructor(fields: RunFields) {
    this.id = fields.id;
    this.pipeline = fields.pipeline;
    this.revision = fields.revision;
    this.caller = fields.caller;
    this.params = fields.params;
    this.deadline = fields.deadline;
    this.clock = fields.clock;
    this.log = fields.log;
    this.meter = fields.meter;
    this.#presented = fields.presented;
    this.#onProgress = fields.onProgress;
  }

  /** Made when a step first asks for it: a run without processors never needs one. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#endedBy !== undefined && !this.#abort.signal.aborted) this.#abort.abort(this.#endedBy);
    return this.#abort.signal;
  }

  get notes(): Map<symbol, unknown> {
    this.#notes ??= new Map();
    return this.#notes;
  }

  presented(header: string): Secret | undefined {
    return this.#presented(header);
  }

  /** What was left out, in the order in which it was first left out. */
  get lost(): readonly string[] {
    return this.#lost ?? [];
  }

  lose(what: LossName): void {
    this.#lost ??= [];
    // It may hold a name that the client chose, and goes into a header.
    const name = what.slice(0, maxLostCharacters).replace(/[^\w.[\]-]/g, '_');
    if (this.#lost.length < maxLost && !this.#lost.includes(name)) this.#lost.push(name);
  }

  progress(step: string, message: string, data?: unknown): void {
    this.#onProgress(step, message, data);
  }

  /** The run is over: every wait of its steps ends with `reason`. */
  end(reason: Error): void {
    this.#endedBy = reason;
    this.#abort?.abort(reason);
  }
}
