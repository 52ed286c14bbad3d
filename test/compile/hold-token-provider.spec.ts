import { describe, expect, it } from '@jest/globals';
import { SharedInstances } from '../../src/compile/shared-instances.ts';
import { holdTokenProvider } from '../../src/compile/token-providers.ts';
import { resolvedMark, type ResolvedTokenProvider } from '../../src/definitions/resolved-pipeline.ts';
import { defineTokenProvider } from '../../src/kernel/component.ts';
import { strictObject } from '../../src/kernel/schema.ts';
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
    expect(events.filter((event) => event.startsWith('-')).toSorted()).toEqual(['-a', '-b', '-c', '-outer']);
  });
});
