import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RequestRecord } from '../support/fault-connection.ts';
import { startFaultUpstream, type FaultUpstream, type ScenarioSource } from '../support/fault-upstream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import {
  answerBody,
  answerFrames,
  doneFrame,
  errorBody,
  finishFrame,
  roleFrame,
  textFrame,
} from '../support/openai-stream.ts';
import { probe, type ProbeClient } from '../support/probe-client.ts';
import { answering, streaming } from '../support/scenario.ts';
import { openAiBackend, productRegistry, startSluice, type Sluice } from '../support/sluice.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';
import { eventually } from '../support/turn.ts';
import { changeFolder } from './folder-changes.ts';

/* What happens to runs that wait for a token, or whose token ends, while the engine lives on around them. */

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});
beforeAll(() => productRegistry(), 60_000);

const second = 1_000;
const lifetimeSeconds = 3_600;
const waiting = 5;

interface Stage {
  readonly sluice: Sluice;
  readonly tokens: TokenServer;
  readonly provider: FaultUpstream;
  /** The token server answers those who wait, and everybody later. */
  letTokensCome(): void;
}

const login = (tokenUrl: string, config: object = {}): object => ({
  type: 'cache',
  config: {
    provider: {
      type: 'oauth2-client-credentials',
      config: {
        tokenUrl,
        network: 'private',
        clientId: 'sluice',
        clientSecret: { $env: 'LOGIN_SECRET' },
        timeout: '25s',
        ...config,
      },
    },
  },
});

const chat = (tokenUrl: string, provider: FaultUpstream, config: object = {}): object => ({
  tokenProviders: { login: login(tokenUrl, config) },
  backends: { one: openAiBackend(provider.origin, { token: 'login' }) },
});

/** A pipeline "chat" whose token server takes its time. Tokens are named after the scope that was asked for. */
async function setStage(): Promise<Stage> {
  const gate = Promise.withResolvers<void>();
  const tokens = await startTokenServer();
  cleanup.push(() => tokens.close());
  tokens.answer(({ form }): TokenServerAnswer => {
    const json = {
      access_token: `token-${form.get('scope') ?? 'any'}`,
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
    };
    return { json, after: gate.promise };
  });
  const provider = await startProvider(streaming(answerFrames({ text: ['Hello'] })));
  const sluice = await start({ chat: chat(tokens.url, provider) }, { SLUICE_DRAIN_TIMEOUT: '20s' });
  return { sluice, tokens, provider, letTokensCome: () => gate.resolve() };
}

async function startProvider(source: ScenarioSource): Promise<FaultUpstream> {
  const provider = await startFaultUpstream(source);
  cleanup.push(() => provider.close());
  return provider;
}

async function start(
  pipelines: Readonly<Record<string, object>>,
  environment: Readonly<Record<string, string>> = {},
  resources: Readonly<Record<string, unknown>> = {},
): Promise<Sluice> {
  const sluice = await startSluice({
    pipelines,
    resources,
    environment: { LOGIN_SECRET: 'the-client-secret', ...environment },
  });
  cleanup.push(() => sluice.close().catch(() => undefined));
  return sluice;
}

function ask(sluice: Sluice, pipeline = 'chat'): Promise<ProbeClient> {
  const body = { stream: true, messages: [{ role: 'user', content: 'hi' }] };
  return probe({ port: sluice.port }, { path: `/pipelines/${pipeline}/v1/chat/completions`, body });
}

async function askMany({ sluice, tokens }: Stage): Promise<ProbeClient[]> {
  const clients = await Promise.all(Array.from({ length: waiting }, () => ask(sluice)));
  await eventually(() => sluice.metric('streams_live') === waiting && tokens.requests.length > 0, 'all runs to wait');
  return clients;
}

/** The text of a stream, or the code of the error. */
async function answerOf(client: ProbeClient): Promise<string> {
  await client.end();
  const { status, text: raw, body } = await client.response();
  client.destroy();
  if (status !== 200) return `${status} ${(JSON.parse(raw) as { error: { code: string } }).error.code}`;
  const { text, done, error } = readOpenAiStream(body);
  return error === undefined ? `${text}${done ? '' : ' (cut)'}` : `${text} (${String(error['code'])})`;
}

const answersOf = async (clients: readonly ProbeClient[]): Promise<ReadonlySet<string>> =>
  new Set(await Promise.all(clients.map(answerOf)));

const authorizations = ({ requests }: FaultUpstream): readonly string[] =>
  requests.map(({ headers }) => String(headers['authorization']));

describe('a drain while a token is fetched', () => {
  it('lets the runs have it, and finish', async () => {
    const stage = await setStage();
    const clients = await askMany(stage);
    const drained = stage.sluice.drain();
    await stage.sluice.clock.advance(10 * second);
    expect(stage.sluice.metric('streams_live')).toBe(waiting);
    stage.letTokensCome();
    expect(await answersOf(clients)).toEqual(new Set(['Hello']));
    await drained;
    expect(stage.tokens.requests).toHaveLength(1);
    expect(stage.sluice.clock.pendingTimers()).toEqual([]);
  });

  it('ends at its deadline, with the error of the dialect and with nothing left', async () => {
    const stage = await setStage();
    const clients = await askMany(stage);
    const drained = stage.sluice.drain();
    await stage.sluice.clock.advance(20 * second);
    // By then each has its head and a sign of life.
    expect(await answersOf(clients)).toEqual(new Set([' (overloaded)']));
    await drained;
    expect(stage.sluice.clock.pendingTimers()).toEqual([]);
    expect(stage.provider.connections).toHaveLength(0);
    expect(stage.sluice.log.messages().at(-1)).toBe('drained');
  });

  it('does not wait for a refresh in the background', async () => {
    const stage = await setStage();
    stage.tokens.answer(
      { json: { access_token: 'token-any', token_type: 'Bearer', expires_in: lifetimeSeconds } },
      { fault: 'frozen' },
    );
    expect(await answerOf(await ask(stage.sluice))).toBe('Hello');
    await stage.sluice.clock.advance(0.9 * lifetimeSeconds * second);
    expect(await answerOf(await ask(stage.sluice))).toBe('Hello');
    await eventually(() => stage.tokens.requests.length === 2, 'the refresh');
    await stage.sluice.drain();
    expect(stage.sluice.clock.pendingTimers()).toEqual([]);
  });
});

describe('a new definition while a token is fetched', () => {
  const served = ({ log }: Sluice): number => log.messages().filter((message) => message === 'pipeline serves').length;

  /** The same pipeline, which asks for a token of another scope from now on. */
  async function swap({ sluice, tokens, provider }: Stage): Promise<void> {
    const before = served(sluice);
    await changeFolder(
      sluice,
      () => sluice.save('chat', chat(tokens.url, provider, { scope: 'new' })),
      () => served(sluice) > before,
    );
  }

  it('leaves those who wait with the old one, and gives the new one to all who come', async () => {
    const stage = await setStage();
    const old = await askMany(stage);
    await swap(stage);
    expect(stage.sluice.metric('generations_live')).toBe(2);
    const late = await ask(stage.sluice);
    await eventually(() => stage.tokens.requests.length === 2, 'the second request for a token');
    stage.letTokensCome();
    expect(await answersOf([...old, late])).toEqual(new Set(['Hello']));
    const revisionOf = async (client: ProbeClient): Promise<string> =>
      (await client.response()).headers['x-sluice-revision'] ?? '';
    const revisions = new Set(await Promise.all(old.map(revisionOf)));
    expect([revisions.size, revisions.has(await revisionOf(late))]).toEqual([1, false]);
    const sent = authorizations(stage.provider);
    expect(sent.filter((value) => value === 'Bearer token-any')).toHaveLength(waiting);
    expect(sent.filter((value) => value === 'Bearer token-new')).toHaveLength(1);
    expect(sent).toHaveLength(waiting + 1);
    await eventually(() => stage.sluice.metric('generations_live') === 1, 'the end of the old generation');
    expect(stage.tokens.requests.map(({ form }) => form.get('scope'))).toEqual([null, 'new']);
  });

  it('ends the fetch of the old one as soon as nobody waits for it any more', async () => {
    const stage = await setStage();
    const old = await askMany(stage);
    await swap(stage);
    for (const client of old) client.destroy();
    await eventually(() => stage.sluice.metric('generations_live') === 1, 'the end of the old generation');
    const ofCalls = (): number =>
      stage.sluice.clock.pendingTimers().filter(({ label }) => !label.startsWith('pipeline-folder.ts')).length;
    await eventually(() => ofCalls() === 0, 'the end of the fetch');
    expect(stage.sluice.metric('streams_live')).toBe(0);
  });
});

describe('a run of several calls', () => {
  it('has a new token for the second one where the first has ended', async () => {
    const tokens = await startTokenServer();
    cleanup.push(() => tokens.close());
    const ends = new Map<string, number>();
    tokens.answer(() => {
      const token = `token-${ends.size + 1}`;
      ends.set(`Bearer ${token}`, sluice.clock.now() + 20 * second);
      return { json: { access_token: token, token_type: 'Bearer', expires_in: 20 } };
    });
    const provider = await startProvider((request) => {
      const isGood = sluice.clock.now() < (ends.get(String(request.headers['authorization'])) ?? 0);
      return isGood ? tellOrShout(request) : answering(401, errorBody({ message: 'the token has ended' }));
    });
    const backends = { one: openAiBackend(provider.origin, { token: 'login' }) };
    const translate = { type: 'translate', config: { pipeline: 'shouter', language: 'German' } };
    const sluice = await start(
      { teller: { backends, modifiers: [translate] }, shouter: { backends } },
      {},
      { 'token-provider/login': login(tokens.url) },
    );
    const client = await ask(sluice, 'teller');
    await client.until('SLEEPS');
    await sluice.clock.advance(21 * second);
    provider.release('rest');
    expect(await answerOf(client)).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    expect(authorizations(provider)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
    expect(tokens.requests).toHaveLength(2);
    expect(sluice.metric('credential_retries')).toBe(0);
  });
});

/** Tells a story with a pause in it, and repeats in capitals what else it is asked. */
function tellOrShout({ bodyText }: RequestRecord): ReturnType<typeof answering> {
  const { messages } = JSON.parse(bodyText) as { messages: readonly { role: string; content: string }[] };
  const asked = messages.find(({ role }) => role === 'user')?.content ?? '';
  if (asked !== 'hi') return answering(200, answerBody({ text: [asked.toUpperCase()] }));
  const rest = [textFrame(' dog barks.'), finishFrame(), doneFrame].join('');
  return streaming(
    [roleFrame(), textFrame('The cat sleeps. The')],
    [{ wait: 'rest' }, { write: { text: rest } }, 'end'],
  );
}
