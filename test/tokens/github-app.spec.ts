import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jwtVerify } from 'jose';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import { Secret } from '../../src/kernel/schema.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { githubAppTokenProvider } from '../../src/tokens/github-app.ts';
import { leaksOf } from '../support/canary.ts';
import { createInstance } from '../support/component-instance.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';
import {
  startTokenServer,
  type TokenServer,
  type TokenServerAnswer,
  type TokenServerRequest,
} from '../support/token-server.ts';
import { failureOfToken, headersOf, rotatingSecret, secretOf } from '../support/token-outcomes.ts';
import { eventually } from '../support/turn.ts';

type Config = Parameters<typeof githubAppTokenProvider.create>[0];

const app = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pem = app.privateKey.export({ type: 'pkcs1', format: 'pem' });
const token = 'ghs_16C7e42F292c6912E7710c838347Ae178B4a';
const { run } = testRun();
let clock: TestClock;
let http: HttpCalls;
let github: TokenServer;

beforeEach(async () => {
  clock = new TestClock();
  http = new HttpCalls(clock);
  github = await startTokenServer();
  github.answer(believing('42'));
});
afterEach(async () => {
  await http.close();
  await github.close();
});

const inAnHour = (): string => new Date(clock.wallTime() + 3_600_000).toISOString().replace('.000Z', 'Z');

/** Gives a token to whoever proves to be the app, by the rules of GitHub. */
function believing(issuer: string): (request: TokenServerRequest) => Promise<TokenServerAnswer> {
  return async ({ method, headers, path }) => {
    if (method !== 'POST' || path !== '/api/v3/app/installations/7/access_tokens') return { status: 404, json: {} };
    if (headers['user-agent'] === undefined) return { status: 403, body: 'Request forbidden by administrative rules.' };
    const jwt = (headers['authorization'] ?? '').replace(/^Bearer /, '');
    const now = Math.floor(clock.wallTime() / 1_000);
    try {
      const { payload } = await jwtVerify(jwt, app.publicKey, {
        issuer,
        algorithms: ['RS256'],
        currentDate: new Date(now * 1_000),
      });
      const { iat = Infinity, exp = Infinity } = payload;
      if (iat > now - 60 || exp > now + 600 || exp - iat > 600) return { status: 401, json: { message: 'bad times' } };
    } catch {
      return { status: 401, json: { message: `A JSON web token could not be decoded: ${jwt}` } };
    }
    return { status: 201, json: { token, expires_at: inAnHour(), permissions: { models: 'read' } } };
  };
}

/** The app with the id 42, unless it is told another name. */
function build(
  changes: Partial<Config> = {},
  id: Pick<Partial<Config>, 'appId' | 'clientId'> = { appId: 42 },
): TokenProvider {
  return githubAppTokenProvider.create(
    {
      installationId: 7,
      privateKey: secretOf(pem),
      apiUrl: `${github.origin}/api/v3`,
      network: 'private',
      timeout: '5s',
      header: 'authorization',
      scheme: 'Bearer',
      ...id,
      ...changes,
    },
    { clock, http },
  );
}

describe('a token of a GitHub App', () => {
  it('is had for its key, and counts for as long as GitHub says', async () => {
    const credential = await build().getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${token}` });
    expect(credential.expiresAt).toBe(clock.now() + 3_600_000);
    expect(github.requests[0]).toMatchObject({
      headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
      body: '{}',
    });
  });

  it('is had at an address with slashes behind it', async () => {
    const credential = await build({ apiUrl: `${github.origin}/api/v3//` }).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${token}` });
  });

  it('is had by the client id', async () => {
    github.answer(believing('Iv23liExample'));
    expect(await headersOf(await build({}, { clientId: 'Iv23liExample' }).getToken(run))).toEqual({
      authorization: `Bearer ${token}`,
    });
  });

  it.each([
    ['PKCS #8', app.privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['one line, as in an environment variable', pem.replaceAll('\n', '\\n')],
  ])('is had for a key in %s', async (_name, key) => {
    expect(await headersOf(await build({ privateKey: secretOf(key) }).getToken(run))).toEqual({
      authorization: `Bearer ${token}`,
    });
  });

  it('may be for less than the whole installation', async () => {
    await build({ permissions: { models: 'read' }, repositories: ['one', 'two.js'] }).getToken(run);
    expect(JSON.parse(github.requests[0]?.body ?? '')).toEqual({
      permissions: { models: 'read' },
      repositories: ['one', 'two.js'],
    });
  });

  it('goes where the config says', async () => {
    const credential = await build({ header: 'api-key', scheme: '' }).getToken(run);
    expect(await headersOf(credential)).toEqual({ 'api-key': token });
  });

  it('is had with the key of the moment', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
    let key = other.export({ type: 'pkcs1', format: 'pem' });
    const provider = build({ privateKey: new Secret('KEY', () => key) });
    expect(await failureOfToken(provider, run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'GitHub does not know the app by this key', status: 401 },
    });
    key = pem;
    expect(await headersOf(await provider.getToken(run))).toEqual({ authorization: `Bearer ${token}` });
  });

  it('is another one each time, so that a refused one needs no care', async () => {
    const provider = build();
    const first = await provider.getToken(run);
    provider.invalidate(first, { reason: 'rejected' });
    expect(await provider.getToken(run)).not.toBe(first);
    expect(github.requests).toHaveLength(2);
  });
});

describe('a GitHub', () => {
  it.each<[string, TokenServerAnswer, string]>([
    ['a page', { status: 200, body: '<html>' }, 'TOKEN_INVALID'],
    ['nothing', { status: 201 }, 'TOKEN_INVALID'],
    ['no token', { status: 201, json: { expires_at: '2026-01-01T01:00:00Z' } }, 'TOKEN_INVALID'],
    ['a token that is a number', { status: 201, json: { token: 5 } }, 'TOKEN_INVALID'],
    ['a token with a line end', { status: 201, json: { token: 'a\r\nb: c' } }, 'TOKEN_INVALID'],
    ['a token of the past', { status: 201, json: { token: 'a', expires_at: '2020-01-01T00:00:00Z' } }, 'TOKEN_INVALID'],
    ['a date that is none', { status: 201, json: { token: 'a', expires_at: 'soon' } }, 'TOKEN_INVALID'],
    ['10 MB', { status: 201, body: 'a'.repeat(10_000_000) }, 'TOKEN_INVALID'],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }, 'TOKEN_INVALID'],
    ['no such installation', { status: 404, json: { message: 'Not Found' } }, 'TOKEN_UNAVAILABLE'],
    ['no such permission', { status: 422, json: { message: 'no' } }, 'TOKEN_UNAVAILABLE'],
    ['a failure', { status: 500, body: 'Unicorn!' }, 'TOKEN_UNAVAILABLE'],
    ['a reset', { fault: 'reset' }, 'TOKEN_UNAVAILABLE'],
    ['no HTTP at all', { raw: 'garbage\r\n\r\n' }, 'TOKEN_UNAVAILABLE'],
  ])('that answers with %s makes a failure without a secret', async (_name, answer, code) => {
    github.answer(answer);
    const failure = await failureOfToken(build(), run);
    expect(failure).toMatchObject({ code, context: { reason: expect.any(String) } });
    const jwt = github.requests[0]?.headers['authorization']?.slice('Bearer '.length) ?? 'there is one always';
    expect([jwt, pem.split('\n')[1] ?? ''].flatMap((secret) => leaksOf(secret, failure.printed))).toEqual([]);
  });

  it('that limits the rate says for how long', async () => {
    github.answer({ status: 403, headers: { 'retry-after': '37' }, json: { message: 'secondary rate limit' } });
    await expect(build().getToken(run)).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE', retryAfterSeconds: 37 });
  });

  it('that is silent is waited for until the timeout', async () => {
    github.answer({ fault: 'half', json: { token, expires_at: inAnHour() } });
    const failing = failureOfToken(build({ timeout: '2s' }), run);
    await eventually(() => github.requests.length > 0, 'the question');
    await clock.advance(2_000);
    expect(await failing).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'UPSTREAM_HEADERS_TIMEOUT' } });
    expect(clock.pending).toBe(0);
  });

  it('that redirects to another host sends no token there', async () => {
    const other = await startTokenServer();
    github.answer({ status: 308, headers: { location: other.url } });
    expect((await failureOfToken(build(), run)).code).toBe('TOKEN_INVALID');
    expect(other.requests).toEqual([]);
    await other.close();
  });

  it.each([
    ['no key at all', 'no-key-55192'],
    [
      'a key of another kind',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    ['a public key', app.publicKey.export({ type: 'spki', format: 'pem' })],
  ])('is not asked with %s', async (_name, key) => {
    const rotating = rotatingSecret(app.privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const provider = build({ privateKey: rotating.secret });
    rotating.becomes(key);
    const failure = await failureOfToken(provider, run);
    expect(failure.code).toBe('TOKEN_INVALID');
    expect(leaksOf(key.split('\n')[1] ?? key, failure.printed)).toEqual([]);
    expect(() => build({ privateKey: secretOf(key) })).toThrow(/^privateKey: SOME_SECRET: th.* key/);
    expect(github.requests).toEqual([]);
  });
});

describe('a definition with the provider github-app', () => {
  const base = { installationId: 7, privateKey: { $env: 'APP_SECRET' } };
  const create = (config: unknown): TokenProvider =>
    createInstance(githubAppTokenProvider, config, testRun().capabilities);

  it.each([
    ['no id', base, /one of "appId" and "clientId"/],
    ['two ids', { ...base, appId: 1, clientId: 'a' }, /one of "appId" and "clientId"/],
    ['an installation that leads elsewhere', { ...base, appId: 1, installationId: '7/../8' }, /must be integer/],
    ['a repository with its owner', { ...base, appId: 1, repositories: ['me/mine'] }, /must match pattern/],
    [
      'plain HTTP in the public network',
      { ...base, appId: 1, apiUrl: 'http://github.example' },
      /apiUrl: http: is for/,
    ],
    ['an address with a query', { ...base, appId: 1, apiUrl: 'https://github.example/?a=' }, /must match pattern/],
    ['a header that frames', { ...base, appId: 1, header: 'Content-Length' }, /can't carry a token/],
  ])('is refused for %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });
});
