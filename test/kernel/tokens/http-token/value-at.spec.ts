import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pointerPattern, valueAt } from '../../../../src/kernel/tokens/http-token/value-at.ts';

describe('a JSON pointer', () => {
  const key = fc.oneof(fc.constantFrom('~', '/', '~1', '', '0', 'length', 'constructor'), fc.string());
  const pointerOf = (path: readonly string[]): string =>
    path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

  it('finds what was put there, whatever the keys are', () => {
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (path) => {
        const document = path.reduceRight<unknown>((inner, part) => Object.fromEntries([[part, inner]]), 'found');
        expect(pointerOf(path)).toMatch(new RegExp(pointerPattern));
        expect(valueAt(document, pointerOf(path))).toBe('found');
      }),
    );
  });

  it.each([
    ['/a/b/0', 1],
    ['/a/b/1', undefined],
    ['/a/b/length', undefined],
    ['/a/b/-', undefined],
    ['/a/constructor', undefined],
    ['/__proto__', undefined],
    ['/toString', undefined],
    ['/text/0', undefined],
    ['/nothing/a', undefined],
    ['/', 'empty'],
  ])('%s is %j', (pointer, value) => {
    expect(valueAt({ a: { b: [1] }, text: 't', nothing: null, '': 'empty' }, pointer)).toBe(value);
  });
});
