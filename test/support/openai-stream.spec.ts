import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readOpenAiStream } from './openai-reader.ts';
import {
  answerBody,
  answerFrames,
  commentFrame,
  doneFrame,
  errorFrame,
  finishFrame,
  refusalFrame,
  roleFrame,
  sseFrame,
  textFrame,
  toolCallFrames,
  usageFrame,
} from './openai-stream.ts';

const read = (...frames: readonly string[]): ReturnType<typeof readOpenAiStream> =>
  readOpenAiStream(Buffer.from(frames.join('')));

describe('openai stream', () => {
  it('writes a whole answer and reads it back', () => {
    const plan = {
      text: ['Hel', 'lo'],
      toolCalls: [{ id: 'call_1', name: 'weather', arguments: ['{"city":', '"Ulm"}'] }],
      usage: { prompt: 3, completion: 4 },
    };
    expect(read(...answerFrames(plan))).toMatchObject({
      role: 'assistant',
      text: 'Hello',
      toolCalls: [{ index: 0, id: 'call_1', name: 'weather', arguments: '{"city":"Ulm"}' }],
      finishReason: 'tool_calls',
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
      done: true,
      terminals: ['done'],
      afterTerminal: 0,
      error: undefined,
      malformed: [],
      tail: '',
      validUtf8: true,
    });
    expect(answerBody(plan)).toMatchObject({
      object: 'chat.completion',
      choices: [
        {
          message: { content: 'Hello', tool_calls: [{ function: { arguments: '{"city":"Ulm"}' } }] },
          finish_reason: 'tool_calls',
        },
      ],
      usage: { total_tokens: 7 },
    });
  });

  it('reads any text back, and calls that arrive interleaved', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.string()), (text, pieces) => {
        const one = toolCallFrames(0, { id: 'a', name: 'f', arguments: pieces });
        const two = toolCallFrames(1, { id: 'b', name: 'g', arguments: pieces });
        const reading = read(
          ...text.map((piece) => textFrame(piece)),
          ...one.flatMap((frame, index) => [frame, two[index] ?? '']),
        );
        expect(reading.text).toBe(text.join(''));
        expect(reading.toolCalls.map((call) => call.arguments)).toEqual([pieces.join(''), pieces.join('')]);
      }),
    );
  });

  it.each([
    [
      'an error',
      [roleFrame(), textFrame('a'), errorFrame({ message: 'no', code: 'UPSTREAM_RESET' })],
      { terminals: ['error'], done: false, error: { message: 'no', code: 'UPSTREAM_RESET' } },
    ],
    ['no end', [textFrame('a')], { terminals: [], finishReason: undefined, text: 'a' }],
    ['two ends', [doneFrame, errorFrame({ message: 'late' })], { terminals: ['done', 'error'], afterTerminal: 1 }],
    ['a heartbeat behind the end', [doneFrame, commentFrame('hb')], { afterTerminal: 1, comments: ['hb'] }],
    ['a cut frame', [textFrame('a'), 'data: {"cho'], { text: 'a', tail: 'data: {"cho' }],
    ['a frame that is no JSON', ['data: {"cho\n\n'], { malformed: ['{"cho'] }],
    ['comments', [commentFrame('hb'), textFrame('a'), commentFrame('hb')], { comments: ['hb', 'hb'], text: 'a' }],
    ['a refusal', [refusalFrame('I '), refusalFrame("can't"), finishFrame('stop')], { refusal: "I can't", text: '' }],
    ['usage without choices', [usageFrame({ prompt: 1, completion: 2 })], { usage: { prompt_tokens: 1 } }],
    [
      'several choices',
      [textFrame('a'), textFrame('b', { choice: 1 })],
      {
        text: 'a',
        texts: new Map([
          [0, 'a'],
          [1, 'b'],
        ]),
      },
    ],
  ])('reads %s', (_name, frames, expected) => {
    expect(read(...frames)).toMatchObject(expected);
  });

  it('tells bytes that are no UTF-8', () => {
    expect(
      readOpenAiStream(Buffer.concat([Buffer.from('data: '), Buffer.of(0xc3), Buffer.from('\n\n')])).validUtf8,
    ).toBe(false);
  });

  it('writes data of several lines so that it stays one frame', () => {
    expect(sseFrame('a\nb\r\nc', 'note')).toBe('event: note\ndata: a\ndata: b\ndata: c\n\n');
  });
});
