import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../../schema.ts';
import { revealed } from '../revealed.ts';
import { tokenInvalid } from '../token-failure.ts';

/** Characters of a private key in PEM; one of RSA with 16,384 bits has 13,000. */
const maxKeyLength = 32_768;

/**
 * A private key in PEM: PKCS #8, PKCS #1 or SEC 1. TOKEN_INVALID, without a word of it, for anything else and for a key
 * under a password.
 */
export function readPrivateKey(pem: string): KeyObject {
  if (pem.length > maxKeyLength) throw unusable();
  try {
    return createPrivateKey({ key: withLineEnds(pem), format: 'pem' });
  } catch {
    // What OpenSSL says may quote the text, so nothing of it goes on.
    throw unusable();
  }
}

/** The key in a secret that may be rotated: read at each use, and parsed again when its text is another. */
export function privateKeyIn(secret: Secret): () => KeyObject {
  let text: string | undefined;
  let key: KeyObject | undefined;
  return () => {
    const current = revealed(secret);
    if (key === undefined || current !== text) {
      key = readPrivateKey(current);
      text = current;
    }
    return key;
  };
}

/** PEM that may have come through an environment variable, where its line ends became `\n` in two letters. */
export function withLineEnds(pem: string): string {
  return pem.replaceAll('\\r', '').replaceAll('\\n', '\n').trim();
}

function unusable(): Error {
  return tokenInvalid('the private key is not usable');
}
