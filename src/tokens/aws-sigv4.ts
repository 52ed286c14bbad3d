import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import Type from 'typebox';
import { defineTokenProvider, type Credential, type TokenProvider } from '../kernel/component.ts';
import type { Clock } from '../kernel/clock.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import { defaulted, secret, strictObject, type Secret } from '../kernel/schema.ts';
import type { UpstreamRequest } from '../kernel/upstream.ts';

/** Characters of a key; those of AWS have 20 and 40. Session tokens are long. */
const maxKeyLength = 256;
const maxSessionTokenLength = 16_384;
/** What can stand in the authorization header without being taken for a part of it. */
const usableKey = /^[\w+/=.-]+$/;
/** Headers that a proxy on the way may change, so they are not signed. */
const unsignedHeaders: ReadonlySet<string> = new Set(['accept', 'accept-encoding']);

const config = strictObject({
  accessKeyId: secret({
    description: 'Access key id, as { "$env": NAME } or { "$file": PATH }; SLUICE_ENV_ALLOW must admit the name.',
  }),
  secretAccessKey: secret({ description: 'Secret access key, as { "$env": NAME } or { "$file": PATH }.' }),
  sessionToken: Type.Optional(secret({ description: 'Session token of temporary keys.' })),
  region: Type.String({
    pattern: '^[a-z]{2,4}(-[a-z]{1,16}){1,3}-[0-9]{1,2}$',
    'x-hint': 'the name of a region, such as "eu-central-1"',
    description: 'Region that the requests are signed for; that of the backend.',
  }),
  service: defaulted(
    Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'Service that the requests are signed for.' }),
    'bedrock',
  ),
});

type SignableRequest = Parameters<SignatureV4['presign']>[0];

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Signs each request with AWS Signature Version 4: method, path, query, host, body and the headers that nobody changes on
 * the way. The secrets are read for each request, so rotated files count at once; they must be rotated together.
 */
export const awsSigv4TokenProvider = defineTokenProvider({
  type: 'aws-sigv4',
  summary: 'Signs requests with AWS Signature Version 4 and static keys.',
  config,
  needs: ['clock'],
  examples: [
    {
      title: 'Keys from the environment',
      config: {
        accessKeyId: { $env: 'AWS_ACCESS_KEY_ID' },
        secretAccessKey: { $env: 'AWS_SECRET_ACCESS_KEY' },
        region: 'us-east-1',
      },
    },
    {
      title: 'Temporary keys from files',
      config: {
        accessKeyId: { $file: '/run/secrets/aws-access-key-id' },
        secretAccessKey: { $file: '/run/secrets/aws-secret-access-key' },
        sessionToken: { $file: '/run/secrets/aws-session-token' },
        region: 'eu-central-1',
      },
    },
  ],
  create({ accessKeyId, secretAccessKey, sessionToken, region, service }, { clock }): TokenProvider {
    let keys: Keys | undefined;
    let credential: Credential | undefined;
    return {
      getToken() {
        const current: Keys = {
          accessKeyId: readKey(accessKeyId, maxKeyLength),
          secretAccessKey: readKey(secretAccessKey, maxKeyLength),
          ...(sessionToken !== undefined && { sessionToken: readKey(sessionToken, maxSessionTokenLength) }),
        };
        if (credential === undefined || keys === undefined || !areSame(keys, current)) {
          keys = current;
          credential = createCredential(current, region, service, clock);
        }
        return credential;
      },
      invalidate(refused) {
        if (credential === refused) credential = undefined;
      },
    };
  },
});

/** The keys stay in the closure: a credential that is written to a log shows nothing. */
function createCredential(keys: Keys, region: string, service: string, clock: Clock): Credential {
  const signer = new SignatureV4({ credentials: keys, region, service, sha256: Sha256, applyChecksum: false });
  return {
    origins: '*',
    async apply(request) {
      const signed = await signer.sign(signableRequest(request), { signingDate: new Date(clock.wallTime()) });
      for (const [name, value] of Object.entries(signed.headers)) {
        // The transport sets the host from the origin, to the same value.
        if (name !== 'host') request.headers[name] = value;
      }
    },
  };
}

/** The request in the form of the signer: with its host, without the headers that are not signed. */
function signableRequest({ method, origin, path, headers, body }: UpstreamRequest): SignableRequest {
  const { protocol, hostname, host } = new URL(origin);
  const question = path.indexOf('?');
  return {
    method,
    protocol,
    hostname,
    path: question === -1 ? path : path.slice(0, question),
    query: question === -1 ? {} : readQuery(path.slice(question + 1)),
    headers: {
      ...Object.fromEntries(Object.entries(headers).filter(([name]) => !unsignedHeaders.has(name))),
      host,
    },
    body,
  };
}

/** The parameters, decoded; a plus is a plus. */
function readQuery(text: string): Record<string, string[]> {
  const query: Record<string, string[]> = {};
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    (query[name] ??= []).push(equals === -1 ? '' : decode(part.slice(equals + 1)));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function areSame(one: Keys, other: Keys): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}

/** Throws TOKEN_UNAVAILABLE where the secret can't be read and TOKEN_INVALID where it is no key; never shows it. */
function readKey(key: Secret, maxLength: number): string {
  let value: string;
  try {
    value = key.reveal().trim();
  } catch (error) {
    throw asSluiceError(error, 'TOKEN_UNAVAILABLE', { secret: String(key) });
  }
  if (value.length > maxLength || !usableKey.test(value))
    throw new SluiceError('TOKEN_INVALID', { context: { secret: String(key) } });
  return value;
}

/** SHA-256, or HMAC with it where there is a key, in the form that the signer makes its hashes in. */
class Sha256 {
  readonly #key: HashInput | undefined;
  #hash: Hash | Hmac;

  constructor(key?: HashInput) {
    this.#key = key;
    this.#hash = createHasher(key);
  }

  update(data: HashInput): void {
    this.#hash.update(asBytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = createHasher(this.#key);
  }
}

type HashInput = string | ArrayBuffer | ArrayBufferView;

function createHasher(key: HashInput | undefined): Hash | Hmac {
  return key === undefined ? createHash('sha256') : createHmac('sha256', asBytes(key));
}

function asBytes(data: HashInput): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
