import { GeminiStreamDecoder } from '../../src/backends/gemini/stream-decoder.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';

type Json = Record<string, unknown>;

export const identity = { modelVersion: 'gemini-x', responseId: 'r-1' };

/** A chunk with these parts, as the API writes it. */
export function chunk(parts: readonly Json[], candidate: Json = {}, top: Json = {}): string {
  const content = { parts, role: 'model' };
  return JSON.stringify({ candidates: [{ content, index: 0, ...candidate }], ...identity, ...top });
}

export const stop = chunk([{ text: '' }], { finishReason: 'STOP' });

/** The events of a whole stream, checked for their order. */
export function decode(...frames: readonly string[]): readonly AnswerEvent[] {
  const decoder = new GeminiStreamDecoder();
  const events = [...frames.flatMap((data) => decoder.frame('', data).events), ...decoder.end()];
  const order = new EventOrder();
  for (const event of events) order.accept(event);
  order.accept({ type: 'stream.end', outcome: 'ok' });
  return events;
}

/** The error that a stream ends with. */
export function failure(...frames: readonly string[]): SluiceError {
  try {
    decode(...frames);
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('the stream did not fail');
}

export function fold(events: readonly AnswerEvent[]): ChatAnswer {
  const answer = new AnswerFold();
  for (const event of events) answer.push(event);
  return answer.answer;
}

export function ofType<T extends AnswerEvent['type']>(
  events: readonly AnswerEvent[],
  type: T,
): readonly EventOfType<T>[] {
  return events.filter((event): event is EventOfType<T> & AnswerEvent => event.type === type);
}

/** The blocks of an answer in short: kind, text or arguments, and the signature where there is one. */
export function blocksOf(events: readonly AnswerEvent[], choice = 0): readonly (readonly unknown[])[] {
  const blocks = fold(events).choices.find(({ index }) => index === choice)?.blocks ?? [];
  return blocks.map(({ kind, text, arguments: json, signature, start }) => [
    kind,
    kind === 'tool_call' ? `${start.name ?? ''} ${json}` : text,
    ...(signature === undefined ? [] : [signature.value]),
  ]);
}

export const text = (value: string, more: Json = {}): Json => ({ text: value, ...more });
export const thought = (value: string, more: Json = {}): Json => ({ text: value, thought: true, ...more });
export const call = (name: string, args: Json, more: Json = {}): Json => ({ functionCall: { name, args }, ...more });
export const signed = (signature: string): Json => ({ thoughtSignature: signature });
