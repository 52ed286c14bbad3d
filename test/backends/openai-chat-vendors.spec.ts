import { describe, expect, it } from '@jest/globals';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import {
  vendorNames,
  vendorOfHost,
  vendors,
  type Vendor,
  type VendorName,
} from '../../src/backends/openai-chat/vendors.ts';
import type { ChatRequest, ChatSettings } from '../../src/kernel/request.ts';
import {
  foreignRequest as foreign,
  ownRequest as own,
  sendToVendor as send,
  type Json,
} from '../support/chat-vendor.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

const settings = (values: ChatSettings): ChatRequest => foreign({ settings: values });
const tools = [{ name: 'f', parameters: { type: 'object' } }];

/** All settings, as a careless client sends them. */
const everything: ChatSettings = {
  maxOutputTokens: 5,
  temperature: 0.5,
  topP: 0.9,
  topK: 3,
  stop: ['a'],
  seed: 7,
  presencePenalty: 1,
  frequencyPenalty: 1,
  choices: 2,
  toolChoice: 'required',
  parallelToolCalls: false,
  user: 'ann',
};

describe('the vendor of a host', () => {
  it.each<readonly [string, VendorName]>([
    ['api.openai.com', 'openai'],
    ['example.openai.azure.com', 'azure'],
    ['example.services.ai.azure.com', 'azure'],
    ['example.cognitiveservices.azure.com', 'azure'],
    ['api.mistral.ai', 'mistral'],
    ['codestral.mistral.ai', 'mistral'],
    ['api.groq.com', 'groq'],
    ['api.deepseek.com', 'deepseek'],
    ['api.x.ai', 'xai'],
    ['openrouter.ai', 'openrouter'],
    ['api.perplexity.ai', 'perplexity'],
    ['generativelanguage.googleapis.com', 'google'],
    ['aiplatform.googleapis.com', 'vertex'],
    ['europe-west4-aiplatform.googleapis.com', 'vertex'],
    ['dashscope.aliyuncs.com', 'alibaba'],
    ['dashscope-intl.aliyuncs.com', 'alibaba'],
    ['router.huggingface.co', 'huggingface'],
    ['abc.us-east-1.aws.endpoints.huggingface.cloud', 'huggingface'],
    ['account.snowflakecomputing.com', 'snowflake'],
    ['ollama.com', 'ollama'],
    ['127.0.0.1', 'compatible'],
    ['openai.azure.com.evil.example', 'compatible'],
    ['notapi.openai.com', 'compatible'],
    ['evilopenrouter.ai', 'compatible'],
  ])('%s is %s', (host, name) => {
    expect(vendorOfHost(host)).toBe(vendors[name]);
  });

  it('is told by the address, or by the definition', () => {
    const request = settings({ topK: 3 });
    expect(send('compatible', request).body).toHaveProperty('top_k');
    expect(send('groq', request).body).not.toHaveProperty('top_k');
    const { run, lost } = testRun();
    const backend = openaiChatBackend.create(
      { baseUrl: 'https://api.groq.com/openai/v1', model: 'm' },
      { clock: new TestClock() },
    );
    expect(JSON.parse(backend.encode(request, run).body)).not.toHaveProperty('top_k');
    expect(lost).toEqual(['request.top_k']);
  });
});

describe('settings of a client of another format', () => {
  it.each<readonly [VendorName, Json, readonly string[]]>([
    ['openai', { seed: 7, n: 2, presence_penalty: 1, frequency_penalty: 1, user: 'ann', stop: ['a'] }, ['top_k']],
    ['mistral', { random_seed: 7, n: 2, presence_penalty: 1, stop: ['a'] }, ['top_k', 'user']],
    ['groq', { seed: 7, user: 'ann', stop: ['a'] }, ['top_k', 'presence_penalty', 'frequency_penalty', 'choices']],
    ['deepseek', { presence_penalty: 1, stop: ['a'] }, ['top_k', 'seed', 'choices', 'user', 'parallel_tool_calls']],
    ['xai', { seed: 7, n: 2, user: 'ann', stop: ['a'] }, ['top_k']],
    ['openrouter', { top_k: 3, seed: 7, n: 2, user: 'ann' }, []],
    ['perplexity', { top_k: 3, presence_penalty: 1 }, ['seed', 'stop', 'choices', 'user']],
    ['google', { n: 2, stop: ['a'] }, ['top_k', 'seed', 'presence_penalty', 'frequency_penalty', 'user']],
    ['vertex', { seed: 7, presence_penalty: 1, n: 2 }, ['top_k', 'user', 'parallel_tool_calls']],
    [
      'ollama',
      { seed: 7, presence_penalty: 1, stop: ['a'] },
      ['top_k', 'choices', 'user', 'tool_choice', 'parallel_tool_calls'],
    ],
    ['vllm', { top_k: 3, seed: 7, n: 2, user: 'ann' }, []],
    ['compatible', { top_k: 3, seed: 7, n: 2, user: 'ann', parallel_tool_calls: false }, []],
  ])('%s takes %j and not %j', (vendor, taken, left) => {
    const { body, lost } = send(vendor, foreign({ settings: everything, tools }));
    expect(body).toMatchObject({ temperature: 0.5, top_p: 0.9, ...taken });
    const names = left.map((name) => `request.${name}`);
    expect(lost.filter((name) => name !== 'request.field.tools')).toEqual(expect.arrayContaining(names));
    for (const name of left) expect(body).not.toHaveProperty(name === 'choices' ? 'n' : name);
  });

  it.each<readonly [VendorName, string]>([
    ['openai', 'max_completion_tokens'],
    ['azure', 'max_completion_tokens'],
    ['mistral', 'max_tokens'],
    ['groq', 'max_completion_tokens'],
    ['deepseek', 'max_tokens'],
    ['xai', 'max_completion_tokens'],
    ['google', 'max_tokens'],
    ['ollama', 'max_tokens'],
    ['snowflake', 'max_completion_tokens'],
    ['compatible', 'max_completion_tokens'],
  ])('%s calls the limit %s', (vendor, field) => {
    const { body } = send(vendor, settings({ maxOutputTokens: 5 }));
    expect([body['max_tokens'], body['max_completion_tokens']]).toEqual(
      field === 'max_tokens' ? [5, undefined] : [undefined, 5],
    );
  });

  it.each<readonly [VendorName, unknown]>([
    ['openai', 'required'],
    ['mistral', 'any'],
    ['groq', 'required'],
  ])('%s is told to call a tool with %j', (vendor, word) => {
    expect(send(vendor, foreign({ settings: { toolChoice: 'required' }, tools })).body['tool_choice']).toBe(word);
  });

  it('say nothing about tools where there are none', () => {
    const request = foreign({ settings: { toolChoice: 'auto', parallelToolCalls: false } });
    expect(send('openai', request)).toEqual({
      body: { model: 'm-1', messages: [{ role: 'user', content: 'Hello' }] },
      lost: [],
    });
  });

  it('that say what a server does anyway are not missed', () => {
    const request = foreign({ settings: { choices: 1, toolChoice: 'auto', parallelToolCalls: true }, tools });
    for (const vendor of ['groq', 'ollama', 'deepseek'] as const) expect(send(vendor, request).lost).toEqual([]);
  });

  it('ask for plain JSON where a schema is refused', () => {
    const request = settings({ responseFormat: { type: 'json_schema', name: 's', schema: { type: 'object' } } });
    expect(send('deepseek', request)).toMatchObject({
      body: { response_format: { type: 'json_object' } },
      lost: ['request.response_format'],
    });
    expect(send('openai', request).lost).toEqual([]);
  });
});

describe('a wish for reasoning', () => {
  it.each<readonly [VendorName, ChatSettings, Json, readonly string[]]>([
    ['openai', { reasoningEffort: 'low' }, { reasoning_effort: 'low' }, []],
    ['openai', { reasoningBudget: 9_000 }, { reasoning_effort: 'medium' }, ['reasoning_budget']],
    ['openai', { reasoningBudget: 0 }, {}, ['reasoning_budget']],
    ['openai', { reasoningEffort: 'none' }, { reasoning_effort: 'none' }, []],
    ['openai', { showReasoning: true, reasoningEffort: 'low' }, { reasoning_effort: 'low' }, ['show_reasoning']],
    ['openai', { reasoningEffort: 'own-word' }, { reasoning_effort: 'own-word' }, []],
    ['compatible', { reasoningBudget: 100 }, { reasoning_effort: 'minimal' }, ['reasoning_budget']],
    ['mistral', { reasoningEffort: 'low' }, { reasoning_effort: 'high' }, ['reasoning_effort']],
    ['mistral', { reasoningBudget: 0 }, { reasoning_effort: 'none' }, []],
    ['groq', { reasoningEffort: 'xhigh' }, { reasoning_effort: 'high' }, ['reasoning_effort']],
    ['groq', { reasoningEffort: 'minimal' }, { reasoning_effort: 'low' }, ['reasoning_effort']],
    ['ollama', { reasoningBudget: 0 }, { reasoning_effort: 'none' }, []],
    ['deepseek', { reasoningEffort: 'high' }, { thinking: { type: 'enabled' }, reasoning_effort: 'high' }, []],
    [
      'deepseek',
      { reasoningBudget: 9_000 },
      { thinking: { type: 'enabled' }, reasoning_effort: 'medium' },
      ['reasoning_budget'],
    ],
    ['deepseek', { reasoningBudget: 0 }, { thinking: { type: 'disabled' } }, []],
    ['alibaba', { reasoningBudget: 500 }, { enable_thinking: true, thinking_budget: 500 }, []],
    ['alibaba', { reasoningEffort: 'low' }, { enable_thinking: true, thinking_budget: 2_048 }, []],
    ['alibaba', { reasoningEffort: 'none' }, { enable_thinking: false }, []],
    ['openrouter', { reasoningEffort: 'low' }, { reasoning: { effort: 'low' } }, []],
    ['openrouter', { reasoningBudget: 500 }, { reasoning: { max_tokens: 500 } }, []],
    ['openrouter', { reasoningBudget: 0 }, { reasoning: { effort: 'none' } }, []],
    [
      'openrouter',
      { reasoningBudget: 500, showReasoning: false },
      { reasoning: { max_tokens: 500, exclude: true } },
      [],
    ],
    ['openrouter', { showReasoning: true }, {}, []],
    ['snowflake', { reasoningEffort: 'low' }, { reasoning: { effort: 'low' } }, []],
  ])('to %s of %j is %j, without %j', (vendor, wish, fields, left) => {
    const { body, lost } = send(vendor, settings(wish));
    const { model: _model, messages: _messages, ...rest } = body;
    expect(rest).toEqual(fields);
    expect(lost).toEqual(left.map((name) => `request.${name}`));
  });

  it('of a client of this format is put in the words of the vendor, unless it used them', () => {
    expect(send('deepseek', own({ reasoning_effort: 'none' })).body['thinking']).toEqual({ type: 'disabled' });
    expect(send('alibaba', own({ reasoning_effort: 'low' })).body).toMatchObject({ enable_thinking: true });
    expect(send('alibaba', own({ enable_thinking: false })).body).toMatchObject({ enable_thinking: false });
    expect(send('openrouter', own({ reasoning: { enabled: true } })).body['reasoning']).toEqual({ enabled: true });
    expect(send('ollama', own({ reasoning_effort: 'minimal' })).body['reasoning_effort']).toBe('low');
  });
});

describe('a client of this format', () => {
  const said = {
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 5,
    temperature: 0.5,
    seed: 7,
    n: 1,
    user: 'ann',
    tool_choice: 'required',
    tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
    logprobs: true,
    store: true,
    vendor_field: 1,
  };

  it('is heard word for word by a server that nobody knows', () => {
    const more = {
      ...said,
      top_k: 3,
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
        { role: 'user', content: 'b', name: 'ann' },
        { role: 'assistant', content: null, reasoning: 'r', reasoning_content: 'r', reasoning_details: null },
      ],
    };
    expect(send('compatible', own(more))).toEqual({ body: { ...more, model: 'm-1' }, lost: [] });
  });

  it.each<readonly [VendorName, Json, readonly string[], readonly string[]]>([
    [
      'openai',
      { max_completion_tokens: 5, seed: 7, n: 1, user: 'ann', tool_choice: 'required', logprobs: true, store: true },
      [],
      [],
    ],
    [
      'mistral',
      { max_tokens: 5, random_seed: 7, n: 1, tool_choice: 'any' },
      ['max_completion_tokens', 'seed', 'user', 'logprobs', 'store', 'stream_options'],
      ['request.user', 'request.field.logprobs', 'request.field.store'],
    ],
    [
      'groq',
      { max_completion_tokens: 5, seed: 7, n: 1, user: 'ann', tool_choice: 'required', store: true },
      ['logprobs'],
      ['request.field.logprobs'],
    ],
    [
      'google',
      { max_tokens: 5, n: 1 },
      ['seed', 'user', 'logprobs', 'store'],
      ['request.seed', 'request.user', 'request.field.logprobs', 'request.field.store'],
    ],
    ['deepseek', { max_tokens: 5, seed: 7, user: 'ann', logprobs: true }, ['max_completion_tokens'], []],
    ['ollama', { max_tokens: 5, seed: 7, user: 'ann', tool_choice: 'required' }, ['max_completion_tokens'], []],
  ])('is put in the words of %s, without what it would refuse', (vendor, there, gone, left) => {
    const { body, lost } = send(vendor, own(said));
    expect(body).toMatchObject({ ...there, stream: true, vendor_field: 1 });
    for (const field of gone) expect(body).not.toHaveProperty(field);
    expect([...lost].sort()).toEqual([...left].sort());
  });

  it('asks for one answer where more are refused', () => {
    expect(send('groq', own({ n: 3 }))).toMatchObject({ lost: ['request.choices'] });
    expect(send('groq', own({ n: 3 })).body).not.toHaveProperty('n');
  });

  it('may still ask for usage where the definition says so', () => {
    const request = own({ stream: true });
    expect(send('mistral', request).body).not.toHaveProperty('stream_options');
    expect(send('mistral', request, { includeUsage: true }).body['stream_options']).toEqual({ include_usage: true });
    expect(send('openai', request).body['stream_options']).toEqual({ include_usage: true });
    expect(send('perplexity', request).body).not.toHaveProperty('stream_options');
  });
});

describe('the table', () => {
  it.each(vendorNames.map((name) => [name] as const))(
    '%s says nothing twice, and nothing that contradicts itself',
    (name) => {
      const vendor: Vendor = vendors[name];
      const all = [...vendor.refuses, ...(vendor.ignores ?? [])];
      expect(new Set(all).size).toBe(all.length);
      expect(all).not.toContain('messages');
      expect(all).not.toContain('model');
    },
  );
});
