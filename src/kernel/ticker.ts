import type { Clock, Timer } from './clock.ts';

/** Something with deadlines: a stream, an upstream attempt. */
export interface Watched {
  /** Called on every tick with the monotonic time in milliseconds. Must not throw and must not block. */
  onTick(now: number): void;
}

/**
 * One interval for all deadlines and heartbeats of the process. A timer per stream that is moved at every event costs
 * more than the event itself; here an event stores a number and the tick compares it. The price is the resolution:
 * a deadline is met up to one period late.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #watched = new Set<Watched>();
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
    this.#timer ??= this.#clock.every(this.#period, () => this.#tick());
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0 || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.#clock.now();
    for (const watched of this.#watched) watched.onTick(now);
  }
}
