import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from '@jest/globals';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { CacheRules } from '../../src/kernel/tokens/cache/held-token.ts';
import { TokenCache } from '../../src/kernel/tokens/cache/token-cache.ts';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import type { Credential, TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { scriptedLink } from './scripted-link.ts';
import { testRun } from './test-run.ts';

const usualRules: CacheRules = { skew: 60_000, refreshAt: 0.8, failureTtl: 1_000 };

/** Milliseconds. */
export const hour = 3_600_000;
export const down = (): SluiceError => tokenUnavailable('the token server refused');

/** The cache of one token with a provider that is answered by hand. */
export function setUpCache(
  rules: Partial<CacheRules> = {},
  { random = 0, ...more }: Partial<TokenProvider> & { random?: number } = {},
) {
  const test = testRun();
  const script = scriptedLink(test, more);
  const ending = new AbortController();
  const cache = new TokenCache({
    link: script.link,
    rules: { ...usualRules, ...rules },
    clock: test.clock,
    meter: test.meter,
    signal: ending.signal,
    inNoRun: AsyncLocalStorage.snapshot(),
    random: () => random,
  });
  const get = (): Credential | Promise<Credential> => cache.getToken(test.run);
  /** Fetches a token with this lifetime. */
  const fetch = async (lifetime?: number): Promise<Credential> => {
    const pending = get();
    const credential = script.call.give(lifetime);
    expect(await pending).toBe(credential);
    return credential;
  };
  return { ...test, script, cache, get, fetch, ending };
}

/** All of them, or the first failure. */
export const all = (asked: readonly (Credential | Promise<Credential>)[]): Promise<Credential[]> =>
  Promise.all(asked.map(async (one) => one));

/** How each of them ends. */
export const outcomesOf = (
  asked: readonly (Credential | Promise<Credential>)[],
): Promise<PromiseSettledResult<Credential>[]> => Promise.allSettled(asked.map(async (one) => one));
