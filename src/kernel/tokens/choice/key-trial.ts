import type { Clock, Timer } from '../../clock.ts';

/** How long others wait for a trial. A provider of models that refuses a key does so within this time. */
export const trialPatience = 2_000;

/** One request tries a key that was refused before. */
export class KeyTrial {
  /** Settled when the trial has ended, or when it has taken so long that others need not wait. */
  readonly over: Promise<void>;
  readonly #resolve: () => void;
  readonly #timer: Timer;
  #isOver = false;

  constructor(clock: Clock) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#resolve = resolve;
    this.#timer = clock.after(trialPatience, () => this.end());
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.#timer.cancel();
    this.#resolve();
  }
}
