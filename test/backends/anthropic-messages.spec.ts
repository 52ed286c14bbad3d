import { describe, expect, it } from '@jest/globals';
import { foldRequest, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { anthropicMessagesParser } from '../../src/parsers/anthropic-messages.ts';
import { anthropicBackend as build, sent, type Json } from '../support/anthropic-backend.ts';
import { chatRequest, fakeRun } from '../support/chat-run.ts';

const parse = (body: Json): ChatRequest => anthropicMessagesParser.create({}, {}).parse(body);
const bytesOf = (body: Json): string => build().encode(parse(body), fakeRun()).body;

describe('the address', () => {
  it.each([
    ['https://api.anthropic.com', '/v1/messages'],
    ['https://api.anthropic.com/', '/v1/messages'],
    ['https://api.anthropic.com/v1', '/v1/messages'],
    ['https://api.anthropic.com/v1/', '/v1/messages'],
    ['https://gateway.example/anthropic', '/anthropic/v1/messages'],
    ['https://gateway.example/anthropic/v1?beta=true', '/anthropic/v1/messages?beta=true'],
    ['http://127.0.0.1:8080/v12', '/v12/v1/messages'],
  ])('%s', (baseUrl, path) => {
    const request = build({ baseUrl }).encode(chatRequest(), fakeRun());
    expect(request).toMatchObject({ method: 'POST', origin: new URL(baseUrl).origin, path });
  });
});

describe('headers', () => {
  it('name the version and what is switched on, and hold no credential', () => {
    const config = { headers: { 'X-Team': 'care' }, version: '2026-10-21', beta: ['a-2025-01-01', 'b-2025-01-01'] };
    expect(build(config).encode(chatRequest(), fakeRun()).headers).toEqual({
      'x-team': 'care',
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'user-agent': 'sluice',
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'a-2025-01-01,b-2025-01-01',
    });
    const { headers } = build().encode(chatRequest({ stream: false }), fakeRun());
    expect(headers).toMatchObject({ accept: 'application/json', 'anthropic-version': '2023-06-01' });
    expect(headers).not.toHaveProperty('anthropic-beta');
  });

  it.each([
    [{ version: 'latest' }],
    [{ version: '2023-06-01\r\nx: y' }],
    [{ beta: ['a,b'] }],
    [{ beta: ['a\r\nx: y'] }],
    [{ defaultMaxTokens: 0 }],
    [{ thinking: 'deep' }],
    [{ headers: { 'x-api-key': 'k' } }],
  ])('%j is refused', (config) => {
    expect(() => build(config)).toThrow(TypeError);
  });
});

const hi = { role: 'user', content: 'Hi' };
const png = 'iVBORw0KGgo=';
const untouched: readonly (readonly [string, Json])[] = [
  ['a question', { max_tokens: 5, messages: [hi] }],
  [
    'one block is no string',
    { max_tokens: 5, system: 'Be brief.', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
  ],
  ['an empty string', { max_tokens: 5, messages: [{ role: 'user', content: '' }] }],
  ['a limit of nothing, to fill the cache', { max_tokens: 0, messages: [hi] }],
  [
    'a system prompt with cache marks',
    {
      max_tokens: 5,
      system: [
        { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
        { type: 'text', text: 'b', cache_control: null },
      ],
      messages: [hi],
      cache_control: { type: 'ephemeral' },
    },
  ],
  [
    'system messages among the others',
    {
      max_tokens: 5,
      system: 'a',
      messages: [
        hi,
        { role: 'system', content: 'b' },
        { role: 'user', content: 'c' },
        { role: 'system', content: [{ type: 'text', text: 'd' }] },
      ],
    },
  ],
  [
    'images and documents',
    {
      max_tokens: 5,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
            {
              type: 'image',
              source: { type: 'url', url: 'https://e.example/a.png' },
              cache_control: { type: 'ephemeral' },
            },
            { type: 'image', source: { type: 'file', file_id: 'file_1' } },
            {
              type: 'document',
              source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
              title: 't',
            },
            {
              type: 'document',
              source: { type: 'url', url: 'https://e.example/a.pdf', x: 1 },
              citations: { enabled: true },
              context: 'c',
            },
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' }, title: 'w' },
            { type: 'document', source: { type: 'content', content: 'words' } },
            { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'a' }] } },
            { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'a' }] },
            { type: 'container_upload', file_id: 'file_2' },
            { type: 'text', text: '  ' },
          ],
        },
      ],
    },
  ],
  [
    'thinking, tools and their results',
    {
      max_tokens: 2_048,
      thinking: { type: 'enabled', budget_tokens: 1_024 },
      temperature: 1,
      messages: [
        hi,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
            { type: 'thinking', thinking: '', signature: 'c2ln' },
            { type: 'redacted_thinking', data: 'ZGF0YQ==' },
            { type: 'text', text: 'a', citations: [{ type: 'char_location', cited_text: 'x' }] },
            { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'x' } },
            { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
            { type: 'mcp_tool_use', id: 'm1', name: 'e', server_name: 's', input: {} },
            { type: 'mcp_tool_result', tool_use_id: 'm1', is_error: false, content: [] },
            { type: 'compaction', content: 'so far', encrypted_content: 'x' },
            { type: 'tool_use', id: 't1', name: 'f', input: { b: 1, a: [] }, caller: { type: 'direct' } },
            { type: 'tool_use', id: 't2', name: 'g', input: {}, cache_control: { type: 'ephemeral' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: 'one' },
            {
              type: 'tool_result',
              tool_use_id: 't2',
              is_error: true,
              content: [
                { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
                { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
              ],
              cache_control: { type: 'ephemeral', ttl: '5m' },
            },
            { type: 'text', text: 'and now?' },
          ],
        },
      ],
    },
  ],
  [
    'results without content',
    {
      max_tokens: 5,
      messages: [
        hi,
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 't1', name: 'f', input: {} },
            { type: 'tool_use', id: 't2', name: 'f', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', is_error: false },
            { type: 'tool_result', tool_use_id: 't2', content: [] },
          ],
        },
      ],
    },
  ],
  [
    'all settings',
    {
      max_tokens: 5,
      messages: [hi],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 3,
      stop_sequences: ['a', ' '],
      metadata: { user_id: 'u', team: 't' },
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } }, x: 1 },
      stream: true,
      service_tier: 'auto',
      container: 'c',
      inference_geo: 'us',
      context_management: { edits: [] },
      mcp_servers: [{ type: 'url', url: 'https://m.example' }],
    },
  ],
  [
    'older and other words',
    {
      max_tokens: 5,
      messages: [hi],
      thinking: { type: 'adaptive', display: 'summarized' },
      tool_choice: { type: 'none', x: 1 },
      output_format: { type: 'json_schema', schema: { type: 'object' } },
    },
  ],
  [
    'tools',
    {
      max_tokens: 5,
      messages: [hi],
      tool_choice: { type: 'tool', name: 'f' },
      tools: [
        {
          name: 'f',
          description: '',
          input_schema: { type: 'object', properties: {}, $schema: 'x' },
          strict: false,
          cache_control: { type: 'ephemeral' },
          defer_loading: true,
        },
        { type: 'custom', name: 'g', input_schema: { type: 'object' }, input_examples: [{}] },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 2, cache_control: { type: 'ephemeral' } },
        { type: 'mcp_toolset', mcp_server_name: 's' },
      ],
    },
  ],
];

describe('a client of the format', () => {
  it.each(untouched)('%s: says what it said, and nothing is lost', (_title, body) => {
    const request = parse({ model: 'other', ...body });
    const expected = { body: { ...body, model: 'claude' }, lost: [] };
    expect(sent(request)).toEqual(expected);
    expect(sent(foldRequest(unfoldRequest(request)))).toEqual(expected);
  });

  it('equal requests have equal bytes', () => {
    for (const [, body] of untouched) {
      const reordered = Object.fromEntries(Object.entries(body).toReversed());
      expect(bytesOf(reordered)).toBe(bytesOf(body));
    }
  });

  it('what a step changed wins over what the client wrote', () => {
    const request = parse({
      max_tokens: 5,
      messages: [hi],
      thinking: { type: 'adaptive' },
      tool_choice: { type: 'none', x: 1 },
      output_format: { type: 'json_schema', schema: {} },
    });
    const settings = {
      maxOutputTokens: 9,
      reasoningBudget: 2_000,
      toolChoice: 'auto' as const,
      responseFormat: { type: 'json_schema' as const, name: 'n', schema: { type: 'array' } },
    };
    expect(sent({ ...request, settings }).body).toEqual({
      model: 'claude',
      max_tokens: 9,
      messages: [hi],
      tool_choice: { type: 'auto' },
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      output_config: { format: { type: 'json_schema', schema: { type: 'array' } } },
    });
  });

  it('neighbours of one side are one turn, results come first', () => {
    const call = { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: {} }] };
    const result = { type: 'tool_result', tool_use_id: 't', content: 'r' };
    const { body } = sent(
      parse({
        max_tokens: 5,
        messages: [
          hi,
          { role: 'user', content: 'you' },
          call,
          { role: 'user', content: [{ type: 'text', text: 'b' }, result] },
        ],
      }),
    );
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'you' },
        ],
      },
      call,
      { role: 'user', content: [result, { type: 'text', text: 'b' }] },
    ]);
  });

  it('carries no reasoning of another provider, wrapped as it was', () => {
    const signature = `sluice1.gemini.s.${Buffer.from('abc').toString('base64url')}`;
    const answer = {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature },
        { type: 'text', text: 'a' },
      ],
    };
    const { body, lost } = sent(parse({ max_tokens: 5, messages: [hi, answer, hi] }));
    expect(body['messages']).toEqual([hi, { role: 'assistant', content: [{ type: 'text', text: 'a' }] }, hi]);
    expect(lost).toEqual(['request.reasoning']);
  });

  it('a turn of which nothing is left goes, and its neighbours are one', () => {
    const answer = { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: '' }] };
    expect(sent(parse({ max_tokens: 5, messages: [hi, answer, hi] })).body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'Hi' },
        ],
      },
    ]);
  });
});

describe('an answer of the wrong status', () => {
  const head = { status: 529, headers: { 'retry-after': '3' } };
  it('is the error that it says', () => {
    const body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}';
    expect(build().decodeError(head, body)).toMatchObject({ code: 'UPSTREAM_OVERLOADED', retryAfterSeconds: 3 });
  });

  it.each([
    [400, 'invalid_request_error', 'UPSTREAM_REJECTED'],
    [401, 'authentication_error', 'UPSTREAM_AUTH'],
    [403, 'permission_error', 'UPSTREAM_AUTH'],
    [404, 'not_found_error', 'UPSTREAM_REJECTED'],
    [413, 'request_too_large', 'UPSTREAM_REJECTED'],
    [429, 'rate_limit_error', 'UPSTREAM_RATE_LIMITED'],
    [500, 'api_error', 'UPSTREAM_5XX'],
  ])('%i %s', (status, type, code) => {
    const body = JSON.stringify({ type: 'error', error: { type, message: 'm' } });
    expect(build().decodeError({ status, headers: {} }, body).code).toBe(code);
  });
});
