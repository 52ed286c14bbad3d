import { describe, expect, it } from '@jest/globals';
import {
  anyCharacter,
  charactersOf,
  contains,
  holdsSurrogates,
  intersect,
  invert,
  spaces,
  union,
  unitsOf,
  withBothCases,
  wordCharacters,
  type CharacterSet,
} from '../../../src/kernel/patterns/pattern-characters.ts';

/** Code points for which a set and a native class differ: around every border, and many of those between. */
function differences(set: CharacterSet, native: RegExp): number[] {
  const looked = new Set(set.flatMap((border) => [border - 1, border, border + 1]));
  for (let codePoint = 0; codePoint < 0x110000; codePoint += codePoint < 0x3000 ? 1 : 37) looked.add(codePoint);
  return [...looked].filter((codePoint) => {
    const isCodePoint = codePoint >= 0 && codePoint < 0x110000;
    return isCodePoint && contains(set, codePoint) !== native.test(String.fromCodePoint(codePoint));
  });
}

describe('sets of characters', () => {
  it.each<[string, CharacterSet, RegExp]>([
    ['letters', charactersOf('\\p{L}'), /^\p{L}$/u],
    ['no letters', charactersOf('\\P{L}'), /^\P{L}$/u],
    ['surrogates', charactersOf('\\p{Cs}'), /^\p{Cs}$/u],
    ['unassigned ones', charactersOf('\\p{Cn}'), /^\p{Cn}$/u],
    ['spaces', spaces(), /^\s$/u],
    ['any', anyCharacter, /^.$/u],
    ['any, inverted', invert(anyCharacter), /^[\n\r\u2028\u2029]$/u],
    ['Latin letters in any case', withBothCases([0x61, 0x7b]), /^[a-z]$/iu],
    ['capitals in any case', withBothCases(charactersOf('\\p{Lu}')), /^\p{Lu}$/iu],
    ['Deseret in any case', withBothCases([0x10400, 0x10401]), /^\u{10400}$/iu],
    ['both', intersect(charactersOf('\\p{L}'), wordCharacters), /^[a-zA-Z]$/u],
    ['either', union([charactersOf('\\p{N}'), wordCharacters]), /^[\p{N}\w]$/u],
  ])('%s', (_name, set, native) => {
    expect(differences(set, native)).toEqual([]);
  });

  it.each<[CharacterSet, { least: number; most: number }, boolean]>([
    [[], { least: 0, most: 0 }, false],
    [[0x61, 0x62], { least: 1, most: 1 }, false],
    [[0xffff, 0x10000], { least: 1, most: 1 }, false],
    [[0x10000, 0x10001], { least: 2, most: 2 }, false],
    [[0xd83d, 0xd83e], { least: 1, most: 1 }, true],
    [[0, 0x110000], { least: 1, most: 2 }, true],
  ])('%j has members of %j units', (set, units, hasSurrogates) => {
    expect(unitsOf(set)).toEqual(units);
    expect(holdsSurrogates(set)).toBe(hasSurrogates);
  });
});
