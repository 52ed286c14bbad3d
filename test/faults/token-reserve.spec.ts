import { describe, expect, it } from '@jest/globals';
import { askWith, dialectNames, expectDialectError, questionOf as questionIn } from '../support/dialect-clients.ts';
import { errorBody } from '../support/openai-stream.ts';
import { answering, type ScenarioLike } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { runCounts } from './fault-case.ts';
import { forms, seenBy, type Form } from './seen.ts';
import { clientCredentials, useTokenStages, cached, hello, openTokenStage, type TokenStage } from './token-stage.ts';

useTokenStages();

const good = { status: 200, end: 'ok', text: 'Hello' };
const names = ['FIRST', 'SECOND', 'THIRD'] as const;
const environment = Object.fromEntries(
  names.map((name) => [`${name}_API_KEY`, `key-${name.toLowerCase()}-Xb7Qn2Rv5Tz8`]),
);
const canaries = Object.values(environment);
const key = (name: string): object => ({ type: 'static', config: { token: { $env: `${name}_API_KEY` } } });

const refusals = {
  revoked: answering(401, errorBody({ message: 'revoked' })),
  limited: answering(429, errorBody({ message: 'slow' }), { 'retry-after': '30' }),
  'limited for longer': answering(429, errorBody({ message: 'slow' }), { 'retry-after': '90' }),
  spent: answering(402, errorBody({ message: 'pay' })),
  'out of credit': answering(
    400,
    errorBody({ type: 'invalid_request_error', message: 'Your credit balance is too low to access the API.' }),
  ),
} as const;
type State = 'good' | keyof typeof refusals;

/** A stage with a provider that knows three keys, in states that may change. */
async function openKeyStage(
  states: Partial<Record<(typeof names)[number], State>>,
  token: (tokenUrl: string) => object,
): Promise<TokenStage & { sent(): readonly string[] }> {
  const nameOf = (authorization: unknown): string =>
    names.find((name) => authorization === `Bearer ${environment[`${name}_API_KEY`]}`) ?? String(authorization);
  const stage = await openTokenStage({
    environment,
    canaries,
    token,
    provider: (request, isGood): ScenarioLike => {
      const name = names.find((one) => one === nameOf(request.headers['authorization']));
      const state = name === undefined ? (isGood ? 'good' : 'revoked') : (states[name] ?? 'good');
      return state === 'good' ? hello(request) : refusals[state];
    },
  });
  let seen = 0;
  const sent = (): readonly string[] => {
    const fresh = stage.upstream.requests.slice(seen).map(({ headers }) => nameOf(headers['authorization']));
    seen = stage.upstream.requests.length;
    return fresh;
  };
  return Object.assign(stage, { sent });
}

async function ask(stage: TokenStage, form: Form = 'openai document') {
  return seenBy(await stage.ask(form), form);
}

const chain = (...providers: readonly object[]) => ({ type: 'chained', config: { providers } });
const pool = (...keys: readonly string[]) => ({
  type: 'pool',
  config: { keys: keys.map((name) => ({ provider: key(name) })) },
});

describe(row('token-reserve'), () => {
  it.each(forms)('a key serves while the token server is down, and the log says why, once (%s)', async (form) => {
    const stage = await openKeyStage({}, (url) => chain(cached(clientCredentials(url)), key('FIRST')));
    stage.tokens.answer({ status: 503, json: { error: 'temporarily_unavailable' } });
    for (let count = 0; count < 10; count += 1) {
      expect(await ask(stage, form)).toMatchObject(good);
      await stage.clock.advance(500);
    }
    expect(stage.sent()).toEqual(Array.from({ length: 10 }, () => 'FIRST'));
    expect(stage.tokens.requests).toHaveLength(1);
    const warnings = stage.sluice.log.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message, fields }) => [message, fields['tokenProvider'], fields['reason']])).toEqual([
      ['a token provider fails', 'oauth2-client-credentials', 'temporarily_unavailable'],
      ['a token provider fails', 'cache', 'temporarily_unavailable'],
    ]);
    stage.tokens.answer(() => stage.grant());
    await stage.clock.advance(30_000);
    expect(await ask(stage, form)).toMatchObject(good);
    expect(stage.sent()).toEqual(['Bearer token-1']);
    expect(runCounts(stage)).toEqual({ runs_ok: 11 });
  });

  it.each(forms)('a key serves where the token is refused for ever (%s)', async (form) => {
    const stage = await openKeyStage({}, (url) => chain(cached(clientCredentials(url)), key('FIRST')));
    stage.tokens.answer(() => ({ json: { access_token: 'never-good', token_type: 'Bearer', expires_in: 600 } }));
    for (let count = 0; count < 20; count += 1) {
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject(good);
      expect(Number((await client.response()).headers['x-sluice-attempts'])).toBeLessThanOrEqual(3);
      await stage.clock.advance(1_000);
    }
    // It is tried, renewed once, and then left out for as long as the chain says.
    expect(stage.sent().filter((name) => name === 'Bearer never-good').length).toBeLessThanOrEqual(3);
  });

  it.each(forms)(
    'tells all the reasons in the log where nothing is left, and the client none of them (%s)',
    async (form) => {
      const stage = await openKeyStage({}, (url) =>
        chain(cached(clientCredentials(url)), clientCredentials(url, { clientId: 'other' })),
      );
      stage.tokens.answer({ status: 400, json: { error: 'invalid_client' } }, { status: 503 });
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject({ status: 503, code: 'TOKEN_UNAVAILABLE', retryAfter: '1' });
      expect((await client.response()).text).not.toMatch(/invalid_client|oauth2|cache/);
      expect(stage.ended()[0]?.fields).toMatchObject({
        tokenProvider: 'login',
        reasons: expect.stringMatching(
          /^cache: TOKEN_UNAVAILABLE invalid_client; oauth2-client-credentials: TOKEN_UNAVAILABLE the token server/,
        ),
      });
    },
  );

  it.each(forms)('a pool serves every request with its one good key (%s)', async (form) => {
    const states: Parameters<typeof openKeyStage>[0] = { FIRST: 'revoked', SECOND: 'limited' };
    const stage = await openKeyStage(states, () => pool(...names));
    let most = 0;
    for (let count = 0; count < 25; count += 1) {
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject(good);
      most = Math.max(most, Number((await client.response()).headers['x-sluice-attempts']));
      await stage.clock.advance(1_000);
    }
    expect(most).toBeLessThanOrEqual(3);
    const sent = stage.sent();
    const count = (name: string): number => sent.filter((one) => one === name).length;
    expect([count('FIRST'), count('SECOND'), count('THIRD')]).toEqual([1, 1, 25]);
    states.SECOND = 'good';
    await stage.clock.advance(60_000);
    for (let round = 0; round < 10; round += 1) expect(await ask(stage, form)).toMatchObject(good);
    expect(stage.sent().toSorted()).toEqual([...Array(5).fill('SECOND'), ...Array(5).fill('THIRD')]);
    // After five minutes the revoked key is tried by one request, which is served all the same.
    await stage.clock.advance(300_000);
    for (let round = 0; round < 10; round += 1) expect(await ask(stage, form)).toMatchObject(good);
    expect(stage.sent().filter((name) => name === 'FIRST')).toHaveLength(1);
    expect(stage.sluice.log.messages().filter((message) => message === 'a key of a pool cools down')).toHaveLength(3);
  });

  it('a pool without a key that may be used says when there will be one, in every dialect', async () => {
    const stage = await openKeyStage({ FIRST: 'limited for longer', SECOND: 'limited', THIRD: 'spent' }, () =>
      pool(...names),
    );
    // The first run tries them all and is told what it met last; no other one asks the provider.
    expect(await ask(stage)).toMatchObject({ status: 502, code: 'UPSTREAM_ERROR' });
    expect(stage.sent()).toEqual([...names]);
    for (const [index, dialect] of dialectNames.entries())
      for (const stream of [false, true]) {
        const client = await stage.send(askWith(dialect, questionIn(dialect), { stream }));
        await client.end();
        const response = await client.response();
        expectDialectError(response, dialect, 'UPSTREAM_RATE_LIMITED');
        expect([dialect, response.headers['retry-after']]).toEqual([dialect, String(30 - 2 * index - Number(stream))]);
        await stage.clock.advance(1_000);
      }
    expect(stage.sent()).toEqual([]);
    expect(stage.ended().at(-1)?.fields).toMatchObject({
      tokenProvider: 'login',
      reason: 'no key of the pool can be used now',
    });
  });

  it.each(forms)('a pool of keys that are all revoked is the failure of the gateway (%s)', async (form) => {
    const stage = await openKeyStage({ FIRST: 'revoked', SECOND: 'revoked', THIRD: 'revoked' }, () => pool(...names));
    expect(await ask(stage, form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
    expect(stage.sent()).toEqual([...names]);
    for (let count = 0; count < 5; count += 1) {
      expect(await ask(stage, form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH', retryAfter: undefined });
      await stage.clock.advance(1_000);
    }
    expect(stage.sent()).toEqual([]);
  });

  it.each(forms)('a pool of keys that are all spent is the failure of the gateway (%s)', async (form) => {
    const stage = await openKeyStage({ FIRST: 'spent', SECOND: 'out of credit', THIRD: 'spent' }, () => pool(...names));
    for (const sent of [[...names], [], []]) {
      expect(await ask(stage, form)).toMatchObject({ status: 502, code: 'UPSTREAM_ERROR', retryAfter: undefined });
      expect(stage.sent()).toEqual(sent);
    }
    expect(stage.ended().at(-1)?.fields).toMatchObject({ tokenProvider: 'login', exhausted: true });
  });

  it('a pool inside of a chain comes before a key in reserve', async () => {
    const stage = await openKeyStage({ FIRST: 'limited', SECOND: 'spent' }, () =>
      chain(pool('FIRST', 'SECOND'), key('THIRD')),
    );
    for (let count = 0; count < 10; count += 1) expect(await ask(stage)).toMatchObject(good);
    const sent = stage.sent();
    expect([sent.slice(0, 2), sent.slice(2)]).toEqual([['FIRST', 'SECOND'], Array.from({ length: 10 }, () => 'THIRD')]);
  });
});
