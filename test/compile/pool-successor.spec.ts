import { describe, expect, it } from '@jest/globals';
import { SharedInstances, type Held } from '../../src/compile/shared-instances.ts';
import { holdTokenProvider } from '../../src/compile/token-providers.ts';
import { resolvedMark, type ResolvedTokenProvider } from '../../src/definitions/resolved-pipeline.ts';
import { defineTokenProvider } from '../../src/kernel/component.ts';
import { strictObject } from '../../src/kernel/schema.ts';
import type { Refusal, TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { poolTokenProvider } from '../../src/tokens/pool.ts';
import { fakeCredential, tokenOf } from '../support/fake-link.ts';
import { testRun } from '../support/test-run.ts';

/* A pool of a definition that is edited: what is known of the keys that stay. */

const resolved = (
  name: string,
  type: string,
  component: unknown,
  config: ResolvedTokenProvider['config'],
): ResolvedTokenProvider => ({
  [resolvedMark]: true,
  kind: 'token-provider',
  name,
  type,
  component: component as ResolvedTokenProvider['component'],
  config,
  file: 'support.json',
  pointer: '',
});

function keyOf(name: string): ResolvedTokenProvider {
  const credential = fakeCredential(name);
  const component = defineTokenProvider({
    type: 'key',
    summary: 'A key.',
    config: strictObject({}),
    needs: [],
    examples: [],
    create: () => ({ getToken: () => credential, invalidate: () => undefined, spares: 0 }),
  });
  return resolved(name, 'key', component, {});
}

const usual = { rejected: '5m', rateLimited: '30s', quota: '1h', unavailable: '30s' };
const keys = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, keyOf(name)]));

function poolOf(names: string, { name = 'pool', coolDowns = usual } = {}): ResolvedTokenProvider {
  const config = {
    keys: names.split('').map((key) => ({ provider: keys[key], weight: 1, drain: false })),
    strategy: 'round-robin',
    coolDowns,
  };
  return resolved(name, 'pool', poolTokenProvider, config);
}

function stage() {
  const test = testRun();
  const options = { shared: new SharedInstances(), capabilities: test.capabilities, onCreate: () => undefined };
  const hold = (pool: ResolvedTokenProvider): Held<{ readonly link: TokenLink }> => holdTokenProvider(pool, options);
  /** The next credential, and what became of it. */
  const refuse = async (link: TokenLink, refusal: Refusal): Promise<string> => {
    const credential = await link.getToken(test.run);
    link.settled(credential, 'refused');
    link.invalidate(credential, refusal);
    return tokenOf(credential);
  };
  const give = async (link: TokenLink): Promise<string> => tokenOf(await link.getToken(test.run));
  return { ...test, hold, refuse, give };
}

const statesOf = (link: TokenLink): string[] =>
  (link.state().links ?? []).map(({ name, status, coolingForSeconds: seconds, reason }) =>
    [name, status, seconds, reason].filter((part) => part !== undefined).join(' '),
  );

describe('a pool to which a key is added', () => {
  it('knows what the one before it knew of the keys that stay', async () => {
    const { hold, refuse, give, clock } = stage();
    const before = hold(poolOf('abc'));
    expect(await refuse(before.instance.link, { reason: 'rejected' })).toBe('a');
    expect(await refuse(before.instance.link, { reason: 'quota' })).toBe('b');
    await clock.advance(10_000);
    const { link } = hold(poolOf('abcd')).instance;
    await before.release();
    expect(statesOf(link)).toEqual(['a cooling 290 rejected', 'b cooling 3590 quota', 'c ready', 'd ready']);
    for (let index = 0; index < 4; index += 1) expect(['c', 'd']).toContain(await give(link));
    await clock.advance(290_000);
    expect(statesOf(link)[0]).toBe('a ready on probation');
    // It is refused once more, for twice the time.
    const tried: string[] = [];
    while (!tried.includes('a')) tried.push(await refuse(link, { reason: 'rejected' }));
    expect(statesOf(link)[0]).toBe('a cooling 600 rejected');
  });

  it('hears of a credential that the one before it gave and that is refused later', async () => {
    const { hold, give, run } = stage();
    const before = hold(poolOf('ab')).instance.link;
    const credential = await before.getToken(run);
    expect(tokenOf(credential)).toBe('a');
    const { link } = hold(poolOf('abc')).instance;
    before.settled(credential, 'refused');
    before.invalidate(credential, { reason: 'rejected' });
    for (let index = 0; index < 6; index += 1) expect(['b', 'c']).toContain(await give(link));
    expect(statesOf(link)[0]).toBe('a cooling 300 rejected');
  });

  it('knows which of its keys are in use, until they are given back to the one before it', async () => {
    const { hold, run } = stage();
    const before = hold(poolOf('abc')).instance.link;
    const taken = [await before.getToken(run), await before.getToken(run)];
    const { link } = hold(poolOf('abcd')).instance;
    const inUse = (): unknown => link.state().links?.map((key) => key.inUse);
    expect(inUse()).toEqual([1, 1, 0, 0]);
    for (const credential of taken) before.settled(credential, 'accepted');
    expect(inUse()).toEqual([0, 0, 0, 0]);
  });

  it('begins anew with other cool-downs, and under another name', async () => {
    const { hold, refuse } = stage();
    const before = hold(poolOf('ab'));
    await refuse(before.instance.link, { reason: 'quota' });
    for (const other of [poolOf('abc', { coolDowns: { ...usual, quota: '1m' } }), poolOf('abc', { name: 'other' })])
      expect(statesOf(hold(other).instance.link)).toEqual(['a ready', 'b ready', 'c ready']);
  });

  it('finds the one in use also behind an edit that came to nothing', async () => {
    const { hold, refuse } = stage();
    const before = hold(poolOf('ab'));
    await refuse(before.instance.link, { reason: 'quota' });
    await hold(poolOf('abc')).release();
    expect(statesOf(hold(poolOf('abd')).instance.link)[0]).toBe('a cooling 3600 quota');
  });
});
