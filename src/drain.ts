import type { LiveRuns } from './compile/live-runs.ts';
import type { Clock, Timer } from './kernel/clock.ts';
import { SluiceError } from './kernel/errors.ts';
import type { Log } from './kernel/run.ts';

export interface DrainTimes {
  /** Milliseconds between "not ready" and refusing new runs, for load balancers to notice. */
  readonly preStop: number;
  /** Milliseconds that running streams have to finish. */
  readonly timeout: number;
}

const progressInterval = 5_000;
/** What the deadline ended may be sent for so long. */
const sendAfterDeadline = 1_000;

/**
 * The end of the process without losing a stream: not ready at once; after `preStop` new runs are refused; running
 * streams finish; at the deadline the rest get an error frame of their dialect. The framework does not do this:
 * closing it with an open stream never returns.
 */
export class Drain {
  readonly #runs: LiveRuns;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #times: DrainTimes;
  #draining = false;
  #refusing = false;

  constructor(runs: LiveRuns, clock: Clock, log: Log, times: DrainTimes) {
    this.#runs = runs;
    this.#clock = clock;
    this.#log = log;
    this.#times = times;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** True when new runs get 503. */
  get refusing(): boolean {
    return this.#refusing;
  }

  /** Resolves when no run is left; `stopListening` is called when new connections are no longer wanted. */
  async run(stopListening: () => void): Promise<void> {
    this.#draining = true;
    this.#log.info('draining', { streams: this.#runs.live });
    if (this.#times.preStop > 0) await this.#pause(this.#times.preStop);
    this.#refusing = true;
    stopListening();
    const timers: Timer[] = [
      this.#clock.after(this.#times.timeout, () => this.#runs.failAll(new SluiceError('DRAINING'))),
      this.#clock.after(this.#times.timeout + sendAfterDeadline, () => this.#runs.dropAll()),
      this.#clock.every(progressInterval, () => this.#log.info('draining', { streams: this.#runs.live })),
    ];
    await this.#runs.idle();
    for (const timer of timers) timer.cancel();
    this.#log.info('drained', { streamsEnded: this.#runs.ended });
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(milliseconds, resolve);
    });
  }
}
