import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, Refusal, TokenLink, TokenRun } from '../../src/kernel/tokens/token-provider.ts';
import { cacheTokenProvider } from '../../src/tokens/cache.ts';
import { chainedTokenProvider } from '../../src/tokens/chained.ts';
import { passthroughTokenProvider } from '../../src/tokens/passthrough.ts';
import { poolTokenProvider } from '../../src/tokens/pool.ts';
import { fakeCredential, fakeLink, tokenOf, type FakeLink } from '../support/fake-link.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

/*
 * Real wrappers in each other, with fakes at the bottom. A run here does what one does to a provider of models: it takes a
 * credential, is refused or not, and tries as often as it may.
 */

interface Nest extends TestRun {
  readonly cache: (provider: TokenLink) => TokenLink;
  readonly chain: (...providers: TokenLink[]) => TokenLink;
  readonly pool: (...keys: TokenLink[]) => TokenLink;
  readonly leastUsed: (...keys: TokenLink[]) => TokenLink;
  readonly passthrough: () => TokenLink;
}

function nest(): Nest {
  const test = testRun();
  const { capabilities } = test;
  const poolOf = (strategy: 'round-robin' | 'least-used', keys: readonly TokenLink[]): TokenLink => {
    const config = { keys: keys.map((provider) => ({ provider })), strategy, coolDowns: {} };
    return linkOf({ name: 'pool', type: 'pool', provider: poolTokenProvider.create(config, capabilities) }, test);
  };
  return {
    ...test,
    cache: (provider) => {
      const config = { provider, skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 };
      return linkOf({ name: 'cache', type: 'cache', provider: cacheTokenProvider.create(config, capabilities) }, test);
    },
    chain: (...providers) => {
      const provider = chainedTokenProvider.create({ providers, coolDown: '30s' }, capabilities);
      return linkOf({ name: 'chain', type: 'chained', provider }, test);
    },
    pool: (...keys) => poolOf('round-robin', keys),
    leastUsed: (...keys) => poolOf('least-used', keys),
    passthrough: () => {
      const config = { from: ['x-api-key'], header: 'authorization', scheme: 'Bearer' };
      return linkOf({ name: 'own', type: 'passthrough', provider: passthroughTokenProvider.create(config, {}) }, test);
    },
  };
}

const rejected: Refusal = { reason: 'rejected' };
const limited: Refusal = { reason: 'rate-limited', retryAfterMilliseconds: 5_000 };
const gone = new SluiceError('CLIENT_GONE');

/** What one run does; returns the credentials that it sent. */
async function send(
  link: TokenLink,
  run: TokenRun,
  refusalOf: (credential: Credential) => Refusal | undefined = () => undefined,
): Promise<Credential[]> {
  const tried: Credential[] = [];
  for (;;) {
    const credential = await link.getToken(run);
    if (tried.includes(credential)) {
      link.settled(credential, 'failed');
      return tried;
    }
    tried.push(credential);
    const refusal = refusalOf(credential);
    if (refusal === undefined) {
      link.accepted(credential);
      link.settled(credential, 'accepted');
      return tried;
    }
    link.settled(credential, 'refused');
    link.invalidate(credential, refusal);
    if (tried.length > (refusal.reason === 'rejected' ? link.spares : link.others)) return tried;
  }
}

const tokens = (credentials: readonly Credential[]): string[] => credentials.map(tokenOf);

/** What each link gave out and did not hear the end of. */
const isBalanced = (...links: FakeLink[]): boolean => links.every(({ asked, outcomes }) => asked === outcomes.length);

/** Sums of what pools anywhere below count as in use. */
function inUse({ inUse: own = 0, links = [] }: ReturnType<TokenLink['state']>): number {
  return own + links.reduce((sum, link) => sum + inUse(link), 0);
}

const keysOf = (...names: string[]): FakeLink[] => names.map((name) => fakeLink(name, { spares: 0 }));
/** Gives another token whenever the last was refused. */
function login(name = 'login'): FakeLink {
  const credentials = new Map<number, Credential>();
  const link: FakeLink = fakeLink(name, {
    give: () => {
      const count = link.refusals.length;
      const credential = credentials.get(count) ?? fakeCredential(`${name}-${count}`);
      credentials.set(count, credential);
      return credential;
    },
  });
  return link;
}

describe('a pool within something else', () => {
  /** A chain that finds the refused key of a pool before it comes to its last link. */
  async function passingOver() {
    const test = nest();
    const { chain, pool, run, clock } = test;
    const down = (seconds?: number) => (): never => {
      throw tokenUnavailable('down', { ...(seconds !== undefined && { retryAfterSeconds: seconds }) });
    };
    const [key, second, last] = [...keysOf('a'), fakeLink('second'), fakeLink('last')] as [
      FakeLink,
      FakeLink,
      FakeLink,
    ];
    const keys = pool(key);
    const outer = chain(keys, second, last);
    [second.give, last.give] = [down(), down(300)];
    // The pool leaves its key out for 30 s, the chain for a minute.
    await Promise.allSettled([send(outer, run, () => ({ reason: 'rate-limited' }))]);
    await clock.advance(31_000);
    return { ...test, keys, outer, key, last };
  }

  it('counts nothing as in use that a chain passed over', async () => {
    const { outer, keys, key, last, run } = await passingOver();
    last.give = () => fakeCredential('last');
    expect(tokens(await send(outer, run))).toEqual(['last']);
    expect([key.asked, inUse(keys.state()), isBalanced(key)]).toEqual([2, 0, true]);
  });

  it('counts nothing as in use when the run ends after a chain passed it over', async () => {
    const { outer, keys, key, last, run } = await passingOver();
    last.give = () => new Promise(() => undefined);
    const controller = new AbortController();
    const pending = Promise.allSettled([outer.getToken({ ...run, signal: controller.signal })]);
    controller.abort(gone);
    await pending;
    expect([key.asked, inUse(keys.state()), isBalanced(key)]).toEqual([2, 0, true]);
  });

  it('counts nothing as in use that another pool passed over for a caller', async () => {
    const { pool, chain, run, clock } = nest();
    const credential = fakeCredential('own');
    const own = fakeLink('own', { spares: 0, subject: ({ caller }) => caller.id, give: () => credential });
    const inner = pool(chain(own));
    const outer = pool(inner, fakeLink('shared', { spares: 0 }));
    for (let round = 0; round < 10; round += 1) {
      await send(outer, run, (one) => (tokenOf(one) === 'own' ? rejected : undefined));
      await clock.advance(10_000);
    }
    expect([inUse(inner.state()), inUse(outer.state())]).toEqual([0, 0]);
  });

  it.each(['one by one', 'at once'])('counts right where its keys share a credential: %s', async (how) => {
    const { leastUsed, chain, run } = nest();
    const shared = fakeLink('shared');
    const failing = (name: string): FakeLink =>
      fakeLink(name, {
        give: () => {
          throw tokenUnavailable('down');
        },
      });
    const keys = leastUsed(chain(failing('a'), shared), chain(failing('b'), shared), shared);
    const count = 30;
    if (how === 'one by one') for (let index = 0; index < count; index += 1) await send(keys, run);
    else {
      const taken = await Promise.all(Array.from({ length: count }, async () => keys.getToken(run)));
      expect(keys.state().inUse).toBe(count);
      expect(keys.state().links?.map((link) => link.inUse)).toEqual([10, 10, 10]);
      for (const credential of taken) keys.settled(credential, 'accepted');
    }
    expect(keys.state().links?.map((link) => link.inUse)).toEqual([0, 0, 0]);
    // What was not taken is not given back.
    keys.settled(await shared.give(run), 'failed');
    expect(keys.state().inUse).toBe(0);
  });

  it('under a cache has nothing in use, and the cache turns to another key where one is used too much', async () => {
    const { cache, pool, run, clock } = nest();
    const keys = pool(...keysOf('a', 'b'));
    const outer = cache(keys);
    expect(tokens(await send(outer, run))).toEqual(['a']);
    await clock.advance(2_000);
    expect(tokens(await send(outer, run, (one) => (tokenOf(one) === 'a' ? limited : undefined)))).toEqual(['a', 'b']);
    expect(tokens(await send(outer, run))).toEqual(['b']);
    expect(inUse(outer.state())).toBe(0);
  });
});

describe('a cache around a chain', () => {
  it('gives each caller its own key, and the fixed one to those without', async () => {
    const { cache, chain, passthrough, run } = nest();
    const outer = cache(chain(passthrough(), fakeLink('fixed')));
    const asking = (key?: string): TokenRun => ({
      ...run,
      presented: () => (key === undefined ? undefined : new Secret('x-api-key', () => key)),
    });
    const [anns, bobs, nobodys] = [asking('ann'), asking('bob'), asking()].map((one) => outer.getToken(one));
    expect(new Set([anns, bobs, nobodys]).size).toBe(3);
    expect(outer.getToken(asking('ann'))).toBe(anns);
    expect(outer.getToken(asking())).toBe(nobodys);
    expect(tokenOf(await outer.getToken(asking()))).toBe('fixed');
  });

  it('asks the login once for a thousand runs, renews it once, and falls back while it is down', async () => {
    const { cache, chain, run, clock } = nest();
    const [first, fixed] = [login(), fakeLink('fixed')];
    const outer = cache(chain(cache(first), fixed));
    await Promise.all(Array.from({ length: 1_000 }, () => send(outer, run)));
    expect(first.asked).toBe(1);
    await clock.advance(10_000);
    const isOld = (one: Credential): Refusal | undefined => (tokenOf(one) === 'login-0' ? rejected : undefined);
    const sent = await Promise.all(Array.from({ length: 50 }, () => send(outer, run, isOld)));
    expect(new Set(sent.map((one) => tokens(one).join()))).toEqual(new Set(['login-0,login-1']));
    expect(first.asked).toBe(2);
    first.give = () => {
      throw tokenUnavailable('down');
    };
    await clock.advance(3_600_000);
    await Promise.all(Array.from({ length: 50 }, () => send(outer, run)));
    expect(tokens(await send(outer, run))).toEqual(['fixed']);
    expect(isBalanced(fixed)).toBe(true);
  });

  it('has a few attempts where everything is refused, and asks nobody in a circle', async () => {
    const { cache, chain, pool, run, clock } = nest();
    const logins = Array.from({ length: 16 }, (_, index) => login(`l${index}`));
    const keys = Array.from({ length: 16 }, (_, index) => fakeLink(`k${index}`));
    const outer = chain(pool(...keys), chain(...logins.map((link) => cache(link))), cache(chain(...logins)));
    for (let index = 0; index < 1_000; index += 1) {
      expect((await send(outer, run, () => rejected)).length).toBeLessThanOrEqual(8);
      await clock.advance(10);
    }
    expect(Math.max(...logins.map(({ asked }) => asked))).toBeLessThanOrEqual(60);
    expect(inUse(outer.state())).toBe(0);
  });
});

describe('a chain of pools', () => {
  it('goes on to the second when the first has no key left, and comes back', async () => {
    const { chain, pool, run, clock } = nest();
    const outer = chain(pool(...keysOf('a', 'b')), pool(...keysOf('c', 'd')));
    const onlyD = (one: Credential): Refusal | undefined => (tokenOf(one) === 'd' ? undefined : limited);
    expect(tokens(await send(outer, run, onlyD))).toEqual(['a', 'b', 'c', 'd']);
    expect(tokens(await send(outer, run))).toEqual(['d']);
    await clock.advance(6_000);
    expect(['a', 'b']).toContain(tokens(await send(outer, run))[0]);
    expect(inUse(outer.state())).toBe(0);
  });
});

describe('a credential that is there', () => {
  it.each(['chain', 'pool', 'cache'] as const)('costs a run in a %s no signal: it is made when it is read', (kind) => {
    const test = nest();
    const run: TokenRun = {
      ...test.run,
      get signal(): AbortSignal {
        throw new Error('nobody has to wait');
      },
    };
    expect(tokenOf(test[kind](fakeLink('a')).getToken(run) as Credential)).toBe('a');
  });
});

describe('a provider that never answers', () => {
  it.each([
    ['chain', 'by itself'],
    ['chain', 'in a cache'],
    ['pool', 'by itself'],
    ['pool', 'in a cache'],
  ] as const)('does not keep a %s from the next one, %s', async (kind, how) => {
    const test = nest();
    const { promise, resolve } = Promise.withResolvers<Credential>();
    const hanging = fakeLink('hanging', { give: () => promise });
    const outer = test[kind](how === 'by itself' ? hanging : test.cache(hanging), fakeLink('next'));
    const pending = outer.getToken(test.run);
    // A run waits for half a minute.
    await test.clock.advance(29_000);
    expect(tokenOf(await pending)).toBe('next');
    expect(tokenOf(await outer.getToken(test.run))).toBe('next');
    expect(test.clock.pending).toBe(0);
    resolve(fakeCredential('late'));
    await turn();
    expect(isBalanced(hanging)).toBe(true);
  });
});

describe('a thousand runs that fail', () => {
  it.each(['chain', 'pool', 'cache'] as const)('in a %s are a few lines in the log', async (kind) => {
    const test = nest();
    const failing = fakeLink('a', {
      give: () => {
        throw tokenUnavailable('down');
      },
    });
    const named = linkOf({ name: 'a', type: 'fake', provider: failing }, test);
    const outer = test[kind](named);
    for (let index = 0; index < 1_000; index += 1) {
      await Promise.allSettled([send(outer, test.run)]);
      await test.clock.advance(5);
    }
    expect(test.log.lines.length).toBeLessThanOrEqual(4);
  });

  it.each(['chain', 'pool', 'cache'] as const)('because all is refused in a %s are a few lines', async (kind) => {
    const test = nest();
    const links = [login('a'), login('b')].map((provider) => linkOf({ name: 'k', type: 'fake', provider }, test));
    const outer = kind === 'cache' ? test.cache(test.chain(...links)) : test[kind](...links);
    for (let index = 0; index < 1_000; index += 1) {
      await Promise.allSettled([send(outer, test.run, () => rejected)]);
      await test.clock.advance(5);
    }
    expect(test.log.lines.length).toBeLessThanOrEqual(6);
  });
});
