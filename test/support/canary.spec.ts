import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formsOf, leaksOf } from './canary.ts';

const secrets = fc.string({ minLength: 8, maxLength: 40 });
const encodings: readonly (readonly [string, (text: string) => string])[] = [
  ['as it is', (text) => text],
  ['in JSON', (text) => JSON.stringify(text)],
  ['in base64', (text) => Buffer.from(text).toString('base64')],
  ['in base64url', (text) => Buffer.from(text).toString('base64url')],
  ['in hex, upper case', (text) => Buffer.from(text).toString('hex').toUpperCase()],
  ['in a path', (text) => encodeURIComponent(text)],
  ['in a form', (text) => new URLSearchParams({ a: text }).toString()],
];

describe('leaksOf', () => {
  it.each(encodings)('finds a secret %s, with anything before and behind it', (_name, encode) => {
    fc.assert(
      fc.property(fc.string(), secrets, fc.string(), (before, secret, behind) => {
        expect(leaksOf(secret, `x ${encode(before + secret + behind)} y`)).not.toEqual([]);
      }),
    );
  });

  it('finds nothing where there is nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        const text = `${Buffer.from(bytes).toString('base64')} ${Buffer.from(bytes).toString('hex')}`;
        expect(leaksOf('sk-canary-7f3a9c1e-55d0', text)).toEqual([]);
      }),
    );
  });

  it('names each form', () => {
    expect([...formsOf('a/b c"d-secret')]).toEqual(
      expect.arrayContaining([
        ['raw', 'a/b c"d-secret'],
        ['JSON', 'a/b c\\"d-secret'],
        ['URL', 'a%2Fb%20c%22d-secret'],
        ['form', 'a%2Fb+c%22d-secret'],
        ['base64, shift 0', 'YS9iIGMiZC1zZWNyZX'],
      ]),
    );
  });
});
