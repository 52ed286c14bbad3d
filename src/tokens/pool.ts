import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, Duration, reference, strictObject, type Configured } from '../kernel/schema.ts';
import { linked } from '../kernel/tokens/linked.ts';
import type { CoolDowns } from '../kernel/tokens/choice/pool-key.ts';
import { TokenPool } from '../kernel/tokens/choice/token-pool.ts';

const key = strictObject(
  {
    provider: reference('token-provider', Type.Unknown(), {
      description: 'The key: the name of a token provider, or one of its own.',
    }),
    weight: defaulted(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Its share of the requests, against that of the others.' }),
      1,
    ),
    drain: defaulted(
      Type.Boolean({ description: 'True: no new request gets this key; those that have it keep it.' }),
      false,
    ),
  },
  { 'x-hint': 'an object with the provider in it: { "provider": "first" }' },
);

const usualCoolDowns = { rejected: '5m', rateLimited: '30s', quota: '1h', unavailable: '30s' };

const coolDowns = strictObject(
  {
    rejected: coolDown(
      usualCoolDowns.rejected,
      'After the provider of the model refused the key (401); doubled each time in a row, up to 1h. Another one in its place, such as that of a file that was replaced, is tried before.',
    ),
    rateLimited: coolDown(
      usualCoolDowns.rateLimited,
      'After a key was used too much (429) where no Retry-After came; one that came is kept to, up to 1h.',
    ),
    quota: coolDown(
      usualCoolDowns.quota,
      'After there was nothing left to spend (402, or a quota that is exhausted); doubled each time in a row, up to 24h.',
    ),
    unavailable: coolDown(
      usualCoolDowns.unavailable,
      'After no credential could be had. Where no other key is left it is tried once a second all the same.',
    ),
  },
  { description: 'How long a key is left out, by the reason.' },
);

const config = strictObject({
  keys: Type.Array(key, { minItems: 1, maxItems: 64, description: 'The keys.' }),
  strategy: defaulted(
    Type.Union([Type.Literal('round-robin'), Type.Literal('least-used'), Type.Literal('sticky')], {
      description:
        'How a key is chosen: "round-robin" in turn, by weight; "least-used" the one with the fewest requests under way; "sticky" always the same for a caller, as long as it can be used; callers that nobody knows take turns.',
    }),
    'round-robin',
  ),
  coolDowns: defaulted(coolDowns, usualCoolDowns),
});

/**
 * Spreads requests over several keys. A key that is refused, used up or can't be had is left out for a while; one that was
 * refused is then tried by a single request before others get it.
 */
export const poolTokenProvider = defineTokenProvider({
  type: 'pool',
  summary: 'Spreads requests over several keys, and leaves out for a while those that are refused or used up.',
  config,
  needs: ['clock', 'log', 'meter'],
  // A caller that stays with its key loses nothing by a cache.
  fetching: ({ strategy }) => (strategy === 'sticky' ? undefined : 'chooses'),
  examples: [
    {
      title: 'Two keys in turn',
      config: {
        keys: [
          { provider: { type: 'static', config: { token: { $env: 'FIRST_API_KEY' } } } },
          { provider: { type: 'static', config: { token: { $env: 'SECOND_API_KEY' } } } },
        ],
      },
    },
    {
      title: 'A large and a small account, and one that is being given up; each caller stays with its key',
      config: {
        keys: [
          { provider: { type: 'static', config: { token: { $env: 'LARGE_API_KEY' } } }, weight: 3 },
          { provider: { type: 'static', config: { token: { $env: 'SMALL_API_KEY' } } } },
          { provider: { type: 'static', config: { token: { $env: 'FORMER_API_KEY' } } }, drain: true },
        ],
        strategy: 'sticky',
        coolDowns: { rateLimited: '1m' },
      },
    },
  ],
  create({ keys, strategy, coolDowns: times }, capabilities) {
    if (keys.every(({ drain }) => drain === true)) throw new TypeError('keys: one at least must not be drained');
    const options = keys.map(({ provider, weight = 1, drain = false }) => ({
      link: linked(provider),
      weight,
      isDrained: drain,
    }));
    return new TokenPool({ keys: options, strategy, coolDowns: millisecondsOf(times) }, capabilities);
  },
});

function coolDown(usual: string, description: string): ReturnType<typeof defaulted<typeof Duration>> {
  return defaulted(Type.String({ ...Duration, description }), usual);
}

function millisecondsOf(times: Configured<typeof config>['coolDowns']): CoolDowns {
  const { rejected, rateLimited, quota, unavailable } = { ...usualCoolDowns, ...times };
  return {
    rejected: parseDuration(rejected),
    'rate-limited': parseDuration(rateLimited),
    quota: parseDuration(quota),
    unavailable: parseDuration(unavailable),
  };
}
