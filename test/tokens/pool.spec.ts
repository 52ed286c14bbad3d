import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { Credential } from '../../src/kernel/tokens/token-provider.ts';
import { fakeCredential, fakeLink, tokenOf, type FakeLink } from '../support/fake-link.ts';
import {
  callerRun,
  failingLink,
  failureOf,
  keyStates,
  linksOf,
  nextToken,
  poolOf,
  refuseKey,
  severalTokens,
  tokenServerDown,
  type Pool,
} from '../support/token-pool.ts';

describe('the choice of a pool', () => {
  it.each([
    ['abcabc', [1, 1, 1]],
    ['abaacaba', [5, 2, 1]],
    ['abaaba', [2, 1, 0]],
    ['aaaa', [1, 0, 0]],
  ])('in turn begins with %s for the weights %j (0 is drained)', async (expected, weights) => {
    const keys = linksOf('a', 'b', 'c').map((link, index) => {
      const weight = weights[index] ?? 1;
      return { link, weight: Math.max(1, weight), drain: weight === 0 };
    });
    expect(await severalTokens(poolOf(keys), expected.length)).toBe(expected);
  });

  it('by use takes the key with the fewest requests under way for its weight, and equals in turn', async () => {
    const [a, b] = linksOf('a', 'b');
    const test = poolOf([{ link: a as FakeLink, weight: 2 }, b as FakeLink], { strategy: 'least-used' });
    expect(await severalTokens(test, 6)).toBe('ababaa');
    const credential = (b as FakeLink).give(test.run) as Credential;
    test.pool.settled(credential, 'accepted');
    test.pool.settled(credential, 'failed');
    expect(await severalTokens(test, 2)).toBe('bb');
    expect(test.pool.state()).toMatchObject({ inUse: 6, links: [{ inUse: 4 }, { inUse: 2 }] });
  });

  it('by use counts what is on its way, too', async () => {
    const answers = [Promise.withResolvers<Credential>(), Promise.withResolvers<Credential>()];
    const links = linksOf('a', 'b');
    links.forEach((link, index) => (link.give = () => answers[index]?.promise ?? fakeCredential('?')));
    const test = poolOf(links, { strategy: 'least-used' });
    const taken = [nextToken(test), nextToken(test)];
    answers.forEach(({ resolve }, index) => resolve(fakeCredential(`${index}`)));
    expect(await Promise.all(taken)).toEqual(['0', '1']);
    expect(test.pool.state().inUse).toBe(2);
  });

  it('by use does not make up for the time in which a key was left out', async () => {
    const test = poolOf(linksOf('a', 'b'), { strategy: 'least-used' });
    const first = await test.pool.getToken(test.run);
    refuseKey(test, first, { reason: 'rate-limited' });
    for (let index = 0; index < 20; index += 1) test.pool.settled(await test.pool.getToken(test.run), 'accepted');
    await test.clock.advance(30_000);
    const tokens: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      const credential = await test.pool.getToken(test.run);
      tokens.push(tokenOf(credential));
      test.pool.settled(credential, 'accepted');
    }
    expect(tokens.filter((token) => token === 'a').length).toBeLessThanOrEqual(4);
  });

  it('by caller is the same until its key is left out, which moves nobody else, and again when it returns', async () => {
    const test = poolOf(linksOf('a', 'b', 'c', 'd'), { strategy: 'sticky' });
    const callers = Array.from({ length: 200 }, (_, index) => `caller-${index}`);
    const all = (): Promise<string[]> => Promise.all(callers.map((id) => nextToken(test, callerRun(test.run, id))));
    const before = await all();
    expect(await all()).toEqual(before);
    expect(new Set(before).size).toBe(4);
    refuseKey(test, await test.pool.getToken(callerRun(test.run, 'caller-0')), { reason: 'rate-limited' });
    const during = await all();
    expect(during.filter((token, index) => token !== before[index]).length).toBe(
      before.filter((token) => token === before[0]).length,
    );
    expect(during).not.toContain(before[0]);
    await test.clock.advance(30_000);
    expect(await all()).toEqual(before);
  });

  it('by caller follows the weights and serves anonymous callers in turn', async () => {
    const [a, b] = linksOf('a', 'b');
    const test = poolOf([{ link: a as FakeLink, weight: 3 }, b as FakeLink], { strategy: 'sticky' });
    expect(await severalTokens(test, 8)).toBe('aabaaaba');
    const tokens: string[] = [];
    for (let index = 0; index < 2_000; index += 1) tokens.push(await nextToken(test, callerRun(test.run, `c${index}`)));
    expect(tokens.filter((token) => token === 'a').length / 2_000).toBeCloseTo(0.75, 1);
  });

  it('gives the credential of the key, at once and as it is', () => {
    const link = fakeLink('a');
    const { pool, run } = poolOf([link]);
    expect(pool.getToken(run)).toBe(link.give(run));
  });
});

describe('a key that fails', () => {
  it.each([
    [
      'throws',
      () => {
        throw tokenServerDown();
      },
    ],
    ['rejects', () => Promise.reject(tokenServerDown())],
  ])('and %s is left out, and the run gets another', async (_title, give) => {
    const [first, second] = [fakeLink('a', { give }), fakeLink('b')];
    const test = poolOf([first, second]);
    expect(await severalTokens(test, 4)).toBe('bbbb');
    expect(first.asked).toBe(1);
    expect(keyStates(test)).toEqual(['a cooling 30 unavailable', 'b ready']);
    expect(test.log.messages('info')).toEqual(['a key of a pool cools down']);
    expect(test.log.lines[0]?.fields).toEqual({ tokenProvider: 'a', reason: 'unavailable', seconds: 30 });
    expect(test.meter.snapshot()).toEqual({ token_pool_cooled: 1 });
    first.give = () => fakeCredential('a');
    await test.clock.advance(30_000);
    expect((await severalTokens(test, 4)).split('').toSorted().join('')).toMatch(/^a{1,3}b+$/);
    expect(test.log.messages('info')).toContain('a key of a pool returns');
  });

  it('is tried once a second where there is no other, and works again as soon as it does', async () => {
    const link = failingLink('a');
    const test = poolOf([link]);
    for (let index = 0; index < 50; index += 1)
      expect(await failureOf(test)).toMatchObject({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 1 });
    expect(link.asked).toBe(1);
    expect((await failureOf(test)).context['reasons']).toBe('a: TOKEN_UNAVAILABLE unavailable');
    for (let second = 1; second <= 60; second += 1) {
      await test.clock.advance(1_000);
      await failureOf(test);
      await failureOf(test);
    }
    expect(link.asked).toBe(61);
    link.give = () => fakeCredential('a');
    await test.clock.advance(1_000);
    expect(await severalTokens(test, 3)).toBe('aaa');
    expect(keyStates(test)).toEqual(['a ready']);
    expect(test.meter.value('token_pool_cooled')).toBe(1);
  });

  it('is believed when it says how long it will last', async () => {
    const link = failingLink('a', tokenServerDown(90));
    const test = poolOf([link]);
    expect((await failureOf(test)).context['reasons']).toBe('a: TOKEN_UNAVAILABLE down');
    await test.clock.advance(60_000);
    expect(await failureOf(test)).toMatchObject({ retryAfterSeconds: 30 });
    expect(link.asked).toBe(1);
  });

  it('for one caller only is not left out', async () => {
    const missing = new SluiceError('CALLER_KEY_MISSING', { details: { headers: 'x-key' } });
    expect(await failureOf(poolOf([failingLink('a', missing), failingLink('b', missing)]))).toMatchObject({
      code: 'CALLER_KEY_MISSING',
    });
    const test = poolOf([failingLink('a', missing), fakeLink('b')]);
    expect(await severalTokens(test, 2)).toBe('bb');
    expect(keyStates(test)).toEqual(['a ready', 'b ready']);
  });
});

describe('a pool whose run ends', () => {
  const gone = new SluiceError('CLIENT_GONE');

  it.each(['round-robin', 'least-used', 'sticky'] as const)('counts nothing and cools nobody: %s', async (strategy) => {
    const { promise, resolve } = Promise.withResolvers<Credential>();
    const link = fakeLink('a', { give: () => promise });
    const test = poolOf([link, link], { strategy });
    const ended = failureOf(test);
    test.abort.abort(gone);
    expect(await ended).toBe(gone);
    resolve(fakeCredential('late'));
    await test.clock.advance(0);
    expect(link.asked).toBe(1);
    expect(link.outcomes).toEqual(['failed']);
    expect(test.pool.state()).toMatchObject({ inUse: 0, links: [{ status: 'ready' }, { status: 'ready' }] });
  });

  it('is forgotten by the choice, too', async () => {
    const [first, second] = linksOf('a', 'b');
    if (first === undefined || second === undefined) throw new Error('there are two');
    const give = first.give;
    first.give = () => new Promise(() => undefined);
    const test = poolOf([first, second], { strategy: 'least-used' });
    const controller = new AbortController();
    const ended = test.pool.getToken({ ...test.run, signal: controller.signal });
    controller.abort(gone);
    await expect(ended).rejects.toBe(gone);
    first.give = give;
    expect(await severalTokens(test, 4)).toBe('baab');
  });

  it('leaves the key that it was to try to the next one', async () => {
    const links = linksOf('a', 'b');
    const test = poolOf(links);
    refuseKey(test, await test.pool.getToken(test.run));
    await test.clock.advance(300_000);
    expect(await severalTokens(test, 1)).toBe('b');
    const [first] = links as [FakeLink, FakeLink];
    const { give } = first;
    first.give = () => new Promise(() => undefined);
    const controller = new AbortController();
    const trial = test.pool.getToken({ ...test.run, signal: controller.signal });
    expect(await severalTokens(test, 3)).toBe('bbb');
    controller.abort(gone);
    await expect(trial).rejects.toBe(gone);
    first.give = give;
    expect(await severalTokens(test, 4)).toContain('a');
  });
});

describe('what a pool says of itself', () => {
  it.each([
    [[0], 0],
    [[1], 1],
    [[1, 1], 2],
    [[0, 0, 0], 2],
    [[0, 3], 4],
    [Array.from({ length: 20 }, () => 1), 7],
  ])('with keys that have %j spares, or others, it has %d', (counts, expected) => {
    const spares = counts.map((count, index) => fakeLink(`k${index}`, { spares: count }));
    expect(poolOf(spares).pool.spares).toBe(expected);
    const others = counts.map((count, index) => fakeLink(`k${index}`, { others: count }));
    expect(poolOf(others).pool.others).toBe(expected);
  });

  it('a drained key is shown as such and gets no request, but hears of those that it has', async () => {
    const [drained, other] = [fakeLink('a'), fakeLink('b')];
    const test = poolOf([{ link: drained, drain: true }, other]);
    expect(await severalTokens(test, 3)).toBe('bbb');
    expect(drained.asked).toBe(0);
    expect(keyStates(test)).toEqual(['a cooling drained', 'b ready']);
  });

  it('it tells callers apart where it is sticky or one of its keys does', () => {
    const subject = ({ pool, run }: Pool, id: string): string | undefined => pool.subject?.(callerRun(run, id));
    const sticky = poolOf(linksOf('a', 'b'), { strategy: 'sticky' });
    expect(subject(sticky, 'ann')).not.toBe(subject(sticky, 'bob'));
    const own = poolOf([fakeLink('a', { subject: ({ caller }) => caller.id }), fakeLink('b')]);
    expect(subject(own, 'ann')).not.toBe(subject(own, 'bob'));
    expect(subject(own, 'ann')).toBe(subject(own, 'ann'));
    expect(poolOf(linksOf('a')).pool).not.toHaveProperty('subject', expect.anything());
  });

  it('refuses a pool without a key to use', () => {
    expect(() => poolOf([{ link: fakeLink('a'), drain: true }])).toThrow('one at least must not be drained');
  });
});
