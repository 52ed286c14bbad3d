import { describe, expect, it } from '@jest/globals';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { Backend } from '../../src/kernel/component.ts';
import { foldRequest, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { chatRequest, fakeRun } from '../support/chat-run.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

type Json = Record<string, unknown>;
const defaults = {
  baseUrl: 'https://api.example/v1',
  model: 'm-1',
  includeUsage: true,
  maxTokensField: 'max_completion_tokens',
} as const;
const build = (config: Json = {}): Backend =>
  openaiChatBackend.create({ ...defaults, ...config }, { clock: new TestClock() });
const parse = (body: Json): ChatRequest => openaiChatParser.create({}, {}).parse(body);
const sent = (request: ChatRequest, config: Json = {}): Json =>
  JSON.parse(build(config).encode(request, fakeRun()).body) as Json;

describe('the address', () => {
  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com', '/v1/chat/completions'],
    ['https://api.openai.com/v1/', 'https://api.openai.com', '/v1/chat/completions'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080', '/chat/completions'],
    [
      'https://x.example/openai/deployments/d?api-version=1',
      'https://x.example',
      '/openai/deployments/d/chat/completions?api-version=1',
    ],
  ])('%s', (baseUrl, origin, path) => {
    expect(build({ baseUrl }).encode(chatRequest(), fakeRun())).toMatchObject({ method: 'POST', origin, path });
  });

  it.each(['ftp://a.example', 'https://user:pass@a.example', 'https://a.example/#x', 'nonsense'])(
    '%s is refused',
    (baseUrl) => {
      expect(() => build({ baseUrl })).toThrow('baseUrl');
    },
  );
});

describe('headers', () => {
  it('are the fixed ones and those of the definition', () => {
    const { headers } = build({ headers: { 'OpenAI-Organization': 'org' } }).encode(chatRequest(), fakeRun());
    expect(headers).toEqual({
      'openai-organization': 'org',
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'user-agent': 'sluice',
    });
  });

  it.each(['Authorization', 'host', 'content-length', 'x-api-key', 'a b', 'a\r\nb'])('%j is refused', (name) => {
    expect(() => build({ headers: { [name]: 'x' } })).toThrow('headers');
  });

  it('with a line end in the value are refused', () => {
    expect(() => build({ headers: { 'x-a': 'b\r\nc: d' } })).toThrow('headers');
  });
});

const image = 'data:image/png;base64,iVBORw0KGgo=';
const untouched: readonly (readonly [string, Json])[] = [
  ['a question', { model: 'gpt', messages: [{ role: 'user', content: 'Hi' }] }],
  ['one part is not a string', { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] }],
  [
    'parts of all kinds',
    {
      messages: [
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'Hi', prompt_cache_breakpoint: true },
            { type: 'image_url', image_url: { url: image, detail: 'low' } },
            { type: 'image_url', image_url: { url: 'https://e.example/a.png' } },
            { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
            { type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA', filename: 'a.pdf' } },
            { type: 'file', file: { file_id: 'f1' } },
            { type: 'video_url', video_url: { url: 'x' } },
          ],
        },
      ],
    },
  ],
  [
    'all roles',
    {
      messages: [
        { role: 'developer', content: 'a' },
        { role: 'system', content: 'b' },
        { role: 'user', content: 'c' },
        { role: 'assistant', content: null, refusal: 'no', audio: { id: 'a1' } },
        {
          role: 'assistant',
          content: 'd',
          reasoning_content: 'r',
          refusal: null,
          tool_calls: [
            { id: '1', type: 'function', function: { name: 'f', arguments: '{ "a": 1 }' }, extra_content: { s: 1 } },
            { id: '2', type: 'custom', custom: { name: 'g', input: 'x' } },
          ],
        },
        { role: 'tool', tool_call_id: '1', content: 'e' },
        { role: 'tool', tool_call_id: '2', content: [{ type: 'text', text: 'f' }] },
        { role: 'assistant', function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: 'g' },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
        { role: 'assistant', content: '', tool_calls: [] },
      ],
    },
  ],
  [
    'all settings',
    {
      messages: [{ role: 'user', content: 'Hi' }],
      max_completion_tokens: 5,
      temperature: 0.5,
      top_p: 1,
      top_k: 3,
      stop: ['a'],
      seed: 1,
      presence_penalty: 0,
      frequency_penalty: -1,
      n: 2,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } },
      reasoning_effort: 'low',
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
      user: 'u',
    },
  ],
  [
    'other spellings',
    {
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 5,
      stop: 'a',
      function_call: { name: 'f' },
      functions: [{ name: 'f', parameters: {}, x: 1 }],
      temperature: null,
      tools: [],
      metadata: {},
      stream: false,
    },
  ],
  ['both limits', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, max_completion_tokens: 7 }],
  [
    'forms without a unified name',
    {
      messages: [{ role: 'user', content: 'Hi' }],
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } },
      response_format: { type: 'grammar', grammar: 'x' },
    },
  ],
  [
    'tools',
    {
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            description: 'd',
            parameters: { type: 'object', properties: {} },
            strict: false,
            x: 1,
          },
          y: 2,
        },
        { type: 'custom', custom: { name: 'g', format: { type: 'text' } } },
        { type: 'web_search', filters: {} },
      ],
    },
  ],
  [
    'fields that nobody knows',
    {
      messages: [{ role: 'user', content: 'Hi', cache_control: { type: 'ephemeral' } }],
      logit_bias: { 5: 1 },
      service_tier: 'flex',
      thinking: { type: 'enabled' },
      metadata: { a: 'b' },
      store: true,
    },
  ],
];

describe('the body', () => {
  it.each(untouched)('%s: an untouched request says what the client said', (_title, body) => {
    const request = parse(body);
    expect(sent(request)).toEqual({ ...body, model: 'm-1' });
    expect(sent(foldRequest(unfoldRequest(request)))).toEqual({ ...body, model: 'm-1' });
  });

  it('of equal requests has equal bytes', () => {
    const [, body] = untouched[4] ?? ['', {}];
    const reordered = Object.fromEntries(Object.entries(body).toReversed());
    expect(build().encode(parse(reordered), fakeRun()).body).toBe(build().encode(parse(body), fakeRun()).body);
  });

  it.each([
    [{ includeUsage: true }, {}, { include_usage: true }],
    [{ includeUsage: false }, {}, undefined],
    [
      { includeUsage: false },
      { stream_options: { include_usage: true, include_obfuscation: false } },
      { include_usage: true, include_obfuscation: false },
    ],
    [{ includeUsage: true }, { stream_options: { include_usage: false } }, { include_usage: true }],
  ])('config %j and body %j ask for %j', (config, more, options) => {
    const body = sent(parse({ stream: true, messages: [{ role: 'user', content: 'Hi' }], ...more }), config);
    expect([body['stream'], body['stream_options']]).toEqual([true, options]);
  });

  it('takes changed settings under the name that the client used', () => {
    const request = parse({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, stop: 'a' });
    const body = sent({ ...request, settings: { ...request.settings, maxOutputTokens: 9, stop: ['b', 'c'] } });
    expect(body).toMatchObject({ max_tokens: 9, stop: ['b', 'c'] });
    expect(body).not.toHaveProperty('max_completion_tokens');
  });

  it('of another dialect uses the names of the definition and keeps metadata here', () => {
    const request = chatRequest({
      dialect: 'native',
      stream: false,
      settings: { maxOutputTokens: 5 },
      metadata: { mode: 'x' },
      tools: [{ name: 'f', parameters: {} }],
    });
    expect(sent(request, { maxTokensField: 'max_tokens' })).toEqual({
      model: 'm-1',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 5,
      tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
    });
  });

  it.each([
    [{ kind: 'unknown', initial: { a: 1 } }, 'a block of the kind unknown of anthropic-messages'],
    [{ kind: 'image', fileId: 'f' }, 'a file that was uploaded for anthropic-messages'],
  ] as const)('%j of another dialect is refused by name', (block, reason) => {
    const request = chatRequest({ dialect: 'anthropic-messages', messages: [{ role: 'user', content: [block] }] });
    expect(() => sent(request)).toThrow(`messages[0].content[0]: ${reason}`);
  });

  it('leaves out the reasoning of another provider, and names it', () => {
    const { run, lost } = testRun();
    const request = chatRequest({
      dialect: 'native',
      messages: [
        {
          role: 'assistant',
          content: [
            { kind: 'reasoning', text: 'r' },
            { kind: 'server_tool_result', initial: {} },
            { kind: 'text', text: 'a' },
          ],
        },
      ],
    });
    expect(JSON.parse(build().encode(request, run).body)).toMatchObject({
      messages: [{ role: 'assistant', content: 'a' }],
    });
    expect(lost).toEqual(['request.server_tools', 'request.reasoning']);
  });
});

describe('an answer in one document', () => {
  const body = {
    id: 'c1',
    object: 'chat.completion',
    created: 7,
    model: 'm',
    system_fingerprint: 'fp',
    provider: 'P',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        logprobs: null,
        message: {
          role: 'assistant',
          content: 'Hi',
          refusal: null,
          reasoning_content: 'r',
          annotations: [{ type: 'url_citation' }],
          tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  };

  it('becomes the events of a stream', () => {
    const fold = new AnswerFold();
    for (const event of build().decodeBody(JSON.stringify(body), chatRequest())) fold.push(event);
    const { meta, choices, usage } = fold.answer;
    expect(meta).toMatchObject({
      responseId: 'c1',
      model: 'm',
      created: 7,
      systemFingerprint: 'fp',
      ext: { 'openai-chat': { provider: 'P' } },
    });
    expect(choices[0]?.blocks.map(({ kind, text, arguments: json }) => [kind, text, json])).toEqual([
      ['reasoning', 'r', ''],
      ['text', 'Hi', ''],
      ['tool_call', '', '{}'],
    ]);
    expect(choices[0]?.finish?.reason).toEqual({ unified: 'tool_calls', raw: 'tool_calls' });
    expect(usage).toMatchObject({ input: { total: 1 }, output: { total: 2 }, total: 3 });
  });

  it.each([
    ['<html>Hello</html>', 'UPSTREAM_BAD_CONTENT'],
    ['{"choices":', 'UPSTREAM_BAD_CONTENT'],
    ['{"hello":1}', 'UPSTREAM_BAD_CONTENT'],
    ['{"choices":[]}', 'UPSTREAM_BAD_CONTENT'],
    ['{"error":{"message":"m","type":"overloaded_error"}}', 'UPSTREAM_OVERLOADED'],
  ])('%s is %s', (text, code) => {
    expect(() => build().decodeBody(text, chatRequest())).toThrow(expect.objectContaining({ code }));
  });
});
