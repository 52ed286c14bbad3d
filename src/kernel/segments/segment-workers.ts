import { asSluiceError } from '../errors.ts';
import type { SegmentOutcome, TextItem } from './segment-lane.ts';
import { isPromise } from '../supervise.ts';

export interface WorkersOwner {
  /** Works on one segment. */
  work(item: TextItem): SegmentOutcome | Promise<SegmentOutcome>;
  /** The item has its outcome, during a call of `start`. */
  onOutcome(item: TextItem): void;
  /** The item has its outcome, and a place has become free. */
  onSettled(item: TextItem): void;
}

/** Works on segments in the order in which they came, at most `parallel` at a time. */
export class SegmentWorkers {
  readonly #parallel: number;
  readonly #owner: WorkersOwner;
  #waiting: TextItem[] = [];
  #working = 0;

  constructor(parallel: number, owner: WorkersOwner) {
    this.#parallel = parallel;
    this.#owner = owner;
  }

  add(item: TextItem): void {
    this.#waiting.push(item);
  }

  /** Begins with as many segments as there are places. */
  start(): void {
    while (this.#working < this.#parallel) {
      const item = this.#waiting.shift();
      if (item === undefined) return;
      if (!item.lane.stopped) this.#begin(item);
    }
  }

  /** Nothing more is begun. */
  clear(): void {
    this.#waiting = [];
  }

  #begin(item: TextItem): void {
    let outcome: SegmentOutcome | Promise<SegmentOutcome>;
    try {
      outcome = this.#owner.work(item);
    } catch (error) {
      outcome = failed(error);
    }
    if (!isPromise(outcome)) {
      item.outcome = outcome;
      this.#owner.onOutcome(item);
      return;
    }
    this.#working += 1;
    const settle = (settled: SegmentOutcome): void => {
      this.#working -= 1;
      item.outcome = settled;
      this.#owner.onSettled(item);
    };
    void outcome.then(settle, (error: unknown) => settle(failed(error)));
  }
}

function failed(error: unknown): SegmentOutcome {
  return { action: 'fail', error: asSluiceError(error, 'MODIFIER_FAILED') };
}
