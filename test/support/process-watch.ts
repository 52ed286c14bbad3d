import type { EventEmitter } from 'node:events';
import { runInThisContext } from 'node:vm';
import { describeCause } from '../../src/kernel/errors.ts';

/** What went past every handler since the watch began. */
export interface ProcessWatch {
  /** One line each: `unhandledRejection: TypeError: ...`. */
  readonly escaped: readonly string[];
  /** Ends the watch; call it after the test, or use `using`. */
  stop(): void;
  [Symbol.dispose](): void;
}

const events = ['unhandledRejection', 'uncaughtExceptionMonitor'] as const;

/** Jest gives a test a copy of `process` whose listeners are never called; the true one is in the main context. */
const trueProcess = runInThisContext('process') as EventEmitter;

/** Begins to note rejections that nobody handles, and errors that nobody catches. */
export function watchProcess(source: EventEmitter = trueProcess): ProcessWatch {
  const escaped: string[] = [];
  const listeners = events.map(
    (event) => [event, (error: unknown) => void escaped.push(`${event}: ${describeCause(error)}`)] as const,
  );
  for (const [event, listener] of listeners) source.on(event, listener);
  const stop = (): void => {
    for (const [event, listener] of listeners) source.off(event, listener);
  };
  return { escaped, stop, [Symbol.dispose]: stop };
}
