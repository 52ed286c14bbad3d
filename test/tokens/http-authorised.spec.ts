import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { TokenLink, TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { fakeToken } from '../support/fake-token.ts';
import { setUpHttp, type HttpSetUp } from '../support/http-provider.ts';
import { failureOfToken, headersOf } from '../support/token-outcomes.ts';
import type { TokenServerAnswer, TokenServerRequest } from '../support/token-server.ts';

const secret = 'canary+4711/&="secret';
let here: HttpSetUp;

beforeEach(async () => {
  here = await setUpHttp();
});
afterEach(() => here.close());

const bearerOf = async (provider: TokenProvider): Promise<string | undefined> =>
  (await headersOf(await provider.getToken(here.test.run)))['authorization'];

describe('a request that another provider authorises', () => {
  /** Knows one token, and signs what it gives. */
  const endpoint =
    (good: string) =>
    ({ headers }: TokenServerRequest): TokenServerAnswer => {
      if (headers['authorization'] !== `Bearer ${good}`) return { status: 401, json: { error: 'invalid_token' } };
      return { json: { access_token: createHmac('sha256', 'k').update(good).digest('hex') } };
    };

  it('has its credential', async () => {
    here.server.answer(endpoint('one'));
    const { link, calls } = fakeToken(['one'], here.test);
    expect(await bearerOf(here.build({ provider: link }))).toMatch(/^Bearer [0-9a-f]{64}$/);
    expect(calls).toEqual(['get', 'settled one accepted']);
  });

  it('is made once more with the next credential where the first is refused', async () => {
    here.server.answer(endpoint('two'));
    const { link, calls } = fakeToken(['one', 'two', 'three'], here.test);
    expect(await bearerOf(here.build({ provider: link, form: { a: 'b' } }))).toMatch(/^Bearer /);
    expect(calls).toEqual(['get', 'invalidate one rejected', 'settled one refused', 'get', 'settled two accepted']);
    expect(here.server.requests.map(({ body }) => body)).toEqual(['a=b', 'a=b']);
  });

  it('is made twice and no more', async () => {
    here.server.answer(endpoint('nobody has it'));
    const { link, calls } = fakeToken(['one', 'two', 'three'], here.test);
    expect(await failureOfToken(here.build({ provider: link }), here.test.run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { status: 401, reason: 'invalid_token' },
    });
    expect(calls.filter((call) => call.startsWith('invalidate'))).toEqual([
      'invalidate one rejected',
      'invalidate two rejected',
    ]);
    expect(here.server.requests.length).toBe(2);
  });

  it('is made once where the same credential comes again, which is settled each time', async () => {
    here.server.answer({ status: 401 });
    const { link, calls } = fakeToken(['one'], here.test);
    await failureOfToken(here.build({ provider: link }), here.test.run);
    expect(here.server.requests.length).toBe(1);
    expect(calls.filter((call) => call === 'get').length).toBe(2);
    expect(calls.filter((call) => call === 'settled one refused').length).toBe(2);
  });

  it.each([
    [402, {}, 'invalidate one quota'],
    [429, { 'retry-after': '7' }, 'invalidate one rate-limited 7000'],
    [429, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 'invalidate one rate-limited 9000'],
  ])('tells of a %i, and is not made again', async (status, headers, call) => {
    here.server.answer({ status, headers });
    const { link, calls } = fakeToken(['one', 'two'], here.test);
    await failureOfToken(here.build({ provider: link }), here.test.run);
    expect(calls).toEqual(['get', call, 'settled one refused']);
    expect(here.server.requests.length).toBe(1);
  });

  it.each([403, 503])('says nothing about the credential where a %i has other reasons', async (status) => {
    here.server.answer({ status });
    const { link, calls } = fakeToken(['one', 'two'], here.test);
    await failureOfToken(here.build({ provider: link }), here.test.run);
    expect(calls).toEqual(['get', 'settled one failed']);
  });

  it('settles the credential also where there is no answer', async () => {
    here.server.answer({ fault: 'reset' });
    const { link, calls } = fakeToken(['one'], here.test);
    await failureOfToken(here.build({ provider: link }), here.test.run);
    expect(calls).toEqual(['get', 'settled one failed']);
  });

  it('carries a credential to its own origins only', async () => {
    const link = linkTo({
      getToken: () => ({
        origins: ['https://elsewhere.example'],
        apply: (request) => void (request.headers['authorization'] = secret),
      }),
    });
    expect(await failureOfToken(here.build({ provider: link }), here.test.run)).toMatchObject({
      code: 'CREDENTIAL_ORIGIN_MISMATCH',
    });
    expect(here.server.requests).toEqual([]);
  });

  it('may be signed, with what belongs to the query', async () => {
    here.server.answer({ json: { access_token: 't0ken' } });
    const link = linkTo({
      getToken: () => ({
        origins: [here.server.origin],
        async apply(request) {
          await Promise.resolve();
          request.headers['x-signature'] = createHmac('sha256', 'k')
            .update(request.method + request.body)
            .digest('hex');
          request.path += '?key=1';
        },
      }),
    });
    await here.build({ provider: link, json: { a: 1 } }).getToken(here.test.run);
    const { headers, path } = here.lastRequest();
    expect(headers['x-signature']).toBe(createHmac('sha256', 'k').update('POST{"a":1}').digest('hex'));
    expect(path).toBe('/token?key=1');
  });

  it('fails as the other provider fails', async () => {
    const link = linkTo({ getToken: () => Promise.reject(tokenUnavailable('slow_down', { retryAfterSeconds: 3 })) });
    expect(await failureOfToken(here.build({ provider: link }), here.test.run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'slow_down', tokenProvider: 'inner' },
    });
  });

  it('differs by caller where the other provider does, and shows the state of it', () => {
    const inner = linkTo({ subject: () => 'somebody' });
    const provider = here.build({ provider: inner });
    expect(provider.subject?.(here.test.run)).toBe('somebody');
    expect(provider.state?.()).toEqual({ links: [inner.state()] });
    expect(Object.keys(here.build())).toEqual(['getToken', 'invalidate']);
  });

  function linkTo(provider: Partial<TokenProvider>): TokenLink {
    const { link } = fakeToken(['one'], here.test);
    const whole: TokenProvider = { getToken: (run) => link.getToken(run), invalidate: () => undefined, ...provider };
    return linkOf({ name: 'inner', type: 'fake', provider: whole }, here.test);
  }
});
