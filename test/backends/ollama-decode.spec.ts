import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { chatRequest } from '../support/chat-run.ts';
import { backend, decode, essence, framesOf, open } from '../support/ollama-answers.ts';
import { lastOllamaLine, ollamaLine, ollamaMetrics, timeOfLine } from '../support/ollama-lines.ts';

type Json = Record<string, unknown>;

describe('lines', () => {
  it('of text', () => {
    const events = decode([ollamaLine(1, { content: 'Hel' }), ollamaLine(2, { content: 'lo' }), lastOllamaLine(3)]);
    expect(events[0]).toEqual({
      type: 'response.meta',
      provider: 'ollama',
      model: 'qwen3',
      created: Date.UTC(2026, 4, 1, 10) / 1_000,
      role: 'assistant',
      ext: { ollama: { created_at: timeOfLine(1) } },
    });
    expect(events.map(({ type }) => type)).toEqual([
      'response.meta',
      'block.start',
      'text.delta',
      'text.delta',
      'block.end',
      'finish',
      'usage',
    ]);
    expect(events[3]).toMatchObject({ text: 'lo', ext: { ollama: { created_at: timeOfLine(2) } } });
    expect(events.at(-1)).toMatchObject({ final: true, raw: ollamaMetrics });
    expect(essence(events)).toEqual({
      blocks: [{ kind: 'text', text: 'Hello' }],
      finish: { unified: 'stop', raw: 'stop' },
      tokens: [17, 5, 22],
    });
  });

  it('of thinking and text, apart or in one line', () => {
    const answer = {
      blocks: [
        { kind: 'reasoning', text: 'Hm, so' },
        { kind: 'text', text: 'Yes.' },
      ],
      finish: { unified: 'stop', raw: 'stop' },
      tokens: [17, 5, 22],
    };
    const apart = [
      ollamaLine(1, { thinking: 'Hm, ' }),
      ollamaLine(2, { thinking: 'so' }),
      ollamaLine(3, { content: 'Yes.' }),
      lastOllamaLine(4),
    ];
    expect(essence(decode(apart))).toEqual(answer);
    expect(
      essence(
        decode([
          ollamaLine(1, { thinking: 'Hm, ' }),
          ollamaLine(2, { thinking: 'so', content: 'Yes.' }),
          lastOllamaLine(3),
        ]),
      ),
    ).toEqual(answer);
  });

  it('of calls, several in one line, with ids and without', () => {
    const calls = [
      { id: 'call_1', function: { index: 0, name: 'weather', arguments: { city: 'Ulm' } } },
      { function: { name: 'time', arguments: {} } },
    ];
    const events = decode([
      ollamaLine(1, { content: 'I look.' }),
      ollamaLine(2, { tool_calls: calls }),
      lastOllamaLine(3),
    ]);
    expect(essence(events)).toEqual({
      blocks: [
        { kind: 'text', text: 'I look.' },
        { kind: 'tool_call', name: 'weather', callId: 'call_1', json: '{"city":"Ulm"}' },
        { kind: 'tool_call', name: 'time', callId: undefined, json: '{}' },
      ],
      finish: { unified: 'tool_calls', raw: 'stop' },
      tokens: [17, 5, 22],
    });
    const starts = events.filter((event) => event.type === 'block.start');
    expect(starts.map(({ nativeIndex }) => nativeIndex)).toEqual([undefined, 0, undefined]);
  });

  it('of images', () => {
    expect(essence(decode([ollamaLine(1, { images: ['iVBORw0KGgo=', 'AAAA', ''] }), lastOllamaLine(2)]))).toMatchObject(
      {
        blocks: [
          { kind: 'image', media: [['image/png', 'iVBORw0KGgo=']] },
          { kind: 'image', media: [[undefined, 'AAAA']] },
        ],
      },
    );
  });

  it('with log probabilities', () => {
    const logprobs = [{ token: 'Hi', logprob: -0.1, top_logprobs: [] }];
    const events = decode([ollamaLine(1, { content: 'Hi' }, { logprobs }), lastOllamaLine(2)]);
    expect(events.find(({ type }) => type === 'text.delta')).toMatchObject({ logprobs: { content: logprobs } });
  });

  it('keep what nobody knows, next to where it stood', () => {
    const events = decode([
      ollamaLine(1, { content: 'Hi', mood: 'calm' }, { remote_host: 'https://ollama.com' }),
      ollamaLine(2, { tool_calls: [{ type: 'function', function: { name: 'f', arguments: {}, note: 1 } }] }),
      { status: 'loading' },
      lastOllamaLine(3, { vendor: 1 }),
    ]);
    const ofType = (type: AnswerEvent['type']): Json[] =>
      events.filter((event) => event.type === type).map((event) => event.ext?.['ollama'] ?? { ...event });
    expect(ofType('text.delta')).toEqual([
      { created_at: timeOfLine(1), remote_host: 'https://ollama.com', message: { mood: 'calm' } },
    ]);
    expect(ofType('block.start')[1]).toEqual({
      created_at: timeOfLine(2),
      message: { tool_calls: { type: 'function', function: { note: 1 } } },
    });
    expect(ofType('raw')).toEqual([{ type: 'raw', dialect: 'ollama', data: '{"status":"loading"}' }]);
    expect(ofType('finish')).toEqual([{ created_at: timeOfLine(3), vendor: 1 }]);
  });
});

describe('the end', () => {
  it.each<readonly [Json, Json]>([
    [{ done_reason: 'length' }, { unified: 'length', raw: 'length' }],
    [{ done_reason: 'load' }, { unified: 'stop', raw: 'load' }],
    [{ done_reason: 'unload' }, { unified: 'stop', raw: 'unload' }],
    [{ done_reason: 'else' }, { unified: 'stop', raw: 'else' }],
  ])('%j', (fields, reason) => {
    expect(essence(decode([lastOllamaLine(1, fields)]))).toMatchObject({ blocks: [{ kind: 'text' }], finish: reason });
  });

  it('without a reason is one, and says that it was added', () => {
    const { done_reason: _reason, ...bare } = lastOllamaLine(1);
    const finish = decode([ollamaLine(0, { content: 'Hi' }), bare]).find(({ type }) => type === 'finish');
    expect(finish).toMatchObject({ reason: { unified: 'stop' }, synthetic: true });
    expect(decode([ollamaLine(0, { tool_calls: [{ function: { name: 'f' } }] }), bare])).toContainEqual(
      expect.objectContaining({ type: 'finish', reason: { unified: 'tool_calls' }, synthetic: true }),
    );
  });

  it('ends the stream, and what follows is dropped', () => {
    const decoder = open();
    framesOf([ollamaLine(1, { content: 'Hi' })], decoder);
    expect(decoder.terminated).toBe(false);
    framesOf([lastOllamaLine(2)], decoder);
    expect(decoder.terminated).toBe(true);
    expect(framesOf([ollamaLine(3, { content: 'more' }), 'nonsense'], decoder).flatMap(({ events }) => events)).toEqual(
      [],
    );
  });

  it.each([[[]], [[ollamaLine(1, {})]], [[ollamaLine(1, { content: 'Hi' }), ollamaLine(2, { content: 'lo' })]]])(
    'that did not come is none: %#',
    (lines) => {
      const decoder = open();
      framesOf(lines, decoder);
      expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
    },
  );
});

describe('errors', () => {
  it.each<readonly [unknown, string]>([
    [{ error: 'an error was encountered while running the model' }, 'UPSTREAM_ERROR'],
    [{ error: 'busy', status: 503 }, 'UPSTREAM_OVERLOADED'],
    [{ error: 'slow down', status_code: 429 }, 'UPSTREAM_RATE_LIMITED'],
    [{ error: { message: 'Unauthorized', type: 'authentication_error' } }, 'UPSTREAM_AUTH'],
    [ollamaLine(2, { content: 'x' }, { error: 'late' }), 'UPSTREAM_ERROR'],
    ['{"model":', 'UPSTREAM_BAD_FRAME'],
    ['[1]', 'UPSTREAM_BAD_FRAME'],
    ['5', 'UPSTREAM_BAD_FRAME'],
    [{ message: 'Hi', done: false }, 'UPSTREAM_BAD_FRAME'],
    [ollamaLine(2, { tool_calls: ['f'] }), 'UPSTREAM_BAD_FRAME'],
    [`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, 'UPSTREAM_BAD_FRAME'],
  ])('%j is %s', (bad, code) => {
    const decoder = open();
    framesOf([ollamaLine(1, { content: 'Hi' })], decoder);
    expect(() => framesOf([bad], decoder)).toThrow(expect.objectContaining({ code }));
  });

  it('a server that never stops calling is stopped', () => {
    const calls = Array.from({ length: 5_000 }, () => ({ function: { name: 'f', arguments: {} } }));
    expect(() => framesOf([ollamaLine(1, { tool_calls: calls })])).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }),
    );
  });
});

describe('a document', () => {
  const body = (document: unknown): readonly AnswerEvent[] =>
    backend.decodeBody(typeof document === 'string' ? document : JSON.stringify(document), chatRequest());

  it('is a stream in one line', () => {
    const message = {
      content: 'Yes.',
      thinking: 'Hm.',
      tool_calls: [{ id: 'c', function: { name: 'f', arguments: { a: 1 } } }],
    };
    expect(essence(body(ollamaLine(1, message, { done: true, done_reason: 'stop', ...ollamaMetrics })))).toEqual({
      blocks: [
        { kind: 'reasoning', text: 'Hm.' },
        { kind: 'text', text: 'Yes.' },
        { kind: 'tool_call', name: 'f', callId: 'c', json: '{"a":1}' },
      ],
      finish: { unified: 'tool_calls', raw: 'stop' },
      tokens: [17, 5, 22],
    });
  });

  it('without an end is complete, for it came whole', () => {
    expect(essence(body(ollamaLine(1, { content: 'Hi' })))).toMatchObject({ finish: { unified: 'stop' } });
  });

  it.each<readonly [unknown, string]>([
    [{ error: 'no' }, 'UPSTREAM_ERROR'],
    [{ models: [] }, 'UPSTREAM_BAD_CONTENT'],
    [{ done: true }, 'UPSTREAM_BAD_CONTENT'],
    ['<html>', 'UPSTREAM_BAD_CONTENT'],
    ['[]', 'UPSTREAM_BAD_CONTENT'],
  ])('%j is %s', (document, code) => {
    expect(() => body(document)).toThrow(expect.objectContaining({ code }));
  });
});
