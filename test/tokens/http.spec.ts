import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { setUpHttp, unsignedJwt, type HttpConfig, type HttpSetUp } from '../support/http-provider.ts';
import { failureOfToken, headersOf, secretOf } from '../support/token-outcomes.ts';
import { eventually } from '../support/turn.ts';

const secret = 'canary+4711/&="secret';
let here: HttpSetUp;

beforeEach(async () => {
  here = await setUpHttp();
});
afterEach(() => here.close());

const bearerOf = async (provider: TokenProvider): Promise<string | undefined> =>
  (await headersOf(await provider.getToken(here.test.run)))['authorization'];

describe('what is asked', () => {
  beforeEach(() => here.server.answer({ json: { access_token: 't0ken' } }));

  it('is a GET where nothing else is said', async () => {
    expect(await bearerOf(here.build())).toBe('Bearer t0ken');
    expect(here.lastRequest()).toMatchObject({ method: 'GET', path: '/token', body: '' });
    expect(here.lastRequest().headers).toMatchObject({ accept: 'application/json', 'user-agent': 'sluice' });
  });

  it('is a POST without a body where that is said', async () => {
    await here.build({ method: 'POST', url: `${here.server.origin}/a%20b?x=1&y=%2F` }).getToken(here.test.run);
    expect(here.lastRequest()).toMatchObject({ method: 'POST', path: '/a%20b?x=1&y=%2F', body: '' });
  });

  it('is a form with its secrets', async () => {
    await here.build({ form: { user: 'me & you', key: secretOf(secret) } }).getToken(here.test.run);
    expect(here.lastRequest()).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([...here.lastRequest().form]).toEqual([
      ['user', 'me & you'],
      ['key', secret],
    ]);
  });

  it('is a JSON object with its secrets', async () => {
    await here.build({ json: { user: 'ä"', key: secretOf(secret), days: 3, offline: true } }).getToken(here.test.run);
    expect(here.lastRequest()).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(here.lastRequest().body)).toEqual({ user: 'ä"', key: secret, days: 3, offline: true });
  });

  it('has headers, with secrets among them, in place of its own', async () => {
    await here
      .build({ headers: { Accept: 'application/vnd.x+json', 'X-Api-Key': secretOf(secret) } })
      .getToken(here.test.run);
    expect(here.lastRequest().headers).toMatchObject({ accept: 'application/vnd.x+json', 'x-api-key': secret });
  });

  it('holds a rotated secret at once', async () => {
    let current = 'first';
    const provider = here.build({ headers: { 'x-api-key': new Secret('KEY', () => current) } });
    await provider.getToken(here.test.run);
    current = 'second';
    await provider.getToken(here.test.run);
    expect(here.server.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['first', 'second']);
  });

  it.each<[string, Partial<HttpConfig>, string]>([
    ['would break a header', { headers: { 'x-key': secretOf('canary\r\nx: y') } }, 'TOKEN_INVALID'],
    ['is empty', { form: { key: secretOf(' ') } }, 'TOKEN_INVALID'],
    [
      'can not be read',
      {
        json: {
          key: new Secret('KEY', () => {
            throw new Error('gone');
          }),
        },
      },
      'TOKEN_UNAVAILABLE',
    ],
  ])('is nothing where a secret %s', async (_what, config, code) => {
    const failure = await failureOfToken(here.build(config), here.test.run);
    expect(failure.code).toBe(code);
    expect(failure.printed).not.toContain('canary');
    expect(here.server.requests).toEqual([]);
  });
});

describe('the token', () => {
  it('is put where the provider of the model expects it', async () => {
    here.server.answer({ json: { access_token: 't0ken' } });
    const credential = await here.build({ header: 'Api-Key', scheme: '' }).getToken(here.test.run);
    expect(await headersOf(credential)).toEqual({ 'api-key': 't0ken' });
    expect(credential.origins).toBe('*');
  });

  it.each<[string, Partial<HttpConfig>, unknown, number | undefined]>([
    ['without an end', {}, { access_token: 't' }, undefined],
    ['with seconds beside it', {}, { access_token: 't', expires_in: 60, token_type: 'BEARER' }, 60_000],
    ['with seconds as text beside it', {}, { access_token: 't', expires_in: '60', token_type: null }, 60_000],
    ['beside 0 seconds, which say nothing', {}, { access_token: 't', expires_in: 0 }, undefined],
    ['beside seconds that are none', {}, { access_token: 't', expires_in: 'soon' }, undefined],
    [
      'beside seconds that say more than itself',
      {},
      { access_token: unsignedJwt(1_767_225_660), expires_in: 9 },
      9_000,
    ],
    ['beside seconds, elsewhere', { token: '/token' }, { token: 't', expires_in: 60, token_type: 'mac' }, undefined],
    [
      'deep inside beside seconds',
      { token: '/data/access_token' },
      { data: { access_token: 't', expires_in: 60 } },
      undefined,
    ],
    ['with other seconds', { expiresIn: '/in' }, { access_token: 't', expires_in: 60, in: 9 }, 9_000],
    ['with other seconds that are not there', { expiresIn: '/in' }, { access_token: 't', expires_in: 60 }, undefined],
    ['with a date that is not there', { expiresAt: '/at' }, { access_token: 't', expires_in: 60 }, undefined],
    ['with seconds', { expiresIn: '/expires_in' }, { access_token: 't', expires_in: '60' }, 60_000],
    ['with no seconds where some were expected', { expiresIn: '/expires_in' }, { access_token: 't' }, undefined],
    ['deep inside', { token: '/data/0/to~1ken', expiresIn: '/data/1' }, { data: [{ 'to/ken': 't' }, 5] }, 5_000],
    ['with a date', { expiresAt: '/until' }, { access_token: 't', until: '2026-01-01T00:01:00Z' }, 60_000],
    ['with a date in seconds', { expiresAt: '/until' }, { access_token: 't', until: 1_767_225_660 }, 60_000],
    [
      'with seconds before a date',
      { expiresIn: '/in', expiresAt: '/until' },
      { access_token: 't', in: 30, until: '2026-01-01T00:01:00Z' },
      30_000,
    ],
    ['that says its own end', {}, { access_token: unsignedJwt(1_767_225_660) }, 60_000],
    ['that says an earlier end', {}, { access_token: unsignedJwt(1_767_225_660), expires_in: 600 }, 60_000],
    ['whose answer says another end', { expiresIn: '/in' }, { access_token: unsignedJwt(1_767_225_660), in: 9 }, 9_000],
  ])('%s is read', async (_what, config, json, milliseconds) => {
    here.server.answer({ json });
    const { expiresAt } = await here.build(config).getToken(here.test.run);
    expect(expiresAt).toBe(milliseconds === undefined ? undefined : here.clock.now() + milliseconds);
  });

  it.each([
    ['t0ken', 'Bearer t0ken', undefined],
    [' t0ken\r\n', 'Bearer t0ken', undefined],
    [unsignedJwt(1_767_225_660), `Bearer ${unsignedJwt(1_767_225_660)}`, 60_000],
  ])('is the whole of %j', async (body, header, milliseconds) => {
    here.server.answer({ body, headers: { 'content-type': 'text/plain' } });
    const credential = await here.build({ whole: true }).getToken(here.test.run);
    expect((await headersOf(credential))['authorization']).toBe(header);
    expect(credential.expiresAt).toBe(milliseconds === undefined ? undefined : here.clock.now() + milliseconds);
  });

  it('may come in JSON behind a byte order mark', async () => {
    here.server.answer({ body: '\ufeff{"access_token":"t0ken","expires_in":60}' });
    const credential = await here.build().getToken(here.test.run);
    expect((await headersOf(credential))['authorization']).toBe('Bearer t0ken');
    expect(credential.expiresAt).toBe(here.clock.now() + 60_000);
  });

  it('is no younger than the question', async () => {
    const asked = here.clock.now();
    const { promise: after, resolve: letGo } = Promise.withResolvers<void>();
    here.server.answer({ json: { access_token: 't', in: 60 }, after });
    const pending = Promise.resolve(here.build({ expiresIn: '/in' }).getToken(here.test.run));
    await eventually(() => here.server.requests.length > 0, 'the question');
    await here.clock.advance(2_000);
    letGo();
    expect((await pending).expiresAt).toBe(asked + 60_000);
  });
});
