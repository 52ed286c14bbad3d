import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../../src/kernel/errors.ts';
import { bearer, tokenCredential } from '../../../src/kernel/tokens/token-credential.ts';
import { tokenInvalid, tokenUnavailable } from '../../../src/kernel/tokens/token-failure.ts';
import { linkOf } from '../../../src/kernel/tokens/token-link.ts';
import type { Credential, TokenLink, TokenProvider } from '../../../src/kernel/tokens/token-provider.ts';
import { textWithin } from '../../support/log-capture.ts';
import { testRun } from '../../support/test-run.ts';

const canary = 'canary-4711-secret';
const credential = tokenCredential('t0ken', bearer);

function setUp(provider: Partial<TokenProvider>, name = 'openai') {
  const test = testRun();
  const whole: TokenProvider = { getToken: () => credential, invalidate: () => undefined, ...provider };
  return { test, link: linkOf({ name, type: 'fake', provider: whole }, test) };
}

/** Fails at once, and later, in the same way. */
const ways: readonly (readonly [string, (error: unknown) => TokenProvider['getToken']])[] = [
  [
    'at once',
    (error) => () => {
      throw error;
    },
  ],
  [
    'later',
    (thrown) => async () => {
      await Promise.resolve();
      throw thrown;
    },
  ],
];

async function failureOf(link: TokenLink, run: Parameters<TokenLink['getToken']>[0]): Promise<SluiceError> {
  try {
    await link.getToken(run);
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('it did not fail');
}

describe('a named provider', () => {
  it('hands on the very credential, without a promise where there is none', async () => {
    const { link, test } = setUp({});
    expect(link.getToken(test.run)).toBe(credential);
    const later = setUp({ getToken: () => Promise.resolve(credential) });
    const pending = later.link.getToken(later.test.run);
    expect(pending).toBeInstanceOf(Promise);
    expect(await pending).toBe(credential);
    expect(link).toMatchObject({ name: 'openai', type: 'fake', spares: 1, others: 0 });
  });

  it('hands on what it is told, and what the provider says of itself', async () => {
    const calls: unknown[] = [];
    const note = (...values: readonly unknown[]): void => void calls.push(values);
    const { link, test } = setUp({
      invalidate: (refused, refusal) => note('invalidate', refused, refusal),
      accepted: (taken) => note('accepted', taken),
      settled: (taken, outcome) => note('settled', taken, outcome),
      subject: ({ caller }) => `of ${caller.id}`,
      state: () => ({ status: 'ready', expiresInSeconds: 9 }),
      dispose: () => note('dispose'),
      spares: 3,
      others: 2,
    });
    link.invalidate(credential, { reason: 'rejected' });
    link.accepted?.(credential);
    link.settled(credential, 'refused');
    await link.dispose?.();
    expect(calls).toEqual([
      ['invalidate', credential, { reason: 'rejected' }],
      ['accepted', credential],
      ['settled', credential, 'refused'],
      ['dispose'],
    ]);
    expect(link.subject?.(test.run)).toBe('of anonymous');
    expect(link).toMatchObject({ spares: 3, others: 2 });
    expect(link.state()).toEqual({ name: 'openai', type: 'fake', status: 'ready', expiresInSeconds: 9 });
  });

  it.each(['ready', 'idle'] as const)(
    'is failing while it gives nothing, though what it keeps is %s',
    async (status) => {
      let failure: Error | undefined = tokenUnavailable('the secret can not be read');
      const { link, test } = setUp({
        getToken: () => {
          if (failure !== undefined) throw failure;
          return credential;
        },
        state: () => ({ status }),
      });
      await failureOf(link, test.run);
      expect(link.state()).toMatchObject({ status: 'failing', lastFailure: { reason: 'the secret can not be read' } });
      failure = undefined;
      await link.getToken(test.run);
      expect(link.state()).toMatchObject({ status });
    },
  );

  it('remembers when a credential of it was refused the last time, and why', async () => {
    const { link, test } = setUp({ state: () => ({ status: 'ready' }) });
    link.invalidate(credential, { reason: 'quota' });
    await test.clock.advance(3_000);
    link.invalidate(credential, { reason: 'rejected', retryAfterMilliseconds: 5 });
    await test.clock.advance(2_000);
    expect(link.state()).toEqual({
      name: 'openai',
      type: 'fake',
      status: 'ready',
      lastRefusal: { reason: 'rejected', secondsAgo: 2 },
    });
  });

  it('says nothing about the key of a caller: neither that it was refused nor that others can have no token', async () => {
    const { link, test } = setUp({
      getToken: () => {
        throw tokenUnavailable('invalid_grant');
      },
      subject: () => 'of anonymous',
      state: () => ({ status: 'ready' }),
    });
    link.invalidate(credential, { reason: 'rejected' });
    await failureOf(link, test.run);
    expect(link.state()).toMatchObject({ status: 'ready', lastFailure: { reason: 'invalid_grant' } });
    expect(link.state()).not.toHaveProperty('lastRefusal');
  });

  it('has a subject only where tokens differ by caller', () => {
    expect(setUp({}).link).not.toHaveProperty('subject', expect.any(Function));
  });

  it('needs no more of a provider than two functions', async () => {
    const { link } = setUp({});
    link.settled(credential, 'accepted');
    await link.dispose?.();
    expect(link.state()).toEqual({ name: 'openai', type: 'fake' });
  });
});

describe.each(ways)('a provider that fails %s', (_when, failing) => {
  it.each([
    ['a code of its own', tokenInvalid('the token is empty'), 'TOKEN_INVALID', 'the token is empty'],
    ['no credential', tokenUnavailable('invalid_client'), 'TOKEN_UNAVAILABLE', 'invalid_client'],
    ['a broken way', new SluiceError('UPSTREAM_CONNECT'), 'TOKEN_UNAVAILABLE', 'UPSTREAM_CONNECT'],
    ['a mistake', new TypeError('sk-1 is not JSON'), 'TOKEN_UNAVAILABLE', 'it threw TypeError'],
    ['a text', 'sk-1', 'TOKEN_UNAVAILABLE', 'it threw string'],
    ['nothing', undefined, 'TOKEN_UNAVAILABLE', 'it threw undefined'],
  ])('with %s is named', async (_what, thrown, code, reason) => {
    const { link, test } = setUp({ getToken: failing(thrown) });
    const failure = await failureOf(link, test.run);
    expect(failure).toMatchObject({ code, context: { tokenProvider: 'openai' } });
    expect(failure.context['reason'] ?? failure.code).toBe(reason);
    expect(inspect(failure, { depth: 9 })).not.toContain('sk-1');
    expect(link.state()).toEqual({
      name: 'openai',
      type: 'fake',
      status: 'failing',
      lastFailure: { code, reason, secondsAgo: 0 },
    });
  });

  it('keeps when it is worth to try again, and the path to who failed', async () => {
    const { link: inner, test } = setUp(
      { getToken: failing(tokenUnavailable('slow_down', { retryAfterSeconds: 7 })) },
      'primary',
    );
    const { link } = setUp({ getToken: (run) => inner.getToken(run) }, 'openai');
    expect(await failureOf(link, test.run)).toMatchObject({
      retryAfterSeconds: 7,
      context: { tokenProvider: 'openai > primary', reason: 'slow_down' },
    });
  });

  it('is told to the log once until it works again, with the reason and nothing else', async () => {
    let isBroken = true;
    const fail = failing(tokenUnavailable('invalid_client', { context: { status: 401 } }));
    const { link, test } = setUp({ getToken: (run) => (isBroken ? fail(run) : credential) });
    await failureOf(link, test.run);
    await failureOf(link, test.run);
    isBroken = false;
    await link.getToken(test.run);
    await link.getToken(test.run);
    expect(test.log.lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      [
        'warn',
        'a token provider fails',
        { tokenProvider: 'openai', type: 'fake', code: 'TOKEN_UNAVAILABLE', reason: 'invalid_client' },
      ],
      ['info', 'a token provider works again', { tokenProvider: 'openai', type: 'fake' }],
    ]);
    await test.clock.advance(4_400);
    expect(link.state()).toEqual({
      name: 'openai',
      type: 'fake',
      lastFailure: { code: 'TOKEN_UNAVAILABLE', reason: 'invalid_client', secondsAgo: 4 },
    });
  });

  it('says nothing about itself where the caller has no key', async () => {
    const missing = new SluiceError('CALLER_KEY_MISSING', { details: { headers: 'authorization' } });
    const { link, test } = setUp({ getToken: failing(missing) });
    expect(await failureOf(link, test.run)).toMatchObject({
      code: 'CALLER_KEY_MISSING',
      status: 401,
      message: missing.message,
      details: { headers: 'authorization' },
    });
    expect(test.log.lines).toEqual([]);
    expect(link.state()).toEqual({ name: 'openai', type: 'fake' });
  });

  it('did not fail where the run was over', async () => {
    const { link, test } = setUp({ getToken: failing(new SluiceError('CLIENT_GONE')) });
    test.abort.abort(new SluiceError('CLIENT_GONE'));
    expect(await failureOf(link, test.run)).toMatchObject({ code: 'CLIENT_GONE', context: {} });
    expect(test.log.lines).toEqual([]);
    expect(link.state()).toEqual({ name: 'openai', type: 'fake' });
  });

  it('shows in its state and in the log what no error may show anyway', async () => {
    const { link, test } = setUp({ getToken: failing(new Error(`the answer was ${canary}`)) });
    await failureOf(link, test.run);
    expect(test.log.text()).not.toContain(canary);
    expect(textWithin(link.state())).not.toContain(canary);
  });
});

it('credentials of any shape are handed on', async () => {
  const odd: Credential = { origins: ['https://a.example'], apply: () => Promise.resolve() };
  const { link, test } = setUp({ getToken: () => odd });
  expect(await link.getToken(test.run)).toBe(odd);
});

describe('a provider that does not keep to its contract', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'sk-1'],
    ['an object that does nothing', { origins: '*' }],
    ['a credential that is for nowhere', { apply: () => undefined }],
  ])('by giving %s has given no credential', async (_what, given: unknown) => {
    for (const getToken of [() => given as Credential, () => Promise.resolve(given as Credential)]) {
      const { link, test } = setUp({ getToken });
      expect(await failureOf(link, test.run)).toMatchObject({
        code: 'TOKEN_INVALID',
        context: { tokenProvider: 'openai', reason: 'it gave no credential' },
      });
      expect(test.log.text()).not.toContain('sk-1');
    }
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('by the time %d to try again has told none', async (seconds) => {
    const fail = () => {
      throw tokenUnavailable('down', { retryAfterSeconds: seconds });
    };
    const { link, test } = setUp({ getToken: fail });
    expect((await failureOf(link, test.run)).retryAfterSeconds).toBeUndefined();
  });

  it.each([
    [-1, 0],
    [Number.NaN, 0],
    [2.5, 2],
    [1_000, 7],
    [Number.POSITIVE_INFINITY, 7],
  ])('by %d spares or others has %d', (count, expected) => {
    expect(setUp({ spares: count, others: count }).link).toMatchObject({ spares: expected, others: expected });
  });

  it('by throwing where it is only told something harms no run, and the log says so once', () => {
    const fail = () => {
      throw new Error('sk-1');
    };
    const { link, test } = setUp({ invalidate: fail, accepted: fail, settled: fail });
    for (let index = 0; index < 1_000; index += 1) {
      link.invalidate(credential, { reason: 'rejected' });
      link.accepted(credential);
      link.settled(credential, 'failed');
    }
    expect(test.log.lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      ['error', 'a token provider broke', { tokenProvider: 'openai', type: 'fake', reason: 'it threw Error' }],
    ]);
  });
});

describe('a provider that fails for some and works for others', () => {
  it('is told of once a minute, not for each request', async () => {
    let count = 0;
    const { link, test } = setUp({
      getToken() {
        count += 1;
        if (count % 2 === 1) throw tokenUnavailable('invalid_grant');
        return credential;
      },
    });
    for (let second = 0; second < 120; second += 1) {
      for (let request = 0; request < 100; request += 1)
        await Promise.allSettled([(async () => link.getToken(test.run))()]);
      await test.clock.advance(1_000);
    }
    expect(test.log.messages('warn')).toHaveLength(2);
    expect(test.log.messages('info')).toHaveLength(2);
  });

  it('and then for all is told of when the minute is over', async () => {
    let isBroken = true;
    const { link, test } = setUp({
      getToken() {
        if (isBroken) throw tokenUnavailable('down');
        return credential;
      },
    });
    await failureOf(link, test.run);
    isBroken = false;
    await link.getToken(test.run);
    isBroken = true;
    await test.clock.advance(59_999);
    await failureOf(link, test.run);
    expect(test.log.messages('warn')).toHaveLength(1);
    expect(link.state().status).toBe('failing');
    await test.clock.advance(1);
    await failureOf(link, test.run);
    expect(test.log.messages('warn')).toHaveLength(2);
  });
});

it.each(ways)('a provider whose own words for the end of a run come %s did not fail', async (_when, failing) => {
  const { link, test } = setUp({ getToken: failing(tokenUnavailable('aborted')) });
  test.abort.abort(new SluiceError('CLIENT_GONE'));
  expect(await failureOf(link, test.run)).toMatchObject({ code: 'CLIENT_GONE' });
  expect(test.log.lines).toEqual([]);
});

it.each(ways)('a provider that was given up for its slowness failed %s', async (_when, failing) => {
  const { link, test } = setUp({ getToken: failing(new Error('aborted')) });
  test.abort.abort(tokenUnavailable('the token did not come in time'));
  expect(await failureOf(link, test.run)).toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
  expect(link.state()).toMatchObject({ status: 'failing' });
});
