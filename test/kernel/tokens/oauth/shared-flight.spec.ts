import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import { SharedFlight } from '../../../../src/kernel/tokens/oauth/shared-flight.ts';

const staying = new AbortController().signal;

function held<T>(): {
  readonly begin: () => Promise<T>;
  readonly settle: PromiseWithResolvers<T>;
  begun: () => number;
} {
  const settle = Promise.withResolvers<T>();
  let count = 0;
  return {
    settle,
    begun: () => count,
    begin: () => {
      count += 1;
      return settle.promise;
    },
  };
}

describe('work that is shared', () => {
  it('is done once for all who ask meanwhile, and again for who asks later', async () => {
    const flight = new SharedFlight<string>();
    const { begin, settle, begun } = held<string>();
    const waiting = [1, 2, 3].map(() => flight.join(staying, begin));
    expect(flight.isUnderWay).toBe(true);
    settle.resolve('done');
    expect(await Promise.all(waiting)).toEqual(['done', 'done', 'done']);
    expect(flight.isUnderWay).toBe(false);
    expect(await flight.join(staying, begin)).toBe('done');
    expect(begun()).toBe(2);
  });

  it('fails for all, and is begun anew', async () => {
    const flight = new SharedFlight<string>();
    const { begin, settle } = held<string>();
    const waiting = Promise.allSettled([1, 2].map(() => flight.join(staying, begin)));
    const failure = new SluiceError('TOKEN_UNAVAILABLE');
    settle.reject(failure);
    expect(await waiting).toEqual([1, 2].map(() => ({ status: 'rejected', reason: failure })));
    expect(await flight.join(staying, () => Promise.resolve('again'))).toBe('again');
  });

  it('goes on when everybody has left', async () => {
    const flight = new SharedFlight<string>();
    const { begin, settle } = held<string>();
    const leaving = new AbortController();
    const reason = new SluiceError('CLIENT_GONE');
    const left = flight.join(leaving.signal, begin);
    leaving.abort(reason);
    await expect(left).rejects.toBe(reason);
    expect(flight.isUnderWay).toBe(true);
    settle.reject(new Error('nobody listens'));
    await flight.landed();
    expect(flight.isUnderWay).toBe(false);
  });

  it('is not begun by who has left', async () => {
    const { begin, begun } = held<string>();
    const gone = AbortSignal.abort(new SluiceError('CLIENT_GONE'));
    await expect(new SharedFlight<string>().join(gone, begin)).rejects.toMatchObject({ code: 'CLIENT_GONE' });
    expect(begun()).toBe(0);
  });

  it('belongs to nobody who asks', async () => {
    const runs = new AsyncLocalStorage<string>();
    const flight = new SharedFlight<string | undefined>();
    const seen = await runs.run('the first', () =>
      flight.join(staying, async () => {
        await Promise.resolve();
        return runs.getStore();
      }),
    );
    expect(seen).toBeUndefined();
  });
});
