import { existsSync, readFileSync } from 'node:fs';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { describe, expect, it } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import type { NeutralAnswer, NeutralFinish, NeutralProvider, ProviderReply } from './neutral.ts';
import { neutralProviders } from './providers.ts';
import { providerOf, readAs } from './providers/support/by-type.ts';

const fixtures = new URL('../../../shared/fixtures/', import.meta.url);
const hasFixtures = existsSync(fixtures);
const folders: Readonly<Record<string, string>> = { 'anthropic-messages': 'anthropic' };

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const calls = [
  { id: 'call_1', name: 'weather', arguments: { city: 'Zürich 🌧' } },
  { id: 'call_2', name: 'time', arguments: {} },
];
const answer: NeutralAnswer = {
  reasoning: ['Look ', 'it up.'],
  signature: 'c2lnbmF0dXJl',
  text: ['One ', 'moment', '. 🙂'],
  toolCalls: calls,
  finish: 'tool_calls',
  usage: { input: 20, output: 12, cacheRead: 8, reasoning: 5 },
};

function textOf(reply: ProviderReply): string {
  return Buffer.concat(reply.pieces).toString('utf8');
}

/** The JSON documents of a stream, read by parsers that are not those of the writers. */
function documentsOf(reply: ProviderReply): readonly Record<string, unknown>[] {
  const type = reply.headers['content-type'] ?? '';
  if (type.includes('eventstream')) return reply.pieces.map(readBinary);
  if (type.includes('ndjson'))
    return textOf(reply)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const documents: Record<string, unknown>[] = [];
  const parser = createParser({
    onEvent: ({ data, event }) => {
      if (data === '[DONE]') return;
      const document: Record<string, unknown> = JSON.parse(data);
      if (event !== undefined) expect(document['type']).toBe(event);
      documents.push(document);
    },
  });
  parser.feed(textOf(reply));
  return documents;
}

function readBinary(piece: Buffer): Record<string, unknown> {
  const codec = new EventStreamCodec(String, (text) => Buffer.from(text));
  const { headers, body } = codec.decode(piece);
  const name = headers[':event-type'] ?? headers[':exception-type'];
  return { type: name?.value, ...JSON.parse(Buffer.from(body).toString('utf8')) };
}

describe('what providers say', () => {
  it.each(neutralProviders.map((one) => [one.type, one] as const))(
    '%s: each finish, streamed and whole',
    (_type, one) => {
      for (const finish of one.can.finishes ?? []) {
        const { toolCalls, ...others } = answer;
        const said = { ...others, finish, ...(finish === 'tool_calls' && { toolCalls: calls }) };
        expect(toolCalls).toBe(calls);
        expect(documentsOf(one.stream(said)).length).toBeGreaterThan(3);
        expect(typeof JSON.parse(textOf(one.document(said)))).toBe('object');
      }
      const others: readonly NeutralFinish[] = ['stop', 'length', 'tool_calls', 'content_filter', 'refusal', 'pause'];
      for (const finish of others.filter((word) => !one.can.finishes?.includes(word)))
        expect(() => one.stream({ ...answer, finish })).toThrow("can't say the finish");
    },
  );

  it.each(neutralProviders.map((one) => [one.type, one] as const))(
    '%s: a stream that fails or is cut starts as the whole one and lacks its end',
    (_type, one) => {
      const whole = one.stream(answer).pieces.map(String);
      const cut = one.truncated(answer).pieces.map(String);
      expect(whole.slice(0, cut.length)).toEqual(cut);
      expect(cut.length).toBeLessThan(whole.length);
      const failed = one.failing(answer).pieces.map(String);
      expect(whole).not.toContain(failed.at(-1) === 'data: [DONE]\n\n' ? failed.at(-2) : failed.at(-1));
      expect(whole[1]).toBe(failed[1]);
    },
  );

  it.each(neutralProviders.map((one) => [one.type, one] as const))('%s: HTTP errors', (type, one) => {
    for (const status of [400, 401, 404, 429, 500, 529] as const) {
      const reply = one.refusal(status);
      expect(reply.status).toBe(status);
      const { length } = textOf(reply);
      expect(length).toBeGreaterThan(20);
      if (status === 429 && type !== 'gemini') expect(reply.headers['retry-after']).toBe('7');
      if (status === 429 && type === 'gemini') expect(textOf(reply)).toContain('"retryDelay":"7s"');
    }
  });

  it('counts as each format counts', () => {
    const usageOf = (type: string): object => {
      const { usage, usageMetadata, prompt_eval_count, eval_count } = JSON.parse(
        textOf(providerOf(type).document(answer)),
      );
      return usage ?? usageMetadata ?? { prompt_eval_count, eval_count };
    };
    expect(usageOf('openai-chat')).toMatchObject({ prompt_tokens: 20, completion_tokens: 12, total_tokens: 32 });
    expect(usageOf('openai-responses')).toMatchObject({ input_tokens: 20, output_tokens: 12, total_tokens: 32 });
    expect(usageOf('anthropic-messages')).toMatchObject({
      input_tokens: 12,
      cache_read_input_tokens: 8,
      output_tokens: 12,
    });
    expect(usageOf('gemini')).toMatchObject({ promptTokenCount: 20, candidatesTokenCount: 7, thoughtsTokenCount: 5 });
    expect(usageOf('bedrock-converse')).toMatchObject({ inputTokens: 12, cacheReadInputTokens: 8, totalTokens: 32 });
    expect(usageOf('ollama')).toEqual({ prompt_eval_count: 20, eval_count: 12 });
    expect(usageOf('cohere')).toMatchObject({ tokens: { input_tokens: 20, output_tokens: 12 }, cached_tokens: 8 });
  });

  it('writes numbered Responses events and CRLF for Gemini', () => {
    const events = documentsOf(providerOf('openai-responses').stream(answer));
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_event, index) => index));
    expect(textOf(providerOf('gemini').stream(answer))).not.toMatch(/[^\r]\n/);
  });
});

/** The question, the answer as the provider wrote it in one document, and results, as the next request of each format. */
const nextTurns: Readonly<Record<string, (document: never) => object>> = {
  'openai-chat': ({ choices: [{ message }] }: { choices: [{ message: Record<string, unknown> }] }) => {
    const { annotations: _annotations, ...said } = message;
    return {
      model: 'm',
      messages: [
        { role: 'user', content: 'Hi' },
        said,
        { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'noon' }] },
      ],
    };
  },
  'openai-responses': ({ output }: { output: object[] }) => ({
    model: 'm',
    store: false,
    input: [
      { role: 'user', content: 'Hi' },
      ...output,
      { type: 'function_call_output', call_id: 'call_1', output: 'rain' },
      { type: 'function_call_output', call_id: 'call_2', output: [{ type: 'input_text', text: 'noon' }] },
    ],
  }),
  'anthropic-messages': ({ content }: { content: object[] }) => ({
    model: 'm',
    max_tokens: 2_000,
    thinking: { type: 'enabled', budget_tokens: 1_024 },
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: 'rain' },
          { type: 'tool_result', tool_use_id: 'call_2', content: [{ type: 'text', text: 'noon' }], is_error: false },
        ],
      },
    ],
  }),
  gemini: ({ candidates: [{ content }] }: { candidates: [{ content: object }] }) => ({
    contents: [
      { role: 'user', parts: [{ text: 'Hi' }] },
      content,
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'weather', id: 'call_1', response: { result: 'rain' } } },
          { functionResponse: { name: 'time', response: { output: 'noon' } } },
        ],
      },
    ],
  }),
  'bedrock-converse': ({ output: { message } }: { output: { message: object } }) => ({
    toolConfig: {
      tools: [{ toolSpec: { name: 'weather', inputSchema: { json: schema } } }],
    },
    messages: [
      { role: 'user', content: [{ text: 'Hi' }] },
      message,
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'call_1', content: [{ text: 'rain' }] } },
          { toolResult: { toolUseId: 'call_2', content: [{ text: 'noon' }], status: 'success' } },
        ],
      },
    ],
  }),
  ollama: ({ message }: { message: object }) => ({
    model: 'm',
    messages: [
      { role: 'user', content: 'Hi' },
      message,
      { role: 'tool', tool_name: 'weather', content: 'rain' },
      { role: 'tool', tool_call_id: 'call_2', content: 'noon' },
    ],
  }),
  cohere: ({ message }: { message: object }) => ({
    model: 'm',
    messages: [
      { role: 'user', content: 'Hi' },
      message,
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
      { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'document', document: { data: 'noon' } }] },
    ],
  }),
};

describe('what providers read', () => {
  it.each(neutralProviders.map((one) => [one.type, one] as const))('%s: its own answer, sent back', (type, one) => {
    const next = nextTurns[type]?.(JSON.parse(textOf(one.document(answer))) as never) ?? {};
    const { messages } = readAs(type, next);
    expect(messages).toEqual([
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      {
        role: 'assistant',
        text: 'One moment. 🙂',
        reasoning: { text: 'Look it up.', ...(one.can.signature && { signature: 'c2lnbmF0dXJl' }) },
        toolCalls: calls,
      },
      { role: 'tool', callId: 'call_1', text: 'rain' },
      { role: 'tool', callId: 'call_2', text: 'noon' },
    ]);
  });

  it('knows settings, tools and schemas by the names of each format', () => {
    const tool = { name: 'weather', parameters: schema };
    const expected = { temperature: 0.5, maxOutputTokens: 100, stop: ['END'], tools: [tool], toolChoice: 'required' };
    const user = { role: 'user', content: 'Hi' };
    const flat = { type: 'function', function: tool };
    expect(
      readAs('openai-chat', {
        model: 'm',
        messages: [user],
        temperature: 0.5,
        max_tokens: 100,
        stop: 'END',
        tools: [flat],
        tool_choice: 'required',
      }),
    ).toMatchObject(expected);
    expect(
      readAs('anthropic-messages', {
        model: 'm',
        messages: [user],
        temperature: 0.5,
        max_tokens: 100,
        stop_sequences: ['END'],
        tools: [{ name: 'weather', input_schema: schema }],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
      }),
    ).toMatchObject({ ...expected, parallelToolCalls: false });
    expect(
      readAs('gemini', {
        contents: [{ parts: [{ text: 'Hi' }] }],
        generation_config: { temperature: 0.5, max_output_tokens: 100, stopSequences: ['END'] },
        tools: [{ functionDeclarations: [{ name: 'weather', parameters: upper(schema) }] }],
        toolConfig: { functionCallingConfig: { mode: 'ANY' } },
      }),
    ).toMatchObject(expected);
    expect(
      readAs('bedrock-converse', {
        messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
        inferenceConfig: { temperature: 0.5, maxTokens: 100, stopSequences: ['END'] },
        toolConfig: {
          tools: [{ toolSpec: { name: 'weather', inputSchema: { json: schema } } }],
          toolChoice: { any: {} },
        },
      }),
    ).toMatchObject(expected);
    expect(
      readAs('cohere', {
        model: 'm',
        messages: [user],
        temperature: 0.5,
        max_tokens: 100,
        stop_sequences: ['END'],
        tools: [flat],
        tool_choice: 'REQUIRED',
      }),
    ).toMatchObject(expected);
    expect(
      readAs('ollama', {
        model: 'm',
        messages: [user],
        think: 'low',
        format: schema,
        options: { num_predict: 9, stop: ['END'] },
      }),
    ).toMatchObject({ reasoning: true, schema, maxOutputTokens: 9, stop: ['END'] });
    expect(
      readAs('openai-responses', { model: 'm', input: 'Hi', reasoning: { effort: 'low' }, max_output_tokens: 100 }),
    ).toMatchObject({ reasoning: true, maxOutputTokens: 100 });
  });
});

function upper(value: object): object {
  return JSON.parse(JSON.stringify(value), (key: string, inner: unknown) =>
    key === 'type' && typeof inner === 'string' ? inner.toUpperCase() : inner,
  );
}

interface Recording {
  readonly provider: string;
  readonly status: number;
  readonly url: string | null;
  readonly request: string | null;
}

/** Chat requests that the provider answered with 200; Ollama's other faces and Gemini's embeddings are no requests of the format. */
function recordedRequests({ type }: NeutralProvider): readonly (readonly [path: string, file: string])[] {
  const index: readonly Recording[] = JSON.parse(readFileSync(new URL('index.json', fixtures), 'utf8'));
  return index
    .filter((one) => one.provider === (folders[type] ?? type) && one.status === 200 && one.request !== null)
    .filter(({ url }) => type !== 'ollama' || url?.endsWith('/api/chat') === true)
    .map(({ url, request }) => [url ?? '', request ?? '']);
}

(hasFixtures ? describe : describe.skip)('recorded requests (../shared/fixtures)', () => {
  it.each(neutralProviders.map((one) => [one.type, one] as const))(
    '%s: all that were answered can be read',
    (_type, one) => {
      const requests = hasFixtures ? recordedRequests(one) : [];
      const refused = requests.flatMap(([path, file]) => {
        try {
          expect(one.readRequest(path, readFileSync(new URL(file, fixtures), 'utf8')).messages.length).toBeGreaterThan(
            0,
          );
          return [];
        } catch (error) {
          return [`${file}: ${String(error)}`];
        }
      });
      expect(refused).toEqual([]);
      expect(requests.length).toBeGreaterThan(0);
    },
  );
});
