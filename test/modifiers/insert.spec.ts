import { describe, expect, it } from '@jest/globals';
import type { ModifierPhase, TextBlock, TextModifier, TextRewriter } from '../../src/kernel/modifier.ts';
import { insert } from '../../src/modifiers/insert.ts';
import { buildConfig } from '../support/component-instance.ts';
import { textBlock } from '../support/text-block.ts';
import { testRun } from '../support/test-run.ts';

const { run } = testRun();

function create(config: Record<string, unknown>, phase?: ModifierPhase): TextModifier {
  const { mistakes, built } = buildConfig(insert, { text: '#', ...config });
  expect(mistakes).toEqual([]);
  const modifier = insert.create(built as Parameters<typeof insert.create>[0], {}, phase);
  if (modifier.effect !== 'text') throw new TypeError('insert rewrites text');
  return modifier;
}

function open(config: Record<string, unknown>, block: Partial<TextBlock> = {}): TextRewriter {
  return create(config).open(run, textBlock(block));
}

function runThrough(rewriter: TextRewriter, pieces: readonly string[]): string[] {
  return [...pieces.map((piece) => rewriter.text(piece)), rewriter.flush(), rewriter.close?.('stop') ?? ''];
}

describe('insert', () => {
  it.each(insert.examples.map((example) => [example.title, example] as const))(
    'example: %s',
    (_title, { config, given, expect: expected }) => {
      expect(runThrough(open(config), given).join('')).toBe(expected);
      expect(runThrough(open(config), given.join('').split('')).join('')).toBe(expected);
    },
  );

  const sentences = { at: 'sentences' };
  const paragraphs = { at: 'paragraphs' };
  it.each<[string, Record<string, unknown>, string, string]>([
    ['at each marker', { at: 'after', marker: 'b' }, 'abcb', 'ab#cb#'],
    ['at the first marker', { at: 'before', marker: 'b', times: 1 }, 'abcb', 'a#bcb'],
    ['at every second marker', { at: 'before', marker: 'b', every: 2 }, 'bbbb', 'b#bb#b'],
    ['at markers that do not overlap', { at: 'after', marker: 'aa' }, 'aaaaa', 'aa#aa#a'],
    ['at a marker as it is written', { at: 'after', marker: 'B' }, 'bB', 'bB#'],
    ['behind characters, where more follow', { at: 'characters', every: 2 }, 'abcd', 'ab#cd'],
    ['never within a character', { at: 'characters', every: 1 }, 'e\u0301👍🏽🇩🇪🇫🇷\r\nक्षि', 'e\u0301#👍🏽#🇩🇪#🇫🇷#\r\n#क्षि'],
    ['so often at most', { at: 'characters', every: 1, times: 2 }, 'abcd', 'a#b#cd'],
    ['behind marks of all sorts', sentences, 'A b! Cd? Ef… Gh?! Ij.', 'A b!# Cd?# Ef…# Gh?!# Ij.#'],
    ['behind what closes a sentence', sentences, '"Go." (Ok.) **Yes.** x', '"Go."# (Ok.)# **Yes.**# x'],
    ['behind Chinese sentences', sentences, '你好。“再见！”他说', '你好。#“再见！”#他说'],
    ['behind an accent of its mark', sentences, '好。\u0301好', '好。\u0301#好'],
    [
      'not at numbers and names',
      sentences,
      'v1.2 a.b@c.de 3.5 J. S. Bach, e.g. it',
      'v1.2 a.b@c.de 3.5 J. S. Bach, e.g. it',
    ],
    ['not at abbreviations', sentences, 'Dr. Who met PROF. X. xdr. y', 'Dr. Who met PROF. X. xdr.# y'],
    ['not at the numbers of a list', sentences, '1. One.\n  22. Two 3. x', '1. One.#\n  22. Two 3.# x'],
    ["not at abbreviations of one's own", { ...sentences, abbreviations: ['zit'] }, 'zit. Dr. x', 'zit. Dr.# x'],
    ['at every second sentence', { ...sentences, every: 2 }, 'Ab. Cd. Ef. Gh.', 'Ab. Cd.# Ef. Gh.#'],
    ['not behind what never ends', sentences, 'Ab. Cd', 'Ab.# Cd'],
    ['behind paragraphs', paragraphs, 'a\nb\n\nc\r\n \t\r\nd', 'a\nb#\n\nc#\r\n \t\r\nd#'],
    ['not behind paragraphs of nothing', paragraphs, '\n\n\n\na\n\n\n\n \n\n', '\n\n\n\na#\n\n\n\n \n\n'],
    ['before the line break at the end', paragraphs, 'a\n', 'a#\n'],
    ['only behind the first paragraph', { ...paragraphs, times: 1 }, 'a\n\nb\n\nc', 'a#\n\nb\n\nc'],
    ['nothing into nothing', paragraphs, '', ''],
  ])('puts in %s', (_name, config, given, expected) => {
    expect(runThrough(open(config), [given]).join('')).toBe(expected);
    expect(runThrough(open(config), given.split('')).join('')).toBe(expected);
  });

  it.each<[string, Record<string, unknown>, readonly string[], readonly string[]]>([
    ['nothing at the start', { at: 'start' }, ['', 'a', 'b'], ['', '#a', 'b', '', '']],
    ['nothing at the end', { at: 'end' }, ['a', 'b'], ['a', 'b', '', '#']],
    ['nothing behind a marker', { at: 'after', marker: 'ab' }, ['xa', 'b', 'a'], ['xa', 'b#', 'a', '', '']],
    [
      'the beginning of a marker',
      { at: 'before', marker: 'abc' },
      ['xa', 'b', 'd', 'ab'],
      ['x', '', 'abd', '', 'ab', ''],
    ],
    [
      'no marker that does not count',
      { at: 'before', marker: 'ab', every: 2 },
      ['a', 'b', 'a', 'b'],
      ['a', 'b', '', '#ab', '', ''],
    ],
    [
      'half a character at a place',
      { at: 'characters', every: 1 },
      ['a\ud83d', '\ude00'],
      ['a', '#\ud83d\ude00', '', ''],
    ],
    [
      'no half that can not matter',
      { at: 'characters', every: 2 },
      ['a\ud83d', '\ude00b'],
      ['a\ud83d', '\ude00#b', '', ''],
    ],
    ['nothing of a sentence', { at: 'sentences' }, ['It is.', ' ', 'So.'], ['It is.', '# ', 'So.', '#', '']],
    [
      'nothing behind a Chinese one',
      { at: 'sentences' },
      ['好。', '\ud83d', '\ude00'],
      ['好。', '#\ud83d', '\ude00', '', ''],
    ],
    ['what may be a blank line', { at: 'paragraphs' }, ['a\n', ' ', 'b\n', '\n'], ['a', '', '\n b', '#\n\n', '', '']],
    ['no blank line that does not count', { at: 'paragraphs', every: 2 }, ['a\n', '\nb'], ['a\n', '\nb', '#', '']],
  ])('holds %s', (_name, config, given, expected) => {
    expect(runThrough(open(config), given)).toEqual(expected);
  });

  it('says how much it holds at most', () => {
    expect(create({ at: 'start' }).policy).toEqual({ mode: 'live' });
    expect(create({ at: 'after', marker: 'abc' }).policy).toEqual({ mode: 'live' });
    expect(create({ at: 'before', marker: 'a' }).policy).toEqual({ mode: 'live' });
    expect(create({ at: 'before', marker: 'abc' }).policy).toEqual({ mode: 'window', maxHeldCharacters: 2 });
    expect(create({ at: 'sentences' }).policy).toEqual({ mode: 'live' });
    const rewriter = open({ at: 'paragraphs' });
    expect(create({ at: 'paragraphs' }).policy).toEqual({ mode: 'window', maxHeldCharacters: 35 });
    expect(rewriter.text(`a\r\n${' '.repeat(32)}\r`)).toBe('a');
    expect(rewriter.text('\n')).toBe(`#\r\n${' '.repeat(32)}\r\n`);
  });

  it('puts a start only into the first text of an answer', () => {
    expect(runThrough(open({ at: 'start' }, { first: false }), ['a']).join('')).toBe('a');
    expect(runThrough(open({ at: 'start' }), ['', '']).join('')).toBe('');
  });

  it('counts what it put in', () => {
    for (const config of [
      { at: 'start' },
      { at: 'end' },
      { at: 'after', marker: 'a' },
      { at: 'characters', every: 1 },
    ]) {
      const rewriter = open(config);
      expect(rewriter.matches).toBe(0);
      expect(runThrough(rewriter, ['ab']).join('')).toContain('#');
      expect(rewriter.matches).toBe(1);
    }
  });

  it('acts at the end where it is said so, by phase or by place', () => {
    expect(create({}, 'end').actsAtEnd).toBe(true);
    expect(create({ at: 'end' }).actsAtEnd).toBe(true);
    expect(create({ at: 'start' }).actsAtEnd).toBeUndefined();
    expect(insert.phases).toEqual(['stream', 'end']);
    expect(() => create({ at: 'start' }, 'end')).toThrow(
      '"phase": "end" puts the text at the end; leave "phase" out for "at": "start"',
    );
  });

  it('shows its marker to the plan', () => {
    expect(create({ at: 'after', marker: '[1]' }).rewrites).toEqual({ samples: ['[1]'] });
    expect(create({ at: 'end' }).rewrites).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a marker without a place',
      { marker: 'a' },
      '"marker" has no use beside "at": "end"; leave it out, or set "at" to "before" or "after"',
    ],
    ['a place without a marker', { at: 'after' }, '"at": "after" needs a "marker" beside it'],
    ['characters without a number', { at: 'characters' }, '"at": "characters" needs "every" beside it'],
    ['a cap for one place', { at: 'start', times: 1 }, '"times" has no use beside "at": "start"'],
    ['abbreviations of no sentence', { at: 'paragraphs', abbreviations: [] }, '"abbreviations" has no use beside'],
    ['half a marker', { at: 'after', marker: '\ud83d' }, 'half of a surrogate pair'],
    ['half a text', { text: '\ude00' }, 'half of a surrogate pair'],
  ])('refuses %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });

  it.each<[string, Record<string, unknown>]>([
    ['the arguments of tools', { text: 'a', channels: ['toolArguments'] }],
    ['no text', {}],
    ['an empty text', { text: '' }],
    ['another place', { text: 'a', at: 'middle' }],
    ['never', { text: 'a', at: 'characters', every: 0 }],
    ['an abbreviation of two words', { text: 'a', at: 'sentences', abbreviations: ['z B'] }],
  ])('refuses %s by its schema', (_name, config) => {
    expect(buildConfig(insert, config).mistakes).not.toEqual([]);
  });

  it('reads hostile text in linear time and gives back what it does not change', () => {
    const marker = `${'a'.repeat(255)}b`;
    const long = 'a'.repeat(500_000);
    expect(runThrough(open({ at: 'before', marker }), [long]).join('')).toBe(long);
    expect(runThrough(open({ at: 'before', marker }), long.slice(0, 20_000).split('')).join('')).toBe(
      long.slice(0, 20_000),
    );
    for (const text of ['\u0301', '\ud83d', '.', '。', '1', '\n', '\r', ' ', '\n ']) {
      const pile = `a${text.repeat(100_000)}`;
      for (const at of ['sentences', 'paragraphs'])
        expect(runThrough(open({ at, every: 1_000_000 }), [pile]).join('')).toBe(pile);
      expect(runThrough(open({ at: 'characters', every: 1_000_000 }), [pile]).join('')).toBe(pile);
    }
  });
});
