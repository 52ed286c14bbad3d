import { describe, expect, it } from '@jest/globals';
import { compileCaptureGroups, listCaptureGroups } from '../../../src/kernel/patterns/capture-groups.ts';
import { fillReplacement, parseReplacement, readsGroups } from '../../../src/kernel/patterns/replacement-template.ts';

const groups = { count: 2, numbers: new Map([['year', 2]]) };

describe('a replacement template', () => {
  it.each<[string, readonly (string | number)[]]>([
    ['', []],
    ['plain', ['plain']],
    ['$1-$2', [1, '-', 2]],
    ['a$<year>b', ['a', 2, 'b']],
    ['$$1', ['$1']],
    ['$&$&', [0, 0]],
    ['$12', [1, '2']],
    ['$', ['$']],
    ['$0 $x $<', ['$0 $x $<']],
  ])('%j', (template, parts) => {
    expect(parseReplacement(template, groups)).toEqual(parts);
    expect(readsGroups(parts)).toBe(parts.includes(1) || parts.includes(2));
  });

  it.each<[string, string]>([
    ['$3', '"$3" is no group, the expression has only the groups 1 to 2; write "$$3" for the text itself'],
    ['$<month>', 'the expression has no group "month"; it has year'],
    ['$<>', 'the expression has no group ""'],
  ])('refuses %j', (template, message) => {
    expect(() => parseReplacement(template, groups)).toThrow(message);
  });

  it('is filled with the texts of groups', () => {
    expect(fillReplacement(['<', 2, '|', 0, '|', 3, '>'], ['ab', 'a', 'b'])).toBe('<b|ab|>');
  });
});

describe('the groups of an expression', () => {
  it('are listed in the order of their opening', () => {
    expect(listCaptureGroups('(?<a>x(y))(?:z)(?<b>[(])')).toEqual({
      count: 3,
      numbers: new Map([
        ['a', 1],
        ['b', 3],
      ]),
    });
    expect(listCaptureGroups('\\(a\\)')).toEqual({ count: 0, numbers: new Map() });
  });

  it.each<[string, string, readonly string[]]>([
    ['(a|ab)(c|bcd)(d*)', 'abcd', ['abcd', 'a', 'bcd', '']],
    ['(a)|(b)', 'b', ['b', '', 'b']],
    ['(a){0}b', 'b', ['b', '']],
    ['(a+?)(a*)', 'aaa', ['aaa', 'a', 'aa']],
    ['(?:(a)|b)*', 'ab', ['ab', 'a']],
    ['((a*)*b?)+', 'aaab', ['aaab', 'aaab', 'aaa']],
    ['(\\s)(.)(\\W)', '\u00a0é😀', ['\u00a0é😀', '\u00a0', 'é', '😀']],
    ['([^\\d])(\\u{1f600}|\\x41)', '-😀', ['-😀', '-', '😀']],
  ])('%s on %j', (source, match, expected) => {
    expect(compileCaptureGroups('p', source)(match)).toEqual(expected);
  });

  it('are read in linear time where a native expression would not end', () => {
    expect(compileCaptureGroups('p', '(?:(a|aa)+x|(a+))')('a'.repeat(5000))[2]).toHaveLength(5000);
  });
});
