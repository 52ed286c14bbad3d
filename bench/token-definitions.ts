import type { TokenDefinition } from './token-engine.ts';

/** A key that somebody put into the environment of the process. */
const fixed = (name: string): TokenDefinition => ({ type: 'static', config: { token: { $env: name } } });

const cached = (provider: TokenDefinition): TokenDefinition => ({ type: 'cache', config: { provider } });

/** What token providers of the bench have in common: an endpoint and a client. */
const endpoint = {
  tokenUrl: 'https://login.invalid/token',
  clientId: 'sluice',
  clientSecret: { $env: 'BENCH_SECRET' },
};
const fetched: TokenDefinition = { type: 'oauth2-client-credentials', config: endpoint };
const onBehalf: TokenDefinition = { type: 'oauth2-token-exchange', config: endpoint };

const poolSize = 8;
const poolKey = (index: number): string => `BENCH_${index}_API_KEY`;
const key = 'bench-upstream';

/** The environment of these definitions. */
export const tokenVariables: Readonly<Record<string, string>> = {
  BENCH_API_KEY: key,
  BENCH_SECRET: 'bench-client',
  ...Object.fromEntries(Array.from({ length: poolSize }, (_, index) => [poolKey(index), `${key}-${index}`])),
};

export const staticKey = fixed('BENCH_API_KEY');

/** What stands in the pipelines with all features on: a cache above a key, and a chain above both. */
export const chainedKey: TokenDefinition = {
  type: 'chained',
  config: { providers: [cached(staticKey), staticKey] },
};

export const cachedToken = cached(fetched);

/** What the bench asks for a token, by the name in its page. */
export const tokenCases: Readonly<Record<string, TokenDefinition>> = {
  'static key': staticKey,
  'cache of a fetched token': cachedToken,
  'chain of a cache and a static key': { type: 'chained', config: { providers: [cachedToken, staticKey] } },
  [`pool of ${poolSize} static keys, in turn`]: {
    type: 'pool',
    config: { keys: Array.from({ length: poolSize }, (_, index) => ({ provider: fixed(poolKey(index)) })) },
  },
};

/** The token of each caller by itself. */
export const tokenOfCaller = cached(onBehalf);
