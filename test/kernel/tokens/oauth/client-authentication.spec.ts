import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jwtVerify, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { Secret } from '../../../../src/kernel/schema.ts';
import {
  clientAuthentication,
  type ClientAuthenticationConfig,
} from '../../../../src/kernel/tokens/oauth/client-authentication.ts';
import { makeCertificate } from '../../../support/test-certificate.ts';
import { TestClock } from '../../../support/test-clock.ts';

const tokenUrl = 'https://login.example.com/token';
const authority = makeCertificate({ hosts: [] });
const own = makeCertificate({ hosts: ['client.example'], issuer: authority });
const secretOf = (text: string): Secret => new Secret('SOME_SECRET', () => text);
let clock: TestClock;
beforeEach(() => void (clock = new TestClock()));

/** What the client puts into a request. */
async function proofOf(config: ClientAuthenticationConfig): Promise<{ body: URLSearchParams; headers: Headers }> {
  const [body, headers] = [new URLSearchParams(), new Headers()];
  const prove = clientAuthentication(config).prove(tokenUrl, clock);
  await prove({ issuer: tokenUrl }, { client_id: config.clientId }, body, headers);
  return { body, headers };
}

describe('a secret in a header', () => {
  it.each([
    ['sluice', 'word', 'sluice:word'],
    ['11f0-22_a.b*c', 'x-1_2.3*4', '11f0-22_a.b*c:x-1_2.3*4'],
    ['a b', 'c:d', 'a+b:c%3Ad'],
    ['ä', 'p%w+&=', '%C3%A4:p%25w%2B%26%3D'],
  ])('encodes %s and %s as in a form', async (clientId, text, pair) => {
    const { headers, body } = await proofOf({
      clientId,
      authentication: 'client_secret_basic',
      clientSecret: secretOf(text),
    });
    expect(headers.get('authorization')).toBe(`Basic ${Buffer.from(pair).toString('base64')}`);
    expect(body.toString()).toBe('');
  });

  it('is what a server reads that decodes it', async () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((value) => value.trim() === value && value !== '');
    await fc.assert(
      fc.asyncProperty(text, text, async (clientId, clientSecret) => {
        const config = {
          clientId,
          authentication: 'client_secret_basic',
          clientSecret: secretOf(clientSecret),
        } as const;
        const { headers } = await proofOf(config);
        const pair = Buffer.from((headers.get('authorization') ?? '').slice(6), 'base64').toString();
        const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '));
        expect(pair.split(':').map(decode)).toEqual([clientId, clientSecret]);
      }),
    );
  });

  it('comes without the line end of its file', async () => {
    const config = { clientId: 'a', authentication: 'client_secret_post', clientSecret: secretOf('word\n') } as const;
    expect(Object.fromEntries((await proofOf(config)).body)).toEqual({ client_id: 'a', client_secret: 'word' });
  });
});

describe('a secret', () => {
  const gone = (): never => {
    throw new TypeError('no such file');
  };
  it.each<readonly [string, () => string, string]>([
    ['can not be read', gone, 'TOKEN_UNAVAILABLE'],
    ['is empty', () => '', 'TOKEN_INVALID'],
    ['is a line end', () => '\n', 'TOKEN_INVALID'],
  ])('that %s proves nothing', async (_what, read, code) => {
    const secret = new Secret('GONE_SECRET', read);
    const failure = expect.objectContaining({ code, context: expect.objectContaining({ secret: 'GONE_SECRET' }) });
    for (const authentication of ['client_secret_basic', 'client_secret_post'] as const)
      await expect(proofOf({ clientId: 'a', authentication, clientSecret: secret })).rejects.toEqual(failure);
    await expect(proofOf({ clientId: 'a', authentication: 'private_key_jwt', privateKey: secret })).rejects.toEqual(
      failure,
    );
  });
});

describe('an assertion', () => {
  const verify = async (
    more: Partial<ClientAuthenticationConfig> = {},
  ): Promise<{ payload: JWTPayload; protectedHeader: JWTHeaderParameters }> => {
    const config = {
      clientId: 'sluice',
      authentication: 'private_key_jwt',
      privateKey: secretOf(own.key),
      ...more,
    } as const;
    const { body, headers } = await proofOf(config);
    expect([...headers]).toEqual([]);
    expect([...body.keys()]).toEqual(['client_id', 'client_assertion_type', 'client_assertion']);
    expect(body.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    return jwtVerify(body.get('client_assertion') ?? '', createPublicKey(own.certificate), {
      currentDate: new Date(clock.wallTime()),
    });
  };

  it('is short-lived and for the token URL', async () => {
    const now = clock.wallTime() / 1_000;
    const { payload, protectedHeader } = await verify();
    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(payload).toEqual({
      iss: 'sluice',
      sub: 'sluice',
      aud: tokenUrl,
      jti: id,
      // To a server whose clock is behind it has begun as well.
      iat: now - 30,
      nbf: now - 30,
      exp: now + 120,
    });
    expect(protectedHeader).toEqual({ typ: 'JWT', alg: 'ES256' });
  });

  it('is never the same twice', async () => {
    expect((await verify()).payload.jti).not.toBe((await verify()).payload.jti);
  });

  it('follows the clock of the wall', async () => {
    clock.jump(3_600_000);
    expect((await verify()).payload.exp).toBe(clock.wallTime() / 1_000 + 120);
  });

  it('names its key', async () => {
    expect((await verify({ keyId: 'k1' })).protectedHeader).toEqual({ typ: 'JWT', alg: 'ES256', kid: 'k1' });
  });

  const print = (algorithm: string): string =>
    createHash(algorithm).update(new X509Certificate(own.certificate).raw).digest('base64url');
  const der = (pem: string): string => new X509Certificate(pem).raw.toString('base64');

  it.each([
    [undefined, { 'x5t#S256': print('sha256') }],
    ['x5t#S256', { 'x5t#S256': print('sha256') }],
    ['x5t', { x5t: print('sha1') }],
    ['x5c', { x5c: [der(own.certificate), der(authority.certificate)] }],
  ] as const)('names its certificate (%s)', async (certificateHeader, expected) => {
    const certificate = secretOf(`${own.certificate}${authority.certificate}`);
    const more = { certificate, ...(certificateHeader !== undefined && { certificateHeader }) };
    expect((await verify(more)).protectedHeader).toEqual({ typ: 'JWT', alg: 'ES256', ...expected });
  });

  it.each(['nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])(
    'is not made with a certificate that is none (%j)',
    async (text) => {
      const error = await verify({ certificate: secretOf(text) }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'TOKEN_INVALID', context: { reason: 'the certificate is not usable' } });
      expect(error).not.toHaveProperty('cause');
    },
  );
});

describe('a certificate', () => {
  it('is shown in the handshake, always as the same object', async () => {
    const [certificate, privateKey] = [secretOf(own.certificate), secretOf(own.key)];
    const config = { clientId: 'sluice', authentication: 'tls', certificate, privateKey } as const;
    const authentication = clientAuthentication(config);
    expect(authentication.identity).toEqual({ certificate, key: privateKey });
    expect(authentication.identity).toBe(authentication.identity);
    expect((await proofOf(config)).body.toString()).toBe('client_id=sluice');
  });
});
