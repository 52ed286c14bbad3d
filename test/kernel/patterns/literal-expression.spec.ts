import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { literalExpression } from '../../../src/kernel/patterns/literal-expression.ts';
import { patternSample } from '../../../src/kernel/patterns/pattern-sample.ts';
import { foldText } from '../../../src/kernel/words/text-folding.ts';

const matches = (text: string, other: string, ignoreCase: boolean): boolean =>
  new RegExp(`^(?:${literalExpression(text, ignoreCase)})$`, 'u').test(other);

describe('the expression of a text', () => {
  it.each<[string, string, boolean, boolean]>([
    ['a.b', 'a.b', false, true],
    ['a.b', 'axb', false, false],
    ['a', 'A', false, false],
    ['aÉσ😀', 'ＡéΣ😀', true, true],
    ['ς', 'σ', true, true],
    ['ß', 'ss', true, false],
  ])('%s and %s, case ignored: %s', (text, other, ignoreCase, expected) => {
    expect(matches(text, other, ignoreCase)).toBe(expected);
  });

  it('matches what is equal after folding', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(texts, (text) => {
        expect(matches(text, text, false)).toBe(true);
        expect(matches(text, foldText(text), true)).toBe(true);
        expect(matches(foldText(text), text, true)).toBe(true);
      }),
    );
  });
});

describe('the sample of an expression', () => {
  it.each<[string, string]>([
    ['abc', 'abc'],
    ['a?b*', 'ab'],
    ['(?:x|y){2}\\d', 'xx0'],
    ['[^a-z]\\s', 'A '],
    ['\\p{Script=Greek}', '\u0370'],
    ['a{3,}', 'aaa'],
  ])('%s', (source, expected) => {
    expect(patternSample(source)).toBe(expected);
    expect(expected).toMatch(new RegExp(`^(?:${source})$`, 'u'));
  });
});
