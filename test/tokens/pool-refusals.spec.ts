import { describe, expect, it } from '@jest/globals';
import type { Credential } from '../../src/kernel/tokens/token-provider.ts';
import { fakeCredential, fakeLink, tokenOf, type FakeLink } from '../support/fake-link.ts';
import {
  failingLink,
  failureOf,
  keyStates,
  linksOf,
  poolOf,
  refuseKey,
  severalTokens,
  tokenServerDown,
  type Pool,
} from '../support/token-pool.ts';

describe('a key that is refused', () => {
  it.each([
    ['rejected', {}, 300_000],
    ['rejected', { retryAfterMilliseconds: 400_000 }, 400_000],
    ['rate-limited', {}, 30_000],
    ['rate-limited', { retryAfterMilliseconds: 2_000 }, 2_000],
    ['rate-limited', { retryAfterMilliseconds: 1e12 }, 3_600_000],
    ['rate-limited', { retryAfterMilliseconds: Number.NaN }, 30_000],
    ['rate-limited', { retryAfterMilliseconds: -5 }, 30_000],
    ['quota', {}, 3_600_000],
    ['quota', { retryAfterMilliseconds: 1e12 }, 86_400_000],
  ] as const)('as %s %j is left out for %d ms and not a moment less', async (reason, told, milliseconds) => {
    const test = poolOf(linksOf('a', 'b'));
    refuseKey(test, await test.pool.getToken(test.run), { reason, ...told });
    expect(keyStates(test)).toEqual([`a cooling ${Math.ceil(milliseconds / 1_000)} ${reason}`, 'b ready']);
    expect(await severalTokens(test, 3)).toBe('bbb');
    await test.clock.advance(milliseconds - 1);
    expect(await severalTokens(test, 3)).toBe('bbb');
    await test.clock.advance(1);
    expect(await severalTokens(test, 3)).toContain('a');
  });

  it('takes the times of the author', async () => {
    const coolDowns = { rejected: '1m', rateLimited: '2m', quota: '3m', unavailable: '4m' };
    for (const [reason, seconds] of [
      ['rejected', 60],
      ['rate-limited', 120],
      ['quota', 180],
    ] as const) {
      const test = poolOf(linksOf('a'), { coolDowns });
      refuseKey(test, await test.pool.getToken(test.run), { reason });
      expect(keyStates(test)).toEqual([`a cooling ${seconds} ${reason}`]);
    }
    const test = poolOf([failingLink('a')], { coolDowns });
    await failureOf(test);
    expect(keyStates(test)).toEqual(['a cooling 240 unavailable']);
  });

  it.each([
    ['rejected', [300, 600, 1_200, 2_400, 3_600, 3_600]],
    ['quota', [3_600, 7_200, 14_400, 28_800, 57_600, 86_400, 86_400]],
  ] as const)('again and again as %s is left out for longer each time', async (reason, seconds) => {
    const test = poolOf(linksOf('a'));
    for (const expected of seconds) {
      refuseKey(test, await test.pool.getToken(test.run), { reason });
      expect(keyStates(test)).toEqual([`a cooling ${expected} ${reason}`]);
      await test.clock.advance(expected * 1_000);
    }
    test.pool.accepted(await test.pool.getToken(test.run));
    refuseKey(test, await test.pool.getToken(test.run), { reason });
    expect(keyStates(test)).toEqual([`a cooling ${seconds[0]} ${reason}`]);
  });

  it('is tried by one run before others get it', async () => {
    const test = poolOf(linksOf('a', 'b'));
    const credential = await test.pool.getToken(test.run);
    refuseKey(test, credential);
    await test.clock.advance(300_000);
    expect((await severalTokens(test, 6)).split('a')).toHaveLength(2);
    expect(keyStates(test)).toEqual(['a ready on probation', 'b ready']);
    test.pool.accepted(credential);
    expect(keyStates(test)).toEqual(['a ready', 'b ready']);
    expect((await severalTokens(test, 6)).split('a')).toHaveLength(4);
  });

  it.each([
    ['and for no longer than a refusal takes', ({ clock }: Pool) => clock.advance(1)],
    ['or until that one is over', async ({ pool }: Pool, trial: Credential) => pool.settled(trial, 'failed')],
  ])('is tried by one run before others get it, %s', async (_title, end) => {
    const test = poolOf(linksOf('a', 'b'));
    refuseKey(test, await test.pool.getToken(test.run));
    await test.clock.advance(300_000);
    expect(await severalTokens(test, 1)).toBe('b');
    const trial = await test.pool.getToken(test.run);
    expect(tokenOf(trial)).toBe('a');
    await test.clock.advance(1_999);
    expect(await severalTokens(test, 4)).toBe('bbbb');
    await end(test, trial);
    expect(await severalTokens(test, 4)).toContain('a');
    expect(keyStates(test)).toEqual(['a ready on probation', 'b ready']);
  });

  it('is given to all at once where there is no other', async () => {
    const test = poolOf(linksOf('a'));
    refuseKey(test, await test.pool.getToken(test.run));
    await test.clock.advance(300_000);
    const taken = Array.from({ length: 20 }, () => test.pool.getToken(test.run));
    for (const credential of taken) refuseKey(test, credential as Credential);
    expect(keyStates(test)).toEqual(['a cooling 600 rejected']);
  });

  it.each([
    ['rejected', { code: 'UPSTREAM_AUTH', status: 502, retryAfterSeconds: undefined }, 300],
    ['quota', { code: 'UPSTREAM_ERROR', status: 502, retryAfterSeconds: undefined }, 3_600],
    ['rate-limited', { code: 'UPSTREAM_RATE_LIMITED', status: 429, retryAfterSeconds: 30 }, 30],
  ] as const)('as %s is not given to those who asked before', async (reason, failure, seconds) => {
    const link = fakeLink('a', { spares: 0 });
    const test = poolOf([link]);
    const taken = await test.pool.getToken(test.run);
    const answers = ['a', 'a2'].map((name) => {
      const { promise, resolve } = Promise.withResolvers<Credential>();
      link.give = () => promise;
      return { waiting: test.pool.getToken(test.run), end: () => resolve(name === 'a' ? taken : fakeCredential(name)) };
    });
    refuseKey(test, taken, { reason });
    const [same, other] = answers;
    same?.end();
    await expect(same?.waiting).rejects.toMatchObject(failure);
    expect(keyStates(test)).toEqual([`a cooling ${seconds} ${reason}`]);
    expect(test.pool.state().inUse).toBe(0);
    other?.end();
    // Another credential of the same account would be limited as well.
    if (reason === 'rejected') expect(tokenOf((await other?.waiting) as Credential)).toBe('a2');
    else await expect(other?.waiting).rejects.toMatchObject(failure);
  });

  it('is left out as before where its link fails, too', async () => {
    const link = fakeLink('a', { spares: 0 });
    const test = poolOf([link]);
    const taken = await test.pool.getToken(test.run);
    link.give = () => Promise.reject(tokenServerDown());
    const waiting = failureOf(test);
    refuseKey(test, taken);
    expect(await waiting).toMatchObject({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 1 });
    expect(keyStates(test)).toEqual(['a cooling 300 rejected']);
  });

  it('is refused once for all who used it', async () => {
    const test = poolOf(linksOf('a'));
    const taken: Credential[] = [];
    for (let index = 0; index < 50; index += 1) taken.push(await test.pool.getToken(test.run));
    for (const credential of taken) refuseKey(test, credential);
    expect(keyStates(test)).toEqual(['a cooling 300 rejected']);
    expect(test.meter.value('token_pool_cooled')).toBe(1);
    expect(test.pool.state().inUse).toBe(0);
  });

  it.each([
    { reason: 'rate-limited', retryAfterMilliseconds: 60_000 },
    { reason: 'quota' },
    { reason: 'rejected' },
  ] as const)('is left out no longer because of a request that began before: %j', async (refusal) => {
    const test = poolOf(linksOf('a'));
    const taken = [await test.pool.getToken(test.run), await test.pool.getToken(test.run)] as const;
    refuseKey(test, taken[0], { reason: 'rate-limited' });
    refuseKey(test, taken[1], refusal);
    expect(keyStates(test)).toEqual(['a cooling 30 rate-limited']);
  });

  it('may not renew its credential where its account is used too much', async () => {
    const link = fakeLink('a', { give: () => fakeCredential('a') });
    const test = poolOf([link]);
    refuseKey(test, await test.pool.getToken(test.run), { reason: 'quota' });
    expect(keyStates(test)).toEqual(['a cooling 3600 quota']);
  });

  it('to one caller is left out for nobody, nor tried by one', async () => {
    const own = fakeLink('own', { spares: 0, subject: ({ caller }) => caller.id });
    const test = poolOf([own]);
    for (let count = 0; count < 3; count += 1) refuseKey(test, await test.pool.getToken(test.run));
    expect(keyStates(test)).toEqual(['own ready']);
    expect(await severalTokens(test, 2)).toBe('ownown');
  });

  it('may renew its credential once', async () => {
    let count = 1;
    const link = fakeLink('a', { give: () => fakeCredential(`a${count}`) });
    const test = poolOf([link]);
    refuseKey(test, await test.pool.getToken(test.run));
    expect(link.refusals).toHaveLength(1);
    count = 2;
    const renewed = await test.pool.getToken(test.run);
    expect(tokenOf(renewed)).toBe('a2');
    refuseKey(test, renewed);
    expect(keyStates(test)).toEqual(['a cooling 300 rejected']);
  });

  it('is left out when its link gives the refused credential again, and the run gets another key', async () => {
    const test = poolOf([fakeLink('a'), fakeLink('b')]);
    const [first, second] = [await test.pool.getToken(test.run), await test.pool.getToken(test.run)];
    refuseKey(test, first);
    expect(keyStates(test)).toEqual(['a ready', 'b ready']);
    expect(await test.pool.getToken(test.run)).toBe(second);
    expect(keyStates(test)).toEqual(['a cooling 300 rejected', 'b ready']);
  });

  it('that is a pool itself is left out when all of its keys are', async () => {
    const inner = poolOf([fakeLink('x', { spares: 0 }), fakeLink('y', { spares: 0 }), fakeLink('z', { spares: 0 })]);
    const test = poolOf([inner.pool as FakeLink, fakeLink('b', { spares: 0 })]);
    const tried: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      const credential = await test.pool.getToken(test.run);
      tried.push(tokenOf(credential));
      refuseKey(test, credential, { reason: 'rate-limited', retryAfterMilliseconds: 7_000 });
    }
    expect(tried.toSorted()).toEqual(['b', 'x', 'y', 'z']);
    expect(await failureOf(test)).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 7 });
  });
});

describe('a pool whose keys are all left out', () => {
  it('says when the first comes back, as a rate limit where it is one', async () => {
    const test = poolOf(linksOf('a', 'b'));
    const [first, second] = [await test.pool.getToken(test.run), await test.pool.getToken(test.run)];
    refuseKey(test, first, { reason: 'rate-limited', retryAfterMilliseconds: 4_200 });
    refuseKey(test, second);
    const limited = await failureOf(test);
    expect(limited).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 5 });
    expect(limited.context).toEqual({
      tokenProvider: 'pool',
      reason: 'no key of the pool can be used now',
      reasons: 'a: UPSTREAM_RATE_LIMITED rate-limited; b: UPSTREAM_AUTH rejected',
    });
    expect(test.pool.state()).toMatchObject({ status: 'cooling', coolingForSeconds: 5, reason: 'rate-limited' });
    await test.clock.advance(4_200);
    refuseKey(test, await test.pool.getToken(test.run), { reason: 'quota' });
    const spent = await failureOf(test);
    expect(spent).toMatchObject({ code: 'UPSTREAM_ERROR', status: 502, retryAfterSeconds: undefined });
    expect(spent.context).toMatchObject({ exhausted: true });
  });

  it('says as one that cannot wait that all of them were refused, and that all are spent', async () => {
    for (const [reason, code] of [
      ['rejected', 'UPSTREAM_AUTH'],
      ['quota', 'UPSTREAM_ERROR'],
    ] as const) {
      const test = poolOf([poolOf(linksOf('a')).pool as FakeLink, fakeLink('b', { spares: 0 })]);
      for (let index = 0; index < 2; index += 1)
        refuseKey(test, await test.pool.getToken(test.run), { reason, retryAfterMilliseconds: 5_000 });
      expect(await failureOf(test)).toMatchObject({ code, status: 502, retryAfterSeconds: undefined });
      expect(test.pool.state()).toMatchObject({ status: 'cooling', reason });
    }
  });
});
