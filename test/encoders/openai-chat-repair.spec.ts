import { describe, expect, it } from '@jest/globals';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { encodeContext } from '../support/chat-run.ts';
import { openAiChatClient } from '../translation/clients/openai-chat.ts';

/* What compatible servers do, and official clients don't forgive. */

type Json = Record<string, unknown>;
const chunk = (choice: Json, rest: Json = {}): string =>
  JSON.stringify({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, ...choice }],
    ...rest,
  });
const say = (content: string, rest: Json = {}): string => chunk({ delta: { content } }, rest);
const calling = (...calls: readonly Json[]): string => chunk({ delta: { role: 'assistant', tool_calls: calls } });
const call = (name: string, more: Json = {}): Json => ({
  type: 'function',
  function: { name, arguments: '{"a":1}' },
  ...more,
});
const ended = (reason: string, rest: Json = {}): string => chunk({ delta: {}, finish_reason: reason }, rest);
const opened = chunk({ delta: { role: 'assistant', content: '' } });

/** As the pipe does: bytes of the provider where they may go out, events for all other frames. */
function relay(frames: readonly string[], copies: boolean): string {
  const decoder = new ChatStreamDecoder();
  const stream = openaiChatEncoder.create({}, {}).open(encodeContext());
  let bytes = '';
  for (const data of frames) {
    const frame = decoder.frame('', data);
    if (data === '[DONE]') continue;
    if (copies && frame.transparent && frame.irregular !== true && stream.copies(frame))
      bytes += Buffer.from(`data: ${data}\n\n`).toString('latin1');
    else bytes += frame.events.map((event) => stream.encode(event)).join('');
  }
  return (
    bytes +
    decoder
      .end()
      .map((event) => stream.encode(event))
      .join('') +
    stream.end()
  );
}

describe('a stream with a mistake', () => {
  const one = { id: 'x', name: 'f', arguments: { a: 1 } };
  it.each<readonly [string, readonly string[], Json]>([
    ['no role', [say('a'), say('b'), ended('stop'), '[DONE]'], { text: 'ab', finish: 'stop' }],
    [
      'a call without an index',
      [calling(call('f', { id: 'x' })), ended('tool_calls'), '[DONE]'],
      { toolCalls: [one], finish: 'tool_calls' },
    ],
    [
      'a call without an id',
      [calling(call('f', { index: 0 })), ended('tool_calls'), '[DONE]'],
      { toolCalls: [{ ...one, id: 'call_run-1_0' }], finish: 'tool_calls' },
    ],
    [
      'a call without a type',
      [calling({ index: 0, id: 'x', function: { name: 'f', arguments: '{"a":1}' } }), ended('tool_calls'), '[DONE]'],
      { toolCalls: [one], finish: 'tool_calls' },
    ],
    [
      'two calls under one index',
      [
        calling(call('f', { index: 0, id: 'x' })),
        calling(call('g', { index: 0, id: 'y' })),
        ended('tool_calls'),
        '[DONE]',
      ],
      { toolCalls: [one, { ...one, id: 'y', name: 'g' }], finish: 'tool_calls' },
    ],
    [
      'calls that are counted from one',
      [calling(call('f', { index: 1, id: 'x' })), ended('tool_calls'), '[DONE]'],
      { toolCalls: [one], finish: 'tool_calls' },
    ],
    [
      'another id and model in every chunk',
      [opened, say('a', { id: 'c2' }), say('b', { id: 'c3', model: 'n' }), ended('stop', { id: 'c4' }), '[DONE]'],
      { text: 'ab', finish: 'stop' },
    ],
    [
      'no id and no model',
      [say('a', { id: '', model: '' }), say('b', { id: '', model: '' }), ended('stop', { id: '' }), '[DONE]'],
      { text: 'ab', finish: 'stop' },
    ],
    ['a terminator and no finish reason', [opened, say('a'), say('b'), '[DONE]'], { text: 'ab', finish: 'stop' }],
    [
      'a call, a terminator and no finish reason',
      [calling(call('f', { index: 0, id: 'x' })), '[DONE]'],
      { toolCalls: [one], finish: 'tool_calls' },
    ],
    ['a finish reason and no terminator', [opened, say('a'), say('b'), ended('stop')], { text: 'ab', finish: 'stop' }],
    [
      'a message in place of a delta',
      [chunk({ message: { role: 'assistant', content: 'ab' }, finish_reason: 'stop' }), '[DONE]'],
      { text: 'ab', finish: 'stop' },
    ],
    [
      'content in parts',
      [chunk({ delta: { role: 'assistant', content: [{ type: 'text', text: 'ab' }] } }), ended('stop'), '[DONE]'],
      { text: 'ab', finish: 'stop' },
    ],
  ])('%s: is whole for a strict client, copied or not', (_title, frames, answer) => {
    for (const copies of [true, false])
      expect(openAiChatClient.readStream(Buffer.from(relay(frames, copies), 'latin1'))).toMatchObject({
        answer,
        end: 'ok',
      });
  });

  it('that only breaks off stays broken', () => {
    expect(() => relay([opened, say('a')], true)).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
  });
});
