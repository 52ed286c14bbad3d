import { describe, expect, it } from '@jest/globals';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import type { ReplacementRule } from '../../src/kernel/patterns/replacement-rules.ts';
import { replace } from '../../src/modifiers/replace.ts';
import { buildConfig, createInstance } from '../support/component-instance.ts';
import { runPieces } from '../support/law.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

type Rules = readonly ReplacementRule[];
const { run, capabilities } = testRun();

function create(rules: Rules, more: Record<string, unknown> = {}): TextModifier {
  const modifier = createInstance(replace, { rules, ...more }, capabilities);
  if (modifier.effect !== 'text') throw new TypeError('replace works on text');
  return modifier;
}

const left = (rules: Rules, pieces: readonly string[]): readonly string[] =>
  runPieces(create(rules).open(run, textBlock()), pieces);
const textOf = (rules: Rules, text: string): string => left(rules, [text]).join('');

describe('replace', () => {
  it.each<[string, Rules, string, string]>([
    ['all of one text', [{ find: 'a', with: 'bb' }], 'abca', 'bbbcbb'],
    ['a text by nothing', [{ find: '\r', with: '' }], 'a\r\nb', 'a\nb'],
    ['a text, whose replacement is just text', [{ find: 'x', with: '$1$&$$' }], 'x', '$1$&$$'],
    [
      'a text that is no expression',
      [
        { find: '.*', with: '!' },
        { pattern: 'z', with: 'Z' },
      ],
      'a.*z',
      'a!Z',
    ],
    ['in any case', [{ find: 'straße', with: 'street', ignoreCase: true }], 'STRAßE Straße', 'street street'],
    ['in exact case', [{ find: 'ab', with: 'x' }], 'aB ab', 'aB x'],
    ['whole words', [{ find: 'art', with: 'x', wholeWords: true }], 'art party 2art art.', 'x party 2art x.'],
    ['whole words of patterns', [{ pattern: 'a\\d', with: 'x', wholeWords: true }], 'a1 a12 ba1 a1!', 'x a12 ba1 x!'],
    [
      'the longest match',
      [
        { find: 'pass', with: '1' },
        { find: 'password', with: '2' },
      ],
      'password passport',
      '2 1port',
    ],
    ['the longest match of a pattern', [{ pattern: 'a+?', with: 'x', maxCharacters: 9 }], 'aaa', 'x'],
    [
      'the leftmost match',
      [
        { find: 'bcd', with: '1' },
        { find: 'ab', with: '2' },
      ],
      'abcd',
      '2cd',
    ],
    [
      'the first of equal rules',
      [
        { find: 'a', with: '1' },
        { pattern: '[ab]', with: '2' },
      ],
      'ab',
      '12',
    ],
    [
      'nothing that was put in',
      [
        { find: 'a', with: 'b' },
        { find: 'b', with: 'a' },
      ],
      'ab',
      'ba',
    ],
    ['by groups', [{ pattern: '(\\w{1,9})@(\\w{1,9})', with: '$2 at $1' }], 'me@home', 'home at me'],
    ['by named groups', [{ pattern: '(?<a>x)(?<b>y)?', with: '$<b>$<a>' }], 'xy x', 'yx x'],
    ['by more than nine groups', [{ pattern: '(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)', with: '$10$1$2' }], 'abcdefghij', 'jab'],
    ['a group and a digit behind it', [{ pattern: '(a)', with: '$12' }], 'a', 'a2'],
    ['the match and a dollar', [{ pattern: '\\d', with: '$$$&' }], '5', '$5'],
    ['a dollar that means nothing', [{ pattern: 'x', with: 'US$ $' }], 'x', 'US$ $'],
    ['groups as Perl takes them', [{ pattern: '(a|ab)(c|bcd)?', with: '<$1|$2>' }], 'abcd', '<a|bcd>'],
    ['lazy groups', [{ pattern: '(x{1,9}?)(x{0,9})', with: '<$1|$2>' }], 'xxx', '<x|xx>'],
    ['groups in any case', [{ pattern: '(k)(ß)', with: '<$1$2>', ignoreCase: true }], '\u212aẞ', '<\u212aẞ>'],
    ['groups of characters beyond the basic plane', [{ pattern: '(.)([😀-😂])', with: '$2$1' }], 'a😀', '😀a'],
    ['a surrogate alone in a group', [{ pattern: 'a(.)b', with: '<$1>' }], 'a\ud83db', '<\ud83d>'],
  ])('%s', (_name, rules, text, expected) => {
    expect(textOf(rules, text)).toBe(expected);
    expect(left(rules, text.split('')).join('')).toBe(expected);
  });

  it('holds what can still become a match, and nothing else', () => {
    expect(left([{ find: 'secret', with: '*' }], ['a sec', 're', 'x', 'secret!'])).toEqual([
      'a ',
      '',
      'secrex',
      '*!',
      '',
    ]);
    expect(left([{ pattern: '(\\d{2})-(\\d{2})', with: '$2' }], ['1', '2-', '3', '4', ' 12'])).toEqual([
      '',
      '',
      '',
      '34',
      ' ',
      '12',
    ]);
  });

  it('gives back the very string where there is no match', () => {
    const text = 'nothing of it here';
    for (const rules of [[{ find: 'xyz', with: '' }], [{ pattern: 'xyz?', with: '' }]]) {
      const rewriter = create(rules).open(run, textBlock());
      expect(Object.is(rewriter.text(text), text)).toBe(true);
      expect([rewriter.flush(), rewriter.matches]).toEqual(['', 0]);
    }
  });

  it('counts what it replaced', () => {
    const rewriter = create([{ find: 'a', with: 'b' }]).open(run, textBlock());
    rewriter.text('aba');
    expect(rewriter.matches).toBe(2);
  });

  it('takes ten thousand texts', () => {
    const rules = Array.from({ length: 10_000 }, (_nothing, index) => ({ find: `<${index}>`, with: `[${index}]` }));
    expect(textOf(rules, 'a <7> <9999> <10000>')).toBe('a [7] [9999] <10000>');
    expect(buildConfig(replace, { rules }).mistakes).toEqual([]);
  });

  it.each<[string, Rules, Record<string, unknown>, unknown]>([
    ['texts', [{ find: 'abc', with: '' }], {}, { mode: 'window', maxHeldCharacters: 2 }],
    ['single characters', [{ find: 'a', with: '' }], {}, { mode: 'live' }],
    ['patterns', [{ pattern: 'a{1,9}', with: '' }], {}, { mode: 'window', maxHeldCharacters: 8 }],
    [
      'patterns of a chosen bound',
      [{ pattern: 'a+', with: '', maxCharacters: 5 }],
      {},
      { mode: 'window', maxHeldCharacters: 4 },
    ],
    ['patterns without a bound', [{ pattern: 'a+', with: '' }], { unbounded: 'buffer' }, { mode: 'buffer' }],
  ])('says how much it holds for %s', (_name, rules, more, policy) => {
    expect(create(rules, more).policy).toEqual(policy);
  });

  it.each<[string, Rules, string]>([
    ['neither', [{ with: 'x' }], 'rule 1: give "find" for a text or "pattern" for an expression, one of them'],
    [
      'both',
      [
        { find: 'a', with: '' },
        { find: 'a', pattern: 'a', with: 'x' },
      ],
      'rule 2: give "find"',
    ],
    ['half of a pair', [{ find: '\ud83d', with: '' }], 'rule 1: the text holds half of a surrogate pair'],
    [
      'a bound for a text',
      [{ find: 'a', with: '', maxCharacters: 3 }],
      'rule 1: "maxCharacters" has a meaning for a pattern only',
    ],
    ['no bound', [{ pattern: 'a+', with: '' }], 'rule 1: the expression has no longest match: bound its repetitions'],
    ['a broken expression', [{ pattern: 'a(', with: '' }], 'pattern "rule 1"'],
    ['a reference', [{ pattern: '(a)\\1', with: '' }], 'not regular'],
    [
      'a group that is not there',
      [{ pattern: '(a)', with: '$2' }],
      'rule 1: "$2" is no group, the expression has only the groups 1 to 1',
    ],
    [
      'a name that is not there',
      [{ pattern: '(?<a>a)', with: '$<b>' }],
      'rule 1: the expression has no group "b"; it has a',
    ],
    [
      'groups of too many repetitions',
      [{ pattern: '(a{2000})', with: '$1' }],
      'repeated more than 1000 times (at offset 1)',
    ],
    [
      'too many rules that differ',
      Array.from({ length: 1001 }, (_nothing, index) => ({ find: `<${index}>`, with: '', ignoreCase: index === 0 })),
      'more than 1000 rules must all be texts',
    ],
  ])('refuses %s', (_name, rules, message) => {
    expect(() => create(rules)).toThrow(message);
  });

  it('takes large repetitions where no group is read', () => {
    expect(textOf([{ pattern: '(a{2000})', with: '<$&>' }], 'a'.repeat(2000))).toBe(`<${'a'.repeat(2000)}>`);
  });

  it('tells the plan what it replaces', () => {
    expect(
      create([
        { find: 'a', with: '' },
        { find: 'b', with: '' },
      ]).rewrites,
    ).toEqual({ samples: ['a', 'b'] });
    const rules = [
      { find: 'cat', with: 'dog' },
      { pattern: 'v\\d{2}(-x)?|never', with: '' },
      { pattern: '\\p{Lu}{99}', with: '' },
    ];
    expect(create(rules).rewrites).toEqual({ samples: ['cat', 'v00'] });
  });
});
