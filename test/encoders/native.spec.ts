import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, TextTemplate } from '../../src/kernel/event.ts';
import { escapeJsonText } from '../../src/kernel/json/json-text.ts';
import { nativeParser } from '../../src/parsers/native.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';
import { readNativeStream } from '../support/native-reader.ts';

const native = nativeEncoder.create({}, {});
const open = () => native.open(encodeContext(chatRequest({ dialect: 'native', model: 'gpt' })));
const template: TextTemplate = { dialect: 'openai-chat', before: 'data: {"c":"', after: '"}\n\n' };
const start: AnswerEvent = { type: 'stream.start', requestId: 'run-1', pipeline: 'support', dialect: 'native' };
const block: AnswerEvent = { type: 'block.start', blockId: 'a', kind: 'text', role: 'assistant' };
const say = (text: string, more = {}): AnswerEvent =>
  ({ type: 'text.delta', blockId: 'a', role: 'assistant', text, ...more }) as AnswerEvent;

describe('a stream', () => {
  it('numbers, names and times its events', () => {
    const stream = open();
    expect([start, block, say('Hé')].map((event) => stream.encode(event)).join('') + stream.end()).toBe(
      [
        'id: 1\nevent: stream.start\ndata: {"type":"stream.start","seq":1,"t":0,"requestId":"run-1","pipeline":"support","dialect":"native"}',
        'id: 2\nevent: block.start\ndata: {"type":"block.start","seq":2,"t":0,"blockId":"a","kind":"text","role":"assistant"}',
        'id: 3\nevent: text.delta\ndata: {"type":"text.delta","seq":3,"t":0,"blockId":"a","role":"assistant","text":"H\xc3\xa9"}',
        'id: 4\nevent: stream.end\ndata: {"type":"stream.end","seq":4,"t":0,"outcome":"ok"}',
      ]
        .map((frame) => `${frame}\n\n`)
        .join(''),
    );
  });

  it('begins with stream.start whatever comes first, and ends once', () => {
    const stream = open();
    const reading = readNativeStream(
      Buffer.from(
        stream.encode(block) +
          stream.encode({ type: 'stream.end', outcome: 'ok' }) +
          stream.end() +
          stream.fail(new SluiceError('INTERNAL')) +
          stream.encode(block),
        'latin1',
      ),
    );
    expect(reading.types).toEqual(['stream.start', 'block.start', 'stream.end']);
    expect(reading.events[0]).toMatchObject({
      requestId: 'run-1',
      pipeline: 'support',
      revision: 'r1',
      requestedModel: 'gpt',
    });
  });

  it('fails with an error event and its end', () => {
    const stream = open();
    const bytes =
      [start, block, say('x')].map((event) => stream.encode(event)).join('') +
      stream.fail(new SluiceError('UPSTREAM_RATE_LIMITED', { retryAfterSeconds: 3 }));
    const reading = readNativeStream(Buffer.from(bytes, 'latin1'));
    expect(reading.error).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      status: 429,
      retryable: true,
      retryAfterSeconds: 3,
      phase: 'mid-stream',
      partial: true,
    });
    expect(reading.outcome).toBe('error');
    expect(reading.afterTerminal).toBe(0);
  });

  it('shows no frame of a provider, and no words of another dialect', () => {
    const stream = open();
    const bytes = [
      start,
      block,
      say('x', { template }),
      say('y', { template, ext: { d: { a: 1 } } }),
      { type: 'raw', dialect: 'openai-chat', data: '{}' } as AnswerEvent,
    ]
      .map((event) => stream.encode(event))
      .join('');
    expect(bytes).not.toContain('template');
    expect(readNativeStream(Buffer.from(bytes, 'latin1')).types).toEqual([
      'stream.start',
      'block.start',
      'text.delta',
      'text.delta',
    ]);
  });

  it('writes an event without fields as valid JSON', () => {
    expect(readNativeStream(Buffer.from(open().encode({ type: 'response.meta' }), 'latin1')).malformed).toEqual([]);
  });

  it('writes text the same on the fast way', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.constantFrom(undefined, 3),
        fc.string({ minLength: 1 }),
        (text, choice, blockId) => {
          const more = choice === undefined ? {} : { choice };
          const [slow, fast] = [open(), open()];
          for (const stream of [slow, fast]) stream.encode({ ...block, blockId, ...more } as AnswerEvent);
          expect(fast.encodeText(blockId, template, escapeJsonText(text))).toBe(
            slow.encode(say(text, { blockId, template, ...more })),
          );
        },
      ),
    );
  });
});

describe('an answer in one document', () => {
  const answerOf = (events: readonly AnswerEvent[]): unknown => {
    const fold = new AnswerFold();
    for (const event of events) fold.push(event);
    return native.encodeAnswer(fold.answer, encodeContext(chatRequest({ dialect: 'native' })));
  };
  const tool: AnswerEvent = {
    type: 'block.start',
    blockId: 'c',
    kind: 'tool_call',
    role: 'assistant',
    name: 'f',
    callId: 'x',
  };
  const events: readonly AnswerEvent[] = [
    { type: 'response.meta', model: 'm' },
    { ...block, blockId: 'r', kind: 'reasoning' } as AnswerEvent,
    say('why', { blockId: 'r' }),
    block,
    say('Hi'),
    tool,
    { type: 'toolArgs.delta', blockId: 'c', json: '{}' },
    { type: 'finish', reason: { unified: 'tool_calls', raw: 'tool_calls' } },
    { type: 'usage', input: { total: 1 }, total: 1, raw: { secret: 1 } },
  ];

  it('is short', () => {
    expect(answerOf(events)).toEqual({
      id: 'run-1',
      pipeline: 'support',
      model: 'm',
      message: {
        role: 'assistant',
        content: 'Hi',
        reasoning: 'why',
        toolCalls: [{ id: 'x', name: 'f', arguments: '{}' }],
      },
      finishReason: 'tool_calls',
      usage: { input: { total: 1 }, total: 1 },
    });
  });

  it('gives a call without an id one of the run, as the stream does', () => {
    const unnamed: AnswerEvent = { type: 'block.start', blockId: 'c', kind: 'tool_call', role: 'assistant', name: 'f' };
    const stream = native.open(encodeContext(chatRequest({ dialect: 'native' })));
    expect(stream.encode(unnamed)).toContain('"callId":"call_run-1_c"');
    expect(answerOf([unnamed])).toMatchObject({ message: { toolCalls: [{ id: 'call_run-1_c' }] } });
  });

  it('has a message that a next request takes', () => {
    const { message } = answerOf(events) as { message: unknown };
    expect(
      nativeParser
        .create({}, {})
        .parse({ messages: [message] })
        .messages[0]?.content.map(({ kind }) => kind),
    ).toEqual(['reasoning', 'text', 'tool_call']);
  });

  it('lists several choices', () => {
    expect(
      answerOf([
        block,
        say('a'),
        { ...block, blockId: 'b', choice: 1 } as AnswerEvent,
        say('b', { blockId: 'b', choice: 1 }),
      ]),
    ).toMatchObject({
      message: { content: 'a' },
      choices: [
        { index: 0, message: { content: 'a' } },
        { index: 1, message: { content: 'b' } },
      ],
    });
  });
});

describe('an error', () => {
  it('is a problem document', () => {
    expect(
      native.encodeError(
        new SluiceError('REQUEST_INVALID', { details: { field: 'messages', reason: 'is missing' } }),
        'r1',
      ),
    ).toEqual({
      contentType: 'application/problem+json',
      body: {
        type: 'urn:sluice:error:REQUEST_INVALID',
        title: 'The request is not valid',
        status: 400,
        detail: 'messages: is missing',
        code: 'REQUEST_INVALID',
        requestId: 'r1',
        retryable: false,
      },
    });
  });
});
