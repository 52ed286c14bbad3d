import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildWordAutomaton, type WordAutomatonOptions } from '../../../src/kernel/words/word-automaton.ts';
import {
  containsWord,
  createWordMasker,
  maskText,
  type WordMask,
  type WordMasker,
} from '../../../src/kernel/words/word-mask.ts';
import { maskSlowly, type OracleRules } from '../../support/word-oracle.ts';

const stars: WordMask = { with: '***' };
const marks: WordMask = { perCharacter: '*' };
const word: WordAutomatonOptions = { match: 'word' };

function run(masker: WordMasker, chunks: readonly string[]): string[] {
  return [...chunks.map((chunk) => masker.text(chunk)), masker.flush()];
}

describe('whole texts', () => {
  it.each<[string, readonly string[], WordAutomatonOptions, WordMask, string, string]>([
    ['a word', ['secret'], {}, stars, 'the secret is out', 'the *** is out'],
    ['no word', ['secret'], {}, stars, 'the secre is out', 'the secre is out'],
    ['the whole text', ['secret'], {}, stars, 'secret', '***'],
    ['words side by side', ['ab'], {}, stars, 'abab', '******'],
    ['the longest', ['pass', 'password', 'passwords'], {}, stars, 'passwords password pass', '*** *** ***'],
    ['the leftmost before the longest', ['abc', 'bcdefg'], {}, stars, 'abcdefg', '***defg'],
    ['a shorter word, after the longer failed', ['ab', 'abcd', 'cx'], {}, stars, 'abcx', '******'],
    ['nothing across a match', ['ab', 'abcd', 'bcx'], {}, stars, 'abcx', '***cx'],
    ['words inside of a failed word', ['abcdef', 'b', 'de'], {}, stars, 'abcdex', 'a***c***x'],
    ['itself over itself', ['aab'], {}, stars, 'aaaab', 'aa***'],
    ['without a mask', ['cut '], {}, { with: '' }, 'a cut text', 'a text'],
    ['a mask that holds the word', ['a'], {}, { with: 'aa' }, 'banana', 'baanaanaa'],
    ['upper and lower case', ['Secret', 'ΣΊΣΥΦΟΣ'], {}, stars, 'sEcReT Σίσυφος', '*** ***'],
    ['full and half width', ['abc 1', 'カード'], {}, stars, 'ＡＢＣ　１ ｶｰﾄ', '*** ｶｰﾄ'],
    ['half-width katakana', ['テスト'], {}, stars, 'ﾃｽﾄ', '***'],
    ['exactly, when asked', ['Secret'], { caseSensitive: true }, stars, 'Secret secret Ｓecret', '*** secret Ｓecret'],
    ['Chinese', ['敏感词', '敏感'], {}, marks, '这是敏感词和敏感话', '这是***和**话'],
    ['code points, not units', ['😀b'], {}, marks, 'a😀b', 'a**'],
    ['whole words', ['art'], word, stars, 'art, party artist art_ art1 ärt art', '***, party artist art_ art1 ärt ***'],
    ['whole words beside letters beyond the basic plane', ['ab'], word, stars, '𐐀ab ab𐐀 😀ab😀', '𐐀ab ab𐐀 😀***😀'],
    [
      'whole words that end in a sign',
      ['c++', '.net'],
      word,
      stars,
      'c++, c++11 .net a.net c++.net',
      '***, c++11 *** a.net ******',
    ],
    ['a shorter whole word', ['new york', 'new'], word, stars, 'new yorker, new york', '*** yorker, ***'],
    ['whole words inside of failed ones', ['a b c', 'b'], word, stars, 'a b d', 'a *** d'],
    ['whole words beside half a pair', ['ab'], word, stars, '\ud801ab\ud801 \udc00ab', '\ud801***\ud801 \udc00***'],
    ['whole words in Chinese find only what stands alone', ['敏感'], word, stars, '敏感词 “敏感”', '敏感词 “***”'],
  ])('masks %s', (_name, words, options, mask, text, expected) => {
    const automaton = buildWordAutomaton(words, options);
    expect(maskText(automaton, mask, text)).toBe(expected);
    expect(containsWord(automaton, text)).toBe(text !== expected);
  });

  it('finds a word far behind in a long text, also where its search is cut', () => {
    const automaton = buildWordAutomaton(['needle']);
    for (const before of [0, 16_380, 16_384, 100_000]) {
      expect(containsWord(automaton, `${'-'.repeat(before)}needle`)).toBe(true);
      expect(containsWord(automaton, `${'-'.repeat(before)}needl`)).toBe(false);
    }
  });

  it('puts in what a function makes of each match', () => {
    const automaton = buildWordAutomaton(['ab', 'abc', 'd']);
    expect(maskText(automaton, { replace: (match) => `<${match}>` }, 'aABcd')).toBe('a<ABc><d>');
  });

  it('ends where the first match begins', () => {
    const automaton = buildWordAutomaton(['ab', 'd'], { startsOnly: true });
    let ends = 0;
    const masker = createWordMasker(automaton, { end: () => (ends += 1) });
    expect(run(masker, ['xa', 'xa', 'bd', 'd'])).toEqual(['x', 'ax', '', '', '']);
    expect([ends, masker.matches]).toEqual([1, 1]);
  });

  it('gives back the same string when nothing is found', () => {
    const text = 'nothing to see, not even a sec';
    expect(maskText(buildWordAutomaton(['secret']), stars, text)).toBe(text);
  });
});

describe('streams', () => {
  it('finds a word that is cut at any place', () => {
    const text = '这 password， 😀pass';
    const automaton = buildWordAutomaton(['password', '😀pass']);
    for (let first = 0; first <= text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        const chunks = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        expect(run(createWordMasker(automaton, stars), chunks).join('')).toBe('这 ***， ***');
      }
    }
  });

  it.each<[string, readonly string[], WordAutomatonOptions, readonly string[], readonly string[]]>([
    ['nothing of plain text', ['secret'], {}, ['hello ', 'world'], ['hello ', 'world', '']],
    ['the beginning of a word', ['secret'], {}, ['the se', 'cond'], ['the ', 'second', '']],
    ['no more than the beginning', ['secret'], {}, ['sesec', 'x'], ['se', 'secx', '']],
    ['a match that may grow', ['ab', 'abcd'], {}, ['ab', 'c', 'ab', 'x'], ['', '', '***c', '***x', '']],
    ['no match that can not grow', ['ab'], {}, ['xab', 'c'], ['x***', 'c', '']],
    ['a word until its neighbour is known', ['ab'], word, ['ab', '!', ' ab', 'c'], ['', '***!', ' ', 'abc', '']],
    ['nothing in the middle of a word', ['ab'], word, ['x', 'ab', ' '], ['x', 'ab', ' ', '']],
    ['half a neighbour', ['ab'], word, ['ab\ud801', '\udc00 ab\ud83d', '\ude00'], ['', 'ab𐐀 ', '***😀', '']],
    ['no half that can not matter', ['ab'], word, ['x\ud801', '\udc00ab', ' '], ['x\ud801', '\udc00ab', ' ', '']],
    ['what is left at the end', ['ab', 'abcd'], {}, ['abc'], ['', '***c']],
  ])('holds %s', (_name, words, options, chunks, expected) => {
    expect(run(createWordMasker(buildWordAutomaton(words, options), stars), chunks)).toEqual(expected);
  });

  it('gives back the very string that came in', () => {
    const masker = createWordMasker(buildWordAutomaton(['secret']), stars);
    const chunk = ['plain', 'text'].join(' ');
    // Equal strings are the same to every comparison here; the engine's is no other.
    expect(Object.is(masker.text(chunk), chunk)).toBe(true);
    expect(masker.flush()).toBe('');
  });

  it('is as new after the end of a block, and counts on', () => {
    const masker = createWordMasker(buildWordAutomaton(['ab'], word), stars);
    expect(run(masker, ['x', 'y\ud801'])).toEqual(['x', 'y\ud801', '']);
    expect(run(masker, ['ab'])).toEqual(['', '***']);
    expect(run(masker, ['b ab ab'])).toEqual(['b *** ', '***']);
    expect(masker.matches).toBe(3);
  });

  it('reads every character once, whatever the words', () => {
    const automaton = buildWordAutomaton(['a', `${'a'.repeat(255)}b`]);
    const masked = maskText(automaton, { with: '-' }, 'a'.repeat(1_000_000));
    expect(masked).toBe('-'.repeat(1_000_000));
  });
});

const foldings: Readonly<Record<string, string>> = {
  A: 'a',
  ａ: 'a',
  Ａ: 'a',
  B: 'b',
  Σ: 'σ',
  ς: 'σ',
  '　': ' ',
  '＿': '_',
};
const foldByTable = (text: string): string => text.replace(/[^]/g, (unit) => foldings[unit] ?? unit);

const alphabets = {
  two: ['a', 'b'],
  folded: ['a', 'A', 'ａ', 'Ａ', 'b', 'B', 'σ', 'Σ', 'ς'],
  spaced: ['a', 'b', ' ', '　', '-', '_', '＿'],
  chinese: ['敏', '感', '词', '，'],
  // Letters and signs beyond the basic plane that share halves: D801 DC00, D801 DC01, D83D DC00, D83D DE00.
  pairs: ['\u{10400}', '\u{10401}', '\u{1f400}', '\u{1f600}', 'a', ' '],
};
const halves = ['\ud801', '\udc00', '\ud83d', '\ude00'];
/** Makes more than 32 classes, so that sets of children are no longer exact. */
const filler = 'cdefghijklmnopqrstuvwxyz0123456789äöüéèà'.split('').map((letter) => `${letter}a`);

interface Case {
  readonly options: WordAutomatonOptions;
  readonly mask: WordMask;
  readonly rules: OracleRules;
  readonly chunks: readonly string[];
}

const cases: fc.Arbitrary<Case> = fc.constantFrom(...Object.values(alphabets)).chain((alphabet) => {
  const unit = fc.constantFrom(...alphabet);
  const list = fc.array(fc.string({ unit, minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 });
  const text = fc.string({
    unit: fc.oneof({ weight: 9, arbitrary: unit }, fc.constantFrom(...alphabet, ...halves)),
    maxLength: 40,
  });
  return fc
    .record({
      words: fc.tuple(list, fc.boolean()).map(([own, isWide]) => (isWide ? [...own, ...filler] : own)),
      text,
      cuts: fc.oneof(
        fc.constant([1]),
        fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 8 }).filter((sizes) => sizes.some(Boolean)),
      ),
      caseSensitive: fc.boolean(),
      match: fc.constantFrom('substring' as const, 'word' as const),
      rowBytes: fc.constantFrom(0, 400, 8_000_000),
      perCharacter: fc.boolean(),
    })
    .map(({ words, text: whole, cuts, perCharacter, ...options }) => ({
      options,
      mask: perCharacter ? { perCharacter: '#' } : { with: '<>' },
      chunks: cutText(whole, cuts),
      rules: {
        words,
        wholeWords: options.match === 'word',
        fold: options.caseSensitive ? (plain: string) => plain : foldByTable,
        mask: (match: string) => (perCharacter ? '#'.repeat([...match].length) : '<>'),
      },
    }));
});

function cutText(text: string, sizes: readonly number[]): string[] {
  const chunks: string[] = [];
  for (let start = 0, turn = 0; start < text.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(text.slice(start, start + size));
    start += size;
  }
  return chunks;
}

describe('any words, any text, any cuts', () => {
  it('masks what a slow search masks, and holds exactly what is not decided', () => {
    fc.assert(
      fc.property(cases, ({ options, mask, rules, chunks }) => {
        const automaton = buildWordAutomaton(rules.words, options);
        const masker = createWordMasker(automaton, mask);
        let came = '';
        let left = '';
        for (const chunk of chunks) {
          came += chunk;
          left += masker.text(chunk);
          const { decided, held, matches } = maskSlowly(came, false, rules);
          expect({ came, left, matches: masker.matches }).toEqual({ came, left: decided, matches });
          expect(held).toBeLessThanOrEqual(automaton.maxHeldCharacters);
        }
        const whole = maskSlowly(came, true, rules);
        expect(left + masker.flush()).toBe(whole.decided);
        expect(masker.matches).toBe(whole.matches);
        expect(maskText(automaton, mask, came)).toBe(whole.decided);
        expect(containsWord(automaton, came)).toBe(whole.matches > 0);
      }),
      { numRuns: Math.max(1_000, fc.readConfigureGlobal()?.numRuns ?? 0) },
    );
  });
});
