import type { Clock } from '../clock.ts';
import { asSluiceError, type SluiceError } from '../errors.ts';

/** How long is waited at most, and what it is to have waited in vain. */
interface Patience {
  readonly clock: Clock;
  readonly milliseconds: number;
  late(): SluiceError;
}

/**
 * What the promise settles with, or the reason of the signal, as a SluiceError, as soon as that is aborted, or the failure
 * of whoever is late. The promise then goes on by itself, and what it says is dropped.
 */
export function whileOpen<T>(pending: PromiseLike<T>, signal: AbortSignal, patience?: Patience): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (error: unknown): void => {
      close();
      reject(error as Error);
    };
    const onAbort = (): void => leave(asSluiceError(signal.reason));
    const timer = patience?.clock.after(patience.milliseconds, () => leave(patience.late()));
    const close = (): void => {
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    pending.then((value) => {
      close();
      resolve(value);
    }, leave);
  });
}
