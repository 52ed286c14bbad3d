import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { HttpCaller } from '../../src/kernel/http-caller.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { clientAuthentication } from '../../src/kernel/tokens/oauth/client-authentication.ts';
import { signJwt } from '../../src/kernel/tokens/oauth/sign-jwt.ts';
import { requestToken, type TokenGrant, type TokenParameters } from '../../src/kernel/tokens/oauth/token-endpoint.ts';
import { watchedAnswers } from '../../src/kernel/tokens/oauth/watched-answers.ts';
import { jwtBearerGrant, startOidcServer, tokenExchangeGrant, type OidcServer } from './oidc-server.ts';
import { TestClock } from './test-clock.ts';

const trusted = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clock = new TestClock({ wallTime: Date.now() });
const http = new HttpCalls(clock);
let server: OidcServer;

beforeAll(async () => {
  server = await startOidcServer({
    clients: [
      {
        client_id: 'gateway',
        client_secret: 'word',
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials', 'refresh_token', 'authorization_code', tokenExchangeGrant, jwtBearerGrant],
        redirect_uris: ['https://gateway.example/'],
        response_types: ['code'],
      },
    ],
    trusted: { 'https://issuer.example': trusted.publicKey },
  });
});
afterAll(async () => {
  await http.close();
  await server.close();
});

const ask = (parameters: TokenParameters, caller: HttpCaller = http): Promise<TokenGrant> =>
  requestToken(
    {
      url: server.tokenUrl,
      network: 'private',
      timeoutMilliseconds: 5_000,
      authentication: clientAuthentication({
        clientId: 'gateway',
        authentication: 'client_secret_post',
        clientSecret: new Secret('CLIENT_SECRET', () => 'word'),
      }),
    },
    parameters,
    { http: caller, clock },
    new AbortController().signal,
  );

const assertion = (claims: Record<string, unknown> = {}, key: KeyObject = trusted.privateKey): Promise<string> => {
  const now = Math.floor(clock.wallTime() / 1_000);
  const usual = { iss: 'https://issuer.example', sub: 'ada', aud: server.issuer, iat: now, exp: now + 60 };
  return signJwt({ ...usual, ...claims }, { key, algorithm: 'ES256' });
};
const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
const accessType = 'urn:ietf:params:oauth:token-type:access_token';
const exchange = (subject: string, type: string): TokenParameters => ({
  grant_type: tokenExchangeGrant,
  subject_token: subject,
  subject_token_type: type,
});
const bearer = (text: string): TokenParameters => ({ grant_type: jwtBearerGrant, assertion: text });

describe('the provider of the tests', () => {
  it('exchanges a token of somebody who is trusted', async () => {
    const granted = await ask({ ...exchange(await assertion(), jwtType), audience: 'models', scope: 'models.use' });
    expect(granted).toMatchObject({ issuedTokenType: accessType });
    expect(await server.read(granted.token)).toMatchObject({
      clientId: 'gateway',
      scope: 'models.use',
      extra: { sub: 'ada', requested_audience: 'models' },
    });
  });

  it('exchanges a token of its own, and names who acts', async () => {
    const { token } = await ask({ grant_type: 'client_credentials' });
    const actor = { actor_token: await assertion({ sub: 'robot' }), actor_token_type: jwtType };
    const granted = await ask({ ...exchange(token, accessType), ...actor });
    expect(await server.read(granted.token)).toMatchObject({ extra: { sub: 'gateway', act: { sub: 'robot' } } });
  });

  it('gives a token for an assertion, once', async () => {
    const parameters = { grant_type: jwtBearerGrant, assertion: await assertion({ jti: 'one' }) };
    const { token } = await ask(parameters);
    expect(await server.read(token)).toMatchObject({ extra: { sub: 'ada' } });
    await expect(ask(parameters)).rejects.toMatchObject({ context: { reason: 'invalid_grant' } });
  });

  it.each<readonly [string, () => Promise<TokenParameters>]>([
    ['a subject of a stranger', async () => exchange(await assertion({}, stranger.privateKey), jwtType)],
    ['a subject that it never gave', () => Promise.resolve(exchange('nonsense', accessType))],
    ['an assertion for somebody else', async () => bearer(await assertion({ aud: 'https://other.example' }))],
    ['an assertion of a stranger', async () => bearer(await assertion({}, stranger.privateKey))],
    ['an assertion of an issuer that is not known', async () => bearer(await assertion({ iss: 'https://x.example' }))],
    ['an assertion that is over', async () => bearer(await assertion({ exp: 1 }))],
    ['an assertion for longer than an hour', async () => bearer(await assertion({ exp: 4_000_000_000 }))],
  ])('refuses %s', async (_what, parameters) => {
    await expect(ask(await parameters())).rejects.toMatchObject({ context: { reason: 'invalid_grant' } });
  });

  it('gives a new refresh token for an old one, which counts no more', async () => {
    const first = await server.issueRefreshToken('gateway');
    const given = [first];
    const see = (document: Record<string, unknown>): number => given.push(String(document['refresh_token']));
    const granted = await ask({ grant_type: 'refresh_token', refresh_token: first }, watchedAnswers(http, see));
    expect(await server.read(granted.token)).toMatchObject({ clientId: 'gateway' });
    await ask({ grant_type: 'refresh_token', refresh_token: given.at(-1) ?? '' }, watchedAnswers(http, see));
    expect(new Set(given).size).toBe(3);
    await expect(ask({ grant_type: 'refresh_token', refresh_token: first })).rejects.toMatchObject({
      context: { reason: 'invalid_grant' },
    });
  });
});
