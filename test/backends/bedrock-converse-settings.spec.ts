import { describe, expect, it } from '@jest/globals';
import { wireName } from '../../src/backends/bedrock-converse/wire-name.ts';
import type { ChatRequest, ChatSettings, Message } from '../../src/kernel/request.ts';
import { chatRequest } from '../support/chat-run.ts';
import { testRun } from '../support/test-run.ts';
import { assistant, backendOf, call, encode, result, text, tool, user } from './bedrock-converse/encoded.ts';

describe('tools', () => {
  const config = (request: Partial<ChatRequest>, options: object = {}): unknown =>
    encode(request, options).body['toolConfig'];
  const spec = { toolSpec: { name: 'weather', description: 'Looks out', inputSchema: { json: tool.parameters } } };

  it.each<[ChatSettings['toolChoice'], unknown]>([
    ['auto', { auto: {} }],
    ['required', { any: {} }],
    [{ name: 'weather' }, { tool: { name: 'weather' } }],
    [{ allowed: ['weather'], mode: 'required' }, { any: {} }],
    [{ allowed: ['weather'], mode: 'auto' }, { auto: {} }],
  ])('with the choice %j', (toolChoice, expected) => {
    const other = { name: 'other', parameters: { type: 'object' } };
    const isAllowed = typeof toolChoice === 'object' && 'allowed' in toolChoice;
    const { body, lost } = encode({ tools: [tool, other], settings: { toolChoice } as ChatSettings });
    expect(body['toolConfig']).toEqual({
      tools: isAllowed ? [spec] : [spec, { toolSpec: { name: 'other', inputSchema: { json: { type: 'object' } } } }],
      toolChoice: expected,
    });
    expect(lost).toEqual([]);
  });

  it('that must not be called are not shown', () => {
    const { body, lost } = encode({ tools: [tool], settings: { toolChoice: 'none' } });
    expect(body['toolConfig']).toBeUndefined();
    expect(lost).toEqual(['request.tools']);
  });

  it('that must not be called, but were, are shown all the same', () => {
    const messages = [user(text('a')), assistant(call), result];
    const { body, lost } = encode({ messages, tools: [tool], settings: { toolChoice: 'none' } });
    expect(body['toolConfig']).toEqual({ tools: [spec] });
    expect(lost).toEqual(['request.tool_choice']);
  });

  it('that were called are defined where the request does not', () => {
    const messages = [user(text('a')), assistant(call), result];
    expect(config({ messages })).toEqual({
      tools: [{ toolSpec: { name: 'weather', inputSchema: { json: { type: 'object' } } } }],
    });
  });

  it('one at a time is said in the words of Anthropic, and lost for others', () => {
    const request = { tools: [tool], settings: { toolChoice: 'required', parallelToolCalls: false } } as const;
    expect(encode(request)).toMatchObject({
      body: {
        toolConfig: { tools: [spec] },
        additionalModelRequestFields: { tool_choice: { type: 'any', disable_parallel_tool_use: true } },
      },
      lost: [],
    });
    expect(encode(request, { model: 'amazon.nova-pro-v1:0' })).toMatchObject({
      body: { toolConfig: { tools: [spec], toolChoice: { any: {} } } },
      lost: ['request.parallel_tool_calls'],
    });
  });

  it('are strict where the model can be', () => {
    const request = { tools: [{ ...tool, strict: true }] };
    expect(JSON.stringify(config(request))).toContain('"strict":true');
    expect(encode(request, { structuredOutput: false }).lost).toEqual(['request.tools.strict']);
  });

  it('that another provider runs are lost, and custom ones refused', () => {
    const search = { name: 'web_search', providerExecuted: true, ext: { 'openai-responses': { type: 'web_search' } } };
    expect(encode({ tools: [search, tool] })).toMatchObject({
      body: { toolConfig: { tools: [spec] } },
      lost: ['request.server_tools'],
    });
    const custom = { name: 'sql', ext: { 'openai-chat': { type: 'custom' } } };
    expect(() => encode({ tools: [custom] })).toThrow(/^tools\[0\]: /);
  });

  it('with names and ids that the service refuses get others, in calls and results alike', () => {
    const name = 'files.read:v2';
    const callId = 'functions.files.read:0';
    const messages = [
      user(text('a')),
      assistant({ kind: 'tool_call', name, callId, arguments: '{}' }),
      { ...result, callId },
    ];
    const request = chatRequest({ messages, tools: [{ ...tool, name }] });
    const { run } = testRun();
    const body = backendOf().encode(request, run).body;
    expect(body.split(`"${wireName(callId)}"`).length - 1).toBe(2);
    expect(body.split(`"${wireName(name)}"`).length - 1).toBe(2);
    const decoder = backendOf().decode(request);
    const start = { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: wireName(name) } } };
    expect(decoder.frame('contentBlockStart', JSON.stringify(start)).events).toContainEqual(
      expect.objectContaining({ type: 'block.start', name }),
    );
  });
});

describe('settings', () => {
  it('are the common ones', () => {
    const settings = { maxOutputTokens: 100, temperature: 0.5, topP: 0.9, stop: ['x'] };
    const { body, lost } = encode({ settings }, { model: 'mistral.mistral-large-2407-v1:0' });
    expect(body['inferenceConfig']).toEqual({ maxTokens: 100, temperature: 0.5, topP: 0.9, stopSequences: ['x'] });
    expect(body['additionalModelResponseFieldPaths']).toBeUndefined();
    expect(lost).toEqual([]);
  });

  it.each<[string, ChatSettings, object, unknown, readonly string[]]>([
    ['top k of Anthropic', { topK: 5 }, {}, { top_k: 5 }, []],
    ['top k of Nova', { topK: 5 }, { model: 'amazon.nova-pro-v1:0' }, { inferenceConfig: { topK: 5 } }, []],
    ['top k of others', { topK: 5 }, { model: 'cohere.command-r-v1:0' }, undefined, ['request.top_k']],
    [
      'a budget for reasoning',
      { reasoningBudget: 2_000, maxOutputTokens: 4_000 },
      {},
      { thinking: { type: 'enabled', budget_tokens: 2_000 } },
      [],
    ],
    [
      'a budget that is larger than all output',
      { reasoningEffort: 'high', maxOutputTokens: 2_000 },
      {},
      { thinking: { type: 'enabled', budget_tokens: 1_999 } },
      [],
    ],
    [
      'no room for reasoning',
      { reasoningEffort: 'low', maxOutputTokens: 500 },
      {},
      undefined,
      ['request.reasoning_effort'],
    ],
    ['no reasoning', { reasoningEffort: 'none' }, {}, undefined, []],
    [
      'effort of newer models',
      { reasoningEffort: 'xhigh' },
      { thinking: 'effort' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } },
      [],
    ],
    [
      'reasoning of Nova',
      { reasoningEffort: 'minimal' },
      { model: 'us.amazon.nova-2-lite-v1:0' },
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } },
      [],
    ],
    [
      'reasoning of OpenAI',
      { reasoningBudget: 9_000 },
      { model: 'openai.gpt-oss-120b-1:0' },
      { reasoning_effort: 'medium' },
      [],
    ],
    [
      'reasoning of others',
      { reasoningEffort: 'low' },
      { model: 'deepseek.r1-v1:0' },
      undefined,
      ['request.reasoning_effort'],
    ],
    [
      'what the definition sets',
      { topK: 5 },
      { additionalModelRequestFields: { anthropic_beta: ['b'], top_k: 9 } },
      { anthropic_beta: ['b'], top_k: 5 },
      [],
    ],
  ])('%s', (_title, settings, config, additional, losses) => {
    const { body, lost } = encode({ settings }, config);
    expect(body['additionalModelRequestFields']).toEqual(additional);
    expect(lost).toEqual(losses);
  });

  it('of reasoning leave room for the answer, and exclude what Anthropic excludes', () => {
    const { body, lost } = encode({ settings: { reasoningBudget: 2_048, temperature: 0.2, topP: 0.5, topK: 3 } });
    expect(body['inferenceConfig']).toEqual({ maxTokens: 6_144 });
    expect(lost).toEqual(['request.temperature', 'request.top_k', 'request.top_p']);
  });

  it.each<[ChatSettings, readonly string[]]>([
    [{ seed: 1 }, ['request.seed']],
    [{ choices: 2 }, ['request.choices']],
    [{ choices: 1, includeUsage: true }, []],
    [{ presencePenalty: 1, frequencyPenalty: 1 }, ['request.frequency_penalty', 'request.presence_penalty']],
    [{ user: 'u' }, ['request.user']],
    [{ temperature: 1.5 }, ['request.temperature']],
    [{ responseFormat: { type: 'json' } }, ['request.response_format']],
    [{ responseFormat: { type: 'text' } }, []],
  ])('%j loses %j', (settings, losses) => {
    expect(encode({ settings }).lost).toEqual(losses);
  });

  it('of reasoning are left out where the model would not go on', () => {
    const settings = { reasoningBudget: 2_048, temperature: 0.5 };
    const signature = { value: 'sig', format: 'bedrock-converse' };
    const asked = (...turn: Message['content']): ReturnType<typeof encode> =>
      encode({ settings, tools: [tool], messages: [user(text('a')), assistant(...turn), result] });
    expect(asked(call)).toMatchObject({
      body: { inferenceConfig: { temperature: 0.5 } },
      lost: ['request.reasoning_budget'],
    });
    expect(asked(call).body['additionalModelRequestFields']).toBeUndefined();
    expect(asked({ kind: 'reasoning', text: 'hm', signature }, call).body['additionalModelRequestFields']).toEqual({
      thinking: { type: 'enabled', budget_tokens: 2_048 },
    });
  });

  it('ask Anthropic models for the stop sequence', () => {
    const paths = (stream: boolean): unknown =>
      encode({ stream, settings: { stop: ['a', 'b'] } }).body['additionalModelResponseFieldPaths'];
    expect([paths(true), paths(false)]).toEqual([['/delta/stop_sequence'], ['/stop_sequence']]);
  });

  it('hold a schema for the answer', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const responseFormat = { type: 'json_schema', name: 'it', schema, strict: true, description: 'd' } as const;
    expect(encode({ settings: { responseFormat } }).body['outputConfig']).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { schema: JSON.stringify(schema), name: 'it', description: 'd' } },
      },
    });
    expect(encode({ settings: { responseFormat } }, { structuredOutput: false }).lost).toEqual([
      'request.response_format',
    ]);
  });
});

describe('what else a request holds', () => {
  it('has its guardrail from the definition, whatever a client says', () => {
    const guardrail = { identifier: 'g1', version: '2', trace: 'enabled', streamProcessingMode: 'async' };
    const ext = {
      'bedrock-converse': { guardrailConfig: { guardrailIdentifier: 'none' }, serviceTier: { type: 'flex' } },
    };
    const { body, lost } = encode({ ext }, { guardrail });
    expect(body['guardrailConfig']).toEqual({
      guardrailIdentifier: 'g1',
      guardrailVersion: '2',
      trace: 'enabled',
      streamProcessingMode: 'async',
    });
    expect(body['serviceTier']).toEqual({ type: 'flex' });
    expect(lost).toEqual(['request.field.guardrailConfig']);
    expect(encode({ stream: false }, { guardrail }).body['guardrailConfig']).not.toHaveProperty('streamProcessingMode');
  });

  it.each<[Partial<ChatRequest>, readonly string[]]>([
    [{ ext: { 'openai-chat': { store: true, logit_bias: null } } }, ['request.field.store']],
    [{ ext: { 'openai-chat': { stream_options: { include_usage: true } } } }, []],
    [{ settings: { maxOutputTokens: 5 }, ext: { 'openai-chat': { max_tokens: 5, stop: null } } }, []],
    [{ ext: { 'openai-chat': { tool_choice: { type: 'new' }, modalities: [] } } }, ['request.tool_choice']],
    [
      {
        messages: [
          user({
            kind: 'image',
            mediaType: 'image/png',
            base64: 'AAAA',
            ext: { 'openai-chat': { image_url: { detail: 'low' } } },
          }),
        ],
      },
      ['request.image_detail'],
    ],
    [{ metadata: { team: 'care' } }, ['request.metadata']],
    [{ dialect: 'native', metadata: { team: 'care' } }, []],
    [{ messages: [user(text('a')), { role: 'system', content: [text('b')] }] }, ['request.system_position']],
    [{ messages: [{ ...user(text('a')), name: 'ann' }] }, ['request.name']],
    [{ messages: [user(text('a', { annotations: [{}] }))] }, ['request.citations']],
    [
      { messages: [user(text('a')), assistant({ kind: 'server_tool_call', name: 's', initial: {} }, text('b'))] },
      ['request.server_tools'],
    ],
  ])('%j loses %j', (request, losses) => {
    expect(encode(request).lost).toEqual(losses);
  });

  it('is the same text for the same request', () => {
    const request = chatRequest({ tools: [tool], settings: { topK: 1, stop: ['x'], reasoningBudget: 2_000 } });
    const { run } = testRun();
    expect(backendOf().encode(request, run).body).toBe(backendOf().encode(structuredClone(request), run).body);
  });
});
