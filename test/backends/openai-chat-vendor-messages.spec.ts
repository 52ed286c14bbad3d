import { describe, expect, it } from '@jest/globals';
import type { VendorName } from '../../src/backends/openai-chat/vendors.ts';
import type { ChatRequest, ContentBlock, Message } from '../../src/kernel/request.ts';
import {
  foreignRequest as foreign,
  messagesOf,
  ownRequest as own,
  sendToVendor as send,
  type Json,
  type SentToVendor,
} from '../support/chat-vendor.ts';

describe('roles and names', () => {
  it.each<readonly [VendorName, string]>([
    ['openai', 'developer'],
    ['azure', 'developer'],
    ['compatible', 'developer'],
    ['deepseek', 'system'],
    ['mistral', 'system'],
    ['openrouter', 'system'],
  ])('%s calls the developer %s', (vendor, role) => {
    const message: Message = { role: 'developer', content: [{ kind: 'text', text: 'a' }] };
    expect(messagesOf(send(vendor, foreign({ messages: [message] })))).toEqual([{ role, content: 'a' }]);
    expect(messagesOf(send(vendor, own({ messages: [{ role: 'developer', content: 'a' }] })))[0]).toEqual({
      role,
      content: 'a',
    });
  });

  it.each<readonly [VendorName, boolean]>([
    ['openai', true],
    ['mistral', false],
    ['groq', false],
  ])('%s takes the name of a participant: %j', (vendor, takes) => {
    const sent = send(vendor, own({ messages: [{ role: 'user', content: 'a', name: 'ann' }] }));
    expect(messagesOf(sent)).toEqual([{ role: 'user', content: 'a', ...(takes && { name: 'ann' }) }]);
    expect(sent.lost).toEqual(takes ? [] : ['request.name']);
  });
});

describe('marks for the cache', () => {
  const marked: ContentBlock = { kind: 'text', text: 'a', cache: { ttl: '1h' } };
  const request = foreign({
    messages: [{ role: 'user', content: [marked] }],
    tools: [{ name: 'f', parameters: {}, cache: {} }],
  });

  it('are written for OpenRouter, on parts and tools', () => {
    expect(send('openrouter', request)).toEqual({
      body: {
        model: 'm-1',
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
        ],
        tools: [{ type: 'function', function: { name: 'f', parameters: {} }, cache_control: { type: 'ephemeral' } }],
      },
      lost: [],
    });
  });

  it('are left out elsewhere, and named', () => {
    const { body, lost } = send('openai', request);
    expect(JSON.stringify(body)).not.toContain('cache');
    expect(new Set(lost)).toEqual(new Set(['request.cache']));
  });

  it('of a client of this format are taken from those who would refuse them', () => {
    const said = own({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
            { type: 'text', text: 'b', prompt_cache_breakpoint: { mode: 'explicit' } },
          ],
        },
      ],
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: { type: 'ephemeral' } }],
    });
    const [onOpenAi, onOpenRouter] = (['openai', 'openrouter'] as const).map((vendor) => send(vendor, said));
    expect(onOpenAi).toMatchObject({
      body: {
        messages: [
          {
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b', prompt_cache_breakpoint: { mode: 'explicit' } },
            ],
          },
        ],
      },
      lost: expect.arrayContaining(['request.cache']),
    });
    expect(JSON.stringify(onOpenAi?.body)).not.toContain('cache_control');
    expect(JSON.stringify(onOpenRouter?.body).match(/cache_control/g)).toHaveLength(3);
  });
});

describe('pictures', () => {
  const byAddress: ContentBlock = {
    kind: 'image',
    url: 'https://e.example/a.png',
    place: 'messages[0].content[0].source',
  };
  const inline: ContentBlock = { kind: 'image', mediaType: 'image/png', base64: 'iVBORw0KGgo=', place: 'here' };
  const showing = (block: ContentBlock): ChatRequest => foreign({ messages: [{ role: 'user', content: [block] }] });

  it.each<readonly [VendorName, ContentBlock, string | undefined]>([
    ['openai', byAddress, undefined],
    ['openai', inline, undefined],
    ['openai', { ...byAddress, url: 'gs://bucket/a.png' }, 'http and https addresses only'],
    ['openai', { ...inline, mediaType: 'image/tiff' }, 'expected one of image/png'],
    ['openai', { ...inline, base64: 'no base64!' }, 'no base64'],
    ['ollama', inline, undefined],
    ['ollama', byAddress, 'images as base64 only'],
    ['deepseek', inline, 'takes no images'],
    ['deepseek', byAddress, 'takes no images'],
  ])('%s and %j: %s', (vendor, block, complaint) => {
    if (complaint === undefined) expect(send(vendor, showing(block)).lost).toEqual([]);
    else
      expect(() => send(vendor, showing(block))).toThrow(
        new RegExp(`^.*${block.place?.replaceAll(/[[\]]/g, '\\$&') ?? ''}.*${complaint}`),
      );
  });

  it('of a client of this format are the business of the client and the server', () => {
    const content = [{ type: 'image_url', image_url: { url: 'https://e.example/a.png' } }];
    expect(messagesOf(send('deepseek', own({ messages: [{ role: 'user', content }] })))).toEqual([
      { role: 'user', content },
    ]);
  });
});

describe('earlier reasoning', () => {
  const thought: ContentBlock = { kind: 'reasoning', text: 'r' };
  const proven: ContentBlock = { ...thought, signature: { value: 's', format: 'openai-chat/anthropic-claude-v1' } };
  const sealed: ContentBlock = { ...thought, signature: { value: 's', format: 'anthropic-messages' } };
  const after = (...blocks: readonly ContentBlock[]): ChatRequest =>
    foreign({ messages: [{ role: 'assistant', content: [...blocks, { kind: 'text', text: 'a' }] }] });

  it.each<readonly [VendorName, ContentBlock, Json, readonly string[]]>([
    ['openai', thought, {}, ['reasoning']],
    ['groq', thought, {}, ['reasoning']],
    ['mistral', thought, {}, ['reasoning']],
    ['deepseek', thought, { reasoning_content: 'r' }, []],
    ['deepseek', sealed, { reasoning_content: 'r' }, ['signature']],
    ['xai', thought, { reasoning_content: 'r' }, []],
    ['alibaba', thought, { reasoning_content: 'r' }, []],
    ['vllm', thought, { reasoning_content: 'r' }, []],
    ['ollama', thought, { reasoning: 'r' }, []],
    ['openrouter', thought, { reasoning: 'r' }, []],
    ['openrouter', sealed, { reasoning: 'r' }, ['signature']],
    [
      'openrouter',
      proven,
      {
        reasoning: 'r',
        reasoning_details: [
          { type: 'reasoning.text', text: 'r', signature: 's', format: 'anthropic-claude-v1', index: 0 },
        ],
      },
      [],
    ],
    [
      'compatible',
      proven,
      {
        reasoning_details: [
          { type: 'reasoning.text', text: 'r', signature: 's', format: 'anthropic-claude-v1', index: 0 },
        ],
      },
      [],
    ],
    ['compatible', sealed, {}, ['reasoning']],
  ])('to %s: %j is %j, without %j', (vendor, block, fields, left) => {
    const sent = send(vendor, after(block));
    expect(messagesOf(sent)).toEqual([{ role: 'assistant', content: 'a', ...fields }]);
    expect(sent.lost).toEqual(left.map((name) => `request.${name}`));
  });

  it('is never missing for a vendor that refuses a message without', () => {
    const [message] = messagesOf(send('deepseek', own({ messages: [{ role: 'assistant', content: 'a' }] })));
    expect(message).toEqual({ role: 'assistant', content: 'a', reasoning_content: ' ' });
  });

  const replay = {
    role: 'assistant',
    content: 'a',
    reasoning_content: 'one two',
    reasoning_details: [
      { type: 'reasoning.text', text: 'one ', signature: 's1', format: 'anthropic-messages', index: 0 },
      { type: 'reasoning.text', text: 'two', signature: 's2', format: 'anthropic-claude-v1', index: 1 },
    ],
  };

  it.each<readonly [VendorName, Json, readonly string[]]>([
    ['openai', {}, ['reasoning']],
    ['deepseek', { reasoning_content: 'one two' }, ['signature']],
    ['openrouter', { reasoning_content: 'one two', reasoning_details: [replay.reasoning_details[1]] }, ['signature']],
    ['compatible', { reasoning_content: 'one two', reasoning_details: [replay.reasoning_details[1]] }, ['signature']],
  ])('that a client of this format sends back reaches %s without the proofs of others', (vendor, fields, left) => {
    const sent = send(vendor, own({ messages: [replay] }));
    expect(messagesOf(sent)).toEqual([{ role: 'assistant', content: 'a', ...fields }]);
    expect([...new Set(sent.lost)]).toEqual(left.map((name) => `request.${name}`));
  });

  it('that a step has changed goes out as it is now', () => {
    const request = own({ messages: [{ ...replay, reasoning_details: [replay.reasoning_details[1]] }] });
    const messages = request.messages.map((message) => ({
      ...message,
      content: message.content.map((block) => (block.kind === 'reasoning' ? { ...block, text: 'new' } : block)),
    }));
    expect(messagesOf(send('compatible', { ...request, messages }))).toEqual([
      {
        role: 'assistant',
        content: 'a',
        reasoning_content: 'new',
        reasoning_details: [
          { type: 'reasoning.text', text: 'new', signature: 's2', format: 'anthropic-claude-v1', index: 0 },
        ],
      },
    ]);
  });
});

describe('ids of tool calls', () => {
  const long = 'call_'.padEnd(60, 'x');
  const talk = (id: string): ChatRequest =>
    foreign({
      messages: [
        { role: 'assistant', content: [{ kind: 'tool_call', name: 'f', callId: id, arguments: '{}' }] },
        { role: 'tool', callId: id, content: [{ kind: 'text', text: 'r' }] },
      ],
    });
  const idsOf = (sent: SentToVendor): readonly unknown[] => {
    const [call, result] = messagesOf(sent);
    const [called] = (call?.['tool_calls'] ?? []) as readonly Json[];
    return [called?.['id'], result?.['tool_call_id']];
  };

  it.each<readonly [VendorName, string, RegExp]>([
    ['openai', 'call_1', /^call_1$/],
    ['openai', long, /^call_[0-9a-f]{24}$/],
    ['mistral', 'AbCdEf123', /^AbCdEf123$/],
    ['mistral', 'call_1', /^[0-9a-f]{9}$/],
    ['groq', long, new RegExp(`^${long}$`)],
    ['compatible', long, new RegExp(`^${long}$`)],
  ])('on %s %s is %s, in the call and in its result', (vendor, id, pattern) => {
    const [called, answered] = idsOf(send(vendor, talk(id)));
    expect(called).toMatch(pattern);
    expect(answered).toBe(called);
  });
});
