import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, jwtVerify } from 'jose';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { jwtBearerTokenProvider } from '../../src/tokens/jwt-bearer.ts';
import { leaksOf } from '../support/canary.ts';
import { fakeRun } from '../support/chat-run.ts';
import { startOidcServer, type OidcServer } from '../support/oidc-server.ts';
import { TestClock } from '../support/test-clock.ts';
import { failureOfToken, headersOf, rotatingSecret, secretOf } from '../support/token-outcomes.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';
import { within } from '../support/turn.ts';

type Config = Parameters<typeof jwtBearerTokenProvider.create>[0];

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let clock: TestClock;
let http: HttpCalls;
let server: TokenServer;

beforeEach(async () => {
  clock = new TestClock();
  http = new HttpCalls(clock);
  server = await startTokenServer();
  server.answer({ json: { access_token: 'given', token_type: 'Bearer', expires_in: 600 } });
});
afterEach(async () => {
  await http.close();
  await server.close();
});

const build = (config: Partial<Config> = {}): TokenProvider =>
  jwtBearerTokenProvider.create(
    {
      tokenUrl: server.url,
      network: 'private',
      timeout: '5s',
      issuer: 'sluice@example.com',
      privateKey: secretOf(pem(rsa.privateKey)),
      lifetime: '5m',
      claims: {},
      header: 'authorization',
      scheme: 'Bearer',
      ...config,
    },
    { http, clock },
  );

const tokenOf = async (provider: TokenProvider): Promise<string> => {
  const credential = await within(Promise.resolve(provider.getToken(fakeRun())), 'a token');
  return (await headersOf(credential))['authorization'] ?? '';
};

const assertionOf = (place: number): string => server.requests[place]?.form.get('assertion') ?? '';

describe('with a real provider', () => {
  let oidc: OidcServer;
  const grant = { grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'] };
  beforeEach(async () => {
    // The provider knows the true time only, and an assertion has a date.
    clock = new TestClock({ wallTime: Date.now() });
    oidc = await startOidcServer({
      clients: [{ client_id: 'sluice', client_secret: 'client-secret', ...grant }],
      trusted: { 'sluice@example.com': rsa.publicKey, elliptic: elliptic.publicKey },
    });
  });
  afterEach(() => oidc.close());

  const client = { clientId: 'sluice', clientSecret: secretOf('client-secret') };

  it('each assertion gives a token for its subject', async () => {
    const provider = build({ tokenUrl: oidc.tokenUrl, client, subject: 'anna', scope: 'models.use' });
    const tokens = [await tokenOf(provider), await tokenOf(provider)];
    expect(tokens[0]).not.toBe(tokens[1]);
    expect(await oidc.read(String(tokens[1]).slice('Bearer '.length))).toMatchObject({
      scope: 'models.use',
      extra: { sub: 'anna', iss: 'sluice@example.com' },
    });
    expect(oidc.refusals).toEqual([]);
  });

  it('a key of another kind, for the audience that the server wants', async () => {
    const provider = build({
      tokenUrl: oidc.tokenUrl,
      client,
      issuer: 'elliptic',
      privateKey: secretOf(pem(elliptic.privateKey)),
      audience: oidc.issuer,
    });
    expect(await tokenOf(provider)).toMatch(/^Bearer ./);
  });

  it.each<[string, Partial<Config>]>([
    ['a key that is not the one of the issuer', { issuer: 'elliptic' }],
    ['an issuer that nobody knows', { issuer: 'somebody' }],
    ['another audience', { audience: 'https://other.example/' }],
  ])('%s gives none', async (_what, config) => {
    const failure = await failureOfToken(build({ tokenUrl: oidc.tokenUrl, client, ...config }), fakeRun());
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_grant' } });
  });
});

describe('an assertion', () => {
  it('says who speaks for whom, to whom, and how long', async () => {
    expect(await tokenOf(build({ keyId: 'key-1', claims: { tenant: 'care', 'https://a.example/role': 'bot' } }))).toBe(
      'Bearer given',
    );
    const { payload, protectedHeader } = await jwtVerify(assertionOf(0), rsa.publicKey, {
      currentDate: new Date(clock.wallTime()),
    });
    const now = clock.wallTime() / 1_000;
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    expect(payload).toEqual({
      iss: 'sluice@example.com',
      sub: 'sluice@example.com',
      aud: server.url,
      // To a server whose clock is behind it has begun as well.
      iat: now - 30,
      exp: now + 270,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant: 'care',
      'https://a.example/role': 'bot',
    });
    const form = Object.fromEntries(server.requests[0]?.form ?? []);
    expect({ ...form, assertion: '' }).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: '',
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('that is short is dated back by a part of its time only', async () => {
    await tokenOf(build({ lifetime: '20s' }));
    const now = clock.wallTime() / 1_000;
    expect(decodeJwt(assertionOf(0))).toMatchObject({ iat: now - 2, exp: now + 18 });
  });

  it('is another one each time', async () => {
    const provider = build();
    await tokenOf(provider);
    await tokenOf(provider);
    expect(decodeJwt(assertionOf(0)).jti).not.toBe(decodeJwt(assertionOf(1)).jti);
  });

  it.each<[Partial<Config>, string, KeyObject]>([
    [{ algorithm: 'PS256' }, 'PS256', rsa.publicKey],
    [{ algorithm: 'RS512' }, 'RS512', rsa.publicKey],
    [{ privateKey: secretOf(pem(elliptic.privateKey)) }, 'ES256', elliptic.publicKey],
  ])('with %j is signed with %s', async (config, algorithm, key) => {
    await tokenOf(build(config));
    const options = { currentDate: new Date(clock.wallTime()), algorithms: [algorithm] };
    await expect(jwtVerify(assertionOf(0), key, options)).resolves.toBeDefined();
  });

  it('is signed with the key that the file holds now', async () => {
    let key = rsa;
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const provider = build({ privateKey: Object.assign(secretOf(''), { reveal: () => pem(key.privateKey) }) });
    await tokenOf(provider);
    key = other;
    await tokenOf(provider);
    const options = { currentDate: new Date(clock.wallTime()) };
    await expect(jwtVerify(assertionOf(1), other.publicKey, options)).resolves.toBeDefined();
  });

  it('comes with a client where the server wants one', async () => {
    const client = { clientId: 'sluice', clientSecret: secretOf('client-secret') };
    await tokenOf(build({ client }));
    await tokenOf(build({ client: { ...client, authentication: 'client_secret_post' } }));
    const basic = `Basic ${Buffer.from('sluice:client-secret').toString('base64')}`;
    expect(server.requests[0]?.headers).toMatchObject({ authorization: basic });
    expect(server.requests[1]?.form.get('client_secret')).toBe('client-secret');
  });
});

it('a token lives as long as the server says', async () => {
  const { expiresAt } = await build().getToken(fakeRun());
  expect(expiresAt).toBe(clock.now() + 600_000);
});

describe('no token', () => {
  it.each([
    ['that is no key', 'canary0private0key'],
    ['that is a public key', rsa.publicKey.export({ type: 'spki', format: 'pem' })],
    ['that does not fit the algorithm', pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
  ])('for a private key %s, which is not shown', async (_what, text) => {
    const key = rotatingSecret(pem(rsa.privateKey));
    const config = { privateKey: key.secret, algorithm: 'RS256' } as const;
    const provider = build(config);
    key.becomes(text);
    expect(() => build(config)).toThrow(/^privateKey: SOME_SECRET: th(?:is|e)/);
    const { code, printed } = await failureOfToken(provider, fakeRun());
    expect(code).toBe('TOKEN_INVALID');
    expect(printed).not.toMatch(/canary|BEGIN/);
    expect(server.requests).toHaveLength(0);
  });

  it('for an assertion that is refused, which is not shown', async () => {
    server.answer(({ form }) => ({
      status: 400,
      json: { error: 'invalid_grant', error_description: `bad: ${form.get('assertion')}` },
    }));
    const failure = await failureOfToken(build(), fakeRun());
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_grant' } });
    expect(leaksOf(assertionOf(0), failure.printed)).toEqual([]);
  });
});

describe('a definition', () => {
  it.each<[string, Partial<Config>]>([
    ['lifetime', { lifetime: '2h' }],
    ['lifetime', { lifetime: '999ms' }],
    ['tokenUrl', { tokenUrl: 'http://login.example.com/token', network: 'public' }],
    ["can't carry a token", { header: 'Host' }],
    ['clientSecret', { client: { clientId: 'sluice' } }],
    [
      'over https only',
      { client: { clientId: 'sluice', authentication: 'tls', certificate: secretOf('c'), privateKey: secretOf('k') } },
    ],
  ])('is told of %s in %j', (word, config) => {
    expect(() => build(config)).toThrow(word);
  });

  it.each(['iss', 'sub', 'aud', 'iat', 'nbf', 'exp', 'jti'])('does not set the claim %s itself', (claim) => {
    expect(() => build({ claims: { [claim]: '1' } })).toThrow(`claims: "${claim}" is set by the assertion itself`);
  });

  it('may have assertions of an hour', () => {
    expect(() => build({ lifetime: '60m' })).not.toThrow();
  });
});
