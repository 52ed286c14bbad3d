import { cohereBackend } from '../../src/backends/cohere.ts';
import type { AnswerDecoder, DecodedFrame } from '../../src/kernel/component.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { chatRequest } from './chat-run.ts';
import { TestClock } from './test-clock.ts';

export const backend = cohereBackend.create(
  { baseUrl: 'https://api.cohere.com', model: 'command-a' },
  { clock: new TestClock() },
);
export const open = (): AnswerDecoder => backend.decode(chatRequest());

export function framesOf(frames: readonly unknown[], decoder = open()): DecodedFrame[] {
  return frames.map((document) => {
    const { type = '' } = Object(document) as { type?: string };
    return decoder.frame(type, typeof document === 'string' ? document : JSON.stringify(document));
  });
}

/** The events of a whole answer, in an order that is allowed. */
export function decode(frames: readonly unknown[]): readonly AnswerEvent[] {
  const decoder = open();
  const events = [...framesOf(frames, decoder).flatMap((each) => each.events), ...decoder.end()];
  const order = new EventOrder();
  for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
  return events;
}
