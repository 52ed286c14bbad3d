import { ollamaBackend } from '../../src/backends/ollama.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { AnswerDecoder, DecodedFrame } from '../../src/kernel/component.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { chatRequest } from './chat-run.ts';
import { TestClock } from './test-clock.ts';

export const backend = ollamaBackend.create(
  { baseUrl: 'http://127.0.0.1:11434', model: 'm', thinkLevels: true },
  { clock: new TestClock() },
);

export const open = (): AnswerDecoder => backend.decode(chatRequest());

export function framesOf(lines: readonly unknown[], decoder = open()): DecodedFrame[] {
  return lines.map((document) => decoder.frame('', typeof document === 'string' ? document : JSON.stringify(document)));
}

/** The events of a whole answer, in an order that is allowed. */
export function decode(lines: readonly unknown[]): readonly AnswerEvent[] {
  const decoder = open();
  const events = [...framesOf(lines, decoder).flatMap((frame) => frame.events), ...decoder.end()];
  const order = new EventOrder();
  for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
  return events;
}

export function fold(events: readonly AnswerEvent[]): ChatAnswer {
  const answer = new AnswerFold();
  for (const event of events) answer.push(event);
  return answer.answer;
}

/** What a reader of the answer sees. */
export function essence(events: readonly AnswerEvent[]): unknown {
  const { choices, usage } = fold(events);
  return {
    blocks: choices[0]?.blocks.map(({ kind, text, arguments: json, start, media }) => ({
      kind,
      ...(text !== '' && { text }),
      ...(json !== '' && { name: start.name, callId: start.callId, json }),
      ...(media.length > 0 && { media: media.map(({ base64, mediaType }) => [mediaType, base64]) }),
    })),
    finish: choices[0]?.finish?.reason,
    tokens: [usage?.input?.total, usage?.output?.total, usage?.total],
  };
}
