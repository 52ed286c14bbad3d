import { describe, expect, it } from '@jest/globals';
import {
  buildPatternAutomaton,
  type PatternAutomaton,
  type PatternSource,
} from '../../../src/kernel/patterns/pattern-automaton.ts';
import { createPatternReplacer, findPatterns, replacePatterns } from '../../../src/kernel/patterns/pattern-replacer.ts';
import { runPieces } from '../../support/law.ts';

type Given = string | Partial<PatternSource>;

function automatonOf(...given: readonly Given[]): PatternAutomaton {
  return buildPatternAutomaton(
    given.map((pattern, index) => ({
      name: `p${index}`,
      source: '',
      ...(typeof pattern === 'string' ? { source: pattern } : pattern),
    })),
  );
}

const brackets = (match: string, pattern: number): string => `<${pattern}:${match}>`;

describe('whole texts', () => {
  it.each<[string, Given[], string, string]>([
    ['a word', ['secret'], 'the secret is out', 'the <0:secret> is out'],
    ['nothing', ['secret'], 'the secre is out', 'the secre is out'],
    ['side by side', ['ab'], 'abab', '<0:ab><0:ab>'],
    ['the leftmost before the longest', ['abc', 'bcdefg'], 'abcdefg', '<0:abc>defg'],
    ['the longest', ['ab', 'abcd'], 'abcd abc', '<1:abcd> <0:ab>c'],
    ['the first of equals', ['[a-c]+', 'abc'], 'abc', '<0:abc>'],
    ['the longest, however lazy', ['a+?b??'], 'aaab', '<0:aaab>'],
    ['what a failed match left', ['ab', 'abcd', 'cx'], 'abcx', '<0:ab><2:cx>'],
    ['alternatives and counts', ['(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.\\d{1,3}){3}'], '10.0.0.255', '<0:10.0.0.255>'],
    ['no empty match', ['a*'], 'baab', 'b<0:aa>b'],
    ['any case', [{ source: 'straße|kelvin', ignoreCase: true }], 'STRAẞE \u212aELVIN', '<0:STRAẞE> <0:\u212aELVIN>'],
    ['exact case', ['[a-z]+'], 'Abc', 'A<0:bc>'],
    ['classes', ['[\\p{L}_]{2}|\\d\\s'], 'äö 1\u00a02', '<0:äö> <0:1\u00a0>2'],
    ['a dot, but no end of line', ['a.c'], 'abc a\nc a😀c', '<0:abc> a\nc <0:a😀c>'],
    ['not behind', [{ source: 'art', notAfter: '[\\p{L}]' }], 'art part ärt 𐐀art', '<0:art> part ärt 𐐀art'],
    ['not before', [{ source: 'art', notBefore: '[\\p{L}]' }], 'art arty art𐐀 art', '<0:art> arty art𐐀 <0:art>'],
    [
      'whole words',
      ['\\b(?:art|c\\d*)\\b'],
      'art party art_ c12 xc1 äart-c',
      '<0:art> party art_ <0:c12> xc1 ä<0:art>-<0:c>',
    ],
    ['a shorter end before a border', [{ source: '\\d{2,4}', notBefore: '[5-9]' }], '12345 ', '<0:123><0:45> '],
    ['no longer than allowed', [{ source: 'a+', maxCharacters: 3 }], 'aaaaa', '<0:aaa><0:aa>'],
    ['later, when too long', [{ source: 'a+b', maxCharacters: 3 }], 'aaaaab', 'aaa<0:aab>'],
    ['later, through other states', [{ source: '(?:aa)+b', maxCharacters: 5 }], 'aaaaaaaab', 'aaaa<0:aaaab>'],
    ['what is accepted', [{ source: '\\d{3,5}', accept: (match) => Number(match) % 2 === 0 }], '12345', '<0:1234>5'],
    ['whole characters', ['\\ud83d', '\\ude00x'], '😀x \ud83d \ude00x', '😀x <0:\ud83d> <1:\ude00x>'],
    ['characters beyond the basic plane', ['[😀-😂]{2}'], 'a😀😁😂b', 'a<0:😀😁>😂b'],
  ])('finds %s', (_name, given, text, expected) => {
    expect(replacePatterns(automatonOf(...given), brackets, text)).toBe(expected);
  });

  it('tells places', () => {
    const found = findPatterns(automatonOf('b+', 'c'), 'abbcab');
    expect([...found]).toEqual([
      { pattern: 0, start: 1, end: 3 },
      { pattern: 1, start: 3, end: 4 },
      { pattern: 0, start: 5, end: 6 },
    ]);
  });
});

describe('a stream', () => {
  it.each<[string, Given[], string[], string[]]>([
    [
      'holds what may become a match',
      ['secret'],
      ['the sec', 'ret ', 's', 'ec!'],
      ['the ', '<0:secret> ', '', 'sec!', ''],
    ],
    ['lets a match go as soon as it is certain', ['ab?'], ['a', 'b', 'a', 'x'], ['', '<0:ab>', '', '<0:a>x', '']],
    [
      'lets go of a beginning that is too long',
      [{ source: 'a+b', maxCharacters: 3 }],
      ['aaaa', 'b'],
      ['aa', '<0:aab>', ''],
    ],
    [
      'waits for the character behind',
      [{ source: 'ab', notBefore: '\\d' }],
      ['ab', '1ab', ' '],
      ['', 'ab1', '<0:ab> ', ''],
    ],
    [
      'does not wait where it is refused',
      [{ source: 'ab', notBefore: '\\d', accept: () => false }],
      ['ab'],
      ['ab', ''],
    ],
    ['does not hold half a pair of no account', ['ab'], ['x\ud83d', '\ude00ab'], ['x\ud83d', '\ude00<0:ab>', '']],
    ['decides before half a pair of no account', ['ab?'], ['a\ud83d', '\ude00'], ['<0:a>\ud83d', '\ude00', '']],
    ['holds half a pair that may match', ['😀b'], ['x\ud83d', '\ude00', 'b'], ['x', '', '<0:😀b>', '']],
    ['lets go of half a pair in the end', ['😀b'], ['x\ud83d'], ['x', '\ud83d']],
    ['takes the rest for the end', ['ab?'], ['a'], ['', '<0:a>']],
  ])('%s', (_name, given, pieces, expected) => {
    expect(runPieces(createPatternReplacer(automatonOf(...given), brackets), pieces)).toEqual(expected);
  });

  it('gives back the same string where nothing matched, and counts', () => {
    const replacer = createPatternReplacer(automatonOf('ab'), brackets);
    const chunk = 'nothing of it here';
    expect(replacer.text(chunk)).toBe(chunk);
    expect(replacer.matches).toBe(0);
    replacer.text('ab and a');
    expect(replacer.matches).toBe(1);
    expect(replacer.flush()).toBe('a');
    expect(replacer.text('b')).toBe('b');
    expect(replacer.matches).toBe(1);
  });

  it('is as new after its end, borders included', () => {
    const replacer = createPatternReplacer(automatonOf({ source: 'b', notAfter: 'a' }), brackets);
    expect(replacer.text('ab') + replacer.flush()).toBe('ab');
    expect(replacer.text('b') + replacer.flush()).toBe('<0:b>');
    expect(replacer.text('a\ud83d') + replacer.flush()).toBe('a\ud83d');
    expect(replacer.text('\ude00b')).toBe('\ude00<0:b>');
  });
});

describe('hostile texts', () => {
  const given: [string, Given[], string][] = [
    ['a beginning over and over', [{ source: 'a+b', maxCharacters: 4096 }], 'a'],
    ['beginnings in two states', [{ source: '(?:aa)+b', maxCharacters: 4096 }], 'a'],
    ['a beginning without a bound', ['a[^z]*z'], 'ab'],
    ['sets of states that never come again', ['(?:a|b)*a(?:a|b){40}c'], 'abbaababbb'],
    ['two endless beginnings', ['.*x', '[a-m]*y'], 'ab'],
    ['e-mails that are none', [{ source: '[\\w.]{1,64}@[\\w.]{1,255}!', notAfter: '[\\w.]' }], 'a@b.c'],
    ['half pairs', ['[^x]{2,50}x'], '\ud83d'],
  ];

  it.each(given)('are read once: %s', (_name, patterns, piece) => {
    const automaton = automatonOf(...patterns);
    const count = (text: string) => {
      const before = automaton.states.moves;
      const replacer = createPatternReplacer(automaton, brackets);
      expect(replacer.text(text) + replacer.flush()).toBe(text);
      return automaton.states.moves - before;
    };
    const short = piece.repeat(20_000 / piece.length);
    count(short);
    const moves = count(short);
    expect(count(short + short)).toBeLessThanOrEqual(2.1 * moves + 100);
    expect(moves).toBeLessThanOrEqual(60 * short.length);
  });

  it('full of matches that depend on an earlier one are read once', () => {
    let asked = 0;
    const accept = () => (asked += 1) > 0;
    const automaton = automatonOf('a[^z]*z', { source: 'b', accept }, 'c+');
    const text = `a${'bcc'.repeat(20_000)}`;
    const replacer = createPatternReplacer(automaton, (match) => match.toUpperCase());
    expect(runPieces(replacer, [text.slice(0, 30_000), ...text.slice(30_000)]).join('')).toBe(
      `a${text.slice(1).toUpperCase()}`,
    );
    expect(replacer.matches).toBe(40_000);
    expect(asked).toBeLessThanOrEqual(60_000);
    expect(replacePatterns(automaton, brackets, `${text}z`)).toBe(`<0:${text}z>`);
  });

  it('that lead everywhere do not fill the tables for good', () => {
    const automaton = automatonOf({ source: 'a[^z]{4500}z', notAfter: '[a-z]' });
    const first = automaton.walk;
    const replacer = createPatternReplacer(automaton, brackets);
    const fill = ` a${'-'.repeat(4500)}`;
    const match = `${fill}z`;
    expect(replacer.text(match + fill + match) + replacer.flush()).toBe(
      ` <0:${match.slice(1)}>${fill} <0:${match.slice(1)}>`,
    );
    expect(automaton.walk).not.toBe(first);
  });

  it('a megabyte in one piece and in single units gives the same', () => {
    const automaton = automatonOf(
      { source: '\\d(?:[ -]?\\d){5,9}', notAfter: '\\d', notBefore: '\\d' },
      'a[^z]{0,100}z',
    );
    const text = '123-456 7\ud83d\ude0089a12z3 \ud83d'.repeat(4_000);
    const whole = replacePatterns(automaton, brackets, text);
    const replacer = createPatternReplacer(automaton, brackets);
    expect(runPieces(replacer, text.split('')).join('')).toBe(whole);
  });
});
