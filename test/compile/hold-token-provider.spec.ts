import { describe, expect, it } from '@jest/globals';
import { SharedInstances } from '../../src/compile/shared-instances.ts';
import { holdTokenProvider } from '../../src/compile/token-providers.ts';
import { resolvedMark, type ResolvedTokenProvider } from '../../src/definitions/resolved-pipeline.ts';
import { defineTokenProvider } from '../../src/kernel/component.ts';
import { Secret, strictObject } from '../../src/kernel/schema.ts';
import { fakeCredential } from '../support/fake-link.ts';
import { testRun } from '../support/test-run.ts';

/** A provider that tells when it is made and when it ends. */
function provider(
  name: string,
  events: string[],
  wrapped: readonly ResolvedTokenProvider[] = [],
  fails = false,
): ResolvedTokenProvider {
  const component = defineTokenProvider({
    type: 'probe',
    summary: 'A probe.',
    config: strictObject({}),
    needs: [],
    examples: [],
    create: () => {
      events.push(`+${name}`);
      return {
        getToken: () => fakeCredential(name),
        invalidate: () => undefined,
        dispose: () => {
          events.push(`-${name}`);
          if (fails) throw new Error(`${name} does not end`);
        },
      };
    },
  });
  const resolved: ResolvedTokenProvider = {
    [resolvedMark]: true,
    kind: 'token-provider',
    name,
    type: 'probe',
    component,
    config: { wrapped },
    file: 'support.json',
    pointer: '',
  };
  return resolved;
}

function holder() {
  const { capabilities } = testRun();
  const options = { shared: new SharedInstances(), capabilities, onCreate: () => undefined };
  return (resolved: ResolvedTokenProvider) => holdTokenProvider(resolved, options);
}

describe('two token providers', () => {
  const secret = (name: string): Secret => new Secret(name, () => 'the same text');
  const inner = provider('inner', []);

  it.each<readonly [string, Partial<ResolvedTokenProvider>, Partial<ResolvedTokenProvider>, 1 | 2]>([
    ['are the same', {}, {}, 1],
    ['have another name', {}, { name: 'other' }, 2],
    ['are of another type', {}, { type: 'other' }, 2],
    ['say the same in another order', { config: { a: 1, b: 2 } }, { config: { b: 2, a: 1 } }, 1],
    ['have a list in another order', { config: { a: [1, 2] } }, { config: { a: [2, 1] } }, 2],
    ['have the same secret', { config: { a: secret('A') } }, { config: { a: secret('A') } }, 1],
    ['have another secret', { config: { a: secret('A') } }, { config: { a: secret('B') } }, 2],
    ['have a text that reads as a secret', { config: { a: secret('A') } }, { config: { a: 'secret A' } }, 2],
    ['wrap the same', { config: { a: inner } }, { config: { a: { ...inner } } }, 1],
    ['wrap another', { config: { a: inner } }, { config: { a: { ...inner, config: { x: 1 } } } }, 2],
    ['wrap what the other only names', { config: { a: inner } }, { config: { a: 'inner' } }, 2],
  ])('that %s are one instance or two', (_what, one, other, instances) => {
    const events: string[] = [];
    const hold = holder();
    const held = [one, other].map((changes) => hold({ ...provider('p', events), ...changes }));
    expect(new Set(held.map(({ instance }) => instance)).size).toBe(instances);
    expect(events).toHaveLength(instances);
  });
});

describe('token providers that wrap others', () => {
  it('are built from the inside and end from the outside, one that others use with the last of them', async () => {
    const events: string[] = [];
    const login = provider('login', events);
    const [one, two] = [provider('one', events, [login]), provider('two', events, [login])];
    const hold = holder();
    const [first, second, again] = [hold(one), hold(two), hold(one)];
    expect(events.splice(0)).toEqual(['+login', '+one', '+two']);
    await first.release();
    expect(events).toEqual([]);
    await again.release();
    expect(events.splice(0)).toEqual(['-one']);
    await second.release();
    expect(events).toEqual(['-two', '-login']);
  });

  it('end with all that they wrap, also where one of them does not end well', async () => {
    const events: string[] = [];
    const inner = [provider('a', events), provider('b', events, [], true), provider('c', events)];
    const held = holder()(provider('outer', events, inner, true));
    await expect(held.release()).rejects.toThrow('does not end');
    expect(events.splice(4)).toEqual(['-outer', '-c', '-b', '-a']);
  });

  it('tell where only one that they wrap does not end well', async () => {
    const held = holder()(provider('outer', [], [provider('inner', [], [], true)]));
    await expect(held.release()).rejects.toThrow('inner does not end');
  });

  it('that can not be built leave nothing of what they wrap, unless others use it', async () => {
    const events: string[] = [];
    const [own, shared] = [provider('own', events), provider('shared', events)];
    const outer = provider('outer', events, [own, shared]);
    const component = { ...outer.component, create: () => failing() };
    const failing = (): never => {
      throw new TypeError('refused');
    };
    const hold = holder();
    const other = hold(shared);
    expect(() => hold({ ...outer, component })).toThrow('refused');
    expect(events).toEqual(['+shared', '+own', '-own']);
    await other.release();
    expect(events.at(-1)).toBe('-shared');
  });
});
