import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Configured } from '../../src/kernel/schema.ts';
import { maskWords } from '../../src/modifiers/mask-words.ts';
import { lawCases, proveLaw, proveMinimalHold, type Law } from '../support/law.ts';
import { textBlock } from '../support/text-block.ts';
import { testRun } from '../support/test-run.ts';
import { maskSlowly } from '../support/word-oracle.ts';

type Config = Configured<typeof maskWords.config>;
interface Rules {
  readonly config: Partial<Config>;
  /** What the rule makes of a match; undefined ends the text before the first one. */
  readonly mask: ((match: string) => string) | undefined;
  readonly letters: readonly string[];
}

const { run } = testRun();
const foldings: Readonly<Record<string, string>> = { A: 'a', ａ: 'a', B: 'b', Ｂ: 'b', C: 'c', ｃ: 'c', '　': ' ' };
const foldByTable = (text: string): string => text.replace(/[^]/g, (unit) => foldings[unit] ?? unit);

const folded = ['a', 'A', 'ａ', 'b', 'Ｂ', 'c', 'ｃ', '，'];
const spaced = ['a', 'b', 'c', ' ', '　', '-', '_'];
// Letters and a sign beyond the basic plane that share halves: D801 DC00, D801 DC01, D835 DC00, D835 DEC1.
const pairs = ['a', ' ', '\u{10400}', '\u{10401}', '\u{1d400}', '\u{1d6c1}', '\ud801', '\udc00', '\ud835', '\udec1'];

/** A sign of its own for each word, so that a text tells which word was met. */
const signs: Readonly<Record<string, string>> = { ab: '①', abca: '②', bc: '③<', caab: '④' };
const wholeSigns: Readonly<Record<string, string>> = { a: '①', 'a b': '②', 'a b-': '③' };
const sign = (match: string): string => signs[foldByTable(match)] ?? '⑨';

const actions: Readonly<Record<string, Rules>> = {
  'mask by one text': { config: { words: ['ab', 'bca', 'cb', 'aaab'] }, mask: () => '***', letters: folded },
  'mask each character': {
    config: { words: ['\u{1d6c1}a', '\u{10400}\u{10401}', 'a\u{1d400}'], perCharacter: '*' },
    mask: (match) => '*'.repeat([...match].length),
    letters: pairs,
  },
  'mask whole words': {
    config: { words: ['ab', 'c-b', '-a', 'b'], match: 'word' },
    mask: () => '***',
    letters: spaced,
  },
  'mask whole words of pairs': {
    config: { words: ['a', '\u{10400}', '\u{1d6c1}a', '\u{1d400} \u{10401}'], match: 'word' },
    mask: () => '***',
    letters: pairs,
  },
  remove: { config: { words: ['ab', 'bca', 'ca'], action: 'remove' }, mask: () => '', letters: folded },
  'replace, of several words the longest': {
    config: { words: ['cb'], action: 'replace', replacements: signs, with: '⑨' },
    mask: sign,
    letters: folded,
  },
  'replace whole words, of several the longest': {
    config: { words: ['a b-c'], action: 'replace', replacements: wholeSigns, with: '⑨', match: 'word' },
    mask: (match) => wholeSigns[foldByTable(match)] ?? '⑨',
    letters: spaced,
  },
  'stop before a word': {
    config: { words: ['abc', 'abca', 'bb', 'caa', 'a，'], action: 'stop' },
    mask: undefined,
    letters: folded,
  },
  'stop before a whole word': {
    config: { words: ['ab', 'ab c', 'ab_', 'c-', 'c--'], action: 'stop', match: 'word' },
    mask: undefined,
    letters: spaced,
  },
  'stop before a whole word of pairs': {
    config: { words: ['\u{10400}', '\u{10400}\u{1d6c1}', '\u{1d6c1}\u{1d400}'], action: 'stop', match: 'word' },
    mask: undefined,
    letters: pairs,
  },
};

const cases = Math.ceil(lawCases / Object.keys(actions).length);
/** Each looks at every piece of a text, in dozens of ways to go on. */
const holdCases = Math.ceil(cases / 40);

function lawOf({ config, mask, letters }: Rules): Law & { readonly goesOn: readonly string[] } {
  const modifier = maskWords.create(
    { match: 'substring', caseSensitive: false, action: 'mask', channels: ['text'], ...config },
    {},
  );
  if (modifier.effect !== 'text') throw new TypeError('mask-words rewrites text');
  const words = [...(config.words ?? []), ...Object.keys(config.replacements ?? {})];
  const rules = { words, wholeWords: config.match === 'word', fold: foldByTable };
  const cutHere = '\0';
  const ends = words.flatMap((word) => Array.from({ length: word.length }, (_unit, index) => word.slice(index)));
  const parts = words.flatMap((word) => [word, word, word.slice(0, -1), word.slice(1)]);
  return {
    open: () => modifier.open(run, textBlock()),
    oracle(text) {
      const { decided } = maskSlowly(text, true, { ...rules, mask: mask ?? (() => cutHere) });
      return mask === undefined ? (decided.split(cutHere)[0] ?? '') : decided;
    },
    texts: fc.array(fc.constantFrom(...letters, ...parts), { maxLength: 12 }).map((pieces) => pieces.join('')),
    // The low halves make letters and others of the high ones.
    goesOn: [
      ...new Set(['', '!', 'x', '\udc00x', '\udec1x', '\udfffx', ...ends.flatMap((end) => [`${end}!`, `${end}x`])]),
    ],
  };
}

describe.each(Object.entries(actions))('%s', (_name, rules) => {
  it('is the rule applied to the whole text, whatever the cuts', () => {
    proveLaw({ ...lawOf(rules), cases });
  });

  it('holds no more than it needs', () => {
    proveMinimalHold({ ...lawOf(rules), cases: holdCases });
  });
});
