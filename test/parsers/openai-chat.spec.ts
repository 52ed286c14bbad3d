import { describe, expect, it } from '@jest/globals';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';

type Json = Record<string, unknown>;
const parse = (body: unknown) => openaiChatParser.create({}, {}).parse(body);
const hello = [{ role: 'user', content: 'Hi' }];

describe('a request', () => {
  it.each(openaiChatParser.examples.map(({ title, body }) => [title, body] as const))('%s', (_title, body) => {
    expect(parse(body)).toMatchObject({ dialect: 'openai-chat' });
  });

  it('has unified settings, and everything else in ext', () => {
    const body = {
      model: 'm',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 5,
      stop: 'x',
      tool_choice: { type: 'function', function: { name: 'f' } },
      seed: null,
      logit_bias: { 1: 2 },
      metadata: { a: 'b' },
    };
    expect(parse(body)).toEqual({
      dialect: 'openai-chat',
      model: 'm',
      stream: true,
      params: {},
      tools: [],
      metadata: { a: 'b' },
      settings: { maxOutputTokens: 5, stop: ['x'], toolChoice: { name: 'f' }, includeUsage: true },
      messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hi' }] }],
      ext: {
        'openai-chat': {
          stream_options: { include_usage: true },
          max_tokens: 5,
          stop: 'x',
          seed: null,
          logit_bias: { 1: 2 },
        },
      },
    });
  });

  it('is not streamed unless it says so', () => {
    expect(parse({ messages: hello }).stream).toBe(false);
  });

  it('of all kinds of blocks', () => {
    const message = {
      role: 'assistant',
      content: [
        { type: 'text', text: 'a' },
        { type: 'refusal', refusal: 'b' },
      ],
      reasoning_content: 'r',
      tool_calls: [
        { id: '1', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: '2', type: 'custom', custom: { name: 'g', input: 'i' } },
      ],
      function_call: { name: 'h', arguments: '' },
    };
    expect(
      parse({ messages: [message] }).messages[0]?.content.map(({ kind, text, name, callId, arguments: json }) => [
        kind,
        text ?? name,
        callId ?? json,
      ]),
    ).toEqual([
      ['reasoning', 'r', undefined],
      ['text', 'a', undefined],
      ['refusal', 'b', undefined],
      ['tool_call', 'f', '1'],
      ['custom_tool_call', 'g', '2'],
      ['tool_call', 'h', ''],
    ]);
  });

  it('of reasoning beside proofs that have no text', () => {
    const message = {
      role: 'assistant',
      content: 'a',
      reasoning_content: 'r',
      reasoning_details: [{ type: 'reasoning.text', signature: 'SIG', format: 'gemini' }],
    };
    expect(parse({ messages: [message] }).messages[0]?.content).toMatchObject([
      { kind: 'reasoning', text: 'r' },
      { kind: 'reasoning', signature: { value: 'SIG', format: 'gemini' } },
      { kind: 'text', text: 'a' },
    ]);
  });

  it.each([
    [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { kind: 'image', mediaType: 'image/png', base64: 'AAAA' },
    ],
    [
      { type: 'image_url', image_url: { url: 'https://e.example/a' } },
      { kind: 'image', url: 'https://e.example/a' },
    ],
    [
      { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } },
      { kind: 'audio', mediaType: 'audio/wav', base64: 'AA' },
    ],
    [
      { type: 'file', file: { file_id: 'f' } },
      { kind: 'file', fileId: 'f' },
    ],
    [
      { type: 'other', x: 1 },
      { kind: 'unknown', initial: { type: 'other', x: 1 } },
    ],
  ])('part %j', (part, block) => {
    expect(parse({ messages: [{ role: 'user', content: [part] }] }).messages[0]?.content).toMatchObject([block]);
  });
});

describe('reasoning that is sent back', () => {
  const calls = [
    { id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } },
    { id: 'y', type: 'function', function: { name: 'f', arguments: '{}' } },
  ];
  const proof = (value: string, more: Json = {}): Json => ({
    type: 'reasoning.text',
    signature: value,
    format: 'gemini',
    ...more,
  });

  it.each<readonly [string, Json, readonly unknown[]]>([
    [
      'in parts says more than the text',
      { reasoning_content: 'r', reasoning_details: [{ type: 'reasoning.text', text: 'r', signature: 's' }] },
      [['reasoning', 'r', 's']],
    ],
    [
      'as text, and proofs without text',
      { reasoning: 'r', reasoning_details: [proof('g')] },
      [
        ['reasoning', 'r', undefined],
        ['reasoning', undefined, 'g'],
      ],
    ],
    [
      'with a proof that names its call stands before it',
      { reasoning_details: [proof('g1', { id: 'y' }), proof('g0')], tool_calls: calls },
      [
        ['reasoning', undefined, 'g0'],
        ['tool_call', undefined, undefined],
        ['reasoning', undefined, 'g1'],
        ['tool_call', undefined, undefined],
      ],
    ],
    [
      'with a proof of a call that is not there stands ahead',
      { reasoning_details: [proof('g', { id: 'z' })], content: 'a' },
      [
        ['reasoning', undefined, 'g'],
        ['text', 'a', undefined],
      ],
    ],
    ['in another form is left alone', { reasoning_details: { a: 1 }, content: 'a' }, [['text', 'a', undefined]]],
  ])('%s', (_title, fields, blocks) => {
    const [message] = parse({ messages: [{ role: 'assistant', ...fields }] }).messages;
    expect(message?.content.map(({ kind, text, signature }) => [kind, text, signature?.value])).toEqual(blocks);
  });
});

describe('a mark for the cache', () => {
  it.each([
    [{ cache_control: { type: 'ephemeral' } }, {}],
    [{ cache_control: { type: 'ephemeral', ttl: '1h' } }, { ttl: '1h' }],
    [{ prompt_cache_breakpoint: { mode: 'explicit' } }, {}],
    [{ cache_control: null }, undefined],
    [{}, undefined],
  ])('%j on a part and on a tool', (mark, cache) => {
    const { messages, tools } = parse({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'a', ...mark }] }],
      tools: [{ type: 'function', function: { name: 'f' }, ...mark }],
    });
    expect([messages[0]?.content[0]?.cache, tools[0]?.cache]).toEqual([cache, cache]);
  });
});

describe('a mistake', () => {
  const withMessage = (message: Json): Json => ({ messages: [message] });
  it.each<readonly [unknown, string, string]>([
    ['text', 'body', 'expected an object, got string'],
    [{}, 'messages', 'expected an array, got nothing'],
    [{ messages: [] }, 'messages', 'at least one message'],
    [{ messages: ['x'] }, 'messages[0]', 'expected an object, got string'],
    [withMessage({ content: 'x' }), 'messages[0].role', 'expected a string, got nothing'],
    [withMessage({ role: 'robot', content: 'x' }), 'messages[0].role', 'expected one of'],
    [withMessage({ role: 'user' }), 'messages[0].content', 'got nothing'],
    [withMessage({ role: 'user', content: null }), 'messages[0].content', 'got null'],
    [withMessage({ role: 'assistant', content: 5 }), 'messages[0].content', 'got number'],
    [withMessage({ role: 'user', content: ['x'] }), 'messages[0].content[0]', 'got string'],
    [withMessage({ role: 'user', content: [{ text: 'x' }] }), 'messages[0].content[0].type', 'got nothing'],
    [withMessage({ role: 'user', content: [{ type: 'text' }] }), 'messages[0].content[0].text', 'got nothing'],
    [
      withMessage({ role: 'user', content: [{ type: 'image_url', image_url: 'x' }] }),
      'messages[0].content[0].image_url',
      'expected an object',
    ],
    [
      withMessage({ role: 'assistant', tool_calls: [{ id: 1, function: { name: 'f' } }] }),
      'messages[0].tool_calls[0].id',
      'expected a string',
    ],
    [
      withMessage({ role: 'assistant', tool_calls: [{ id: 'a', type: 'function' }] }),
      'messages[0].tool_calls[0].function',
      'expected an object',
    ],
    [{ messages: hello, temperature: 'hot' }, 'temperature', 'expected a number, got string'],
    [{ messages: hello, n: 1.5 }, 'n', 'expected an integer'],
    [{ messages: hello, n: 0 }, 'n', 'at least 1'],
    [{ messages: hello, max_tokens: '5' }, 'max_tokens', 'expected a number'],
    [{ messages: hello, stop: [1] }, 'stop[0]', 'expected a string'],
    [{ messages: hello, stream: 'yes' }, 'stream', 'expected a boolean'],
    [{ messages: hello, model: 5 }, 'model', 'expected a string'],
    [{ messages: hello, tools: {} }, 'tools', 'expected an array'],
    [{ messages: hello, tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', 'expected a string'],
    [{ messages: hello, response_format: 'json' }, 'response_format', 'expected an object'],
    [{ messages: hello, metadata: [] }, 'metadata', 'expected an object, got array'],
  ])('%j is refused at %s', (body, field, reason) => {
    let thrown: unknown;
    try {
      parse(body);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'REQUEST_INVALID',
      status: 400,
      details: { field, reason: expect.stringContaining(reason) },
    });
  });
});
