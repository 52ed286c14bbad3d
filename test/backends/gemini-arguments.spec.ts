import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ArgumentWriter, type ArgumentPiece } from '../../src/backends/gemini/argument-writer.ts';
import { readJsonPath, type PathStep } from '../../src/backends/gemini/json-path.ts';

function write(pieces: readonly ArgumentPiece[]): string {
  const writer = new ArgumentWriter();
  return pieces.map((piece) => writer.push(piece)).join('') + writer.close();
}

const piece = (path: string, value: unknown, more = false): ArgumentPiece => ({
  path: readJsonPath(path),
  value,
  more,
});

describe('the steps of a path', () => {
  it.each<[string, readonly PathStep[]]>([
    ['$.city', ['city']],
    ['$.stops[0].name', ['stops', 0, 'name']],
    ["$['a.b']['it\\'s']", ['a.b', "it's"]],
    ['$["x y"][12]', ['x y', 12]],
    ['$.größe', ['größe']],
    ['$.__proto__', ['__proto__']],
  ])('%s', (path, steps) => {
    expect(readJsonPath(path)).toEqual(steps);
  });

  it.each([
    '',
    '$',
    'city',
    '$city',
    '$.',
    '$..a',
    '$.a[*]',
    '$.a[?(@.b)]',
    '$.a[-1]',
    '$.a[99999]',
    "$['a",
    `$${'.a'.repeat(65)}`,
  ])('%j is refused', (path) => {
    expect(() => readJsonPath(path)).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }));
  });
});

describe('arguments that come value by value', () => {
  it('stream as fragments of one JSON text', () => {
    const writer = new ArgumentWriter();
    const fragments = [
      writer.push(piece('$.city', 'Bos', true)),
      writer.push(piece('$.city', 'ton "B"', true)),
      writer.push(piece('$.city', '')),
      writer.push(piece('$.days', 3)),
      writer.push(piece('$.stops[0].name', 'A')),
      writer.push(piece('$.stops[0].open', true)),
      writer.push(piece('$.stops[1].name', null)),
      writer.close(),
    ];
    expect(fragments).toEqual([
      '{"city":"Bos',
      'ton \\"B\\"',
      '"',
      ',"days":3',
      ',"stops":[{"name":"A"',
      ',"open":true',
      '},{"name":null',
      '}]}',
    ]);
  });

  it.each<[string, readonly ArgumentPiece[], unknown]>([
    ['none at all', [], {}],
    ['a string that is not ended', [piece('$.a', 'x', true)], { a: 'x' }],
    ['a string that another value ends', [piece('$.a', 'x', true), piece('$.b', 1)], { a: 'x', b: 1 }],
    ['a value that is said again', [piece('$.a', 'x'), piece('$.b', 1), piece('$.a', 'y')], { a: 'y', b: 1 }],
    [
      'an object that goes on later',
      [piece('$.a.b', 1), piece('$.c', 2), piece('$.a.d', 3)],
      { a: { b: 1, d: 3 }, c: 2 },
    ],
    ['a list that does not begin at 0', [piece('$.a[1]', 'x')], { a: [null, 'x'] }],
    [
      'a string that goes on out of order',
      [piece('$.a[1]', 'x', true), piece('$.a[1]', 'y', true), piece('$.a[1]', '')],
      { a: [null, 'xy'] },
    ],
    ['a value where an object was', [piece('$.a.b', 1), piece('$.a', 2)], { a: 2 }],
    ['an object where a value was', [piece('$.a', 2), piece('$.a.b', 1)], { a: { b: 1 } }],
    ['a whole value with parts after it', [piece('$.a', { b: 1 }), piece('$.a.c', 2)], { a: { b: 1, c: 2 } }],
    ['halves of one character', [piece('$.a', '\ud83d', true), piece('$.a', '\ude00')], { a: '😀' }],
  ])('%s', (_name, pieces, expected) => {
    expect(JSON.parse(write(pieces))).toEqual(expected);
  });

  it('can name what objects inherit, and change nothing but the arguments', () => {
    const text = write([piece('$.__proto__.polluted', 1), piece('$.constructor', 'c'), piece('$.__proto__.more', 2)]);
    expect(Object.keys(JSON.parse(text) as object).sort()).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('are refused where they are no object, or would be written again and again', () => {
    expect(() => write([{ path: [0], value: 1, more: false }])).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }),
    );
    const writer = new ArgumentWriter();
    writer.push(piece('$.a.b', 'x'.repeat(200_000)));
    writer.push(piece('$.c', 1));
    const wild = (): void => {
      for (let turn = 0; turn < 10; turn += 1) writer.push(piece(`$.a.k${turn}`, turn));
    };
    expect(wild).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }));
  });

  const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, leaf, tie('list'), tie('object')),
    list: fc.array(tie('any'), { minLength: 1, maxLength: 4 }),
    object: fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), tie('any'), { minKeys: 1, maxKeys: 4 }),
  })).object;

  it('are the document, however its strings are cut', () => {
    fc.assert(
      fc.property(value, fc.infiniteStream(fc.nat(5)), (document, cuts) => {
        const pieces = leavesOf(document, []).flatMap((each) => cutString(each, cuts));
        expect(JSON.parse(write(pieces))).toEqual(JSON.parse(JSON.stringify(document)));
      }),
    );
  });

  it('are the document in any order of its values', () => {
    fc.assert(
      fc.property(
        value.chain((document) =>
          fc.tuple(fc.constant(document), fc.shuffledSubarray(leavesOf(document, []), { minLength: 0 })),
        ),
        ([document, some]) => {
          const rest = leavesOf(document, []).filter((each) => !some.some((other) => sameAs(each, other)));
          expect(JSON.parse(write([...some, ...rest]))).toEqual(JSON.parse(JSON.stringify(document)));
        },
      ),
    );
  });
});

function sameAs(left: ArgumentPiece, right: ArgumentPiece): boolean {
  return JSON.stringify(left.path) === JSON.stringify(right.path);
}

function leavesOf(value: unknown, path: readonly PathStep[]): ArgumentPiece[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
  return [{ path, value, more: false }];
}

function cutString(whole: ArgumentPiece, cuts: Iterator<number>): ArgumentPiece[] {
  if (typeof whole.value !== 'string') return [whole];
  const at = Number(cuts.next().value);
  const [head, tail] = [whole.value.slice(0, at), whole.value.slice(at)];
  return [
    { ...whole, value: head, more: true },
    { ...whole, value: tail, more: false },
  ];
}
