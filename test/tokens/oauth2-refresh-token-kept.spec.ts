import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { SecretStore } from '../../src/kernel/secret-store.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { SecretDisk } from '../../src/state/secret-disk.ts';
import { SecretFiles } from '../../src/state/secret-files.ts';
import { oauth2RefreshTokenTokenProvider } from '../../src/tokens/oauth2-refresh-token.ts';
import { fakeRun } from '../support/chat-run.ts';
import { LogCapture, MeterCapture } from '../support/log-capture.ts';
import { memorySecretStore } from '../support/memory-secret-store.ts';
import { TestClock } from '../support/test-clock.ts';
import { failureOfToken, headersOf, secretOf } from '../support/token-outcomes.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';

const clock = new TestClock();
let http: HttpCalls;
let server: TokenServer;
let secretStore: SecretStore;

beforeEach(async () => {
  http = new HttpCalls(clock);
  server = await startTokenServer();
  secretStore = memorySecretStore();
});
afterEach(async () => {
  await http.close();
  await server.close();
});

const build = (options: { readonly tokenUrl?: string; readonly clientId?: string } = {}): TokenProvider =>
  oauth2RefreshTokenTokenProvider.create(
    {
      tokenUrl: server.url,
      network: 'private',
      timeout: '5s',
      clientId: 'sluice',
      authentication: 'none',
      refreshToken: secretOf('first'),
      header: 'authorization',
      scheme: 'Bearer',
      ...options,
    },
    { http, clock, secretStore },
  );

const tokenOf = async (provider: TokenProvider): Promise<string | undefined> =>
  (await headersOf(await provider.getToken(fakeRun())))['authorization'];

describe('a kept refresh token', () => {
  it('has no part in what another server gave for the same first refresh token, or this one to another client', async () => {
    server.answer(({ form }) => ({
      json: { access_token: 'a', refresh_token: `after-${form.get('refresh_token') ?? ''}` },
    }));
    const providers = [build(), build({ tokenUrl: `${server.origin}/other` }), build({ clientId: 'other' })];
    for (const provider of providers) await tokenOf(provider);
    expect(server.requests.map(({ form }) => form.get('refresh_token'))).toEqual(['first', 'first', 'first']);
  });

  it.each([
    ['an error', { status: 400 }],
    ['a redirect', { status: 307, headers: { location: 'https://evil.example/' } }],
  ])('is not kept from %s', async (_what, answer) => {
    server.answer(
      { ...answer, json: { error: 'invalid_request', refresh_token: 'next' } },
      { json: { access_token: 'b' } },
    );
    const provider = build();
    await failureOfToken(provider, fakeRun());
    expect(await tokenOf(provider)).toBe('Bearer b');
    expect(server.requests.at(-1)?.form.get('refresh_token')).toBe('first');
  });

  it('is not written again where it is the one that was sent', async () => {
    server.answer({ json: { access_token: 'a', refresh_token: 'first' } });
    const written: string[] = [];
    const disk: SecretDisk = {
      read: () => Promise.resolve(undefined),
      write: (_name, value) => Promise.resolve({ value, stamp: String(written.push(value)) }),
    };
    const [log, meter] = [new LogCapture(), new MeterCapture()];
    secretStore = new SecretFiles({ directory: '/nowhere', clock, log, meter, disk });
    await tokenOf(build());
    expect(written).toEqual([]);
  });
});
