import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import Value from 'typebox/value';
import { ChatBody, nativeParser } from '../../src/parsers/native.ts';

const parse = (body: unknown) => nativeParser.create({}, {}).parse(body);
const hello = [{ role: 'user', content: 'Hi' }];

function refusal(body: unknown): { field: string; reason: string } | undefined {
  try {
    parse(body);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'REQUEST_INVALID' });
    return (error as { details: { field: string; reason: string } }).details;
  }
}

describe('a request', () => {
  it.each(nativeParser.examples.map(({ title, body }) => [title, body] as const))('%s', (_title, body) => {
    expect(parse(body)).toMatchObject({ dialect: 'native' });
  });

  it('is streamed unless it says otherwise', () => {
    expect(parse({ messages: hello })).toEqual({
      dialect: 'native',
      stream: true,
      settings: {},
      tools: [],
      metadata: {},
      params: {},
      messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hi' }] }],
    });
  });

  it('takes an earlier answer with its tool calls, and the result', () => {
    const answer = {
      role: 'assistant',
      content: '',
      reasoning: 'r',
      toolCalls: [{ id: 'x', name: 'f', arguments: '{}' }],
    };
    expect(
      parse({ messages: [...hello, answer, { role: 'tool', callId: 'x', content: '5' }] }).messages.slice(1),
    ).toMatchObject([
      {
        role: 'assistant',
        content: [
          { kind: 'reasoning', text: 'r' },
          { kind: 'text', text: '' },
          { kind: 'tool_call', name: 'f', callId: 'x', arguments: '{}' },
        ],
      },
      { role: 'tool', callId: 'x', content: [{ kind: 'text', text: '5' }] },
    ]);
  });
});

describe('a mistake', () => {
  it.each<readonly [unknown, string, string]>([
    [null, 'body', 'got null'],
    [{}, 'messages', 'got nothing'],
    [{ messages: [] }, 'messages', 'at least one'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content', 'got nothing'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'got number'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image', url: 'x', other: 1 }] }] },
      'messages[0].content[0].other',
      'no such field',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      'messages[0].content[0]',
      'expected one of base64, url, fileId',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image', base64: 'AAAA' }] }] },
      'messages[0].content[0].mediaType',
      'got nothing',
    ],
    [
      { messages: [...hello, { role: 'tool', callId: 'x', content: '5' }] },
      'messages[1].callId',
      'answers no tool call',
    ],
    [{ messages: [...hello, { role: 'tool', content: '5' }] }, 'messages[1].callId', 'got nothing'],
    [{ messages: [{ role: 'bot', content: 'x' }] }, 'messages[0].role', 'expected one of'],
    [{ messages: hello, mesages: 1 }, 'mesages', 'no such field'],
    [{ messages: hello, settings: { temprature: 1 } }, 'settings.temprature', 'no such field'],
    [{ messages: hello, settings: { temperature: 'hot' } }, 'settings.temperature', 'expected a number, got string'],
    [{ messages: hello, settings: { toolChoice: 'maybe' } }, 'settings.toolChoice', 'expected one of'],
    [{ messages: hello, tools: [{ name: '' }] }, 'tools[0].name', 'empty'],
    [{ messages: hello, stream: 1 }, 'stream', 'expected a boolean, got number'],
    [{ messages: hello, params: [] }, 'params', 'expected an object, got array'],
  ])('%j is refused at %s', (body, field, reason) => {
    expect(refusal(body)).toEqual({ field, reason: expect.stringContaining(reason) });
  });
});

describe('the schema', () => {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      1,
      1.5,
      -1,
      '',
      'auto',
      'json',
      true,
      [],
      {},
      { name: 'f' },
      ['x'],
      { type: 'text', text: 'a' },
      [{ type: 'text', text: 'a' }],
      { type: 'json_schema', name: 's' },
    ),
  );
  const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
    fc.record(fields, { requiredKeys: [] });
  const part = some({
    type: fc.constantFrom('text', 'image', 'audio', 'file', 'reasoning', 'refusal', 'tool_call', 'odd'),
    text: odd,
    url: odd,
    base64: odd,
    mediaType: odd,
    fileId: odd,
    name: odd,
    signature: fc.oneof(odd, some({ value: odd, format: odd, encrypted: odd })),
    cache: fc.oneof(odd, some({ ttl: odd })),
    id: odd,
    arguments: odd,
  });
  const message = some({
    role: fc.oneof(fc.constantFrom('user', 'assistant', 'tool'), odd),
    content: odd,
    name: odd,
    callId: odd,
    isError: odd,
    parts: fc.oneof(odd, fc.array(part, { maxLength: 2 })),
    refusal: odd,
    toolCalls: fc.oneof(odd, fc.constant([{ id: 'a', name: 'f', arguments: '' }])),
    other: odd,
  });
  const settings = some({
    temperature: odd,
    maxOutputTokens: odd,
    stop: odd,
    choices: odd,
    responseFormat: odd,
    toolChoice: odd,
    parallelToolCalls: odd,
    seed: odd,
    user: odd,
    odd,
  });
  const body = some({
    messages: fc.oneof(fc.array(message, { maxLength: 2 }), fc.constant(hello), odd),
    model: odd,
    stream: odd,
    params: odd,
    metadata: odd,
    settings: fc.oneof(settings, odd),
    tools: fc.oneof(
      odd,
      fc.array(some({ name: odd, description: odd, parameters: odd, strict: odd }), { maxLength: 2 }),
    ),
  });

  it('allows exactly what is taken', () => {
    fc.assert(
      fc.property(body, (candidate) => {
        const found = refusal(candidate);
        // Whether a result has its call is a rule between messages, which no schema says.
        const isInSchema = found === undefined || /tool call/.test(found.reason);
        expect(isInSchema).toBe(Value.Check(ChatBody, candidate));
      }),
      { numRuns: 1_000 },
    );
  });
});
