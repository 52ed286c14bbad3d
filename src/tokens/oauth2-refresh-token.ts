import { defineTokenProvider } from '../kernel/component.ts';
import { secret, strictObject } from '../kernel/schema.ts';
import type { SecretCell } from '../kernel/secret-store.ts';
import { checkClientKeys } from '../kernel/tokens/oauth/check-keys.ts';
import { clientAuthentication, clientAuthenticationFields } from '../kernel/tokens/oauth/client-authentication.ts';
import { hashOf } from '../kernel/tokens/hash-of.ts';
import { refreshGrant } from '../kernel/tokens/oauth/refresh-rotation.ts';
import { revealed } from '../kernel/tokens/revealed.ts';
import { SharedFlight } from '../kernel/tokens/oauth/shared-flight.ts';
import { placementFields, placementOf, tokenCredential } from '../kernel/tokens/token-credential.ts';
import { tokenEndpoint, tokenEndpointFields } from '../kernel/tokens/oauth/token-endpoint.ts';
import type { Credential, TokenProvider } from '../kernel/tokens/token-provider.ts';
import { scopeField } from '../kernel/tokens/oauth/token-target.ts';

const config = strictObject({
  ...tokenEndpointFields,
  ...clientAuthenticationFields,
  refreshToken: secret({
    description:
      'The first refresh token, as { "$env": NAME } or { "$file": PATH }. Those that replace it are kept; ' +
      'another one here starts anew.',
  }),
  scope: scopeField,
  ...placementFields,
});

/**
 * Gets access tokens with a refresh token (RFC 6749, section 6). A server that rotates gives a new refresh token each
 * time and ends the old one, so the newest outlives the process, and all who share it take turns.
 */
export const oauth2RefreshTokenTokenProvider = defineTokenProvider({
  type: 'oauth2-refresh-token',
  summary: 'Gets access tokens with an OAuth 2 refresh token, and keeps those that replace it.',
  config,
  needs: ['http', 'clock', 'secretStore'],
  fetching: () => 'asks',
  examples: [
    {
      title: 'A client with a secret',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        clientId: 'sluice',
        clientSecret: { $env: 'LOGIN_CLIENT_SECRET' },
        refreshToken: { $env: 'LOGIN_REFRESH_TOKEN' },
      },
    },
    {
      title: 'A public client with fewer scopes',
      config: {
        tokenUrl: 'https://login.example.com/oauth/token',
        clientId: 'sluice-desktop',
        authentication: 'none',
        refreshToken: { $file: '/run/secrets/refresh-token' },
        scope: 'models.read models.use',
      },
    },
  ],
  create(options, { http, clock, secretStore }): TokenProvider {
    const { tokenUrl, clientId, refreshToken, scope } = options;
    const placement = placementOf(options);
    const endpoint = tokenEndpoint(options, clientAuthentication(options));
    checkClientKeys(options, http);
    const parameters = scope === undefined ? {} : { scope };
    const flight = new SharedFlight<Credential>();
    let known: { readonly first: string; readonly cell: SecretCell } | undefined;
    let status: 'idle' | 'ready' | 'failing' = 'idle';

    /** One cell for each first refresh token. */
    const cellOf = (first: string): SecretCell => {
      if (known?.first !== first)
        known = { first, cell: secretStore.open(hashOf('oauth2-refresh-token', tokenUrl, clientId, hashOf(first))) };
      return known.cell;
    };

    const refresh = async (): Promise<Credential> => {
      status = 'failing';
      const first = revealed(refreshToken);
      const grant = await refreshGrant({ endpoint, parameters, first, cell: cellOf(first) }, { http, clock });
      const credential = tokenCredential(grant.token, placement, grant.expiresAt);
      status = 'ready';
      return credential;
    };

    return {
      getToken: ({ signal }) => flight.join(signal, refresh),
      // Nothing is held but the refresh token, which is not what was refused.
      invalidate: () => undefined,
      state: () => ({ status: flight.isUnderWay ? 'refreshing' : status }),
      // What is under way may bring the only copy of the next refresh token.
      dispose: () => flight.landed(),
    };
  },
});
