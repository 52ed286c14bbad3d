import { describe, expect, it } from '@jest/globals';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { anthropicMessagesParser } from '../../src/parsers/anthropic-messages.ts';

type Json = Record<string, unknown>;

const parser = anthropicMessagesParser.create({}, {});
const hello = [{ role: 'user', content: 'Hello' }];
const parse = (fields: Json = {}): ChatRequest => parser.parse({ max_tokens: 100, messages: hello, ...fields });
const ext = (fields: Json): Json => ({ ext: { 'anthropic-messages': fields } });

describe('a body', () => {
  it('with the least that the API takes', () => {
    expect(parse()).toEqual({
      dialect: 'anthropic-messages',
      stream: false,
      settings: { maxOutputTokens: 100 },
      tools: [],
      messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hello' }], place: 'messages[0]' }],
      metadata: {},
      params: {},
    });
  });

  it.each<readonly [string, Json, Json]>([
    ['a model', { model: 'claude' }, { model: 'claude' }],
    [
      'a stream, which tells usage',
      { stream: true },
      { stream: true, settings: { maxOutputTokens: 100, includeUsage: true } },
    ],
    [
      'metadata',
      { metadata: { user_id: 'u', mode: 'x' } },
      { settings: { maxOutputTokens: 100, user: 'u' }, metadata: { mode: 'x' } },
    ],
    [
      'nulls',
      { metadata: null, system: null, tools: null, stop_sequences: null, thinking: null },
      { metadata: {}, settings: { maxOutputTokens: 100 } },
    ],
    [
      'fields without a unified name',
      { service_tier: 'auto', mcp_servers: [] },
      ext({ service_tier: 'auto', mcp_servers: [] }),
    ],
  ])('with %s', (_name, fields, expected) => {
    expect(parse(fields)).toMatchObject(expected);
  });

  it('documents its fields', () => {
    expect([...(anthropicMessagesParser.fields ?? [])]).toEqual(
      expect.arrayContaining(['max_tokens', 'messages', 'system', 'thinking', 'output_config', 'container']),
    );
  });
});

describe('settings', () => {
  it.each<{ readonly fields: Json; readonly settings: Json; readonly kept?: Json }>([
    { fields: { temperature: 0.5, top_p: 1, top_k: 3 }, settings: { temperature: 0.5, topP: 1, topK: 3 } },
    { fields: { stop_sequences: ['a', 'b'] }, settings: { stop: ['a', 'b'] } },
    { fields: { stop_sequences: [] }, settings: {} },
    {
      fields: { thinking: { type: 'enabled', budget_tokens: 2048 } },
      settings: { reasoningBudget: 2048, showReasoning: true },
    },
    {
      fields: { thinking: { type: 'enabled', budget_tokens: 2048, display: 'omitted' } },
      settings: { reasoningBudget: 2048, showReasoning: false },
    },
    { fields: { thinking: { type: 'disabled' } }, settings: { reasoningBudget: 0 } },
    {
      fields: { thinking: { type: 'adaptive' } },
      settings: { showReasoning: true },
      kept: { thinking: { type: 'adaptive' } },
    },
    {
      fields: { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'max' } },
      settings: { reasoningEffort: 'max', showReasoning: false },
      kept: { thinking: { type: 'adaptive', display: 'omitted' } },
    },
    {
      fields: { thinking: { type: 'between_tools' } },
      settings: { showReasoning: true },
      kept: { thinking: { type: 'between_tools' } },
    },
    {
      fields: { output_config: { format: { type: 'json_schema', schema: { type: 'object' } }, task_budget: 1 } },
      settings: { responseFormat: { type: 'json_schema', name: 'answer', schema: { type: 'object' } } },
      kept: { output_config: { task_budget: 1 } },
    },
    {
      fields: { output_format: { type: 'json_schema', schema: { type: 'object' } } },
      settings: { responseFormat: { type: 'json_schema', name: 'answer', schema: { type: 'object' } } },
      kept: { output_format: { type: 'json_schema', schema: { type: 'object' } } },
    },
    { fields: { tool_choice: { type: 'auto' } }, settings: { toolChoice: 'auto' } },
    {
      fields: { tool_choice: { type: 'any', disable_parallel_tool_use: true } },
      settings: { toolChoice: 'required', parallelToolCalls: false },
    },
    { fields: { tool_choice: { type: 'tool', name: 'f' } }, settings: { toolChoice: { name: 'f' } } },
    { fields: { tool_choice: { type: 'none' } }, settings: { toolChoice: 'none' } },
    {
      fields: { tool_choice: { type: 'auto', hint: 1 } },
      settings: { toolChoice: 'auto' },
      kept: { tool_choice: { type: 'auto', hint: 1 } },
    },
  ])('$fields', ({ fields, settings, kept = {} }) => {
    const request = parse(fields);
    expect(request.settings).toEqual({ maxOutputTokens: 100, ...settings });
    expect(request.ext?.['anthropic-messages'] ?? {}).toEqual(kept);
  });
});

describe('the system prompt', () => {
  it.each<readonly [string, unknown, readonly unknown[]]>([
    ['a string', 'Be brief.', [{ role: 'system', content: [{ kind: 'text', text: 'Be brief.' }], place: 'system' }]],
    ['nothing', '', []],
    [
      'blocks',
      [
        { type: 'text', text: 'One.' },
        { type: 'text', text: 'Two.', cache_control: { type: 'ephemeral', ttl: '1h' } },
      ],
      [
        {
          role: 'system',
          content: [
            { kind: 'text', text: 'One.' },
            { kind: 'text', text: 'Two.', cache: { ttl: '1h' } },
          ],
          place: 'system',
          ...ext({ content: [] }),
        },
      ],
    ],
  ])('as %s', (_name, system, expected) => {
    expect(parse({ system }).messages.slice(0, -1)).toEqual(expected);
  });

  it('may go on between the messages', () => {
    expect(parse({ messages: [...hello, { role: 'system', content: 'Be brief.' }] }).messages[1]).toEqual({
      role: 'system',
      content: [{ kind: 'text', text: 'Be brief.' }],
      place: 'messages[1]',
      ...ext({ role: 'system' }),
    });
  });
});

describe('blocks', () => {
  const blockOf = (block: Json, role = 'user'): unknown =>
    parse({ messages: [{ role, content: [block] }] }).messages[0]?.content[0];
  const place = 'messages[0].content[0]';

  it.each<readonly [Json, Json]>([
    [
      { type: 'text', text: 'x' },
      { kind: 'text', text: 'x' },
    ],
    [
      { type: 'text', text: 'x', cache_control: { type: 'ephemeral' }, citations: [] },
      { kind: 'text', text: 'x', cache: {}, ...ext({ citations: [] }) },
    ],
    [
      { type: 'text', text: 'x', cache_control: { type: 'ephemeral', scope: 'all' } },
      { kind: 'text', text: 'x', cache: {}, ...ext({ cache_control: { type: 'ephemeral', scope: 'all' } }) },
    ],
    [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { kind: 'image', mediaType: 'image/png', base64: 'AAAA', place },
    ],
    [
      { type: 'image', source: { type: 'url', url: 'https://a.example/b.png', hint: 1 }, transformations: {} },
      { kind: 'image', url: 'https://a.example/b.png', place, ...ext({ source: { hint: 1 }, transformations: {} }) },
    ],
    [
      { type: 'image', source: { type: 'file', file_id: 'f1' } },
      { kind: 'image', fileId: 'f1', place },
    ],
    [
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' },
        title: 'Report',
        context: 'of May',
        citations: { enabled: true },
      },
      {
        kind: 'file',
        name: 'Report',
        mediaType: 'application/pdf',
        base64: 'AAAA',
        place,
        ...ext({ context: 'of May', citations: { enabled: true } }),
      },
    ],
    [
      { type: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' }, title: null },
      { kind: 'file', url: 'https://a.example/b.pdf', place, ...ext({ title: null }) },
    ],
    [
      { type: 'document', source: { type: 'file', file_id: 'f1' } },
      { kind: 'file', fileId: 'f1', place },
    ],
    [
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' }, title: 'Notes' },
      {
        kind: 'text',
        text: 'words',
        name: 'Notes',
        place,
        ...ext({ type: 'document', source: { type: 'text', media_type: 'text/plain' } }),
      },
    ],
    [
      { type: 'document', source: { type: 'content', content: 'words' } },
      { kind: 'text', text: 'words', place, ...ext({ type: 'document', source: { type: 'content' } }) },
    ],
  ])('%j', (block, expected) => {
    expect(blockOf(block)).toEqual(expected);
  });

  it.each<readonly [Json]>([
    [{ type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'x' }] } }],
    [{ type: 'search_result', source: 'x', title: 'y', content: [] }],
    [{ type: 'container_upload', file_id: 'f1' }],
    [{ type: 'something_new', cache_control: { type: 'ephemeral' } }],
  ])('kept whole: %j', (block) => {
    expect(blockOf(block)).toEqual({ kind: 'unknown', initial: block, place });
  });

  it.each<readonly [Json, Json]>([
    [
      { type: 'thinking', thinking: 'hm', signature: 'abc' },
      { kind: 'reasoning', text: 'hm', signature: { value: 'abc', format: 'anthropic-messages' } },
    ],
    [
      { type: 'thinking', thinking: 'hm', signature: '' },
      { kind: 'reasoning', text: 'hm' },
    ],
    [
      { type: 'thinking', thinking: '', signature: 'sluice1.gemini.s.YWJj' },
      { kind: 'reasoning', signature: { value: 'abc', format: 'gemini' } },
    ],
    [
      { type: 'redacted_thinking', data: 'abc' },
      { kind: 'reasoning_redacted', signature: { value: 'abc', format: 'anthropic-messages', encrypted: true } },
    ],
    [
      { type: 'redacted_thinking', data: 'sluice1.openai-responses.e.YWJj' },
      { kind: 'reasoning_redacted', signature: { value: 'abc', format: 'openai-responses', encrypted: true } },
    ],
    [
      { type: 'tool_use', id: 't1', name: 'f', input: { a: [1] }, caller: { type: 'direct' } },
      {
        kind: 'tool_call',
        callId: 't1',
        name: 'f',
        arguments: '{"a":[1]}',
        place,
        ...ext({ caller: { type: 'direct' } }),
      },
    ],
    [
      { type: 'tool_use', id: 't1', name: 'f', input: '{"a' },
      { kind: 'tool_call', callId: 't1', name: 'f', arguments: '{"a', place },
    ],
    [
      { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
      {
        kind: 'server_tool_call',
        callId: 's1',
        name: 'web_search',
        initial: { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
        place,
      },
    ],
    [
      { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
      {
        kind: 'server_tool_result',
        callId: 's1',
        initial: { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
        place,
      },
    ],
    [
      { type: 'compaction', content: 'x' },
      { kind: 'compaction', initial: { type: 'compaction', content: 'x' }, place },
    ],
  ])('of the assistant: %j', (block, expected) => {
    expect(blockOf(block, 'assistant')).toEqual(expected);
  });
});

describe('a turn with results', () => {
  const calls = {
    role: 'assistant',
    content: [
      { type: 'tool_use', id: 't1', name: 'f', input: {} },
      { type: 'tool_use', id: 't2', name: 'g', input: {} },
    ],
  };
  const turn = (...content: readonly Json[]): readonly unknown[] =>
    parse({ messages: [calls, { role: 'user', content }] }).messages.slice(1);
  const at = (index: number): string => `messages[1].content[${index}]`;

  it('becomes a message per result, and one for what is said beside them', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
    expect(
      turn(
        { type: 'tool_result', tool_use_id: 't1', content: 'sunny' },
        { type: 'tool_result', tool_use_id: 't2', is_error: true, content: [{ type: 'text', text: 'no' }, image] },
        { type: 'text', text: 'And now?' },
      ),
    ).toEqual([
      { role: 'tool', callId: 't1', content: [{ kind: 'text', text: 'sunny' }], place: at(0) },
      {
        role: 'tool',
        callId: 't2',
        isError: true,
        content: [
          { kind: 'text', text: 'no' },
          { kind: 'image', mediaType: 'image/png', base64: 'AAAA', place: `${at(1)}.content[1]` },
        ],
        place: at(1),
        ...ext({ content: [] }),
      },
      { role: 'user', content: [{ kind: 'text', text: 'And now?' }], place: 'messages[1]', ...ext({ content: [] }) },
    ]);
  });

  it('may hold a result of nothing', () => {
    expect(turn({ type: 'tool_result', tool_use_id: 't1' })).toEqual([
      { role: 'tool', callId: 't1', content: [], place: at(0) },
    ]);
  });

  const mark = { type: 'ephemeral' };
  it.each<readonly [string, Json, readonly unknown[], Json]>([
    [
      'of the result is that of its last block',
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        cache_control: mark,
      },
      [
        { kind: 'text', text: 'a' },
        { kind: 'text', text: 'b', cache: {} },
      ],
      { cache_control: mark, content: [] },
    ],
    [
      'of a block says that it is its own',
      { content: [{ type: 'text', text: 'a', cache_control: mark }], cache_control: { type: 'ephemeral', ttl: '1h' } },
      [{ kind: 'text', text: 'a', cache: {}, ...ext({ cache_control: mark }) }],
      { cache_control: { type: 'ephemeral', ttl: '1h' }, content: [] },
    ],
    ['of a result of nothing stays', { cache_control: mark }, [], { cache_control: mark }],
  ])('whose cache mark %s', (_name, fields, content, marks) => {
    expect(turn({ type: 'tool_result', tool_use_id: 't1', ...fields })).toEqual([
      { role: 'tool', callId: 't1', content, place: at(0), ...ext(marks) },
    ]);
  });
});

describe('tools', () => {
  it.each<readonly [Json, Json]>([
    [
      {
        name: 'f',
        description: 'd',
        input_schema: { type: 'object' },
        strict: true,
        cache_control: { type: 'ephemeral' },
      },
      { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true, cache: {} },
    ],
    [
      { type: 'custom', name: 'f', input_schema: { type: 'object' }, defer_loading: true },
      { name: 'f', parameters: { type: 'object' }, ...ext({ type: 'custom', defer_loading: true }) },
    ],
    [
      { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      { name: 'web_search', ...ext({ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }) },
    ],
    [
      { type: 'mcp_toolset', mcp_server_name: 'docs' },
      { name: 'mcp_toolset docs', ...ext({ type: 'mcp_toolset', mcp_server_name: 'docs' }) },
    ],
  ])('%j', (tool, expected) => {
    expect(parse({ tools: [tool] }).tools).toMatchObject([expected]);
  });
});
