import { randomUUID, X509Certificate } from 'node:crypto';
import Type, { type Static } from 'typebox';
import type { ClientAuth } from 'oauth4webapi';
import type { Clock } from '../../clock.ts';
import type { ClientIdentity } from '../../http-caller.ts';
import { defaulted, secret, type Secret } from '../../schema.ts';
import { privateKeyIn, withLineEnds } from './private-key.ts';
import { revealed } from '../revealed.ts';
import { algorithmOf, clockDrift, jwtAlgorithms, signJwt, type JwtAlgorithm } from './sign-jwt.ts';
import { tokenInvalid } from '../token-failure.ts';

/** Seconds that an assertion counts from now; a token server takes each one once. */
const assertionLifetime = 120;
const thumbprintHeaders = ['x5t#S256', 'x5t', 'x5c'] as const;

/** How a client says to a token server who it is: fields of a config. */
export const clientAuthenticationFields = {
  clientId: Type.String({ minLength: 1, maxLength: 1_024, description: 'Id of the client at the token server.' }),
  authentication: defaulted(
    Type.Enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls', 'none'], {
      description:
        'How the client proves who it is: its secret in a header (client_secret_basic) or in the body (client_secret_post), ' +
        'an assertion signed with its private key (private_key_jwt), a client certificate (tls), or not at all (none).',
    }),
    'client_secret_basic',
  ),
  clientSecret: Type.Optional(
    secret({ description: 'Secret of the client, for client_secret_basic and client_secret_post.' }),
  ),
  privateKey: Type.Optional(
    secret({ description: 'Private key of the client in PEM, for private_key_jwt and tls. Without a password.' }),
  ),
  certificate: Type.Optional(
    secret({
      description:
        'Certificate of the client in PEM, with those that signed it below. Shown in the handshake with tls; named in the ' +
        'assertion with private_key_jwt, where the server knows the key by it.',
    }),
  ),
  keyId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'Id of the private key at the token server (kid), for private_key_jwt.',
    }),
  ),
  algorithm: Type.Optional(
    Type.Enum([...jwtAlgorithms], {
      description: 'How the assertion is signed, for private_key_jwt. RS256 for a key of RSA where it is left out.',
    }),
  ),
  certificateHeader: Type.Optional(
    Type.Enum([...thumbprintHeaders], {
      description:
        'How the assertion names the certificate: by its SHA-256 (x5t#S256, when left out), by its SHA-1 (x5t), or whole (x5c).',
    }),
  ),
  assertionAudience: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2_048,
      description:
        'Whom the assertion is for, with private_key_jwt: what the token server asks for, often its issuer. The token URL when left out.',
    }),
  ),
};

/** The fields above as `create` gets them. */
export interface ClientAuthenticationConfig {
  readonly clientId: string;
  readonly authentication: Static<typeof clientAuthenticationFields.authentication>;
  readonly clientSecret?: Secret;
  readonly privateKey?: Secret;
  readonly certificate?: Secret;
  readonly keyId?: string;
  readonly algorithm?: JwtAlgorithm;
  readonly certificateHeader?: (typeof thumbprintHeaders)[number];
  readonly assertionAudience?: string;
}

/** Puts what proves the client into a request to the token server. Secrets are read at each request. */
export interface ClientAuthentication {
  /** Undefined where a grant speaks for itself and there is no client. */
  readonly clientId?: string;
  /** For the TLS handshake. */
  readonly identity?: ClientIdentity;
  readonly prove: (tokenUrl: string, clock: Clock) => ClientAuth;
}

/** For grants that need no client, such as an assertion that says everything. */
export const noClient: ClientAuthentication = { prove: () => () => undefined };

/** Throws a TypeError, which refuses the definition, where a field is missing or would not be used. */
export function clientAuthentication(config: ClientAuthenticationConfig): ClientAuthentication {
  const { clientId, authentication } = config;
  checkFields(config);
  if (authentication === 'client_secret_basic') return { clientId, prove: proveBySecretInHeader(config) };
  if (authentication === 'client_secret_post') return { clientId, prove: proveBySecretInBody(config) };
  if (authentication === 'private_key_jwt') return { clientId, prove: proveByAssertion(config) };
  const prove = (): ClientAuth => (_server, _client, body) => body.set('client_id', clientId);
  if (authentication === 'none') return { clientId, prove };
  const identity: ClientIdentity = {
    certificate: needed(config, 'certificate'),
    key: needed(config, 'privateKey'),
  };
  return { clientId, identity, prove };
}

type OptionalField = Exclude<keyof ClientAuthenticationConfig, 'clientId' | 'authentication'>;

const usedFields: Readonly<Record<ClientAuthenticationConfig['authentication'], readonly OptionalField[]>> = {
  client_secret_basic: ['clientSecret'],
  client_secret_post: ['clientSecret'],
  private_key_jwt: ['privateKey', 'certificate', 'keyId', 'algorithm', 'certificateHeader', 'assertionAudience'],
  tls: ['certificate', 'privateKey'],
  none: [],
};
const optionalFields: readonly OptionalField[] = [...usedFields.private_key_jwt, 'clientSecret'];

function checkFields(config: ClientAuthenticationConfig): void {
  const used = usedFields[config.authentication];
  for (const field of optionalFields) {
    if (config[field] !== undefined && !used.includes(field))
      throw new TypeError(`${field}: authentication "${config.authentication}" does not use it`);
  }
  if (config.certificateHeader !== undefined && config.certificate === undefined)
    throw new TypeError('certificateHeader: there is no certificate to name');
}

function needed(config: ClientAuthenticationConfig, field: 'clientSecret' | 'privateKey' | 'certificate'): Secret {
  const value = config[field];
  if (value === undefined) throw new TypeError(`${field}: authentication "${config.authentication}" needs it`);
  return value;
}

function proveBySecretInHeader(config: ClientAuthenticationConfig): ClientAuthentication['prove'] {
  const clientSecret = needed(config, 'clientSecret');
  return () => (_server, _client, _body, headers) => {
    const pair = `${formEncode(config.clientId)}:${formEncode(revealed(clientSecret))}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
  };
}

/**
 * As in a form, which RFC 6749 asks for. `-`, `.`, `_` and `*` stay as they are: the same to a server that decodes, and
 * right for the many that forget to.
 */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function proveBySecretInBody(config: ClientAuthenticationConfig): ClientAuthentication['prove'] {
  const clientSecret = needed(config, 'clientSecret');
  return () => (_server, _client, body) => {
    body.set('client_id', config.clientId);
    body.set('client_secret', revealed(clientSecret));
  };
}

function proveByAssertion(config: ClientAuthenticationConfig): ClientAuthentication['prove'] {
  const { clientId, keyId, certificate, assertionAudience } = config;
  const readKey = privateKeyIn(needed(config, 'privateKey'));
  return (tokenUrl, clock) => async (_server, _client, body) => {
    const key = readKey();
    const now = Math.floor(clock.wallTime() / 1_000);
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: assertionAudience ?? tokenUrl,
      jti: randomUUID(),
      iat: now - clockDrift,
      nbf: now - clockDrift,
      exp: now + assertionLifetime,
    };
    const header = {
      ...(keyId !== undefined && { kid: keyId }),
      ...(certificate !== undefined && certificateName(revealed(certificate), config.certificateHeader)),
    };
    body.set('client_id', clientId);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set(
      'client_assertion',
      await signJwt(claims, { key, algorithm: config.algorithm ?? algorithmOf(key), header }),
    );
  };
}

/** The header by which an assertion names the certificate of its key (RFC 7515, 4.1.6 to 4.1.8). */
function certificateName(
  pem: string,
  header: (typeof thumbprintHeaders)[number] = 'x5t#S256',
): Record<string, string | readonly string[]> {
  const chain = readCertificates(pem);
  if (header === 'x5c') return { x5c: chain.map(({ raw }) => raw.toString('base64')) };
  const [own] = chain;
  const print = header === 'x5t' ? own?.fingerprint : own?.fingerprint256;
  return { [header]: Buffer.from((print ?? '').replaceAll(':', ''), 'hex').toString('base64url') };
}

/** The certificates in a text, the client's own first. TOKEN_INVALID where there is none, or one that is broken. */
export function readCertificates(pem: string): readonly X509Certificate[] {
  const parts = withLineEnds(pem).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const chain = parts.map((part) => new X509Certificate(part));
    if (chain.length > 0) return chain;
  } catch {
    // Below, without the words of OpenSSL.
  }
  throw tokenInvalid('the certificate is not usable');
}
