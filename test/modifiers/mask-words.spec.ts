import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import type { Configured } from '../../src/kernel/schema.ts';
import { maskWords } from '../../src/modifiers/mask-words.ts';
import { textBlock } from '../support/text-block.ts';
import { testRun } from '../support/test-run.ts';

type Config = Configured<typeof maskWords.config>;
const { run } = testRun();
const defaults: Omit<Config, 'words'> = {
  match: 'substring',
  caseSensitive: false,
  action: 'mask',
  channels: ['text', 'reasoning', 'refusal', 'toolArguments'],
};

function create(config: Partial<Config>): TextModifier {
  const words = config.replacements === undefined ? { words: ['secret'] } : {};
  const modifier = maskWords.create({ ...defaults, ...words, ...config }, {});
  if (modifier.effect !== 'text') throw new TypeError('mask-words rewrites text');
  return modifier;
}

function mask(modifier: TextModifier, chunks: readonly string[]): string {
  const rewriter = modifier.open(run, textBlock());
  return chunks.map((chunk) => rewriter.text(chunk)).join('') + rewriter.flush();
}

describe('mask-words', () => {
  it.each(maskWords.examples.map((example) => [example.title, example] as const))(
    'example: %s',
    (_title, { config, given, expect: expected }) => {
      const modifier = create(config as Partial<Config>);
      expect(mask(modifier, given)).toBe(expected);
      expect(mask(modifier, [given.join('')])).toBe(expected);
      expect(mask(modifier, given.join('').split(''))).toBe(expected);
    },
  );

  it('keeps the blocks of streams apart', () => {
    const modifier = create({});
    const [first, second] = [modifier.open(run, textBlock()), modifier.open(run, textBlock({ channel: 'reasoning' }))];
    expect([first.text('sec'), second.text('ret '), first.text('ret '), second.text('sec')]).toEqual([
      '',
      'ret ',
      '*** ',
      '',
    ]);
    expect([first.flush(), second.flush()]).toEqual(['', 'sec']);
  });

  it('says how much it holds at most', () => {
    expect(create({ words: ['secret', 'top'] }).policy).toEqual({ mode: 'window', maxHeldCharacters: 5 });
    expect(create({ words: ['ab'], match: 'word' }).policy).toEqual({ mode: 'window', maxHeldCharacters: 3 });
    expect(create({ words: ['☠'] }).policy).toEqual({ mode: 'live' });
  });

  it('works on the channels of its config', () => {
    expect(create({}).channels).toEqual(['text', 'reasoning', 'refusal', 'toolArguments']);
    expect(create({ channels: ['text'] }).channels).toEqual(['text']);
  });

  it.each<[string, Partial<Config>, string]>([
    ['two masks', { with: '#', perCharacter: '#' }, '"with" and "perCharacter" exclude each other'],
    ['a broken word', { words: ['\ud83d'] }, 'word 1 of the list holds half of a surrogate pair'],
    ['a broken text', { action: 'replace', replacements: { a: '\ud83d' } }, 'text 1 of "replacements" holds half'],
    ['texts that nothing asks for', { replacements: { a: 'b' } }, '"replacements" needs "action": "replace"'],
    [
      'two texts for one word',
      { action: 'replace', replacements: { ab: 'x', b: 'x', Ａb: 'y' } },
      'word 3 of "replacements" is another spelling of one before it',
    ],
    ['a mask for what is removed', { action: 'remove', with: '#' }, '"with" has no use beside "action": "remove"'],
    ['a mask for what is never reached', { action: 'stop', perCharacter: '#' }, '"perCharacter" has no use beside'],
    ['a message without an end', { message: 'blocked' }, '"message" needs "action": "stop"'],
  ])('refuses %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });

  it('is a guard', () => {
    expect(maskWords.guard).toBe(true);
  });

  it('shows some of its words to the plan', () => {
    expect(create({ words: ['a', 'b'] }).rewrites).toEqual({ samples: ['a', 'b'] });
    expect(create({ action: 'replace', replacements: { a: 'b' } }).rewrites).toEqual({ samples: ['a'] });
    const words = Array.from({ length: 100 }, (_nothing, index) => `word ${index}`);
    expect(create({ words }).rewrites?.samples).toEqual(words.slice(0, 20));
  });
});

describe('the actions of mask-words', () => {
  it.each<[string, Partial<Config>, string, string]>([
    ['removes', { words: ['b'], action: 'remove' }, 'abcBd', 'acd'],
    ['replaces', { action: 'replace', replacements: { b: 'x' } }, 'abcBd', 'axcxd'],
    ['replaces exactly', { action: 'replace', replacements: { b: 'x', B: 'y' }, caseSensitive: true }, 'abcB', 'axcy'],
    ['replaces whole words', { action: 'replace', replacements: { b: 'x' }, match: 'word' }, 'b bb', 'x bb'],
    ['replaces the longest', { action: 'replace', replacements: { b: 'x', bc: 'y' } }, 'bc bd', 'y xd'],
    ['replaces by nothing', { action: 'replace', replacements: { b: '' } }, 'abc', 'ac'],
    ['does not search what it put in', { action: 'replace', replacements: { b: 'ab', a: 'b' } }, 'ab', 'bab'],
    ['masks what has no text', { action: 'replace', words: ['d'], replacements: { b: 'x' } }, 'abcd', 'axc***'],
    [
      'masks each character of what has no text',
      { action: 'replace', words: ['d😀'], replacements: { b: 'x' }, perCharacter: '*' },
      'bd😀',
      'x**',
    ],
    [
      'prefers the text where a word is in both',
      { action: 'replace', words: ['b'], replacements: { B: 'x' } },
      'b',
      'x',
    ],
    [
      'takes any key',
      { action: 'replace', replacements: { constructor: 'x', toString: 'y' } },
      'toString valueOf',
      'y valueOf',
    ],
  ])('%s', (_name, config, given, expected) => {
    expect(mask(create(config), [given])).toBe(expected);
    expect(mask(create(config), given.split(''))).toBe(expected);
  });

  it.each<[string, Partial<Config>, readonly string[], readonly string[]]>([
    ['before the word', {}, ['the sec', 'ret is 42', 'more'], ['the ', '', '', '']],
    ['at once', {}, ['secret'], ['', '']],
    ['in the middle of a piece', {}, ['a secret b secret', 'c'], ['a ', '', '']],
    ['as soon as a word is sure', { words: ['ab', 'abcd'] }, ['xab', 'c'], ['x', '', '']],
    ['before the word that begins first', { words: ['bcd', 'c'] }, ['abc', 'x'], ['a', 'b', '']],
    ['at the end of the text', { words: ['ab'], match: 'word' }, ['x ab'], ['x ', '']],
    [
      'before the neighbour is read twice',
      { words: ['ab', 'ab cd'], match: 'word' },
      ['ab', ' ', 'x'],
      ['', '', '', ''],
    ],
    ['not before a part of a word', { words: ['ab'], match: 'word' }, ['abc ', 'd'], ['abc ', 'd', '']],
  ])('stops %s', (_name, config, given, expected) => {
    const block = textBlock();
    const rewriter = create({ ...config, action: 'stop', message: 'No.' }).open(run, block);
    expect([...given.map((piece) => rewriter.text(piece)), rewriter.flush()]).toEqual(expected);
    const isStopped = given.join('') !== expected.join('');
    expect(block.endings).toEqual(isStopped ? [{ reason: 'content_filter', message: 'No.' }] : []);
    expect(rewriter.matches).toBe(isStopped ? 1 : 0);
  });

  it('stops without a message, in tool arguments too', () => {
    const block = textBlock({ channel: 'toolArguments', tool: 'send' });
    expect(create({ action: 'stop' }).open(run, block).text('a secret')).toBe('a ');
    expect(block.endings).toEqual([{ reason: 'content_filter' }]);
  });

  it('reads text as fast as ever, whatever is put in its place', () => {
    const long = 'ab'.repeat(500_000);
    expect(mask(create({ words: ['ab'], action: 'remove' }), [long])).toBe('');
    expect(mask(create({ action: 'replace', replacements: { a: 'b', b: '' } }), [long])).toBe('b'.repeat(500_000));
    expect(mask(create({ words: ['b'], action: 'stop' }), [long])).toBe('a');
  });
});

describe('the schema of mask-words', () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, useDefaults: true, keywords: ['x-reference', 'x-hint'] });
  const validate = ajv.compile(maskWords.config);

  it('fills in what the author leaves out', () => {
    const config = { words: ['secret'] };
    expect(validate(config)).toBe(true);
    expect(config).toEqual({ ...defaults, words: ['secret'] });
  });

  it.each<[unknown, boolean]>([
    [{ words: 'secrets' }, true],
    [{ words: 'No Name' }, false],
    [{ words: [] }, false],
    [{ words: [''] }, false],
    [{ words: ['x'.repeat(257)] }, false],
    [{}, false],
    [{ action: 'replace', replacements: { a: 'b' } }, true],
    [{ action: 'replace', words: ['a'], replacements: { a: '' } }, true],
    [{ action: 'replace', words: ['a'] }, false],
    [{ action: 'replace', replacements: {} }, false],
    [{ action: 'replace', replacements: { '': 'a' } }, false],
    [{ action: 'replace', replacements: { a: 1 } }, false],
    [{ action: 'stop', words: ['a'], message: 'No.' }, true],
    [{ action: 'stop', message: 'No.' }, false],
    [{ action: 'drop', words: ['a'] }, false],
    [{ words: ['a'], match: 'regex' }, false],
    [{ words: ['a'], channels: [] }, false],
    [{ words: ['a'], perCharacter: '😀' }, true],
    [{ words: ['a'], perCharacter: '**' }, false],
    [{ words: ['a'], with: '' }, true],
    [{ words: ['a'], mask: '*' }, false],
  ])('%j: %s', (config, expected) => {
    expect(validate(config)).toBe(expected);
  });
});
