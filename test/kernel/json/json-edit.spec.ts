import { describe, expect, it } from '@jest/globals';
import { editJson, readPointer } from '../../../src/kernel/json/json-edit.ts';

describe('pointers', () => {
  it.each([
    ['/a', ['a']],
    ['/', ['']],
    ['/a/0/b', ['a', '0', 'b']],
    ['/a~1b/~0~01', ['a/b', '~~1']],
  ])('%s', (pointer, steps) => {
    expect(readPointer(pointer)).toEqual(steps);
  });

  it.each(['', 'a', '/a~', '/a~2', '/a/__proto__', '/a'.repeat(65)])('refuses %p', (pointer) => {
    expect(() => readPointer(pointer)).toThrow(TypeError);
  });
});

describe('edits', () => {
  const set = (pointer: string, value: unknown, json: string): string | undefined =>
    editJson(json, [{ path: readPointer(pointer), value }]);
  const remove = (pointer: string, json: string): string | undefined =>
    editJson(json, [{ path: readPointer(pointer), remove: true }]);

  it.each<[string, string | undefined, string | undefined]>([
    ['a value', set('/a', 2, '{"a":1,"b":1.50}'), '{"a":2,"b":1.50}'],
    ['a new value', set('/a/b/c', null, '{}'), '{"a":{"b":{"c":null}}}'],
    ['an item', set('/1', 'x', '[1,2]'), '[1,"x"]'],
    ['a new item', set('/2', 3, '[1,2]'), '[1,2,3]'],
    ['an item too far', set('/3', 3, '[1,2]'), undefined],
    ['no place in a list', set('/01', 3, '[1,2]'), undefined],
    ['a value in a number', set('/a/rawJSON', 3, '{"a":1}'), undefined],
    ['a key of the prototype', set('/toString/a', 1, '{}'), '{"toString":{"a":1}}'],
    ['a removed value', remove('/a', '{"a":1,"b":2}'), '{"b":2}'],
    ['a removed item', remove('/0', '[1,2]'), '[2]'],
    ['nothing to remove', remove('/a/b/0', '{"a":"x"}'), '{"a":"x"}'],
    ['nothing to remove in a list', remove('/-', '[1]'), '[1]'],
    [
      'digits',
      set('/a', 1, '{"n":123456789012345678901234567890e-5}'),
      '{"n":123456789012345678901234567890e-5,"a":1}',
    ],
  ])('%s', (_title, left, expected) => {
    expect(left).toBe(expected);
  });
});
