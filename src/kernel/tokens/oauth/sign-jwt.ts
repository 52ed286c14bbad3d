import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { tokenInvalid } from '../token-failure.ts';

export const jwtAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
/** Seconds by which claims are dated back: to a server whose clock is behind ours a new one would lie in the future. */
export const clockDrift = 30;

export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

const algorithmOfCurve: Readonly<Record<string, JwtAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

export interface JwtSigning {
  readonly key: KeyObject;
  readonly algorithm: JwtAlgorithm;
  /** Beside `alg` and `typ`, such as `kid` or `x5t`. */
  readonly header?: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * A signed JSON Web Token with these claims and no others: whoever calls sets its times. TOKEN_INVALID where the key and the
 * algorithm do not go together, or the key is too short for it.
 */
export async function signJwt(claims: Readonly<Record<string, unknown>>, signing: JwtSigning): Promise<string> {
  const { key, algorithm, header } = signing;
  try {
    return await new SignJWT({ ...claims }).setProtectedHeader({ typ: 'JWT', ...header, alg: algorithm }).sign(key);
  } catch {
    throw tokenInvalid('the private key does not fit the algorithm', { context: { algorithm } });
  }
}

const neededKey: Readonly<Record<JwtAlgorithm, string>> = {
  ...{ RS256: 'rsa', RS384: 'rsa', RS512: 'rsa', PS256: 'rsa', PS384: 'rsa', PS512: 'rsa' },
  ...{ ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1', EdDSA: 'ed25519' },
};
/** Of RSA, in bits. */
const shortestModulus = 2_048;

/**
 * TOKEN_INVALID where `signJwt` would say so for this key, with the algorithm of its kind where none is named, and for a key
 * with a wrong number in it, whose signatures nobody takes.
 */
export function checkSigning(key: KeyObject, algorithm: JwtAlgorithm = algorithmOf(key)): void {
  const { namedCurve, modulusLength = shortestModulus } = key.asymmetricKeyDetails ?? {};
  const isFit = neededKey[algorithm] === (namedCurve ?? key.asymmetricKeyType) && modulusLength >= shortestModulus;
  if (!isFit) throw tokenInvalid('the private key does not fit the algorithm', { context: { algorithm } });
  if (!signsTruly(key)) throw tokenInvalid('the private key is not usable');
}

/** What the private half signs is good for the public half. */
function signsTruly(key: KeyObject): boolean {
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const data = Buffer.from('Sluice');
  try {
    return verify(hash, data, createPublicKey(key), sign(hash, data, key));
  } catch {
    return false;
  }
}

/** What a key is used with where nobody says: RS256 for RSA, and for the others the one algorithm that they have. */
export function algorithmOf(key: KeyObject): JwtAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  const algorithm = algorithmOfCurve[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (algorithm === undefined) throw tokenInvalid('the private key is of a kind that signs no tokens');
  return algorithm;
}
