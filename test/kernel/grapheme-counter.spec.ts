import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GraphemeCounter } from '../../src/kernel/grapheme-counter.ts';
import { cut } from '../support/law.ts';
import { characterStarts } from '../support/stop-oracle.ts';

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

function count(pieces: readonly string[]): number {
  const counter = new GraphemeCounter();
  for (const piece of pieces) counter.read(piece, 0, piece.length);
  return counter.count;
}

describe('GraphemeCounter', () => {
  it.each<[string, string, number]>([
    ['nothing', '', 0],
    ['letters', 'abc', 3],
    ['composed and decomposed accents', 'ée\u0301', 2],
    ['a line end of two characters', 'a\r\nb', 3],
    ['emoji', '😀😁', 2],
    ['a family, a skin tone, a flag', '👩‍👩‍👧👍🏽🇩🇪', 3],
    ['Korean, in syllables and in letters', '한국\u1112\u1161\u11ab', 3],
    ['Hindi', 'नमस्ते', 3],
    ['ideographs', '中文𠀀', 3],
    ['an accent that nothing is before', '\u0301a', 2],
    ['three piles of accents', `a${'\u0301'.repeat(95)}`, 3],
  ])('%s', (_name, text, expected) => {
    expect(count([text])).toBe(expected);
    expect(count(text.split(''))).toBe(expected);
  });

  it('counts as the segmenter does, wherever the text is cut', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme-composite' }),
    );
    fc.assert(
      fc.property(texts, fc.array(fc.nat({ max: 5 }), { minLength: 1 }), (text, lengths) => {
        expect(count(cut(text, lengths))).toBe(characterStarts(text).length);
      }),
      { numRuns: 500 },
    );
  });

  it('tells where the limit is, in the piece or one before it', () => {
    const counter = new GraphemeCounter();
    expect([counter.read('ab', 0, 2, 2), counter.awaitsHalf]).toEqual([2, false]);
    expect([counter.read('\u0301\ud83d', 0, 2, 2), counter.awaitsHalf]).toEqual([2, true]);
    expect(counter.read('\ude00', 0, 1, 2)).toBe(-1);
    expect(new GraphemeCounter(5).read('a', 0, 1, 5)).toBe(0);
  });

  it('takes nothing for simple that joins with its like', () => {
    const simple: string[] = [];
    for (let codePoint = 0; codePoint < 0x40000; codePoint += 1) {
      const isPictograph = codePoint >= 0x1f300 && codePoint < 0x1fb00;
      if (codePoint % 16 !== 3 && !isPictograph) continue;
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      simple.push(String.fromCodePoint(codePoint));
    }
    const text = simple.map((character) => `${character}${character}a${character}`).join('');
    expect(count([text])).toBe([...segmenter.segment(text)].length);
  });
});
