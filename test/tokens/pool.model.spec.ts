import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import { isPromise } from '../../src/kernel/supervise.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, Refusal, TokenLink, TokenRun } from '../../src/kernel/tokens/token-provider.ts';
import { poolTokenProvider } from '../../src/tokens/pool.ts';
import { fakeCredential, fakeLink, type FakeLink, type Outcome } from '../support/fake-link.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

/*
 * A pool against a plain account of what happened to each key. The account knows when a key that was refused may be
 * given again at the soonest, and how many requests have it; it knows nothing of strategies.
 */

const strategies = ['round-robin', 'least-used', 'sticky'] as const;
type Strategy = (typeof strategies)[number];
type LinkMood = 'gives' | 'gives soon' | 'gives late' | 'fails' | 'fails late' | 'hangs';

type Action =
  | { readonly kind: 'take'; readonly caller: string; readonly leaves: boolean }
  | { readonly kind: 'settle'; readonly which: number; readonly outcome: Outcome }
  | { readonly kind: 'refuse'; readonly which: number; readonly refusal: Refusal }
  | { readonly kind: 'advance'; readonly milliseconds: number }
  | { readonly kind: 'mood'; readonly key: number; readonly mood: LinkMood };

const refusals: fc.Arbitrary<Refusal> = fc
  .record(
    {
      reason: fc.constantFrom('rejected', 'rate-limited', 'quota'),
      retryAfterMilliseconds: fc.constantFrom(0, 500, 20_000, 600_000, Number.NaN),
    },
    { requiredKeys: ['reason'] },
  )
  .map((refusal) => refusal as Refusal);

const actions: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      caller: fc.constantFrom('anonymous', 'ann', 'bob', 'cid'),
      leaves: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(50),
      outcome: fc.constantFrom<Outcome>('accepted', 'refused', 'failed'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('refuse' as const), which: fc.nat(50), refusal: refusals }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      milliseconds: fc.constantFrom(1, 999, 1_000, 2_000, 30_000, 300_000, 3_600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('mood' as const),
      key: fc.nat(4),
      mood: fc.constantFrom<LinkMood>('gives', 'gives', 'gives soon', 'gives late', 'fails', 'fails late', 'hangs'),
    }),
  },
);

interface Key {
  readonly link: FakeLink;
  readonly weight: number;
  readonly isDrained: boolean;
  readonly credential: Credential;
  mood: LinkMood;
  out: number;
  /** The soonest time at which it may be given. */
  notBefore: number;
  /** Given since it was refused last. */
  isFresh: boolean;
  timesRefused: number;
}

const keyShapes = fc
  .array(fc.record({ weight: fc.integer({ min: 1, max: 5 }), isDrained: fc.boolean() }), { minLength: 1, maxLength: 5 })
  .map(([first, ...others]) => [{ weight: first?.weight ?? 1, isDrained: false }, ...others]);
type KeyShape = Pick<Key, 'weight' | 'isDrained'>;

class Account {
  readonly keys: readonly Key[];
  readonly test: TestRun = testRun();
  readonly pool: TokenLink;
  readonly #out: Key[] = [];
  readonly #controllers: AbortController[] = [];
  readonly #waiting = new Set<Promise<unknown>>();

  constructor(shapes: readonly KeyShape[], strategy: Strategy) {
    this.keys = shapes.map((shape, index) => this.#key(shape, `k${index}`));
    this.pool = this.#build(strategy);
  }

  async play(action: Action): Promise<void> {
    switch (action.kind) {
      case 'take':
        this.#take(action.caller, action.leaves);
        break;
      case 'settle':
        this.#settle(action.which, action.outcome);
        break;
      case 'refuse':
        this.#refuse(action.which, action.refusal);
        break;
      case 'advance':
        await this.test.clock.advance(action.milliseconds);
        break;
      case 'mood': {
        const key = this.keys[action.key];
        if (key !== undefined) key.mood = action.mood;
      }
    }
    await turn(4);
    expect(this.inUse()).toEqual(this.keys.map(({ out }) => out));
  }

  async end(): Promise<void> {
    for (const controller of this.#controllers) controller.abort(new SluiceError('CLIENT_GONE'));
    await Promise.all(this.#waiting);
    await this.test.clock.advance(1_000);
    for (let left = this.#out.length; left > 0; left -= 1) this.#settle(0, 'failed');
    expect(this.inUse()).toEqual(this.keys.map(() => 0));
    await this.pool.dispose?.();
    expect(this.test.clock.pending).toBe(0);
  }

  inUse(): (number | undefined)[] {
    return (this.pool.state().links ?? []).map(({ inUse }) => inUse);
  }

  #key(shape: KeyShape, name: string): Key {
    const link = fakeLink(name, { spares: 0, give: () => this.#answer(key) });
    const credential = fakeCredential(name);
    const key: Key = {
      ...shape,
      link,
      credential,
      mood: 'gives',
      out: 0,
      notBefore: 0,
      isFresh: false,
      timesRefused: 0,
    };
    return key;
  }

  #answer({ mood, credential }: Key): Credential | Promise<Credential> {
    const failure = new SluiceError('TOKEN_UNAVAILABLE', { context: { reason: 'down' } });
    if (mood === 'fails') throw failure;
    if (mood === 'gives') return credential;
    if (mood === 'gives soon') return Promise.resolve(credential);
    return new Promise((resolve, reject) => {
      if (mood === 'gives late') this.test.clock.after(500, () => resolve(credential));
      if (mood === 'fails late') this.test.clock.after(500, () => reject(failure));
    });
  }

  #build(strategy: Strategy): TokenLink {
    const keys = this.keys.map(({ link, weight, isDrained }) => ({ provider: link, weight, drain: isDrained }));
    const provider = poolTokenProvider.create({ keys, strategy, coolDowns: {} }, this.test.capabilities);
    return linkOf({ name: 'pool', type: 'pool', provider }, this.test.capabilities);
  }

  #take(id: string, leaves: boolean): void {
    const controller = new AbortController();
    this.#controllers.push(controller);
    const run: TokenRun = { ...this.test.run, caller: { id, tier: '', scopes: [] }, signal: controller.signal };
    const usable = this.#usable();
    const { answer, error } = this.#ask(run);
    if (error !== undefined) this.#checkFailure(error, usable);
    if (isPromise(answer)) {
      const delivered = Promise.resolve(answer).then(
        (credential) => this.#given(credential),
        () => undefined,
      );
      this.#waiting.add(delivered);
      if (leaves) controller.abort(new SluiceError('CLIENT_GONE'));
    } else if (answer !== undefined) {
      const key = this.#given(answer);
      // Where some key can be used, it is one of them.
      if (usable.length > 0) expect(usable).toContain(key);
    }
  }

  /** Those that are not left out and would give a credential. */
  #usable(): Key[] {
    const states = this.pool.state().links ?? [];
    return this.keys.filter(
      ({ mood, isDrained }, index) => !isDrained && !mood.startsWith('fails') && states[index]?.status !== 'cooling',
    );
  }

  #ask(run: TokenRun): { answer?: Credential | Promise<Credential>; error?: unknown } {
    try {
      return { answer: this.pool.getToken(run) };
    } catch (error) {
      return { error };
    }
  }

  #checkFailure(error: unknown, usable: readonly Key[]): void {
    const { code, retryAfterSeconds } = error as SluiceError;
    expect(code).toMatch(/^(TOKEN_UNAVAILABLE|UPSTREAM_RATE_LIMITED|UPSTREAM_AUTH|UPSTREAM_ERROR)$/);
    if (/^(TOKEN_UNAVAILABLE|UPSTREAM_RATE_LIMITED)$/.test(code)) expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
    else expect(retryAfterSeconds).toBeUndefined();
    expect(usable).toEqual([]);
  }

  #given(credential: Credential): Key | undefined {
    const key = this.keys.find((one) => one.credential === credential);
    if (key === undefined) throw new Error('nobody gave this credential');
    expect(key.isDrained).toBe(false);
    expect(this.test.clock.now()).toBeGreaterThanOrEqual(key.notBefore);
    key.out += 1;
    key.isFresh = true;
    this.#out.push(key);
    return key;
  }

  #settle(which: number, outcome: Outcome): void {
    const [key] = this.#out.splice(which % Math.max(1, this.#out.length), 1);
    if (key === undefined) return;
    key.out -= 1;
    if (outcome === 'accepted' && key.isFresh) key.timesRefused = 0;
    if (outcome === 'accepted') this.pool.accepted(key.credential);
    this.pool.settled(key.credential, outcome);
  }

  #refuse(which: number, refusal: Refusal): void {
    const [key] = this.#out.splice(which % Math.max(1, this.#out.length), 1);
    if (key === undefined) return;
    key.out -= 1;
    const now = this.test.clock.now();
    if (key.isFresh && now >= key.notBefore) this.#leaveOut(key, refusal, now);
    key.isFresh = false;
    this.pool.settled(key.credential, 'refused');
    this.pool.invalidate(key.credential, refusal);
  }

  /** The least time that the rules ask for, from the table of defaults. */
  #leaveOut(key: Key, { reason, retryAfterMilliseconds: told = Number.NaN }: Refusal, now: number): void {
    const isTold = told >= 0;
    if (reason === 'rate-limited') {
      key.notBefore = now + (isTold ? told : 30_000);
      return;
    }
    const [usual, longest] = reason === 'quota' ? [3_600_000, 86_400_000] : [300_000, 3_600_000];
    const doubled = Math.min(usual * 2 ** key.timesRefused, longest);
    key.timesRefused += 1;
    key.notBefore = now + Math.max(doubled, isTold ? told : 0);
  }
}

describe('a pool, whatever happens to it', () => {
  it('never gives a key that is drained, or refused before its time, or left out while another can be used; and counts right', async () => {
    await fc.assert(
      fc.asyncProperty(
        keyShapes,
        fc.constantFrom(...strategies),
        fc.array(actions, { maxLength: 60 }),
        async (shapes, strategy, script) => {
          const account = new Account(shapes, strategy);
          for (const action of script) await account.play(action);
          await account.end();
        },
      ),
    );
  });

  it('in turn gives each key its weight in each cycle', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }), (weights) => {
        const account = new Account(
          weights.map((weight) => ({ weight, isDrained: false })),
          'round-robin',
        );
        const cycle = weights.reduce((sum, weight) => sum + weight, 0);
        for (let round = 1; round <= 3; round += 1) {
          for (let index = 0; index < cycle; index += 1) void account.pool.getToken(account.test.run);
          const counts = account.inUse().map((count) => count ?? 0);
          weights.forEach((weight, index) =>
            expect(Math.abs((counts[index] ?? 0) - weight * round)).toBeLessThanOrEqual(1),
          );
        }
      }),
    );
  });

  it('sticky moves the callers of a key that goes, and nobody else', () => {
    const callers = Array.from({ length: 40 }, (_, index) => `caller-${index}`);
    fc.assert(
      fc.property(keyShapes, fc.nat(4), (shapes, gone) => {
        const active = shapes.map(({ weight }) => ({ weight, isDrained: false }));
        const going = gone % active.length;
        const homes = (keys: readonly KeyShape[]): unknown[] => {
          const { pool, test, keys: all } = new Account(keys, 'sticky');
          const give = (id: string): unknown => pool.getToken({ ...test.run, caller: { id, tier: '', scopes: [] } });
          const first = callers.map(give);
          expect(callers.map(give)).toEqual(first);
          return first.map((credential) => all.findIndex((key) => key.credential === credential));
        };
        fc.pre(active.length > 1);
        const before = homes(active);
        const after = homes(active.map((key, index) => ({ ...key, isDrained: index === going })));
        before.forEach((home, index) => {
          if (home === going) expect(after[index]).not.toBe(going);
          else expect(after[index]).toBe(home);
        });
      }),
    );
  });
});
