import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { supervise } from '../../src/kernel/supervise.ts';
import { testRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

function setUp(timeoutMilliseconds = 1_000) {
  const { run, clock, meter, abort } = testRun();
  const call = <T>(component: (signal: AbortSignal) => T | Promise<T>): T | Promise<T> =>
    supervise(
      { what: 'research', run, timeoutMilliseconds, timeoutCode: 'PROCESSOR_TIMEOUT', failureCode: 'PROCESSOR_FAILED' },
      (signal) => component(signal()),
    );
  return { clock, meter, abort, call };
}

/** The code of what a promise rejects with. */
const codeOf = (promise: unknown): Promise<unknown> =>
  Promise.resolve(promise).then(
    () => 'resolved',
    (error: unknown) => (error as SluiceError).code,
  );

describe('a call without a promise', () => {
  it('gives its result at once and starts no timer', () => {
    const { call, clock } = setUp();
    expect(call(() => 42)).toBe(42);
    expect(call(() => undefined)).toBeUndefined();
    expect(call(() => null)).toBeNull();
    expect(clock.pending).toBe(0);
  });

  it('that throws keeps the cause and names the component', () => {
    const cause = new TypeError('x is not a function');
    const { call } = setUp();
    expect(() =>
      call(() => {
        throw cause;
      }),
    ).toThrow(expect.objectContaining({ code: 'PROCESSOR_FAILED', cause, context: { component: 'research' } }));
  });

  it('that throws an error of ours keeps it as it is', () => {
    const ours = new SluiceError('REQUEST_BLOCKED', { details: { rule: 'no-cards' } });
    const { call } = setUp();
    expect(() =>
      call(() => {
        throw ours;
      }),
    ).toThrow(ours);
  });

  it('is not made when the run is over', () => {
    const { call, abort } = setUp();
    abort.abort(new SluiceError('CLIENT_GONE'));
    let calls = 0;
    expect(() =>
      call(() => {
        calls += 1;
      }),
    ).toThrow(expect.objectContaining({ code: 'CLIENT_GONE' }));
    expect(calls).toBe(0);
  });
});

describe('a call with a promise', () => {
  it('gives what it resolves with', async () => {
    const { call, clock, meter } = setUp();
    expect(
      await call(async () => {
        await turn();
        return 'late';
      }),
    ).toBe('late');
    expect([clock.pending, meter.snapshot()]).toEqual([0, {}]);
  });

  it('takes any thenable for a promise', async () => {
    const { call, clock } = setUp();
    const thenable = { then: (resolve: (value: string) => void) => resolve('foreign') } as unknown as Promise<string>;
    expect(await call(() => thenable)).toBe('foreign');
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['an error of its own', new TypeError('bad'), 'PROCESSOR_FAILED'],
    ['an error of ours', new SluiceError('REQUEST_INVALID'), 'REQUEST_INVALID'],
    ['no error at all', undefined, 'PROCESSOR_FAILED'],
  ])('that rejects with %s', async (_what, reason, code) => {
    const { call, clock } = setUp();
    expect(await codeOf(call(() => Promise.reject(reason as Error)))).toBe(code);
    expect(clock.pending).toBe(0);
  });

  it('that takes too long is left behind, told so, and counted', async () => {
    const { call, clock, meter } = setUp(1_000);
    const { promise, resolve } = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const result = codeOf(
      call((given) => {
        signal = given;
        return promise;
      }),
    );
    await clock.advance(999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    expect(await result).toBe('PROCESSOR_TIMEOUT');
    expect(signal?.reason).toMatchObject({ code: 'PROCESSOR_TIMEOUT' });
    expect([clock.pending, meter.snapshot()]).toEqual([0, { component_orphans: 1 }]);
    resolve('too late');
    await turn();
    expect(meter.snapshot()).toEqual({ component_orphans: 1, orphans_settled_late: 1 });
  });

  it('ends with the run, whose error it gets', async () => {
    const { call, clock, meter, abort } = setUp();
    let signal: AbortSignal | undefined;
    const result = codeOf(
      call((given) => {
        signal = given;
        return new Promise<void>(() => {});
      }),
    );
    abort.abort(new SluiceError('CLIENT_GONE'));
    expect(await result).toBe('CLIENT_GONE');
    expect(signal?.aborted).toBe(true);
    expect([clock.pending, meter.value('component_orphans')]).toEqual([0, 1]);
  });

  it('ends with a run that the component itself ended', async () => {
    const { call, clock, abort } = setUp();
    const result = codeOf(
      call(() => {
        abort.abort(new SluiceError('STREAM_TOO_LONG'));
        return new Promise<void>(() => {});
      }),
    );
    expect(await result).toBe('STREAM_TOO_LONG');
    expect(clock.pending).toBe(0);
  });

  it('may reject after it was left behind: nobody is told twice', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    try {
      const { call, clock, meter } = setUp(10);
      const { promise, reject } = Promise.withResolvers<void>();
      const result = codeOf(call(() => promise));
      await clock.advance(10);
      expect(await result).toBe('PROCESSOR_TIMEOUT');
      reject(new Error('late'));
      await turn(3);
      expect([unhandled, meter.value('orphans_settled_late')]).toEqual([[], 1]);
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  });

  it('may have a timeout beyond what a timer can', async () => {
    const { call } = setUp(Number.POSITIVE_INFINITY);
    expect(await call(async () => 1)).toBe(1);
  });
});
