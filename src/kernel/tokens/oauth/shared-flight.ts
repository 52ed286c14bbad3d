import { AsyncLocalStorage } from 'node:async_hooks';
import { asSluiceError } from '../../errors.ts';
import { whileOpen } from '../while-open.ts';

/**
 * One piece of work for all who ask while it goes on. It belongs to none of them: whoever leaves stops waiting, and
 * the work goes on to its end, for which it must care itself.
 */
export class SharedFlight<T> {
  /** Without the run that asks first, which must not be blamed for what happens after it. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #pending: Promise<T> | undefined;

  get isUnderWay(): boolean {
    return this.#pending !== undefined;
  }

  /** Joins the work, or begins it. Rejects as it does, or with the reason of `signal`. */
  join(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
    if (signal.aborted) return Promise.reject(asSluiceError(signal.reason));
    this.#pending ??= this.#outside(() => this.#fly(begin));
    return whileOpen(this.#pending, signal);
  }

  /** When nothing is under way any more; never rejects. */
  async landed(): Promise<void> {
    await this.#pending?.catch(() => undefined);
  }

  #fly(begin: () => Promise<T>): Promise<T> {
    return begin().finally(() => {
      this.#pending = undefined;
    });
  }
}
