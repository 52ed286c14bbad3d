import { createSecureContext, type SecureContext } from 'node:tls';
import { SluiceError } from '../kernel/errors.ts';
import type { ClientIdentity } from '../kernel/http-caller.ts';
import { withLineEnds } from '../kernel/tokens/oauth/private-key.ts';

/** The server that an identity is shown to. */
export interface IdentityTarget {
  readonly hostname: string;
  readonly protocol: string;
}

/**
 * What `tls.connect` takes to show the identity, from its files as they are now. UPSTREAM_TLS, with the names of the
 * secrets and nothing of their text, where the two are no pair in PEM, and for a connection without TLS.
 */
export function shownIdentity(
  identity: ClientIdentity,
  target: IdentityTarget,
): { readonly secureContext: SecureContext } {
  if (target.protocol !== 'https:') throw refusal(identity, target, 'a client certificate is shown over https only');
  try {
    return { secureContext: contextOf(identity, (secret) => secret.reveal()) };
  } catch {
    // The two files are rotated one after the other: of one of them the text before may have been read.
    return { secureContext: newestContext(identity, target) };
  }
}

/** False where `shownIdentity` would fail, whatever the server. */
export function canShowIdentity(identity: ClientIdentity): boolean {
  try {
    shownIdentity(identity, { hostname: '', protocol: 'https:' });
    return true;
  } catch {
    return false;
  }
}

function newestContext(identity: ClientIdentity, target: IdentityTarget): SecureContext {
  try {
    return contextOf(identity, (secret) => secret.refresh());
  } catch (error) {
    const { code = 'unknown' } = error as { code?: string };
    throw refusal(identity, target, 'the client certificate and its key are no pair in PEM', code);
  }
}

function contextOf(
  { certificate, key }: ClientIdentity,
  read: (secret: ClientIdentity['key']) => string,
): SecureContext {
  const [cert, privateKey] = [withLineEnds(read(certificate)), withLineEnds(read(key))];
  // Without them the handshake would go on, and nobody would be shown.
  if (cert === '' || privateKey === '') throw new TypeError('empty');
  return createSecureContext({ cert, key: privateKey });
}

/** Errors of OpenSSL are not handed on as a cause. */
function refusal(identity: ClientIdentity, { hostname }: IdentityTarget, reason: string, code?: string): SluiceError {
  return new SluiceError('UPSTREAM_TLS', {
    context: {
      host: hostname,
      reason,
      certificate: identity.certificate.name,
      key: identity.key.name,
      ...(code !== undefined && { tlsError: code }),
    },
  });
}
