import { describe, expect, it } from '@jest/globals';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { chatRequest } from '../support/chat-run.ts';
import { backend, decode, framesOf, open } from '../support/cohere-answers.ts';
import {
  begin,
  callDelta,
  callEnd,
  callStart,
  end,
  endOf,
  frame,
  piece,
  plan,
  start,
  usage,
} from '../support/cohere-frames.ts';

type Json = Record<string, unknown>;

const done = '[DONE]';

/** What a reader of the answer sees. */
function essence(events: readonly AnswerEvent[]): unknown {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  const { choices, usage: counts } = fold.answer;
  return {
    blocks: choices[0]?.blocks.map(({ kind, text, arguments: json, start: { name, callId } }) => ({
      kind,
      ...(text !== '' && { text }),
      ...(json !== '' && { name, callId, json }),
    })),
    finish: choices[0]?.finish?.reason,
    tokens: [counts?.input?.total, counts?.input?.cacheRead, counts?.output?.total, counts?.total],
  };
}

const text = [start, begin(0), piece(0, 'Hel'), piece(0, 'lo'), endOf(0), end(), done];
const tokens = [17, 12, 4, 21];

describe('a stream', () => {
  it('of text', () => {
    const events = decode(text);
    expect(events[0]).toEqual({
      type: 'response.meta',
      provider: 'cohere',
      model: 'command-a',
      role: 'assistant',
      responseId: 'a-1',
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
    expect(events.at(-1)).toMatchObject({ input: { total: 17, cacheRead: 12, noCache: 5 }, final: true, raw: usage });
    expect(essence(events)).toEqual({
      blocks: [{ kind: 'text', text: 'Hello' }],
      finish: { unified: 'stop', raw: 'COMPLETE' },
      tokens,
    });
  });

  it('of thinking and text', () => {
    const frames = [
      start,
      begin(0, 'thinking'),
      piece(0, 'Hm', 'thinking'),
      endOf(0),
      begin(1),
      piece(1, 'Yes'),
      endOf(1),
    ];
    expect(essence(decode([...frames, end(), done]))).toMatchObject({
      blocks: [
        { kind: 'reasoning', text: 'Hm' },
        { kind: 'text', text: 'Yes' },
      ],
    });
  });

  it('of a plan and calls, one of them without arguments', () => {
    const frames = [
      start,
      plan('I '),
      plan('look.'),
      callStart(0, 'weather'),
      callDelta(0, '{"city":'),
      callDelta(0, '"Ulm"}'),
      callEnd(0),
      callStart(1, 'time'),
      callEnd(1),
      callStart(2, 'day', '{"a":1}'),
      end('TOOL_CALL'),
      done,
    ];
    expect(essence(decode(frames))).toEqual({
      blocks: [
        { kind: 'reasoning', text: 'I look.' },
        { kind: 'tool_call', name: 'weather', callId: 'weather_1', json: '{"city":"Ulm"}' },
        { kind: 'tool_call', name: 'time', callId: 'time_1', json: '{}' },
        { kind: 'tool_call', name: 'day', callId: 'day_1', json: '{"a":1}' },
      ],
      finish: { unified: 'tool_calls', raw: 'TOOL_CALL' },
      tokens,
    });
  });

  it('of calls that run side by side', () => {
    const frames = [
      start,
      callStart(0, 'a'),
      callStart(1, 'b'),
      callDelta(1, '{"x":1}'),
      callDelta(0, '{"y":2}'),
      callEnd(1),
      callEnd(0),
      end('TOOL_CALL'),
    ];
    expect(essence(decode([...frames, done]))).toMatchObject({
      blocks: [
        { name: 'a', json: '{"y":2}' },
        { name: 'b', json: '{"x":1}' },
      ],
    });
  });

  it.each([
    ['COMPLETE', 'stop'],
    ['STOP_SEQUENCE', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['TOOL_CALL', 'tool_calls'],
    ['ERROR', 'error'],
    ['TIMEOUT', 'error'],
    ['ERROR_TOXIC', 'content_filter'],
    ['ELSE', 'stop'],
  ])('that ended with %s', (raw, unified) => {
    expect(essence(decode([start, begin(0), piece(0, 'x'), end(raw), done]))).toMatchObject({
      finish: { unified, raw },
    });
  });

  it('whose reason is missing says that one was added', () => {
    const finishOf = (frames: readonly unknown[]): unknown => decode(frames).find(({ type }) => type === 'finish');
    expect(finishOf([start, begin(0), piece(0, 'x'), end(''), done])).toMatchObject({
      reason: { unified: 'stop' },
      synthetic: true,
    });
    expect(finishOf([start, callStart(0, 'f'), callEnd(0), done])).toMatchObject({
      reason: { unified: 'tool_calls' },
      synthetic: true,
    });
  });

  it('is complete without [DONE] behind the end of the message, and never before it', () => {
    expect(essence(decode(text.slice(0, -1)))).toEqual(essence(decode(text)));
    for (let length = 0; length < text.length - 2; length += 1) {
      const decoder = open();
      framesOf(text.slice(0, length), decoder);
      expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
    }
  });

  it('is over at [DONE]', () => {
    const decoder = open();
    framesOf(text, decoder);
    expect(decoder.terminated).toBe(true);
    expect(framesOf(['nonsense', piece(0, 'more')], decoder).flatMap(({ events }) => events)).toEqual([]);
  });

  it('passes on what nobody knows', () => {
    const [only] = framesOf([{ type: 'debug', prompt: 'x' }]);
    expect(only).toEqual({
      events: [{ type: 'raw', dialect: 'cohere', event: 'debug', data: '{"type":"debug","prompt":"x"}' }],
      transparent: false,
    });
  });
});

describe('a citation', () => {
  const citation = {
    start: 0,
    end: 5,
    text: 'Hello',
    sources: [
      { type: 'document', id: 'd1', document: { title: 'Doc', url: 'https://e.example', snippet: 'Hello there' } },
    ],
    type: 'TEXT_CONTENT',
  };
  const cite = (fields: Json = {}): Json => frame('citation-start', { citations: { ...citation, ...fields } }, 0);

  it('is on the text, also when that had ended', () => {
    const expected = {
      type: 'annotation',
      blockId: 'b0',
      annotation: citation,
      dialect: 'cohere',
      url: 'https://e.example',
      title: 'Doc',
      citedText: 'Hello there',
      start: 0,
      end: 5,
      unit: 'codepoint',
    };
    const citationEnd = frame('citation-end', undefined, 0);
    expect(decode([start, begin(0), piece(0, 'Hello'), cite(), citationEnd, endOf(0), end(), done])).toContainEqual(
      expected,
    );
    expect(decode([start, begin(0), piece(0, 'Hello'), endOf(0), cite(), citationEnd, end(), done])).toContainEqual(
      expected,
    );
  });

  it('of a plan is on the plan', () => {
    const events = decode([start, plan('I look.'), cite({ type: 'PLAN' }), callStart(0, 'f'), end('TOOL_CALL'), done]);
    expect(events.find(({ type }) => type === 'annotation')).toMatchObject({ blockId: 'b0' });
  });

  it('of what is not open is passed on as it is', () => {
    const events = decode([start, begin(1), piece(1, 'x'), cite({ content_index: 0 }), end(), done]);
    expect(events.filter(({ type }) => type === 'annotation' || type === 'raw')).toEqual([
      expect.objectContaining({ type: 'raw', dialect: 'cohere', event: 'citation-start' }),
    ]);
  });
});

describe('errors', () => {
  it.each<readonly [unknown, string]>([
    [end('ERROR', { error: 'generation failed' }), 'UPSTREAM_ERROR'],
    [{ message: 'internal server error', id: 'x' }, 'UPSTREAM_ERROR'],
    [{ error: { message: 'slow down', status_code: 429 } }, 'UPSTREAM_RATE_LIMITED'],
    ['{"type":', 'UPSTREAM_BAD_FRAME'],
    ['[]', 'UPSTREAM_BAD_FRAME'],
    [frame('content-start', {}, 0), 'UPSTREAM_BAD_FRAME'],
    [callDelta(7, '{}'), 'UPSTREAM_BAD_FRAME'],
  ])('%j is %s', (bad, code) => {
    const decoder = open();
    framesOf([start, begin(0), piece(0, 'x')], decoder);
    expect(() => framesOf([bad], decoder)).toThrow(expect.objectContaining({ code }));
  });

  it('an event that is named error is one', () => {
    expect(() => open().frame('error', '{"message":"no"}')).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_ERROR' }),
    );
  });

  it('an end that is an error, with nothing before it, is no answer', () => {
    for (const reason of ['ERROR', 'TIMEOUT'])
      expect(() => framesOf([start, end(reason)])).toThrow(expect.objectContaining({ code: 'UPSTREAM_ERROR' }));
  });

  it('a provider that never stops calling is stopped', () => {
    const calls = Array.from({ length: 5_000 }, (_none, index) => callStart(index, 'f'));
    expect(() => framesOf(calls)).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }));
  });
});

describe('a document', () => {
  const body = (document: unknown): readonly AnswerEvent[] =>
    backend.decodeBody(typeof document === 'string' ? document : JSON.stringify(document), chatRequest());

  it('has the plan, the content, the citations and the calls', () => {
    const citation = { start: 0, end: 2, text: 'Hi', sources: [], type: 'TEXT_CONTENT' };
    const events = body({
      id: 'a-1',
      finish_reason: 'TOOL_CALL',
      message: {
        role: 'assistant',
        tool_plan: 'I look.',
        content: [
          { type: 'thinking', thinking: 'Hm' },
          { type: 'text', text: 'Hi' },
        ],
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        citations: [citation, { ...citation, type: 'PLAN' }],
      },
      usage,
    });
    expect(essence(events)).toEqual({
      blocks: [
        { kind: 'reasoning', text: 'I look.' },
        { kind: 'reasoning', text: 'Hm' },
        { kind: 'text', text: 'Hi' },
        { kind: 'tool_call', name: 'f', callId: 'c1', json: '{"a":1}' },
      ],
      finish: { unified: 'tool_calls', raw: 'TOOL_CALL' },
      tokens,
    });
    const cited = events.filter((event) => event.type === 'annotation').map(({ blockId }) => blockId);
    expect(cited).toEqual(['b0', 'b2']);
    const order = new EventOrder();
    for (const event of events) order.accept(event);
  });

  it('may have its text as a string, or none', () => {
    expect(essence(body({ message: { content: 'Hi' }, finish_reason: 'COMPLETE' }))).toMatchObject({
      blocks: [{ kind: 'text', text: 'Hi' }],
    });
    expect(essence(body({ message: {} }))).toMatchObject({ blocks: [{ kind: 'text' }], finish: { unified: 'stop' } });
  });

  it.each<readonly [unknown, string]>([
    [{ message: 'no such model' }, 'UPSTREAM_ERROR'],
    [{ text: 'v1' }, 'UPSTREAM_BAD_CONTENT'],
    ['<html>', 'UPSTREAM_BAD_CONTENT'],
    ['[]', 'UPSTREAM_BAD_CONTENT'],
  ])('%j is %s', (document, code) => {
    expect(() => body(document)).toThrow(expect.objectContaining({ code }));
  });
});
