import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Secret } from '../../schema.ts';
import { privateKeyIn } from './private-key.ts';
import { algorithmOf, clockDrift, signJwt, type JwtAlgorithm } from './sign-jwt.ts';

/** Claims that the assertion sets itself. */
const ownClaims: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'iat', 'nbf', 'exp', 'jti']);

export interface BearerAssertion {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly privateKey: Secret;
  /** What suits the key when absent. */
  readonly algorithm?: JwtAlgorithm;
  readonly keyId?: string;
  readonly lifetimeMilliseconds: number;
  /** Beside those that every assertion has; throws a TypeError where one of them is among these. */
  readonly claims: Readonly<Record<string, string>>;
}

/**
 * Makes assertions (RFC 7523): JSON Web Tokens by which somebody speaks for the subject. Each is another one, since
 * servers take each once.
 */
export function bearerAssertions(options: BearerAssertion, clock: Clock): () => Promise<string> {
  const { issuer, subject, audience, privateKey, keyId, lifetimeMilliseconds, claims } = options;
  const taken = Object.keys(claims).find((name) => ownClaims.has(name));
  if (taken !== undefined) throw new TypeError(`claims: "${taken}" is set by the assertion itself`);
  const readKey = privateKeyIn(privateKey);
  return async () => {
    const key = readKey();
    const lifetime = Math.floor(lifetimeMilliseconds / 1_000);
    // The whole time stays within what a server allows.
    const issued = Math.floor(clock.wallTime() / 1_000) - Math.min(clockDrift, Math.floor(lifetime / 10));
    return signJwt(
      {
        ...claims,
        iss: issuer,
        sub: subject,
        aud: audience,
        iat: issued,
        exp: issued + lifetime,
        jti: randomUUID(),
      },
      {
        key,
        algorithm: options.algorithm ?? algorithmOf(key),
        ...(keyId !== undefined && { header: { kid: keyId } }),
      },
    );
  };
}
