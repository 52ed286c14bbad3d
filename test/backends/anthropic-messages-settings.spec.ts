import { describe, expect, it } from '@jest/globals';
import type { ChatSettings, ContentBlock, Message } from '../../src/kernel/request.ts';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { sent, type Json } from '../support/anthropic-backend.ts';
import { chatRequest } from '../support/chat-run.ts';

const user = (...content: ContentBlock[]): Message => ({ role: 'user', content });
const assistant = (...content: ContentBlock[]): Message => ({ role: 'assistant', content });
const said = (text: string): ContentBlock => ({ kind: 'text', text });

describe('tools', () => {
  const tools = [
    { name: 'f', parameters: {}, strict: true, cache: { ttl: '24h' } },
    { name: 'g', description: ' ' },
  ];

  it('have a schema of an object, whatever the client said', () => {
    expect(sent(chatRequest({ tools }))).toMatchObject({
      body: {
        tools: [
          { name: 'f', input_schema: { type: 'object' }, strict: true, cache_control: { type: 'ephemeral' } },
          { name: 'g', input_schema: { type: 'object' } },
        ],
      },
      lost: ['request.cache'],
    });
  });

  const choices: readonly (readonly [ChatSettings, unknown, readonly string[]])[] = [
    [{}, undefined, []],
    [{ toolChoice: 'auto' }, { type: 'auto' }, []],
    [{ toolChoice: 'none' }, { type: 'none' }, []],
    [{ toolChoice: 'required' }, { type: 'any' }, []],
    [{ toolChoice: { name: 'f' } }, { type: 'tool', name: 'f' }, []],
    [{ toolChoice: { name: 'unheard-of' } }, undefined, ['request.tool_choice']],
    [{ toolChoice: { allowed: ['f'], mode: 'auto' } }, { type: 'auto' }, ['request.tool_choice']],
    [{ toolChoice: { allowed: ['f'], mode: 'required' } }, { type: 'any' }, ['request.tool_choice']],
    [{ parallelToolCalls: false }, { type: 'auto', disable_parallel_tool_use: true }, []],
    [{ parallelToolCalls: true }, undefined, []],
    [{ toolChoice: 'required', parallelToolCalls: false }, { type: 'any', disable_parallel_tool_use: true }, []],
    [{ toolChoice: 'required', reasoningBudget: 2_000 }, undefined, ['request.tool_choice']],
    [
      { toolChoice: { name: 'f' }, parallelToolCalls: false, reasoningEffort: 'low' },
      { type: 'auto', disable_parallel_tool_use: true },
      ['request.tool_choice'],
    ],
    [{ toolChoice: 'auto', reasoningEffort: 'low' }, { type: 'auto' }, []],
  ];
  it.each(choices)('%j', (settings, choice, losses) => {
    const { body, lost } = sent(chatRequest({ settings, tools: [{ name: 'f' }, { name: 'g' }] }));
    expect([body['tool_choice'], lost, (body['tools'] as unknown[]).length]).toEqual([choice, losses, 2]);
  });

  it('without any there is nothing to choose', () => {
    expect(sent(chatRequest({ settings: { toolChoice: 'auto', parallelToolCalls: false } }))).toMatchObject({
      lost: [],
    });
    const { body, lost } = sent(chatRequest({ settings: { toolChoice: 'required' } }));
    expect([body['tool_choice'], lost]).toEqual([undefined, ['request.tool_choice']]);
  });

  it('that another provider runs are left out; those that take no JSON are refused', () => {
    const search = { name: 'web_search', providerExecuted: true, ext: { 'openai-chat': { type: 'web_search' } } };
    const google = { name: 'googleSearch', ext: { gemini: { googleSearch: {} } } };
    const { body, lost } = sent(chatRequest({ tools: [search, google, { name: 'f' }] }));
    expect(body['tools']).toEqual([{ name: 'f', input_schema: { type: 'object' } }]);
    expect(lost).toEqual(['request.server_tools', 'request.server_tools']);
    const custom = { name: 'c', ext: { 'openai-chat': { type: 'custom', custom: {} } } };
    expect(() => sent(chatRequest({ tools: [custom] }))).toThrow('tools[0]: ');
  });
});

describe('settings', () => {
  const format = { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: true } as const;
  const rows: readonly (readonly [ChatSettings, Json, readonly string[]])[] = [
    [{}, { max_tokens: 4_096 }, []],
    [{ maxOutputTokens: 7 }, { max_tokens: 7 }, []],
    [{ temperature: 1.5 }, { temperature: 1 }, ['request.temperature']],
    [{ temperature: 0, topK: 5 }, { temperature: 0, top_k: 5 }, []],
    [{ topP: 0.5 }, { top_p: 0.5 }, []],
    [{ temperature: 0.2, topP: 0.5 }, { temperature: 0.2, top_p: undefined }, ['request.top_p']],
    [{ temperature: 0.2, topP: 1 }, { temperature: 0.2, top_p: undefined }, []],
    [{ stop: ['a', ' \n', ''] }, { stop_sequences: ['a'] }, ['request.stop']],
    [{ stop: [' '] }, { stop_sequences: undefined }, ['request.stop']],
    [{ user: 'u-1' }, { metadata: { user_id: 'u-1' } }, []],
    [{ responseFormat: { type: 'text' } }, { output_config: undefined }, []],
    [{ responseFormat: { type: 'json' } }, { output_config: undefined }, ['request.response_format']],
    [{ responseFormat: { type: 'json_schema', name: 's' } }, { output_config: undefined }, ['request.response_format']],
    [
      { responseFormat: format },
      { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
      [],
    ],
    [{ seed: 0 }, {}, ['request.seed']],
    [{ choices: 2 }, {}, ['request.choices']],
    [{ choices: 1, presencePenalty: 0, frequencyPenalty: 0 }, {}, []],
    [{ presencePenalty: 0.5, frequencyPenalty: -1 }, {}, ['request.presence_penalty', 'request.frequency_penalty']],
    [{ includeUsage: true }, {}, []],
  ];
  it.each(rows)('%j', (settings, expected, losses) => {
    const { body, lost } = sent(chatRequest({ settings }));
    expect({ ...body, ...expected }).toEqual(body);
    expect(lost).toEqual(losses);
  });

  it('of sampling are those that the model takes', () => {
    const settings = { temperature: 0.5, topP: 0.9, topK: 3 };
    const pick = (sampling: string): unknown => {
      const { body, lost } = sent(chatRequest({ settings }), { sampling });
      return [body['temperature'], body['top_p'], body['top_k'], lost];
    };
    expect(pick('one')).toEqual([0.5, undefined, 3, ['request.top_p']]);
    expect(pick('both')).toEqual([0.5, 0.9, 3, []]);
    expect(pick('none')).toEqual([
      undefined,
      undefined,
      undefined,
      ['request.temperature', 'request.top_p', 'request.top_k'],
    ]);
  });

  it('fields of other formats are named where nothing else says them', () => {
    const request = openaiChatParser.create({}, {}).parse({
      messages: [
        {
          role: 'user',
          name: 'ann',
          content: [{ type: 'image_url', image_url: { url: 'https://e.example/a.png', detail: 'low' } }],
        },
      ],
      stop: 'x',
      max_tokens: 5,
      stream: true,
      stream_options: { include_usage: true },
      logit_bias: { 5: 1 },
      logprobs: true,
      service_tier: 'flex',
      store: null,
      metadata: { a: 'b' },
    });
    expect([...sent(request).lost].sort()).toEqual([
      'request.field.logit_bias',
      'request.field.logprobs',
      'request.field.service_tier',
      'request.image_detail',
      'request.metadata',
      'request.name',
    ]);
  });
});

describe('thinking', () => {
  const enabled = (budget: number): Json => ({ type: 'enabled', budget_tokens: budget });
  const rows: readonly (readonly [ChatSettings, Json, readonly string[]])[] = [
    [{ reasoningEffort: 'none' }, { max_tokens: 4_096, thinking: { type: 'disabled' } }, []],
    [{ reasoningEffort: 'minimal' }, { max_tokens: 5_120, thinking: enabled(1_024) }, []],
    [{ reasoningEffort: 'high' }, { max_tokens: 28_672, thinking: enabled(24_576) }, []],
    [{ reasoningBudget: 5_000 }, { max_tokens: 9_096, thinking: enabled(5_000) }, []],
    [{ reasoningBudget: 10 }, { max_tokens: 5_120, thinking: enabled(1_024) }, ['request.reasoning_budget']],
    [{ reasoningBudget: 5_000, maxOutputTokens: 5_001 }, { max_tokens: 5_001, thinking: enabled(5_000) }, []],
    [
      { reasoningBudget: 5_000, maxOutputTokens: 4_000 },
      { max_tokens: 4_000, thinking: enabled(3_000) },
      ['request.reasoning_budget'],
    ],
    [{ reasoningEffort: 'high', maxOutputTokens: 1_200 }, { max_tokens: 1_200, thinking: enabled(1_024) }, []],
    [
      { reasoningEffort: 'high', maxOutputTokens: 1_024 },
      { max_tokens: 1_024, thinking: undefined },
      ['request.reasoning_effort'],
    ],
    [{ reasoningEffort: 'ultra' }, { max_tokens: 4_096, thinking: undefined }, ['request.reasoning_effort']],
    [{ reasoningBudget: 2_000, showReasoning: false }, { thinking: { ...enabled(2_000), display: 'omitted' } }, []],
    [
      { reasoningBudget: 2_000, temperature: 0.5, topP: 0.9, topK: 2 },
      { temperature: undefined, top_p: undefined, top_k: undefined },
      ['request.temperature', 'request.top_p', 'request.top_k'],
    ],
    [{ reasoningBudget: 2_000, temperature: 1 }, { temperature: 1 }, []],
    [{ reasoningBudget: 2_000, topP: 0.96 }, { top_p: 0.96 }, []],
    [{ reasoningEffort: 'none', temperature: 0.5 }, { temperature: 0.5, thinking: { type: 'disabled' } }, []],
  ];
  it.each(rows)('%j', (settings, expected, losses) => {
    const { body, lost } = sent(chatRequest({ settings }));
    expect({ ...body, ...expected }).toEqual(body);
    expect(lost).toEqual(losses);
  });

  it('adaptive for models that take no budget', () => {
    const pick = (settings: ChatSettings): unknown => {
      const { body, lost } = sent(chatRequest({ settings }), { thinking: 'adaptive' });
      return [body['max_tokens'], body['thinking'], body['output_config'], lost];
    };
    expect(pick({ reasoningEffort: 'minimal' })).toEqual([5_120, { type: 'adaptive' }, { effort: 'low' }, []]);
    expect(pick({ reasoningEffort: 'max', maxOutputTokens: 9 })).toEqual([
      9,
      { type: 'adaptive' },
      { effort: 'max' },
      [],
    ]);
    expect(pick({ reasoningBudget: 9_000, showReasoning: true })).toEqual([
      13_096,
      { type: 'adaptive', display: 'summarized' },
      { effort: 'medium' },
      [],
    ]);
    expect(pick({ reasoningBudget: 0 })).toEqual([4_096, { type: 'disabled' }, undefined, []]);
  });

  it('is not asked for where an answer without it would have to be gone on with', () => {
    const settings = { reasoningEffort: 'low' };
    const call: ContentBlock = { kind: 'tool_call', name: 'f', callId: 'c', arguments: '{}' };
    const result: Message = { role: 'tool', callId: 'c', content: [said('r')] };
    const proven: ContentBlock = {
      kind: 'reasoning',
      text: 'hm',
      signature: { value: 'x', format: 'anthropic-messages' },
    };
    const thinks = (...messages: Message[]): unknown => {
      const { body, lost } = sent(chatRequest({ settings, messages: [user(said('a')), ...messages] }));
      return [body['thinking'] !== undefined, lost];
    };
    expect(thinks(assistant(call), result)).toEqual([false, ['request.reasoning_effort']]);
    expect(thinks(assistant(said('b')))).toEqual([false, ['request.reasoning_effort']]);
    expect(thinks(assistant(proven, call), result)).toEqual([true, []]);
    expect(thinks(assistant(call), result, assistant(said('b')), user(said('c')))).toEqual([true, []]);
  });

  it('comes back through a client of another format, and goes on', () => {
    const request = openaiChatParser.create({}, {}).parse({
      reasoning_effort: 'low',
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: null,
          reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 'c2ln', format: 'anthropic-messages' }],
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'r' },
      ],
    });
    const { body } = sent(request);
    expect(body['messages']).toContainEqual({
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
        { type: 'tool_use', id: 'c', name: 'f', input: {} },
      ],
    });
    expect(body['thinking']).toEqual({ type: 'enabled', budget_tokens: 2_048 });
  });
});
