import { afterEach, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answering } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';
import { turn } from '../support/turn.ts';
import { changeFolder } from './folder-changes.ts';
import { printTable } from './print.ts';

const lifetimeSeconds = 3_600;
const completion = {
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
};

interface Stage {
  readonly sluice: Sluice;
  readonly tokens: TokenServer;
  readonly provider: FaultUpstream;
  /** What the provider of the model takes; every other token is a 401. */
  readonly valid: Set<string>;
  /** Makes the next token of the server; it is valid at once. */
  issue(): string;
  ask(stream?: boolean): Promise<Reply>;
}

interface Reply {
  readonly status: number;
  readonly attempts: string | null;
  readonly body: string;
}

const stages: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
});

function definition(tokens: TokenServer, provider: FaultUpstream, extra: object = {}): object {
  const oauth = {
    type: 'oauth2-client-credentials',
    config: {
      tokenUrl: tokens.url,
      network: 'private',
      clientId: 'sluice',
      clientSecret: { $env: 'LOGIN_SECRET' },
    },
  };
  return {
    tokenProviders: { login: { type: 'cache', config: { provider: oauth } } },
    backends: { one: openAiBackend(provider.origin, { token: 'login' }) },
    ...extra,
  };
}

async function setStage({ holdRefusals = false } = {}): Promise<Stage> {
  const valid = new Set<string>();
  const refusal = answering(401, { error: { message: 'the token is not valid' } });
  const tokens = await startTokenServer();
  const provider = await startFaultUpstream(({ headers }) =>
    valid.has(String(headers['authorization'])) ? answering(200, completion) : [{ wait: 'refusals' }, ...refusal],
  );
  const sluice = await startSluice({
    pipelines: { chat: definition(tokens, provider) },
    environment: { LOGIN_SECRET: 'the-client-secret' },
  });
  if (!holdRefusals) provider.release('refusals');
  let issued = 0;
  const issue = (): string => {
    issued += 1;
    const token = `token-${issued}`;
    valid.add(`Bearer ${token}`);
    return token;
  };
  tokens.answer(() => ({ json: { access_token: issue(), token_type: 'Bearer', expires_in: lifetimeSeconds } }));
  const ask = async (stream = false): Promise<Reply> => {
    const response = await fetch(`${sluice.origin}/pipelines/chat/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream, messages: [{ role: 'user', content: 'hi' }] }),
    });
    return {
      status: response.status,
      attempts: response.headers.get('x-sluice-attempts'),
      body: await response.text(),
    };
  };
  stages.push({
    close: async () => {
      await sluice.close();
      await provider.close();
      await tokens.close();
    },
  });
  return { sluice, tokens, provider, valid, issue, ask };
}

const askMany = (stage: Stage, count: number): Promise<Reply[]> =>
  Promise.all(Array.from({ length: count }, () => stage.ask()));
const statuses = (replies: readonly Reply[]): readonly number[] => [...new Set(replies.map(({ status }) => status))];

describe('a cached token', () => {
  it('is fetched once for a thousand runs, at the start and at its expiry', async () => {
    const stage = await setStage();
    expect(statuses(await askMany(stage, 1_000))).toEqual([200]);
    expect(stage.tokens.requests).toHaveLength(1);
    await stage.sluice.clock.advance(lifetimeSeconds * 1_000 + 1);
    stage.valid.delete('Bearer token-1');
    const replies = await askMany(stage, 1_000);
    expect(statuses(replies)).toEqual([200]);
    expect(new Set(replies.map(({ attempts }) => attempts))).toEqual(new Set(['1']));
    expect(stage.tokens.requests).toHaveLength(2);
    printTable('token calls of 1,000 concurrent runs', [
      { 'at the start': 1, 'at expiry': stage.tokens.requests.length - 1 },
    ]);
  });

  it('survives an edit of the pipeline that does not concern it', async () => {
    const stage = await setStage();
    await stage.ask();
    const loads = (): number => stage.sluice.log.messages().filter((message) => message === 'pipeline serves').length;
    const before = loads();
    await changeFolder(
      stage.sluice,
      () => stage.sluice.save('chat', definition(stage.tokens, stage.provider, { description: 'edited' })),
      () => loads() > before,
    );
    expect((await stage.ask()).status).toBe(200);
    expect(stage.tokens.requests).toHaveLength(1);
  });

  it('is refreshed in the background, and runs go on with the old one while the server is down', async () => {
    const stage = await setStage();
    await stage.ask();
    stage.tokens.answer({ status: 503 });
    await stage.sluice.clock.advance(lifetimeSeconds * 990);
    for (let second = 0; second < 30; second += 1) {
      expect(await stage.ask()).toMatchObject({ status: 200, attempts: '1' });
      await stage.sluice.clock.advance(1_000);
    }
    expect(stage.tokens.requests.length).toBeGreaterThan(1);
    expect(stage.tokens.requests.length).toBeLessThanOrEqual(1 + 31);
  });
});

describe('a token server that is down for a minute', () => {
  it('gets at most one call a second, and is used again within two seconds', async () => {
    const stage = await setStage();
    let isDown = true;
    let goodCalls = 0;
    stage.tokens.answer(() => {
      if (isDown) return { status: 503 };
      goodCalls += 1;
      return { json: { access_token: stage.issue(), token_type: 'Bearer', expires_in: lifetimeSeconds } };
    });
    const failures: Reply[] = [];
    for (let tick = 0; tick < 600; tick += 1) {
      failures.push(await stage.ask());
      await stage.sluice.clock.advance(100);
    }
    const calls = stage.tokens.requests.length;
    expect(statuses(failures)).toEqual([503]);
    expect(failures[0]?.body).toContain('TOKEN_UNAVAILABLE');
    expect(stage.provider.requests).toHaveLength(0);
    isDown = false;
    const up = stage.sluice.clock.now();
    while ((await stage.ask()).status !== 200 && stage.sluice.clock.now() - up < 5_000)
      await stage.sluice.clock.advance(100);
    const recovery = stage.sluice.clock.now() - up;
    printTable('a token server that is down for 60 s', [{ calls, 'milliseconds until recovery': recovery }]);
    expect(calls).toBeLessThanOrEqual(60);
    expect(calls).toBeGreaterThan(20);
    expect(recovery).toBeLessThan(2_000);
    expect(goodCalls).toBe(1);
  });
});

describe('fifty streams that are refused with the old token', () => {
  it('refresh it once, and each is tried once more', async () => {
    const stage = await setStage({ holdRefusals: true });
    await stage.ask();
    const before = stage.provider.requests.length;
    stage.valid.clear();
    await stage.sluice.clock.advance(2_000);
    const pending = Promise.all(Array.from({ length: 50 }, () => stage.ask(true)));
    // None is refused before all have come with the old token.
    while (stage.provider.requests.length < before + 50) await turn(1);
    stage.provider.release('refusals');
    const replies = await pending;
    expect(statuses(replies)).toEqual([200]);
    expect(replies.every(({ body }) => body.includes('hello') && body.includes('[DONE]'))).toBe(true);
    expect(stage.tokens.requests).toHaveLength(2);
    expect(stage.provider.requests).toHaveLength(before + 100);
    expect(new Set(replies.map(({ attempts }) => attempts))).toEqual(new Set(['2']));
    printTable('50 streams with a refused token', [
      { refreshes: stage.tokens.requests.length - 1, 'attempts each': 2 },
    ]);
  });

  it('are told of it as an error of the gateway where the new one is refused too', async () => {
    const stage = await setStage();
    await stage.ask();
    stage.valid.clear();
    await stage.sluice.clock.advance(2_000);
    stage.tokens.answer({ json: { access_token: 'bad', token_type: 'Bearer', expires_in: lifetimeSeconds } });
    const before = stage.provider.requests.length;
    const reply = await stage.ask();
    expect([reply.status, stage.provider.requests.length - before]).toEqual([502, 2]);
    expect(reply.body).toContain('UPSTREAM_AUTH');
  });
});
