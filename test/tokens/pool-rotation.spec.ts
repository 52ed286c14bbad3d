import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { cacheTokenProvider } from '../../src/tokens/cache.ts';
import { chainedTokenProvider } from '../../src/tokens/chained.ts';
import { staticTokenProvider } from '../../src/tokens/static.ts';
import { fakeCredential, fakeLink, tokenOf, type FakeLink } from '../support/fake-link.ts';
import {
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
import { testRun } from '../support/test-run.ts';

/* A key that was refused, and that another one has taken the place of. */

const rotate = (link: FakeLink | undefined, token: string): void => {
  const credential = fakeCredential(token);
  if (link !== undefined) link.give = () => credential;
};

async function refuseNext(test: Pool): Promise<Credential> {
  const credential = await test.pool.getToken(test.run);
  refuseKey(test, credential);
  return credential;
}

const revoked = { code: 'UPSTREAM_AUTH', status: 502, retryAfterSeconds: undefined };

describe('a pool whose refused key was replaced', () => {
  it('uses the new one a second later, as the key alone would', async () => {
    const links = linksOf('a', 'b');
    const test = poolOf(links);
    await refuseNext(test);
    await refuseNext(test);
    expect(await failureOf(test)).toMatchObject(revoked);
    for (const link of links) rotate(link, `${link.name}2`);
    await test.clock.advance(999);
    expect(await failureOf(test)).toMatchObject(revoked);
    await test.clock.advance(1);
    const credential = await test.pool.getToken(test.run);
    expect(['a2', 'b2']).toContain(tokenOf(credential));
    test.pool.accepted(credential);
    test.pool.settled(credential, 'accepted');
    expect([await nextToken(test), await nextToken(test)].toSorted()).toEqual(['a2', 'b2']);
  });

  it('looks once a second while it is the same key, sends nothing, and counts nothing as in use', async () => {
    const [link] = linksOf('a') as [FakeLink];
    const test = poolOf([link]);
    await refuseNext(test);
    for (let second = 1; second <= 20; second += 1) {
      await test.clock.advance(1_000);
      const asked = link.asked;
      for (let index = 0; index < 50; index += 1) expect(await failureOf(test)).toMatchObject(revoked);
      // It is looked at, told once more of the refusal, and asked whether that has helped.
      expect(link.asked - asked).toBe(2);
      expect(link.asked).toBe(link.outcomes.length);
    }
    expect(keyStates(test)).toEqual(['a cooling 280 rejected']);
    expect(test.pool.state().inUse).toBe(0);
    expect(test.log.messages('info')).toEqual(['a key of a pool cools down']);
  });

  it('looks at nothing as long as nobody asks for a token', async () => {
    const [link] = linksOf('a') as [FakeLink];
    const test = poolOf([link]);
    await refuseNext(test);
    await test.clock.advance(200_000);
    expect([link.asked, test.clock.pending]).toEqual([1, 0]);
  });

  it('gives the new one to all of fifty that ask in one turn where there is no other key', async () => {
    const [link] = linksOf('a') as [FakeLink];
    const test = poolOf([link]);
    await refuseNext(test);
    rotate(link, 'a2');
    await test.clock.advance(1_000);
    expect(await severalTokens(test, 50)).toBe('a2'.repeat(50));
    expect(test.pool.state().inUse).toBe(50);
  });

  it.each(['round-robin', 'least-used', 'sticky'] as const)(
    'tries the new one with one request where there are other keys, %s',
    async (strategy) => {
      const links = linksOf('a', 'b');
      const test = poolOf(links, { strategy });
      const first = links.find(({ name }) => name === 'a');
      expect(tokenOf(await refuseNext(test))).toBe('a');
      await test.clock.advance(1_000);
      expect(await severalTokens(test, 3)).toBe('bbb');
      rotate(first, 'A');
      await test.clock.advance(1_000);
      const tokens = await severalTokens(test, 10);
      expect(tokens.split('A')).toHaveLength(2);
      expect(keyStates(test)).toEqual(['a ready on probation', 'b ready']);
      test.pool.accepted((await first?.give(test.run)) as Credential);
      expect(keyStates(test)).toEqual(['a ready', 'b ready']);
    },
  );

  it('waits longer each time that another one is refused too', async () => {
    let count = 0;
    const link = fakeLink('a', { spares: 0, give: () => fakeCredential(`a${(count += 1)}`) });
    const test = poolOf([link, ...linksOf('b')]);
    let tried = 0;
    for (let second = 0; second < 300; second += 1) {
      for (let index = 0; index < 4; index += 1) {
        const credential = await test.pool.getToken(test.run);
        if (tokenOf(credential) === 'b') continue;
        tried += 1;
        refuseKey(test, credential);
      }
      await test.clock.advance(1_000);
    }
    expect(tried).toBeGreaterThan(5);
    expect(tried).toBeLessThanOrEqual(12);
    expect(link.asked).toBe(tried);
  });

  it('lets the others serve where a look fails, and looks again later', async () => {
    const [first, second] = linksOf('a', 'b') as [FakeLink, FakeLink];
    const test = poolOf([first, second]);
    await refuseNext(test);
    first.give = () => Promise.reject(tokenServerDown());
    for (let count = 0; count < 20; count += 1) {
      await test.clock.advance(1_000);
      expect(await severalTokens(test, 3)).toBe('bbb');
    }
    expect(first.asked).toBe(2);
    expect(keyStates(test)).toEqual(['a cooling 280 rejected', 'b ready']);
    rotate(first, 'A');
    await test.clock.advance(11_000);
    expect(await severalTokens(test, 4)).toContain('A');
  });

  it('asks a provider that fails once a second where there is no other key', async () => {
    const [link] = linksOf('a') as [FakeLink];
    const test = poolOf([link]);
    await refuseNext(test);
    link.give = () => Promise.reject(tokenServerDown());
    await test.clock.advance(1_000);
    expect(await failureOf(test)).toMatchObject({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 1 });
    rotate(link, 'a2');
    await test.clock.advance(1_000);
    expect(await nextToken(test)).toBe('a2');
  });

  it('has one look at a time, which ends with its run', async () => {
    const [first, second] = linksOf('a', 'b') as [FakeLink, FakeLink];
    const test = poolOf([first, second]);
    await refuseNext(test);
    const { promise, resolve } = Promise.withResolvers<Credential>();
    first.give = () => promise;
    await test.clock.advance(1_000);
    const controller = new AbortController();
    const run = { ...test.run, signal: controller.signal };
    const pending = Promise.allSettled([test.pool.getToken(run), test.pool.getToken(run), test.pool.getToken(run)]);
    for (let index = 0; index < 5; index += 1) {
      await test.clock.advance(1_000);
      expect(await nextToken(test)).toBe('b');
    }
    expect(first.asked).toBe(2);
    controller.abort(new Error('gone'));
    await pending;
    resolve(fakeCredential('late'));
    await test.clock.advance(0);
    expect(first.outcomes).toEqual(['refused', 'failed']);
    rotate(first, 'A');
    expect(await severalTokens(test, 3)).toContain('A');
  });

  it('leaves a key that is used too much alone, whatever it would give', async () => {
    for (const reason of ['rate-limited', 'quota'] as const) {
      const [link] = linksOf('a') as [FakeLink];
      const test = poolOf([link]);
      refuseKey(test, await test.pool.getToken(test.run), { reason });
      rotate(link, 'a2');
      await test.clock.advance(10_000);
      await failureOf(test);
      expect(link.asked).toBe(1);
    }
  });
});

describe('what the key of a pool is made of', () => {
  it('may be a file that was replaced', async () => {
    let text = 'key-1';
    const test = testRun();
    const provider = staticTokenProvider.create(
      { token: new Secret('file', () => text), header: 'authorization', scheme: 'Bearer' },
      {},
    );
    const link = linkOf({ name: 'key', type: 'static', provider }, test);
    const pool = poolOf([link as FakeLink]);
    await refuseNext(pool);
    expect(await failureOf(pool)).toMatchObject(revoked);
    text = 'key-2';
    await pool.clock.advance(1_000);
    const request = { headers: {} as Record<string, string> };
    await (await pool.pool.getToken(pool.run)).apply(request as never);
    expect(request.headers['authorization']).toBe('Bearer key-2');
  });

  it('may be a cache, which is made to fetch a new token where it is the only one', async () => {
    let count = 0;
    const login = fakeLink('login', { give: () => fakeCredential(`t${(count += 1)}`) });
    const test = poolOf(linksOf('unused'));
    const link = cached(test, login);
    const pool = poolOver(test, link);
    // The cache keeps what came just now, at the latest when it has exchanged it.
    for (let tries = 0; tries <= pool.pool.spares; tries += 1) {
      const refused = await Promise.resolve(refuseNext(pool)).catch(() => undefined);
      if (refused === undefined) break;
    }
    const asked = login.asked;
    expect(await failureOf(pool)).toMatchObject(revoked);
    await test.clock.advance(1_500);
    expect(await nextToken(pool)).toBe(`t${asked + 1}`);
    expect(login.asked).toBe(asked + 1);
    // It was told again, and nobody refused it again.
    expect(link.state().lastRefusal).toEqual({ reason: 'rejected', secondsAgo: 2 });
  });

  it('may be a pool or a chain, in which one was replaced', async () => {
    for (const wrap of [poolOver, chainOver]) {
      const keys = linksOf('x', 'y');
      const test = poolOf(linksOf('unused'));
      const pool = poolOver(test, wrap(test, ...keys).pool);
      const seen: string[] = [];
      for (let index = 0; index < 2; index += 1) seen.push(tokenOf(await refuseNext(pool)));
      expect(seen.toSorted()).toEqual(['x', 'y']);
      expect(await failureOf(pool)).toMatchObject(revoked);
      await test.clock.advance(1_000);
      expect(await failureOf(pool)).toMatchObject(revoked);
      rotate(keys[1], 'Y');
      await test.clock.advance(1_000);
      expect(await nextToken(pool)).toBe('Y');
      expect(pool.pool.state().inUse).toBe(1);
    }
  });
});

function cached(test: Pool, provider: TokenLink): TokenLink {
  const config = { provider, skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 };
  const cache = cacheTokenProvider.create(config, test.capabilities);
  return linkOf({ name: 'cache', type: 'cache', provider: cache }, test);
}

/** A pool that goes by the clock of another one. */
function poolOver(test: Pool, ...keys: readonly TokenLink[]): Pool {
  return { ...test, pool: poolOf(keys as FakeLink[], {}, test).pool };
}

function chainOver(test: Pool, ...providers: TokenLink[]): Pool {
  const provider = chainedTokenProvider.create({ providers, coolDown: '30s' }, test.capabilities);
  return { ...test, pool: linkOf({ name: 'chain', type: 'chained', provider }, test) };
}
