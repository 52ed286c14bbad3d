import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import type { RecordedFrame } from './recorded-streams.ts';

type Json = Record<string, unknown>;

/** One frame of the format: the document, under the name of its type. */
export const frame = (type: string, fields: Json = {}): RecordedFrame => ({
  event: type,
  data: JSON.stringify({ type, ...fields }),
});
export const messageStart = (fields: Json = {}): RecordedFrame =>
  frame('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1 },
      ...fields,
    },
  });
export const blockStart = (index: number, block: Json): RecordedFrame =>
  frame('content_block_start', { index, content_block: block });
export const textStart = (index = 0): RecordedFrame => blockStart(index, { type: 'text', text: '' });
export const blockDelta = (index: number, delta: Json): RecordedFrame => frame('content_block_delta', { index, delta });
export const textDelta = (text: string, index = 0): RecordedFrame => blockDelta(index, { type: 'text_delta', text });
export const blockStop = (index = 0): RecordedFrame => frame('content_block_stop', { index });
export const messageDelta = (reason: string | null = 'end_turn', delta: Json = {}, fields: Json = {}): RecordedFrame =>
  frame('message_delta', {
    delta: { stop_reason: reason, stop_sequence: null, ...delta },
    usage: { output_tokens: 5 },
    ...fields,
  });
export const messageStop = frame('message_stop');
/** The frames around the blocks of an answer. */
export const message = (...blocks: readonly RecordedFrame[]): readonly RecordedFrame[] => [
  messageStart(),
  ...blocks,
  messageDelta(),
  messageStop,
];

interface Reading {
  readonly events: readonly AnswerEvent[];
  /** Code of the error that it ended with. */
  readonly error: string | undefined;
  readonly terminated: boolean;
}

/** What the decoder makes of the frames; an end of the connection follows them. */
export function read(frames: readonly RecordedFrame[]): Reading {
  const decoder = new MessageStreamDecoder();
  const events: AnswerEvent[] = [];
  let error: string | undefined;
  try {
    for (const { event, data } of frames) events.push(...decoder.frame(event, data).events);
    events.push(...decoder.end());
  } catch (thrown) {
    error = (thrown as SluiceError).code ?? String(thrown);
  }
  return { events, error, terminated: decoder.terminated };
}

/** The events of a stream that is complete, in an order that is allowed. */
export function decode(...frames: readonly RecordedFrame[]): readonly AnswerEvent[] {
  const { events, error } = read(frames);
  if (error !== undefined) throw new Error(`the stream ended with ${error}`);
  const order = new EventOrder();
  for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
  return events;
}

export function foldOf(events: readonly AnswerEvent[]): ChatAnswer {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  return fold.answer;
}

export function ofType<T extends AnswerEvent['type']>(
  events: readonly AnswerEvent[],
  type: T,
): readonly EventOfType<T>[] {
  return events.filter((event): event is EventOfType<T> & AnswerEvent => event.type === type);
}

/** The bytes of the frames as a provider sends them. */
export const bytesOf = (frames: readonly RecordedFrame[]): string =>
  frames.map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`).join('');
