import { describe, expect, it } from '@jest/globals';
import { objectOfArguments } from '../../../src/kernel/dialects/tool-arguments.ts';

describe('the arguments of a call', () => {
  it.each([
    [undefined, {}],
    ['', {}],
    [' \n', {}],
    ['{"a":1}', { a: 1 }],
    ['{"a":', undefined],
    ['[1]', undefined],
    ['"text"', undefined],
    ['null', undefined],
  ])('%j as an object are %j', (json, object) => {
    expect(objectOfArguments(json)).toEqual(object);
  });
});
