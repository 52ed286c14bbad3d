import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, Duration, reference, strictObject } from '../kernel/schema.ts';
import { linked } from '../kernel/tokens/linked.ts';
import { TokenChain } from '../kernel/tokens/choice/token-chain.ts';

const config = strictObject({
  providers: Type.Array(
    reference('token-provider', Type.Unknown(), { description: 'The name of a token provider, or one of its own.' }),
    { minItems: 1, maxItems: 16, description: 'Token providers in the order of preference.' },
  ),
  coolDown: defaulted(
    Type.String({
      ...Duration,
      description:
        'How long a provider that failed, or whose credentials were refused, is passed over while another one has a credential; longer where it says so itself, up to 10m.',
    }),
    '30s',
  ),
});

/** Asks one provider after another until one gives a credential that the provider of the model has not refused. */
export const chainedTokenProvider = defineTokenProvider({
  type: 'chained',
  summary: 'Tries several token providers in order, and leaves out for a while those that fail or are refused.',
  config,
  needs: ['clock', 'log'],
  examples: [
    {
      title: 'A key in reserve',
      config: {
        providers: [
          { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } },
          { type: 'static', config: { token: { $env: 'OPENAI_RESERVE_API_KEY' } } },
        ],
      },
    },
    {
      title: 'A token of the company first, a fixed key where its server is down',
      config: {
        providers: [
          {
            type: 'cache',
            config: {
              provider: {
                type: 'oauth2-client-credentials',
                config: {
                  tokenUrl: 'https://login.example.com/oauth/token',
                  clientId: 'sluice',
                  clientSecret: { $env: 'LOGIN_SECRET' },
                },
              },
            },
          },
          { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } },
        ],
        coolDown: '1m',
      },
    },
  ],
  create({ providers, coolDown }, capabilities) {
    return new TokenChain(providers.map(linked), parseDuration(coolDown), capabilities);
  },
});
