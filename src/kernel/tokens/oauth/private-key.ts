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
  if (pem.length > maxKeyLength) throw tokenInvalid('the private key is not usable');
  try {
    return createPrivateKey({ key: withLineEnds(pem), format: 'pem' });
  } catch {
    // What OpenSSL says may quote the text, so nothing of it goes on.
    throw tokenInvalid(whatIsWrong(pem));
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

/** Told by its frame. */
function whatIsWrong(pem: string): string {
  if (!pem.includes('-----BEGIN ')) return 'the private key is not in PEM';
  if (/-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(pem)) return 'the private key is under a password';
  if (pem.includes('PRIVATE KEY-----')) return 'the private key is not usable';
  if (pem.includes('PUBLIC KEY-----')) return 'this is a public key, not the private one';
  return pem.includes('CERTIFICATE-----')
    ? 'this is a certificate, not the private key'
    : 'the private key is not usable';
}
