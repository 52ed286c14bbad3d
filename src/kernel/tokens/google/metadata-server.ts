import { askTokenServer } from '../ask-token-server.ts';
import { usable } from '../token-credential.ts';
import { readTokenDocument } from '../token-document.ts';
import { tokenInvalid } from '../token-failure.ts';
import { askedAt, expiryAfter } from '../token-lifetime.ts';
import { atStep, type GoogleAccess, type GoogleGrant } from './google-access.ts';

/** Where every machine, container and function of Google finds it; its name needs a resolver, the address does not. */
const usualServer = 'http://169.254.169.254';

export interface MetadataServer {
  /** Another server, on the network of the definition. */
  readonly url?: string | undefined;
  /** E-mail of an account of the machine, or `default`. */
  readonly account: string;
}

/**
 * A token of the machine on which the process runs. Whoever answers must say that it is the metadata server, as Google asks
 * of its clients: TOKEN_INVALID where it does not.
 */
export function tokenOfMachine(server: MetadataServer, access: GoogleAccess): Promise<GoogleGrant> {
  return atStep('metadata server', () => ask(server, access));
}

async function ask({ url, account }: MetadataServer, access: GoogleAccess): Promise<GoogleGrant> {
  const scopes = encodeURIComponent(access.scope.split(/\s+/).join(','));
  const path = `/computeMetadata/v1/instance/service-accounts/${encodeURIComponent(account)}/token?scopes=${scopes}`;
  const asked = askedAt(access.clock);
  const answer = await askTokenServer(
    {
      method: 'GET',
      url: `${(url ?? usualServer).replace(/\/+$/, '')}${path}`,
      headers: { 'metadata-flavor': 'Google' },
      network: url === undefined ? 'metadata' : access.network,
      timeoutMilliseconds: access.timeoutMilliseconds,
    },
    access.http,
    access.signal,
  );
  if (answer.headers['metadata-flavor'] !== 'Google')
    throw tokenInvalid('who answers is not the metadata server', { context: { status: answer.status } });
  const document = readTokenDocument(answer, access.clock.wallTime());
  const { access_token: token, token_type: type = 'Bearer', expires_in: expiresIn } = document;
  if (String(type).toLowerCase() !== 'bearer') throw tokenInvalid('the token is not of the type Bearer');
  const expiresAt = expiryAfter(expiresIn, asked);
  return { token: usable(token), ...(expiresAt !== undefined && { expiresAt }) };
}
