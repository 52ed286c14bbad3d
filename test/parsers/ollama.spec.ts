import { describe, expect, it } from '@jest/globals';
import { foldRequest, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { ollamaParser } from '../../src/parsers/ollama.ts';

type Json = Record<string, unknown>;

const parse = (body: unknown): ChatRequest => ollamaParser.create({}, {}).parse(body);
const question = { role: 'user', content: 'Hi' };
const png = 'iVBORw0KGgo=';

describe('a body', () => {
  it('is a stream unless it says otherwise', () => {
    expect(parse({ messages: [question] }).stream).toBe(true);
    expect(parse({ messages: [question], stream: null }).stream).toBe(true);
    expect(parse({ messages: [question], stream: true }).stream).toBe(true);
    expect(parse({ messages: [question], stream: false }).stream).toBe(false);
  });

  it('gives what all formats know its unified name, and keeps the rest in the shape of the wire', () => {
    const request = parse({
      model: 'qwen3',
      messages: [question],
      options: {
        num_predict: 100,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 40,
        stop: ['END'],
        seed: 7,
        presence_penalty: 0.1,
        frequency_penalty: -0.2,
        num_ctx: 8192,
        repeat_penalty: 1.1,
      },
      keep_alive: '5m',
      logprobs: true,
      top_logprobs: 3,
    });
    expect(request).toMatchObject({
      dialect: 'ollama',
      model: 'qwen3',
      settings: {
        maxOutputTokens: 100,
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        stop: ['END'],
        seed: 7,
        presencePenalty: 0.1,
        frequencyPenalty: -0.2,
      },
    });
    expect(request.ext).toEqual({
      ollama: {
        options: { num_ctx: 8192, repeat_penalty: 1.1 },
        keep_alive: '5m',
        logprobs: true,
        top_logprobs: 3,
      },
    });
  });

  it.each([
    [{ format: 'json' }, { responseFormat: { type: 'json' } }],
    [
      { format: { type: 'object' } },
      { responseFormat: { type: 'json_schema', name: 'answer', schema: { type: 'object' } } },
    ],
    [{ format: '' }, {}],
    [{ format: null }, {}],
    [{ think: true }, { reasoningEffort: 'medium', showReasoning: true }],
    [{ think: false }, { reasoningEffort: 'none' }],
    [{ think: 'high' }, { reasoningEffort: 'high', showReasoning: true }],
    [{ think: null }, {}],
    [{ options: { num_predict: -1 } }, {}],
    [{ options: { stop: 'END' } }, { stop: ['END'] }],
    [{ options: { temperature: null } }, {}],
    [{ options: {} }, {}],
    [{ options: null }, {}],
  ])('%j', (fields, settings) => {
    expect(parse({ messages: [question], ...fields }).settings).toEqual(settings);
  });

  it('has tools', () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const tools = [
      { type: 'function', function: { name: 'weather', description: 'Weather', parameters } },
      { function: { name: 'time', note: 1 } },
    ];
    expect(parse({ messages: [question], tools }).tools).toEqual([
      { name: 'weather', description: 'Weather', parameters },
      { name: 'time', ext: { ollama: { function: { note: 1 } } } },
    ]);
  });
});

describe('a message', () => {
  it('has thinking, text, images and calls', () => {
    const { messages } = parse({
      messages: [
        { role: 'System', content: 'Be brief.' },
        { role: 'user', content: 'What is this?', images: [png, '/9j/4AAQ', 'AAAA'] },
        {
          role: 'assistant',
          content: '',
          thinking: 'Look.',
          tool_calls: [{ id: 'c1', function: { index: 0, name: 'look', arguments: { at: [1, 2] } } }],
          mood: 'calm',
        },
        { role: 'tool', content: 'a cat', tool_name: 'look', tool_call_id: 'c1' },
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { kind: 'text', text: 'What is this?' },
          { kind: 'image', base64: png, mediaType: 'image/png', place: 'messages[1].images[0]' },
          { kind: 'image', base64: '/9j/4AAQ', mediaType: 'image/jpeg', place: 'messages[1].images[1]' },
          { kind: 'image', base64: 'AAAA', place: 'messages[1].images[2]' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { kind: 'reasoning', text: 'Look.' },
          {
            kind: 'tool_call',
            name: 'look',
            callId: 'c1',
            arguments: '{"at":[1,2]}',
            ext: { ollama: { function: { index: 0 } } },
          },
        ],
        ext: { ollama: { mood: 'calm' } },
      },
      { role: 'tool', callId: 'c1', name: 'look', place: 'messages[3]', content: [{ kind: 'text', text: 'a cat' }] },
    ]);
  });

  const call = (name: string, id?: string): Json => ({ ...(id && { id }), function: { name, arguments: {} } });
  const calls = { role: 'assistant', tool_calls: [call('a'), call('b'), call('a'), call('c', 'x1')] };

  it.each([
    ['by the id', { tool_call_id: 'x1' }, 'x1'],
    ['by the name of the tool', { tool_name: 'b' }, 'call_1'],
    ['by the first call that waits', {}, 'call_0'],
  ])('answers a call %s', (_how, fields, callId) => {
    const { messages } = parse({ messages: [question, calls, { role: 'tool', content: 'r', ...fields }] });
    expect(messages.at(-1)).toMatchObject({ role: 'tool', callId });
  });

  it('answers calls of one tool in their order, and the last of them more than once', () => {
    const results = Array.from({ length: 3 }, () => ({ role: 'tool', content: 'r', tool_name: 'a' }));
    const { messages } = parse({ messages: [question, calls, ...results] });
    expect(messages.slice(2).map(({ callId }) => callId)).toEqual(['call_0', 'call_2', 'call_2']);
  });

  it('gives a call without an id one that no other call has', () => {
    const { messages } = parse({
      messages: [question, { role: 'assistant', tool_calls: [call('a', 'call_1'), call('b')] }],
    });
    expect(messages.at(-1)?.content.map(({ callId }) => callId)).toEqual(['call_1', 'call_2']);
  });

  it('is the same after it was unfolded to events', () => {
    const request = parse({ messages: [question, calls, { role: 'tool', content: 'r' }], options: { num_ctx: 1 } });
    expect(foldRequest(unfoldRequest(request))).toEqual(request);
  });

  it('is found quickly among very many', () => {
    const pairs = Array.from({ length: 20_000 }, () => [
      { role: 'assistant', tool_calls: [call('a')] },
      { role: 'tool', content: 'r', tool_name: 'a' },
    ]).flat();
    expect(parse({ messages: [question, ...pairs] }).messages.at(-1)?.callId).toBe('call_19999');
  });
});

describe('what is wrong is refused with its place', () => {
  it.each<readonly [unknown, string]>([
    [null, 'body'],
    [{}, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: ['Hi'] }, 'messages[0]'],
    [{ messages: [{ content: 'Hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'robot', content: 'Hi' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: '', images: 'x' }] }, 'messages[0].images'],
    [{ messages: [{ role: 'user', content: '', images: [1] }] }, 'messages[0].images[0]'],
    [{ messages: [{ role: 'user', content: '', images: [''] }] }, 'messages[0].images[0]'],
    [{ messages: [{ role: 'user', content: '', images: ['https://e.example/a.png'] }] }, 'messages[0].images[0]'],
    [{ messages: [{ role: 'user', content: '', images: [`data:image/png;base64,${png}`] }] }, 'messages[0].images[0]'],
    [{ messages: [{ role: 'assistant', thinking: 1 }] }, 'messages[0].thinking'],
    [{ messages: [{ role: 'assistant', tool_calls: [{}] }] }, 'messages[0].tool_calls[0].function'],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ function: { arguments: {} } }] }] },
      'messages[0].tool_calls[0].function.name',
    ],
    [
      { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }] },
      'messages[0].tool_calls[0].function.arguments',
    ],
    [{ messages: [question, { role: 'tool', content: 'r', tool_call_id: 'c9' }] }, 'messages[1].tool_call_id'],
    [{ messages: [question, { role: 'tool', content: 'r', tool_name: 'f' }] }, 'messages[1].tool_name'],
    [{ messages: [question], stream: 'yes' }, 'stream'],
    [{ messages: [question], model: 5 }, 'model'],
    [{ messages: [question], options: [] }, 'options'],
    [{ messages: [question], options: { temperature: 'hot' } }, 'options.temperature'],
    [{ messages: [question], options: { top_k: 1.5 } }, 'options.top_k'],
    [{ messages: [question], options: { stop: [1] } }, 'options.stop[0]'],
    [{ messages: [question], options: { stop: 1 } }, 'options.stop'],
    [{ messages: [question], format: 'yaml' }, 'format'],
    [{ messages: [question], format: 5 }, 'format'],
    [{ messages: [question], format: { type: 'thing' } }, 'format.type'],
    [{ messages: [question], think: 5 }, 'think'],
    [{ messages: [question], think: '' }, 'think'],
    [{ messages: [question], tools: {} }, 'tools'],
    [{ messages: [question], tools: [{ type: 'web', function: { name: 'f' } }] }, 'tools[0].type'],
    [{ messages: [question], tools: [{ function: {} }] }, 'tools[0].function.name'],
    [{ messages: [question], tools: [{ function: { name: '' } }] }, 'tools[0].function.name'],
    [
      { messages: [question], tools: [{ function: { name: 'f', parameters: { properties: [] } } }] },
      'tools[0].function.parameters.properties',
    ],
  ])('%j: %s', (body, field) => {
    expect(() => parse(body)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ field }) as unknown }),
    );
  });
});
