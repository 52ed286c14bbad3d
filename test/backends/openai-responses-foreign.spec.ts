import { describe, expect, it } from '@jest/globals';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { chatRequest } from '../support/chat-run.ts';
import {
  anthropicReasoning,
  assistant,
  image,
  inputOf,
  ownReasoning,
  send,
  sent,
  text,
  user,
} from './openai-responses/requests.ts';

describe('a request of another format', () => {
  it('keeps nothing at the provider and asks for reasoning that can be sent back', () => {
    const request = chatRequest({
      messages: [
        { role: 'system', content: [text('Be'), text('brief.')] },
        { role: 'system', content: [text('Please.')] },
        { role: 'developer', content: [text('Now.')] },
        user(text('Hi')),
      ],
    });
    expect(sent(request)).toEqual({
      model: 'm-1',
      instructions: 'Be\n\nbrief.\n\nPlease.',
      input: [
        { role: 'developer', content: 'Now.' },
        { role: 'user', content: 'Hi' },
      ],
      include: ['reasoning.encrypted_content'],
      store: false,
      stream: true,
    });
  });

  it.each([
    ['gpt-4o', {}, undefined],
    ['gpt-5-chat-latest', {}, undefined],
    ['openai/gpt-4.1-mini', {}, undefined],
    ['gpt-5-mini', {}, ['reasoning.encrypted_content']],
    ['o3', {}, ['reasoning.encrypted_content']],
    ['grok-4', {}, ['reasoning.encrypted_content']],
    ['gpt-4o', { encryptedReasoning: true }, ['reasoning.encrypted_content']],
    ['o3', { encryptedReasoning: false }, undefined],
  ])('%s %j: includes %j', (model, config, include) => {
    expect(sent(chatRequest(), { model, ...config })['include']).toEqual(include);
  });

  it('leaves fields out that a server does not know', () => {
    expect(sent(chatRequest({ stream: false }), { stateless: false, encryptedReasoning: false })).toEqual({
      model: 'm-1',
      input: [{ role: 'user', content: 'Hello' }],
    });
  });

  it('says a turn with tools item by item', () => {
    const input = inputOf(
      user(text('Hi')),
      assistant(
        ownReasoning('xyz', 'summary'),
        anthropicReasoning,
        text('Let me'),
        text(' look.'),
        { kind: 'tool_call', callId: 'c1', name: 'look', arguments: '{"a":1}' },
        { kind: 'tool_call', callId: 'c2', name: 'look' },
        { kind: 'custom_tool_call', callId: 'c3', name: 'exec', arguments: 'ls' },
      ),
      { role: 'tool', callId: 'c1', content: [text('1'), text('one')] },
      { role: 'tool', callId: 'c2', isError: true, content: [text('not there')] },
      {
        role: 'tool',
        callId: 'c3',
        content: [text('ok'), { kind: 'image', mediaType: 'image/png', base64: 'iVBORw0KGgo=' }],
      },
    );
    expect(input).toEqual([
      { role: 'user', content: 'Hi' },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'summary' }], encrypted_content: 'xyz' },
      {
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'Let me' },
          { type: 'output_text', text: ' look.' },
        ],
      },
      { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"a":1}' },
      { type: 'function_call', call_id: 'c2', name: 'look', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'c3', name: 'exec', input: 'ls' },
      { type: 'function_call_output', call_id: 'c1', output: '1\none' },
      { type: 'function_call_output', call_id: 'c2', output: 'not there' },
      {
        type: 'custom_tool_call_output',
        call_id: 'c3',
        output: [
          { type: 'input_text', text: 'ok' },
          { type: 'input_image', image_url: image },
        ],
      },
    ]);
  });

  it('says each proof as an item of its own', () => {
    expect(inputOf(user(text('a')), assistant(ownReasoning('x'), ownReasoning('y'), text('b')))).toEqual([
      { role: 'user', content: 'a' },
      { type: 'reasoning', summary: [], encrypted_content: 'x' },
      { type: 'reasoning', summary: [], encrypted_content: 'y' },
      { role: 'assistant', content: [{ type: 'output_text', text: 'b' }] },
    ]);
  });

  it('says media', () => {
    const input = inputOf(
      user(
        { kind: 'image', url: 'https://a.example/a.png', ext: { 'openai-chat': { image_url: { detail: 'low' } } } },
        { kind: 'audio', mediaType: 'audio/mpeg', base64: 'AAAA' },
        { kind: 'file', mediaType: 'application/pdf', base64: 'AAAA' },
        { kind: 'file', mediaType: 'text/plain', base64: 'AAAA', name: 'a.md' },
        { kind: 'file', url: 'https://a.example/a.pdf' },
      ),
      assistant(text('Here:'), { kind: 'image', mediaType: 'image/png', base64: 'iVBORw0KGgo=' }),
    );
    expect(input).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_image', detail: 'low', image_url: 'https://a.example/a.png' },
          { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
          { type: 'input_file', filename: 'file.pdf', file_data: 'data:application/pdf;base64,AAAA' },
          { type: 'input_file', filename: 'a.md', file_data: 'data:text/plain;base64,AAAA' },
          { type: 'input_file', file_url: 'https://a.example/a.pdf' },
        ],
      },
      { role: 'assistant', content: [{ type: 'output_text', text: 'Here:' }] },
      { role: 'user', content: [{ type: 'input_image', image_url: image }] },
    ]);
  });

  it('says tools flat, and that they are not strict', () => {
    const request = openaiChatParser.create({}, {}).parse({
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [
        { type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } } },
        { type: 'function', function: { name: 'now', strict: true } },
        {
          type: 'custom',
          custom: { name: 'exec', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'd' } } },
        },
      ],
      tool_choice: { type: 'custom', custom: { name: 'exec' } },
    });
    expect(sent(request)).toMatchObject({
      tools: [
        { type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' }, strict: false },
        { type: 'function', name: 'now', parameters: { type: 'object', properties: {} }, strict: true },
        { type: 'custom', name: 'exec', format: { type: 'grammar', syntax: 'lark', definition: 'd' } },
      ],
      tool_choice: { type: 'custom', name: 'exec' },
    });
  });

  it('says settings in the words of the format', () => {
    const tools = [{ name: 'look', parameters: { type: 'object' } }];
    const settings = {
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      reasoningBudget: 0,
      showReasoning: true,
      responseFormat: { type: 'json_schema', name: 'n', schema: { type: 'object' } },
      toolChoice: { allowed: ['look'], mode: 'required' },
      parallelToolCalls: false,
      user: 'u',
    } as const;
    const { body, lost } = send(chatRequest({ settings, tools }));
    expect(lost).toEqual([]);
    expect(body).toMatchObject({
      max_output_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      reasoning: { effort: 'none', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' } } },
      tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'look' }] },
      parallel_tool_calls: false,
      user: 'u',
    });
  });

  it('keeps what a chat completion says in the same words', () => {
    const request = openaiChatParser.create({}, {}).parse({
      messages: [{ role: 'user', content: 'Hi' }],
      prompt_cache_key: 'k',
      safety_identifier: 's',
      service_tier: 'flex',
      verbosity: 'low',
      logprobs: true,
      top_logprobs: 2,
      logit_bias: { '1': 2 },
    });
    const { body, lost } = send(request);
    expect(body).toMatchObject({
      prompt_cache_key: 'k',
      safety_identifier: 's',
      service_tier: 'flex',
      text: { verbosity: 'low' },
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
      top_logprobs: 2,
    });
    expect(lost).toEqual(['request.field.logit_bias']);
  });
});
