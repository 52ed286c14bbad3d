import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, Duration, secret, strictObject } from '../kernel/schema.ts';
import { bearerAssertions } from '../kernel/tokens/oauth/bearer-assertion.ts';
import { checkClientKeys, checkSigningKey } from '../kernel/tokens/oauth/check-keys.ts';
import {
  clientAuthentication,
  clientAuthenticationFields,
  noClient,
} from '../kernel/tokens/oauth/client-authentication.ts';
import { jwtAlgorithms } from '../kernel/tokens/oauth/sign-jwt.ts';
import { placementFields, placementOf, tokenCredential } from '../kernel/tokens/token-credential.ts';
import { requestToken, tokenEndpoint, tokenEndpointFields } from '../kernel/tokens/oauth/token-endpoint.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';
import { scopeField } from '../kernel/tokens/oauth/token-target.ts';

const longestLifetime = 3_600_000;
const Word = Type.String({ minLength: 1, maxLength: 2_048 });

const config = strictObject({
  ...tokenEndpointFields,
  issuer: { ...Word, description: 'Who signs the assertion (iss): the id of the client or of the service account.' },
  subject: Type.Optional({ ...Word, description: 'For whom the token is (sub); the issuer when left out.' }),
  audience: Type.Optional({
    ...Word,
    description: 'Whom the assertion is for (aud), often the issuer of the token server; the token URL when left out.',
  }),
  privateKey: secret({ description: 'Private key in PEM that signs the assertion. Without a password.' }),
  algorithm: Type.Optional(
    Type.Enum([...jwtAlgorithms], {
      description: 'How the assertion is signed. RS256 for a key of RSA where it is left out.',
    }),
  ),
  keyId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'Id of the key at the token server (kid).' }),
  ),
  lifetime: defaulted({ ...Duration, description: 'How long an assertion counts, from 1s to 1h.' }, '5m'),
  claims: defaulted(
    Type.Record(Type.String({ pattern: '^[A-Za-z][\\w:/.-]{0,255}$' }), Type.String({ maxLength: 2_048 }), {
      maxProperties: 32,
      additionalProperties: false,
      description: 'Further claims of the assertion, each a text.',
    }),
    {},
  ),
  client: Type.Optional(
    strictObject(clientAuthenticationFields, {
      description: 'How a client beside the assertion proves who it is, where the token server asks for one.',
    }),
  ),
  scope: scopeField,
  ...placementFields,
});

/**
 * Gets a token for an assertion that is signed with a private key (RFC 7523, section 2.1), a new one for each token.
 */
export const jwtBearerTokenProvider = defineTokenProvider({
  type: 'jwt-bearer',
  summary: 'Gets a token for an assertion that it signs with a private key.',
  config,
  needs: ['http', 'clock'],
  fetching: () => 'asks',
  examples: [
    {
      title: 'A service account',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        issuer: 'sluice@example.com',
        privateKey: { $file: '/run/secrets/sluice-key.pem' },
        keyId: '2026-01',
        scope: 'models.use',
      },
    },
    {
      title: 'For a user, with a client that has a secret',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        issuer: 'sluice',
        subject: 'support@example.com',
        audience: 'https://login.example.com/',
        privateKey: { $env: 'ASSERTION_KEY_SECRET' },
        algorithm: 'ES256',
        claims: { tenant: 'care' },
        client: { clientId: 'sluice', clientSecret: { $env: 'LOGIN_CLIENT_SECRET' } },
      },
    },
  ],
  create(options, capabilities): TokenProvider {
    const { tokenUrl, issuer, algorithm, keyId, client, scope } = options;
    const placement = placementOf(options);
    const ownClient = client && { ...client, authentication: client.authentication ?? 'client_secret_basic' };
    const endpoint = tokenEndpoint(options, ownClient === undefined ? noClient : clientAuthentication(ownClient));
    if (ownClient !== undefined) checkClientKeys(ownClient, capabilities.http, 'client.');
    const lifetimeMilliseconds = parseDuration(options.lifetime);
    if (lifetimeMilliseconds < 1_000 || lifetimeMilliseconds > longestLifetime)
      throw new TypeError('lifetime: an assertion counts from 1s to 1h');
    const makeAssertion = bearerAssertions(
      {
        issuer,
        subject: options.subject ?? issuer,
        audience: options.audience ?? tokenUrl,
        privateKey: options.privateKey,
        lifetimeMilliseconds,
        claims: options.claims,
        ...(algorithm !== undefined && { algorithm }),
        ...(keyId !== undefined && { keyId }),
      },
      capabilities.clock,
    );
    checkSigningKey('privateKey', options.privateKey, algorithm);
    return {
      async getToken({ signal }) {
        const parameters = {
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: await makeAssertion(),
          ...(scope !== undefined && { scope }),
        };
        const { token, expiresAt } = await requestToken(endpoint, parameters, capabilities, signal);
        return tokenCredential(token, placement, expiresAt);
      },
      // Nothing is kept, so the next token is a new one anyway.
      invalidate: () => undefined,
    };
  },
});
