import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { HttpCalls } from '../../../../src/forward/http-calls.ts';
import { describeCause, SluiceError } from '../../../../src/kernel/errors.ts';
import { Secret } from '../../../../src/kernel/schema.ts';
import { clientAuthentication, noClient } from '../../../../src/kernel/tokens/oauth/client-authentication.ts';
import {
  requestToken,
  type TokenEndpoint,
  type TokenGrant,
  type TokenParameters,
} from '../../../../src/kernel/tokens/oauth/token-endpoint.ts';
import { leaksOf } from '../../../support/canary.ts';
import { refusingPort } from '../../../support/dead-port.ts';
import { unsignedJwt as jwt } from '../../../support/http-provider.ts';
import { TestClock } from '../../../support/test-clock.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../../../support/token-server.ts';
import { eventually } from '../../../support/turn.ts';

const clientSecret = 'CANARY-client-9f0c5b1e7d3a4c68';
const token = 'CANARY-token-4b7e2d9a1c5f8063';
const grant = { grant_type: 'client_credentials' };

let clock: TestClock;
let http: HttpCalls;
let server: TokenServer;
let other: TokenServer;

beforeAll(async () => {
  server = await startTokenServer();
  other = await startTokenServer();
  other.answer({ json: { access_token: token, token_type: 'Bearer' } });
});
beforeEach(() => {
  clock = new TestClock();
  http = new HttpCalls(clock);
});
afterEach(() => http.close());
afterAll(async () => {
  await server.close();
  await other.close();
});

const endpoint = (over: Partial<TokenEndpoint> = {}): TokenEndpoint => ({
  url: server.url,
  network: 'private',
  timeoutMilliseconds: 5_000,
  authentication: clientAuthentication({
    clientId: 'sluice',
    authentication: 'client_secret_basic',
    clientSecret: new Secret('CLIENT_SECRET', () => clientSecret),
  }),
  ...over,
});

function ask(
  over: Partial<TokenEndpoint> = {},
  parameters: TokenParameters = grant,
  signal = new AbortController().signal,
): Promise<TokenGrant> {
  return requestToken(endpoint(over), parameters, { http, clock }, signal);
}

async function failureOf(asked: Promise<TokenGrant>): Promise<SluiceError> {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

function expectNoSecret(error: SluiceError): void {
  const { cause, context, details, message, stack } = error;
  const shown = [
    inspect(error, { depth: 12, showHidden: true }),
    JSON.stringify({ ...error, cause, context, details, message, stack }),
    describeCause(error),
  ].join('\n');
  for (const secret of [token, clientSecret]) expect(leaksOf(secret, shown)).toEqual([]);
}

describe('a question to a token server', () => {
  it('is a form, with the client in a header', async () => {
    server.answer({ json: { access_token: token, token_type: 'Bearer' } });
    await ask({}, { ...grant, scope: 'a b&c=d', resource: ['https://one.example/', 'https://two.example/?x=1'] });
    const request = server.requests.at(-1);
    expect(request).toMatchObject({
      method: 'POST',
      path: '/token',
      headers: {
        'content-type': expect.stringMatching(/^application\/x-www-form-urlencoded/),
        accept: 'application/json',
        'accept-encoding': 'identity',
        authorization: `Basic ${Buffer.from(`sluice:${clientSecret}`).toString('base64')}`,
        'user-agent': 'sluice',
      },
    });
    expect([...(request?.form ?? [])]).toEqual([
      ['scope', 'a b&c=d'],
      ['resource', 'https://one.example/'],
      ['resource', 'https://two.example/?x=1'],
      ['grant_type', 'client_credentials'],
    ]);
  });

  it('keeps the query of the address', async () => {
    server.answer({ json: { access_token: token } });
    await ask({ url: `${server.origin}/oauth?tenant=a%20b` });
    expect(server.requests.at(-1)?.path).toBe('/oauth?tenant=a%20b');
  });

  it('names no client where there is none', async () => {
    server.answer({ json: { access_token: token } });
    await ask(
      { authentication: noClient },
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'x' },
    );
    expect(server.requests.at(-1)?.headers).not.toHaveProperty('authorization');
    expect(server.requests.at(-1)?.form.has('client_id')).toBe(false);
  });

  it('arrives as it was asked, whatever the values', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
    server.answer({ json: { access_token: token } });
    await fc.assert(
      fc.asyncProperty(text, fc.array(text, { minLength: 1, maxLength: 3 }), async (scope, resource) => {
        await ask({}, { ...grant, scope, resource });
        expect(server.requests.at(-1)?.form.get('scope')).toBe(scope);
        expect(server.requests.at(-1)?.form.getAll('resource')).toEqual(resource);
      }),
      { numRuns: 50 },
    );
  });
});

describe('an answer with a token', () => {
  const start = 1_000;
  const wall = Date.UTC(2026, 0, 1) / 1_000;

  it.each<readonly [string, Record<string, unknown>, Partial<TokenGrant>]>([
    ['a lifetime', { expires_in: 3_600 }, { expiresAt: start + 3_600_000 }],
    ['a lifetime in digits', { expires_in: '3600' }, { expiresAt: start + 3_600_000 }],
    ['a lifetime with a fraction', { expires_in: 1.5 }, { expiresAt: start + 1_500 }],
    ['no lifetime', {}, {}],
    ['a lifetime of null', { expires_in: null }, {}],
    ['a type in other letters', { token_type: 'bEARER' }, {}],
    ['a refresh token', { refresh_token: 'r-1' }, {}],
    ['a refresh token that is none', { refresh_token: 'a\r\nb' }, {}],
    ['a scope', { scope: 'a b' }, {}],
    ['a list of scopes, as some servers have it', { scope: ['a'] }, {}],
    ['an id token that nobody asked for', { id_token: 'x.y.z' }, {}],
    [
      'a type of what was issued',
      { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      { issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token' },
    ],
    [
      'no type of token, since it is none for access',
      { issued_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_type: 'N_A' },
      { issuedTokenType: 'urn:ietf:params:oauth:token-type:jwt', tokenType: 'n_a' },
    ],
    [
      'the end that the token itself has',
      { access_token: jwt(wall + 60) },
      { token: jwt(wall + 60), expiresAt: start + 60_000 },
    ],
    [
      'a lifetime that is longer than the token itself says',
      { access_token: jwt(wall + 300), expires_in: 3_600 },
      { token: jwt(wall + 300), expiresAt: start + 300_000 },
    ],
  ])('may have %s', async (_what, fields, expected) => {
    server.answer({ json: { access_token: token, token_type: 'Bearer', ...fields } });
    expect(await ask()).toEqual({ token, tokenType: 'bearer', ...expected });
  });

  it('may have no type', async () => {
    server.answer({ json: { access_token: token } });
    expect(await ask()).toEqual({ token });
  });

  it('is as old as the question', async () => {
    let release: (() => void) | undefined;
    const after = new Promise<void>((resolve) => (release = resolve));
    server.answer({ json: { access_token: token, expires_in: 10 }, after });
    const seen = server.requests.length;
    const asked = ask();
    await eventually(() => server.requests.length > seen, 'the question');
    await clock.advance(3_000);
    release?.();
    expect(await asked).toEqual({ token, expiresAt: start + 10_000 });
  });
});

describe('an answer that is no good', () => {
  const good = { access_token: token, token_type: 'Bearer', expires_in: 3_600 };
  const html = `<html><body>Sign in, ${token}</body></html>`;
  const nested = (depth: number): string => `{"access_token":"${token}","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each<readonly [string, TokenServerAnswer, string, string]>([
    [
      'HTML',
      { body: html, headers: { 'content-type': 'text/html' } },
      'TOKEN_INVALID',
      'did not answer with a JSON object',
    ],
    ['HTML that says no', { status: 403, body: html }, 'TOKEN_UNAVAILABLE', 'the token server refused'],
    ['nothing', {}, 'TOKEN_INVALID', 'did not answer with a JSON object'],
    ['no content', { status: 204 }, 'TOKEN_INVALID', 'did not answer with a JSON object'],
    [
      'half of the JSON',
      { body: JSON.stringify(good).slice(0, -5) },
      'TOKEN_INVALID',
      'did not answer with a JSON object',
    ],
    ['a list', { json: [good] }, 'TOKEN_INVALID', 'did not answer with a JSON object'],
    ['a text', { json: token }, 'TOKEN_INVALID', 'did not answer with a JSON object'],
    ['null', { body: 'null' }, 'TOKEN_INVALID', 'did not answer with a JSON object'],
    ['a key for the prototype', { body: `{"__proto__":{"access_token":"${token}"}}` }, 'TOKEN_INVALID', 'JSON object'],
    ['deep nesting', { body: nested(10_000) }, 'TOKEN_INVALID', 'JSON object'],
    ['10 MB', { json: { ...good, padding: 'x'.repeat(10_000_000) } }, 'TOKEN_INVALID', 'too large'],
    [
      'a token of 20 KB',
      { json: { ...good, access_token: token.repeat(700) } },
      'TOKEN_INVALID',
      'the token is too long',
    ],
    ['no token', { json: { token_type: 'Bearer' } }, 'TOKEN_INVALID', 'the answer has no access_token'],
    ['an empty token', { json: { ...good, access_token: '' } }, 'TOKEN_INVALID', 'the token is empty'],
    [
      'a token that is no text',
      { json: { ...good, access_token: { token } } },
      'TOKEN_INVALID',
      'the answer has no access_token',
    ],
    [
      'CR and LF in the token',
      { json: { ...good, access_token: `${token}\r\nx: y` } },
      'TOKEN_INVALID',
      'no header takes',
    ],
    ['LF behind the token', { json: { ...good, access_token: `${token}\n` } }, 'TOKEN_INVALID', 'no header takes'],
    ['NUL in the token', { json: { ...good, access_token: `${token}\0` } }, 'TOKEN_INVALID', 'no header takes'],
    [
      'a letter beyond Latin 1',
      { json: { ...good, access_token: `${token}\u0416` } },
      'TOKEN_INVALID',
      'no header takes',
    ],
    ['a lifetime of 0', { json: { ...good, expires_in: 0 } }, 'TOKEN_INVALID', 'expired at its birth'],
    ['a lifetime below 0', { json: { ...good, expires_in: -5 } }, 'TOKEN_INVALID', 'expired at its birth'],
    ['a lifetime of "0"', { json: { ...good, expires_in: '0' } }, 'TOKEN_INVALID', 'expired at its birth'],
    ['a lifetime of 1e12', { json: { ...good, expires_in: 1e12 } }, 'TOKEN_INVALID', 'more than ten years'],
    ['a token that is over', { json: { ...good, access_token: jwt(1) } }, 'TOKEN_INVALID', 'expired at its birth'],
    ['a lifetime in words', { json: { ...good, expires_in: token } }, 'TOKEN_INVALID', 'no usable lifetime'],
    ['a lifetime that is an object', { json: { ...good, expires_in: {} } }, 'TOKEN_INVALID', 'no usable lifetime'],
    ['a token bound to a key', { json: { ...good, token_type: 'DPoP' } }, 'TOKEN_INVALID', 'not Bearer'],
    ['a token of another type', { json: { ...good, token_type: 'mac' } }, 'TOKEN_INVALID', 'not Bearer'],
    ['a type that is no text', { json: { ...good, token_type: 7 } }, 'TOKEN_INVALID', 'not Bearer'],
    [
      'no access, and nothing said of what it is',
      { json: { ...good, token_type: 'N_A' } },
      'TOKEN_INVALID',
      'not Bearer',
    ],
    ['a code of refusal', { status: 400, json: { error: 'invalid_client' } }, 'TOKEN_UNAVAILABLE', 'invalid_client'],
    [
      'a refusal that repeats a secret',
      { status: 401, json: { error: `bad ${clientSecret}`, error_description: `${clientSecret} is wrong` } },
      'TOKEN_UNAVAILABLE',
      'the token server refused',
    ],
    [
      'a challenge that repeats a secret',
      { status: 401, headers: { 'www-authenticate': `Basic realm="${clientSecret}"` } },
      'TOKEN_UNAVAILABLE',
      'the token server refused',
    ],
    ['a failure', { status: 503, headers: { 'retry-after': '7' } }, 'TOKEN_UNAVAILABLE', 'the token server refused'],
    ['a reset', { fault: 'reset' }, 'TOKEN_UNAVAILABLE', 'UPSTREAM_RESET'],
    ['no HTTP', { raw: `SSH-2.0-${token}\r\n` }, 'TOKEN_UNAVAILABLE', 'UPSTREAM_BAD_CONTENT'],
    [
      'less than it said',
      { raw: `HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"access_token":"${token}"}` },
      'TOKEN_UNAVAILABLE',
      'UPSTREAM_TRUNCATED',
    ],
    [
      'garbage in place of a chunk',
      { raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${token}` },
      'TOKEN_UNAVAILABLE',
      'UPSTREAM_BAD_CONTENT',
    ],
  ])('is %s', async (_what, answer, code, reason) => {
    server.answer(answer);
    const error = await failureOf(ask());
    expect(error).toMatchObject({ code, context: { reason: expect.stringContaining(reason) } });
    expectNoSecret(error);
    expect(clock.pending).toBe(0);
  });

  it('tells when to come back', async () => {
    server.answer({ status: 429, headers: { 'retry-after': '7' }, json: { error: 'slow_down' } });
    expect(await failureOf(ask())).toMatchObject({
      retryAfterSeconds: 7,
      context: { status: 429, reason: 'slow_down' },
    });
  });

  it.each([301, 302, 303, 307, 308])('is a redirect with %d to another host, which sees nothing', async (status) => {
    server.answer({ status, headers: { location: other.url } });
    const error = await failureOf(ask());
    expect(error).toMatchObject({ code: 'TOKEN_INVALID', context: { reason: 'the token server redirects', status } });
    expect(other.requests).toEqual([]);
    expectNoSecret(error);
  });

  it('is no text of UTF-8', async () => {
    const bytes = Buffer.from(Array.from({ length: 500 }, (_item, index) => (index * 89) % 256));
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    server.answer({ raw: Buffer.concat([Buffer.from(head), bytes]) });
    expect(await failureOf(ask())).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('never gets further than these two codes, whatever JSON it is', async () => {
    const name = fc.constantFrom(
      'access_token',
      'token_type',
      'expires_in',
      'refresh_token',
      'scope',
      'issued_token_type',
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, fc.jsonValue({ maxDepth: 2 })), async (json) => {
        server.answer({ json });
        const code = await ask().then(
          (granted) => (granted.token === json['access_token'] ? 'granted' : 'another token'),
          (error: unknown) => String(Reflect.get(Object(error), 'code')),
        );
        expect(['granted', 'TOKEN_INVALID']).toContain(code);
      }),
      { numRuns: 100 },
    );
  });
});

describe('an answer that does not come', () => {
  it.each(['frozen', 'half'] as const)('is waited for as long as was said (%s)', async (fault) => {
    server.answer({ json: { access_token: token }, fault });
    const seen = server.requests.length;
    const failure = failureOf(ask({ timeoutMilliseconds: 2_000 }));
    await eventually(() => server.requests.length > seen, 'the question');
    await clock.advance(2_000);
    const error = await failure;
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'UPSTREAM_HEADERS_TIMEOUT' } });
    expectNoSecret(error);
  });

  it('ends with the run, whose own reason stays', async () => {
    server.answer({ fault: 'frozen' });
    const abort = new AbortController();
    const seen = server.requests.length;
    const failure = failureOf(ask({}, grant, abort.signal));
    await eventually(() => server.requests.length > seen, 'the question');
    abort.abort(new SluiceError('CLIENT_GONE'));
    expect(await failure).toMatchObject({ code: 'CLIENT_GONE' });
    expect(clock.pending).toBe(0);
  });

  it('is asked of nobody after the run', async () => {
    const seen = server.requests.length;
    const signal = AbortSignal.abort(new SluiceError('CLIENT_GONE'));
    expect(await failureOf(ask({}, grant, signal))).toMatchObject({ code: 'CLIENT_GONE' });
    expect(server.requests.length).toBe(seen);
  });

  it('is not asked for where the client can not prove itself, and what its failure says is not shown', async () => {
    const prove = () => () => Promise.reject(new TypeError(`no key in ${clientSecret}`));
    const error = await failureOf(ask({ authentication: { prove } }));
    const reason = 'the token server could not be asked';
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason, error: 'TypeError' } });
    expectNoSecret(error);
  });

  it('can not come where nobody listens', async () => {
    const error = await failureOf(ask({ url: `http://127.0.0.1:${await refusingPort()}/token` }));
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'UPSTREAM_CONNECT' } });
    expectNoSecret(error);
  });

  it('can not come from the own network where that was not admitted', async () => {
    const seen = server.requests.length;
    const error = await failureOf(ask({ url: server.url.replace('http:', 'https:'), network: 'public' }));
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'EGRESS_BLOCKED' } });
    expect(server.requests.length).toBe(seen);
  });
});
