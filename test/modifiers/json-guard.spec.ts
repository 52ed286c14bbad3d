import { describe, expect, it } from '@jest/globals';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import type { Configured } from '../../src/kernel/schema.ts';
import { jsonGuard } from '../../src/modifiers/json-guard.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { textBlock, type HandMadeBlock } from '../support/text-block.ts';

type Config = Configured<typeof jsonGuard.config>;
const defaults: Config = { extract: false, repair: 'none', onInvalid: 'stop', allowNone: false };

function create(config: Partial<Config>): TextModifier {
  const modifier = jsonGuard.create({ ...defaults, ...config }, {});
  if (modifier.effect !== 'text') throw new TypeError('json-guard rewrites text');
  return modifier;
}

interface Guarded {
  readonly left: readonly string[];
  readonly message: string | undefined;
  readonly matches: number | undefined;
  readonly block: HandMadeBlock;
  readonly test: TestRun;
}

/** Sends pieces through; what left for each, and for the end. */
function guard(config: Partial<Config>, ...pieces: readonly string[]): Guarded {
  return guardAll(config, pieces);
}
function guardAll(config: Partial<Config>, pieces: readonly string[]): Guarded {
  const [test, block] = [testRun(), textBlock()];
  const rewriter = create(config).open(test.run, block);
  const left = [...pieces.map((piece) => rewriter.text(piece)), rewriter.flush()];
  return { left, message: block.endings[0]?.message, matches: rewriter.matches, block, test };
}
const joined = (config: Partial<Config>, ...pieces: readonly string[]): string =>
  guardAll(config, pieces).left.join('');
/** Keyword, place and offset of the mistake in a text. */
function mistakeIn(schema: Record<string, unknown>, text: string): unknown[] {
  const [line] = guard({ schema }, text).test.log.lines;
  return line === undefined ? [] : [line.fields['keyword'], line.fields['pointer'], line.fields['offset']];
}

describe('json-guard', () => {
  it('lets a valid document through piece by piece, and gives back the very same strings', () => {
    const pieces = ['{"a"', ' : [1, ', '"x\\', 'n"]', ' }\n'];
    const { left, block, matches } = guard({ schema: { properties: { a: { maxItems: 2 } } } }, ...pieces);
    expect(left).toEqual([...pieces, '']);
    expect(block.endings).toEqual([]);
    expect(matches).toBe(0);
  });

  it('ends an answer before the first character that is impossible, and says where and why', () => {
    const schema = { properties: { 'a/b': { type: 'array', items: { maxLength: 3 } } } };
    const { left, block, test, matches } = guard({ schema }, '{"a/b": ["one", "sec', 'ret"]}', 'more');
    expect(left).toEqual(['{"a/b": ["one", "sec', '', '', '']);
    expect(block.endings).toEqual([
      {
        reason: 'content_filter',
        message: '[The answer is not the JSON that was asked for: maxLength at /a~1b/1, character 20.]',
      },
    ]);
    expect(test.log.messages('warn')).toHaveLength(1);
    expect(test.meter.value('json_guard_invalid')).toBe(1);
    expect(test.log.text()).not.toContain('sec');
    expect(matches).toBe(1);
  });

  it('never tells a key that the schema does not name', () => {
    const { block, test } = guard({ schema: { additionalProperties: { type: 'string' } } }, '{"my secret": 1}');
    expect(JSON.stringify(block.endings)).toContain('type at /*, character 14');
    expect(test.log.text()).not.toContain('secret');
  });

  it.each<[string, Record<string, unknown>, string, unknown[]]>([
    ['a type at its first character', { type: 'object' }, ' [', ['type', '', 1]],
    ['true where only false may be', { const: false }, 'true', ['enum', '', 0]],
    ['an enum at the first other character', { enum: ['red', 'rose'] }, '"rob"', ['enum', '', 3]],
    ['an enum at an escape', { enum: ['red', 'rose'] }, '"\\u01', ['enum', '', 4]],
    ['an enum with a length', { enum: ['red', 'rose'], maxLength: 3 }, '"rose"', ['enum', '', 2]],
    [
      'a key that is not listed',
      { properties: { size: {}, side: {} }, additionalProperties: false },
      '{"sa',
      ['additionalProperties', '', 3],
    ],
    [
      'a comma where nothing may follow',
      { properties: { a: {} }, additionalProperties: false },
      '{"a":1,',
      ['additionalProperties', '', 6],
    ],
    ['the only key that has room', { required: ['a', 'b'], maxProperties: 2 }, '{"a":1,"c', ['maxProperties', '', 8]],
    ['a key that is missing', { properties: { a: { required: ['b'] } } }, '{"a":{}}', ['required', '/a', 6]],
    ['a key twice', { type: 'object' }, '{"a":1,"\\u0061":2}', ['repeated key', '', 14]],
    ['one item too many', { maxItems: 1 }, '[1 ,2]', ['maxItems', '', 3]],
    ['an item behind the last', { prefixItems: [{}], items: false }, '[1,2]', ['items', '', 2]],
    ['too few items', { minItems: 2 }, '[1]', ['minItems', '', 2]],
    [
      'an item twice, in other words',
      { uniqueItems: true },
      '[{"a":1,"b":2},{"b":2.0,"a":1}]',
      ['uniqueItems', '/1', 29],
    ],
    ['one character too many, pairs count once', { maxLength: 2 }, '"😀😀a', ['maxLength', '', 5]],
    ['too short', { minLength: 2 }, '"😀"', ['minLength', '', 3]],
    ['a pattern at the end of the string', { pattern: '^\\d+$' }, '"12x4"', ['pattern', '', 5]],
    ['a number at the character behind it', { type: 'integer' }, '1.5 ', ['type', '', 3]],
    ['a number at the end of the text', { maximum: 9 }, '10', ['maximum', '', 2]],
    ['a sign that no number may have', { minimum: 1 }, '-', ['minimum', '', 0]],
    ['a number too large for a double', { type: 'number' }, '1e999 ', ['type', '', 5]],
    ['a number too long to be read', { type: 'number' }, '1'.repeat(1100), ['number length', '', 1024]],
    ['a fraction that is no multiple', { multipleOf: 0.01 }, '[19.99, 0.001]', []],
    [
      'the last of several alternatives',
      { anyOf: [{ required: ['k'], properties: { k: { const: 'a' } } }, { properties: { k: { const: 'b' } } }] },
      '{"k":"c"',
      ['enum', '/k', 6],
    ],
    ['two alternatives at once', { oneOf: [{ minimum: 1 }, { maximum: 5 }] }, '3 ', ['oneOf', '', 1]],
    ['a type that is excluded', { not: { type: ['string', 'null'] } }, '"', ['not', '', 0]],
    ['what is excluded, at its end', { not: { required: ['a'] } }, '{"a":1}', ['not', '', 6]],
    ['a condition', { if: { required: ['a'] }, then: { required: ['b'] } }, '{"a":1}', ['required', '', 6]],
    ['the name of a key', { propertyNames: { pattern: '^[a-z]+$' } }, '{"Ab":1}', ['pattern', '', 4]],
    ['a key by pattern', { patternProperties: { '^x': { type: 'null' } } }, '{"xy":1}', ['type', '/*', 6]],
    [
      'a circle of schemas',
      { properties: { next: { $ref: '#' } }, required: ['id'] },
      '{"id":1,"next":{"id":2,"next":{}}}',
      ['required', '/next/next', 31],
    ],
    ['broken JSON', { type: 'object' }, '{"a" 1}', ['syntax', '/*', 5]],
    ['words behind the document', { type: 'object' }, '{} done', ['syntax', '', 3]],
    ['a document that breaks off', { type: 'object' }, '{"a":', ['unfinished', '', 5]],
    ['no document', { type: 'object' }, ' \n', ['no document', '', 2]],
  ])('finds %s', (_name, schema, text, expected) => {
    expect(mistakeIn(schema, text)).toEqual(expected);
  });

  it('takes 19.99 for a multiple of 0.01', () => {
    expect(mistakeIn({ items: { multipleOf: 0.01 } }, '[19.99, 4.35, 1e2, 0, -0.07]')).toEqual([]);
    expect(mistakeIn({ items: { multipleOf: 0.01 } }, '[19.999]')).toEqual(['multipleOf', '/0', 7]);
  });

  it.each<[Partial<Config>, string, string]>([
    [{}, 'Here:\n```json\n{"a":1}\n```\nDone.', '{"a":1}'],
    [{}, 'Use {braces} or [this]: {"a":[1]} {"b":2}', '{"a":[1]}'],
    [{}, 'no document', ''],
    [{ schema: { type: 'object' } }, 'as in [1], {"a":1}', '{"a":1}'],
    [{ schema: { type: 'integer' } }, '```json\n42\n```', '42'],
    [{ schema: { type: 'string' } }, 'He said "no".\n```\n"yes"\n```', '"yes"'],
    [{ schema: { type: ['object', 'null'] } }, ' null, sorry', 'null'],
    [{ repair: 'tail' }, 'Here: {', '{}'],
  ])('extracts by %j from %j', (config, text, expected) => {
    const settings = { onInvalid: 'pass', extract: true, ...config } as const;
    expect(joined(settings, text)).toBe(expected);
    expect(joined(settings, ...text.split(''))).toBe(expected);
  });

  it('counts offsets from the start of the text', () => {
    const { message } = guard({ extract: true }, 'Sure: ', '{"a":x');
    expect(message).toContain('syntax, character 11');
  });

  it.each([
    ['{"a":1,"b', '{"a":1}'],
    ['{"a":1,"b": ', '{"a":1}'],
    ['{"a":1,"b":-', '{"a":1}'],
    ['{"a":"x\\', '{"a":"x"}'],
    ['{"a":"x\\u00', '{"a":"x"}'],
    ['{"a":[1,[2, ', '{"a":[1,[2]]}'],
    ['[1.', '[1]'],
    ['[1e+', '[1]'],
    ['[tr', '[true]'],
    ['"tex', '"tex"'],
    ['{}', '{}'],
    [`[1,"${'x'.repeat(600)}`, `[1,"${'x'.repeat(600)}"]`],
    [`{"${'k'.repeat(600)}`, `{"${'k'.repeat(600)}":null}`],
    [`{"a":1,${' '.repeat(600)}`, `{"a":1,${' '.repeat(600)}"":null}`],
    [`{"a":${' '.repeat(600)}`, `{"a":${' '.repeat(600)}null}`],
    [`{"${'k'.repeat(600)}":-`, `{"${'k'.repeat(600)}":-0}`],
    [`{"${'k'.repeat(600)}\\u1`, `{"${'k'.repeat(600)}\\u1000":null}`],
  ])('completes %j', (text, expected) => {
    expect(joined({ repair: 'tail' }, text)).toBe(expected);
    expect(joined({ repair: 'tail' }, ...text.split(''))).toBe(expected);
    expect(() => JSON.parse(expected) as unknown).not.toThrow();
  });

  it('does not end an answer that it completed, though something is missing', () => {
    const { block, left, matches, test } = guard({ repair: 'tail', schema: { required: ['b'] } }, '{"a":[1');
    expect([left.join(''), block.endings, matches]).toEqual(['{"a":[1]}', [], 1]);
    expect(test.meter.value('json_guard_repaired')).toBe(1);
  });

  it('lets an empty text be, and one without a document where that is allowed', () => {
    expect(guard({}, '').block.endings).toEqual([]);
    expect(guard({ extract: true }, 'I look it up.').message).toContain('no document, character 13');
    const allowed = guard({ extract: true, allowNone: true }, 'I look it up.');
    expect([allowed.left.join(''), allowed.block.endings, allowed.matches]).toEqual(['', [], 0]);
  });

  it('goes on behind a mistake that it only marks or counts', () => {
    const schema = { properties: { a: { type: 'null' } } };
    expect(joined({ schema, onInvalid: 'pass', extract: true }, 'x {"a":1} y')).toBe('{"a":1}');
    const marked = guard({ schema, onInvalid: 'mark' }, '{"a":1', ',"b":}');
    expect(marked.left).toEqual([
      '{"a":1',
      ',"b":}',
      '\n[The answer is not the JSON that was asked for: type at /a, character 5.]',
    ]);
    expect([marked.block.endings, marked.matches]).toEqual([[], 1]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a keyword that it does not know',
      { properties: { a: { contains: {} } } },
      '"/properties/a/contains": this keyword is not supported',
    ],
    ['a keyword that is misspelt', { propertys: {} }, '"/propertys"'],
    [
      'a wrong value',
      { items: { maxLength: -1 } },
      '"/items/maxLength": a whole number from 0 is expected, and not -1',
    ],
    ['a type that there is not', { type: 'text' }, '"/type": a type or a list of types'],
    ['a reference that leads nowhere', { $ref: '#/$defs/no' }, '"#/$defs/no" leads nowhere'],
    ['a reference to elsewhere', { $ref: 'https://example.com/s' }, 'must point into the schema itself'],
    [
      'a circle without an end',
      { $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' },
      'it refers to itself without an end',
    ],
    ['look-around in a pattern', { pattern: '(?=a)b' }, 'look-around is not supported'],
    ['a reference back in a pattern', { patternProperties: { '(a)\\1': {} } }, 'is not supported'],
    ['no pattern', { pattern: '(' }, "the pattern can't be used"],
    ['a pattern that is too large', { pattern: '(a{1000}){5}' }, "the pattern can't be used"],
  ])('refuses %s', (_name, schema, message) => {
    expect(() => create({ schema })).toThrow(message);
  });

  it('takes words about a schema, and formats, for what they are', () => {
    const schema = {
      $schema: 'x',
      title: 't',
      description: 'd',
      default: 1,
      examples: [],
      format: 'email',
      'x-order': 1,
    };
    expect(joined({ schema }, '"no mail"')).toBe('"no mail"');
  });

  it.each<[Partial<Config>, unknown]>([
    [{}, { mode: 'live' }],
    [{ schema: { type: 'object' }, onInvalid: 'mark' }, { mode: 'live' }],
    [{ extract: true }, { mode: 'window', maxHeldCharacters: 70 }],
    [{ repair: 'tail' }, { mode: 'window', maxHeldCharacters: 512 }],
  ])('says of %j what it holds at most', (config, policy) => {
    expect(create(config).policy).toEqual(policy);
  });
});

describe('json-guard and hostile answers', () => {
  it.each([
    ['nesting', '['.repeat(100_000), 'depth'],
    ['alternatives at each level', '['.repeat(100), 'number of alternatives'],
    ['a pattern on a long string', `"${'a'.repeat(100_000)}"`, 'pattern'],
  ])('ends %s', (_name, text, keyword) => {
    const both = { anyOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' } }], pattern: '^a*$' };
    const schema = keyword === 'depth' ? { type: 'array' } : both;
    expect(mistakeIn(schema, text)[0]).toBe(keyword);
  });

  it('takes a megabyte in one piece and in pieces of one character', () => {
    const schema = { properties: { a: { type: 'array', items: { enum: ['x\ud83d', 'y'] } } } };
    const text = `{"a":["y"${',"x\ud83d"'.repeat(150_000)}]}`;
    for (const pieces of [[text], text.split('')])
      expect(guardAll({ schema, extract: true, repair: 'tail' }, pieces).left.join('') === text).toBe(true);
    expect(joined({ extract: true, allowNone: true }, `${'{ '.repeat(500_000)}x`)).toBe('');
  });
});
