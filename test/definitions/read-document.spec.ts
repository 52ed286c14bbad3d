import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pipelineLimits, wordListLimits } from '../../src/definitions/document-limits.ts';
import { readDocument, type ReadDocument } from '../../src/definitions/read-document.ts';

const read = (text: string | Uint8Array, wanted: 'object' | 'array' = 'object'): ReadDocument =>
  readDocument({ file: 'a.json', text }, wanted, wanted === 'array' ? wordListLimits : pipelineLimits);
const codes = (document: ReadDocument): string[] =>
  document.diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
const many = (count: number): string => `{"a":[${Array.from({ length: count }, () => '1').join(',')}]}`;

describe('a document', () => {
  it.each<[what: string, text: string | Uint8Array, value: unknown]>([
    ['is plain JSON', '{"a":[1,"x",null,true]}', { a: [1, 'x', null, true] }],
    ['may have comments', '// head\n{ /* in */ "a": 1 // end\n}', { a: 1 }],
    ['may have trailing commas', '{"a":[1,2,],}', { a: [1, 2] }],
    ['may begin with a byte order mark', '\uFEFF{"a":1}', { a: 1 }],
    ['may be bytes with a byte order mark', bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), {}],
    ['may hold braces and slashes in its strings', '{"a":"{[//\\"[["}', { a: '{[//"[[' }],
    ['may be nested as deep as allowed', nested(32), JSON.parse(nested(32))],
    ['may hold as much as allowed', many(9_998), JSON.parse(many(9_998))],
  ])('%s', (_what, text, value) => {
    const document = read(text);
    expect(document.diagnostics).toEqual([]);
    expect(document.value).toEqual(value);
  });

  it.each<[what: string, text: string | Uint8Array, codes: string[]]>([
    ['is empty', '', ['json.syntax 1:1']],
    ['is no object', '[1]', ['schema.type 1:1']],
    ['is a word', 'hello', ['json.syntax 1:1', 'json.syntax 1:6']],
    ['lacks a comma', '{\n  "a": 1\n  "b": 2\n}', ['json.syntax 3:3']],
    ['ends too early', '{\n  "a": [1,', ['json.syntax 2:11', 'json.syntax 2:11', 'json.syntax 2:11']],
    ['has a key twice', '{"a":1,\n "a":2}', ['json.duplicateKey 2:2']],
    ['has a key twice, written differently', '{"a":1,"\\u0061":2}', ['json.duplicateKey 1:8']],
    [
      'reaches for a prototype',
      '{"a":{"__proto__":{}},"constructor":1,"b":[{"prototype":0}]}',
      ['json.prototypeKey 1:7', 'json.prototypeKey 1:23', 'json.prototypeKey 1:45'],
    ],
    ['is nested too deep', nested(33), ['json.tooDeep 1:37']],
    ['is a depth bomb', '['.repeat(1_000_000), ['json.tooDeep 1:33']],
    ['holds too much', many(20_000), ['json.tooMany 1:20004']],
    ['is too large', `{"a":"${'x'.repeat(1_048_576)}"}`, ['json.tooLarge 1:1']],
    ['is no UTF-8', bytes(0x7b, 0x22, 0xff, 0x22, 0x7d), ['json.encoding 1:1']],
    ['is UTF-8 cut short', bytes(0x7b, 0x7d, 0xe2, 0x82), ['json.encoding 1:1']],
  ])('that %s is refused', (_what, text, expected) => {
    expect(codes(read(text)).slice(0, 3)).toEqual(expected);
  });

  it('never touches a prototype', () => {
    read('{"__proto__":{"polluted":1},"a":{"constructor":{"prototype":{"polluted":1}}}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('shows all of its mistakes at once, and what is readable beside them', () => {
    const document = read('{"a":1 "b":2,\n"b":3, "__proto__":4}');
    expect(codes(document)).toEqual(['json.syntax 1:8', 'json.duplicateKey 2:1', 'json.prototypeKey 2:8']);
    expect(document.value).toEqual({ a: 1, b: 3 });
  });
});

describe('a word list', () => {
  it('is an array, and may be long', () => {
    const list = Array.from({ length: 150_000 }, (_, index) => `word-${index}`);
    expect(read(JSON.stringify(list), 'array').value).toEqual(list);
  });

  it.each([
    ['{"a":1}', 'schema.type 1:1'],
    ['[["a",["b"]]]', 'json.tooDeep 1:7'],
  ])('%s is refused', (text, code) => {
    expect(codes(read(text, 'array'))).toEqual([code]);
  });
});

describe('the locator', () => {
  const text = '{\n  "a": { "b/c": [10, "x\\n\\u0041yz"] },\n  "d": 1\n}';

  it.each<[pointer: string, value: string, key: string]>([
    ['', '1:1', '1:1'],
    ['/a', '2:8', '2:3'],
    ['/a/b~1c', '2:17', '2:10'],
    ['/a/b~1c/1', '2:22', '2:22'],
    ['/d', '3:8', '3:3'],
    ['/d/none', '3:8', '3:8'],
    ['/a/none/deeper', '2:8', '2:8'],
  ])('finds %s at %s, its key at %s', (pointer, value, key) => {
    const { locator } = read(text);
    expect([locator.value(pointer), locator.key(pointer)].map(({ line, column }) => `${line}:${column}`)).toEqual([
      value,
      key,
    ]);
  });

  it('counts escapes inside a string', () => {
    const { locator } = read(text);
    expect([0, 1, 2, 3, 4, 99].map((index) => locator.insideString('/a/b~1c/1', index).column)).toEqual([
      23, 24, 26, 32, 33, 34,
    ]);
  });

  it('finds any place in any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.nat(), (string, seed) => {
        const document = `{"key": ${JSON.stringify(string)}}`;
        const index = string.length === 0 ? 0 : seed % string.length;
        const { column } = read(document).locator.insideString('/key', index);
        const before = JSON.parse(`"${document.slice(9, column - 1)}"`) as string;
        expect(before).toBe(string.slice(0, index));
      }),
    );
  });

  it('reads any JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.jsonValue({ maxDepth: 4 })), (value) => {
        const json = JSON.stringify(value, null, 1);
        fc.pre(!/"(__proto__|constructor|prototype)":/.test(json));
        expect(read(json).value).toEqual(JSON.parse(json));
      }),
    );
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '/', '*', '\\', 'a', '1', '\n', '\u2028'),
        }),
        (anything) => void read(anything),
      ),
    );
  });
});
