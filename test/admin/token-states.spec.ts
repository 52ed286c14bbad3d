import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeFolder } from '../e2e/folder-changes.ts';
import { leaksOf } from '../support/canary.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { probe } from '../support/probe-client.ts';
import { answerBody, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming } from '../support/scenario.ts';
import { openAiBackend, productRegistry, type Sluice, type SluiceOptions } from '../support/sluice.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';
import { eventually } from '../support/turn.ts';
import { adminKey, askAdmin, startWithAdmin, type AdminAnswer } from './admin-stage.ts';

const canaries = {
  LOGIN_SECRET: 'canary-client-Qz7wLm3RtY8bVx2K',
  FIRST_API_KEY: 'canary-first-Hn4sPd9GfJ6cWk1T',
  SECOND_API_KEY: 'canary-second-Bv5xMq2ZrE7uLy8N',
  file: 'canary-file-Tk3jXs6DhP9aRw4C',
  issued: 'canary-issued-Uf8gYn1VoM5eKz7J',
} as const;

interface TokenProviderAnswer {
  readonly name: string;
  readonly usedBy: unknown;
  readonly definition: unknown;
  readonly state: Readonly<Record<string, unknown>>;
}

beforeAll(() => productRegistry(), 60_000);

const closings: (() => Promise<unknown>)[] = [];
/** All that the admin API has said in a test. */
const said: string[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
  const text = said.splice(0).join('\n');
  const secrets = Object.entries({ ...canaries, 'admin key': adminKey });
  expect(secrets.flatMap(([name, secret]) => leaksOf(secret, text).map((form) => `${name}: ${form}`))).toEqual([]);
});

async function start(options: Omit<SluiceOptions, 'clock'>): Promise<Sluice> {
  const { LOGIN_SECRET, FIRST_API_KEY, SECOND_API_KEY } = canaries;
  const environment = { LOGIN_SECRET, FIRST_API_KEY, SECOND_API_KEY, ...options.environment };
  const sluice = await startWithAdmin({ ...options, environment });
  closings.push(() => sluice.close().catch(() => undefined));
  return sluice;
}

async function startProvider(source: Parameters<typeof startFaultUpstream>[0]): Promise<FaultUpstream> {
  const provider = await startFaultUpstream(source);
  closings.push(() => provider.close());
  return provider;
}

async function startLogin(): Promise<TokenServer> {
  const tokens = await startTokenServer();
  closings.push(() => tokens.close());
  return tokens;
}

async function look(sluice: Sluice, path = '/admin/token-providers'): Promise<AdminAnswer> {
  const answer = await askAdmin(sluice, path);
  said.push(JSON.stringify(answer.headers), answer.text);
  return answer;
}

async function providersOf(sluice: Sluice): Promise<readonly TokenProviderAnswer[]> {
  const answer = await look(sluice);
  expect(answer.status).toBe(200);
  return (answer.json() as { readonly tokenProviders: readonly TokenProviderAnswer[] }).tokenProviders;
}

async function stateOf(sluice: Sluice, name: string): Promise<unknown> {
  return (await providersOf(sluice)).find((provider) => provider.name === name)?.state;
}

async function chat(sluice: Sluice, pipeline: string): Promise<number> {
  const response = await fetch(`${sluice.origin}/pipelines/${pipeline}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] }),
  });
  await response.text();
  return response.status;
}

const issue = { json: { access_token: canaries.issued, token_type: 'Bearer', expires_in: 600 } };
const goodAnswer = answering(200, answerBody({ text: ['hello'] }));
const oauth = ({ url }: TokenServer): object => ({
  type: 'oauth2-client-credentials',
  config: { tokenUrl: url, network: 'private', clientId: 'sluice', clientSecret: { $env: 'LOGIN_SECRET' } },
});
const cached = (provider: object): object => ({ type: 'cache', config: { provider } });
const fixed = (variable: string): object => ({ type: 'static', config: { token: { $env: variable } } });
const poolOf = (...names: readonly string[]): object => ({
  type: 'pool',
  config: { keys: names.map((provider) => ({ provider })) },
});

describe('what a token provider is', () => {
  it('shows each instance once, with who uses it, and its secrets as references', async () => {
    const tokens = await startLogin();
    const provider = await startProvider(goodAnswer);
    const backend = (token: unknown): object => openAiBackend(provider.origin, { token });
    const two = { backends: { a: backend('login'), b: backend('login') }, routing: { default: { to: ['a'] } } };
    const sluice = await start({
      resources: { 'token-provider/login': cached(oauth(tokens)) },
      pipelines: {
        one: two,
        two: { backends: { c: backend('login') } },
        none: { backends: { d: openAiBackend(provider.origin) } },
      },
    });
    const [login, ...others] = await providersOf(sluice);
    expect(others).toEqual([]);
    expect(login).toEqual({
      name: 'login',
      type: 'cache',
      usedBy: [
        { pipeline: 'one', backend: 'a' },
        { pipeline: 'one', backend: 'b' },
        { pipeline: 'two', backend: 'c' },
      ],
      definition: {
        provider: {
          name: 'oauth2-client-credentials',
          type: 'oauth2-client-credentials',
          config: expect.objectContaining({ tokenUrl: tokens.url, clientSecret: { $env: 'LOGIN_SECRET' } }),
        },
        refreshAt: 0.8,
        skew: '60s',
        failureTtl: '1s',
        maxCallers: 1_000,
      },
      state: expect.objectContaining({ name: 'login', type: 'cache', status: 'idle' }),
    });
    expect((await look(sluice, '/admin/pipelines')).json()).toEqual({ serving: ['none', 'one', 'two'], degraded: [] });
  });

  it('shows a file by its path, and the origins that it is for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'));
    closings.push(() => rm(folder, { recursive: true }));
    const path = join(folder, 'key');
    await writeFile(path, canaries.file);
    const provider = await startProvider(goodAnswer);
    const token = { type: 'static', origins: [provider.origin], config: { token: { $file: path } } };
    const sluice = await start({
      pipelines: { chat: { backends: { one: openAiBackend(provider.origin, { token }) } } },
      environment: { SLUICE_SECRETS_DIR: folder },
    });
    expect(await chat(sluice, 'chat')).toBe(200);
    expect(await providersOf(sluice)).toEqual([
      {
        name: 'static',
        type: 'static',
        usedBy: [{ pipeline: 'chat', backend: 'one' }],
        origins: [provider.origin],
        definition: { token: { $file: path } },
        state: { name: 'static', type: 'static', status: 'ready' },
      },
    ]);
  });
});

describe('the state of a cache', () => {
  it('follows the token server: idle, ready, failing, ready again', async () => {
    const tokens = await startLogin();
    const provider = await startProvider(() => goodAnswer);
    const definition = {
      tokenProviders: { login: cached(oauth(tokens)) },
      backends: { one: openAiBackend(provider.origin, { token: 'login' }) },
    };
    const sluice = await start({ pipelines: { chat: definition } });
    const { clock } = sluice;
    expect(await stateOf(sluice, 'login')).toMatchObject({ status: 'idle' });

    // An error of a token server may repeat what it was sent, in the place of a code too.
    tokens.answer({ status: 401, json: { error: canaries.LOGIN_SECRET, error_description: canaries.LOGIN_SECRET } });
    expect(await chat(sluice, 'chat')).toBe(503);
    await clock.advance(500);
    const failure = { code: 'TOKEN_UNAVAILABLE', reason: expect.any(String), secondsAgo: expect.any(Number) };
    expect(await stateOf(sluice, 'login')).toMatchObject({
      status: 'failing',
      lastFailure: failure,
      links: [{ type: 'oauth2-client-credentials', status: 'failing', lastFailure: failure }],
    });

    tokens.answer(issue);
    await clock.advance(2_000);
    expect(await chat(sluice, 'chat')).toBe(200);
    await clock.advance(100_000);
    const ready = await stateOf(sluice, 'login');
    expect(ready).toMatchObject({
      status: 'ready',
      expiresInSeconds: expect.any(Number),
      lastFailure: { secondsAgo: 103 },
    });
    const { expiresInSeconds } = ready as { readonly expiresInSeconds: number };
    expect(Math.abs(expiresInSeconds - 500)).toBeLessThan(2);
  });
});

describe('the state of a pool', () => {
  it('shows which key cools down, why and for how long, and that it is back', async () => {
    let isLimited = true;
    const provider = await startProvider(({ headers }) =>
      isLimited && headers['authorization'] === `Bearer ${canaries.FIRST_API_KEY}`
        ? [{ status: 429, headers: { 'retry-after': '40' } }, 'end']
        : goodAnswer,
    );
    const definition = {
      tokenProviders: {
        keys: poolOf('first', 'second'),
        first: fixed('FIRST_API_KEY'),
        second: fixed('SECOND_API_KEY'),
      },
      backends: { one: openAiBackend(provider.origin, { token: 'keys' }) },
    };
    const sluice = await start({ pipelines: { chat: definition } });
    for (let count = 0; count < 3; count += 1) expect(await chat(sluice, 'chat')).toBe(200);
    await sluice.clock.advance(10_000);
    const cooling = { name: 'first', status: 'cooling', reason: 'rate-limited', coolingForSeconds: 30, inUse: 0 };
    const [pool] = await providersOf(sluice);
    expect(pool?.state).toMatchObject({ name: 'keys', links: [cooling, { name: 'second', status: 'ready' }] });
    expect(pool?.definition).toMatchObject({
      keys: [
        { provider: { name: 'first', type: 'static', config: { token: { $env: 'FIRST_API_KEY' } } }, weight: 1 },
        { provider: { config: { token: { $env: 'SECOND_API_KEY' } } } },
      ],
    });
    isLimited = false;
    await sluice.clock.advance(31_000);
    for (let count = 0; count < 2; count += 1) expect(await chat(sluice, 'chat')).toBe(200);
    expect(await stateOf(sluice, 'keys')).toMatchObject({ links: [{ status: 'ready' }, { status: 'ready' }] });
  });
});

describe('an edit', () => {
  it('is seen at once, and leaves the state of what it does not concern', async () => {
    const tokens = await startLogin();
    tokens.answer(issue);
    const provider = await startProvider(() => goodAnswer);
    const definition = (token: unknown): object => ({
      tokenProviders: { login: cached(oauth(tokens)) },
      backends: {
        one: openAiBackend(provider.origin, { token: 'login' }),
        two: openAiBackend(provider.origin, { ...(token !== undefined && { token }) }),
      },
      routing: { default: { to: ['one'] } },
    });
    const sluice = await start({ pipelines: { chat: definition('login') } });
    await chat(sluice, 'chat');
    const save = async (token: unknown): Promise<void> => {
      const loads = (): number => sluice.log.messages().filter((message) => message === 'pipeline serves').length;
      const before = loads();
      await changeFolder(
        sluice,
        () => sluice.save('chat', definition(token)),
        () => loads() > before,
      );
    };
    const names = async (): Promise<unknown> => (await providersOf(sluice)).map(({ name, usedBy }) => [name, usedBy]);
    const one = { pipeline: 'chat', backend: 'one' };
    const two = { pipeline: 'chat', backend: 'two' };
    expect(await names()).toEqual([['login', [one, two]]]);
    await save(fixed('FIRST_API_KEY'));
    expect(await names()).toEqual([
      ['login', [one]],
      ['static', [two]],
    ]);
    expect(await stateOf(sluice, 'login')).toMatchObject({ status: 'ready' });
    await save(undefined);
    expect(await names()).toEqual([['login', [one]]]);
    expect(await stateOf(sluice, 'login')).toMatchObject({ status: 'ready' });
    expect(tokens.requests).toHaveLength(1);
  });
});

describe('a drain', () => {
  it('is watched to its end: the admin API closes last', async () => {
    const provider = await startProvider(
      streaming(
        [roleFrame(), textFrame('begun')],
        [{ wait: 'rest' }, { write: { text: finishFrame() } }, { write: { text: doneFrame } }, 'end'],
      ),
    );
    const tokenProviders = { keys: poolOf('first'), first: fixed('FIRST_API_KEY') };
    const sluice = await start({
      pipelines: { chat: { tokenProviders, backends: { one: openAiBackend(provider.origin, { token: 'keys' }) } } },
      environment: { SLUICE_PRE_STOP: '3s' },
    });
    const client = await probe(
      { port: sluice.port },
      {
        path: '/pipelines/chat/v1/chat/completions',
        body: { stream: true, messages: [{ role: 'user', content: 'hi' }] },
      },
    );
    await client.until('begun');
    const drained = sluice.drain();
    expect(await stateOf(sluice, 'keys')).toMatchObject({ inUse: 1 });
    await sluice.clock.advance(3_000);
    await expect(fetch(`${sluice.origin}/healthz`)).rejects.toThrow();
    expect(await stateOf(sluice, 'keys')).toMatchObject({ inUse: 1, links: [{ status: 'ready', inUse: 1 }] });
    provider.release('rest');
    await client.end();
    await drained;
    await eventually(() => sluice.log.messages().includes('drained'), 'the end of the drain');
    await expect(look(sluice)).rejects.toThrow();
    expect(sluice.clock.pendingTimers()).toEqual([]);
  });
});
