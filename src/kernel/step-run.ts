import type { Caller, Log, Meter, Run } from './run.ts';
import type { Clock } from './clock.ts';
import type { LossName } from './losses.ts';
import type { Secret } from './schema.ts';

/** The run as one step sees it: its signal ends with the step's own timeout too, and is made only when it is used. */
export class StepRun implements Run {
  readonly #run: Run;
  readonly #signal: () => AbortSignal;

  constructor(run: Run, signal: () => AbortSignal) {
    this.#run = run;
    this.#signal = signal;
  }

  get id(): string {
    return this.#run.id;
  }
  get pipeline(): string {
    return this.#run.pipeline;
  }
  get revision(): string {
    return this.#run.revision;
  }
  get caller(): Caller {
    return this.#run.caller;
  }
  get params(): Readonly<Record<string, unknown>> {
    return this.#run.params;
  }
  get signal(): AbortSignal {
    return this.#signal();
  }
  get deadline(): number {
    return this.#run.deadline;
  }
  get clock(): Clock {
    return this.#run.clock;
  }
  get log(): Log {
    return this.#run.log;
  }
  get meter(): Meter {
    return this.#run.meter;
  }

  get notes(): Map<symbol, unknown> {
    return this.#run.notes;
  }

  presented(header: string): Secret | undefined {
    return this.#run.presented(header);
  }

  lose(what: LossName): void {
    this.#run.lose(what);
  }

  progress(step: string, message: string, data?: unknown): void {
    this.#run.progress(step, message, data);
  }
}
