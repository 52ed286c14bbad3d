import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { Secret } from '../../src/kernel/schema.ts';
import type { SecretStore } from '../../src/kernel/secret-store.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { SecretDisk } from '../../src/state/secret-disk.ts';
import { SecretFiles } from '../../src/state/secret-files.ts';
import { oauth2RefreshTokenTokenProvider } from '../../src/tokens/oauth2-refresh-token.ts';
import { leaksOf } from '../support/canary.ts';
import { fakeRun } from '../support/chat-run.ts';
import { LogCapture, MeterCapture } from '../support/log-capture.ts';
import { memorySecretStore } from '../support/memory-secret-store.ts';
import { startOidcServer, type OidcServer } from '../support/oidc-server.ts';
import { TestClock } from '../support/test-clock.ts';
import { failureOfToken, headersOf, secretOf } from '../support/token-outcomes.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';
import { eventually, turn, within } from '../support/turn.ts';

const clock = new TestClock();
let http: HttpCalls;
let server: TokenServer;
let store: SecretStore;

beforeEach(async () => {
  http = new HttpCalls(clock);
  server = await startTokenServer();
  store = memorySecretStore();
});
afterEach(async () => {
  await http.close();
  await server.close();
});

interface Options {
  readonly tokenUrl?: string;
  readonly refreshToken?: Secret;
  readonly scope?: string;
  readonly secretStore?: SecretStore;
}

function build({ secretStore = store, ...options }: Options = {}): TokenProvider {
  return oauth2RefreshTokenTokenProvider.create(
    {
      tokenUrl: server.url,
      network: 'private',
      timeout: '5s',
      clientId: 'sluice',
      authentication: 'client_secret_basic',
      clientSecret: secretOf('client-secret'),
      refreshToken: secretOf('first'),
      header: 'authorization',
      scheme: 'Bearer',
      ...options,
    },
    { http, clock, secretStore },
  );
}

const tokenOf = async (provider: TokenProvider): Promise<string | undefined> =>
  (await headersOf(await within(Promise.resolve(provider.getToken(fakeRun())), 'a token')))['authorization'];

/** Gives tokens for the newest refresh token only, and a new one each time. */
function rotate(): { readonly used: () => readonly string[]; readonly say: () => TokenServerAnswer } {
  let count = 0;
  return {
    used: () => server.requests.map(({ form }) => form.get('refresh_token') ?? ''),
    say: () => {
      const expected = count === 0 ? 'first' : `rotated-${count}`;
      if (server.requests.at(-1)?.form.get('refresh_token') !== expected)
        return { status: 400, json: { error: 'invalid_grant' } };
      count += 1;
      return { json: { access_token: `access-${count}`, refresh_token: `rotated-${count}`, expires_in: 600 } };
    },
  };
}

describe('with a real provider that rotates', () => {
  let oidc: OidcServer;
  beforeEach(async () => {
    oidc = await startOidcServer({
      clients: [{ client_id: 'sluice', client_secret: 'client-secret', grant_types: ['refresh_token'] }],
    });
  });
  afterEach(() => oidc.close());

  it('each access token comes by the newest refresh token, over restarts too', async () => {
    const first = await oidc.issueRefreshToken('sluice');
    const options = { tokenUrl: oidc.tokenUrl, refreshToken: secretOf(first), scope: 'openid models.use' };
    const provider = build(options);
    const token = await tokenOf(provider).catch((error: unknown) => `${String(error)} ${oidc.refusals.join()}`);
    expect(await oidc.read(String(token).slice('Bearer '.length))).toMatchObject({
      clientId: 'sluice',
      scope: 'openid models.use',
    });
    expect(await tokenOf(provider)).not.toBe(token);
    expect(await tokenOf(build(options))).toMatch(/^Bearer ./);
    const used = oidc.grants.map((grant) => grant['refresh_token']);
    expect(used[0]).toBe(first);
    expect(new Set(used).size).toBe(3);
    expect(oidc.refusals).toEqual([]);
  });

  it('a refresh token that was used elsewhere is refused, and is not shown', async () => {
    const first = await oidc.issueRefreshToken('sluice');
    const options = { tokenUrl: oidc.tokenUrl, refreshToken: secretOf(first) };
    await tokenOf(build(options));
    const { code, context, printed } = await failureOfToken(
      build({ ...options, secretStore: memorySecretStore() }),
      fakeRun(),
    );
    expect({ code, context }).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_grant' } });
    expect(leaksOf(first, printed)).toEqual([]);
  });
});

describe('a refresh', () => {
  it('asks once for all who ask meanwhile', async () => {
    const { say } = rotate();
    server.answer(say);
    const provider = build();
    const credentials = await Promise.all(Array.from({ length: 200 }, async () => provider.getToken(fakeRun())));
    expect(new Set(credentials).size).toBe(1);
    expect(server.requests).toHaveLength(1);
    expect(credentials[0]?.expiresAt).toBe(clock.now() + 600_000);
  });

  it('keeps its refresh token where the server gives no new one', async () => {
    server.answer({ json: { access_token: 'a', token_type: 'bearer' } });
    const provider = build();
    await tokenOf(provider);
    await tokenOf(provider);
    expect(server.requests.map(({ form }) => form.get('refresh_token'))).toEqual(['first', 'first']);
  });

  it('says who asks, for what', async () => {
    server.answer({ json: { access_token: 'a' } });
    await tokenOf(build({ scope: 'one two' }));
    const [request] = server.requests;
    const authorization = `Basic ${Buffer.from('sluice:client-secret').toString('base64')}`;
    expect(request?.headers).toMatchObject({ authorization });
    const form = { grant_type: 'refresh_token', refresh_token: 'first', scope: 'one two' };
    expect(Object.fromEntries(request?.form ?? [])).toEqual(form);
  });

  it('starts anew with another first refresh token, in a file that changed too', async () => {
    const { say, used } = rotate();
    server.answer(
      say,
      say,
      { json: { access_token: 'again', refresh_token: 'other-1' } },
      { json: { access_token: 'b' } },
    );
    let first = 'first';
    const provider = build({ refreshToken: Object.assign(secretOf(''), { reveal: () => first }) });
    await tokenOf(provider);
    await tokenOf(provider);
    first = 'other';
    await tokenOf(provider);
    await tokenOf(provider);
    expect(used()).toEqual(['first', 'rotated-1', 'other', 'other-1']);
  });

  it('goes on when its run ends, since the answer has the only copy of the next refresh token', async () => {
    const { say, used } = rotate();
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    server.answer(() => ({ ...say(), after: gate }), say);
    const provider = build();
    const leaving = new AbortController();
    const left = failureOfToken(provider, fakeRun({ signal: leaving.signal }));
    await eventually(() => server.requests.length === 1, 'the request');
    leaving.abort(new Error('client gone'));
    await within(left, 'the end of the run');
    const disposed = Promise.resolve(provider.dispose?.());
    release();
    await within(disposed, 'the end of the refresh');
    expect(await tokenOf(build())).toBe('Bearer access-2');
    expect(used()).toEqual(['first', 'rotated-1']);
  });

  it('is not begun for a run that is over', async () => {
    const signal = AbortSignal.abort(new Error('client gone'));
    await failureOfToken(build(), fakeRun({ signal }));
    expect(server.requests).toHaveLength(0);
  });

  it('tells how it stands, and never a token', async () => {
    const { say } = rotate();
    server.answer({ status: 503 }, say);
    const provider = build();
    expect(provider.state?.()).toEqual({ status: 'idle' });
    const failing = failureOfToken(provider, fakeRun());
    expect(provider.state?.()).toEqual({ status: 'refreshing' });
    await failing;
    expect(provider.state?.()).toEqual({ status: 'failing' });
    await tokenOf(provider);
    expect(provider.state?.()).toEqual({ status: 'ready' });
  });
});

describe('the new refresh token', () => {
  it.each([
    ['is over at once', { access_token: 'a', expires_in: 0 }],
    ['is of another type', { access_token: 'a', token_type: 'mac' }],
    ['can not stand in a header', { access_token: 'a\r\nx: y' }],
    ['is missing', {}],
  ])('is kept where the access token %s', async (_what, json) => {
    server.answer({ json: { ...json, refresh_token: 'next' } }, { json: { access_token: 'b' } });
    const provider = build();
    expect(await failureOfToken(provider, fakeRun())).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await tokenOf(provider)).toBe('Bearer b');
    expect(server.requests.at(-1)?.form.get('refresh_token')).toBe('next');
  });

  it.each([
    ['an object', { a: 1 }],
    ['a number', 7],
    ['nothing', ''],
    ['null', null],
    ['two lines', 'a\nb'],
    ['endless', 'x'.repeat(20_000)],
  ])('is not kept where it is %s', async (_what, next) => {
    server.answer({ json: { access_token: 'a', refresh_token: next } }, { json: { access_token: 'b' } });
    const provider = build();
    await Promise.allSettled([provider.getToken(fakeRun())]);
    expect(await tokenOf(provider)).toBe('Bearer b');
    expect(server.requests.at(-1)?.form.get('refresh_token')).toBe('first');
  });

  it('is kept before the access token is given out', async () => {
    const { say } = rotate();
    server.answer(say);
    let written: (value: string) => void = () => undefined;
    const slow: SecretDisk = {
      read: () => Promise.resolve(undefined),
      write: async () => ({ value: await new Promise<string>((resolve) => (written = resolve)), stamp: '' }),
    };
    const provider = build({ secretStore: storeOn({ disk: slow }) });
    let given = false;
    const token = tokenOf(provider).finally(() => (given = true));
    await eventually(() => clock.pending === 1, 'the write');
    await turn(20);
    expect(given).toBe(false);
    written('rotated-1');
    expect(await token).toBe('Bearer access-1');
  });

  it('does not keep all waiting for a disk that hangs', async () => {
    const { say, used } = rotate();
    server.answer(say);
    const hanging: SecretDisk = { read: () => Promise.resolve(undefined), write: () => new Promise(() => undefined) };
    const provider = build({ secretStore: storeOn({ disk: hanging }) });
    const tokens = [tokenOf(provider)];
    await eventually(() => clock.pending === 1, 'the write');
    await clock.advance(2_000);
    expect(await tokens[0]).toBe('Bearer access-1');
    tokens.push(tokenOf(provider));
    await eventually(() => clock.pending === 1 && server.requests.length === 2, 'the next write');
    await clock.advance(2_000);
    expect(await tokens[1]).toBe('Bearer access-2');
    expect(used()).toEqual(['first', 'rotated-1']);
  });

  it('is on the disk after a crash, and nothing else that is secret', async () => {
    const { say, used } = rotate();
    server.answer(say);
    const directory = mkdtempSync(join(tmpdir(), 'sluice-refresh-'));
    try {
      await tokenOf(build({ secretStore: storeOn({ directory }) }));
      expect(await tokenOf(build({ secretStore: storeOn({ directory }) }))).toBe('Bearer access-2');
      expect(used()).toEqual(['first', 'rotated-1']);
      const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
      expect(files.join()).toContain('rotated-2');
      expect(files.join()).not.toMatch(/first|access|client-secret/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('several who share a refresh token', () => {
  it('take turns, each with the newest', async () => {
    const { say, used } = rotate();
    server.answer(say);
    const providers = [build(), build(), build()];
    const tokens = await Promise.all(providers.map(tokenOf));
    expect(tokens.sort((one = '', other = '') => one.localeCompare(other))).toEqual([
      'Bearer access-1',
      'Bearer access-2',
      'Bearer access-3',
    ]);
    expect(used()).toEqual(['first', 'rotated-1', 'rotated-2']);
  });

  it('in two processes: the one that is refused tries what the other has kept meanwhile, once', async () => {
    const { say, used } = rotate();
    const kept: string[] = [];
    const disk: SecretDisk = {
      read: () => Promise.resolve(kept.length === 0 ? undefined : { value: kept.at(-1) ?? '', stamp: '' }),
      write: (_name, value) => Promise.resolve({ value, stamp: String(kept.push(value)) }),
    };
    const [other, own] = [build({ secretStore: storeOn({ disk }) }), build({ secretStore: storeOn({ disk }) })];
    // The other one is answered while the request of this one is on its way.
    server.answer(
      async () => {
        await tokenOf(other);
        return { status: 400, json: { error: 'invalid_grant' } };
      },
      say,
      say,
    );
    expect(await tokenOf(own)).toBe('Bearer access-2');
    expect(used()).toEqual(['first', 'first', 'rotated-1']);
    expect(kept).toEqual(['rotated-1', 'rotated-2']);
  });

  it('and what is refused without a newer one stays kept', async () => {
    const { say, used } = rotate();
    server.answer(say, { status: 400, json: { error: 'invalid_grant' } }, say);
    const provider = build();
    await tokenOf(provider);
    expect(await failureOfToken(provider, fakeRun())).toMatchObject({ context: { reason: 'invalid_grant' } });
    expect(await tokenOf(provider)).toBe('Bearer access-2');
    expect(used()).toEqual(['first', 'rotated-1', 'rotated-1']);
  });
});

describe('a token server that fails', () => {
  it.each([
    ['is down', { status: 503 }, 'TOKEN_UNAVAILABLE'],
    ['does not know the client', { status: 401, json: { error: 'invalid_client' } }, 'TOKEN_UNAVAILABLE'],
    ['resets', { fault: 'reset' as const }, 'TOKEN_UNAVAILABLE'],
    ['redirects', { status: 307, headers: { location: 'https://evil.example/' } }, 'TOKEN_INVALID'],
    ['answers with HTML', { body: '<html>refresh_token</html>' }, 'TOKEN_INVALID'],
    ['answers with 10 MB', { body: `{"a":"${'x'.repeat(10_000_000)}"}` }, 'TOKEN_INVALID'],
  ])(
    'because it %s is asked again with the same refresh token, and no secret is shown',
    async (_what, answer, code) => {
      const canaries = ['canary0first0refresh', 'client-secret'];
      server.answer(answer, { json: { access_token: 'b' } });
      const provider = build({ refreshToken: secretOf(canaries[0] ?? '') });
      const failure = await failureOfToken(provider, fakeRun());
      expect(failure.code).toBe(code);
      expect(canaries.flatMap((canary) => leaksOf(canary, failure.printed))).toEqual([]);
      expect(await tokenOf(provider)).toBe('Bearer b');
      expect(server.requests.map(({ form }) => form.get('refresh_token'))).toEqual([canaries[0], canaries[0]]);
    },
  );

  it('because it is frozen is left in time', async () => {
    server.answer({ fault: 'frozen' });
    const failing = failureOfToken(build(), fakeRun());
    await eventually(() => server.requests.length === 1, 'the request');
    await clock.advance(5_000);
    expect((await within(failing, 'the failure')).code).toBe('TOKEN_UNAVAILABLE');
  });

  const certified = { authentication: 'tls', certificate: secretOf('c'), privateKey: secretOf('k') } as const;
  it.each([
    ['tokenUrl: http:', { network: 'public', authentication: 'none' }],
    ['authentication: a certificate is shown over https only', { network: 'private', ...certified }],
  ] as const)('is not asked in the open: %s', (message, config) => {
    expect(() =>
      oauth2RefreshTokenTokenProvider.create(
        {
          tokenUrl: 'http://login.example.com/token',
          timeout: '5s',
          clientId: 'sluice',
          refreshToken: secretOf('first'),
          header: 'authorization',
          scheme: 'Bearer',
          ...config,
        },
        { http, clock, secretStore: store },
      ),
    ).toThrow(message);
  });
});

/** The store of the product. */
function storeOn(options: { readonly directory?: string; readonly disk?: SecretDisk }): SecretStore {
  return new SecretFiles({
    directory: '/nowhere',
    clock,
    log: new LogCapture(),
    meter: new MeterCapture(),
    ...options,
  });
}
