import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, Refusal, TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { chainedTokenProvider } from '../../src/tokens/chained.ts';
import { fakeCredential, fakeLink, tokenOf, type FakeLink } from '../support/fake-link.ts';
import { testRun, type TestRun } from '../support/test-run.ts';

interface Chain extends TestRun {
  readonly chain: TokenLink;
}

function chainOf(links: readonly TokenLink[], coolDown = '30s'): Chain {
  const test = testRun();
  const provider = chainedTokenProvider.create({ providers: [...links], coolDown }, test.capabilities);
  return { ...test, chain: linkOf({ name: 'chain', type: 'chained', provider }, test.capabilities) };
}

const unavailable = (reason = 'down', retryAfterSeconds?: number): SluiceError =>
  new SluiceError('TOKEN_UNAVAILABLE', {
    context: { reason },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
const failing = (name: string, error: Error = unavailable(), options: Partial<FakeLink> = {}): FakeLink =>
  fakeLink(name, {
    give: () => {
      throw error;
    },
    ...options,
  });

/** Which token a new run gets. */
async function next({ chain, run }: Chain): Promise<string> {
  return tokenOf(await chain.getToken(run));
}

async function failure({ chain, run }: Chain): Promise<SluiceError> {
  try {
    await chain.getToken(run);
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('it did not fail');
}

/** A run whose every credential is refused: the tokens that it tries until it sees one again or has no spares left. */
async function refuseAll({ chain, run }: Chain, refusal: Refusal = { reason: 'rejected' }): Promise<string[]> {
  const tried: Credential[] = [];
  for (let spares = chain.spares; ; spares -= 1) {
    const credential = await chain.getToken(run);
    if (tried.at(-1) === credential) break;
    tried.push(credential);
    chain.settled(credential, 'refused');
    chain.invalidate(credential, refusal);
    if (spares === 0) break;
  }
  return tried.map(tokenOf);
}

describe('a chain of token providers', () => {
  it('gives the credential of the first, at once and as it is', () => {
    const first = fakeLink('a');
    const { chain, run } = chainOf([first, fakeLink('b')]);
    expect(chain.getToken(run)).toBe(first.give(run));
  });

  it.each([
    [
      'throws',
      () => {
        throw unavailable();
      },
    ],
    ['rejects', () => Promise.reject(unavailable())],
    [
      'throws something else',
      () => {
        throw new TypeError('x');
      },
    ],
  ])('goes on to the next when one %s, and leaves it out for the cool-down', async (_title, give) => {
    const first = fakeLink('a', { give });
    const test = chainOf([first, fakeLink('b')]);
    expect(await next(test)).toBe('b');
    expect(await next(test)).toBe('b');
    expect(first.asked).toBe(1);
    await test.clock.advance(29_999);
    expect(await next(test)).toBe('b');
    expect(first.asked).toBe(1);
    first.give = () => fakeCredential('a');
    await test.clock.advance(1);
    expect(await next(test)).toBe('a');
  });

  it.each([
    ['shorter', 5, 30_000],
    ['longer', 90, 90_000],
    ['far too long', 86_400, 600_000],
  ])('leaves it out as long as it says itself: %s', async (_title, retryAfterSeconds, milliseconds) => {
    const first = failing('a', unavailable('down', retryAfterSeconds));
    const test = chainOf([first, fakeLink('b')]);
    await next(test);
    await test.clock.advance(milliseconds - 1);
    await next(test);
    expect(first.asked).toBe(1);
    await test.clock.advance(1);
    await next(test);
    expect(first.asked).toBe(2);
  });

  it('stays without a promise while those that fail do so at once', () => {
    const { chain, run } = chainOf([failing('a'), failing('b'), fakeLink('c')]);
    expect(tokenOf(chain.getToken(run) as Credential)).toBe('c');
  });

  it('asks all again, in their order, when all cool down', async () => {
    const links = [failing('a'), failing('b')];
    const test = chainOf(links);
    await failure(test);
    await failure(test);
    expect(links.map(({ asked }) => asked)).toEqual([2, 2]);
    const [first, second] = links as [FakeLink, FakeLink];
    second.give = () => fakeCredential('b');
    expect(await next(test)).toBe('b');
    // That one does not cool down any more.
    first.give = () => fakeCredential('a');
    expect(await next(test)).toBe('b');
  });

  it('keeps the reason of each failure, and the soonest time at which one may work again', async () => {
    const test = chainOf([
      failing('a', unavailable('invalid_client', 20)),
      failing('b', new SluiceError('TOKEN_INVALID', { context: { reason: 'the token is empty' } })),
      failing('c', unavailable('down', 7)),
    ]);
    const error = await failure(test);
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 7 });
    expect(error.context).toEqual({
      tokenProvider: 'chain',
      reason: 'no link of the chain has a credential',
      reasons: 'a: TOKEN_UNAVAILABLE invalid_client; b: TOKEN_INVALID the token is empty; c: TOKEN_UNAVAILABLE down',
    });
  });

  it('says it in a text of bounded length, and never with the cause', async () => {
    const links = Array.from({ length: 16 }, (_, index) =>
      failing(
        `link-${index}`,
        new SluiceError('TOKEN_INVALID', { context: { reason: 'x'.repeat(5_000) }, cause: new Error('s3cret') }),
      ),
    );
    const error = await failure(chainOf(links));
    expect(String(error.context['reasons']).length).toBe(1_000);
    expect(error.cause).toBeUndefined();
  });

  it('passes on that the caller has no key, or is to wait, when that is all there is', async () => {
    const missing = new SluiceError('CALLER_KEY_MISSING', { details: { headers: 'x-key' } });
    const limited = (retryAfterSeconds: number): SluiceError =>
      new SluiceError('UPSTREAM_RATE_LIMITED', { retryAfterSeconds });
    expect(await failure(chainOf([failing('a', missing), failing('b', missing)]))).toMatchObject({
      code: 'CALLER_KEY_MISSING',
      message: expect.stringContaining('x-key'),
    });
    expect(await failure(chainOf([failing('a', limited(9)), failing('b', limited(4))]))).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      retryAfterSeconds: 4,
    });
    expect(await failure(chainOf([failing('a', missing), failing('b')]))).toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    // What the first of them says that may work again.
    expect(await failure(chainOf([failing('a', limited(4)), failing('b', unavailable('down', 9))]))).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      retryAfterSeconds: 4,
    });
    expect(await failure(chainOf([failing('a', limited(9)), failing('b', unavailable('down', 4))]))).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      retryAfterSeconds: 4,
    });
  });

  it('does not hold the failure of one caller against another', async () => {
    const missing = new SluiceError('CALLER_KEY_MISSING');
    const own = failing('own', missing, { subject: () => 'x' });
    const exchange = failing('exchange', unavailable(), { subject: () => 'x' });
    const test = chainOf([own, exchange, fakeLink('shared')]);
    expect(await next(test)).toBe('shared');
    own.give = () => fakeCredential('own');
    expect(await next(test)).toBe('own');
    own.give = () => {
      throw missing;
    };
    exchange.give = () => fakeCredential('exchange');
    expect(await next(test)).toBe('exchange');
  });
});

describe('a chain whose run ends', () => {
  const gone = new SluiceError('CLIENT_GONE');

  it('waits for nobody when it is over already', async () => {
    const [first, second] = [fakeLink('a', { give: () => Promise.resolve(fakeCredential('a')) }), fakeLink('b')];
    const test = chainOf([first, second]);
    test.abort.abort(gone);
    expect(await failure(test)).toBe(gone);
    expect(second.asked).toBe(0);
    expect(first.outcomes).toEqual(['failed']);
  });

  it('stops at once, cools nobody, and gives back what comes too late', async () => {
    const { promise, resolve } = Promise.withResolvers<Credential>();
    const [first, second] = [fakeLink('a', { give: () => promise }), fakeLink('b')];
    const test = chainOf([first, second]);
    const ended = failure(test);
    test.abort.abort(gone);
    expect(await ended).toBe(gone);
    expect(second.asked).toBe(0);
    expect(test.chain.state()).toEqual({ name: 'chain', type: 'chained', links: [first.state(), second.state()] });
    resolve(fakeCredential('late'));
    await test.clock.advance(0);
    expect(first.outcomes).toEqual(['failed']);
  });

  it('stops also where the link fails because of it', async () => {
    const [first, second] = [fakeLink('a'), fakeLink('b')];
    const test = chainOf([first, second]);
    first.give = () => {
      test.abort.abort(gone);
      throw unavailable();
    };
    expect(await failure(test)).toBe(gone);
    expect(second.asked).toBe(0);
  });
});

describe('a chain whose credential is refused', () => {
  it('tells the link that gave it, and nobody else', async () => {
    const [first, second] = [failing('a'), fakeLink('b')];
    const { chain, run } = chainOf([first, second]);
    const credential = await chain.getToken(run);
    chain.invalidate(credential, { reason: 'rejected' });
    chain.settled(credential, 'refused');
    chain.invalidate(fakeCredential('b'), { reason: 'rejected' });
    chain.settled(fakeCredential('b'), 'accepted');
    expect(second.refusals).toEqual([[credential, 'rejected']]);
    chain.accepted(credential);
    expect(second.outcomes).toEqual(['refused']);
    expect(second.accepts).toEqual([credential]);
    expect(first.refusals).toEqual([]);
  });

  it('goes on when the link has nothing but the refused one, and comes back to it after the cool-down', async () => {
    const [first, second] = [fakeLink('a'), fakeLink('b')];
    const test = chainOf([first, second]);
    expect(await next(test)).toBe('a');
    test.chain.invalidate(await test.chain.getToken(test.run), { reason: 'rejected' });
    expect(await next(test)).toBe('b');
    const asked = first.asked;
    expect(await next(test)).toBe('b');
    expect(first.asked).toBe(asked);
    expect(test.chain.state().links).toEqual([
      { name: 'a', type: 'fake', status: 'cooling', coolingForSeconds: 30, reason: 'rejected' },
      { name: 'b', type: 'fake' },
    ]);
    expect(test.log.messages('info')).toEqual(['a link of a chain cools down']);
    await test.clock.advance(30_000);
    expect(await next(test)).toBe('a');
  });

  const renewing = (name: string, spares: number): FakeLink => {
    let count = 0;
    return fakeLink(name, { spares, give: () => fakeCredential(`${name}${(count += 1)}`) });
  };
  it.each([
    ['one that never has another', [fakeLink('a', { spares: 0 }), fakeLink('b')], ['a', 'b']],
    ['one that gives the same', [fakeLink('a'), fakeLink('b')], ['a', 'b']],
    ['one that renews it once', [renewing('a', 1), fakeLink('b', { spares: 0 })], ['a1', 'a2', 'b']],
    ['one that has three of them', [renewing('a', 2), fakeLink('b', { spares: 0 })], ['a1', 'a2', 'a3', 'b']],
    ['the only one', [fakeLink('a')], ['a']],
  ])('lets a run try what there is and nothing twice: %s', async (_title, links, expected) => {
    expect(await refuseAll(chainOf(links))).toEqual(expected);
  });

  it('tries one of them per run while all are refused', async () => {
    const test = chainOf([fakeLink('a'), fakeLink('b'), fakeLink('c')]);
    expect(await refuseAll(test)).toEqual(['a', 'b', 'c']);
    expect(await refuseAll(test)).toEqual(['c']);
    await test.clock.advance(60_000);
    expect(await refuseAll(test)).toEqual(['a', 'b', 'c']);
  });

  it('counts the refusal of one token once, however many used it', async () => {
    const first = fakeLink('a');
    const test = chainOf([first, fakeLink('b')]);
    const old: Credential[] = [];
    for (let index = 0; index < 50; index += 1) old.push(await test.chain.getToken(test.run));
    const renewed = fakeCredential('renewed');
    for (const credential of old) {
      test.chain.invalidate(credential, { reason: 'rejected' });
      first.give = () => renewed;
      expect(await next(test)).toBe('renewed');
    }
    test.chain.accepted(renewed);
    test.chain.invalidate(renewed, { reason: 'rejected' });
    first.give = () => fakeCredential('third');
    expect(await next(test)).toBe('third');
  });

  it.each([
    ['as long as it was told', { reason: 'rate-limited', retryAfterMilliseconds: 5_000 }, 5_000],
    ['for a minute', { reason: 'rate-limited' }, 60_000],
    ['for a minute', { reason: 'quota' }, 60_000],
    ['for a minute when told nonsense', { reason: 'quota', retryAfterMilliseconds: Number.NaN }, 60_000],
    ['for an hour at most', { reason: 'rate-limited', retryAfterMilliseconds: 1e12 }, 3_600_000],
  ] as const)('leaves a link with too much use out %s: %j', async (_title, refusal, milliseconds) => {
    const test = chainOf([fakeLink('a'), fakeLink('b')]);
    test.chain.invalidate(await test.chain.getToken(test.run), refusal);
    expect(await next(test)).toBe('b');
    await test.clock.advance(milliseconds - 1);
    expect(await next(test)).toBe('b');
    await test.clock.advance(1);
    expect(await next(test)).toBe('a');
  });

  it('takes a link back at once when its credential is accepted all the same', async () => {
    const test = chainOf([fakeLink('a', { spares: 0 }), fakeLink('b', { spares: 0 })]);
    await refuseAll(test);
    const credential = await test.chain.getToken(test.run);
    expect(tokenOf(credential)).toBe('b');
    test.chain.accepted(credential);
    const [, second] = test.chain.state().links ?? [];
    expect(second).toEqual({ name: 'b', type: 'fake' });
    expect(await next(test)).toBe('b');
  });

  it('lets a link that has other accounts turn to them before it is left out', async () => {
    const tokens = ['a1', 'a2', 'a3'].map(fakeCredential);
    const first = fakeLink('a', { others: 1, give: () => tokens[first.refusals.length] ?? fakeCredential('?') });
    expect(await refuseAll(chainOf([first, fakeLink('b')]), { reason: 'quota' })).toEqual(['a1', 'a2', 'b', 'a3']);
  });

  it('leaves a link out that fails although a credential of it is accepted still', async () => {
    const first = fakeLink('a');
    const test = chainOf([first, fakeLink('b')]);
    const credential = await test.chain.getToken(test.run);
    first.give = () => {
      throw unavailable();
    };
    expect(await next(test)).toBe('b');
    test.chain.accepted(credential);
    test.chain.settled(credential, 'accepted');
    expect(await next(test)).toBe('b');
    expect(first.asked).toBe(2);
  });

  it('goes on for the caller only whose own credential was refused', async () => {
    const tokens: Record<string, Credential> = { ann: fakeCredential('ann'), bob: fakeCredential('bob') };
    const own = fakeLink('own', {
      spares: 0,
      subject: ({ caller }) => caller.id,
      give: ({ caller }) => tokens[caller.id] ?? fakeCredential('?'),
    });
    const { chain, run } = chainOf([own, fakeLink('shared')]);
    const get = async (id: string): Promise<string> =>
      tokenOf(await chain.getToken({ ...run, caller: { ...run.caller, id } }));
    expect(await get('ann')).toBe('ann');
    expect(await get('bob')).toBe('bob');
    chain.invalidate(tokens['ann'] ?? fakeCredential('?'), { reason: 'rejected' });
    expect(await get('ann')).toBe('shared');
    expect(await get('bob')).toBe('bob');
  });
});

describe('what a chain says of itself', () => {
  it.each([
    [[1], 1],
    [[0, 0], 1],
    [[1, 1], 3],
    [[1, 3, 0], 6],
  ])('with links that have %j spares, or others, it has %d', (counts, sum) => {
    const spares = counts.map((count, index) => fakeLink(`l${index}`, { spares: count }));
    expect(chainOf(spares).chain.spares).toBe(sum);
    const others = counts.map((count, index) => fakeLink(`l${index}`, { others: count }));
    expect(chainOf(others).chain.others).toBe(sum);
  });

  it('it tells callers apart where one of its links does', () => {
    const link = (): FakeLink => fakeLink('own', { subject: ({ caller }) => caller.id });
    const { chain, run } = chainOf([fakeLink('a'), link(), link()]);
    const subject = (id: string): string | undefined => chain.subject?.({ ...run, caller: { ...run.caller, id } });
    expect(subject('ann')).toMatch(/^[0-9a-f]{64}$/);
    expect(subject('ann')).toBe(subject('ann'));
    expect(subject('ann')).not.toBe(subject('bob'));
    expect(chainOf([fakeLink('a')]).chain).not.toHaveProperty('subject', expect.anything());
  });

  it('refuses what is no token provider', () => {
    expect(() => chainOf(['openai' as unknown as TokenLink])).toThrow('a token provider was expected');
  });
});
