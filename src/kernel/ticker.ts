import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Timer } from './clock.ts';
import { Roster } from './roster.ts';

/** Something with deadlines: a stream, an upstream attempt. */
export interface Watched {
  /** Called on every tick with the monotonic time in milliseconds. Must not block. */
  onTick(now: number): void;
  /** `onTick` threw; it is not called again. */
  onTickFailure(error: unknown): void;
}

/**
 * One interval for all deadlines and heartbeats of the process. A timer per stream that is moved at every event costs
 * more than the event itself; here an event stores a number and the tick compares it. The price is the resolution:
 * a deadline is met up to one period late.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #watched = new Roster<Watched>();
  /** The interval belongs to no run, though it is one that starts it. */
  readonly #inNoRun = AsyncLocalStorage.snapshot();
  #timer: Timer | undefined;

  constructor(clock: Clock, periodMilliseconds = 100) {
    this.#clock = clock;
    this.#period = periodMilliseconds;
  }

  get size(): number {
    return this.#watched.size;
  }

  watch(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#timer !== undefined) return;
    this.#timer = this.#inNoRun(() => this.#clock.every(this.#period, () => this.#tick()));
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0 || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.#clock.now();
    for (const watched of this.#watched.members()) {
      if (!this.#watched.has(watched)) continue;
      try {
        watched.onTick(now);
      } catch (error) {
        this.unwatch(watched);
        watched.onTickFailure(error);
      }
    }
  }
}
