import type { ClientIdentity, HttpCaller } from '../../http-caller.ts';
import type { Secret } from '../../schema.ts';
import { revealed } from '../revealed.ts';
import { checkUse, UnusableSecret } from '../unusable-secret.ts';
import { readCertificates, type ClientAuthenticationConfig } from './client-authentication.ts';
import { readPrivateKey } from './private-key.ts';
import { checkSigning, type JwtAlgorithm } from './sign-jwt.ts';

/*
 * What a request would find wrong with a key is told when the definition is loaded. These checks take exactly what requests
 * take, and requests go on checking: a file may be another one by then.
 */

const hints: Readonly<Record<string, string>> = {
  'a secret is empty': 'write the key into it',
  'the private key is not in PEM': 'a key in PEM begins with "-----BEGIN PRIVATE KEY-----" or with RSA or EC in it',
  'the private key is under a password': 'write it without one: openssl pkey -in KEY -out NEW',
  'the private key is not usable': 'it may be cut off or have lost its line ends; copy the whole file',
  'this is a public key, not the private one': 'give the private key that belongs to it',
  'this is a certificate, not the private key': 'give the private key that belongs to it',
  'the private key is of a kind that signs no tokens': 'take a key of RSA, P-256, P-384, P-521 or Ed25519',
  'the private key does not fit the algorithm':
    'RS and PS take a key of RSA with 2048 bits or more, ES256 one of P-256, ES384 of P-384, ES512 of P-521, EdDSA of Ed25519',
  'the certificate is not usable': 'it must be in PEM and begin with "-----BEGIN CERTIFICATE-----"',
};

const json = 'this is JSON: give the key alone that is in it';

/** The hint for a reason; a file of JSON in place of a key is a common mistake. */
export function keyHint(reason: string, secret?: Secret): string | undefined {
  const isJson = secret !== undefined && textOf(secret)?.startsWith('{') === true;
  return isJson ? json : hints[reason];
}

/** Throws an UnusableSecret for a key in `field` that can't sign tokens; with the algorithm of its kind where none is named. */
export function checkSigningKey(field: string, secret: Secret, algorithm?: JwtAlgorithm): void {
  const sign = (): void => checkSigning(readPrivateKey(revealed(secret)), algorithm);
  checkUse(field, secret, sign, (reason) => keyHint(reason, secret));
}

/**
 * Checks the key and the certificate of a client that proves itself by them. `place` is what leads to the fields in the
 * config, such as `client.`. For TLS it is asked what the handshake asks, where the way out can tell it.
 */
export function checkClientKeys(config: ClientAuthenticationConfig, http?: HttpCaller, place = ''): void {
  const { authentication, privateKey, certificate, algorithm } = config;
  if (privateKey === undefined) return;
  if (authentication === 'private_key_jwt') {
    checkSigningKey(`${place}privateKey`, privateKey, algorithm);
    if (certificate !== undefined) checkCertificate(`${place}certificate`, certificate);
  }
  if (authentication === 'tls' && certificate !== undefined)
    checkIdentity({ certificate, key: privateKey }, http, place);
}

function checkCertificate(field: string, secret: Secret): void {
  checkUse(field, secret, () => readCertificates(revealed(secret)), keyHint);
}

/** What is wrong with a pair that TLS refuses. */
function checkIdentity(identity: ClientIdentity, http: HttpCaller | undefined, place: string): void {
  if (http?.canShow?.(identity) !== false) return;
  const { certificate, key } = identity;
  const read = (): unknown => readPrivateKey(revealed(key));
  checkUse(`${place}privateKey`, key, read, (reason) => keyHint(reason, key));
  checkCertificate(`${place}certificate`, certificate);
  if (textOf(certificate) !== undefined && textOf(key) !== undefined)
    throw new UnusableSecret(
      `${place}certificate`,
      certificate,
      `it is not the certificate of the key in ${key.name}, or TLS takes one of the two for too weak`,
      'the first certificate must be that of the client, those that signed it come behind',
    );
}

function textOf(secret: Secret): string | undefined {
  try {
    return revealed(secret);
  } catch {
    return undefined;
  }
}
