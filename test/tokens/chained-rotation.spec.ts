import { describe, expect, it } from '@jest/globals';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { chainedTokenProvider } from '../../src/tokens/chained.ts';
import { fakeCredential, fakeLink, tokenOf, type FakeLink } from '../support/fake-link.ts';
import { linksOf, poolOf, refuseKey } from '../support/token-pool.ts';
import { testRun, type TestRun } from '../support/test-run.ts';

/* A link of a chain whose credential was refused, and that has another one since. */

interface Chain extends TestRun {
  readonly pool: TokenLink;
}

function chainOf(links: readonly TokenLink[], test: TestRun = testRun()): Chain {
  const provider = chainedTokenProvider.create({ providers: [...links], coolDown: '1h' }, test.capabilities);
  return { ...test, pool: linkOf({ name: 'chain', type: 'chained', provider }, test) };
}

const next = async ({ pool, run }: Chain): Promise<Credential> => pool.getToken(run);
const nextToken = async (chain: Chain): Promise<string> => tokenOf(await next(chain));

const rotate = (link: FakeLink, token: string): void => {
  const credential = fakeCredential(token);
  link.give = () => credential;
};

async function refuseFirst(): Promise<Chain & { readonly first: FakeLink }> {
  const [first, second] = linksOf('a', 'b') as [FakeLink, FakeLink];
  const chain = chainOf([first, second]);
  refuseKey(chain, await next(chain));
  expect(await nextToken(chain)).toBe('b');
  return { ...chain, first };
}

describe('a chain whose refused link has another credential', () => {
  it('looks at it once a second, uses nothing that was refused, and comes back to it', async () => {
    const chain = await refuseFirst();
    const { first } = chain;
    for (let second = 1; second <= 10; second += 1) {
      await chain.clock.advance(1_000);
      for (let index = 0; index < 50; index += 1) expect(await nextToken(chain)).toBe('b');
      expect(first.asked).toBe(1 + second);
      expect(first.outcomes).toHaveLength(first.asked);
    }
    rotate(first, 'a2');
    await chain.clock.advance(1_000);
    const tried = await next(chain);
    expect(tokenOf(tried)).toBe('a2');
    // One request tries it.
    expect(await nextToken(chain)).toBe('b');
    chain.pool.accepted(tried);
    expect(await nextToken(chain)).toBe('a2');
    expect(chain.log.messages('info')).toEqual(['a link of a chain cools down']);
  });

  it('waits longer each time that another one is refused too', async () => {
    const chain = await refuseFirst();
    const { first } = chain;
    let count = 1;
    first.give = () => fakeCredential(`a${(count += 1)}`);
    let tried = 0;
    for (let second = 0; second < 300; second += 1) {
      const credential = await next(chain);
      if (tokenOf(credential) !== 'b') {
        tried += 1;
        refuseKey(chain, credential);
        expect(await nextToken(chain)).toBe('b');
      }
      await chain.clock.advance(1_000);
    }
    expect(tried).toBeGreaterThan(5);
    expect(tried).toBeLessThanOrEqual(12);
  });

  it('has one look at a time, and looks again when its run has gone', async () => {
    const chain = await refuseFirst();
    const { first } = chain;
    first.give = () => new Promise(() => undefined);
    await chain.clock.advance(1_000);
    const controller = new AbortController();
    const pending = Promise.allSettled([chain.pool.getToken({ ...chain.run, signal: controller.signal })]);
    for (let second = 0; second < 5; second += 1) {
      await chain.clock.advance(1_000);
      expect(await nextToken(chain)).toBe('b');
    }
    expect(first.asked).toBe(2);
    controller.abort(new Error('gone'));
    await pending;
    rotate(first, 'a2');
    await chain.clock.advance(1_000);
    expect(await nextToken(chain)).toBe('a2');
  });

  it('leaves it alone for the cool-down where a look fails', async () => {
    const chain = await refuseFirst();
    const { first } = chain;
    first.give = () => {
      throw tokenUnavailable('down');
    };
    for (let second = 0; second < 20; second += 1) {
      await chain.clock.advance(1_000);
      expect(await nextToken(chain)).toBe('b');
    }
    expect(first.asked).toBe(2);
  });

  it('comes back to a pool in it as soon as a key of that was replaced', async () => {
    const keys = linksOf('x', 'y') as [FakeLink, FakeLink];
    const { pool, ...test } = poolOf(keys);
    const chain = chainOf([pool, fakeLink('last')], test);
    for (let index = 0; index < 2; index += 1) refuseKey(chain, await next(chain));
    expect(await nextToken(chain)).toBe('last');
    await chain.clock.advance(1_000);
    expect(await nextToken(chain)).toBe('last');
    rotate(keys[1], 'Y');
    await chain.clock.advance(1_000);
    expect(await nextToken(chain)).toBe('Y');
  });
});
