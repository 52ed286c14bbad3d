export interface Timer {
  cancel(): void;
}

/**
 * All time in Sluice. `now` is monotonic and decides every timeout; `wallTime` is for people and for expiry dates.
 * Nothing else may read the time or start a timer (lint bans it), so a test moves a whole engine with one call.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  wallTime(): number;
  /** Calls back once after `milliseconds`. */
  after(milliseconds: number, callback: () => void): Timer;
  /** Calls back every `milliseconds` until cancelled. Does not keep the process alive. */
  every(milliseconds: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(milliseconds, callback) {
    const handle = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(handle) };
  },
  every(milliseconds, callback) {
    const handle = setInterval(callback, milliseconds);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
};

/** Resolves after `milliseconds`, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `"250ms"`, `"15s"`, `"5m"`, `"1h"` in milliseconds. The pattern is checked by the schema of the definition. */
export function parseDuration(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new TypeError(`"${text}" is no duration; write a number and ms, s, m or h, like "15s"`);
  return Number(match[1]) * (durationUnits[match[2] ?? 'ms'] ?? 1);
}
