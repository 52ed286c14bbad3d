import { describe, expect, it } from '@jest/globals';
import { askWith, dialectNames, questionOf as questionIn, type DialectName } from '../support/dialect-clients.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answering } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { forms, seenBy } from './seen.ts';
import { clientCredentials, useTokenStages, cached, openTokenStage } from './token-stage.ts';

useTokenStages();

type Json = Readonly<Record<string, unknown>>;

/** Whoever wants the credential: nothing may come to it. */
async function withTrap(test: (trap: FaultUpstream) => Promise<void>): Promise<void> {
  const trap = await startFaultUpstream(answering(200, {}));
  try {
    await test(trap);
    expect(trap.connections).toEqual([]);
  } finally {
    await trap.close();
  }
}

/** Names under which gateways and SDKs know an address. */
const names = [
  'api_base',
  'apiBase',
  'base_url',
  'baseURL',
  'baseUrl',
  'endpoint',
  'api_endpoint',
  'custom_host',
  'url',
  'proxy',
  'origin',
  'token_url',
  'tokenUrl',
];
const keys = { api_key: 'sk-of-the-client', api_version: '1', organization: 'o' };
const addresses = (origin: string): Json => ({ ...Object.fromEntries(names.map((name) => [name, origin])), ...keys });

/** Where a client may write them. */
const places: readonly (readonly [place: string, put: (members: Json) => Json])[] = [
  ['at the root', (members) => members],
  ['in metadata', (members) => ({ metadata: stringsOf(members) })],
  ['in extra_body', (members) => ({ extra_body: members })],
  ['in litellm_params', (members) => ({ litellm_params: members, model_info: members })],
  [
    'in the backend',
    (members) => ({ backends: { provider: { config: members } }, upstream: members, network: 'private' }),
  ],
];

function stringsOf(members: Json): Json {
  return Object.fromEntries(
    Object.entries(members)
      .slice(0, 12)
      .map(([name, value]) => [name, String(value)]),
  );
}

const headerNames = [
  'x-portkey-custom-host',
  'x-api-base',
  'x-base-url',
  'x-forwarded-host',
  'x-original-url',
  'x-upstream',
  'helicone-target-url',
  'x-sluice-backend',
  'forwarded',
];

/** Sends it; whatever comes of it, the provider saw it with the right token, or nobody did. */
async function expectAtHome(
  dialect: DialectName,
  body: Json,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const stage = await openTokenStage();
  const client = await stage.send(askWith(dialect, { ...questionIn(dialect), ...body }, { headers }));
  await client.end();
  const { status } = await client.response();
  expect(stage.upstream.requests.map((request) => [request.path, request.headers['authorization']])).toEqual(
    status === 200 ? [['/v1/chat/completions', 'Bearer token-1']] : [],
  );
  expect(stage.tokens.requests.every(({ path }) => path === '/token')).toBe(true);
  return status;
}

describe(row('token-elsewhere'), () => {
  it.each(dialectNames.flatMap((dialect) => places.map(([place, put]) => [dialect, place, put] as const)))(
    'a client of %s may write addresses %s',
    async (dialect, _place, put) => {
      await withTrap(async (trap) => {
        expect([200, 400]).toContain(await expectAtHome(dialect, put(addresses(trap.origin))));
      });
    },
  );

  it.each(dialectNames)('a client of %s may write them into headers', async (dialect) => {
    await withTrap(async (trap) => {
      const headers = Object.fromEntries(headerNames.map((name) => [name, trap.origin]));
      expect(await expectAtHome(dialect, {}, headers)).toBe(200);
    });
  });

  it('a client may write them into a tool', async () => {
    await withTrap(async (trap) => {
      const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
      const body = { tools: [{ ...tool, ...addresses(trap.origin) }] };
      expect([200, 400]).toContain(await expectAtHome('openai-chat', body));
    });
  });

  it.each(forms.flatMap((form) => [301, 302, 303, 307, 308].map((status) => [status, form] as const)))(
    'a provider of the model may redirect with %i (%s)',
    async (status, form) => {
      await withTrap(async (trap) => {
        const location = `${trap.origin}/v1/chat/completions`;
        const stage = await openTokenStage({ provider: () => answering(status, '', { location }) });
        expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_BAD_CONTENT' });
        expect(stage.upstream.requests).toHaveLength(1);
      });
    },
  );

  it('a definition may name a credential that is for others', async () => {
    await withTrap(async ({ origin }) => {
      const stage = await openTokenStage({
        serves: false,
        token: (url) => ({ ...Object(cached(clientCredentials(url))), origins: [origin] }),
      });
      const client = await stage.ask('openai document');
      expect(await seenBy(client, 'openai document')).toMatchObject({ end: 'error', code: 'DEFINITION_INVALID' });
      expect(stage.sluice.log.text()).toContain('token.origin');
      expect(stage.sluice.log.text()).toContain(`the credential of "login" is for ${origin} only`);
      expect([stage.tokens.requests.length, stage.upstream.connections.length]).toEqual([0, 0]);
    });
  });

  it('a definition may do so deep inside of others', async () => {
    await withTrap(async ({ origin }) => {
      const bound = (url: string): object => ({ ...Object(clientCredentials(url)), origins: [origin] });
      const stage = await openTokenStage({
        serves: false,
        token: (url) => ({ type: 'chained', config: { providers: [cached(bound(url))] } }),
      });
      expect(await seenBy(await stage.ask('native stream'), 'native stream')).toMatchObject({
        code: 'DEFINITION_INVALID',
      });
      expect(stage.tokens.requests).toHaveLength(0);
    });
  });

  it('a credential that is for this very origin is sent there', async () => {
    const provider = await startFaultUpstream(answering(200, {}));
    await provider.close();
    const stage = await openTokenStage({
      origin: provider.origin,
      token: (url) => ({ ...Object(cached(clientCredentials(url))), origins: [provider.origin] }),
    });
    expect(await seenBy(await stage.ask('openai document'), 'openai document')).toMatchObject({
      code: 'UPSTREAM_CONNECT',
    });
    expect(stage.tokens.requests).toHaveLength(1);
  });
});
