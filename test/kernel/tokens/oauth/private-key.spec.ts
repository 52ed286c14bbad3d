import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../../src/kernel/schema.ts';
import { privateKeyIn, readPrivateKey } from '../../../../src/kernel/tokens/oauth/private-key.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

describe('a private key', () => {
  it.each([
    ['PKCS #8, RSA', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }), rsa],
    ['PKCS #1', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }), rsa],
    ['PKCS #8, P-256', pkcs8, ec],
    ['SEC 1', ec.privateKey.export({ type: 'sec1', format: 'pem' }), ec],
    ['line ends of Windows', pkcs8.replaceAll('\n', '\r\n'), ec],
    ['line ends in two letters, as in an environment variable', pkcs8.replaceAll('\n', '\\n'), ec],
    ['line ends of Windows in letters', pkcs8.replaceAll('\n', '\\r\\n'), ec],
    ['blanks around it', `\n  ${pkcs8}  \n`, ec],
  ])('may be in %s', (_what, pem, { publicKey }) => {
    const signature = createSign('sha256').update('text').sign(readPrivateKey(pem));
    expect(createVerify('sha256').update('text').verify(publicKey, signature)).toBe(true);
  });

  const unusable = 'the private key is not usable';
  const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' } as const;
  it.each([
    ['nothing', '', 'the private key is not in PEM'],
    ['a word', 'CANARY-51f0', 'the private key is not in PEM'],
    ['the path of a file', '/run/secrets/CANARY.pem', 'the private key is not in PEM'],
    [
      'a public key',
      ec.publicKey.export({ type: 'spki', format: 'pem' }) as string,
      'this is a public key, not the private one',
    ],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nCANARY-51f0\n-----END CERTIFICATE-----\n',
      'this is a certificate, not the private key',
    ],
    ['a key under a password', ec.privateKey.export(locked) as string, 'the private key is under a password'],
    [
      'an older form of that',
      rsa.privateKey.export({ ...locked, type: 'pkcs1' }) as string,
      'the private key is under a password',
    ],
    ['a key with 40,000 line ends', pkcs8 + '\n'.repeat(40_000), unusable],
    ['half of a key', pkcs8.slice(0, pkcs8.length / 2), unusable],
    ['a frame around nonsense', '-----BEGIN PRIVATE KEY-----\nCANARY-51f0\n-----END PRIVATE KEY-----\n', unusable],
    ['1 MB', `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(1_000_000)}\n-----END PRIVATE KEY-----\n`, unusable],
  ])('is not %s', (_what, text, reason) => {
    let error: unknown;
    try {
      readPrivateKey(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'TOKEN_INVALID', context: { reason } });
    expect(error).not.toHaveProperty('cause');
    expect(inspect(error, { showHidden: true })).not.toMatch(/CANARY|AAAA|BEGIN/);
  });
});

describe('a private key in a secret', () => {
  it('is parsed once, and again when it was rotated', () => {
    let text = pkcs8;
    const read = privateKeyIn(new Secret('KEY', () => text));
    const first = read();
    expect(read()).toBe(first);
    text = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    expect(read().asymmetricKeyType).toBe('rsa');
  });

  it('counts no more when what took its place is no key', () => {
    let text = pkcs8;
    const read = privateKeyIn(new Secret('KEY', () => text));
    read();
    text = 'nonsense';
    expect(read).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }));
    text = pkcs8;
    expect(read().asymmetricKeyType).toBe('ec');
  });
});
