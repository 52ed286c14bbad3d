import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, TokenLink, TokenProvider, TokenRun } from '../../src/kernel/tokens/token-provider.ts';
import { cacheTokenProvider } from '../../src/tokens/cache.ts';
import { staticTokenProvider } from '../../src/tokens/static.ts';
import { all, hour, outcomesOf } from '../support/cached-token.ts';
import { newCredential, scriptedLink, type ScriptedLink } from '../support/scripted-link.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

const defaults = { skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 };
const rejected = { reason: 'rejected' } as const;
const limited = { reason: 'rate-limited', retryAfterMilliseconds: 9_000 } as const;

type Config = Partial<typeof defaults> & { ttl?: string };

const cacheOf = (provider: TokenLink, { clock, log, meter }: TestRun, config: Config = {}): TokenProvider =>
  cacheTokenProvider.create({ ...defaults, ...config, provider }, { clock, log, meter });

interface SetUp extends TestRun {
  readonly script: ScriptedLink;
  readonly cache: TokenProvider;
  /** Asks on behalf of a caller, whose key is `key of NAME`. */
  readonly get: (caller?: string) => Credential | Promise<Credential>;
}

function setUp(config: Config = {}, more: Partial<TokenProvider> = {}): SetUp {
  const test = testRun();
  const script = scriptedLink(test, more);
  const cache = cacheOf(script.link, test, config);
  const runOf = (id: string): TokenRun => ({
    caller: { id, tier: '', scopes: [] },
    presented: () => new Secret('authorization', () => `key of ${id}`),
    signal: test.run.signal,
  });
  return { ...test, script, cache, get: (caller = 'ann') => cache.getToken(runOf(caller)) };
}

const byCaller: Partial<TokenProvider> = { subject: ({ caller }) => caller.id };

describe('a cache', () => {
  it('of a provider that answers at once does so too, in the name that the author gave', async () => {
    const test = testRun();
    const secrets = ['first', 'second'];
    const provider = staticTokenProvider.create(
      { token: new Secret('KEY', () => secrets[0] ?? ''), header: 'authorization', scheme: 'Bearer' },
      {},
    );
    const inner = linkOf({ name: 'key', type: 'static', provider }, test);
    const cache = linkOf({ name: 'kept', type: 'cache', provider: cacheOf(inner, test, { ttl: '10s' }) }, test);
    const token = cache.getToken(test.run);
    expect(token).not.toHaveProperty('then');
    secrets.shift();
    await test.clock.advance(4_000);
    expect(cache.getToken(test.run)).toBe(token);
    await test.clock.advance(4_000);
    expect(cache.getToken(test.run)).not.toBe(token);
    expect(cache.state()).toMatchObject({
      name: 'kept',
      type: 'cache',
      status: 'ready',
      expiresInSeconds: 10,
      links: [{ name: 'key', type: 'static' }],
    });
  });

  it('asks once for all callers, whoever comes first', async () => {
    const { get, script } = setUp();
    const pending = [get('ann'), get('bob')];
    const token = script.call.give(hour);
    expect(await all(pending)).toEqual([token, token]);
    expect(script.call.run.caller.id).toBe('anonymous');
    expect(script.call.run.presented('authorization')).toBeUndefined();
  });

  it('of a cache asks through both', async () => {
    const test = testRun();
    const script = scriptedLink(test);
    const below = linkOf({ name: 'below', type: 'cache', provider: cacheOf(script.link, test) }, test);
    const above = cacheOf(below, test);
    const pending = [above.getToken(test.run), above.getToken(test.run)];
    const token = script.call.give(hour);
    expect(await all(pending)).toEqual([token, token]);
    await test.clock.advance(10_000);
    above.invalidate(token, rejected);
    const next = above.getToken(test.run);
    expect(script.refusals).toHaveLength(1);
    const renewed = script.call.give(hour);
    expect(await next).toBe(renewed);
    expect(script.calls).toHaveLength(2);
  });

  it('hands on what is said of its tokens, and what the provider says of itself', () => {
    const said: string[] = [];
    const { cache } = setUp(
      {},
      {
        accepted: () => void said.push('accepted'),
        settled: (_credential, outcome) => void said.push(outcome),
        spares: 3,
        others: 2,
      },
    );
    cache.accepted?.(newCredential());
    cache.settled?.(newCredential(), 'failed');
    // What many use was taken once, and given back when it was kept.
    expect(said).toEqual(['accepted']);
    expect(cache).toMatchObject({ spares: 3, others: 2 });
    expect(cache).not.toHaveProperty('subject');
  });

  it.each([
    [{ failureTtl: '99ms' }, 'failureTtl'],
    [{ failureTtl: '6s' }, 'failureTtl'],
    [{ ttl: '999ms' }, 'ttl'],
  ])('with %j is refused', (config, field) => {
    expect(() => setUp(config)).toThrow(field);
  });

  it('without a provider is refused', () => {
    const { clock, log, meter } = testRun();
    expect(() => cacheTokenProvider.create({ ...defaults, provider: {} }, { clock, log, meter })).toThrow(TypeError);
  });

  it('counts its calls and those that failed, and shows no token anywhere', async () => {
    const { get, script, meter, log, clock, cache } = setUp();
    const failing = get();
    script.call.fail(tokenUnavailable('the token server refused'));
    await outcomesOf([failing]);
    await clock.advance(1_000);
    const pending = get();
    const token = script.call.give(hour);
    await pending;
    cache.invalidate(token, rejected);
    expect(meter.value('token_refreshes')).toBe(2);
    expect(meter.value('token_refresh_failures')).toBe(1);
    expect(`${log.text()}${JSON.stringify(cache.state?.())}`).not.toMatch(/token-\d/);
  });

  it('that is disposed ends its calls and begins none', async () => {
    const { get, script, cache } = setUp({ maxCallers: 1 }, byCaller);
    const pending = [get('ann'), get('bob')];
    await cache.dispose?.();
    await cache.dispose?.();
    const outcomes = await outcomesOf(pending);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(script.open).toEqual([]);
    expect(() => get('eve')).toThrow();
    expect(script.calls).toHaveLength(2);
  });
});

describe('a refusal', () => {
  it('of the held token is handed on once, and of an older one never', async () => {
    const { get, script, cache, clock } = setUp();
    const pending = get();
    const token = script.call.give(hour);
    await pending;
    await clock.advance(5_000);
    for (let stream = 0; stream < 50; stream += 1) cache.invalidate(token, rejected);
    expect(script.refusals).toEqual([{ credential: token, refusal: rejected }]);
    const next = get();
    script.call.give(hour);
    await next;
    cache.invalidate(token, rejected);
    expect(get()).toBe(await next);
    expect(script.refusals).toHaveLength(1);
  });

  it('of a token that came just now in the place of a refused one is only told, once a minute', async () => {
    const { get, script, cache, clock, log } = setUp();
    for (let time = 0; time < 70_000; time += 500) {
      const pending = get();
      script.open[0]?.give(hour);
      cache.invalidate(await pending, rejected);
      await clock.advance(500);
    }
    expect(script.calls.length).toBeLessThanOrEqual(70);
    const told = log.lines.filter(({ message }) => message === 'a token was refused as soon as it was there');
    expect(told.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { tokenProvider: 'inner' }],
      ['warn', { tokenProvider: 'inner' }],
    ]);
  });

  it('for too much use is handed on, and the token stays where there is no other account', async () => {
    const { get, script, cache, clock } = setUp();
    const pending = get();
    const token = script.call.give(hour);
    await pending;
    await clock.advance(5_000);
    cache.invalidate(token, limited);
    expect(script.refusals).toEqual([{ credential: token, refusal: limited }]);
    expect(get()).toBe(token);
  });

  it('for too much use lets the token go where there are other accounts', async () => {
    const { get, script, cache, clock } = setUp({}, { others: 1 });
    const pending = get();
    const token = script.call.give(hour);
    await pending;
    await clock.advance(5_000);
    cache.invalidate(token, limited);
    cache.invalidate(token, limited);
    const next = get();
    const other = script.call.give(hour);
    expect(await next).toBe(other);
    expect(script.refusals).toHaveLength(2);
  });
});

describe('tokens that differ by caller', () => {
  it('are kept for each caller, and fetched on behalf of the caller', async () => {
    const { get, script, cache } = setUp({}, byCaller);
    const pending = [get('ann'), get('bob'), get('ann')];
    expect(script.calls.map(({ run }) => run.presented('authorization')?.reveal())).toEqual([
      'key of ann',
      'key of bob',
    ]);
    const [anns, bobs] = script.calls.map((call) => call.give(hour));
    expect(await all(pending)).toEqual([anns, bobs, anns]);
    expect(get('ann')).toBe(anns);
    expect(get('bob')).toBe(bobs);
    expect(cache).toHaveProperty('subject');
    expect(cache.state?.()).toMatchObject({ status: 'ready' });
  });

  it.each([1, 20, 64, 200])('are told apart where the first %i characters are the same', async (length) => {
    const { get, script } = setUp({}, byCaller);
    void get(`${'x'.repeat(length)}a`);
    void get(`${'x'.repeat(length)}b`);
    expect(script.calls).toHaveLength(2);
    for (const call of script.calls) call.give();
    await turn();
  });

  it('go when they were not asked for longest, but those who wait for one still get it', async () => {
    const { get, script } = setUp({ maxCallers: 2 }, byCaller);
    const pending = [get('ann'), get('bob'), get('ann'), get('eve')];
    const [anns, bobs, eves] = script.calls.map((call) => call.give(hour));
    expect(await all(pending)).toEqual([anns, bobs, anns, eves]);
    expect([get('ann'), get('eve')]).toEqual([anns, eves]);
    const again = get('bob');
    expect(script.calls).toHaveLength(4);
    script.call.give();
    await again;
  });

  it('fail for one caller and not for the next', async () => {
    const { get, script } = setUp({}, byCaller);
    const pending = get('ann');
    script.call.fail(tokenUnavailable('invalid_grant'));
    await expect(pending).rejects.toMatchObject({ context: { reason: 'invalid_grant' } });
    expect(() => get('ann')).toThrow();
    const other = get('bob');
    const token = script.call.give(hour);
    expect(await other).toBe(token);
  });

  it('are let go for all who hold the refused one, and the provider is told once', async () => {
    const shared = newCredential();
    const { get, script, cache, clock } = setUp({}, byCaller);
    const pending = [get('ann'), get('bob')];
    for (const call of script.calls) call.giveThis(shared);
    await all(pending);
    await clock.advance(5_000);
    cache.invalidate(shared, rejected);
    expect(script.refusals).toHaveLength(1);
    void get('ann');
    void get('bob');
    expect(script.open).toHaveLength(2);
    for (const call of script.open) call.give();
  });
});
