import { describe, expect, it } from '@jest/globals';
import { printTable } from '../e2e/print.ts';
import { refusingPort } from '../support/dead-port.ts';
import type { TokenServerAnswer } from '../support/token-server.ts';
import { row } from './catalogue.ts';
import { runCounts } from './fault-case.ts';
import { forms, seenBy, type Form, type Seen } from './seen.ts';
import { cached, clientCredentials, useTokenStages, openTokenStage, takeGood, type TokenStage } from './token-stage.ts';

useTokenStages();

const second = 1_000;
const hello = { status: 200, end: 'ok', text: 'Hello' };
const down = { status: 503 };
const inSeconds: TokenServerAnswer = { status: 503, headers: { 'retry-after': '7' } };
/** 12 seconds after the clock of a stage began. */
const onDate: TokenServerAnswer = { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:12 GMT' } };
const past: TokenServerAnswer = { status: 503, headers: { 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' } };

const chained = (...providers: readonly object[]): object => ({ type: 'chained', config: { providers } });
const bare = (tokenUrl: string): object => clientCredentials(tokenUrl);
const endpoint = (url: string): object => ({ type: 'http', config: { url, network: 'private' } });
const unreadable = { type: 'static', config: { token: { $env: 'EMPTY_TOKEN' } } };

async function ask(stage: TokenStage, form: Form = 'openai document'): Promise<Seen> {
  return seenBy(await stage.ask(form), form);
}

describe(row('token-down'), () => {
  it.each(forms)('is a 503 where nobody listens, and the provider sees nothing (%s)', async (form) => {
    const port = await refusingPort();
    const stage = await openTokenStage({ tokenUrl: `http://127.0.0.1:${port}/token` });
    for (let count = 0; count < 2; count += 1)
      expect(await ask(stage, form)).toMatchObject({
        status: 503,
        type: 'document',
        code: 'TOKEN_UNAVAILABLE',
        retryAfter: '1',
      });
    expect(stage.upstream.connections).toHaveLength(0);
    expect(stage.ended()[0]?.fields).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      reason: 'UPSTREAM_CONNECT',
      tokenProvider: 'login > oauth2-client-credentials',
    });
    expect(stage.sluice.metric('token_refreshes')).toBe(1);
  });

  it.each<[string, (tokenUrl: string) => object, TokenServerAnswer, string]>([
    ['without a cache and a time', bare, down, '1'],
    ['without a cache, in seconds', bare, inSeconds, '7'],
    ['without a cache, on a date', bare, onDate, '12'],
    ['without a cache, on a date gone by', bare, past, '0'],
    ['from any endpoint, without a time', endpoint, down, '1'],
    ['from any endpoint, on a date', endpoint, onDate, '12'],
    ['with a cache, without a time', (url) => cached(bare(url)), down, '1'],
    ['with a cache, on a date', (url) => cached(bare(url)), onDate, '12'],
    ['by a chain, without a time', (url) => chained(bare(url), endpoint(url)), down, '1'],
    ['by a chain, on a date', (url) => chained(bare(url), endpoint(url)), onDate, '12'],
    ['by a chain of which one says when', (url) => chained(unreadable, bare(url)), inSeconds, '7'],
    ['by chains in a chain', (url) => chained(chained(bare(url)), chained(endpoint(url))), down, '1'],
  ])('tells its clients when to ask again: %s', async (_how, token, answer, retryAfter) => {
    const stage = await openTokenStage({ token, environment: { EMPTY_TOKEN: ' ' } });
    stage.tokens.answer(answer);
    for (const form of forms) {
      const seen = await ask(stage, form);
      expect([form, seen]).toMatchObject([form, { status: 503, code: 'TOKEN_UNAVAILABLE', retryAfter }]);
    }
    expect(stage.upstream.connections).toHaveLength(0);
  });

  it('is told once to the operator, and so is its end', async () => {
    const stage = await openTokenStage();
    stage.tokens.answer(down);
    for (let count = 0; count < 20; count += 1) {
      expect(await ask(stage)).toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
      await stage.clock.advance(second);
    }
    stage.tokens.answer(() => stage.grant());
    for (let count = 0; count < 5; count += 1) expect(await ask(stage)).toMatchObject(hello);
    const told = stage.sluice.log.lines.filter(({ message }) => message.startsWith('a token provider'));
    expect(told.map(({ level, message, fields }) => [level, message, fields['tokenProvider']])).toEqual([
      ['warn', 'a token provider fails', 'oauth2-client-credentials'],
      ['warn', 'a token provider fails', 'login'],
      ['info', 'a token provider works again', 'oauth2-client-credentials'],
      ['info', 'a token provider works again', 'login'],
    ]);
  });

  it('is not noticed by runs while the old token lives, and no longer', async () => {
    const stage = await openTokenStage();
    stage.tokens.answer(() => stage.grant(600));
    expect(await ask(stage)).toMatchObject(hello);
    stage.tokens.answer(down);
    for (let time = 0; time < 600; time += 10) {
      expect(await ask(stage)).toMatchObject(hello);
      await stage.clock.advance(10 * second);
    }
    expect(await ask(stage)).toMatchObject({ status: 503, code: 'TOKEN_UNAVAILABLE' });
    expect(stage.upstream.requests.length).toBe(61);
    // From 80 % of the lifetime on, less the jitter, at each of the requests.
    const calls = stage.tokens.requests.length;
    expect([calls >= 13, calls <= 22]).toEqual([true, true]);
  });

  const flapping: readonly (readonly [lifetimeSeconds: number, mostFailures: number])[] = [
    [300, 10],
    [4, 60],
    [1, 400],
  ];
  it.each(flapping)(
    'may be the case every other second, with tokens of %i s',
    async (lifetimeSeconds, mostFailures) => {
      const stage = await openTokenStage({ token: (url) => cached(clientCredentials(url)) });
      const start = stage.clock.now();
      const isUp = (): boolean => Math.floor((stage.clock.now() - start) / second) % 2 === 1;
      stage.tokens.answer(() => (isUp() ? stage.grant(lifetimeSeconds) : down));
      const counts = { good: 0, failed: 0 };
      let longestFailure = 0;
      let failingSince: number | undefined;
      for (let tick = 0; tick < 600; tick += 1) {
        const seen = await ask(stage);
        const isGood = seen.end === 'ok';
        expect(seen).toMatchObject(isGood ? hello : { status: 503, code: 'TOKEN_UNAVAILABLE' });
        counts[isGood ? 'good' : 'failed'] += 1;
        failingSince = isGood ? undefined : (failingSince ?? stage.clock.now());
        if (failingSince !== undefined) longestFailure = Math.max(longestFailure, stage.clock.now() - failingSince);
        await stage.clock.advance(100);
      }
      // The provider never saw a token that had ended: it would have been refused and asked for once more.
      expect(stage.upstream.requests).toHaveLength(counts.good);
      expect(runCounts(stage)).toEqual({ runs_ok: counts.good, runs_error: counts.failed });
      const calls = stage.tokens.requests.length;
      printTable(`a token server that is up and down every second, tokens of ${lifetimeSeconds} s`, [
        { ...counts, calls, 'longest failure in ms': longestFailure },
      ]);
      expect(counts.failed).toBeLessThanOrEqual(mostFailures);
      expect(longestFailure).toBeLessThan(2_000);
      // At most one call a second while it fails, and one for each token.
      expect(calls).toBeLessThanOrEqual(lifetimeSeconds === 1 ? 120 : 61);
    },
    60_000,
  );
});

describe(row('token-stampede'), () => {
  it('asks once for a thousand runs that come together, and fails them with one failure', async () => {
    const stage = await openTokenStage();
    let release = (): void => undefined;
    const after = new Promise<void>((resolve) => {
      release = resolve;
    });
    stage.tokens.answer({ ...down, after }, () => stage.grant());
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => stage.ask('openai document')));
    while (stage.sluice.metric('streams_live') < 1_000) await stage.clock.advance(0);
    release();
    const failed = await Promise.all(clients.map((client) => seenBy(client, 'openai document')));
    expect(new Set(failed.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(['503 TOKEN_UNAVAILABLE']));
    expect([stage.tokens.requests.length, stage.upstream.connections.length]).toEqual([1, 0]);
    await stage.clock.advance(second);
    const again = await Promise.all(Array.from({ length: 1_000 }, () => ask(stage)));
    expect(new Set(again.map(({ text }) => text))).toEqual(new Set(['Hello']));
    expect(stage.tokens.requests).toHaveLength(2);
  });

  it.each([
    ['openai stream', 0],
    ['openai stream', 2],
    ['native stream', 0],
    ['native stream', 2],
  ] as const)(
    'renews a refused token once for fifty streams, each of which is tried once more (%s, %i s old)',
    async (form, age) => {
      const stage = await openTokenStage({
        provider: (request, isGood) => [...(isGood ? [] : [{ wait: 'refusals' }]), ...takeGood(request, isGood)],
      });
      expect(await ask(stage, form)).toMatchObject(hello);
      stage.revoke();
      await stage.clock.advance(age * second);
      const clients = await Promise.all(Array.from({ length: 50 }, () => stage.ask(form)));
      while (stage.upstream.requests.length < 51) await stage.clock.advance(0);
      stage.upstream.release('refusals');
      for (const client of clients) expect(await seenBy(client, form)).toMatchObject(hello);
      expect([stage.tokens.requests.length, stage.upstream.requests.length]).toEqual([2, 1 + 50 + 50]);
    },
    30_000,
  );
});
