import { describe, expect, it } from '@jest/globals';
import {
  buildPatternAutomaton,
  patternWidth,
  type PatternSource,
} from '../../../src/kernel/patterns/pattern-automaton.ts';
import { PatternError } from '../../../src/kernel/patterns/pattern-error.ts';

const build = (source: string, more: Partial<PatternSource> = {}) =>
  buildPatternAutomaton([{ name: 'mine', source, ...more }]);

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('the width of an expression', () => {
  it.each<[string, number]>([
    ['abc', 3],
    ['a|bcd|', 3],
    ['(?<first>ab){2,3}?c', 7],
    ['[ab]{64}@(?:[a-z]{1,63}\\.){1,3}[a-z]{2,24}', 281],
    ['.', 2],
    ['[^x]', 2],
    ['\\d', 1],
    ['😀', 2],
    ['\\u{1f600}\\u0041', 3],
    ['\\p{Script=Greek}', 2],
    ['\\p{Script=Hebrew}', 1],
    ['a*', Infinity],
    ['(?:a+b)?', Infinity],
    ['(?:){5}', 0],
    ['(?:)*a', 1],
    ['\\b(?:ab|c)\\b', 2],
    ['', 0],
    ['a[]', 0],
    ['a|b[]c', 1],
  ])('of %j is %d', (source, width) => {
    expect(patternWidth(source)).toBe(width);
  });
});

describe('what is refused', () => {
  it.each<[string, string]>([
    ['^a', '^ and $ are not supported: a stream of text has no lines to begin or to end at (at offset 0)'],
    ['ab$', '^ and $ are not supported: a stream of text has no lines to begin or to end at (at offset 2)'],
    ['a\\bb', '\\b is supported only where an expression begins or ends, use notAfter and notBefore (at offset 1)'],
    ['a|b\\b', '\\b is supported only where an expression begins or ends, use notAfter and notBefore (at offset 3)'],
    ['a\\B', '\\b is supported only where an expression begins or ends, use notAfter and notBefore (at offset 1)'],
    ['\\b-a', '\\b stands beside what may be no letter, use notAfter and notBefore (at offset 0)'],
    ['a-?\\b', '\\b stands beside what may be no letter, use notAfter and notBefore (at offset 3)'],
    [
      '(?:a|-b)?c\\b|x',
      '\\b is supported only where an expression begins or ends, use notAfter and notBefore (at offset 10)',
    ],
    ['a(?=b)', 'look-ahead and look-behind are not supported, use notAfter and notBefore (at offset 1)'],
    ['(?<!b)a', 'look-ahead and look-behind are not supported, use notAfter and notBefore (at offset 0)'],
    ['(a)\\1', 'references to a group are not supported, they are not regular (at offset 3)'],
    ['(?<x>a)\\k<x>', 'references to a group are not supported, they are not regular (at offset 7)'],
    ['(?i:a)', 'flags inside of the expression are not supported, use ignoreCase (at offset 0)'],
    ['a(b', 'the expression is not valid: Unterminated group (at offset 3)'],
    ['a{2', 'the expression is not valid: Incomplete quantifier (at offset 3)'],
    ['\\p{Nothing}', 'the expression is not valid: Invalid property name (at offset 10)'],
    ['', 'the expression matches no text'],
    ['(?:)*', 'the expression matches no text'],
    ['a[]', 'the expression matches no text'],
    ['(?:a{1000}){1000}', 'the expression is too large: more than 20000 states with those before it'],
    ['a'.repeat(8193), 'the expression is longer than 8192 characters'],
    ['('.repeat(401) + ')'.repeat(401), 'the expression has more than 400 parentheses'],
  ])('%j', (source, problem) => {
    expect(messageOf(() => build(source))).toBe(`pattern "mine": ${problem}`);
  });

  it('a limit that is none, and a border that is no class', () => {
    for (const maxCharacters of [0, -1, 1.5, Number.NaN, Infinity]) {
      expect(messageOf(() => build('a', { maxCharacters }))).toMatch(/maxCharacters is/);
    }
    expect(messageOf(() => build('a', { notAfter: 'ab' }))).toMatch(/take one character class/);
    expect(messageOf(() => build('a', { notBefore: '[a]+' }))).toMatch(/take one character class/);
  });

  it('an expression as deep as may be is none of it', () => {
    expect(patternWidth('('.repeat(400) + 'a' + ')'.repeat(400))).toBe(1);
    expect(patternWidth('(?:'.repeat(400) + 'a' + ')?'.repeat(400))).toBe(1);
  });
});

describe('how much is held at most', () => {
  it.each<[string, Partial<PatternSource>, number]>([
    ['a', {}, 0],
    ['[a-z]{2,5}', {}, 4],
    ['a+', {}, Infinity],
    ['a+', { maxCharacters: 10 }, 9],
    ['a{5}', { maxCharacters: 10 }, 4],
    ['a', { notAfter: '[a]' }, 0],
    ['a', { notBefore: '[a]' }, 2],
    ['😀b', {}, 2],
    ['x[^y]', {}, 3],
  ])('%j %j', (source, more, held) => {
    expect(build(source, more).maxHeldCharacters).toBe(held);
  });

  it('is that of the longest pattern', () => {
    const automaton = buildPatternAutomaton([
      { name: 'a', source: 'a{3}' },
      { name: 'b', source: 'b{7}' },
    ]);
    expect(automaton.maxHeldCharacters).toBe(6);
    expect(buildPatternAutomaton([]).maxHeldCharacters).toBe(0);
  });
});
