import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { TextRewriter } from '../../src/kernel/modifier.ts';
import type { ReplacementRule } from '../../src/kernel/patterns/replacement-rules.ts';
import { replace } from '../../src/modifiers/replace.ts';
import { createInstance } from '../support/component-instance.ts';
import { lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { replaceSlowly } from '../support/replace-oracle.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

const { run, capabilities } = testRun();

function open(rules: readonly ReplacementRule[], unbounded: 'refuse' | 'buffer' = 'refuse'): () => TextRewriter {
  const modifier = createInstance(replace, { rules, unbounded }, capabilities);
  if (modifier.effect !== 'text') throw new TypeError('replace works on text');
  return () => modifier.open(run, textBlock());
}

/** Case and width, for the letters of these texts. */
const fold = (text: string): string => text.normalize('NFKC').toLowerCase();

const rows: readonly { rules: readonly ReplacementRule[]; parts: readonly string[]; goesOn: readonly string[] }[] = [
  {
    // Texts alone.
    rules: [
      { find: 'ab', with: 'X' },
      { find: 'abab', with: '<$1>' },
      { find: 'bb', with: 'ab' },
      { find: 'ab', with: 'never' },
      { find: '😀', with: '' },
    ],
    parts: ['a', 'b', 'ab', 'aba', 'c', '😀', '\ud83d', '\ude00'],
    goesOn: ['', '\u0000', 'b', 'bab', 'ab', '\ude00'],
  },
  {
    rules: [
      { find: 'aB', with: '1', ignoreCase: true, wholeWords: true },
      { find: 'ab b', with: '22', ignoreCase: true, wholeWords: true },
    ],
    parts: ['a', 'A', 'b', 'Ｂ', 'ab', ' ', '.', '_', '𐐀', '\ud801', '\udc00'],
    goesOn: ['', ' ', 'x', 'b ', 'bx', ' b ', ' b', 'b', 'b b ', '\udc00', '\udfff'],
  },
  {
    // Texts that differ in how they compare.
    rules: [
      { find: 'ab', with: '1', ignoreCase: true },
      { find: 'abc', with: '2', wholeWords: true },
      { find: 'ABCD', with: '3' },
      { find: '.*', with: '$&' },
    ],
    parts: ['a', 'A', 'b', 'Ｂ', 'c', 'C', 'D', 'ab', ' ', '.', '*'],
    goesOn: ['', ' ', 'b', 'bc ', 'bcx', 'BCD', 'BC', 'c ', 'CD', 'D', '*', 'C'],
  },
  {
    // Groups.
    rules: [
      { pattern: '(a|ab)(c|bcd)?', with: '$2|$1|$&|$$' },
      { pattern: '(?<one>x+?)(?<two>x{0,3})y', with: '{$<two>-$<one>}', maxCharacters: 6 },
      { find: 'abz', with: '$1' },
    ],
    parts: ['a', 'b', 'c', 'd', 'z', 'ab', 'bcd', 'x', 'xx', 'y', 'xxx'],
    goesOn: ['', '\u0000', 'b', 'bc', 'bcd', 'bz', 'z', 'c', 'cd', 'd', 'y', 'xy', 'xxy', 'xxxy', 'xxxxy'],
  },
  {
    rules: [
      { pattern: '[\\p{L}-]{2,4}@(\\d|😀)', with: '$1', ignoreCase: true },
      { pattern: 'k(é|[^a])s', with: '$1', ignoreCase: true, wholeWords: true },
      { find: '@', with: ' at ' },
    ],
    parts: ['a', 'É', '@', '1', '😀', '\ud83d', '\ude00', 'K', 'k', 's', 'ſ', ' ', 'ke'],
    goesOn: [
      '',
      ' ',
      '@1',
      'a@1',
      'aa@1',
      'aaa@1',
      'aaaa@1',
      '1',
      'es ',
      's ',
      'é',
      'es',
      's',
      '\ude00',
      '\ude01',
      '\ude00s ',
      '\ude01s ',
      '\ude01s',
    ],
  },
];

const textsOf = (parts: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...parts), { maxLength: 9 }).map((all) => all.join(''));
const share = (part: number): number => Math.ceil(lawCases * part);

describe('the law of replace', () => {
  it.each(rows.map((row) => [JSON.stringify(row.rules), row] as const))('%s', (_name, { rules, parts, goesOn }) => {
    const law = { open: open(rules), oracle: replaceSlowly(rules, fold), texts: textsOf(parts) };
    proveLaw({ ...law, cases: share(0.11) });
    proveMinimalHold({ ...law, goesOn, cases: share(0.01) });
  });

  it('holds for rules that nobody thought of', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A'), minLength: 1, maxLength: 3 });
    const patterns = fc.constantFrom('a+', '(a|b)b{0,2}', '[ab]{2}(a?)', 'b(ab)*', '(?:a|ab)(b*)');
    const rule = fc.record(
      { with: fc.constantFrom('', 'a', 'ba', '$$', '<$&>'), ignoreCase: fc.boolean(), wholeWords: fc.boolean() },
      { requiredKeys: ['with'] },
    );
    const anyRule: fc.Arbitrary<ReplacementRule> = fc.oneof(
      fc.tuple(rule, letters).map(([given, find]) => ({ ...given, find })),
      fc.tuple(rule, patterns).map(([given, pattern]) => ({ ...given, pattern, maxCharacters: 4 })),
      fc.tuple(rule, patterns).map(([given, pattern]) => ({ ...given, pattern })),
    );
    // Each set of rules has tables of its own, so there are but some.
    const sets = fc.sample(fc.array(anyRule, { minLength: 1, maxLength: 4 }), { numRuns: 60, seed: 7 });
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', ' '), maxLength: 12 });
    for (const rules of sets) {
      const cases = share(0.4 / sets.length);
      proveLaw({ open: open(rules, 'buffer'), oracle: replaceSlowly(rules, fold), texts, cases });
    }
  });
});
