/**
 * What the promise settles with, or the reason of the signal as soon as that is aborted. The promise then goes on by
 * itself, and what it says is dropped.
 */
export function whileOpen<T>(pending: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    const close = (): void => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    pending.then(
      (value) => {
        close();
        resolve(value);
      },
      (error: unknown) => {
        close();
        reject(error as Error);
      },
    );
  });
}
