import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { strictObject } from '../kernel/schema.ts';
import { clientAuthentication, clientAuthenticationFields } from '../kernel/tokens/client-authentication.ts';
import { checkPlacement, placementFields, tokenCredential } from '../kernel/tokens/token-credential.ts';
import {
  checkTokenUrl,
  requestToken,
  tokenEndpointFields,
  type TokenEndpoint,
} from '../kernel/tokens/token-endpoint.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';

const Resource = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[^#]+$',
  minLength: 1,
  maxLength: 2_048,
  'x-hint': 'an absolute URI without a fragment',
});

const config = strictObject({
  ...tokenEndpointFields,
  ...clientAuthenticationFields,
  scope: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4_096, description: 'Scopes to ask for, with a space between them.' }),
  ),
  audience: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2_048,
      description: 'Whom the token is for, where the token server has a parameter of that name.',
    }),
  ),
  resource: Type.Optional(
    Type.Union([Resource, Type.Array(Resource, { minItems: 1, maxItems: 16 })], {
      description: 'Address of what the token is for (RFC 8707); a list where it is for several.',
    }),
  ),
  ...placementFields,
});

/** Gets a token of its own for each `getToken`; wrapped in `cache` it asks once for many. */
export const oauth2ClientCredentialsTokenProvider = defineTokenProvider({
  type: 'oauth2-client-credentials',
  summary: 'Gets a token for Sluice itself from an OAuth 2 token server.',
  config,
  needs: ['http', 'clock'],
  fetching: () => 'asks',
  examples: [
    {
      title: 'A client with a secret',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        clientId: 'sluice',
        clientSecret: { $env: 'LOGIN_CLIENT_SECRET' },
        scope: 'models.read models.use',
      },
    },
    {
      title: 'A client with a private key, for one API',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        clientId: 'sluice',
        authentication: 'private_key_jwt',
        privateKey: { $file: '/run/secrets/sluice-key.pem' },
        keyId: '2026-01',
        assertionAudience: 'https://login.example.com/',
        resource: 'https://models.example.com/',
      },
    },
    {
      title: 'A client with a certificate, in the own network',
      config: {
        tokenUrl: 'https://login.internal.example.com/token',
        network: 'private',
        clientId: 'sluice',
        authentication: 'tls',
        certificate: { $file: '/run/secrets/sluice-certificate.pem' },
        privateKey: { $file: '/run/secrets/sluice-key.pem' },
        audience: 'models',
      },
    },
  ],
  create(options, capabilities): TokenProvider {
    const { tokenUrl, network, timeout, scope, audience, resource } = options;
    checkTokenUrl(tokenUrl, network);
    checkPlacement(options);
    if (options.authentication === 'tls' && !tokenUrl.startsWith('https:'))
      throw new TypeError('authentication: a certificate is shown over https only');
    const endpoint: TokenEndpoint = {
      url: tokenUrl,
      network,
      timeoutMilliseconds: parseDuration(timeout),
      authentication: clientAuthentication(options),
    };
    const parameters = {
      grant_type: 'client_credentials',
      ...(scope !== undefined && { scope }),
      ...(audience !== undefined && { audience }),
      ...(resource !== undefined && { resource }),
    };
    return {
      async getToken({ signal }) {
        const { token, expiresAt } = await requestToken(endpoint, parameters, capabilities, signal);
        return tokenCredential(token, options, expiresAt);
      },
      // Nothing is kept, so the next token is a new one anyway.
      invalidate: () => undefined,
    };
  },
});
