import type { Clock } from '../kernel/clock.ts';
import type { Caller, Log, Meter, Run } from '../kernel/run.ts';

export interface RunFields extends Omit<Run, 'signal' | 'progress'> {
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
  readonly #onProgress: RunFields['onProgress'];
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
    this.#onProgress = fields.onProgress;
  }

  /** Made when a step first asks for it: a run without processors never needs one. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#endedBy !== undefined && !this.#abort.signal.aborted) this.#abort.abort(this.#endedBy);
    return this.#abort.signal;
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
