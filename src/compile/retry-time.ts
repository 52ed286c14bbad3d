import type { Clock } from '../kernel/clock.ts';
import { SluiceError } from '../kernel/errors.ts';
import { refusalOf } from '../kernel/tokens/refusal-of.ts';

/** When the first of several accounts that one run has asked may be asked again. */
export class RetryTime {
  readonly #clock: Clock;
  /** Monotonic milliseconds. */
  #soonest = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps the time of a failure that is a matter of rates, where it names one. */
  told(failure: unknown): void {
    const told = failure instanceof SluiceError ? refusalOf(failure)?.retryAfterMilliseconds : undefined;
    if (told !== undefined) this.#soonest = Math.min(this.#soonest, this.#clock.now() + told);
  }

  /** The same failure, with the time until then where it is sooner than its own. */
  on(error: SluiceError): SluiceError {
    const seconds = Math.max(0, Math.ceil((this.#soonest - this.#clock.now()) / 1_000));
    if (seconds >= (error.retryAfterSeconds ?? Number.POSITIVE_INFINITY)) return error;
    return error.with({ retryAfterSeconds: seconds });
  }
}
