import type { Clock } from '../kernel/clock.ts';

/** A disk that takes longer is not waited for, in milliseconds; what it was asked for goes on. */
const longestWait = 2_000;

/** What the disk answers, or an error where it does not answer in time. */
export function inTime<T>(work: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(longestWait, () => reject(new Error(`no answer within ${longestWait} ms`)));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
