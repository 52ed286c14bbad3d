import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ollamaBackend } from '../../src/backends/ollama.ts';
import type { Backend } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { foldRequest, unfoldRequest, type ChatRequest, type ContentBlock } from '../../src/kernel/request.ts';
import { ollamaParser } from '../../src/parsers/ollama.ts';
import { chatRequest } from '../support/chat-run.ts';
import { chatRequests } from '../support/chat-requests.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

type Json = Record<string, unknown>;

const build = (config: Json = {}): Backend =>
  ollamaBackend.create(
    { baseUrl: 'http://127.0.0.1:11434', model: 'm-1', thinkLevels: true, ...config },
    { clock: new TestClock() },
  );
const parse = (body: Json): ChatRequest => ollamaParser.create({}, {}).parse(body);

function send(request: ChatRequest, config: Json = {}): { body: Json; lost: readonly string[] } {
  const { run, lost } = testRun();
  return { body: JSON.parse(build(config).encode(request, run).body) as Json, lost };
}

const question = { role: 'user', content: 'Hi' };
const png = 'iVBORw0KGgo=';

describe('the request', () => {
  it('goes to /api/chat below the base URL, with the headers of the definition', () => {
    const { run } = testRun();
    const backend = build({ baseUrl: 'https://host.example/ollama/?key=1', headers: { 'X-Team': 'care' } });
    expect(backend.encode(chatRequest(), run)).toMatchObject({
      method: 'POST',
      origin: 'https://host.example',
      path: '/ollama/api/chat?key=1',
      headers: { 'x-team': 'care', 'content-type': 'application/json', accept: 'application/x-ndjson' },
    });
    expect(build().encode(chatRequest({ stream: false }), run).headers['accept']).toBe('application/json');
  });

  it('has equal bytes for equal requests', () => {
    const { run } = testRun();
    const bodies = [
      { messages: [question], options: { num_ctx: 1, min_p: 0.1 }, keep_alive: 0, truncate: true },
      { truncate: true, keep_alive: 0, options: { min_p: 0.1, num_ctx: 1 }, messages: [question] },
    ];
    const [one, other] = bodies.map((body) => build().encode(parse(body), run).body);
    expect(one).toBe(other);
  });
});

const untouched: readonly (readonly [string, Json])[] = [
  ['a question', { messages: [question], stream: true }],
  ['one document', { messages: [question], stream: false }],
  [
    'all options',
    {
      messages: [question],
      stream: true,
      options: {
        num_predict: 100,
        temperature: 0,
        top_p: 0.9,
        top_k: 40,
        stop: ['END'],
        seed: 7,
        presence_penalty: 0.1,
        frequency_penalty: 0.2,
        num_ctx: 8192,
        min_p: 0.05,
        mirostat: 1,
        numa: false,
      },
    },
  ],
  [
    'options in odd forms',
    { messages: [question], stream: true, options: { stop: 'END', num_predict: -2, seed: null } },
  ],
  ['no options', { messages: [question], stream: true, options: {} }],
  [
    'further fields',
    { messages: [question], stream: true, keep_alive: '5m', truncate: false, shift: true, vendor: {} },
  ],
  ['log probabilities', { messages: [question], stream: true, logprobs: true, top_logprobs: 5 }],
  ...[true, false, 'low', 'medium', 'high', 'max'].map(
    (think) => [`think ${String(think)}`, { messages: [question], stream: true, think }] as const,
  ),
  ...['json', '', { type: 'object', properties: { a: { type: 'string' } } }].map(
    (format) => [`format ${JSON.stringify(format)}`, { messages: [question], stream: true, format }] as const,
  ),
  [
    'tools',
    {
      messages: [question],
      stream: true,
      tools: [
        { type: 'function', function: { name: 'f', description: 'F', parameters: { type: 'object' } } },
        { type: 'function', function: { name: 'g', vendor: 1 }, items: [] },
      ],
    },
  ],
  ['no tools', { messages: [question], stream: true, tools: [] }],
  [
    'a conversation with ids',
    {
      stream: true,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'What is this?', images: [png, '/9j/4AAQ', 'AAAA'] },
        {
          role: 'assistant',
          content: 'I look.',
          thinking: 'Look.',
          tool_calls: [{ id: 'c1', function: { index: 0, name: 'look', arguments: { at: [1, 2] } }, vendor: 1 }],
        },
        { role: 'tool', content: 'a cat', tool_name: 'look', tool_call_id: 'c1' },
      ],
    },
  ],
  [
    'a conversation without ids',
    {
      stream: true,
      messages: [
        question,
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ function: { name: 'a', arguments: {} } }, { function: { name: 'b', arguments: { x: 1 } } }],
        },
        { role: 'tool', content: 'r', tool_name: 'b' },
        { role: 'tool', content: 'r' },
      ],
    },
  ],
];

describe('a request of the same format says what the client said', () => {
  it.each(untouched)('%s', (_name, body) => {
    const request = parse({ ...body, model: 'theirs' });
    const { body: sent, lost } = send(request);
    expect(sent).toEqual({ ...body, model: 'm-1' });
    expect(lost).toEqual([]);
    expect(send(foldRequest(unfoldRequest(request))).body).toEqual(sent);
  });

  it('but a changed setting wins over its original form', () => {
    const request = parse({
      messages: [question],
      think: 'medium',
      format: '',
      options: { stop: 'END', num_predict: -1 },
    });
    const changed: ChatRequest = {
      ...request,
      settings: {
        reasoningEffort: 'low',
        responseFormat: { type: 'json' },
        stop: ['A', 'B'],
        maxOutputTokens: 5,
        temperature: 1,
      },
    };
    expect(send(changed).body).toMatchObject({
      think: 'low',
      format: 'json',
      options: { stop: ['A', 'B'], num_predict: 5, temperature: 1 },
    });
  });
});

describe('a request of another format', () => {
  const foreign = (fields: Partial<ChatRequest>): ChatRequest => chatRequest(fields);

  it('is said in this one', () => {
    const { body, lost } = send(
      foreign({
        model: 'theirs',
        settings: {
          maxOutputTokens: 10,
          temperature: 1.5,
          topP: 0.5,
          topK: 5,
          stop: ['x'],
          seed: 1,
          presencePenalty: 1,
          frequencyPenalty: -1,
          responseFormat: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true },
        },
        tools: [{ name: 'f', description: 'F', parameters: { type: 'object' } }],
        messages: [
          { role: 'developer', content: [{ kind: 'text', text: 'Rules' }] },
          {
            role: 'user',
            content: [
              { kind: 'text', text: 'One' },
              { kind: 'text', text: 'Two' },
              { kind: 'image', base64: png, mediaType: 'image/png' },
            ],
          },
          {
            role: 'assistant',
            content: [
              { kind: 'reasoning', text: 'Hm.' },
              { kind: 'text', text: 'I call.' },
              { kind: 'tool_call', name: 'f', callId: 'c1', arguments: '{"a":1}' },
              { kind: 'tool_call', name: 'g', callId: 'c2', arguments: '' },
            ],
          },
          { role: 'tool', callId: 'c1', content: [{ kind: 'text', text: '5' }] },
          { role: 'tool', callId: 'c2', content: [{ kind: 'image', base64: png, mediaType: 'image/png' }] },
        ],
      }),
    );
    expect(lost).toEqual([]);
    expect(body).toEqual({
      model: 'm-1',
      messages: [
        { role: 'system', content: 'Rules' },
        { role: 'user', content: 'One\n\nTwo', images: [png] },
        {
          role: 'assistant',
          content: 'I call.',
          thinking: 'Hm.',
          tool_calls: [
            { id: 'c1', function: { name: 'f', arguments: { a: 1 } } },
            { id: 'c2', function: { name: 'g', arguments: {} } },
          ],
        },
        { role: 'tool', content: '5', tool_name: 'f', tool_call_id: 'c1' },
        { role: 'tool', content: '', images: [png], tool_name: 'g', tool_call_id: 'c2' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'F', parameters: { type: 'object' } } }],
      format: { type: 'object' },
      options: {
        num_predict: 10,
        temperature: 1.5,
        top_p: 0.5,
        top_k: 5,
        stop: ['x'],
        seed: 1,
        presence_penalty: 1,
        frequency_penalty: -1,
      },
      stream: true,
    });
  });

  it.each<readonly [ChatRequest['settings'], unknown, unknown, readonly string[]]>([
    [{}, undefined, undefined, []],
    [{ showReasoning: true }, true, true, []],
    [{ showReasoning: false }, undefined, undefined, []],
    [{ reasoningEffort: 'none' }, false, false, []],
    [{ reasoningEffort: 'minimal' }, 'low', true, ['request.reasoning_effort']],
    [{ reasoningEffort: 'low' }, 'low', true, []],
    [{ reasoningEffort: 'medium' }, true, true, []],
    [{ reasoningEffort: 'high' }, 'high', true, []],
    [{ reasoningEffort: 'xhigh' }, 'high', true, ['request.reasoning_effort']],
    [{ reasoningEffort: 'turbo' }, true, true, ['request.reasoning_effort']],
    [{ reasoningBudget: 0 }, false, false, []],
    [{ reasoningBudget: 2_048 }, 'low', true, ['request.reasoning_budget']],
    [{ reasoningBudget: 50_000 }, 'high', true, ['request.reasoning_budget']],
  ])('thinks as %j asks', (settings, leveled, switched, lost) => {
    expect(send(foreign({ settings }))).toMatchObject({ lost });
    expect(send(foreign({ settings })).body['think']).toEqual(leveled);
    expect(send(foreign({ settings }), { thinkLevels: false }).body['think']).toEqual(switched);
  });

  const f = { name: 'f', parameters: {} };
  const g = { name: 'g', parameters: {} };
  it.each<readonly [ChatRequest['settings']['toolChoice'], readonly string[], readonly string[]]>([
    ['auto', ['f', 'g'], []],
    ['none', [], ['request.tools']],
    ['required', ['f', 'g'], ['request.tool_choice']],
    [{ name: 'g' }, ['g'], ['request.tool_choice']],
    [{ allowed: ['f'], mode: 'auto' }, ['f'], []],
    [{ allowed: ['f'], mode: 'required' }, ['f'], ['request.tool_choice']],
  ])('shows the tools that %j allows', (toolChoice, names, lost) => {
    const sent = send(foreign({ tools: [f, g], settings: { toolChoice: toolChoice ?? 'auto' } }));
    const tools = (sent.body['tools'] ?? []) as { function: { name: string } }[];
    expect(tools.map((tool) => tool.function.name)).toEqual(names);
    expect(sent.lost).toEqual(lost);
  });

  const user = (...content: ContentBlock[]): Partial<ChatRequest> => ({ messages: [{ role: 'user', content }] });
  const image: ContentBlock = { kind: 'image', base64: png, mediaType: 'image/png' };
  const text: ContentBlock = { kind: 'text', text: 'Hi' };

  it.each<readonly [string, Partial<ChatRequest>]>([
    ['request.choices', { settings: { choices: 2 } }],
    ['request.parallel_tool_calls', { settings: { parallelToolCalls: false } }],
    ['request.user', { settings: { user: 'u' } }],
    [
      'request.response_format.description',
      { settings: { responseFormat: { type: 'json_schema', name: 'n', schema: {}, description: 'd' } } },
    ],
    ['request.tools.strict', { tools: [{ name: 'f', parameters: {}, strict: true }] }],
    ['request.cache', { tools: [{ name: 'f', parameters: {}, cache: {} }] }],
    ['request.cache', user({ ...text, cache: { ttl: '5m' } })],
    ['request.server_tools', { tools: [{ name: 'web', ext: { 'openai-chat': { type: 'web_search' } } }] }],
    ['request.server_tools', user(text, { kind: 'server_tool_call', name: 'web', initial: {} })],
    ['request.metadata', { metadata: { team: 'care' } }],
    ['request.field.logit_bias', { ext: { 'openai-chat': { logit_bias: { 5: 1 }, user: null } } }],
    ['request.name', { messages: [{ role: 'user', name: 'ann', content: [text] }] }],
    ['request.is_error', { messages: [{ role: 'tool', callId: 'c', isError: true, content: [text] }] }],
    ['request.signature', user(text, { kind: 'reasoning', text: 'r', signature: { value: 's', format: 'gemini' } })],
    ['request.reasoning', user(text, { kind: 'reasoning_redacted', signature: { value: 's', encrypted: true } })],
    ['request.citations', user({ ...text, annotations: [{}] })],
    ['request.image_position', user(text, image, text)],
    ['request.image_detail', user({ ...image, ext: { 'openai-chat': { image_url: { detail: 'low' } } } })],
    ['request.tool_arguments', user({ kind: 'tool_call', name: 'f', callId: 'c', arguments: '{"a":' })],
  ])('names %s as lost, and nothing else', (what, fields) => {
    expect(send(foreign(fields)).lost).toEqual([what]);
  });

  it('loses no metadata of the native format, which is for the gateway', () => {
    expect(send(foreign({ dialect: 'native', metadata: { team: 'care' } })).lost).toEqual([]);
  });

  it('keeps arguments that are no JSON where the model can see them', () => {
    const { body } = send(foreign(user({ kind: 'tool_call', name: 'f', callId: 'c', arguments: '{"a":' })));
    expect(body['messages']).toMatchObject([{ tool_calls: [{ function: { arguments: { _raw: '{"a":' } } }] }]);
  });

  it.each<readonly [string, string, Partial<ChatRequest>]>([
    ['messages[0].content[0]', 'base64 only', user({ kind: 'image', url: 'https://e.example/a.png' })],
    ['messages[0].content[0]', 'base64 only', user({ kind: 'image', fileId: 'f1' })],
    ['body.pic', 'no base64', user({ kind: 'image', base64: '***', mediaType: 'image/png', place: 'body.pic' })],
    ['messages[0].content[0]', 'image/tiff', user({ kind: 'image', base64: 'AAAA', mediaType: 'image/tiff' })],
    ['messages[0].content[1]', 'audio', user(text, { kind: 'audio', base64: 'AAAA', mediaType: 'audio/wav' })],
    ['messages[0].content[0]', 'file', user({ kind: 'file', base64: 'AAAA', mediaType: 'application/pdf' })],
    ['messages[0].content[0]', 'unknown', user({ kind: 'unknown', initial: {} })],
    ['messages[0].content[0]', 'custom_tool_call', user({ kind: 'custom_tool_call', name: 'f', arguments: 'x' })],
    ['messages[0].content[0]', 'name', user({ kind: 'tool_call', callId: 'c' })],
    ['tools[0]', 'custom', { tools: [{ name: 'f', ext: { 'openai-chat': { type: 'custom' } } }] }],
  ])('is refused at %s: %s', (field, reason, fields) => {
    expect(() => send(foreign(fields))).toThrow(
      expect.objectContaining({
        code: 'REQUEST_INVALID',
        details: { field, reason: expect.stringContaining(reason) as unknown },
      }),
    );
  });

  it('of any form is sent or refused, and never ends in another error', () => {
    fc.assert(
      fc.property(chatRequests, (request) => {
        try {
          send(request);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).toBe('REQUEST_INVALID');
        }
      }),
    );
  });
});

describe('an error status', () => {
  it.each([
    [404, '{"error":"model \'x\' not found"}', 'UPSTREAM_REJECTED', "model 'x' not found"],
    [400, '{"error":"\\"m\\" does not support tools"}', 'UPSTREAM_REJECTED', '"m" does not support tools'],
    [401, '{"error":"unauthorized"}', 'UPSTREAM_AUTH', undefined],
    [503, '{"error":"server busy"}', 'UPSTREAM_OVERLOADED', undefined],
    [500, '{"error":"CUDA error"}', 'UPSTREAM_5XX', undefined],
  ])('%i %s', (status, body, code, reason) => {
    const error = build().decodeError({ status, headers: {} }, body);
    expect(error.code).toBe(code);
    if (reason === undefined) expect(error.message).not.toContain('CUDA');
    else expect(error.details['reason']).toBe(reason);
  });
});
