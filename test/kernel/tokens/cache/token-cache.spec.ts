import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import { all, down, hour, outcomesOf, setUpCache } from '../../../support/cached-token.ts';
import { turn } from '../../../support/turn.ts';

describe('a token that lives', () => {
  it('is given at once, as the very object that the provider gave', async () => {
    const { get, fetch, script, clock } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(0.8 * hour - 1);
    expect(get()).toBe(token);
    expect(script.calls).toHaveLength(1);
  });

  it('is fetched once for a thousand that wait', async () => {
    const { get, script, meter } = setUpCache();
    const pending = Array.from({ length: 1_000 }, get);
    const token = script.call.give(hour);
    expect(new Set(await all(pending))).toEqual(new Set([token]));
    expect(script.calls).toHaveLength(1);
    expect(meter.value('token_refreshes')).toBe(1);
  });

  it.each([
    ['at four fifths of its life', hour, {}, 0, 0.8 * hour],
    ['up to a tenth of its life earlier', hour, {}, 0.999_999, 0.7 * hour],
    ['before its last minute', 200_000, {}, 0.5, 130_000],
    ['at half of a short life', 60_000, {}, 0.5, 27_000],
    ['when the author says', hour, { refreshAt: 0.5 }, 0, 0.5 * hour],
    ['not at once, even where that is early', hour, { refreshAt: 0.1 }, 0.999_999, 0.05 * hour],
    ['by the usual lifetime where nobody knows it', undefined, {}, 0.5, 225_000],
    ['by the lifetime of the author where nobody knows it', undefined, { ttl: 100_000, skew: 0 }, 0, 80_000],
    ['by the lifetime of the author where that is shorter', hour, { ttl: 100_000, skew: 0 }, 0, 80_000],
    ['by the usual lifetime where it is said to live for ever', Infinity, {}, 0.5, 225_000],
    ['by its own lifetime where that is shorter', 100_000, { ttl: hour, skew: 0 }, 0, 80_000],
  ])('is refreshed %s', async (_when, lifetime, rules, random, due) => {
    const { get, fetch, script, clock } = setUpCache(rules, { random });
    const token = await fetch(lifetime);
    await clock.advance(due - 2);
    expect(get()).toBe(token);
    expect(script.calls).toHaveLength(1);
    await clock.advance(4);
    expect(get()).toBe(token);
    expect(get()).toBe(token);
    expect(script.calls).toHaveLength(2);
    const next = script.call.give(hour);
    await turn();
    expect(get()).toBe(next);
    expect(script.calls).toHaveLength(2);
  });

  it('is not thought younger than the question for it', async () => {
    const { get, clock, script } = setUpCache({ skew: 0 });
    const pending = get();
    await clock.advance(5_000);
    const token = script.call.give(10_000);
    await pending;
    await clock.advance(2_999);
    expect(get()).toBe(token);
    expect(script.calls).toHaveLength(1);
    await clock.advance(1);
    expect(get()).toBe(token);
    expect(script.calls).toHaveLength(2);
  });

  it('is not asked for again and again while the provider has no newer one', async () => {
    const { get, fetch, clock, script } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(hour - 2_000);
    for (let time = 0; time < 1_900; time += 20) {
      const pending = get();
      script.open[0]?.giveThis(token);
      expect(await pending).toBe(token);
      await clock.advance(20);
    }
    expect(script.calls).toHaveLength(3);
  });
});

describe('a token whose end is near', () => {
  it.each([
    ['in its last minute', hour, 59_999],
    ['more than a second before its end', hour, 1_001],
    ['in the second half of a short life', 10_000, 4_999],
    ['in the first half of a life of a second', 1_000, 501],
    ['in the last moment', hour, 100],
    ['in the last moment of a life of a second', 1_000, 50],
    ['in its last millisecond', hour, 1],
  ])('is given at once %s, while a new one is fetched', async (_when, lifetime, left) => {
    const { get, fetch, clock, script } = setUpCache({}, { random: 0.999_999 });
    const token = await fetch(lifetime);
    await clock.advance(lifetime - left);
    expect([get(), get()]).toEqual([token, token]);
    expect(script.calls).toHaveLength(2);
    const next = script.call.give(hour);
    await turn();
    expect(get()).toBe(next);
  });

  it.each([
    ['in its last second', hour, 1_000],
    ['shortly before its end', hour, 102],
    ['in the last half of a life of a second', 1_000, 500],
  ])('is replaced %s by the one that all wait for', async (_when, lifetime, left) => {
    const { get, fetch, clock, script } = setUpCache();
    await fetch(lifetime);
    await clock.advance(lifetime - left);
    const pending = [get(), get()];
    expect(pending.map((one) => one instanceof Promise)).toEqual([true, true]);
    const next = script.call.give(hour);
    expect(await all(pending)).toEqual([next, next]);
    expect([script.calls.length, clock.pending]).toEqual([2, 0]);
  });

  it.each([
    [hour, 1_000, 100],
    [1_000, 500, 50],
    [20, 10, 1],
  ])(
    'is given to those who wait before it ends, while the call hangs (life of %i ms)',
    async (lifetime, left, last) => {
      const { get, fetch, clock, script } = setUpCache();
      const token = await fetch(lifetime);
      await clock.advance(lifetime - left);
      const seen: unknown[] = [];
      for (const pending of [get(), get()])
        void Promise.resolve(pending).then((one) => seen.push([one === token, clock.now() < (token.expiresAt ?? 0)]));
      await clock.advance(left - last - 1);
      expect(seen).toEqual([]);
      await clock.advance(1);
      expect(seen).toEqual([
        [true, true],
        [true, true],
      ]);
      expect(get()).toBe(token);
      await clock.advance(last);
      const late = get();
      expect(script.calls).toHaveLength(2);
      const next = script.call.give(hour);
      expect(await late).toBe(next);
      expect(clock.pending).toBe(0);
    },
  );

  it('is given to those who wait as soon as the call fails', async () => {
    const { get, fetch, clock, script, meter } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(hour - 900);
    const pending = [get(), get()];
    script.call.fail(down());
    expect(await all(pending)).toEqual([token, token]);
    expect(get()).toBe(token);
    expect([meter.value('token_refresh_failures'), clock.pending]).toEqual([1, 0]);
  });

  it('is not given to those who wait where it was refused meanwhile', async () => {
    const { cache, get, fetch, clock, script } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(hour - 900);
    const pending = get();
    expect(cache.refuse(token)).toBe('dropped');
    await clock.advance(2_000);
    const next = script.call.give(hour);
    expect(await pending).toBe(next);
  });

  it('is not waited for by a run that ends', async () => {
    const { cache, run, fetch, clock, script } = setUpCache();
    await fetch(hour);
    await clock.advance(hour - 900);
    const leaving = new AbortController();
    const pending = cache.getToken({ ...run, signal: leaving.signal });
    leaving.abort(new SluiceError('CLIENT_GONE'));
    await expect(pending).rejects.toMatchObject({ code: 'CLIENT_GONE' });
    expect([script.open.length, clock.pending]).toEqual([1, 1]);
    script.call.give(hour);
    await turn();
    expect(clock.pending).toBe(0);
  });

  it('of ten seconds is served while it lives where the server is frozen, whenever it is asked for', async () => {
    const { get, fetch, clock, script } = setUpCache();
    const token = await fetch(10_000);
    await clock.advance(6_500);
    for (let time = 6_500; time < 9_000; time += 100) {
      expect(get()).toBe(token);
      await clock.advance(100);
    }
    expect(script.calls).toHaveLength(2);
    script.call.fail(down());
  });

  it('serves to its end and not beyond, however often the refresh fails', async () => {
    const { get, fetch, clock, script } = setUpCache();
    const token = await fetch(hour);
    await clock.advance(0.8 * hour);
    while (clock.now() < (token.expiresAt ?? 0) - 100) {
      expect(await get()).toBe(token);
      script.open[0]?.fail(down());
      await clock.advance(12_345);
    }
    await clock.advance((token.expiresAt ?? 0) - clock.now() + 60_000);
    const pending = get();
    script.call.fail(down());
    await expect(pending).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
  });

  it('is used once by those who wait where the next one is as short', async () => {
    const { get, clock, script } = setUpCache();
    for (let round = 0; round < 3; round += 1) {
      const pending = [get(), get()];
      await clock.advance(600);
      const token = script.call.give(1_000);
      expect(await all(pending)).toEqual([token, token]);
      expect(script.calls).toHaveLength(round + 1);
      await clock.advance(400);
    }
  });

  it('is never given when it is over before it comes', async () => {
    const { get, clock, script } = setUpCache();
    const pending = get();
    await clock.advance(1_500);
    script.call.give(1_000);
    await expect(pending).rejects.toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'the token had expired when it came' },
    });
  });
});

describe('the state', () => {
  it('tells what a request would meet', async () => {
    const { cache, get, clock, script } = setUpCache();
    expect(cache.state()).toEqual({ status: 'idle' });
    const failing = get();
    expect(cache.state()).toEqual({ status: 'refreshing' });
    script.call.fail(down());
    await outcomesOf([failing]);
    expect(cache.state()).toEqual({ status: 'failing' });
    await clock.advance(1_000);
    const pending = get();
    script.call.give(hour);
    await pending;
    expect(cache.state()).toEqual({ status: 'ready', expiresInSeconds: 3_600 });
  });
});
