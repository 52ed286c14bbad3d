import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { cacheTokenProvider } from '../../src/tokens/cache.ts';
import { chainedTokenProvider } from '../../src/tokens/chained.ts';
import { poolTokenProvider } from '../../src/tokens/pool.ts';
import { fakeCredential, fakeLink, type FakeLink } from '../support/fake-link.ts';
import { runByHand, type HandRun } from '../support/run-by-hand.ts';
import { turn } from '../support/turn.ts';

/*
 * Whatever becomes of runs, and whenever: each credential that one of them took is given back exactly once.
 */

type Way = 'at once' | 'later' | 'much later' | 'fails' | 'fails later';
const ways = fc.constantFrom<Way>('at once', 'at once', 'later', 'much later', 'fails', 'fails later');
const applying = fc.constantFrom<Way>('at once', 'at once', 'at once', 'later', 'fails', 'fails later');

const steps = fc.oneof(
  { weight: 3, arbitrary: fc.constant('start' as const) },
  { weight: 3, arbitrary: fc.constantFrom('answer', 'refuse', 'limit', 'blame', 'break', 'leave', 'drop', 'fail') },
  { weight: 2, arbitrary: fc.constantFrom('wait', 'wait long') },
);
const moves = fc.array(fc.tuple(steps, fc.nat(3)), { minLength: 1, maxLength: 40 });
const shapes = fc.constantFrom('one', 'pool', 'chain of pools', 'pool of chains', 'pool of caches', 'cache of a pool');

class Stage {
  readonly beside: HandRun = runByHand();
  readonly runs: HandRun[] = [];
  readonly links: FakeLink[];
  readonly token: TokenLink;
  /** How often each link gave its credential. */
  readonly given: number[];

  constructor(shape: string, gives: readonly Way[], apply: Way) {
    this.given = gives.map(() => 0);
    this.links = gives.map((way, index) => this.#link(index, way, apply));
    this.token = this.#build(shape);
  }

  play(step: string, which: number): void {
    if (step === 'start') {
      const run = runByHand({ beside: this.beside, token: this.token, id: `run-${this.runs.length + 1}` });
      this.runs.push(run);
      run.run.start();
      return;
    }
    const run = this.runs[which % Math.max(1, this.runs.length)];
    if (run === undefined) return;
    const { transport, client } = run;
    if (step === 'leave') client.listener?.onGone();
    else if (step === 'drop') run.run.drop();
    else if (step === 'fail') run.run.fail(new Error('a modifier broke'));
    else if (step === 'refuse') transport.refuse(401);
    else if (step === 'limit') transport.refuse(429);
    else if (step === 'break') transport.reset();
    else if (step === 'blame') {
      transport.head();
      transport.data('data: {"error":{"message":"no","code":"invalid_api_key"}}\n\n');
    } else if (step === 'answer') {
      transport.head();
      transport.data('data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n');
    }
  }

  async end(): Promise<void> {
    for (const { client } of this.runs) client.listener?.onGone();
    await this.beside.clock.advance(120_000);
    await turn(4);
  }

  #link(index: number, way: Way, apply: Way): FakeLink {
    const plain = fakeCredential(`k${index}`);
    const credential: Credential = {
      origins: '*',
      apply: (request) => {
        void plain.apply(request);
        return this.#in(apply, () => undefined);
      },
    };
    const give = (): Credential | Promise<Credential> =>
      this.#in(way, () => {
        this.given[index] = (this.given[index] ?? 0) + 1;
        return credential;
      });
    return fakeLink(`k${index}`, { give });
  }

  #in<T extends Credential | undefined>(way: Way, act: () => T): T | Promise<T> {
    if (way === 'at once') return act();
    if (way === 'fails') throw tokenUnavailable('down');
    const settle = (resolve: (value: T) => void, reject: (error: Error) => void): void =>
      way === 'fails later' ? reject(tokenUnavailable('down')) : resolve(act());
    return new Promise((resolve, reject) =>
      this.beside.clock.after(way === 'much later' ? 31_000 : 5, () => settle(resolve, reject)),
    );
  }

  #build(shape: string): TokenLink {
    const { capabilities } = this.beside;
    const pool = (keys: readonly TokenLink[]): TokenLink => {
      const config = { keys: keys.map((provider) => ({ provider })), strategy: 'least-used' as const, coolDowns: {} };
      const provider = poolTokenProvider.create(config, capabilities);
      return linkOf({ name: 'pool', type: 'pool', provider }, capabilities);
    };
    const chain = (providers: TokenLink[]): TokenLink => {
      const provider = chainedTokenProvider.create({ providers, coolDown: '30s' }, capabilities);
      return linkOf({ name: 'chain', type: 'chained', provider }, capabilities);
    };
    const cache = (inner: TokenLink): TokenLink => {
      const config = { provider: inner, skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 };
      return linkOf(
        { name: 'cache', type: 'cache', provider: cacheTokenProvider.create(config, capabilities) },
        capabilities,
      );
    };
    const [first, ...others] = this.links;
    if (first === undefined) throw new Error('there is one at least');
    if (shape === 'one') return first;
    if (shape === 'pool') return pool(this.links);
    if (shape === 'chain of pools') return chain([pool([first]), pool(this.links)]);
    if (shape === 'pool of chains') return pool([chain([first, ...others]), chain([...others, first])]);
    return shape === 'pool of caches' ? pool(this.links.map(cache)) : cache(pool(this.links));
  }
}

function inUse({ inUse: own = 0, links = [] }: ReturnType<TokenLink['state']>): number {
  return own + links.reduce((sum, link) => sum + inUse(link), 0);
}

describe('credentials that runs take', () => {
  it('are given back once each, whatever becomes of the runs', async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.array(ways, { minLength: 1, maxLength: 3 }),
        applying,
        moves,
        async (shape, gives, apply, script) => {
          const stage = new Stage(shape, gives, apply);
          for (const [step, which] of script) {
            if (step === 'wait') await stage.beside.clock.advance(10);
            else if (step === 'wait long') await stage.beside.clock.advance(31_000);
            else stage.play(step, which);
          }
          await stage.end();
          expect(inUse(stage.token.state())).toBe(0);
          expect(stage.links.map(({ outcomes }) => outcomes.length)).toEqual(stage.given);
          for (const run of stage.runs) expect([run.ended(), run.records().length]).toEqual([1, 1]);
        },
      ),
    );
  });
});
