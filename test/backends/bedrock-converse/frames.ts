import { bedrockConverseBackend } from '../../../src/backends/bedrock-converse.ts';
import type { Backend } from '../../../src/kernel/component.ts';
import type { AnswerEvent } from '../../../src/kernel/event.ts';
import { EventOrder } from '../../../src/kernel/event-order.ts';
import { chatRequest } from '../../support/chat-run.ts';
import { createInstance } from '../../support/component-instance.ts';
import { testRun } from '../../support/test-run.ts';

export const backend: Backend = createInstance(
  bedrockConverseBackend,
  { region: 'us-east-1', model: 'anthropic.claude-x-v1:0' },
  testRun().capabilities,
);

export type Frame = readonly [event: string, payload: object | string];

export const dataOf = (payload: object | string): string =>
  typeof payload === 'string' ? payload : JSON.stringify(payload);
export const start = (index: number, fields: object): Frame => [
  'contentBlockStart',
  { contentBlockIndex: index, start: fields },
];
export const delta = (index: number, fields: object): Frame => [
  'contentBlockDelta',
  { contentBlockIndex: index, delta: fields },
];
export const stop = (index: number): Frame => ['contentBlockStop', { contentBlockIndex: index }];
export const begin: Frame = ['messageStart', { role: 'assistant', p: 'abc' }];
export const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
export const metadata: Frame = ['metadata', { usage, metrics: { latencyMs: 7 }, p: 'abcdef' }];
export const messageStop = (stopReason: string, more: object = {}): Frame => [
  'messageStop',
  { stopReason, p: 'a', ...more },
];

/** All events of a stream that ended cleanly. Asserts their order. */
export function decode(frames: readonly Frame[]): AnswerEvent[] {
  const decoder = backend.decode(chatRequest());
  const events = frames.flatMap(([event, payload]) => decoder.frame(event, dataOf(payload)).events);
  events.push(...decoder.end());
  const order = new EventOrder();
  for (const event of events) order.accept(event);
  order.accept({ type: 'stream.end', outcome: 'ok' });
  return events;
}

export const meta = {
  type: 'response.meta',
  provider: 'bedrock-converse',
  model: 'anthropic.claude-x-v1:0',
  role: 'assistant',
};
export const usageEvent = {
  type: 'usage',
  input: { total: 10, noCache: 10 },
  output: { total: 5 },
  total: 15,
  final: true,
  raw: usage,
  ext: { 'bedrock-converse': { metrics: { latencyMs: 7 } } },
};
export const finish = (unified: string, raw: string) => ({ type: 'finish', reason: { unified, raw } });
export const blockStart = (id: number, kind: string, more: object = {}) => ({
  type: 'block.start',
  blockId: `b${id}`,
  kind,
  role: 'assistant',
  index: id,
  nativeIndex: id,
  ...more,
});
export const textDelta = (id: number, text: string) => ({
  type: 'text.delta',
  blockId: `b${id}`,
  role: 'assistant',
  text,
});
export const blockEnd = (id: number) => ({ type: 'block.end', blockId: `b${id}` });
