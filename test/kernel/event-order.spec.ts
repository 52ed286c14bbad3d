import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';

const start: AnswerEvent = { type: 'stream.start', requestId: 'r', pipeline: 'p', dialect: 'native' };
const open = (blockId: string, choice?: number): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind: 'text',
  role: 'assistant',
  ...(choice !== undefined && { choice }),
});
const say = (blockId: string, choice?: number): AnswerEvent => ({
  type: 'text.delta',
  blockId,
  role: 'assistant',
  text: 'x',
  ...(choice !== undefined && { choice }),
});
const close = (blockId: string): AnswerEvent => ({ type: 'block.end', blockId });
const finish = (choice?: number): AnswerEvent => ({
  type: 'finish',
  reason: { unified: 'stop' },
  ...(choice !== undefined && { choice }),
});
const end = (outcome: 'ok' | 'error' = 'ok'): AnswerEvent => ({ type: 'stream.end', outcome });
const error: AnswerEvent = { type: 'error', code: 'INTERNAL', message: 'm', status: 500, retryable: false };

function reasonOf(events: readonly AnswerEvent[]): string | undefined {
  const order = new EventOrder();
  try {
    for (const event of events) order.accept(event);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'EVENT_ORDER' });
    return (thrown as { details: { reason: string } }).details.reason;
  }
  return undefined;
}

describe('the order of an answer', () => {
  it.each<readonly [string, readonly AnswerEvent[]]>([
    ['a whole stream', [start, open('a'), say('a'), close('a'), finish(), end()]],
    ['without stream.start', [{ type: 'response.meta' }, open('a'), say('a'), close('a'), finish(), end()]],
    [
      'interleaved choices',
      [open('a'), open('b', 1), say('b', 1), say('a'), close('b'), finish(1), close('a'), finish(), end()],
    ],
    ['an error inside a block', [start, open('a'), say('a'), error, end('error')]],
    ['a failed end with an open block', [open('a'), end('error')]],
  ])('allows %s', (_title, events) => {
    expect(reasonOf(events)).toBeUndefined();
  });

  it.each<readonly [string, readonly AnswerEvent[]]>([
    ['stream.start is not the first event', [open('a'), start]],
    ['stream.start is not the first event', [start, start]],
    ['text.delta outside of an open block', [say('a')]],
    ['text.delta outside of an open block', [open('a'), close('a'), say('a')]],
    ['text.delta in another choice than its block', [open('a', 1), say('a', 2)]],
    ['block.end outside of an open block', [open('a'), close('a'), close('a')]],
    ['a second block.start of one block', [open('a'), close('a'), open('a')]],
    ['a second finish of one choice', [finish(), finish(0)]],
    ['stream.end ok with an open block', [open('a'), end()]],
    ['stream.end after stream.end', [end(), end()]],
    ['text.delta after error', [open('a'), error, say('a')]],
    ['response.meta after stream.end', [end(), { type: 'response.meta' }]],
  ])('refuses: %s', (reason, events) => {
    expect(reasonOf(events)).toBe(reason);
  });
});
