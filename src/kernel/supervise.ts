import type { ErrorCode } from './error-table.ts';
import { asSluiceError, SluiceError } from './errors.ts';
import type { Run } from './run.ts';

export interface Supervision {
  /** Name of the component, for the log. */
  readonly what: string;
  readonly run: Run;
  /** Milliseconds that a promise may take. */
  readonly timeoutMilliseconds: number;
  /** Code of the error when it takes longer. */
  readonly timeoutCode: ErrorCode;
  /** Code of the error when the component throws something that is no SluiceError. */
  readonly failureCode: ErrorCode;
}

/** A timer can't be longer; it is beyond every run. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * Calls a component that may take its time. A plain result comes back at once, without a promise. A promise is raced
 * against the timeout and the end of the run; `signal`, made when it is asked for, is aborted for whoever loses. A component that goes on all the
 * same is left behind: it is counted as `component_orphans`, again as `orphans_settled_late` when it comes to an end,
 * and what it then says is dropped, a rejection too. Fails with SluiceErrors only; those of the component are kept.
 */
export function supervise<T>(
  options: Supervision,
  call: (signal: () => AbortSignal) => T | Promise<T>,
): T | Promise<T> {
  const { run, what, failureCode } = options;
  if (run.signal.aborted) throw asSluiceError(run.signal.reason);
  let controller: AbortController | undefined;
  const abort = (reason: SluiceError): void => controller?.abort(reason);
  try {
    const result = call(() => (controller ??= new AbortController()).signal);
    return isPromise(result) ? race(options, Promise.resolve(result), abort) : result;
  } catch (error) {
    throw asSluiceError(error, failureCode, { component: what });
  }
}

/** True for a promise of whatever realm or library. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function race<T>(options: Supervision, pending: Promise<T>, abort: (reason: SluiceError) => void): Promise<T> {
  const { run, what, timeoutMilliseconds, timeoutCode, failureCode } = options;
  return new Promise((resolve, reject) => {
    let open = true;
    const close = (): void => {
      open = false;
      timer.cancel();
      run.signal.removeEventListener('abort', onRunEnd);
    };
    const leaveBehind = (error: SluiceError): void => {
      close();
      run.meter.count('component_orphans');
      reject(error);
      abort(error);
    };
    const settle = (conclude: () => void): void => {
      if (!open) return run.meter.count('orphans_settled_late');
      close();
      conclude();
    };
    const onRunEnd = (): void => leaveBehind(asSluiceError(run.signal.reason));
    const onTimeout = (): void =>
      leaveBehind(new SluiceError(timeoutCode, { context: { component: what, timeoutMilliseconds } }));
    const timer = run.clock.after(Math.min(timeoutMilliseconds, LONGEST_TIMEOUT), onTimeout);
    run.signal.addEventListener('abort', onRunEnd, { once: true });
    pending.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(asSluiceError(error, failureCode, { component: what }))),
    );
    // The component itself may have ended the run before it returned its promise; such an event is not sent again.
    if (run.signal.aborted && open) onRunEnd();
  });
}
