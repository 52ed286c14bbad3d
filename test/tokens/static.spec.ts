import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { resolveSecret } from '../../src/definitions/secrets.ts';
import { Secret } from '../../src/kernel/schema.ts';
import type { Credential, TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import { staticTokenProvider } from '../../src/tokens/static.ts';
import { fakeRun } from '../support/chat-run.ts';
import { startSluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

interface Options {
  readonly header?: string;
  readonly scheme?: string;
  readonly username?: string | Secret;
  readonly query?: string;
}

const build = (token: Secret | (() => string), options: Options = {}): TokenProvider =>
  staticTokenProvider.create(
    {
      token: token instanceof Secret ? token : new Secret('A_KEY', token),
      ...options,
    },
    {},
  );

async function sent(provider: TokenProvider, path = '/v1'): Promise<UpstreamRequest> {
  const target: UpstreamRequest = { method: 'POST', origin: 'https://a.example', path, headers: {}, body: '' };
  await (await provider.getToken(fakeRun())).apply(target);
  return target;
}

const headersOf = async (provider: TokenProvider): Promise<Record<string, string>> => (await sent(provider)).headers;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a secret that holds its scheme', () => {
  it.each<readonly [Options, string]>([
    [{}, 'Bearer t0ken'],
    [{}, ' Bearer t0ken'],
    [{}, 'bearer  t0ken'],
    [{ scheme: 'Key' }, 'Key t0ken'],
  ])('with %j as %j is not sent, since the scheme would be there twice', async (options, text) => {
    await expect(sent(build(() => text, options))).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      context: { secret: 'A_KEY', reason: 'the secret holds the scheme too, which is added to it' },
    });
  });

  it.each<readonly [Options, string]>([
    [{ scheme: '' }, 'Bearer t0ken'],
    [{ query: 'key' }, 'Bearer t0ken'],
    [{ scheme: 'Basic' }, 'basic t0ken'],
    [{}, 'Bearert0ken'],
  ])('with %j as %j is meant so', async (options, text) => {
    await expect(sent(build(() => text, options))).resolves.toBeDefined();
  });
});

describe('a static token', () => {
  it.each<readonly [Options, Record<string, string>]>([
    [{}, { authorization: 'Bearer t0ken' }],
    [{ header: 'Api-Key' }, { 'api-key': 't0ken' }],
    [{ header: 'Api-Key', scheme: 'Key' }, { 'api-key': 'Key t0ken' }],
    [{ header: 'x-goog-api-key', scheme: '' }, { 'x-goog-api-key': 't0ken' }],
    [{ scheme: 'Key' }, { authorization: 'Key t0ken' }],
    [{ scheme: 'Basic' }, { authorization: `Basic ${base64('t0ken')}` }],
    [{ scheme: 'basic', username: 'me' }, { authorization: `basic ${base64('me:t0ken')}` }],
    [{ scheme: 'Basic', username: new Secret('A_USER', () => 'I') }, { authorization: `Basic ${base64('I:t0ken')}` }],
  ])('with %j is sent as %j', async (options, headers) => {
    expect(await headersOf(build(() => 't0ken', options))).toEqual(headers);
  });

  it.each([
    ['/v1', '/v1?key=a%2Fb%3D'],
    ['/v1?alt=sse', '/v1?alt=sse&key=a%2Fb%3D'],
  ])('in the query of %s makes %s, and no header', async (path, whole) => {
    expect(
      await sent(
        build(() => 'a/b=', { query: 'key' }),
        path,
      ),
    ).toMatchObject({ path: whole, headers: {} });
  });

  it.each(['t0ken\n', 't0ken\r\n\r\n', '  t0ken', '\tt0ken ', '\ufefft0ken\n\n'])(
    'may stand between blanks, which are not sent: %j',
    async (text) => {
      expect(await headersOf(build(() => text))).toEqual({ authorization: 'Bearer t0ken' });
      expect(await headersOf(build(() => text, { header: 'x-key', scheme: '' }))).toEqual({ 'x-key': 't0ken' });
      expect(await sent(build(() => text, { query: 'key' }))).toMatchObject({ path: '/v1?key=t0ken' });
      const username = new Secret('A_USER', () => `\n${text}`);
      expect(await headersOf(build(() => text, { scheme: 'Basic', username }))).toEqual({
        authorization: `Basic ${base64('t0ken:t0ken')}`,
      });
    },
  );

  it('is one object until the secret changes', async () => {
    let value = 'old';
    const provider = build(() => value);
    expect(provider.state?.()).toEqual({ status: 'idle' });
    const first = provider.getToken(fakeRun());
    expect(provider.getToken(fakeRun())).toBe(first);
    expect(provider.state?.()).toEqual({ status: 'ready' });
    value = 'new';
    expect(await headersOf(provider)).toEqual({ authorization: 'Bearer new' });
    expect(provider.getToken(fakeRun())).not.toBe(first);
    expect((await first).origins).toBe('*');
  });

  it.each(['', ' ', 'a\nb', 'a\r\nx: y', 'a\0', 'käse\u2603', 'x'.repeat(20_000)])(
    '%j is refused and not shown, also as a password and in a query',
    (value) => {
      for (const options of [{}, { scheme: 'Basic', username: 'me' }, { query: 'key' }]) {
        const thrown = thrownBy(() => build(() => value, options).getToken(fakeRun()));
        expect(thrown).toMatchObject({ code: 'TOKEN_INVALID', context: { secret: 'A_KEY' } });
        if (value.trim() !== '') expect(JSON.stringify(thrown)).not.toContain(JSON.stringify(value).slice(1, -1));
      }
    },
  );

  it('of a user with a colon is refused', () => {
    const username = new Secret('A_USER', () => 'a:b');
    expect(thrownBy(() => build(() => 'x', { scheme: 'Basic', username }).getToken(fakeRun()))).toMatchObject({
      code: 'TOKEN_INVALID',
      context: { secret: 'A_USER' },
    });
  });

  it('that can not be read is unavailable', () => {
    const provider = build(() => {
      throw new Error('the canary');
    });
    const thrown = thrownBy(() => provider.getToken(fakeRun()));
    expect(thrown).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { secret: 'A_KEY' } });
    expect((thrown as Error).cause).toBeUndefined();
  });

  it.each<readonly [Options, string]>([
    [{ header: 'Content-Length' }, "can't carry"],
    [{ query: 'key', header: 'api-key' }, 'into the query or into a header'],
    [{ query: 'key', scheme: '' }, 'into the query or into a header'],
    [{ username: 'me' }, 'with the scheme "Basic" only'],
    [{ username: 'me', query: 'key' }, 'with the scheme "Basic" only'],
  ])('can not be asked for with %j', (options, message) => {
    expect(() => build(() => 'x', options)).toThrow(message);
  });
});

describe('a token that was refused', () => {
  it('has its secrets looked at anew, the user too, and also where one can not be read', () => {
    const looked: string[] = [];
    const source = (name: string, text: () => string): Secret =>
      new Secret(name, (anew) => {
        if (!anew) return name;
        looked.push(name);
        return text();
      });
    const token = source('A_KEY', () => {
      throw new Error('no such file');
    });
    const provider = build(token, { scheme: 'Basic', username: source('A_USER', () => 'me') });
    const refused = provider.getToken(fakeRun()) as Credential;
    expect(() => provider.invalidate(refused, { reason: 'rejected' })).not.toThrow();
    expect(looked).toEqual(['A_KEY', 'A_USER']);
  });

  it('stays the same object, so that nobody tries it again', async () => {
    const provider = build(() => 'key');
    const first = await provider.getToken(fakeRun());
    provider.invalidate(first, { reason: 'rejected' });
    expect(provider.getToken(fakeRun())).toBe(first);
  });

  it('is another at once where its file was rotated within the second', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-static-'));
    try {
      const path = join(folder, 'key');
      writeFileSync(path, 'old\n');
      const places = { secretsDir: folder, pipelinesDir: folder, clock: new TestClock() };
      const token = resolveSecret({ $file: path }, { variables: {}, envAllow: [], ...places });
      if (!(token instanceof Secret)) throw new Error(token.message);
      const provider = build(token);
      const first = await provider.getToken(fakeRun());
      writeFileSync(path, 'newer\n');
      expect(provider.getToken(fakeRun())).toBe(first);
      provider.invalidate({ ...first }, { reason: 'rejected' });
      provider.invalidate(first, { reason: 'rate-limited' });
      expect(provider.getToken(fakeRun())).toBe(first);
      provider.invalidate(first, { reason: 'rejected' });
      expect(await headersOf(provider)).toEqual({ authorization: 'Bearer newer' });
      const second = provider.getToken(fakeRun());
      provider.invalidate(first, { reason: 'rejected' });
      expect(provider.getToken(fakeRun())).toBe(second);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('a user may be written as text or as a secret, in a definition', async () => {
  const backend = (config: object): object => ({
    type: 'openai-chat',
    config: { baseUrl: 'https://provider.invalid/v1', model: 'm' },
    token: { type: 'static', config: { token: { $env: 'A_TOKEN' }, scheme: 'Basic', ...config } },
  });
  const sluice = await startSluice({
    environment: { A_TOKEN: 'password' },
    pipelines: {
      text: { backends: { one: backend({ username: 'me' }) } },
      secret: { backends: { one: backend({ username: { $env: 'A_TOKEN' } }) } },
      neither: { backends: { one: backend({ username: 'a:b' }) } },
    },
  });
  expect(sluice.engine.pipelines()).toMatchObject({ serving: ['secret', 'text'], degraded: ['neither'] });
  await sluice.close();
});
