import { Secret } from '../../schema.ts';
import { clientAuthentication } from '../oauth/client-authentication.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import { atStep, googleUrl, quotaProjectOf, textField, type GoogleAccess, type GoogleGrant } from './google-access.ts';
import { usualTokenUrl } from './service-account.ts';

/**
 * A token of a person who has signed in on this machine, for the refresh token that was kept, which Google never replaces.
 * What it is for was decided at the sign-in, so the scope plays no part.
 */
export function tokenOfAuthorizedUser(
  user: Readonly<Record<string, unknown>>,
  access: GoogleAccess,
): Promise<GoogleGrant> {
  return atStep('authorized user', async () => {
    const { network, timeoutMilliseconds, signal } = access;
    const secret = textField(user, 'client_secret');
    const authentication = clientAuthentication({
      clientId: textField(user, 'client_id'),
      authentication: 'client_secret_post',
      clientSecret: new Secret('client_secret of an authorized user', () => secret),
    });
    const url = googleUrl(user['token_uri'], usualTokenUrl, network);
    const parameters = { grant_type: 'refresh_token', refresh_token: textField(user, 'refresh_token') };
    const { token, expiresAt } = await requestToken(
      { url, network, timeoutMilliseconds, authentication },
      parameters,
      access,
      signal,
    );
    return { token, ...(expiresAt !== undefined && { expiresAt }), ...quotaProjectOf(user) };
  });
}
