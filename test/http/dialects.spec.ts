import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../src/kernel/error-table.ts';
import { leaksOf } from '../support/canary.ts';
import {
  askWith,
  dialectNames,
  expectDialectError,
  pathOf,
  questionOf,
  type DialectName,
} from '../support/dialect-clients.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answerBody, answerFrames } from '../support/openai-stream.ts';
import { openProbe, probe, type ProbeRequest, type ProbeResponse } from '../support/probe-client.ts';
import { answering, streaming } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

/*
 * What is of HTTP and differs by dialect: paths, lists of models, refusals before anything is read, and where a key may
 * stand. One provider answers all; it shows what reached it.
 */

let upstream: FaultUpstream;
let sluice: Sluice;
const maxBodyBytes = 10_000;
const longModel = `org/${'m'.repeat(200)}.v1:beta`;
const clock = new TestClock({ wallTime: Date.parse('2026-03-01T12:00:00Z') });

beforeAll(async () => {
  upstream = await startFaultUpstream(({ bodyText }) =>
    bodyText.includes('"stream":true')
      ? streaming(answerFrames({ text: ['Hello'] }))
      : answering(200, answerBody({ text: ['Hello'] })),
  );
  const backend = openAiBackend(upstream.origin);
  const long = { ...backend, config: { baseUrl: `${upstream.origin}/v1`, model: longModel } };
  const dotted = { ...backend, config: { baseUrl: `${upstream.origin}/v1`, model: 'gemini-2.5-flash' } };
  const routing = { default: { to: ['provider'] } };
  sluice = await startSluice({
    clock,
    pipelines: {
      support: { inbound: { maxBodyBytes }, backends: { provider: backend, long, dotted }, routing },
      chats: { inbound: { formats: ['native'] }, backends: { provider: backend } },
    },
  });
});
afterAll(async () => {
  await sluice.close();
  await upstream.close();
});

async function answerTo(request: ProbeRequest): Promise<ProbeResponse> {
  const client = await probe({ port: sluice.port }, request);
  await client.end();
  const response = await client.response();
  client.destroy();
  return response;
}

/** Refused, with nothing sent. */
async function expectRefused(
  request: ProbeRequest,
  dialect: DialectName,
  code: ErrorCode,
  field?: string,
): Promise<ProbeResponse> {
  const before = upstream.requests.length;
  const response = await answerTo(request);
  expectDialectError(response, dialect, code, field);
  expect(upstream.requests.length).toBe(before);
  return response;
}

describe('a list of models', () => {
  const ids = ['support', 'provider', 'long', 'dotted', 'test-model', longModel, 'gemini-2.5-flash'];
  const time = '2026-03-01T12:00:00';
  const openAi = {
    object: 'list',
    data: ids.map((id) => ({ id, object: 'model', created: Date.parse(`${time}Z`) / 1_000, owned_by: 'sluice' })),
  };
  const anthropic = {
    data: ids.map((id) => ({ type: 'model', id, display_name: id, created_at: `${time}.000Z` })),
    has_more: false,
    first_id: 'support',
    last_id: 'gemini-2.5-flash',
  };
  const gemini = {
    models: ids.map((id) => ({
      name: `models/${id}`,
      baseModelId: id,
      displayName: id,
      supportedGenerationMethods: ['generateContent', 'streamGenerateContent'],
    })),
  };
  const ollama = { models: ids.map((id) => expect.objectContaining({ name: id, model: id, size: 0 }) as unknown) };
  const lists: readonly (readonly [name: string, path: string, headers: Record<string, string>, expected: object])[] = [
    ['OpenAI', 'v1/models', {}, openAi],
    ['OpenAI, with a key', 'v1/models', { authorization: 'Bearer x' }, openAi],
    ['OpenAI, with the key header of others', 'v1/models', { 'x-api-key': 'x' }, openAi],
    ['Anthropic', 'v1/models', { 'anthropic-version': '2023-06-01' }, anthropic],
    ['Anthropic, with a page', 'v1/models?limit=20', { 'anthropic-version': '2023-06-01' }, anthropic],
    ['Gemini by its key', 'v1/models', { 'x-goog-api-key': 'x' }, gemini],
    ['Gemini', 'v1beta/models', {}, gemini],
    ['Gemini, with a key in the query', 'v1beta/models?key=x&pageSize=50', {}, gemini],
    ['Gemini by its path, whoever asks', 'v1beta/models', { 'anthropic-version': '2023-06-01' }, gemini],
    ['Ollama', 'api/tags', {}, ollama],
  ];
  it.each(lists)('is in the shape that the client reads: %s', async (_name, path, headers, expected) => {
    const response = await answerTo({ path: `/pipelines/support/${path}`, headers });
    expect([response.status, response.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(response.json()).toEqual(expected);
  });

  it('tells of a pipeline that is not there in the words of who asks', async () => {
    const cases: readonly (readonly [DialectName, string, Record<string, string>])[] = [
      ['openai-chat', 'v1/models', {}],
      ['anthropic-messages', 'v1/models', { 'anthropic-version': '2023-06-01' }],
      ['gemini', 'v1/models', { 'x-goog-api-key': 'x' }],
      ['gemini', 'v1beta/models', {}],
      ['ollama', 'api/tags', {}],
    ];
    for (const [dialect, path, headers] of cases)
      await expectRefused({ path: `/pipelines/nobody/${path}`, headers }, dialect, 'PIPELINE_UNKNOWN');
  });
});

describe('a refusal by its path', () => {
  it.each(dialectNames)('is in the form of the dialect (%s)', async (dialect) => {
    const ask = (pipeline: string): ProbeRequest => askWith(dialect, questionOf(dialect), { pipeline });
    const good = ask('support');
    await expectRefused(ask('nobody'), dialect, 'PIPELINE_UNKNOWN');
    await expectRefused(ask('No..Body'), dialect, 'PIPELINE_NAME_INVALID');
    await expectRefused(ask('%zz'), dialect, 'PIPELINE_NAME_INVALID');
    await expectRefused({ ...good, headers: { 'content-type': 'text/plain' } }, dialect, 'CONTENT_TYPE_UNSUPPORTED');
    await expectRefused({ ...good, body: ' '.repeat(maxBodyBytes + 1) }, dialect, 'BODY_TOO_LARGE');
    await expectRefused({ ...good, body: '{' }, dialect, 'BODY_INVALID');
    await expectRefused({ ...good, body: '' }, dialect, 'BODY_INVALID');
    if (dialect !== 'native') await expectRefused(ask('chats'), dialect, 'DIALECT_NOT_ACCEPTED');
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await expectRefused({ path: pathOf(dialect), method }, dialect, 'METHOD_NOT_ALLOWED');
      expect(response.headers['allow']).toBe('POST');
    }
    const unknown = askWith(dialect, questionOf(dialect), { model: 'nobody' });
    const response = await expectRefused(unknown, dialect, 'MODEL_UNKNOWN');
    expect(response.text).toContain('support, provider');
  });

  const nowhere: readonly (readonly [path: string, dialect: DialectName])[] = [
    ['v1/embeddings', 'openai-chat'],
    ['v1/chat/completions/x', 'openai-chat'],
    ['v1', 'openai-chat'],
    ['v1/responses/resp_1', 'openai-responses'],
    ['v1/responses/resp_1/cancel', 'openai-responses'],
    ['v1/messages/count_tokens', 'anthropic-messages'],
    ['v1/messages/batches', 'anthropic-messages'],
    ['v1beta/cachedContents', 'gemini'],
    ['v1beta/models/a/b:generateContent', 'gemini'],
    ['v1beta', 'gemini'],
    ['api/generate', 'ollama'],
    ['api/show', 'ollama'],
    ['chats', 'native'],
    ['', 'native'],
  ];
  it.each(nowhere)('%s is told that there is nothing (%s)', async (path, dialect) => {
    await expectRefused({ path: `/pipelines/support/${path}`, body: {} }, dialect, 'ROUTE_UNKNOWN');
    await expectRefused({ path: `/pipelines/support/${path}?key=x` }, dialect, 'ROUTE_UNKNOWN');
  });

  it('tells who has a path in common with others by headers', async () => {
    const path = '/pipelines/support/v1/files';
    await expectRefused(
      { path, headers: { 'anthropic-version': '2023-06-01' } },
      'anthropic-messages',
      'ROUTE_UNKNOWN',
    );
    await expectRefused({ path, headers: { 'x-goog-api-key': 'x' } }, 'gemini', 'ROUTE_UNKNOWN');
    await expectRefused({ path }, 'openai-chat', 'ROUTE_UNKNOWN');
  });
});

describe('a path of Gemini', () => {
  const ask = (call: string, version = 'v1beta'): ProbeRequest => ({
    path: `/pipelines/support/${version}/models/${call}`,
    body: questionOf('gemini'),
  });
  /** The model that the provider was asked for. */
  const modelAsked = (): unknown =>
    (JSON.parse(upstream.requests.at(-1)?.bodyText ?? '{}') as { model?: unknown }).model;

  const good: readonly (readonly [name: string, call: string, model: string])[] = [
    ['a model with dots', 'gemini-2.5-flash:generateContent', 'gemini-2.5-flash'],
    ['a backend', 'dotted:generateContent', 'gemini-2.5-flash'],
    ['the pipeline', 'support:generateContent', 'test-model'],
    ['a model with a colon and a slash', `${longModel.replace('/', '%2F')}:generateContent`, longModel],
    ['all in escapes', `${encodeURIComponent(longModel)}%3AgenerateContent`, longModel],
    ['with a query', 'gemini-2.5-flash:generateContent?alt=json&key=x', 'gemini-2.5-flash'],
  ];
  it.each(good)('names %s', async (_name, call, model) => {
    for (const version of ['v1', 'v1beta']) {
      const response = await answerTo(ask(call, version));
      expect([response.status, response.text.includes('Hello'), modelAsked()]).toEqual([200, true, model]);
    }
  });

  it('streams as server-sent events', async () => {
    const response = await answerTo(ask('gemini-2.5-flash:streamGenerateContent?alt=sse'));
    expect([response.status, response.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(response.text).toMatch(/^data: \{.*"Hello"/);
  });

  const bad: readonly (readonly [name: string, call: string, code: ErrorCode, field?: string])[] = [
    ['an unknown model', 'gemini-9:generateContent', 'MODEL_UNKNOWN'],
    ['a model of 500 characters', `${'m'.repeat(480)}:generateContent`, 'MODEL_UNKNOWN'],
    ['a model that climbs', '..%2f..%2fsupport:generateContent', 'MODEL_UNKNOWN'],
    ['a model that is too long', `${'m'.repeat(600)}:generateContent`, 'REQUEST_INVALID', 'model'],
    ['a model with broken escapes', 'a%zz:generateContent', 'REQUEST_INVALID', 'model'],
    ['no action', 'gemini-2.5-flash', 'ROUTE_UNKNOWN'],
    ['an unknown action', 'gemini-2.5-flash:countTokens', 'ROUTE_UNKNOWN'],
    ['an action in other letters', 'gemini-2.5-flash:generatecontent', 'ROUTE_UNKNOWN'],
    ['an action of the prototype', 'gemini-2.5-flash:constructor', 'ROUTE_UNKNOWN'],
    ['no model', ':generateContent', 'ROUTE_UNKNOWN'],
    ['a stream as a list', 'gemini-2.5-flash:streamGenerateContent', 'REQUEST_INVALID', 'alt'],
    ['a stream in another form', 'gemini-2.5-flash:streamGenerateContent?alt=json', 'REQUEST_INVALID', 'alt'],
    ['a stream in two forms', 'gemini-2.5-flash:streamGenerateContent?alt=sse&alt=json', 'REQUEST_INVALID', 'alt'],
  ];
  it.each(bad.map(([name, ...rest]) => [name, rest] as const))(
    'is refused with %s',
    async (_name, [call, code, field]) => {
      // Without a colon the path is not known to be Gemini's: it is one of OpenAI's too.
      const headers = { 'x-goog-api-key': 'x' };
      for (const version of ['v1', 'v1beta'])
        await expectRefused({ ...ask(call, version), headers }, 'gemini', code, field);
    },
  );
});

describe('a key', () => {
  const key = 'Qm7Xw2Zk9Tb4Lr8Vd1Hs';
  const places: readonly (readonly [name: string, headers: Record<string, string>, query: string])[] = [
    ['authorization', { authorization: `Bearer ${key}` }, ''],
    ['x-api-key', { 'x-api-key': key }, ''],
    ['api-key', { 'api-key': key }, ''],
    ['x-goog-api-key', { 'x-goog-api-key': key }, ''],
    ['?key=', {}, `key=${key}`],
    [
      'all of them',
      { authorization: `Bearer ${key}`, 'x-api-key': key, 'api-key': key, 'x-goog-api-key': key, cookie: `key=${key}` },
      `key=${key}`,
    ],
  ];
  const withQuery = (path: string, query: string): string =>
    query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;

  it.each(dialectNames.flatMap((dialect) => places.map((place) => [dialect, ...place] as const)))(
    'is taken and kept to ourselves (%s, %s)',
    async (dialect, _name, headers, query) => {
      const outputs: string[] = [];
      const linesBefore = sluice.log.lines.length;
      for (const stream of [false, true]) {
        const request = askWith(dialect, questionOf(dialect), { stream, headers });
        const response = await answerTo({ ...request, path: withQuery(request.path, query) });
        expect([response.status, response.text.includes('Hello')]).toEqual([200, true]);
        outputs.push(response.text, JSON.stringify(response.headers));
        const sent = upstream.requests.at(-1);
        outputs.push(JSON.stringify([sent?.path, sent?.headers, sent?.bodyText]));
        expect(sent?.path).toBe('/v1/chat/completions');
      }
      const good = askWith(dialect, questionOf(dialect), { headers });
      const refused: readonly ProbeRequest[] = [
        { ...good, body: {} },
        { ...good, body: '{' },
        { ...good, method: 'PUT' },
        { ...good, path: pathOf(dialect, { pipeline: 'nobody' }) },
        { ...good, path: `${pathOf(dialect).replace(/:.*/, '')}/nothing` },
        { ...good, path: pathOf(dialect, { pipeline: '%zz' }) },
      ];
      for (const request of refused) {
        const response = await answerTo({ ...request, path: withQuery(request.path, query) });
        expect(response.status).toBeGreaterThanOrEqual(400);
        outputs.push(response.text, JSON.stringify(response.headers));
      }
      outputs.push(...sluice.log.lines.slice(linesBefore).map(({ text }) => text));
      expect(leaksOf(key, outputs.join('\n'))).toEqual([]);
    },
  );

  it('of several headers is no reason to fail, nor is one that is malformed', async () => {
    const client = await openProbe({ port: sluice.port });
    const body = JSON.stringify(questionOf('openai-chat'));
    await client.write(
      [
        `POST ${pathOf('openai-chat')} HTTP/1.1`,
        'host: x',
        'authorization: Bearer',
        'authorization: Basic ::::',
        `x-api-key: ${key}`,
        'x-api-key:',
        'content-type: application/json',
        `content-length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    );
    expect((await client.response()).status).toBe(200);
    await client.end();
    client.destroy();
  });
});
