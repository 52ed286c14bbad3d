import { defineTokenProvider } from '../kernel/component.ts';
import { strictObject } from '../kernel/schema.ts';
import { checkClientKeys } from '../kernel/tokens/oauth/check-keys.ts';
import { clientAuthentication, clientAuthenticationFields } from '../kernel/tokens/oauth/client-authentication.ts';
import { placementFields, placementOf, tokenCredential } from '../kernel/tokens/token-credential.ts';
import { requestToken, tokenEndpoint, tokenEndpointFields } from '../kernel/tokens/oauth/token-endpoint.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';
import { targetParameters, tokenTargetFields } from '../kernel/tokens/oauth/token-target.ts';

const config = strictObject({
  ...tokenEndpointFields,
  ...clientAuthenticationFields,
  ...tokenTargetFields,
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
    const placement = placementOf(options);
    const endpoint = tokenEndpoint(options, clientAuthentication(options));
    checkClientKeys(options, capabilities.http);
    const parameters = { grant_type: 'client_credentials', ...targetParameters(options) };
    return {
      async getToken({ signal }) {
        const { token, expiresAt } = await requestToken(endpoint, parameters, capabilities, signal);
        return tokenCredential(token, placement, expiresAt);
      },
      // Nothing is kept, so the next token is a new one anyway.
      invalidate: () => undefined,
    };
  },
});
