import { describe, expect, it } from '@jest/globals';
import { createRegistry } from '../../src/registry/registry.ts';
import { fakeComponents, fakeRegistry } from '../definitions/fake-registry.ts';

describe('the registry', () => {
  it('gives a component by kind and type', () => {
    expect(fakeRegistry.get('modifier', 'mask')?.summary).toBe('Masks words of the answer.');
    expect(fakeRegistry.types('token-provider')).toEqual(['cache', 'chained', 'static']);
    expect(fakeRegistry.list('processor').map(({ type }) => type)).toEqual(['filter', 'research']);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', '../mask', 'MASK', ''])(
    'knows nothing of the type %j',
    (type) => {
      expect(fakeRegistry.get('modifier', type)).toBeUndefined();
    },
  );

  it('refuses two components of one kind and type, and names both files', () => {
    const [component] = fakeComponents;
    if (component === undefined) throw new Error('there are fake components');
    expect(() =>
      createRegistry([
        { component, file: 'a.ts' },
        { component, file: 'b.ts' },
      ]),
    ).toThrow(/"filter": a\.ts and b\.ts/);
  });
});
