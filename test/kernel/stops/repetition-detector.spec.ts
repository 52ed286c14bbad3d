import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RepetitionDetector, type RepetitionRule } from '../../../src/kernel/stops/repetition-detector.ts';
import { cut } from '../../support/law.ts';

/** How much of the text is read when it repeats, or -1. */
function read(rule: RepetitionRule, pieces: readonly string[]): number {
  const detector = new RepetitionDetector(rule);
  let before = 0;
  for (const piece of pieces) {
    const index = detector.read(piece, piece.length);
    if (index >= 0) return before + index;
    before += piece.length;
  }
  return -1;
}

function readSlowly({ minUnit, maxUnit, times }: RepetitionRule, text: string): number {
  for (let end = 1; end <= text.length; end += 1) {
    for (let unit = minUnit; unit <= maxUnit && unit * times <= end; unit += 1) {
      const tail = text.slice(end - unit, end);
      if (text.slice(0, end).endsWith(tail.repeat(times))) return end;
    }
  }
  return -1;
}

const usual: RepetitionRule = { minUnit: 16, maxUnit: 512, times: 8 };
const sentence = 'I will now repeat myself, as I always do. ';

describe('RepetitionDetector', () => {
  it.each<[string, RepetitionRule, string, number]>([
    ['one character', usual, 'x'.repeat(200), 128],
    ['one character, fewer times', usual, 'x'.repeat(127), -1],
    ['a sentence', usual, `Well#${sentence.repeat(9)}`, 5 + 8 * sentence.length],
    [
      'a sentence that changes a little',
      usual,
      Array.from({ length: 50 }, (_nothing, index) => sentence + index).join(''),
      -1,
    ],
    ['a unit of the most units', { minUnit: 2, maxUnit: 7, times: 2 }, '0abcdefgabcdefg', 15],
    ['a unit beyond the most units', { minUnit: 2, maxUnit: 6, times: 2 }, '0abcdefgabcdefg', -1],
    ['two characters next to each other', { minUnit: 1, maxUnit: 1, times: 2 }, 'abccd', 4],
  ])('%s', (_name, rule, text, expected) => {
    expect(read(rule, [text])).toBe(expected);
    expect(read(rule, text.split(''))).toBe(expected);
  });

  it('finds long units far into a text, wherever it is cut', () => {
    const cases = fc.record({
      before: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 900 }),
      unit: fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 60 }),
      minUnit: fc.integer({ min: 8, max: 40 }),
      more: fc.integer({ min: 0, max: 60 }),
      times: fc.integer({ min: 2, max: 6 }),
    });
    fc.assert(
      fc.property(cases, fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1 }), (given, lengths) => {
        const { before, unit, minUnit, more, times } = given;
        const rule = { minUnit, maxUnit: minUnit + more, times };
        const text = `${before}${unit.repeat(Math.ceil((minUnit * times) / unit.length) + 1)}c`;
        expect(read(rule, cut(text, lengths))).toBe(readSlowly(rule, text));
      }),
      { numRuns: 200 },
    );
  });
});
