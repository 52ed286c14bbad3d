import { describe, expect, it } from '@jest/globals';
import type { Credential } from '../../../../src/kernel/tokens/token-provider.ts';
import { all, down, hour, outcomesOf, setUpCache } from '../../../support/cached-token.ts';
import { newCredential } from '../../../support/scripted-link.ts';

describe('a token that is refused', () => {
  it.each([0, 1, 999, 5_000])('is let go %i ms after it came, and fetched once for all', async (age) => {
    const { cache, get, fetch, clock, script } = setUpCache();
    const old = await fetch(hour);
    await clock.advance(age);
    const answers = Array.from({ length: 50 }, () => cache.refuse(old));
    expect(answers.filter((answer) => answer === 'dropped')).toHaveLength(1);
    const pending = Array.from({ length: 50 }, get);
    const next = script.call.give(hour);
    expect(new Set(await all(pending))).toEqual(new Set([next]));
    // Refusals that come late say nothing about the new one.
    expect(cache.refuse(old)).toBe('other');
    expect(get()).toBe(next);
    expect(script.calls).toHaveLength(2);
  });

  it('waits for the refresh that is under way, whose token is the one in its place', async () => {
    const { cache, get, fetch, clock, script } = setUpCache();
    const old = await fetch(hour);
    await clock.advance(0.8 * hour);
    expect(get()).toBe(old);
    expect(cache.refuse(old)).toBe('dropped');
    const pending = get();
    expect(script.calls).toHaveLength(2);
    const next = script.call.give(hour);
    expect(await pending).toBe(next);
    expect(cache.refuse(next)).toBe('kept');
  });

  it('is not given again where the refresh fails', async () => {
    const { cache, get, fetch, clock, script } = setUpCache();
    const old = await fetch(hour);
    await clock.advance(0.8 * hour);
    void get();
    cache.refuse(old);
    const pending = get();
    script.call.fail(down());
    await expect(pending).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    expect(get).toThrow(expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }));
    expect(script.calls).toHaveLength(2);
  });
});

describe('the token in the place of a refused one', () => {
  it('stays for a second where it is refused too, and goes then', async () => {
    const { cache, fetch, get, clock, script } = setUpCache();
    cache.refuse(await fetch(hour));
    const second = await fetch(hour);
    for (const wait of [0, 500, 499]) {
      await clock.advance(wait);
      expect([cache.refuse(second), get()]).toEqual(['kept', second]);
    }
    await clock.advance(1);
    expect(cache.refuse(second)).toBe('dropped');
    const third = await fetch(hour);
    expect(cache.refuse(third)).toBe('kept');
    expect(script.calls).toHaveLength(3);
  });

  it('is in its place also behind calls that fail', async () => {
    const { cache, fetch, get, clock, script } = setUpCache();
    cache.refuse(await fetch(hour));
    const failing = get();
    script.call.fail(down());
    await outcomesOf([failing]);
    await clock.advance(1_000);
    expect(cache.refuse(await fetch(hour))).toBe('kept');
  });

  it('may be the very one that was refused, where the provider has no other', async () => {
    const only = newCredential();
    let calls = 0;
    const giveOnly = (): Credential => {
      calls += 1;
      return only;
    };
    const { cache, get, clock } = setUpCache({}, { getToken: giveOnly });
    for (let time = 0; time < 10_000; time += 10) {
      expect(get()).toBe(only);
      cache.refuse(only);
      await clock.advance(10);
    }
    expect(calls).toBeLessThanOrEqual(11);
  });

  it('is renewed in time, and the renewed one is let go at once', async () => {
    const { cache, fetch, get, clock, script } = setUpCache();
    cache.refuse(await fetch(hour));
    await fetch(hour);
    await clock.advance(0.8 * hour);
    void get();
    const renewed = script.call.give(hour);
    await clock.advance(0);
    expect(get()).toBe(renewed);
    expect(cache.refuse(renewed)).toBe('dropped');
  });

  it('comes from each account that the provider can turn to, before one stays', async () => {
    const { cache, fetch } = setUpCache({}, { spares: 3 });
    const outcomes: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const token = outcomes.at(-1) === 'kept' ? undefined : await fetch(hour);
      if (token !== undefined) outcomes.push(cache.refuse(token));
    }
    expect(outcomes).toEqual(['dropped', 'dropped', 'dropped', 'kept']);
  });
});

describe('a thousand requests a second that are all refused', () => {
  /** Asks and is refused; whoever has to wait for a token gets one with this life. */
  function refusing({ cache, get, script }: ReturnType<typeof setUpCache>, lifetime: number) {
    return async (): Promise<Credential> => {
      const pending = get();
      script.open[0]?.give(lifetime);
      const token = await pending;
      cache.refuse(token);
      return token;
    };
  }

  it.each([hour, 60_000, 5_000, 1_000])('fetch two tokens, and then one a second (life of %i ms)', async (lifetime) => {
    const stage = setUpCache();
    const refuse = refusing(stage, lifetime);
    for (let second = 1; second <= 3; second += 1) {
      for (let count = 0; count < 1_000; count += 1) {
        await refuse();
        if (count % 10 === 9) await stage.clock.advance(10);
      }
      // Tokens of a second are renewed for another reason: before they end.
      if (lifetime > 1_000) expect(stage.script.calls.length).toBeLessThanOrEqual(1 + second);
    }
    expect(stage.script.calls.length).toBeLessThanOrEqual(lifetime > 1_000 ? 4 : 10);
  });

  it('fetch two tokens where the time stands still', async () => {
    const stage = setUpCache();
    const refuse = refusing(stage, hour);
    for (let count = 0; count < 1_000; count += 1) await refuse();
    expect(stage.script.calls).toHaveLength(2);
  });

  it('keep nobody waiting when a good token is there again', async () => {
    const stage = setUpCache();
    const refuse = refusing(stage, hour);
    for (let time = 0; time < 5_000; time += 50) {
      await refuse();
      await stage.clock.advance(50);
    }
    const bad = await refuse();
    await stage.clock.advance(1_000);
    expect(stage.cache.refuse(bad)).toBe('dropped');
    const good = await stage.fetch(hour);
    for (let count = 0; count < 100; count += 1) expect(stage.get()).toBe(good);
  });
});
