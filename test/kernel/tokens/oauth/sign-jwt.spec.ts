import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { jwtVerify } from 'jose';
import { algorithmOf, signJwt } from '../../../../src/kernel/tokens/oauth/sign-jwt.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const ed = generateKeyPairSync('ed25519');
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const [p256, p384, p521] = [curve('P-256'), curve('P-384'), curve('P-521')];

describe('a signed token', () => {
  it.each([
    ['RS256', rsa],
    ['RS384', rsa],
    ['RS512', rsa],
    ['PS256', rsa],
    ['PS384', rsa],
    ['PS512', rsa],
    ['ES256', p256],
    ['ES384', p384],
    ['ES512', p521],
    ['EdDSA', ed],
  ] as const)('is good under %s', async (algorithm, { privateKey, publicKey }) => {
    const claims = { iss: 'me', sub: 'you', aud: ['them'], exp: 4_000_000_000, nested: { one: 1 } };
    const token = await signJwt(claims, { key: privateKey, algorithm, header: { kid: 'k1' } });
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, { algorithms: [algorithm] });
    expect(payload).toEqual(claims);
    expect(protectedHeader).toEqual({ typ: 'JWT', kid: 'k1', alg: algorithm });
  });

  it('can not be told another algorithm by its header', async () => {
    const header = { alg: 'none', typ: 'at+jwt' };
    const token = await signJwt({}, { key: p256.privateKey, algorithm: 'ES256', header });
    expect((await jwtVerify(token, p256.publicKey)).protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt' });
  });

  it.each([
    ['a key of another kind', p256, 'RS256'],
    ['another curve', p384, 'ES256'],
    ['a key that is too short', short, 'RS256'],
    ['a public key', { privateKey: rsa.publicKey }, 'RS256'],
  ] as const)('is not made with %s', async (_what, { privateKey }, algorithm) => {
    const signed: Promise<unknown> = signJwt({ iss: 'me' }, { key: privateKey, algorithm });
    const error = await signed.catch((thrown: unknown) => thrown);
    const context = { reason: 'the private key does not fit the algorithm', algorithm };
    expect(error).toMatchObject({ code: 'TOKEN_INVALID', context });
    expect(error).not.toHaveProperty('cause');
  });
});

describe('the algorithm of a key', () => {
  it.each([
    ['RS256', rsa],
    ['ES256', p256],
    ['ES384', p384],
    ['ES512', p521],
    ['EdDSA', ed],
  ] as const)('may be %s', (algorithm, { privateKey }) => {
    expect(algorithmOf(privateKey)).toBe(algorithm);
  });

  it.each([
    ['x25519', generateKeyPairSync('x25519')],
    // It is bound to one use, which `jose` does not have.
    ['rsa-pss', generateKeyPairSync('rsa-pss', { modulusLength: 2_048 })],
    ['secp256k1', curve('secp256k1')],
  ])('is none for a key of the kind %s, which signs no tokens', (_kind, { privateKey }) => {
    const context = { reason: 'the private key is of a kind that signs no tokens' };
    expect(() => algorithmOf(privateKey)).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID', context }));
  });
});
