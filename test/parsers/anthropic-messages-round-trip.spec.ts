import { describe, expect, it } from '@jest/globals';
import { anthropicMessagesBackend } from '../../src/backends/anthropic-messages.ts';
import { anthropicMessagesParser } from '../../src/parsers/anthropic-messages.ts';
import { createInstance } from '../support/component-instance.ts';
import { testRun } from '../support/test-run.ts';

type Json = Record<string, unknown>;

const mark = { type: 'ephemeral' };
const hello = { role: 'user', content: 'Hello' };
const pdf = { type: 'base64', media_type: 'application/pdf', data: 'AAAA' };
const image = { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } };
const schema = { type: 'object', properties: {}, additionalProperties: false };
const tools = [{ name: 'f', input_schema: { type: 'object' } }];

/** The body that a backend of the format sends for a body, and what was said to be lost. */
function relay(fields: Json): { readonly given: Json; readonly sent: Json; readonly lost: readonly string[] } {
  const test = testRun();
  const config = { baseUrl: 'https://api.example.com', model: 'claude-sonnet-4-5' };
  const backend = createInstance(anthropicMessagesBackend, config, test.capabilities);
  const given = { model: 'claude-sonnet-4-5', max_tokens: 4_096, messages: [hello], ...fields };
  const request = anthropicMessagesParser.create({}, {}).parse(given);
  return { given, sent: JSON.parse(backend.encode(request, test.run).body) as Json, lost: test.lost };
}

describe('a body that reaches a provider of its own format says what the client said', () => {
  it.each<readonly [string, Json]>([
    ['little', {}],
    [
      'sampling',
      { temperature: 0.5, top_p: 0.9, top_k: 4, stop_sequences: ['a'], stream: true, metadata: { user_id: 'u' } },
    ],
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 2048 } }],
    ['no thinking', { thinking: { type: 'disabled' } }],
    [
      'hidden thinking',
      { thinking: { type: 'enabled', budget_tokens: 2048, display: 'omitted' }, output_config: { effort: 'low' } },
    ],
    ['adaptive thinking', { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'max' } }],
    ['thinking between tools', { thinking: { type: 'between_tools' } }],
    ['effort', { output_config: { effort: 'low' } }],
    ['a format', { output_config: { format: { type: 'json_schema', schema }, task_budget: 1 } }],
    ['a format in the older field', { output_format: { type: 'json_schema', schema } }],
    [
      'tools',
      {
        tools: [
          { name: 'f', input_schema: schema, cache_control: mark, eager_input_streaming: true },
          { type: 'web_search_20250305', name: 'web_search', cache_control: mark },
          { type: 'custom', name: 'g', description: 'd', input_schema: schema, strict: true },
        ],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
      },
    ],
    ['a choice of tools', { tools, tool_choice: { type: 'auto', disable_parallel_tool_use: false } }],
    ['one tool', { tools, tool_choice: { type: 'tool', name: 'f' } }],
    ['no tool', { tools, tool_choice: { type: 'none' } }],
    ['a system prompt', { system: 'Be brief.' }],
    [
      'a system prompt in blocks',
      { system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
    ],
    [
      'a system message',
      { messages: [hello, { role: 'system', content: 'Be brief.' }, { role: 'user', content: 'x' }] },
    ],
    [
      'media',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a', cache_control: { type: 'ephemeral', scope: 'x' } },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' }, cache_control: mark },
              image,
              { type: 'image', source: { type: 'file', file_id: 'f' } },
              { type: 'document', source: pdf, title: 't', context: 'c', citations: { enabled: true } },
              {
                type: 'document',
                source: { type: 'text', media_type: 'text/plain', data: 'd' },
                title: 't',
                cache_control: mark,
              },
              { type: 'document', source: { type: 'content', content: 'd' }, title: null },
              { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'd' }] } },
              { type: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' } },
              { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'x' }] },
              { type: 'container_upload', file_id: 'f' },
            ],
          },
        ],
      },
    ],
    [
      'calls and their results',
      {
        messages: [
          hello,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'h', signature: 's' },
              { type: 'thinking', thinking: '', signature: 's2' },
              { type: 'redacted_thinking', data: 'd' },
              { type: 'text', text: 'x', citations: [{ type: 'char_location' }] },
              { type: 'server_tool_use', id: 's1', name: 'web_search', input: { q: 1 } },
              { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
              {
                type: 'tool_use',
                id: 't1',
                name: 'f',
                input: { a: 1 },
                cache_control: mark,
                caller: { type: 'direct' },
              },
              { type: 'tool_use', id: 't2', name: 'f', input: {} },
              { type: 'tool_use', id: 't3', name: 'f', input: {} },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 't1', content: 'x', cache_control: mark },
              {
                type: 'tool_result',
                tool_use_id: 't2',
                is_error: true,
                content: [{ type: 'text', text: 'e', cache_control: mark }, image],
                cache_control: mark,
              },
              { type: 'tool_result', tool_use_id: 't3' },
              { type: 'text', text: 'go on' },
            ],
          },
        ],
      },
    ],
    [
      'what has no unified name',
      { service_tier: 'auto', container: 'c', cache_control: mark, context_management: { edits: [] } },
    ],
  ])('%s', (_name, fields) => {
    const { given, sent, lost } = relay(fields);
    expect(sent).toEqual(given);
    expect(lost).toEqual([]);
  });
});
