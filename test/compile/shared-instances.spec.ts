import { describe, expect, it } from '@jest/globals';
import { SharedInstances } from '../../src/compile/shared-instances.ts';

function counted() {
  const disposed: number[] = [];
  let count = 0;
  const create = () => {
    count += 1;
    const number = count;
    return { number, dispose: () => void disposed.push(number) };
  };
  return { create, disposed, shared: new SharedInstances() };
}

describe('an instance that is shared', () => {
  it('is one for all who hold it, and ends with the last of them', async () => {
    const { create, disposed, shared } = counted();
    const [one, two] = [shared.hold('key', create), shared.hold('key', create)];
    expect(two.instance).toBe(one.instance);
    await one.release();
    expect(disposed).toEqual([]);
    await two.release();
    expect(disposed).toEqual([1]);
    expect(shared.hold('key', create).instance.number).toBe(2);
  });

  it('is released once by each, however often it says so', async () => {
    const { create, disposed, shared } = counted();
    const [one, two] = [shared.hold('key', create), shared.hold('key', create)];
    await one.release();
    await one.release();
    expect(disposed).toEqual([]);
    await two.release();
    const next = shared.hold('key', create);
    await two.release();
    await one.release();
    expect(disposed).toEqual([1]);
    await next.release();
    expect(disposed).toEqual([1, 2]);
  });

  it('is not there when it could not be made', () => {
    const { create, shared } = counted();
    const fail = (): never => {
      throw new TypeError('no');
    };
    expect(() => shared.hold('key', fail)).toThrow('no');
    expect(shared.hold('key', create).instance.number).toBe(1);
  });

  it('belongs to one where it has no key', async () => {
    const { create, disposed, shared } = counted();
    const [one, two] = [shared.hold(undefined, create), shared.hold(undefined, create)];
    expect(two.instance).not.toBe(one.instance);
    await one.release();
    await one.release();
    expect(disposed).toEqual([1]);
    await two.release();
  });
});
