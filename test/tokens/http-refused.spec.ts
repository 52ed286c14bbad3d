import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { httpTokenProvider } from '../../src/tokens/http.ts';
import { leaksOf } from '../support/canary.ts';
import { buildConfig } from '../support/component-instance.ts';
import { httpDefaults, setUpHttp, unsignedJwt, type HttpConfig, type HttpSetUp } from '../support/http-provider.ts';
import { closedHttp, failureOfToken, secretOf } from '../support/token-outcomes.ts';
import { startTokenServer, type TokenServerAnswer } from '../support/token-server.ts';
import { eventually } from '../support/turn.ts';

const secret = 'canary+4711/&="secret';
let here: HttpSetUp;

beforeEach(async () => {
  here = await setUpHttp();
});
afterEach(() => here.close());

const token = { access_token: 'canary-4711-token' };
const html = { 'content-type': 'text/html' };
const inJson: readonly (readonly [string, TokenServerAnswer, string])[] = [
  ['HTML', { body: '<html>canary-4711-token</html>', headers: html }, 'TOKEN_INVALID'],
  ['nothing', { body: '' }, 'TOKEN_INVALID'],
  ['10 MB', { body: `{"access_token":"${'canary-4711-token'.repeat(620_000)}"}` }, 'TOKEN_INVALID'],
  ['CR and LF', { json: { access_token: 'canary-4711-token\r\nx: y' } }, 'TOKEN_INVALID'],
  ['a token elsewhere', { json: { token: 'canary-4711-token' } }, 'TOKEN_INVALID'],
  ['a token that is an object', { json: { access_token: token } }, 'TOKEN_INVALID'],
  ['a token of another type', { json: { ...token, token_type: 'mac' } }, 'TOKEN_INVALID'],
  ['a token of no type that is one', { json: { ...token, token_type: ['Bearer'] } }, 'TOKEN_INVALID'],
  ['a lifetime of 0', { json: { ...token, in: 0 } }, 'TOKEN_INVALID'],
  ['a lifetime below 0', { json: { ...token, in: -1 } }, 'TOKEN_INVALID'],
  ['a lifetime of ages', { json: { ...token, in: 1e12 } }, 'TOKEN_INVALID'],
  ['a lifetime that is none', { json: { ...token, in: 'canary-4711-token' } }, 'TOKEN_INVALID'],
  ['a date gone by', { json: { ...token, at: '2025-01-01T00:00:00Z' } }, 'TOKEN_INVALID'],
  ['a date that is none', { json: { ...token, at: 'canary-4711-token' } }, 'TOKEN_INVALID'],
  ['a token that has expired', { json: { access_token: unsignedJwt(1_700_000_000) } }, 'TOKEN_INVALID'],
  ['keys of a prototype', { body: '{"access_token":"canary-4711-token","__proto__":{}}' }, 'TOKEN_INVALID'],
];
const inText: readonly (readonly [string, TokenServerAnswer, string])[] = [
  ['HTML', { body: 'canary-4711-token', headers: html }, 'TOKEN_INVALID'],
  ['a page', { body: '<canary-4711-token>' }, 'TOKEN_INVALID'],
  ['nothing', { body: ' \n' }, 'TOKEN_INVALID'],
  ['several words', { body: 'canary-4711-token is the token' }, 'TOKEN_INVALID'],
  ['several lines', { body: 'canary-4711-token\r\nx: y' }, 'TOKEN_INVALID'],
  ['JSON', { json: token }, 'TOKEN_INVALID'],
  ['too long a text', { body: 'canary-4711-token'.repeat(1_000) }, 'TOKEN_INVALID'],
  ['10 MB', { body: 'canary-4711-token'.repeat(620_000) }, 'TOKEN_INVALID'],
];
const inBoth: readonly (readonly [string, TokenServerAnswer, string])[] = [
  ['a refusal', { status: 403, body: 'canary-4711-token' }, 'TOKEN_UNAVAILABLE'],
  ['a failure', { status: 500, json: token }, 'TOKEN_UNAVAILABLE'],
  ['a reset', { fault: 'reset' }, 'TOKEN_UNAVAILABLE'],
  ['garbage', { raw: 'canary-4711-token\r\n\r\n' }, 'TOKEN_UNAVAILABLE'],
];

describe.each<[string, Partial<HttpConfig>, typeof inJson]>([
  ['an endpoint with JSON', { expiresIn: '/in', expiresAt: '/at' }, [...inJson, ...inBoth]],
  ['an endpoint with plain text', { whole: true }, [...inText, ...inBoth]],
])('%s', (_which, config, answers) => {
  it.each(answers)('that answers with %s gives no token, and shows none', async (_what, answer, code) => {
    here.server.answer(answer);
    const failure = await failureOfToken(here.build({ ...config, form: { key: secretOf(secret) } }), here.test.run);
    expect(failure.code).toBe(code);
    expect(failure.printed).not.toContain('canary-4711-token');
    expect(leaksOf(secret, failure.printed)).toEqual([]);
    expect(here.clock.pendingTimers()).toEqual([]);
  });

  it.each([301, 302, 307, 308])('that sends elsewhere with %i is not followed', async (status) => {
    const other = await startTokenServer();
    here.server.answer({ status, headers: { location: other.url }, json: token });
    expect(
      await failureOfToken(here.build({ ...config, form: { key: secretOf(secret) } }), here.test.run),
    ).toMatchObject({
      code: 'TOKEN_INVALID',
      context: { reason: 'the token server redirects' },
    });
    expect(other.requests).toEqual([]);
    await other.close();
  });

  it.each(['frozen', 'half'] as const)('that is %s is given up after the timeout', async (fault) => {
    here.server.answer({ fault, json: token });
    const failing = failureOfToken(here.build({ ...config, timeout: '2s' }), here.test.run);
    await eventually(() => here.server.requests.length > 0, 'the question');
    await here.clock.advance(2_000);
    expect(await failing).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'UPSTREAM_HEADERS_TIMEOUT' } });
  });

  it('is left at once by a run that ends', async () => {
    here.server.answer({ fault: 'frozen' });
    const failing = Promise.resolve(here.build(config).getToken(here.test.run));
    here.test.abort.abort(new SluiceError('CLIENT_GONE'));
    await expect(failing).rejects.toMatchObject({ code: 'CLIENT_GONE' });
    expect(here.clock.pendingTimers()).toEqual([]);
  });
});

describe('a definition', () => {
  it.each<[string, Partial<HttpConfig>, string]>([
    ['http: in public', { url: 'http://auth.example.com', network: 'public' }, 'url'],
    ['a user', { url: 'https://u:p@auth.example.com' }, 'url'],
    ['no address', { url: 'https://' }, 'url'],
    ['a form and a JSON', { form: {}, json: {} }, 'json'],
    ['a GET with a body', { method: 'GET', json: {} }, 'method'],
    ['a framing header', { headers: { 'Content-Length': '3' } }, 'headers.content-length'],
    ['a header twice', { headers: { 'X-A': '1', 'x-a': '2' } }, 'headers'],
    ['a token in a framing header', { header: 'host' }, 'header'],
    ['an end of a plain text', { whole: true, expiresIn: '/a' }, 'whole'],
    ['a key written down', { headers: { 'X-Api-Key': 'k' } }, 'headers.X-Api-Key'],
    ['a key written down in the address', { url: 'https://a.example/token?api_key=k' }, 'url.api_key'],
    ['a secret written down in a form', { form: { client_secret: 'k' } }, 'form.client_secret'],
    ['a password written down', { json: { password: 'k' } }, 'json.password'],
    ['no provider', { provider: { type: 'static' } }, 'token provider'],
  ])('with %s is refused', (_what, config, field) => {
    expect(() => here.build(config)).toThrow(expect.objectContaining({ name: 'TypeError' }));
    expect(() => here.build(config)).toThrow(field);
  });

  it.each([
    {},
    { url: 'auth.example.com' },
    { url: 'https://a.example', token: 'access_token' },
    { url: 'https://a.example', token: '' },
    { url: 'https://a.example', token: '/a~2' },
    { url: 'https://a.example', method: 'PUT' },
    { url: 'https://a.example', headers: { 'x key': 'a' } },
    { url: 'https://a.example', headers: { x: 'a\r\nb: c' } },
    { url: 'https://a.example', headers: { x: { $env: 'A_TOKEN', more: 1 } } },
    { url: 'https://a.example', form: { a: 1 } },
    { url: 'https://a.example', json: { a: { b: 1 } } },
    { url: 'https://a.example', network: 'metadata' },
  ])('with %j is no config', (config) => {
    expect(buildConfig(httpTokenProvider, config).mistakes).not.toEqual([]);
  });

  it('may have text and secrets side by side', () => {
    const key = { $env: 'SOME_TOKEN' };
    const { mistakes, built } = buildConfig(httpTokenProvider, {
      url: 'https://a.example',
      headers: { a: 'text', b: key },
      json: { c: 'text', d: key, e: 1, f: true },
    });
    expect(mistakes).toEqual([]);
    expect(built).toMatchObject({
      token: '/access_token',
      headers: { a: 'text', b: expect.any(Secret) },
      json: { c: 'text', d: expect.any(Secret), e: 1, f: true },
    });
  });

  it('is asked of the public network when nothing else is said', async () => {
    const closed = closedHttp();
    const config = { ...httpDefaults, url: 'https://auth.example.com/t', network: 'public' } as const;
    await failureOfToken(httpTokenProvider.create(config, { clock: here.clock, http: closed }), here.test.run);
    expect(closed.asked).toEqual(['public https://auth.example.com/t']);
  });
});
