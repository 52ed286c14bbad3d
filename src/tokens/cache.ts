import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, Duration, reference, strictObject, type Configured } from '../kernel/schema.ts';
import type { CacheRules } from '../kernel/tokens/cache/held-token.ts';
import { linked } from '../kernel/tokens/linked.ts';
import { TokenCaches } from '../kernel/tokens/cache/token-caches.ts';
import type { TokenProvider, TokenRun } from '../kernel/tokens/token-provider.ts';

const config = strictObject({
  provider: reference('token-provider', Type.Unknown(), {
    description: 'Provider whose tokens are kept: its name, or the provider itself.',
  }),
  ttl: Type.Optional({
    ...Duration,
    description:
      'Longest time that a token is used. Where nobody says how long it lives, this is its lifetime; 5m when left out.',
  }),
  skew: defaulted(
    {
      ...Duration,
      description:
        'So long before its end a new token is fetched at the latest, without waiting for it. At most half of its lifetime counts.',
    },
    '60s',
  ),
  refreshAt: defaulted(
    Type.Number({
      minimum: 0.1,
      maximum: 0.95,
      description:
        'Share of the lifetime after which the next request has a new token fetched, without waiting for it.',
    }),
    0.8,
  ),
  failureTtl: defaulted(
    {
      ...Duration,
      description:
        'How long a failure is repeated to all who ask, before the provider is asked again; longer where it says when. So long the token in the place of a refused one is kept, refused or not. From 100ms to 5s.',
    },
    '1s',
  ),
  maxCallers: defaulted(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description: 'Tokens of so many callers are kept, where they differ by caller.',
    }),
    1_000,
  ),
});

/**
 * Asks a provider once for all requests that need its token, before the old one ends. While the provider fails the old
 * token serves to its end; a token that was refused is fetched anew, once.
 */
export const cacheTokenProvider = defineTokenProvider({
  type: 'cache',
  summary: 'Keeps the token of another provider and renews it in time, with one call for all requests.',
  config,
  needs: ['clock', 'log', 'meter'],
  fetching: () => 'remembers',
  examples: [
    {
      title: 'A token of OAuth 2',
      config: {
        provider: {
          type: 'oauth2-client-credentials',
          config: {
            tokenUrl: 'https://login.example.com/oauth/token',
            clientId: 'sluice',
            clientSecret: { $env: 'LOGIN_CLIENT_SECRET' },
          },
        },
      },
    },
    {
      title: 'Early renewal of a token that tells no lifetime, and patience with a server that is down',
      config: {
        provider: { type: 'http', config: { url: 'https://keys.example.com/session', token: '/session/key' } },
        ttl: '10m',
        refreshAt: 0.5,
        skew: '30s',
        failureTtl: '5s',
      },
    },
  ],
  create(options, capabilities): TokenProvider {
    const link = linked(options.provider);
    const caches = new TokenCaches(
      { link, rules: readRules(options), maxSubjects: options.maxCallers, random: Math.random },
      capabilities,
    );
    return {
      getToken: (run) => caches.getToken(run),
      invalidate: (credential, refusal) => caches.invalidate(credential, refusal),
      accepted: (credential) => link.accepted(credential),
      spares: link.spares,
      others: link.others,
      ...(link.subject !== undefined && { subject: (run: TokenRun) => link.subject?.(run) ?? '' }),
      state: () => ({ ...caches.state(), links: [link.state()] }),
      dispose: () => caches.dispose(),
    };
  },
});

/** Throws a TypeError, which refuses the definition, for a time that makes no sense. */
function readRules({ ttl, skew, refreshAt, failureTtl }: Configured<typeof config>): CacheRules {
  const rules = { skew: parseDuration(skew), refreshAt, failureTtl: parseDuration(failureTtl) };
  if (rules.failureTtl < 100 || rules.failureTtl > 5_000)
    throw new TypeError(`failureTtl: "${failureTtl}" is not from 100ms to 5s`);
  if (ttl === undefined) return rules;
  if (parseDuration(ttl) < 1_000) throw new TypeError(`ttl: "${ttl}" is less than 1s`);
  return { ...rules, ttl: parseDuration(ttl) };
}
