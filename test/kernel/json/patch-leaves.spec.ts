import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventOfType } from '../../../src/kernel/event.ts';
import { isPatch, PatchLeaves, pointerOfPath } from '../../../src/kernel/json/patch-leaves.ts';
import type { LeafRewriter } from '../../../src/kernel/json/json-leaves.ts';
import { buildWordAutomaton } from '../../../src/kernel/words/word-automaton.ts';
import { createWordMasker } from '../../../src/kernel/words/word-mask.ts';
import { cut } from '../../support/law.ts';

type Patch = NonNullable<EventOfType<'toolArgs.delta'>['patch']>;
type Row = readonly [path: string, value: unknown, more?: boolean];

const automaton = buildWordAutomaton(['secret']);
const mask = (): LeafRewriter => createWordMasker(automaton, { with: '***' });

function eventOf([jsonPath, value, more]: Row): EventOfType<'toolArgs.delta'> & { patch: Patch } {
  return { type: 'toolArgs.delta', blockId: 'b1', patch: { jsonPath, value, ...(more !== undefined && { more }) } };
}

function run(rows: readonly Row[], open: (pointer: string) => LeafRewriter | undefined = mask): Row[] {
  const leaves = new PatchLeaves(open);
  const events = [...rows.flatMap((row) => leaves.rewrite(eventOf(row))), ...leaves.flush()];
  return events.flatMap(({ patch }): Row[] => {
    if (patch === undefined) return [];
    return [patch.more === undefined ? [patch.jsonPath, patch.value] : [patch.jsonPath, patch.value, patch.more]];
  });
}

describe('arguments that come by path', () => {
  it.each<[string, Row[], Row[]]>([
    ['a string', [['$.a', 'my secret']], [['$.a', 'my ***']]],
    [
      'no string',
      [
        ['$.a', 1],
        ['$.b', null],
      ],
      [
        ['$.a', 1],
        ['$.b', null],
      ],
    ],
    [
      'a string in pieces',
      [
        ['$.a', 'x sec', true],
        ['$.a', 'ret y', false],
      ],
      [
        ['$.a', 'x ', true],
        ['$.a', '*** y', false],
      ],
    ],
    [
      'a piece that is held whole',
      [
        ['$.a', 'sec', true],
        ['$.a', 'ret'],
      ],
      [['$.a', '***']],
    ],
    [
      'a last piece without text',
      [
        ['$.a', 'sec', true],
        ['$.a', ''],
      ],
      [['$.a', 'sec']],
    ],
    [
      'pieces that never end',
      [
        ['$.a', 'sec', true],
        ['$.b', 'ret'],
      ],
      [
        ['$.a', 'sec', true],
        ['$.b', 'ret'],
      ],
    ],
    [
      'a cut answer',
      [['$.a', 'x sec', true]],
      [
        ['$.a', 'x ', true],
        ['$.a', 'sec', true],
      ],
    ],
    ['strings in a value', [['$.a', { secret: ['a secret', 1] }]], [['$.a', { secret: ['a ***', 1] }]]],
  ])('%s', (_title, rows, expected) => {
    expect(run(rows)).toEqual(expected);
  });

  it('gives back the very same event', () => {
    const leaves = new PatchLeaves(mask);
    for (const row of [
      ['$.a', 'plain'],
      ['$.b', { c: ['plain'] }],
      ['$.d', 7],
    ] as const) {
      const event = eventOf(row);
      expect(leaves.rewrite(event)[0]).toBe(event);
    }
  });

  it('knows such an event', () => {
    expect(isPatch(eventOf(['$.a', 1]))).toBe(true);
    expect(isPatch({ type: 'toolArgs.delta', blockId: 'b1', json: '{}' })).toBe(false);
  });

  it.each([
    ['$', ''],
    ['$.a.b', '/a/b'],
    ['$.stops[0].name', '/stops/0/name'],
    [String.raw`$['a.b']["c/d"]['it\'s']`, "/a.b/c~1d/it's"],
    ['$.a[?(@.b)]', '/a'],
    ['a', ''],
    [`$${'.a'.repeat(5_000)}`, ''],
  ])('the pointer of %s', (path, pointer) => {
    expect(pointerOfPath(path)).toBe(pointer);
  });

  it('tells where each string is', () => {
    const pointers: string[] = [];
    run(
      [
        ['$.a[1]', { b: ['x'] }],
        ['$.c', 'x', true],
        ['$.c', 'y'],
      ],
      (pointer) => void pointers.push(pointer),
    );
    expect(pointers).toEqual(['/a/1/b/0', '/c']);
  });

  it('is the rule on the whole text, however it is cut', () => {
    const text = fc
      .array(fc.constantFrom('secret', 'sec', 'ret', ' ', 'x'), { maxLength: 6 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        text,
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
        fc.boolean(),
        (whole, lengths, ends) => {
          const pieces = cut(whole, lengths);
          const rows = pieces.map((piece, at): Row => ['$.a', piece, !(ends && at === pieces.length - 1)]);
          const left = run(rows).map(([, value]) => value);
          expect(left.join('')).toBe(whole.replaceAll('secret', '***'));
        },
      ),
    );
  });
});
