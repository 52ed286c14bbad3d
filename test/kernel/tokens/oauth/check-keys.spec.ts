import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canShowIdentity, shownIdentity } from '../../../../src/forward/client-identity.ts';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import type { HttpCaller } from '../../../../src/kernel/http-caller.ts';
import { Secret } from '../../../../src/kernel/schema.ts';
import { checkClientKeys, checkSigningKey } from '../../../../src/kernel/tokens/oauth/check-keys.ts';
import { clientAuthentication } from '../../../../src/kernel/tokens/oauth/client-authentication.ts';
import { readPrivateKey } from '../../../../src/kernel/tokens/oauth/private-key.ts';
import {
  algorithmOf,
  jwtAlgorithms,
  signJwt,
  type JwtAlgorithm,
} from '../../../../src/kernel/tokens/oauth/sign-jwt.ts';
import { revealed } from '../../../../src/kernel/tokens/revealed.ts';
import { UnusableSecret } from '../../../../src/kernel/tokens/unusable-secret.ts';
import { makeCertificate } from '../../../support/test-certificate.ts';
import { TestClock } from '../../../support/test-clock.ts';
import { closedHttp, secretOf } from '../../../support/token-outcomes.ts';

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const ofCurve = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const p256 = ofCurve('P-256');
const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' } as const;
const pair = makeCertificate({ hosts: ['sluice'] });
const otherPair = makeCertificate({ hosts: ['sluice'] });

const texts: Readonly<Record<string, string>> = {
  'RSA, PKCS #8': pkcs8(rsa.privateKey),
  'RSA, PKCS #1': rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string,
  'RSA of 1024 bits': pkcs8(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey),
  'RSA for PSS only': pkcs8(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).privateKey),
  'P-256': pkcs8(p256),
  'P-256, SEC 1': p256.export({ type: 'sec1', format: 'pem' }) as string,
  'P-384': pkcs8(ofCurve('P-384')),
  'P-521': pkcs8(ofCurve('P-521')),
  secp256k1: pkcs8(ofCurve('secp256k1')),
  Ed25519: pkcs8(generateKeyPairSync('ed25519').privateKey),
  Ed448: pkcs8(generateKeyPairSync('ed448').privateKey),
  X25519: pkcs8(generateKeyPairSync('x25519').privateKey),
  'line ends of Windows': pkcs8(p256).replaceAll('\n', '\r\n'),
  'line ends in letters': pkcs8(p256).replaceAll('\n', '\\n'),
  'line ends of Windows in letters': pkcs8(p256).replaceAll('\n', '\\r\\n'),
  'blanks around it': ` \n\t ${pkcs8(p256)} \n`,
  'a text before it': `Bag Attributes\n${pkcs8(p256)}`,
  'blanks before each line': pkcs8(p256).replaceAll('\n', '\n  '),
  'a line end lost': pkcs8(p256).replace('\n', ''),
  'all line ends lost': pkcs8(p256).replaceAll('\n', ' '),
  'under a password': p256.export(locked) as string,
  'under a password, PKCS #1': rsa.privateKey.export({ ...locked, type: 'pkcs1' }) as string,
  'a public key': rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string,
  'a certificate': pair.certificate,
  'a certificate and its key': pair.certificate + pair.key,
  'a key and its certificate': pair.key + pair.certificate,
  JSON: JSON.stringify({ private_key: pkcs8(rsa.privateKey) }),
  'half of one': pkcs8(p256).slice(0, 120),
  'a path': '/run/secrets/key.pem',
  'a word': 'qumbel_zarvo_thinepox',
  'the frame alone': '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n',
  nothing: ' \n ',
};

/** The reason for which a request would fail, or undefined. */
async function requestFails(text: string, algorithm?: JwtAlgorithm): Promise<unknown> {
  try {
    const key = readPrivateKey(revealed(secretOf(text)));
    await signJwt({ iss: 'a' }, { key, algorithm: algorithm ?? algorithmOf(key) });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return (error as SluiceError).context['reason'];
  }
}

function refusalOf(check: () => void): UnusableSecret | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(UnusableSecret);
    return error as UnusableSecret;
  }
}

function expectNoWord(refusal: UnusableSecret, text: string): void {
  const printed = inspect(refusal, { showHidden: true, depth: 8 });
  const pieces = text.split(/\\n|[\s"]+/).filter((piece) => piece.length > 12 && !/BEGIN|PRIVATE|-----/.test(piece));
  expect(pieces.filter((piece) => printed.includes(piece))).toEqual([]);
  expect(refusal).not.toHaveProperty('cause');
}

describe('a key that is checked at load', () => {
  const algorithms = [undefined, ...jwtAlgorithms];
  it.each(Object.entries(texts))(
    'is taken and refused as at a request, with each algorithm: %s',
    async (_what, text) => {
      for (const algorithm of algorithms) {
        const reason = await requestFails(text, algorithm);
        const refusal = refusalOf(() => checkSigningKey('client.privateKey', secretOf(text), algorithm));
        expect([algorithm, refusal?.message.startsWith(`client.privateKey: SOME_SECRET: ${String(reason)}`)]).toEqual([
          algorithm,
          reason === undefined ? undefined : true,
        ]);
        if (refusal !== undefined) expectNoWord(refusal, text);
      }
    },
  );

  it('is taken and refused as at a request, wherever it was cut or changed', async () => {
    const where = fc.record({
      at: fc.nat(260),
      length: fc.nat(40),
      put: fc.constantFrom('', '\n', ' ', '\\n', 'A', '-'),
    });
    await fc.assert(
      fc.asyncProperty(where, async ({ at, length, put }) => {
        const whole = pkcs8(p256);
        const text = whole.slice(0, at) + put + whole.slice(at + length);
        const reason = await requestFails(text);
        expect(refusalOf(() => checkSigningKey('privateKey', secretOf(text))) === undefined).toBe(reason === undefined);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['under a password', /the private key is under a password; write it without one: openssl pkey/],
    ['JSON', /; this is JSON: give the key alone/],
    ['a public key', /this is a public key, not the private one; give/],
    ['a certificate', /this is a certificate, not the private key; give/],
    ['a word', /not in PEM; a key in PEM begins with "-----BEGIN PRIVATE KEY-----"/],
    ['half of one', /not usable; it may be cut off/],
    ['nothing', /a secret is empty/],
    ['Ed448', /signs no tokens; take a key of/],
  ])('says what to do: %s', (what, message) => {
    expect(refusalOf(() => checkSigningKey('privateKey', secretOf(texts[what] ?? '')))?.message).toMatch(message);
  });

  it('is no matter where it can not be read: that is told elsewhere', () => {
    const gone = new Secret('file key.pem', () => {
      throw new Error('ENOENT');
    });
    expect(refusalOf(() => checkSigningKey('privateKey', gone))).toBeUndefined();
  });
});

describe('a certificate that is checked at load', () => {
  const config = { clientId: 'a', authentication: 'private_key_jwt', privateKey: secretOf(pair.key) } as const;
  it.each([
    ['one', pair.certificate],
    ['a chain', pair.certificate + otherPair.certificate],
    ['line ends in letters', pair.certificate.replaceAll('\n', '\\n')],
    ['a key', pair.key],
    ['a word', 'nonsense'],
    ['a frame', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['a good one and a broken one', `${pair.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`],
  ])('is taken and refused as at a request: %s', async (_what, text) => {
    const whole = { ...config, certificate: secretOf(text) };
    const request = clientAuthentication(whole).prove('https://a.example/', new TestClock());
    const failure: unknown = await Promise.resolve(
      request({} as never, {} as never, new URLSearchParams(), new Headers()),
    ).then(
      () => undefined,
      (error: unknown) => error,
    );
    const refusal = refusalOf(() => checkClientKeys(whole));
    expect(refusal === undefined).toBe(failure === undefined);
    if (refusal !== undefined)
      expect(refusal.message).toMatch(/^certificate: SOME_SECRET: the certificate is not usable;/);
  });
});

describe('a pair for TLS that is checked at load', () => {
  const http: HttpCaller = { call: () => Promise.reject(new Error('asked')), canShow: canShowIdentity };
  const tls = (certificate: string, key: string) =>
    ({
      clientId: 'a',
      authentication: 'tls',
      certificate: new Secret('CERTIFICATE', () => certificate),
      privateKey: new Secret('KEY', () => key),
    }) as const;

  it.each([
    ['a pair', pair.certificate, pair.key, undefined],
    ['a chain', pair.certificate + otherPair.certificate, pair.key, undefined],
    ['line ends in letters', pair.certificate.replaceAll('\n', '\\n'), pair.key.replaceAll('\n', '\\n'), undefined],
    ['another key', pair.certificate, otherPair.key, /^client\.certificate: CERTIFICATE: it is not .* key in KEY, or/],
    ['no key', pair.certificate, 'a word', /^client\.privateKey: KEY: the private key is not in PEM; /],
    ['a certificate for a key', pair.certificate, pair.certificate, /^client\.privateKey: KEY: this is a certificate/],
    ['no certificate', 'a word', pair.key, /^client\.certificate: CERTIFICATE: the certificate is not usable; /],
    ['an empty one', ' ', pair.key, /^client\.certificate: CERTIFICATE: a secret is empty/],
  ])('is taken and refused as by the handshake: %s', (_what, certificate, key, message) => {
    const config = tls(certificate, key);
    const identity = { certificate: config.certificate, key: config.privateKey };
    const shows = (): unknown => shownIdentity(identity, { hostname: 'a', protocol: 'https:' });
    const refusal = refusalOf(() => checkClientKeys(config, http, 'client.'));
    if (message === undefined) expect([typeof shows(), refusal]).toEqual(['object', undefined]);
    else {
      expect(shows).toThrow();
      expect(refusal?.message).toMatch(message);
      if (refusal !== undefined) expectNoWord(refusal, certificate + key);
    }
  });

  it('is not judged by a way out that can not tell', () => {
    expect(refusalOf(() => checkClientKeys(tls('a', 'b'), closedHttp()))).toBeUndefined();
  });
});
