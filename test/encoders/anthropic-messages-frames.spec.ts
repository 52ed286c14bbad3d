import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import type { DecodedFrame, StreamEncoder } from '../../src/kernel/component.ts';
import type { AnswerEvent, TextTemplate } from '../../src/kernel/event.ts';
import { escapeJsonText } from '../../src/kernel/json/json-text.ts';
import { sseFrame } from '../../src/kernel/sse-frame.ts';
import {
  type Json,
  framesOf,
  read,
  open,
  foreign,
  own,
  start,
  call,
  say,
  input,
  end,
} from '../support/message-stream.ts';
import { hasRecordedStreams, recordedStreams } from '../support/recorded-streams.ts';

describe('the fast way', () => {
  const anyText = fc.oneof(fc.string(), fc.constantFrom('"', '\\', '\n', 'é', '😀', '\ud83d'));
  const template: TextTemplate = {
    dialect: 'anthropic-messages',
    before:
      'event: content_block_delta\ndata: {"index":0,"type":"content_block_delta","delta":{"type":"text_delta","text":"',
    after: '"} }\n\n',
  };

  it.each<readonly [string, readonly AnswerEvent[]]>([
    ['a block of this format', [own, start('a', 'text', { nativeIndex: 0 })]],
    [
      'a block in another place',
      [own, start('x', 'text'), say('x', '1'), end('x'), start('a', 'text', { nativeIndex: 0 })],
    ],
    ['a block of another format', [foreign, start('a', 'reasoning')]],
    ['a text that was interrupted', [foreign, start('a', 'text'), say('a', '1'), call('t', 'f'), input('t', '{}')]],
    ['a text that waits', [foreign, start('a', 'text'), say('a', '1'), call('t', 'f'), input('t', '{')]],
  ])('writes what the slow way writes: %s', (_name, before) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyText, fc.boolean()), { maxLength: 6 }), (pieces) => {
        const slow = open();
        const fast = open();
        const write = (stream: StreamEncoder, isFast: boolean): string =>
          [
            ...before.map((event) => stream.encode(event)),
            ...pieces.map(([text, isEvent]) =>
              isFast && !isEvent
                ? stream.encodeText('a', template, escapeJsonText(text))
                : stream.encode({ ...say('a', text), template } as AnswerEvent),
            ),
            stream.end(),
          ].join('');
        expect(write(fast, true)).toBe(write(slow, false));
      }),
    );
  });

  it('uses the frame of the provider only while it names the right place', () => {
    const stream = open();
    for (const event of [own, start('a', 'text', { nativeIndex: 0 })]) stream.encode(event);
    expect(stream.encodeText('a', template, 'x')).toBe(`${template.before}x${template.after}`);
    stream.encode(end('a'));
    stream.encode(start('b', 'text', { nativeIndex: 7 }));
    expect(stream.encodeText('b', template, 'x')).toContain('"index":1');
    expect(stream.encodeText('unknown', template, 'x')).toBe('');
  });
});

/** The frames of a provider, decoded. */
function decode(frames: readonly { readonly event: string; readonly data: string }[]): {
  readonly decoded: readonly (DecodedFrame & { readonly bytes: string })[];
  readonly last: readonly AnswerEvent[];
} {
  const decoder = new MessageStreamDecoder();
  const decoded = frames.map(({ event, data }) => ({ ...decoder.frame(event, data), bytes: sseFrame(data, event) }));
  return { decoded, last: decoder.terminated ? [] : decoder.end() };
}

/** Writes decoded frames as an engine does: copies where it may and `wants` to, else encodes. */
function relay(
  { decoded, last }: ReturnType<typeof decode>,
  wants: (index: number) => boolean,
  inserted: readonly AnswerEvent[] = [],
): { readonly bytes: string; readonly copied: number } {
  const stream = open();
  let copied = 0;
  const before = inserted.map((event) => stream.encode(event)).join('');
  const parts = decoded.map((frame, index) => {
    if (frame.events.length === 0 && frame.opens === undefined) return '';
    if (wants(index) && stream.copies(frame)) {
      copied += 1;
      return frame.bytes;
    }
    return frame.events.map((event) => stream.encode(event)).join('');
  });
  const rest = last.map((event) => stream.encode(event)).join('');
  return { bytes: before + parts.join('') + rest + stream.end(), copied };
}

const named = (type: string, fields: Json): { readonly event: string; readonly data: string } => ({
  event: type,
  data: JSON.stringify({ type, ...fields }),
});
const provided = [
  named('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 1, service_tier: 'standard' },
    },
  }),
  named('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
  named('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }),
  named('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'abc' } }),
  named('content_block_stop', { index: 0 }),
  named('ping', {}),
  named('content_block_start', { index: 1, content_block: { type: 'text', text: '' } }),
  named('content_block_delta', { index: 1, delta: { type: 'text_delta', text: 'Hé' } }),
  named('content_block_delta', { index: 1, delta: { type: 'text_delta', text: 'llo' } }),
  named('content_block_stop', { index: 1 }),
  named('content_block_start', { index: 2, content_block: { type: 'tool_use', id: 't1', name: 'f', input: {} } }),
  named('content_block_delta', { index: 2, delta: { type: 'input_json_delta', partial_json: '' } }),
  named('content_block_delta', { index: 2, delta: { type: 'input_json_delta', partial_json: '{"a":1}' } }),
  named('content_block_stop', { index: 2 }),
  named('message_delta', {
    delta: { stop_reason: 'tool_use', stop_sequence: null, stop_details: null },
    usage: { output_tokens: 9 },
  }),
  named('message_stop', {}),
];
const providedMessage = {
  id: 'msg_1',
  model: 'claude',
  content: [
    { type: 'thinking', thinking: 'hm', signature: 'abc' },
    { type: 'text', text: 'Héllo' },
    { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } },
  ],
  stop_reason: 'tool_use',
  stop_sequence: null,
  stop_details: null,
  usage: { input_tokens: 3, output_tokens: 9, service_tier: 'standard' },
};

describe('frames of a provider of this format', () => {
  it('go out as they came', () => {
    const { bytes } = relay(decode(provided), () => true);
    const kept = provided.filter(({ event, data }) => event !== 'ping' && !data.includes('"partial_json":""'));
    expect(bytes).toBe(kept.map(({ event, data }) => sseFrame(data, event)).join(''));
  });

  it('say the same, whichever of them are written anew', () => {
    const decoded = decode(provided);
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: provided.length, maxLength: provided.length }), (wants) => {
        expect(read(relay(decoded, (index) => wants[index] === true).bytes)).toMatchObject(providedMessage);
      }),
    );
  });

  it('are given their new places behind a block that a step inserted', () => {
    const inserted = [start('x', 'text'), say('x', 'Note.'), end('x')];
    const { bytes, copied } = relay(decode(provided), () => true, inserted);
    // The end of the message names no place.
    expect(copied).toBe(1);
    expect(read(bytes)['content']).toEqual([{ type: 'text', text: 'Note.' }, ...providedMessage.content]);
  });

  it('are given their new places behind a block that a step took out', () => {
    const { decoded, last } = decode(provided);
    const without = decoded.filter(
      ({ events }) => !events.some((event) => 'blockId' in event && event.blockId === 'b0'),
    );
    expect(read(relay({ decoded: without, last }, () => true).bytes)['content']).toEqual(
      providedMessage.content.slice(1),
    );
  });

  it('are written anew where they lack their names', () => {
    const { bytes, copied } = relay(decode(provided.map(({ data }) => ({ event: '', data }))), () => true);
    expect(copied).toBe(0);
    expect(read(bytes)).toMatchObject(providedMessage);
  });

  it('are followed by the reason again, where something came after it', () => {
    const { decoded } = decode(provided);
    const stream = open();
    const before = decoded.map((frame, index) =>
      stream.copies(frame) ? sseFrame(provided[index]?.data ?? '', provided[index]?.event) : '',
    );
    const late = [start('x', 'text'), say('x', 'Note.'), end('x')].map((event) => stream.encode(event));
    const bytes = [...before, ...late, stream.end()].join('');
    expect(framesOf(bytes).filter(({ event }) => event === 'message_delta')).toHaveLength(2);
    expect(read(bytes)).toMatchObject({ stop_reason: 'tool_use', usage: { output_tokens: 9 } });
  });
});

/** True for a message that its provider brought to its end, with each block ended. */
function isComplete(frames: readonly { readonly event: string }[]): boolean {
  const count = (name: string): number => frames.filter(({ event }) => event === name).length;
  return frames.at(-1)?.event === 'message_stop' && count('content_block_start') === count('content_block_stop');
}

(hasRecordedStreams ? describe : describe.skip)('recorded streams (skipped where there are none)', () => {
  const streams = recordedStreams(['anthropic']).filter(({ frames }) => isComplete(frames));

  it.each(streams.map((stream) => [stream.name, stream] as const))(
    '%s says the same, copied and written',
    (_name, stream) => {
      const kept = stream.frames.filter(({ event }) => event !== 'ping');
      const direct = read(kept.map(({ event, data }) => sseFrame(data.trim(), event)).join(''));
      const decoded = decode(stream.frames);
      const copied = relay(decoded, () => true);
      const seen = (message: Json): Json => {
        const { stop_details: _details, ...rest } = message;
        return rest;
      };
      expect(copied.copied).toBeGreaterThan(0);
      expect(seen(read(copied.bytes))).toMatchObject(seen(direct));
      expect(seen(read(relay(decoded, () => false).bytes))).toMatchObject(seen(direct));
      expect(seen(read(relay(decoded, (index) => index % 3 === 0).bytes))).toMatchObject(seen(direct));
    },
  );
});
