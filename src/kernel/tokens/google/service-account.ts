import { noClient } from '../oauth/client-authentication.ts';
import { readPrivateKey } from '../oauth/private-key.ts';
import { clockDrift, signJwt } from '../oauth/sign-jwt.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import { atStep, googleUrl, textField, type GoogleAccess, type GoogleGrant } from './google-access.ts';

export const usualTokenUrl = 'https://oauth2.googleapis.com/token';
/** Seconds; Google takes no assertion that counts for longer. */
const assertionLifetime = 3_600;

/** A token of a service account, for an assertion signed with the private key of its key file (RFC 7523). */
export function tokenOfServiceAccount(
  key: Readonly<Record<string, unknown>>,
  access: GoogleAccess,
): Promise<GoogleGrant> {
  return atStep('service account key', async () => {
    const { network, timeoutMilliseconds, signal } = access;
    const url = googleUrl(key['token_uri'], usualTokenUrl, network);
    const parameters = {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: await assertion(key, url, access),
    };
    return requestToken({ url, network, timeoutMilliseconds, authentication: noClient }, parameters, access, signal);
  });
}

function assertion(
  key: Readonly<Record<string, unknown>>,
  audience: string,
  { clock, scope }: GoogleAccess,
): Promise<string> {
  const { private_key_id: keyId } = key;
  const issued = Math.floor(clock.wallTime() / 1_000) - clockDrift;
  return signJwt(
    { iss: textField(key, 'client_email'), scope, aud: audience, iat: issued, exp: issued + assertionLifetime },
    {
      key: readPrivateKey(textField(key, 'private_key')),
      algorithm: 'RS256',
      ...(typeof keyId === 'string' && keyId !== '' && { header: { kid: keyId } }),
    },
  );
}
