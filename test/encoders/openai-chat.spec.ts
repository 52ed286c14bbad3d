import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, TextTemplate } from '../../src/kernel/event.ts';
import { escapeJsonText } from '../../src/kernel/json/json-text.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';

type Json = Record<string, unknown>;
const chat = openaiChatEncoder.create({}, {});
const open = (settings = {}) => chat.open(encodeContext(chatRequest({ settings })));
const meta: AnswerEvent = {
  type: 'response.meta',
  responseId: 'c1',
  model: 'm',
  created: 1,
  provider: 'openai-chat',
  role: 'assistant',
};
const block = (blockId: string, kind: 'text' | 'reasoning' | 'refusal' = 'text', choice?: number): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role: 'assistant',
  ...(choice !== undefined && { choice }),
});
const say = (blockId: string, text: string): AnswerEvent => ({ type: 'text.delta', blockId, role: 'assistant', text });
const finish: AnswerEvent = { type: 'finish', reason: { unified: 'stop' } };

function write(events: readonly AnswerEvent[], settings = {}): readonly Json[] {
  const stream = open(settings);
  const bytes = events.map((event) => stream.encode(event)).join('');
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => JSON.parse(frame.replace(/^data: /, '')) as Json);
}
const deltas = (chunks: readonly Json[]): readonly unknown[] =>
  chunks.map((chunk) => (chunk['choices'] as Json[])[0]?.['delta']);

describe('chunks', () => {
  it('have the same identity, the role first, and the reason last', () => {
    expect(write([meta, block('a'), say('a', 'Hé'), { type: 'block.end', blockId: 'a' }, finish])).toEqual([
      {
        id: 'c1',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      },
      {
        id: 'c1',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [{ index: 0, delta: { content: 'Hé' }, finish_reason: null }],
      },
      {
        id: 'c1',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      },
    ]);
  });

  it('keep the identity of the first chunk after another attempt', () => {
    const chunks = write([meta, block('a'), { ...meta, responseId: 'c2', model: 'n' } as AnswerEvent, say('a', 'x')]);
    expect(new Set(chunks.map(({ id, model }) => `${String(id)}/${String(model)}`))).toEqual(new Set(['c1/m']));
  });

  it('without an id of the provider have one of the run', () => {
    expect(write([{ type: 'response.meta' }, block('a')])[0]).toMatchObject({
      id: 'chatcmpl-run-1',
      created: 1_700_000_000,
      model: 'support',
    });
  });

  it.each<readonly [string, readonly AnswerEvent[], readonly unknown[]]>([
    [
      'reasoning, then text',
      [meta, block('a', 'reasoning'), say('a', 'r'), block('b'), say('b', 't')],
      [{ role: 'assistant', content: '' }, { reasoning_content: 'r' }, { content: 't' }],
    ],
    [
      'a refusal',
      [meta, block('a', 'refusal'), say('a', 'no')],
      [{ role: 'assistant', content: '' }, { refusal: 'no' }],
    ],
    [
      'a tool call',
      [
        meta,
        { type: 'block.start', blockId: 'a', kind: 'tool_call', role: 'assistant', name: 'f', callId: 'x' },
        { type: 'toolArgs.delta', blockId: 'a', json: '{}' },
      ],
      [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '' } }],
        },
        { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
      ],
    ],
    [
      'a second call without an id',
      [
        meta,
        {
          type: 'block.start',
          blockId: 'a',
          kind: 'tool_call',
          role: 'assistant',
          name: 'f',
          callId: 'x',
          nativeIndex: 0,
        },
        { type: 'block.start', blockId: 'b', kind: 'tool_call', role: 'assistant', name: 'g', nativeIndex: 0 },
      ],
      [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '' } }],
        },
        { tool_calls: [{ index: 1, id: 'call_run-1_1', type: 'function', function: { name: 'g', arguments: '' } }] },
      ],
    ],
    [
      'arguments that come whole',
      [
        meta,
        { type: 'block.start', blockId: 'a', kind: 'tool_call', role: 'assistant', name: 'f', callId: 'x' },
        { type: 'block.end', blockId: 'a', final: { a: 1 } },
      ],
      [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '' } }],
        },
        { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] },
      ],
    ],
    [
      'what the format can not say',
      [
        meta,
        { type: 'block.start', blockId: 'a', kind: 'server_tool_call', role: 'assistant' },
        { type: 'toolArgs.delta', blockId: 'z', json: 'x' },
        { type: 'step.start', processorId: 'p' },
        { type: 'raw', dialect: 'gemini', data: '{}' },
        { type: 'block.end', blockId: 'a' },
      ],
      [],
    ],
    ['no block at all', [meta, finish], [{ role: 'assistant', content: '' }]],
  ])('%s', (_title, events, expected) => {
    expect(deltas(write(events))).toEqual(expected);
  });

  it('give usage once, at the end, to those who asked', () => {
    const usage: AnswerEvent = { type: 'usage', input: { total: 2 }, output: { total: 3 } };
    const asked = open({ includeUsage: true });
    for (const event of [meta, block('a'), usage, finish, usage]) asked.encode(event);
    expect(asked.end()).toBe(
      'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}\n\ndata: [DONE]\n\n',
    );
    const silent = open();
    for (const event of [meta, block('a'), usage, finish]) silent.encode(event);
    expect(silent.end()).toBe('data: [DONE]\n\n');
  });

  it('keep the unknown fields of the own format in their places', () => {
    const ext = {
      'openai-chat': { provider: 'P', choices: { native_finish_reason: 'x', delta: { channel: 'final' } } },
      gemini: { other: 1 },
    };
    expect(write([meta, block('a'), { ...say('a', 't'), ext } as AnswerEvent])[1]).toMatchObject({
      provider: 'P',
      choices: [{ native_finish_reason: 'x', delta: { content: 't', channel: 'final' } }],
    });
  });

  it('say the text of signed reasoning once, whichever way its pieces came', () => {
    const template: TextTemplate = { dialect: 'anthropic-messages', before: '{"x":"', after: '"}' };
    const frames = deltas(
      write([
        { ...meta, provider: 'anthropic-messages' } as AnswerEvent,
        block('r', 'reasoning'),
        say('r', 'one '),
        { ...say('r', 'two'), template } as AnswerEvent,
        { type: 'reasoning.signature', blockId: 'r', value: 'SIG', format: 'anthropic-messages' },
        { type: 'block.end', blockId: 'r' },
      ]),
    );
    expect(frames.at(-1)).toMatchObject({
      reasoning_details: [{ type: 'reasoning.text', text: 'one two', signature: 'SIG', format: 'anthropic-messages' }],
    });
  });

  it('of unknown events of the own format have what clients read', () => {
    const raw = (data: string): AnswerEvent => ({ type: 'raw', dialect: 'openai-chat', data });
    expect(
      write([
        meta,
        raw('{"type":"ping"}'),
        raw('{"id":"other","choices":[{"index":0,"delta":{"executed_tools":[1]}}]}'),
      ]),
    ).toEqual([
      { type: 'ping', choices: [] },
      {
        id: 'c1',
        created: 1,
        model: 'm',
        choices: [{ index: 0, delta: { role: 'assistant', content: '', executed_tools: [1] } }],
      },
    ]);
  });

  it('fail with an error and no terminator', () => {
    const stream = open();
    stream.encode(meta);
    expect(stream.fail(new SluiceError('UPSTREAM_RESET'))).toBe(
      'data: {"error":{"message":"The model provider broke the connection.","type":"upstream_error","param":null,"code":"UPSTREAM_RESET"}}\n\n',
    );
    expect(stream.heartbeat).toBe(': hb\n\n');
  });
});

describe('text', () => {
  const own: TextTemplate = { dialect: 'openai-chat', before: 'data: {"id":"c1","model":"m","x":"', after: '"}\n\n' };
  const foreign: TextTemplate = { dialect: 'anthropic-messages', before: 'event: x\ndata: {"t":"', after: '"}\n\n' };

  it('goes into a frame of the own format, so that its other fields stay', () => {
    const stream = open();
    for (const event of [meta, block('a')]) stream.encode(event);
    expect(stream.encode({ ...say('a', 'é"'), template: own } as AnswerEvent)).toBe(
      'data: {"id":"c1","model":"m","x":"\xc3\xa9\\""}\n\n',
    );
  });

  it('does not go into a frame with another identity than the stream has', () => {
    const stream = open();
    for (const event of [meta, block('a'), { ...meta, responseId: 'c2' } as AnswerEvent]) stream.encode(event);
    expect(stream.encode({ ...say('a', 'x'), template: own } as AnswerEvent)).toContain('"delta":{"content":"x"}');
  });

  it('is the same on the fast way', () => {
    const anyText = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(
        anyText,
        fc.constantFrom(own, foreign),
        fc.constantFrom('text' as const, 'reasoning' as const, 'refusal' as const),
        fc.constantFrom(undefined, 2),
        (text, template, kind, choice) => {
          const slow = open();
          const fast = open();
          for (const stream of [slow, fast]) for (const event of [meta, block('a', kind, choice)]) stream.encode(event);
          const event = { ...say('a', text), ...(choice !== undefined && { choice }), template } as AnswerEvent;
          expect(fast.encodeText('a', template, escapeJsonText(text))).toBe(slow.encode(event));
        },
      ),
    );
  });

  it('is the text again for a client', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        expect(deltas(write([meta, block('a'), say('a', text)]))[1]).toEqual({ content: text });
      }),
    );
  });
});

describe('frames that may be copied', () => {
  const frame = (events: readonly AnswerEvent[], opens?: number) => ({
    events,
    transparent: true,
    ...(opens !== undefined && { opens }),
  });

  it('are those that the stream does not depend on', () => {
    const stream = open();
    expect(stream.copies(frame([meta]))).toBe(false);
    expect(stream.copies(frame([{ type: 'usage' }]))).toBe(false);
    for (const event of [meta, block('a')]) stream.encode(event);
    expect(stream.copies(frame([say('a', 'x')]))).toBe(true);
    expect(stream.copies(frame([{ ...say('a', 'x'), ext: { 'openai-chat': { id: 'other' } } } as AnswerEvent]))).toBe(
      false,
    );
    stream.encode({ ...meta, responseId: 'c2' } as AnswerEvent);
    expect(stream.copies(frame([say('a', 'x')]))).toBe(false);
  });

  it('open a choice where they have all that a first frame needs, and are then known', () => {
    const stream = open();
    expect(stream.copies(frame([meta], 0))).toBe(true);
    expect(stream.copies(frame([block('a'), say('a', 'x')]))).toBe(true);
    expect(stream.copies(frame([block('b', 'text', 1), say('b', 'x')]))).toBe(false);
    expect(stream.encode(say('a', 'y'))).toContain('"delta":{"content":"y"}');
  });

  it('name tool calls as the stream does', () => {
    const stream = open();
    stream.encode(meta);
    for (const [blockId, nativeIndex] of [
      ['a', 0],
      ['b', undefined],
    ] as const) {
      stream.encode({
        type: 'block.start',
        blockId,
        kind: 'tool_call',
        role: 'assistant',
        name: 'f',
        ...(nativeIndex !== undefined && { nativeIndex }),
      });
    }
    expect(['a', 'b'].map((blockId) => stream.copies(frame([{ type: 'toolArgs.delta', blockId, json: '' }])))).toEqual([
      true,
      false,
    ]);
  });
});

describe('fast and slow way of a whole stream', () => {
  const chunk = (content: string, rest: Json = {}): string =>
    JSON.stringify({
      id: 'c1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
      ...rest,
    });

  it('give a client the same text', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.string({ unit: 'binary', minLength: 1 }),
            fc.constantFrom<Json>({}, { provider: 'P' }, { p: 'abc' }),
          ),
        ),
        (pieces) => {
          const decoder = new ChatStreamDecoder();
          const stream = open();
          const bytes = pieces
            .flatMap(([text, rest]) => decoder.frame('', chunk(text, rest)).events)
            .map((event) => stream.encode(event))
            .join('');
          const read = Buffer.from(bytes, 'latin1')
            .toString('utf8')
            .split('\n\n')
            .filter((frame) => frame !== '')
            .map((frame) => JSON.parse(frame.slice(6)) as { choices: { delta: { content?: string } }[] });
          expect(read.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
            pieces.map(([text]) => text).join(''),
          );
        },
      ),
    );
  });
});
