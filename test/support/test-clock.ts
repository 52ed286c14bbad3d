import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Timer } from '../../src/kernel/clock.ts';
import { turn } from './turn.ts';

/** A timer that has not fired and was not cancelled. */
export interface PendingTimer {
  readonly kind: 'after' | 'every';
  /** File and line that started it, such as `ticker.ts:32`. */
  readonly label: string;
  /** In the milliseconds of `now()`. */
  readonly dueAt: number;
}

export interface TestClockOptions {
  /** First value of `now()`; not 0 by default, so that code which takes 0 for "never" is found. */
  readonly start?: number;
  /** First value of `wallTime()`. */
  readonly wallTime?: number;
  /** Turns of the event loop between two points of time. */
  readonly turns?: number;
  /** Gets what a timer's callback throws, in the async context of that timer. Without it `advance` rejects. */
  readonly onThrow?: (error: unknown) => void;
}

interface Entry {
  readonly kind: PendingTimer['kind'];
  readonly period: number;
  readonly trace: Error;
  readonly fire: () => void;
  dueAt: number;
}

/** Node runs a timer with a longer delay after 1 ms, so asking for one is a mistake that must not pass a test. */
const LONGEST_DELAY = 2 ** 31 - 1;
/** Turns before the first timer and after the last: a whole request must be able to pass through in them. */
const SETTLE_TURNS = 24;
const DEFAULT_TURNS = 8;
const DEFAULT_START = 1_000;
const DEFAULT_WALL_TIME = Date.UTC(2026, 0, 1);

/**
 * A clock that stands still until a test moves it. Timers behave as Node's do: a delay below 1 ms is 1 ms, fractions
 * are cut, equal due times fire in the order of creation, a callback runs in the async context that started the timer.
 */
export class TestClock implements Clock {
  readonly #entries = new Set<Entry>();
  readonly #turns: number;
  readonly #onThrow: ((error: unknown) => void) | undefined;
  #now: number;
  #wallOffset: number;
  #moving = false;

  constructor(options: TestClockOptions = {}) {
    this.#now = options.start ?? DEFAULT_START;
    this.#wallOffset = (options.wallTime ?? DEFAULT_WALL_TIME) - this.#now;
    this.#turns = options.turns ?? DEFAULT_TURNS;
    this.#onThrow = options.onThrow;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now + this.#wallOffset;
  }

  after(milliseconds: number, callback: () => void): Timer {
    return this.#start('after', milliseconds, callback);
  }

  every(milliseconds: number, callback: () => void): Timer {
    return this.#start('every', milliseconds, callback);
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.#entries.size;
  }

  /** The timers that wait, soonest first; a leak is named by its label. */
  pendingTimers(): readonly PendingTimer[] {
    return [...this.#entries]
      .map(({ kind, trace, dueAt }) => ({ kind, label: labelOf(trace), dueAt }))
      .sort((left, right) => left.dueAt - right.dueAt);
  }

  /** Moves `wallTime` only, as a corrected system clock does; may be negative. */
  jump(milliseconds: number): void {
    this.#wallOffset += milliseconds;
  }

  /**
   * Moves time on by `milliseconds` and fires what falls due, in order; between two points of time the event loop goes
   * round, so sockets are read and written. Also timers that are started meanwhile fire if they fall in the span.
   * Rejects with what a callback threw (an AggregateError for several), after time has moved all the way.
   */
  async advance(milliseconds: number): Promise<void> {
    if (!(milliseconds >= 0)) throw new RangeError(`Time can't move by ${milliseconds} ms.`);
    if (this.#moving) throw new Error('The clock is already being moved; await the first call of advance.');
    this.#moving = true;
    const thrown: unknown[] = [];
    try {
      await turn(SETTLE_TURNS);
      const target = this.#now + milliseconds;
      for (let entry = this.#next(target); entry !== undefined; entry = this.#next(target)) {
        if (entry.dueAt > this.#now) {
          await turn(this.#turns);
          if (this.#next(target) !== entry) continue;
          this.#now = entry.dueAt;
        }
        this.#run(entry, thrown);
        // Node runs the microtasks between two timers, but no input or output.
        await new Promise<void>((resolve) => process.nextTick(resolve));
      }
      this.#now = target;
      await turn(SETTLE_TURNS);
    } finally {
      this.#moving = false;
    }
    if (thrown.length === 1) throw thrown[0];
    if (thrown.length > 1) throw new AggregateError(thrown, 'Several timers threw.');
  }

  /**
   * Moves time on in steps until `predicate` holds and returns the milliseconds it took. Throws when it does not hold
   * after `maximum`.
   */
  async advanceUntil(predicate: () => boolean, step: number, maximum: number): Promise<number> {
    if (!(step > 0)) throw new RangeError(`A step of ${step} ms never arrives.`);
    await turn(SETTLE_TURNS);
    let moved = 0;
    while (!predicate()) {
      if (moved >= maximum)
        throw new Error(`The condition does not hold after ${moved} ms; pending: ${this.#account()}.`);
      const next = Math.min(step, maximum - moved);
      await this.advance(next);
      moved += next;
    }
    return moved;
  }

  #start(kind: PendingTimer['kind'], milliseconds: number, callback: () => void): Timer {
    if (!(milliseconds <= LONGEST_DELAY)) throw new RangeError(`A timer can't wait ${milliseconds} ms.`);
    const period = Math.max(1, Math.trunc(milliseconds));
    const inContext = AsyncLocalStorage.snapshot();
    const fire = (): void => inContext(() => this.#guard(callback));
    const entry: Entry = { kind, period, trace: new Error('started'), fire, dueAt: this.#now + period };
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  #guard(callback: () => void): void {
    if (this.#onThrow === undefined) return callback();
    try {
      callback();
    } catch (error) {
      this.#onThrow(error);
    }
  }

  #run(entry: Entry, thrown: unknown[]): void {
    // Taken out and put in again, so that equal due times keep the order in which they were set.
    this.#entries.delete(entry);
    if (entry.kind === 'every') {
      entry.dueAt = this.#now + entry.period;
      this.#entries.add(entry);
    }
    try {
      entry.fire();
    } catch (error) {
      thrown.push(error);
    }
  }

  #next(target: number): Entry | undefined {
    let soonest: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.dueAt <= target && (soonest === undefined || entry.dueAt < soonest.dueAt)) soonest = entry;
    }
    return soonest;
  }

  #account(): string {
    const timers = this.pendingTimers().map(({ kind, label, dueAt }) => `${kind} ${label} in ${dueAt - this.#now} ms`);
    return timers.length === 0 ? 'no timer' : timers.join(', ');
  }
}

/** The first place outside the clock and `kernel/clock.ts`. Read late, because a trace is dear to render. */
function labelOf(trace: Error): string {
  for (const line of (trace.stack ?? '').split('\n').slice(1)) {
    const place = /([^/\\(\s]+):(\d+):\d+\)?$/.exec(line);
    if (place === null || place[1] === 'test-clock.ts' || /kernel[/\\]clock\.ts:/.test(line)) continue;
    return `${place[1]}:${place[2]}`;
  }
  return 'unknown';
}
