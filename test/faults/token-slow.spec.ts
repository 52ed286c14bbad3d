import { afterEach, describe, expect, it } from '@jest/globals';
import { askWith, dialectNames, questionOf as questionIn } from '../support/dialect-clients.ts';
import { probe } from '../support/probe-client.ts';
import { startTokenProcess, type TokenProcess } from '../support/token-process.ts';
import { eventually } from '../support/turn.ts';
import { row } from './catalogue.ts';
import { runCounts } from './fault-case.ts';
import { codeFor, documents, forms, seenBy, streams, type Form } from './seen.ts';
import {
  clientCredentials,
  useTokenStages,
  cached,
  hello,
  openTokenStage,
  takeGood,
  type TokenStage,
} from './token-stage.ts';

useTokenStages();

const processes: TokenProcess[] = [];
afterEach(async () => {
  for (const process of processes.splice(0)) await process.close();
});

const second = 1_000;
const good = { status: 200, end: 'ok', text: 'Hello' };
const late = { status: 503, code: 'TOKEN_UNAVAILABLE', retryAfter: '1' };
/** So long the token server is waited for. */
const patience = 5 * second;

/** A stage whose token server is a process of its own; the provider takes every token of it. */
async function openFrozenStage(
  lifetimeSeconds: number,
  config: object = {},
): Promise<TokenStage & { readonly server: TokenProcess }> {
  const server = await startTokenProcess(lifetimeSeconds);
  processes.push(server);
  const stage = await openTokenStage({
    tokenUrl: server.url,
    token: (url) => cached(clientCredentials(url, config)),
    provider: hello,
    output: { heartbeat: '4s' },
  });
  return Object.assign(stage, { server });
}

/** Sends a question and waits until its run waits for a token. */
async function askAndWait(stage: TokenStage, form: Form) {
  const live = stage.sluice.metric('streams_live');
  const client = await stage.ask(form);
  await eventually(() => stage.sluice.metric('streams_live') > live, 'the run to begin');
  return client;
}

describe(row('token-slow'), () => {
  it.each(forms)('is waited for up to its timeout (%s)', async (form) => {
    const stage = await openTokenStage();
    let answer = (): void => undefined;
    const after = new Promise<void>((resolve) => {
      answer = resolve;
    });
    stage.tokens.answer(() => ({ ...stage.grant(), after }));
    const client = await askAndWait(stage, form);
    await stage.clock.advance(patience - 1);
    answer();
    expect(await seenBy(client, form)).toMatchObject(good);
  });

  const silences = ['frozen', 'half'] as const;
  it.each(silences.flatMap((fault) => forms.map((form) => [fault, form] as const)))(
    'is not waited for any longer, and asked again a second later (%s, %s)',
    async (fault, form) => {
      const stage = await openTokenStage();
      stage.tokens.answer({ ...stage.grant(), fault }, () => stage.grant());
      const clients = [await askAndWait(stage, form), await askAndWait(stage, form)];
      await eventually(() => stage.tokens.requests.length === 1, 'the request for a token');
      await stage.clock.advance(patience - 1);
      expect(stage.ended()).toHaveLength(0);
      await stage.clock.advance(1);
      for (const client of clients) expect(await seenBy(client, form)).toMatchObject(late);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(late);
      await stage.clock.advance(second);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
      expect([stage.tokens.requests.length, stage.upstream.requests.length]).toEqual([2, 1]);
      expect(stage.ended()[0]?.fields).toMatchObject({
        reason: 'UPSTREAM_HEADERS_TIMEOUT',
        tokenProvider: 'login > oauth2-client-credentials',
      });
    },
  );

  it('that is frozen is not noticed by runs while the old token lives', async () => {
    const stage = await openFrozenStage(3_600);
    expect(await seenBy(await stage.ask('openai stream'), 'openai stream')).toMatchObject(good);
    await stage.server.freeze();
    // From the refresh in the background to the last seconds.
    await stage.clock.advance(2_500 * second);
    let runs = 1;
    while (stage.clock.now() < 3_600 * second) {
      const began = stage.clock.now();
      for (const form of forms) {
        expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
        runs += 1;
      }
      expect(stage.clock.now()).toBe(began);
      await stage.clock.advance(Math.min(60 * second, 3_600 * second - began));
    }
    expect(stage.sluice.metric('token_refresh_failures')).toBeGreaterThan(5);
    // In the last second they do not wait either, because it has failed before.
    expect(await seenBy(await stage.ask('openai stream'), 'openai stream')).toMatchObject(good);
    await stage.clock.advance(2 * second);
    const client = await askAndWait(stage, 'openai stream');
    await stage.clock.advance(patience);
    expect(await seenBy(client, 'openai stream')).toMatchObject(late);
    expect(runCounts(stage)).toEqual({ runs_ok: runs + 1, runs_error: 1 });
    stage.server.thaw();
    const thawed = stage.clock.now();
    for (;;) {
      const seen = await seenBy(await stage.ask('openai stream'), 'openai stream');
      if (seen.end === 'ok') break;
      expect(seen).toMatchObject(late);
      await stage.clock.advance(100);
    }
    expect(stage.clock.now() - thawed).toBeLessThan(2 * second);
  });

  it.each([
    ['the last minute', 3_600, 3_570, 10],
    ['the second half of ten seconds', 10, 6.5, 1],
  ])('that is frozen when %s of a token has begun holds no run up, and fails none', async (_when, life, at, rounds) => {
    const stage = await openFrozenStage(life);
    expect(await seenBy(await stage.ask('openai document'), 'openai document')).toMatchObject(good);
    await stage.server.freeze();
    await stage.clock.advance(at * second);
    for (let count = 0; count < rounds; count += 1) {
      const began = stage.clock.now();
      for (const form of forms) expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
      expect(stage.clock.now()).toBe(began);
      await stage.clock.advance(2 * second);
    }
    await stage.clock.advance(patience);
  });

  it.each(forms)(
    'that is frozen in the last second of a token holds runs up no longer than it lives (%s)',
    async (form) => {
      const stage = await openFrozenStage(10);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
      await stage.server.freeze();
      await stage.clock.advance(9.2 * second);
      const clients = [await askAndWait(stage, form), await askAndWait(stage, form)];
      await stage.clock.advance(0.7 * second);
      for (const client of clients) expect(await seenBy(client, form)).toMatchObject(good);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
      expect(runCounts(stage)).toEqual({ runs_ok: 4 });
      await stage.clock.advance(patience);
    },
  );

  it.each(forms)(
    'that is frozen when fifty tokens are refused is asked once, and holds them up once (%s)',
    async (form) => {
      const stage = await openTokenStage({
        provider: (request, isGood) => (isGood ? hello(request) : [{ wait: 'refusals' }, ...takeGood(request, isGood)]),
      });
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
      stage.revoke();
      stage.tokens.answer({ fault: 'frozen' }, () => stage.grant());
      await stage.clock.advance(2 * second);
      const clients = await Promise.all(Array.from({ length: 50 }, () => stage.ask(form)));
      await eventually(() => stage.upstream.requests.length === 51, 'the provider to have all of them');
      stage.upstream.release('refusals');
      await eventually(() => stage.sluice.metric('upstream_calls_live') === 0, 'all to be refused');
      await eventually(() => stage.tokens.requests.length === 2, 'the request for a new token');
      await stage.clock.advance(patience);
      for (const client of clients)
        expect(await seenBy(client, form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([51, 2]);
      await stage.clock.advance(second);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    },
  );

  const ways = ['fin', 'reset', 'destroy'] as const;
  it.each(forms.flatMap((form) => ways.map((way) => [form, way] as const)))(
    'does not hold what belonged to a client that left (%s, %s)',
    async (form, way) => {
      const stage = await openFrozenStage(3_600);
      await stage.server.freeze();
      const client = await askAndWait(stage, form);
      const others = [await askAndWait(stage, form), await askAndWait(stage, form)];
      client[way]();
      await eventually(() => stage.ended().length === 1, 'the end of the run');
      expect(stage.ended()[0]?.fields).toMatchObject({ outcome: 'client-gone', code: 'CLIENT_GONE' });
      await eventually(() => stage.sluice.metric('streams_live') === 2, 'its place to be free');
      expect(stage.sluice.metric('upstream_calls_live')).toBe(0);
      for (const other of others) other[way]();
      await eventually(() => stage.sluice.metric('streams_live') === 0, 'the end of all runs');
      // The call goes on for whoever comes next, within its own time.
      await stage.clock.advance(patience);
      const timers = stage.clock.pendingTimers().filter(({ label }) => !label.startsWith('pipeline-folder.ts'));
      expect(timers).toEqual([]);
      expect(runCounts(stage)).toEqual({ runs_client_gone: 3 });
    },
  );

  it.each(streams)('is waited for with signs of life, and fails with the error of the stream (%s)', async (form) => {
    const stage = await openFrozenStage(3_600, { timeout: '20s' });
    await stage.server.freeze();
    const client = await askAndWait(stage, form);
    await stage.clock.advance(9_999);
    expect(client.responses).toHaveLength(0);
    await stage.clock.advance(1);
    await client.until(': hb');
    await stage.clock.advance(10 * second);
    expect(await seenBy(client, form)).toMatchObject({
      status: 200,
      type: 'stream',
      end: 'error',
      code: codeFor('TOKEN_UNAVAILABLE', form),
      text: '',
      heartbeats: 3,
    });
  });

  it.each(dialectNames)('fails a stream of %s that has its head in the way of the dialect', async (dialect) => {
    const stage = await openTokenStage({ token: (url) => cached(clientCredentials(url, { timeout: '20s' })) });
    let answer = (): void => undefined;
    const after = new Promise<void>((resolve) => {
      answer = resolve;
    });
    stage.tokens.answer({ body: '<html>', after });
    const client = await probe({ port: stage.sluice.port }, askWith(dialect, questionIn(dialect), { stream: true }));
    await eventually(() => stage.tokens.requests.length === 1, 'the request for a token');
    await stage.clock.advance(19 * second);
    answer();
    expect(await client.end()).toBe('complete');
    const { status, text } = await client.response();
    client.destroy();
    expect([dialect, status, text.includes('TOKEN_INVALID')]).toEqual([dialect, 200, true]);
    expect(text).not.toMatch(
      /\[DONE\]|message_stop|response\.completed|finish_?reason":"stop|"done":true|"outcome":"ok"/i,
    );
    expect(stage.upstream.connections).toHaveLength(0);
  });

  it.each(documents)('is waited for without a sign of life where none is possible (%s)', async (form) => {
    const stage = await openFrozenStage(3_600, { timeout: '20s' });
    await stage.server.freeze();
    const client = await askAndWait(stage, form);
    await stage.clock.advance(20 * second);
    expect(await seenBy(client, form)).toMatchObject(late);
  });

  it.each(forms)('holds no run for longer than half a minute, whatever its own timeout (%s)', async (form) => {
    const stage = await openFrozenStage(3_600, { timeout: '10m' });
    await stage.server.freeze();
    const client = await askAndWait(stage, form);
    await stage.clock.advance(30 * second);
    expect(await seenBy(client, form)).toMatchObject({ end: 'error', code: codeFor('TOKEN_UNAVAILABLE', form) });
    expect(stage.ended()[0]?.fields).toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    await stage.clock.advance(600 * second);
  });

  it.each(streams)('answers at last, and the stream goes on as if nothing had been (%s)', async (form) => {
    const stage = await openFrozenStage(3_600, { timeout: '20s' });
    await stage.server.freeze();
    const client = await askAndWait(stage, form);
    await stage.clock.advance(19 * second);
    stage.server.thaw();
    expect(await seenBy(client, form)).toMatchObject({ ...good, heartbeats: 3 });
    expect(await stage.server.requests()).toBe(1);
  });
});
