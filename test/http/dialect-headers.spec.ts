import { existsSync, globSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../src/kernel/error-table.ts';
import {
  askWith,
  dialectNames,
  expectDialectError,
  questionOf,
  statusOf,
  type AskOptions,
  type DialectName,
} from '../support/dialect-clients.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answerBody, answerFrames } from '../support/openai-stream.ts';
import { probe, type ProbeResponse } from '../support/probe-client.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { openAiBackend, productRegistry, startSluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

/*
 * Headers of an answer by dialect, and what becomes of fields that a dialect does not document.
 */

type Json = Readonly<Record<string, unknown>>;

interface Stage {
  readonly upstream: FaultUpstream;
  ask(dialect: DialectName, body: Json, options?: AskOptions): Promise<ProbeResponse>;
}
let open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
});

async function openStage(steps: (stream: boolean) => readonly Step[], definition: object = {}): Promise<Stage> {
  const clock = new TestClock({ wallTime: Date.parse('2026-03-01T12:00:00Z') });
  const upstream = await startFaultUpstream(({ bodyText }) => steps(bodyText.includes('"stream":true')), { clock });
  const backends = { provider: openAiBackend(upstream.origin) };
  const sluice = await startSluice({ clock, pipelines: { support: { backends, ...definition } } });
  open.push(async () => {
    await sluice.close();
    await upstream.close();
  });
  return {
    upstream,
    async ask(dialect, body, options) {
      const client = await probe({ port: sluice.port, clock }, askWith(dialect, body, options));
      await client.end();
      const response = await client.response();
      client.destroy();
      return response;
    },
  };
}

const hello = answerFrames({ text: ['Hello'] });
const good =
  (headers: Readonly<Record<string, string>> = {}) =>
  (stream: boolean): readonly Step[] => {
    if (!stream) return answering(200, answerBody({ text: ['Hello'] }), headers);
    const [, ...steps] = streaming(hello);
    return [{ status: 200, headers: { 'content-type': 'text/event-stream', ...headers } }, ...steps];
  };
const namesLike = (response: ProbeResponse, pattern: RegExp): Json =>
  Object.fromEntries(Object.entries(response.headers).filter(([name]) => pattern.test(name)));

describe('headers of an answer', () => {
  it.each(dialectNames)('name the run, in every form (%s)', async (dialect) => {
    const stage = await openStage(good());
    for (const stream of [false, true]) {
      const { headers } = await stage.ask(dialect, questionOf(dialect), { stream });
      const id = headers['x-sluice-run'];
      expect(id).toMatch(/^[\w-]{36}$/);
      expect(headers).toMatchObject({ 'request-id': id, 'x-request-id': id, 'x-sluice-backend': 'provider' });
      expect(headers['x-sluice-attempts']).toBe('1');
      expect(headers['x-sluice-warnings']).toBeUndefined();
    }
  });

  /** A field without a form in chat completions. */
  const unsaid: Readonly<Record<DialectName, Json>> = {
    'openai-chat': {},
    'openai-responses': { truncation: 'auto' },
    'anthropic-messages': { service_tier: 'auto' },
    gemini: { safetySettings: [{ category: 'x' }] },
    ollama: { keep_alive: '5m' },
    native: { messages: [{ role: 'user', content: [{ type: 'text', text: 'a', cache: {} }] }] },
  };
  it.each(dialectNames.filter((dialect) => dialect !== 'openai-chat'))(
    'warn of what could not be said (%s)',
    async (dialect) => {
      const stage = await openStage(good());
      for (const stream of [false, true]) {
        const response = await stage.ask(dialect, { ...questionOf(dialect), ...unsaid[dialect] }, { stream });
        expect(response.status).toBe(200);
        expect(response.headers['x-sluice-warnings']).toMatch(/^lost request\.[\w.]+$/);
      }
    },
  );

  const limits = {
    'x-ratelimit-limit-requests': '100',
    'x-ratelimit-remaining-requests': '99',
    'x-ratelimit-reset-requests': '1m30s',
  };
  const limitsOfAnthropic = {
    'anthropic-ratelimit-requests-limit': '100',
    'anthropic-ratelimit-requests-remaining': '99',
    'anthropic-ratelimit-requests-reset': '2026-03-01T12:01:30Z',
  };
  it.each(dialectNames)('tell the limits of the provider in the names that clients know (%s)', async (dialect) => {
    const expected =
      dialect === 'anthropic-messages' ? limitsOfAnthropic : { ...limits, 'x-ratelimit-reset-requests': '90s' };
    for (const sent of [limits, limitsOfAnthropic]) {
      const stage = await openStage(good(sent));
      for (const stream of [false, true]) {
        const response = await stage.ask(dialect, questionOf(dialect), { stream });
        expect(namesLike(response, /ratelimit/)).toEqual(expected);
      }
    }
  });

  it.each(dialectNames)('tell when to come again (%s)', async (dialect) => {
    const busy = { error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded' } };
    const stage = await openStage(() => answering(429, busy, { 'retry-after': '7', ...limits }));
    for (const stream of [false, true]) {
      const response = await stage.ask(dialect, questionOf(dialect), { stream });
      expect(response.headers['retry-after']).toBe('7');
      expectDialectError(response, dialect, 'UPSTREAM_RATE_LIMITED');
      if (dialect === 'gemini') expect(response.text).toContain('"retryDelay":"7s"');
      expect(Object.keys(namesLike(response, /ratelimit/))).toHaveLength(3);
    }
  });

  it.each(dialectNames)('tell an overload by the status of the dialect (%s)', async (dialect) => {
    const stage = await openStage(() => answering(503, { error: { message: 'overloaded' } }, { 'retry-after': '3' }));
    const response = await stage.ask(dialect, questionOf(dialect));
    expect(response.status).toBe(statusOf(dialect, 'UPSTREAM_OVERLOADED'));
    expect(response.headers['retry-after']).toBe('3');
    expectDialectError(response, dialect, 'UPSTREAM_OVERLOADED');
    expect(errorTable.UPSTREAM_OVERLOADED.status).toBe(503);
  });
});

describe('a field that a dialect does not document', () => {
  const stranger = { hologram: { depth: 3 } };
  const others = dialectNames.filter((dialect) => dialect !== 'native');

  it.each(others)(
    'goes on to a backend of the same dialect, and is lost with a word for others (%s)',
    async (dialect) => {
      const stage = await openStage(good());
      const response = await stage.ask(dialect, { ...questionOf(dialect), ...stranger });
      expect(response.status).toBe(200);
      const sent = JSON.parse(stage.upstream.requests.at(-1)?.bodyText ?? '{}') as Json;
      if (dialect === 'openai-chat') expect(sent).toMatchObject(stranger);
      else {
        expect(sent).not.toHaveProperty('hologram');
        expect(response.headers['x-sluice-warnings']).toMatch(/^lost request\.field\.hologram$/);
      }
    },
  );

  it.each(others)('is dropped with a word, where the pipeline says so (%s)', async (dialect) => {
    const stage = await openStage(good(), { inbound: { unknownFields: 'drop' } });
    const response = await stage.ask(dialect, { ...questionOf(dialect), ...stranger });
    expect(response.status).toBe(200);
    expect(stage.upstream.requests.at(-1)?.bodyText).not.toContain('hologram');
    expect(response.headers['x-sluice-warnings']).toMatch(/^lost request\.field\.hologram$/);
  });

  it.each(dialectNames)('is refused, where the pipeline says so; native always does (%s)', async (dialect) => {
    const stage = await openStage(good(), { inbound: { unknownFields: dialect === 'native' ? 'forward' : 'reject' } });
    const response = await stage.ask(dialect, { ...questionOf(dialect), ...stranger });
    expectDialectError(response, dialect, 'REQUEST_INVALID', 'hologram');
    expect(stage.upstream.requests.length).toBe(0);
  });

  it.each(others)('has a name that may be anything (%s)', async (dialect) => {
    for (const name of ['constructor', 'toString', 'x'.repeat(5_000), 'a\r\nx-evil: 1', 'ü', '"', ' ']) {
      const stage = await openStage(good(), { inbound: { unknownFields: 'drop' } });
      const response = await stage.ask(dialect, { ...questionOf(dialect), [name]: 1 });
      expect([name.slice(0, 20), response.status, response.headers['x-evil']]).toEqual([
        name.slice(0, 20),
        200,
        undefined,
      ]);
      expect((response.headers['x-sluice-warnings'] ?? '').length).toBeLessThan(120);
      const strict = await openStage(good(), { inbound: { unknownFields: 'reject' } });
      expect((await strict.ask(dialect, { ...questionOf(dialect), [name]: 1 })).status).toBe(400);
    }
  });
});

describe('a field that a dialect documents', () => {
  const folder = new URL('../../../shared/fixtures/', import.meta.url).pathname;
  const foldersOf: Readonly<Partial<Record<DialectName, readonly string[]>>> = {
    'openai-chat': ['openai-chat', 'azure-chat'],
    'openai-responses': ['openai-responses', 'azure-responses', 'xai-responses', 'deepseek-responses'],
    'anthropic-messages': ['anthropic'],
    gemini: ['gemini', 'vertex-gemini'],
    ollama: ['ollama'],
  };
  const table = Object.entries(foldersOf) as [DialectName, readonly string[]][];

  const questions = ['messages', 'contents', 'input'];
  /** One client sends them to Ollama, which knows them elsewhere or not at all. */
  const strangers = new Set(['ollama stream_options', 'ollama temperature']);

  const play = existsSync(folder) ? it.each(table) : it.skip.each(table);
  play('is known by its parser, in all recorded requests (%s)', async (dialect, folders) => {
    const fields = (await productRegistry()).list('parser').find(({ type }) => type === dialect)?.fields;
    const unknown = new Map<string, string>();
    for (const file of folders.flatMap((name) => globSync(`${folder}${name}/*.request.json`))) {
      const body = JSON.parse(readFileSync(file, 'utf8')) as Json;
      // Some recordings are of other calls, such as embeddings.
      if (!questions.some((name) => name in body)) continue;
      for (const name of Object.keys(body))
        if (fields?.has(name) !== true && !strangers.has(`${dialect} ${name}`)) unknown.set(name, file);
    }
    expect([...unknown]).toEqual([]);
  });

  /** Fields of the published interfaces that the recordings do not have. */
  const documented: Readonly<Partial<Record<DialectName, string>>> = {
    'openai-chat':
      'model messages audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options',
    'openai-responses':
      'background conversation include input instructions max_output_tokens max_tool_calls metadata model parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user',
    'anthropic-messages':
      'model messages max_tokens container context_management mcp_servers metadata output_config output_format service_tier stop_sequences stream system temperature thinking tool_choice tools top_k top_p cache_control',
    gemini:
      'contents tools toolConfig tool_config safetySettings safety_settings systemInstruction system_instruction generationConfig generation_config cachedContent cached_content labels model',
    ollama: 'model messages tools format options stream think keep_alive logprobs top_logprobs truncate shift',
  };
  it.each(Object.entries(documented))('is known by its parser (%s)', async (dialect, names) => {
    const fields = (await productRegistry()).list('parser').find(({ type }) => type === dialect)?.fields;
    expect(names.split(' ').filter((name) => fields?.has(name) !== true)).toEqual([]);
  });
});
