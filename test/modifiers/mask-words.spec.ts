import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Run } from '../../src/kernel/run.ts';
import type { Configured } from '../../src/kernel/schema.ts';
import type { TextModifier } from '../../src/kernel/component.ts';
import { maskWords } from '../../src/modifiers/mask-words.ts';

type Config = Configured<typeof maskWords.config>;
// The modifier looks at nothing of a run.
const run = {} as Run;
const defaults: Omit<Config, 'words'> = {
  match: 'substring',
  caseSensitive: false,
  channels: ['text', 'reasoning', 'refusal'],
};

function create(config: Partial<Config>): TextModifier {
  const modifier = maskWords.create({ ...defaults, words: ['secret'], ...config }, {});
  if (modifier.effect !== 'text') throw new TypeError('mask-words rewrites text');
  return modifier;
}

function mask(modifier: TextModifier, chunks: readonly string[]): string {
  const rewriter = modifier.open(run, 'text');
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
    const [first, second] = [modifier.open(run, 'text'), modifier.open(run, 'reasoning')];
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
    expect(create({}).channels).toEqual(['text', 'reasoning', 'refusal']);
    expect(create({ channels: ['text'] }).channels).toEqual(['text']);
  });

  it.each<[string, Partial<Config>, string]>([
    ['two masks', { with: '#', perCharacter: '#' }, '"with" and "perCharacter" exclude each other'],
    ['a broken word', { words: ['\ud83d'] }, 'word 1 of the list holds half of a surrogate pair'],
  ])('refuses %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });

  it('is a guard', () => {
    expect(maskWords.guard).toBe(true);
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
