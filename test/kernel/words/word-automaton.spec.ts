import { describe, expect, it } from '@jest/globals';
import { buildWordAutomaton } from '../../../src/kernel/words/word-automaton.ts';
import { containsWord, maskText } from '../../../src/kernel/words/word-mask.ts';
import { sharedWordAutomaton } from '../../../src/kernel/words/shared-word-automaton.ts';

/** Different words of two to five characters, the same at every run. */
function madeUpWords(count: number, firstUnit: number, unitCount: number): string[] {
  const words = new Set<string>();
  let seed = 1;
  const next = (limit: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  while (words.size < count) {
    words.add(String.fromCharCode(...Array.from({ length: 2 + next(4) }, () => firstUnit + next(unitCount))));
  }
  return [...words];
}

describe('building', () => {
  it.each<[string, readonly string[], string]>([
    ['no words', [], 'the list holds no word'],
    ['an empty word', ['a', ''], 'word 2 of the list is empty'],
    ['half of a pair', ['ok', 'so', 'x\ud83d'], 'word 3 of the list holds half of a surrogate pair'],
    ['the other half', ['\ude00'], 'word 1 of the list holds half of a surrogate pair'],
    ['a word without end', ['x'.repeat(513)], 'word 1 of the list is longer than 512 code units'],
    ['too many words', Array.from({ length: 200_001 }, () => 'a'), 'the list holds more than 200000 words'],
    [
      'too much text',
      Array.from({ length: 20_000 }, () => 'a'.repeat(512)),
      'the words of the list have more than 4194304 code units together',
    ],
  ])('refuses %s', (_name, words, message) => {
    expect(() => buildWordAutomaton(words)).toThrow(message);
  });

  it.each<[string, readonly string[], 'substring' | 'word', number]>([
    ['words that go on from a shorter one', ['a', 'ab', 'abc', 'ba', 'Ｂ'], 'substring', 2],
    ['whole words that go on behind a border', ['new', 'new york', 'newer', 'newer-x', 'c', 'c++'], 'word', 3],
    ['nothing of others', ['ab', 'ba', 'cab'], 'substring', 3],
  ])('leaves out %s, where only the beginning counts', (_name, words, match, expected) => {
    expect(buildWordAutomaton(words, { match, startsOnly: true }).wordCount).toBe(expected);
  });

  it('never says the word itself', () => {
    expect(() => buildWordAutomaton(['hunter2\ud83d'])).not.toThrow('hunter2');
  });

  it('merges words that fold to the same', () => {
    expect(buildWordAutomaton(['Ab', 'aB', 'ＡＢ', 'ab']).wordCount).toBe(1);
    expect(buildWordAutomaton(['Ab', 'aB', 'Ab'], { caseSensitive: true }).wordCount).toBe(2);
  });

  it.each<[readonly string[], 'substring' | 'word', number]>([
    [['a'], 'substring', 0],
    [['abc', 'ab'], 'substring', 2],
    [['😀'], 'substring', 1],
    [['abc', 'ab'], 'word', 4],
  ])('knows how much %j as %s may hold', (words, match, expected) => {
    expect(buildWordAutomaton(words, { match }).maxHeldCharacters).toBe(expected);
  });

  it('can not be changed', () => {
    expect(Object.isFrozen(buildWordAutomaton(['a']))).toBe(true);
  });
});

describe('large lists', () => {
  it('takes 10,000 Chinese words in at most 32 MB', () => {
    const words = madeUpWords(10_000, 0x4e00, 3_500);
    const automaton = buildWordAutomaton(words);
    expect(automaton.wordCount).toBe(10_000);
    expect(automaton.tableBytes).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(words.filter((word) => maskText(automaton, { with: '*' }, `，${word}。`) !== '，*。')).toEqual([]);
  });

  it.each([
    ['small letters', 97, 26],
    ['Chinese characters', 0x4e00, 6_000],
  ])('finds each of 100,000 words of %s', (_name, firstUnit, unitCount) => {
    const words = madeUpWords(100_000, firstUnit, unitCount);
    const automaton = buildWordAutomaton(words, { match: 'word' });
    expect(words.filter((word) => maskText(automaton, { with: '*' }, `"${word}"`) !== '"*"')).toEqual([]);
    expect(containsWord(automaton, `x${words.join('x')}x`)).toBe(false);
  });

  it('bears words that are each inside of the other', () => {
    const words = Array.from({ length: 256 }, (_nothing, index) => 'a'.repeat(index + 1));
    const automaton = buildWordAutomaton([...words, ...words.map((word) => `${word}b`)]);
    expect(maskText(automaton, { with: '*' }, `${'a'.repeat(300)}b ${'a'.repeat(600)}`)).toBe('** ***');
  });
});

describe('sharing', () => {
  it('builds the same words once, and others anew', () => {
    const shared = sharedWordAutomaton(['a', 'b'], { match: 'word' });
    expect(sharedWordAutomaton(['a', 'b'], { match: 'word', caseSensitive: false })).toBe(shared);
    expect(sharedWordAutomaton(['a', 'b'], {})).not.toBe(shared);
    expect(sharedWordAutomaton(['a,b'], { match: 'word' })).not.toBe(shared);
  });
});
