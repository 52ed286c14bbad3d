import Type from 'typebox';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, secret, strictObject } from '../kernel/schema.ts';
import { checkClientKeys } from '../kernel/tokens/oauth/check-keys.ts';
import { clientAuthentication, clientAuthenticationFields } from '../kernel/tokens/oauth/client-authentication.ts';
import { exchangeToken, tokenTypes } from '../kernel/tokens/oauth/exchange-token.ts';
import { hashOf } from '../kernel/tokens/hash-of.ts';
import { callerKeyMissing, keyHeader, presentedKey } from '../kernel/tokens/presented-key.ts';
import { revealed } from '../kernel/tokens/revealed.ts';
import { placementFields, placementOf, tokenCredential } from '../kernel/tokens/token-credential.ts';
import { tokenEndpoint, tokenEndpointFields } from '../kernel/tokens/oauth/token-endpoint.ts';
import type { TokenProvider, TokenRun } from '../kernel/tokens/token-provider.ts';
import { targetParameters, tokenTargetFields } from '../kernel/tokens/oauth/token-target.ts';

const config = strictObject({
  ...tokenEndpointFields,
  ...clientAuthenticationFields,
  from: defaulted(
    Type.Array(keyHeader, {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
      description:
        'Headers of the client that may carry the token to be exchanged, in lower case; the first that is there counts.',
    }),
    ['authorization'],
  ),
  subjectTokenType: defaulted(
    Type.Enum([...tokenTypes], { description: 'What the token of the client is.' }),
    'access_token',
  ),
  actorToken: Type.Optional(
    secret({ description: 'Token of Sluice itself, where the token server asks who acts for the client.' }),
  ),
  actorTokenType: Type.Optional(
    Type.Enum([...tokenTypes], {
      description: 'What actorToken is; an access_token when left out.',
    }),
  ),
  requestedTokenType: Type.Optional(
    Type.Enum([...tokenTypes], {
      description:
        'Type of the token to ask for. When left out the request does not say, and an access token is expected.',
    }),
  ),
  ...tokenTargetFields,
  ...placementFields,
});

/**
 * Acts on behalf of the caller: exchanges the token that the client sent for one that the provider of the model
 * takes. A token belongs to its caller and is given to nobody else; one caller's refusal is not another's.
 */
export const oauth2TokenExchangeTokenProvider = defineTokenProvider({
  type: 'oauth2-token-exchange',
  summary: "Exchanges the caller's own token for one of the provider of the model.",
  config,
  needs: ['http', 'clock'],
  fetching: () => 'asks',
  examples: [
    {
      title: 'On behalf of the caller',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        clientId: 'sluice',
        clientSecret: { $env: 'LOGIN_CLIENT_SECRET' },
        audience: 'models',
        scope: 'models.use',
      },
    },
    {
      title: 'An identity token in a header of its own, with Sluice as the actor',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        clientId: 'sluice',
        authentication: 'none',
        from: ['x-user-token'],
        subjectTokenType: 'id_token',
        actorToken: { $file: '/run/secrets/sluice-token' },
        resource: ['https://models.example.com/', 'https://files.example.com/'],
      },
    },
  ],
  create(options, capabilities): TokenProvider {
    const { from, actorToken, actorTokenType } = options;
    const placement = placementOf(options);
    if (actorTokenType !== undefined && actorToken === undefined)
      throw new TypeError('actorTokenType: there is no actorToken');
    const endpoint = tokenEndpoint(options, clientAuthentication(options));
    checkClientKeys(options, capabilities.http);
    const target = targetParameters(options);

    const subjectOf = (run: TokenRun): string | undefined => {
      const keys = from.map((header) => presentedKey(run, header));
      return keys.find((key) => key !== undefined && key.scheme !== 'basic')?.text;
    };

    return {
      async getToken(run) {
        const subjectToken = subjectOf(run);
        if (subjectToken === undefined) throw callerKeyMissing(from);
        const exchange = {
          subjectToken,
          subjectTokenType: options.subjectTokenType,
          ...(actorToken !== undefined && {
            actor: { token: revealed(actorToken), type: actorTokenType ?? 'access_token' },
          }),
          ...(options.requestedTokenType !== undefined && { requestedTokenType: options.requestedTokenType }),
          target,
        };
        const { token, expiresAt } = await exchangeToken(endpoint, exchange, capabilities, run.signal);
        return tokenCredential(token, placement, expiresAt);
      },
      // Nothing is kept, so the next token is a new one anyway.
      invalidate: () => undefined,
      subject(run) {
        const token = subjectOf(run);
        return token === undefined ? hashOf('oauth2-token-exchange') : hashOf('oauth2-token-exchange', token);
      },
    };
  },
});
