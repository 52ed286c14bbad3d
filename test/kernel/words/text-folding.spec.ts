import { describe, expect, it } from '@jest/globals';
import {
  foldedUnits,
  foldText,
  isSurrogate,
  isWordCodePoint,
  wordUnits,
} from '../../../src/kernel/words/text-folding.ts';

const units = Array.from({ length: 0x10000 }, (_nothing, unit) => unit);

describe('folding', () => {
  it.each([
    ['Straße ÄÖÜ', 'straße äöü'],
    ['ΟΔΥΣΣΕΥΣ ς', 'οδυσσευσ σ'],
    ['\u212a ſ ẞ Ω', 'k s ß ω'],
    ['ＡＢＣ１２３（！）　＿', 'abc123(!) _'],
    ['ｱｲｳ ﾊﾟ ￦ ﾡ', 'アイウ ハ\u309a ₩ \u1100'],
    ['İ ı I', 'İ ı i'],
    ['ﬁ \u200b e\u0301 é É', 'ﬁ \u200b e\u0301 é é'],
    ['𐐀 𝐀 😀 \ud83d', '𐐀 𝐀 😀 \ud83d'],
  ])('makes %j to %j', (text, folded) => {
    expect(foldText(text)).toBe(folded);
  });

  it('folds once and for all', () => {
    const folds = foldedUnits();
    expect(units.filter((unit) => folds[folds[unit] ?? 0] !== folds[unit])).toEqual([]);
    expect(units.filter((unit) => isSurrogate(unit) && folds[unit] !== unit)).toEqual([]);
  });

  it('makes only letters equal that a case-insensitive expression takes for equal, width aside', () => {
    const folds = foldedUnits();
    const changed = units.filter((unit) => folds[unit] !== unit && unit !== 0x3000 && unit < 0xff00);
    const strangers = changed.filter(
      (unit) => !new RegExp(`^\\u{${unit.toString(16)}}`, 'iu').test(String.fromCharCode(folds[unit] ?? 0)),
    );
    expect(changed.length).toBeGreaterThan(1_000);
    expect(strangers).toEqual([]);
  });
});

describe('letters and digits', () => {
  it.each([
    ['a', true],
    ['_', true],
    ['7', true],
    ['é', true],
    ['敏', true],
    ['ア', true],
    ['\u{10400}', true],
    ['\u{20000}', true],
    [' ', false],
    ['-', false],
    ['，', false],
    ['\u{1f600}', false],
    ['\u0301', false],
  ])('%j: %s', (character, expected) => {
    expect(isWordCodePoint(character.codePointAt(0) ?? 0)).toBe(expected);
  });

  it('are no halves of pairs', () => {
    const letters = wordUnits();
    expect(units.filter((unit) => isSurrogate(unit) && letters[unit] === 1)).toEqual([]);
  });
});
