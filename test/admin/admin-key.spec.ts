import { expect, it, jest } from '@jest/globals';
import * as crypto from 'node:crypto';

const compare = jest.fn(crypto.timingSafeEqual);
jest.unstable_mockModule('node:crypto', () => ({ ...crypto, timingSafeEqual: compare }));
const { AdminKey } = await import('../../src/admin/admin-key.ts');

const key = 'the-key-of-an-operator-0123456789';
const cases: readonly (readonly [string | undefined, readonly string[] | undefined, boolean])[] = [
  [key, [`Bearer ${key}`], true],
  [key, [`bearer ${key}`], true],
  [key, [`Bearer ${key}`, `Bearer ${key}`], false],
  [key, [`Basic Bearer ${key}`], false],
  [key, [`Bearer ${key} more`], false],
  [key, ['Bearer short'], false],
  [key, [''], false],
  [key, undefined, false],
  // There is none, as while its file is being replaced.
  [undefined, [`Bearer ${key}`], false],
  [undefined, ['Bearer '], false],
  [undefined, [''], false],
  [undefined, undefined, false],
  ['', undefined, false],
];

it.each(cases)('where the key is %j, a request with %j is admitted: %j', (current, authorization, isAdmitted) => {
  compare.mockClear();
  expect(new AdminKey(() => current).admits(authorization)).toBe(isAdmitted);
  // However wrong it is, it takes as long as the right one.
  expect(compare.mock.calls.map((sides) => sides.map(({ byteLength }) => byteLength))).toEqual([[32, 32]]);
});
