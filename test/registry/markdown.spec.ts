import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeBlock, readableJson, table } from '../../src/registry/markdown.ts';

describe('readable JSON', () => {
  it('has short things on one line, and long ones on several', () => {
    const words = Array.from({ length: 12 }, (_, index) => `word number ${index}`);
    expect(
      readableJson({ config: { words: ['a', 'b'], deep: { list: [] } }, given: words.slice(0, 2) }).split('\n'),
    ).toEqual([
      '{',
      '  "config": { "words": ["a", "b"], "deep": { "list": [] } },',
      '  "given": ["word number 0", "word number 1"]',
      '}',
    ]);
    expect(readableJson({ config: { words } }).split('\n').slice(0, 5)).toEqual([
      '{',
      '  "config": {',
      '    "words": [',
      '      "word number 0",',
      '      "word number 1",',
    ]);
  });

  it('says what the JSON of the machine says', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true }), (value) => {
        expect(JSON.parse(readableJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('Markdown', () => {
  it('keeps a cell in its table', () => {
    expect(table(['a', 'b'], [['x | y', 'two\n  lines']])).toEqual([
      '| a | b |',
      '| --- | --- |',
      '| x \\| y | two lines |',
    ]);
  });

  it('puts code into a block', () => {
    expect(codeBlock('sh', 'one\ntwo')).toEqual(['```sh', 'one', 'two', '```']);
  });
});
