import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answering } from '../support/scenario.ts';
import type { ClientDialect } from '../support/terminals.ts';
import { dialects, pathOf, refusal, RefusingServer } from './refusals.ts';
import { promptCanary } from './stage.ts';

/*
 * Bodies that are JSON, and wrong. The requests of this file are refused by the parsers, so each message names the field.
 */

let server: RefusingServer;
/** Where hostile bodies want the gateway to go. */
let elsewhere: FaultUpstream;
beforeAll(async () => {
  elsewhere = await startFaultUpstream(answering(200, {}));
  server = await RefusingServer.start({
    definition: {
      params: { tone: { type: 'string', enum: ['formal', 'casual'] }, count: { type: 'integer', minimum: 1 } },
    },
  });
});
afterAll(async () => {
  try {
    expect(elsewhere.connections.length).toBe(0);
    await server.close();
  } finally {
    await elsewhere.close();
  }
});

const user = { role: 'user', content: promptCanary };
const question = { messages: [user], stream: true };

/** Values of a wrong type, by the type that is right. */
const wrong = {
  string: [42, true, {}, [], null],
  number: ['1', true, {}, [], null],
  count: ['1', true, {}, [], 0, -1, 1.5, null],
  integer: ['1', true, {}, [], 1.5, null],
  boolean: ['true', 1, {}, [], null],
  object: [42, 'x', true, [], null],
  list: [42, 'x', true, {}, null],
} as const;

interface Field {
  readonly path: string;
  readonly values: readonly unknown[];
  /** Puts a value where it is wrong. */
  readonly put: (value: unknown) => object;
}

const top = (name: string, values: readonly unknown[]): Field => ({
  path: name,
  values,
  put: (value) => ({ ...question, [name]: value }),
});
const inMessage = (name: string, values: readonly unknown[], message: object = user): Field => ({
  path: `messages[0].${name}`,
  values,
  put: (value) => ({ ...question, messages: [{ ...message, [name]: value }] }),
});
const inPart = (name: string, values: readonly unknown[], part: object): Field => ({
  path: `messages[0].content[0].${name}`,
  values,
  put: (value) => ({ ...question, messages: [{ role: 'user', content: [{ ...part, [name]: value }] }] }),
});
/** OpenAI's clients send null for what they leave out. */
const orNull = (values: readonly unknown[]): readonly unknown[] => values.filter((value) => value !== null);

const assistant = { role: 'assistant', content: 'x' };
const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
const openAiFields: readonly Field[] = [
  top('model', orNull(wrong.string)),
  top('messages', wrong.list),
  { path: 'messages[0]', values: wrong.object, put: (value) => ({ ...question, messages: [value] }) },
  inMessage('role', [...wrong.string, 'nobody', 'User']),
  inMessage('content', [42, true, {}, null]),
  inMessage('name', orNull(wrong.string)),
  inMessage('tool_call_id', orNull(wrong.string), { role: 'tool', content: 'x' }),
  inMessage('refusal', orNull(wrong.string), assistant),
  inMessage('reasoning_content', orNull(wrong.string), assistant),
  inMessage('tool_calls', orNull(wrong.list), assistant),
  inMessage('function_call', orNull(wrong.object), assistant),
  {
    path: 'messages[0].tool_calls[0].function',
    values: wrong.object,
    put: (value) => ({ ...question, messages: [{ ...assistant, tool_calls: [{ ...call, function: value }] }] }),
  },
  {
    path: 'messages[0].tool_calls[0].function.name',
    values: wrong.string,
    put: (value) => ({
      ...question,
      messages: [{ ...assistant, tool_calls: [{ ...call, function: { ...call.function, name: value } }] }],
    }),
  },
  {
    path: 'messages[0].tool_calls[0].function.arguments',
    values: orNull(wrong.string),
    put: (value) => ({
      ...question,
      messages: [{ ...assistant, tool_calls: [{ ...call, function: { ...call.function, arguments: value } }] }],
    }),
  },
  {
    path: 'messages[0].content[0]',
    values: wrong.object,
    put: (value) => ({ ...question, messages: [{ role: 'user', content: [value] }] }),
  },
  inPart('type', wrong.string, {}),
  inPart('text', wrong.string, { type: 'text' }),
  inPart('image_url', wrong.object, { type: 'image_url' }),
  inPart('input_audio', wrong.object, { type: 'input_audio' }),
  inPart('file', wrong.object, { type: 'file' }),
  top('stream', orNull(wrong.boolean)),
  top('stream_options', orNull(wrong.object)),
  {
    path: 'stream_options.include_usage',
    values: orNull(wrong.boolean),
    put: (value) => ({ ...question, stream_options: { include_usage: value } }),
  },
  top('tools', orNull(wrong.list)),
  { path: 'tools[0]', values: wrong.object, put: (value) => ({ ...question, tools: [value] }) },
  { path: 'tools[0].type', values: wrong.string, put: (value) => ({ ...question, tools: [{ type: value }] }) },
  {
    path: 'tools[0].function',
    values: wrong.object,
    put: (value) => ({ ...question, tools: [{ type: 'function', function: value }] }),
  },
  {
    path: 'tools[0].function.name',
    values: wrong.string,
    put: (value) => ({ ...question, tools: [{ type: 'function', function: { name: value } }] }),
  },
  {
    path: 'tools[0].function.parameters',
    values: orNull(wrong.object),
    put: (value) => ({ ...question, tools: [{ type: 'function', function: { name: 'f', parameters: value } }] }),
  },
  {
    path: 'tools[0].function.strict',
    values: orNull(wrong.boolean),
    put: (value) => ({ ...question, tools: [{ type: 'function', function: { name: 'f', strict: value } }] }),
  },
  top('functions', orNull(wrong.list)),
  { path: 'functions[0].name', values: wrong.string, put: (value) => ({ ...question, functions: [{ name: value }] }) },
  top('metadata', orNull(wrong.object)),
  top('max_completion_tokens', orNull(wrong.count)),
  top('max_tokens', orNull(wrong.count)),
  top('temperature', orNull(wrong.number)),
  top('top_p', orNull(wrong.number)),
  top('top_k', orNull(wrong.integer)),
  top('stop', [42, true, {}]),
  { path: 'stop[0]', values: wrong.string, put: (value) => ({ ...question, stop: [value] }) },
  top('seed', orNull(wrong.integer)),
  top('presence_penalty', orNull(wrong.number)),
  top('frequency_penalty', orNull(wrong.number)),
  top('n', orNull(wrong.count)),
  top('response_format', orNull(wrong.object)),
  {
    path: 'response_format.type',
    values: wrong.string,
    put: (value) => ({ ...question, response_format: { type: value } }),
  },
  {
    path: 'response_format.json_schema',
    values: wrong.object,
    put: (value) => ({ ...question, response_format: { type: 'json_schema', json_schema: value } }),
  },
  top('reasoning_effort', orNull(wrong.string)),
  top('tool_choice', [42, true, []]),
  top('function_call', [42, true, []]),
  top('parallel_tool_calls', orNull(wrong.boolean)),
  top('user', orNull(wrong.string)),
];

const setting = (name: string, values: readonly unknown[]): Field => ({
  path: `settings.${name}`,
  values,
  put: (value) => ({ ...question, settings: { [name]: value } }),
});
const nativeFields: readonly Field[] = [
  top('messages', wrong.list),
  { path: 'messages[0]', values: wrong.object, put: (value) => ({ ...question, messages: [value] }) },
  inMessage('role', [...wrong.string, 'nobody', 'User', 'function']),
  inMessage('content', [42, true, {}, null]),
  inMessage('name', wrong.string),
  inMessage('callId', wrong.string),
  inMessage('reasoning', wrong.string),
  inMessage('refusal', wrong.string),
  inMessage('toolCalls', wrong.list),
  {
    path: 'messages[0].toolCalls[0].arguments',
    values: wrong.string,
    put: (value) => ({
      ...question,
      messages: [{ ...assistant, toolCalls: [{ id: 'c', name: 'f', arguments: value }] }],
    }),
  },
  {
    path: 'messages[0].content[0]',
    values: wrong.object,
    put: (value) => ({ ...question, messages: [{ role: 'user', content: [value] }] }),
  },
  inPart('type', [...wrong.string, 'image_url'], { text: 'x' }),
  inPart('text', wrong.string, { type: 'text' }),
  top('model', wrong.string),
  top('stream', wrong.boolean),
  top('settings', wrong.object),
  top('tools', wrong.list),
  { path: 'tools[0]', values: wrong.object, put: (value) => ({ ...question, tools: [value] }) },
  { path: 'tools[0].name', values: [...wrong.string, ''], put: (value) => ({ ...question, tools: [{ name: value }] }) },
  {
    path: 'tools[0].parameters',
    values: wrong.object,
    put: (value) => ({ ...question, tools: [{ name: 'f', parameters: value }] }),
  },
  {
    path: 'tools[0].strict',
    values: wrong.boolean,
    put: (value) => ({ ...question, tools: [{ name: 'f', strict: value }] }),
  },
  top('metadata', wrong.object),
  top('params', wrong.object),
  setting('maxOutputTokens', wrong.count),
  setting('temperature', wrong.number),
  setting('topP', wrong.number),
  setting('topK', wrong.integer),
  setting('stop', wrong.list),
  setting('seed', wrong.integer),
  setting('presencePenalty', wrong.number),
  setting('frequencyPenalty', wrong.number),
  setting('choices', wrong.count),
  setting('responseFormat', wrong.object),
  setting('reasoningEffort', wrong.string),
  setting('toolChoice', [42, true, [], 'maybe', null]),
  setting('parallelToolCalls', wrong.boolean),
  setting('user', wrong.string),
  setting('includeUsage', wrong.boolean),
  ...['modle', 'temperature', 'max_tokens', 'constructor', 'toString'].map((name) => top(name, [1])),
  setting('temprature', [1]),
  inMessage('contents', ['x']),
];

const fieldsOf: Readonly<Record<ClientDialect, readonly Field[]>> = {
  'openai-chat': openAiFields,
  native: nativeFields,
};

async function expectNamed(dialect: ClientDialect, body: object, field: string): Promise<void> {
  const response = await server.expectRefusal({ path: pathOf(dialect), body }, dialect, refusal('REQUEST_INVALID'));
  const answer = response.json() as { error?: { message: string; param: string }; detail?: string };
  const message = answer.error?.message ?? answer.detail ?? '';
  expect(message.startsWith(`${field}: `) ? field : message).toBe(field);
  if (answer.error !== undefined) expect(answer.error.param).toBe(field);
  expect(response.text).not.toContain('canary');
}

describe('a field of a wrong type', () => {
  const table = dialects.flatMap((dialect) => fieldsOf[dialect].map((field) => [dialect, field.path, field] as const));
  it.each(table)('is named (%s): %s', async (dialect, _path, field) => {
    for (const value of field.values) await expectNamed(dialect, field.put(value), field.path);
  });
});

describe('what is needed', () => {
  it.each(dialects)('is named where it is missing (%s)', async (dialect) => {
    await expectNamed(dialect, {}, 'messages');
    await expectNamed(dialect, { messages: [] }, 'messages');
    await expectNamed(dialect, { messages: [{}] }, 'messages[0].role');
    await expectNamed(dialect, { messages: [{ role: 'user' }] }, 'messages[0].content');
    await expectNamed(dialect, { messages: [user, { content: 'x' }] }, 'messages[1].role');
  });
});

describe('a model', () => {
  it.each(dialects)('that nobody knows is refused, and the known ones are named (%s)', async (dialect) => {
    for (const model of ['gpt-unknown', 'constructor', '__proto__', '../provider', 'support ', 'x'.repeat(10_000)]) {
      const response = await server.expectRefusal(
        { path: pathOf(dialect), body: { ...question, model } },
        dialect,
        refusal('MODEL_UNKNOWN'),
      );
      expect(response.text).toContain('support, provider, test-model');
      expect(response.text.length).toBeLessThan(1_000);
    }
  });

  it.each(dialects)('may be the pipeline, the backend, its model, or nothing (%s)', async (dialect) => {
    for (const model of ['support', 'provider', 'test-model', '']) {
      expect(await server.expectAnswer({ path: pathOf(dialect), body: { ...question, model } }, dialect)).toMatchObject(
        { model: 'test-model' },
      );
    }
  });
});

describe('a parameter', () => {
  const values: readonly (readonly [params: object, field: string])[] = [
    [{ tone: 'rude' }, 'params.tone'],
    [{ tone: 42 }, 'params.tone'],
    [{ count: 0 }, 'params.count'],
    [{ count: 1.5 }, 'params.count'],
    [{ count: '1' }, 'params.count'],
    [{ other: 1 }, 'params.other'],
    [{ constructor: 1 }, 'params.constructor'],
  ];
  it.each(values)('is refused where it is not as declared: %j', async (params, field) => {
    await expectNamed('native', { ...question, params }, field);
  });

  it('is taken where it is', async () => {
    await server.expectAnswer(
      { path: pathOf('native'), body: { ...question, params: { tone: 'formal', count: 2 } } },
      'native',
    );
  });
});

describe('an address in the request', () => {
  const names = [
    'api_base',
    'base_url',
    'baseURL',
    'baseUrl',
    'endpoint',
    'url',
    'proxy',
    'origin',
    'upstream',
    'network',
    'target',
    'api_key',
    'apiKey',
  ];
  const places: readonly (readonly [name: string, put: (fields: object) => object])[] = [
    ['at the top', (fields) => ({ ...question, ...fields })],
    ['in metadata', (fields) => ({ ...question, metadata: fields })],
    ['in extra_body', (fields) => ({ ...question, extra_body: fields })],
    [
      'in a tool',
      (fields) => ({ ...question, tools: [{ type: 'function', function: { name: 'f', ...fields }, ...fields }] }),
    ],
    ['in a message', (fields) => ({ ...question, messages: [{ ...user, ...fields }] })],
    ['in litellm_params', (fields) => ({ ...question, litellm_params: fields, model_list: [fields] })],
  ];
  const headers = (address: string): Record<string, string> => ({
    'x-portkey-custom-host': address,
    'x-forwarded-host': '127.0.0.1:9',
    'x-base-url': address,
    'openai-base-url': address,
    forwarded: `host=127.0.0.1;proto=http`,
    host: new URL(address).host,
  });

  it.each(places)('leads nowhere else (%s)', async (_name, put) => {
    const fields = Object.fromEntries(names.map((name) => [name, elsewhere.origin]));
    await server.expectAnswer(
      { path: pathOf('openai-chat'), headers: headers(elsewhere.origin), body: put(fields) },
      'openai-chat',
    );
    const sent = server.stage.upstream.requests.at(-1);
    expect([sent?.method, sent?.path, sent?.headers['host']]).toEqual([
      'POST',
      '/v1/chat/completions',
      new URL(server.stage.upstream.origin).host,
    ]);
    expect(Object.keys(sent?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
    ]);
    expect(elsewhere.connections.length).toBe(0);
  });

  it.each(names)('is no field of the native format: %s', async (name) => {
    await expectNamed('native', { ...question, [name]: elsewhere.origin }, name);
  });

  it('changes neither the pipeline nor its parts', async () => {
    const parts = {
      pipeline: { name: 'support' },
      processors: [{ type: 'sensitive-words' }],
      modifiers: [],
      backends: {},
      routing: { default: { to: ['x'] } },
      tokenProviders: {},
    };
    await server.expectAnswer({ path: pathOf('openai-chat'), body: { ...question, ...parts } }, 'openai-chat');
    for (const name of Object.keys(parts)) await expectNamed('native', { ...question, [name]: {} }, name);
    expect(new Set(server.stage.ended().map(({ fields }) => fields['revision'])).size).toBe(1);
  });
});
