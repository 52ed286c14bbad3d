import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import { signJwt } from '../../src/kernel/tokens/oauth/sign-jwt.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import { cacheTokenProvider } from '../../src/tokens/cache.ts';
import { oauth2TokenExchangeTokenProvider } from '../../src/tokens/oauth2-token-exchange.ts';
import { leaksOf } from '../support/canary.ts';
import { buildConfig } from '../support/component-instance.ts';
import { knownResource, startOidcServer, type OidcServer } from '../support/oidc-server.ts';
import { LogCapture, MeterCapture } from '../support/log-capture.ts';
import { presenting } from '../support/presenting.ts';
import { TestClock } from '../support/test-clock.ts';
import { failureOfToken, headersOf, secretOf } from '../support/token-outcomes.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';
import { eventually, within } from '../support/turn.ts';

type Config = Parameters<typeof oauth2TokenExchangeTokenProvider.create>[0];
const urn = 'urn:ietf:params:oauth:token-type:';
const clock = new TestClock();
let http: HttpCalls;
let server: TokenServer;

beforeEach(async () => {
  http = new HttpCalls(clock);
  server = await startTokenServer();
});
afterEach(async () => {
  await http.close();
  await server.close();
});

const build = (config: Partial<Config> = {}): TokenProvider =>
  oauth2TokenExchangeTokenProvider.create(
    {
      tokenUrl: server.url,
      network: 'private',
      timeout: '5s',
      clientId: 'sluice',
      authentication: 'client_secret_post',
      clientSecret: secretOf('client-secret'),
      from: ['authorization'],
      subjectTokenType: 'access_token',
      header: 'authorization',
      scheme: 'Bearer',
      ...config,
    },
    { http, clock },
  );

const sent = async (provider: TokenProvider, headers: Record<string, string>): Promise<Record<string, string>> =>
  headersOf(await within(Promise.resolve(provider.getToken(presenting(headers))), 'a token'));

const issued = { access_token: 'exchanged', issued_token_type: `${urn}access_token`, token_type: 'Bearer' };

describe('with a real provider', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let oidc: OidcServer;
  beforeAll(async () => {
    oidc = await startOidcServer({
      clients: [
        {
          client_id: 'sluice',
          client_secret: 'client-secret',
          grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
        },
      ],
      trusted: { company: publicKey },
    });
  });
  afterAll(() => oidc.close());

  const tokenOf = (sub: string, ends = 600): Promise<string> =>
    signJwt(
      { iss: 'company', sub, exp: Math.floor(Date.now() / 1_000) + ends },
      { key: privateKey, algorithm: 'ES256' },
    );

  it('the token is for the caller, and not the one it sent', async () => {
    const provider = build({ tokenUrl: oidc.tokenUrl, scope: 'models.use', subjectTokenType: 'jwt' });
    for (const person of ['anna', 'bert']) {
      const own = await tokenOf(person);
      const { authorization = '' } = await sent(provider, { authorization: `Bearer ${own}` });
      expect(authorization).not.toContain(own);
      expect(await oidc.read(authorization.slice('Bearer '.length))).toMatchObject({
        clientId: 'sluice',
        scope: 'models.use',
        extra: { sub: person },
      });
    }
  });

  it('names the actor where there is one', async () => {
    const provider = build({
      tokenUrl: oidc.tokenUrl,
      from: ['x-user-token'],
      subjectTokenType: 'id_token',
      actorToken: secretOf(await tokenOf('the gateway')),
      actorTokenType: 'jwt',
      audience: 'models',
    });
    const { authorization = '' } = await sent(provider, { 'x-user-token': await tokenOf('anna') });
    const token = await oidc.read(authorization.slice('Bearer '.length));
    expect(token?.extra).toMatchObject({ sub: 'anna', act: { sub: 'the gateway' } });
  });

  it('a token that is over, or of a stranger, gives none, and none to others', async () => {
    const provider = build({ tokenUrl: oidc.tokenUrl, subjectTokenType: 'jwt' });
    const { privateKey: stranger } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const forged = await signJwt({ iss: 'company', sub: 'anna', exp }, { key: stranger, algorithm: 'ES256' });
    for (const token of [await tokenOf('anna', -600), forged, 'garbage']) {
      const failure = await failureOfToken(provider, presenting({ authorization: `Bearer ${token}` }));
      expect(failure).toMatchObject({ code: 'CALLER_KEY_REFUSED', context: { reason: 'invalid_grant' } });
      expect(leaksOf(token, failure.printed)).toEqual([]);
    }
    expect(await sent(provider, { authorization: `Bearer ${await tokenOf('bert')}` })).toHaveProperty('authorization');
  });
});

describe('an exchange', () => {
  it('says what is exchanged, for what', async () => {
    server.answer({ json: issued });
    const provider = build({
      subjectTokenType: 'id_token',
      actorToken: secretOf('actor'),
      requestedTokenType: 'jwt',
      scope: 'one two',
      audience: ['a', 'b'],
      resource: [knownResource, 'urn:other'],
    });
    await sent(provider, { authorization: 'Bearer mine' });
    const fields = [...(server.requests[0]?.form ?? [])].map((pair) => pair.join(' '));
    expect(fields.sort((one, other) => (one < other ? -1 : 1))).toEqual([
      'actor_token actor',
      `actor_token_type ${urn}access_token`,
      'audience a',
      'audience b',
      'client_id sluice',
      'client_secret client-secret',
      'grant_type urn:ietf:params:oauth:grant-type:token-exchange',
      `requested_token_type ${urn}jwt`,
      'resource https://models.example.com/',
      'resource urn:other',
      'scope one two',
      'subject_token mine',
      `subject_token_type ${urn}id_token`,
    ]);
  });

  it('says what the token of the actor is', async () => {
    server.answer({ json: issued });
    await sent(build({ actorToken: secretOf('actor'), actorTokenType: 'saml2' }), { authorization: 'Bearer mine' });
    expect(server.requests[0]?.form.get('actor_token_type')).toBe(`${urn}saml2`);
  });

  it.each([
    [{}, { authorization: 'Bearer mine' }, 'mine'],
    [{}, { authorization: 'mine' }, 'mine'],
    [{ from: ['x-user-token'] }, { authorization: 'Bearer key', 'x-user-token': 'mine' }, 'mine'],
    [{}, { authorization: 'Bearer a&grant_type=password' }, 'a&grant_type=password'],
  ])('with %j, of %j, sends %s', async (config, headers, token) => {
    server.answer({ json: issued });
    expect(await sent(build(config), headers)).toEqual({ authorization: 'Bearer exchanged' });
    expect(server.requests[0]?.form.getAll('subject_token')).toEqual([token]);
    expect(server.requests[0]?.form.getAll('grant_type')).toHaveLength(1);
  });

  it.each([
    [{}, {}],
    [{}, { authorization: '' }],
    [{}, { authorization: 'Bearer ' }],
    [{}, { authorization: 'Basic bWU6cHc=' }],
    [{}, { authorization: 'Digest username="me", realm="x"' }],
    [{}, { authorization: `Bearer ${'x'.repeat(20_000)}` }],
    [{ from: ['x-user-token'] }, { authorization: 'Bearer mine' }],
  ])('with %j, of %j, is not tried', async (config, headers) => {
    const { code, printed } = await failureOfToken(build(config), presenting(headers));
    expect(code).toBe('CALLER_KEY_MISSING');
    expect(printed).toContain(`expected in ${'from' in config ? 'x-user-token' : 'authorization'}.`);
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ['invalid_grant', 400, 'CALLER_KEY_REFUSED'],
    ['invalid_request', 400, 'CALLER_KEY_REFUSED'],
    ['invalid_target', 400, 'TOKEN_UNAVAILABLE'],
    ['invalid_client', 401, 'TOKEN_UNAVAILABLE'],
    ['unauthorized_client', 403, 'TOKEN_UNAVAILABLE'],
  ])('that is refused with %s gives no token', async (error, status, code) => {
    const canary = 'canary0of0a0subject';
    server.answer({ status, json: { error, error_description: `the token ${canary} is bad` } });
    const failure = await failureOfToken(build(), presenting({ authorization: `Bearer ${canary}` }));
    expect(failure).toMatchObject({ code, context: { reason: error, status } });
    expect(leaksOf(canary, failure.printed)).toEqual([]);
  });

  it('ends with its run', async () => {
    server.answer({ fault: 'frozen' });
    const leaving = new AbortController();
    const failing = failureOfToken(build(), presenting({ authorization: 'Bearer mine' }, { signal: leaving.signal }));
    await eventually(() => server.requests.length === 1, 'the request');
    leaving.abort(new Error('client gone'));
    await within(failing, 'the end');
    expect(clock.pending).toBe(0);
  });
});

describe('what was issued', () => {
  const any = { access_token: 'exchanged', expires_in: 60 };
  it.each<[Partial<Config>, Record<string, unknown>, string]>([
    [{}, { issued_token_type: `${urn}access_token`, token_type: 'bearer' }, 'ok'],
    [{}, { issued_token_type: `${urn}access_token` }, 'ok'],
    [{}, { issued_token_type: `${urn}jwt`, token_type: 'N_A' }, 'ok'],
    [{ requestedTokenType: 'jwt' }, { issued_token_type: `${urn}access_token`, token_type: 'Bearer' }, 'ok'],
    [{ requestedTokenType: 'jwt' }, { issued_token_type: `${urn}jwt`, token_type: 'N_A' }, 'ok'],
    [{ requestedTokenType: 'saml2' }, { issued_token_type: `${urn}saml2`, token_type: 'N_A' }, 'ok'],
    [{}, { token_type: 'Bearer' }, 'TOKEN_INVALID'],
    [{}, { issued_token_type: 7, token_type: 'Bearer' }, 'TOKEN_INVALID'],
    [{}, { issued_token_type: `${urn}access_token`, token_type: 'N_A' }, 'TOKEN_INVALID'],
    [{}, { issued_token_type: `${urn}access_token`, token_type: 'DPoP' }, 'TOKEN_INVALID'],
    [{}, { issued_token_type: `${urn}refresh_token`, token_type: 'N_A' }, 'TOKEN_INVALID'],
    [
      { requestedTokenType: 'saml2' },
      { issued_token_type: `${urn}access_token`, token_type: 'Bearer' },
      'TOKEN_INVALID',
    ],
    [{}, { issued_token_type: `${urn}access_token`, access_token: 'a\r\nx: y' }, 'TOKEN_INVALID'],
    [{}, { issued_token_type: `${urn}access_token`, expires_in: -1 }, 'TOKEN_INVALID'],
  ])('with %j, as %j: %s', async (config, json, outcome) => {
    server.answer({ json: { ...any, ...json } });
    const provider = build(config);
    const headers = { authorization: 'Bearer mine' };
    if (outcome === 'ok') expect(await sent(provider, headers)).toEqual({ authorization: 'Bearer exchanged' });
    else expect((await failureOfToken(provider, presenting(headers))).code).toBe(outcome);
  });

  it('lives as long as the token server says', async () => {
    server.answer({ json: { ...issued, expires_in: '60' } });
    const credential = await build().getToken(presenting({ authorization: 'Bearer mine' }));
    expect(credential.expiresAt).toBe(clock.now() + 60_000);
  });
});

describe('the subject', () => {
  const subjectOf = (token: string): string =>
    build().subject?.(presenting({ authorization: `Bearer ${token}` })) ?? '';

  it.each([20, 64, 200])('differs for tokens that share their first %i characters', (length) => {
    const shared = 'eyJhbGciOiJSUzI1NiJ9.'.padEnd(length, 'e').slice(0, length);
    expect(subjectOf(`${shared}A`)).not.toBe(subjectOf(`${shared}B`));
  });

  it('is the same exactly where the token is, and never shows it', () => {
    const token = fc.string({ unit: fc.constantFrom('e', 'y', '.', '_'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(token, token, (one, other) => {
        expect(subjectOf(one) === subjectOf(other)).toBe(one === other);
        expect(subjectOf(one)).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
});

describe('under a cache', () => {
  const cached = (): TokenProvider => {
    const log = new LogCapture();
    const provider = linkOf({ name: 'exchange', type: 'oauth2-token-exchange', provider: build() }, { clock, log });
    return cacheTokenProvider.create(
      { provider, skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 },
      { clock, log, meter: new MeterCapture() },
    );
  };
  const answerItself = (): void =>
    server.answer(({ form }) => ({ json: { ...issued, access_token: `for-${form.get('subject_token')?.at(-1)}` } }));

  it('each caller has a token of its own, however alike their tokens are', async () => {
    answerItself();
    const provider = cached();
    const shared = 'eyJhbGciOiJSUzI1NiJ9.'.padEnd(200, 'e');
    const askAs = (last: string): Promise<string[]> =>
      Promise.all(
        Array.from({ length: 50 }, async () => {
          const headers = await sent(provider, { authorization: `Bearer ${shared}${last}` });
          return headers['authorization'] ?? '';
        }),
      );
    const [forA, forB] = await Promise.all([askAs('A'), askAs('B')]);
    expect([...new Set(forA), ...new Set(forB)]).toEqual(['Bearer for-A', 'Bearer for-B']);
    expect(server.requests).toHaveLength(2);
  });

  it("one caller's refusal is not another's", async () => {
    const provider = cached();
    server.answer({ status: 400, json: { error: 'invalid_grant' } });
    await failureOfToken(provider, presenting({ authorization: 'Bearer A' }));
    answerItself();
    expect(await sent(provider, { authorization: 'Bearer B' })).toEqual({ authorization: 'Bearer for-B' });
    expect((await failureOfToken(provider, presenting({}))).code).toBe('CALLER_KEY_MISSING');
  });
});

describe('a definition', () => {
  it('can not exchange what is no key', () => {
    const config = { tokenUrl: 'https://a.example/', clientId: 'c', from: ['cookie'] };
    expect(buildConfig(oauth2TokenExchangeTokenProvider, config).mistakes).not.toEqual([]);
  });

  it.each<[string, Partial<Config>]>([
    ['tokenUrl', { tokenUrl: 'http://login.example.com/token', network: 'public' }],
    ['actorTokenType', { actorTokenType: 'jwt' }],
    ["can't carry a token", { header: 'Host' }],
    ['clientSecret', { authentication: 'none' }],
  ])('is told of %s', (word, config) => {
    expect(() => build(config)).toThrow(word);
  });
});
