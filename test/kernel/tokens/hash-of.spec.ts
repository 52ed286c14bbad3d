import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hashOf } from '../../../src/kernel/tokens/hash-of.ts';

/** Any text, halves of surrogate pairs among it. */
const part = fc.string({ unit: fc.oneof(fc.constantFrom('0', '1', ':', 'a'), fc.string({ unit: 'binary' })) });
const half = fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit));
const parts = fc.array(fc.oneof(part, half), { maxLength: 4 });

describe('hashOf', () => {
  it('is a whole SHA-256 in hex', () => {
    expect(hashOf()).toBe(createHash('sha256').digest('hex'));
    expect(hashOf('a', 'b')).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf('a', 'b')).toBe(hashOf('a', 'b'));
  });

  it.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [
      ['', 'a'],
      ['a', ''],
    ],
    [['a'], ['a', '']],
    [[], ['']],
    [['1:a'], ['1', 'a']],
    [['a1:b'], ['a', 'b']],
    [['\ud800'], ['\ud801']],
    [['\ud83d', '\ude00'], ['\ud83d\ude00']],
    [['A'], ['a']],
  ])('tells %j from %j', (one, other) => {
    expect(hashOf(...one)).not.toBe(hashOf(...other));
  });

  it('tells any two lists of parts from each other, and no two that are the same', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(hashOf(...one) === hashOf(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it('tells the same text from itself when it is cut elsewhere', () => {
    fc.assert(
      fc.property(part, fc.nat(), fc.nat(), (text, first, second) => {
        const [one, other] = [first % (text.length + 1), second % (text.length + 1)];
        const cut = (place: number): string => hashOf(text.slice(0, place), text.slice(place));
        expect(cut(one) === cut(other)).toBe(one === other);
      }),
    );
  });

  it.each([20, 64, 200])('tells two tokens with the same first %i characters from each other', (length) => {
    const prefix = `eyJ${'x'.repeat(length - 3)}`;
    expect(hashOf(`${prefix}a`)).not.toBe(hashOf(`${prefix}b`));
  });
});
