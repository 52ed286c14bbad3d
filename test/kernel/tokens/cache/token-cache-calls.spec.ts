import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import { currentRun } from '../../../../src/kernel/run.ts';
import { tokenUnavailable } from '../../../../src/kernel/tokens/token-failure.ts';
import type { Credential } from '../../../../src/kernel/tokens/token-provider.ts';
import { down, hour, outcomesOf, setUpCache } from '../../../support/cached-token.ts';
import { newCredential } from '../../../support/scripted-link.ts';
import { turn } from '../../../support/turn.ts';

describe('a provider that fails', () => {
  it('fails all who wait with one error, and then each at once, until it may be asked again', async () => {
    const { get, clock, script } = setUpCache();
    const pending = [get(), get()];
    script.call.fail(down());
    const [one, other] = (await outcomesOf(pending)).map((result) => 'reason' in result && result.reason);
    expect(one).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      retryAfterSeconds: 1,
      context: { tokenProvider: 'inner' },
    });
    expect(other).toBe(one);
    await clock.advance(999);
    expect(get).toThrow(expect.objectContaining({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 1 }));
    expect(script.calls).toHaveLength(1);
    await clock.advance(1);
    const later = get();
    const token = script.call.give(hour);
    expect(await later).toBe(token);
  });

  it.each([
    ['5 s', 5, 5_000],
    ['a minute where it says more', 600, 60_000],
    ['the usual time where it says less', 0, 1_000],
  ])('is left alone for %s when it says so', async (_time, retryAfterSeconds, quiet) => {
    const { get, clock, script } = setUpCache();
    const pending = get();
    script.call.fail(tokenUnavailable('slow_down', { retryAfterSeconds }));
    await expect(pending).rejects.toMatchObject({ retryAfterSeconds: quiet / 1_000 });
    await clock.advance(quiet - 1);
    expect(get).toThrow(
      expect.objectContaining({ retryAfterSeconds: 1, context: expect.objectContaining({ reason: 'slow_down' }) }),
    );
    await clock.advance(1);
    void get();
    expect(script.calls).toHaveLength(2);
    script.call.give();
  });

  it('is asked once a second while it is down for a minute, and serves within 2 s of its return', async () => {
    const { get, clock, script } = setUpCache();
    for (let time = 0; time < 60_000; time += 50) {
      await Promise.allSettled([(async () => get())(), ...script.open.map(async (call) => call.fail(down()))]);
      await clock.advance(50);
    }
    expect(script.calls.length).toBeLessThanOrEqual(60);
    const returned = clock.now();
    const isServed = async (): Promise<boolean> => {
      const pending = (async () => get())();
      script.open[0]?.give(hour);
      return pending.then(
        () => true,
        () => false,
      );
    };
    while (!(await isServed())) await clock.advance(50);
    expect(clock.now() - returned).toBeLessThan(2_000);
  });

  it('is asked again for the next caller where only the key of a caller was missing', async () => {
    const { get, script, meter, cache } = setUpCache();
    const pending = get();
    script.call.fail(new SluiceError('CALLER_KEY_MISSING', { details: { headers: 'x-key' } }));
    await expect(pending).rejects.toMatchObject({ code: 'CALLER_KEY_MISSING' });
    const next = get();
    script.call.give(hour);
    await next;
    expect(meter.value('token_refresh_failures')).toBe(0);
    expect(cache.state().status).toBe('ready');
  });

  it('does not take a token away from those who come after', async () => {
    const { get, fetch, clock, script, cache } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(0.8 * hour);
    expect(get()).toBe(token);
    script.call.fail(down());
    await turn();
    expect(get()).toBe(token);
    expect(cache.state()).toEqual({ status: 'ready', expiresInSeconds: 720 });
  });

  it('that never answers is left before those who wait give up, also where nobody else comes', async () => {
    const { get, clock, script } = setUpCache();
    const early = get();
    const failing = expect(early).rejects.toMatchObject({ context: { reason: 'the token did not come in time' } });
    await clock.advance(24_999);
    const late = get();
    expect(script.calls).toHaveLength(1);
    await clock.advance(1);
    await failing;
    await expect(late).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    expect([script.open, clock.pending]).toEqual([[], 0]);
    expect(get).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
    await clock.advance(1_000);
    void get();
    expect(script.calls).toHaveLength(2);
    script.call.give();
  });

  it('that hangs in the background takes nothing away from the token that lives', async () => {
    const { get, fetch, clock, script } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(0.8 * hour);
    for (let time = 0; time < 0.2 * hour; time += 5_000) {
      if (clock.now() < (token.expiresAt ?? 0)) expect(await get()).toBe(token);
      await clock.advance(5_000);
    }
    expect(script.calls.length).toBeLessThanOrEqual(30);
  });
});

describe('what a cache takes', () => {
  const counting = () => {
    const counts = new Map<Credential, number>();
    const settled = (credential: Credential): void => void counts.set(credential, (counts.get(credential) ?? 0) + 1);
    return { counts, settled };
  };

  it('is given back to its provider once, however many use it', async () => {
    const { counts, settled } = counting();
    const { cache, get, fetch } = setUpCache({}, { settled });
    const token = await fetch(hour);
    for (let index = 0; index < 10; index += 1) expect(get()).toBe(token);
    cache.refuse(token);
    expect([...counts]).toEqual([[token, 1]]);
  });

  it.each(['too late', 'after the end of the cache'])('is given back where it comes %s', async (when) => {
    const { counts, settled } = counting();
    const { promise, resolve } = Promise.withResolvers<Credential>();
    const { get, clock, ending } = setUpCache({}, { settled, getToken: () => promise });
    const pending = outcomesOf([get()]);
    if (when === 'too late') await clock.advance(25_000);
    else ending.abort(new SluiceError('DRAINING'));
    await pending;
    const token = newCredential();
    resolve(token);
    await turn();
    expect([...counts]).toEqual([[token, 1]]);
    expect(clock.pending).toBe(0);
  });

  it('is given back where it is over already', async () => {
    const { counts, settled } = counting();
    const { get, clock, script } = setUpCache({}, { settled });
    const pending = outcomesOf([get()]);
    await clock.advance(2_000);
    const token = script.call.give(1_000);
    await pending;
    expect([...counts]).toEqual([[token, 1]]);
  });
});

describe('a call', () => {
  it('goes on when the run that began it ends, which waits no longer', async () => {
    const { cache, run, script } = setUpCache();
    const leaving = new AbortController();
    const pending = cache.getToken({ ...run, signal: leaving.signal });
    const other = cache.getToken(run);
    leaving.abort(new SluiceError('CLIENT_GONE'));
    await expect(pending).rejects.toMatchObject({ code: 'CLIENT_GONE' });
    expect(script.call.run.signal.aborted).toBe(false);
    const token = script.call.give(hour);
    expect(await other).toBe(token);
  });

  it('is made in the context of no run, on behalf of nobody', async () => {
    const seen: unknown[] = [];
    const { cache, run } = setUpCache(
      {},
      {
        async getToken(asking) {
          seen.push(currentRun.getStore(), asking.caller.id, asking.presented('authorization'));
          await turn();
          seen.push(currentRun.getStore());
          return newCredential();
        },
      },
    );
    const caller = { id: 'ann', tier: 'gold', scopes: [] };
    await currentRun.run({ runId: 'r', fail: () => {} }, () => cache.getToken({ ...run, caller }));
    expect(seen).toEqual([undefined, 'anonymous', undefined, undefined]);
  });

  it('is made on behalf of the caller where tokens differ by caller', async () => {
    const { cache, run, script } = setUpCache({}, { subject: ({ caller }) => caller.id });
    const caller = { id: 'ann', tier: 'gold', scopes: [] };
    void cache.getToken({ ...run, caller });
    expect(script.call.run.caller).toBe(caller);
    expect(script.call.run.signal).not.toBe(run.signal);
    script.call.give();
  });

  it('is over at once where the provider answers at once', async () => {
    const tokens = [newCredential(), newCredential()];
    const { get, clock } = setUpCache({ ttl: 10_000 }, { getToken: () => tokens.shift() ?? newCredential() });
    const [first, second] = tokens;
    expect(get()).toBe(first);
    await clock.advance(8_000);
    expect(get()).toBe(second);
  });

  it('that fails at once fails at once, once a second', async () => {
    let calls = 0;
    const { get, clock } = setUpCache(
      {},
      {
        getToken() {
          calls += 1;
          throw down();
        },
      },
    );
    expect(get).toThrow(expect.objectContaining({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 1 }));
    await clock.advance(999);
    expect(get).toThrow(expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }));
    expect(calls).toBe(1);
  });

  it('ends when the cache does, and so does each wait; no other one begins', async () => {
    const { get, ending, script, meter } = setUpCache();
    const pending = get();
    ending.abort(new SluiceError('DRAINING'));
    await expect(pending).rejects.toMatchObject({ code: 'DRAINING' });
    expect(script.call.run.signal.aborted).toBe(true);
    expect(get).toThrow(expect.objectContaining({ code: 'DRAINING' }));
    expect(script.calls).toHaveLength(1);
    expect(meter.value('token_refresh_failures')).toBe(0);
  });
});
