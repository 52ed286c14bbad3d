import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';

export type Json = Record<string, unknown>;
export const head = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' };
export const chunk = (delta: Json, rest: Json = {}, top: Json = {}): string =>
  JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: null, ...rest }], ...top });
export const stop = chunk({}, { finish_reason: 'stop' });

export function decode(...frames: readonly string[]): AnswerEvent[] {
  const decoder = new ChatStreamDecoder();
  const order = new EventOrder();
  const events = [...frames.flatMap((data) => decoder.frame('', data).events), ...decoder.end()];
  for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
  return events;
}
export function failure(...frames: readonly string[]): { code: string; message: string; status: number } {
  try {
    decode(...frames);
  } catch (error) {
    return error as { code: string; message: string; status: number };
  }
  throw new Error('nothing was thrown');
}
export function blocksOf(events: readonly AnswerEvent[], choice = 0): readonly unknown[] {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  return (fold.answer.choices.find(({ index }) => index === choice)?.blocks ?? []).map(
    ({ kind, text, arguments: json, start }) =>
      kind.endsWith('tool_call') ? { kind, name: start.name, id: start.callId, json } : { kind, text },
  );
}
export const typesOf = (events: readonly AnswerEvent[]): readonly string[] => events.map(({ type }) => type);
export const ofType = <T extends AnswerEvent['type']>(
  events: readonly AnswerEvent[],
  type: T,
): readonly EventOfType<T>[] => events.filter((event): event is EventOfType<T> & AnswerEvent => event.type === type);
