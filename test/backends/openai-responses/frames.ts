import { ResponsesStreamDecoder } from '../../../src/backends/openai-responses/stream-decoder.ts';
import type { AnswerEvent } from '../../../src/kernel/event.ts';
import { EventOrder } from '../../../src/kernel/event-order.ts';

export type Json = Record<string, unknown>;

/** The data of one frame. */
export function frame(type: string, fields: Json = {}): string {
  return JSON.stringify({ type: `response.${type}`, ...fields });
}

export const response = { id: 'resp_1', object: 'response', created_at: 7, model: 'm', output: [] };
export const created = frame('created', { response: { ...response, status: 'in_progress' } });
export const completed = (fields: Json = {}): string =>
  frame('completed', { response: { ...response, status: 'completed', ...fields } });

/** Where a frame of the first item belongs. */
export const at = { item_id: 'i1', output_index: 0, content_index: 0 };
export const message = { type: 'message', id: 'i1', role: 'assistant', status: 'in_progress', content: [] };
export const added = (item: Json, index = 0): string => frame('output_item.added', { item, output_index: index });
export const done = (item: Json, index = 0): string => frame('output_item.done', { item, output_index: index });
export const text = (delta: string, fields: Json = {}): string =>
  frame('output_text.delta', { ...at, delta, ...fields });

/** The events of a whole stream, in an order that is checked. */
export function decode(frames: readonly string[], own = false): AnswerEvent[] {
  const decoder = new ResponsesStreamDecoder(own);
  const order = new EventOrder();
  const events = [...frames.flatMap((data) => decoder.frame('', data).events), ...decoder.end()];
  for (const event of events) order.accept(event);
  order.accept({ type: 'stream.end', outcome: 'ok' });
  return events;
}

export interface Block {
  readonly kind: string;
  readonly text?: string;
  readonly json?: string;
  readonly name?: string;
  readonly callId?: string;
  readonly signature?: string;
}

/** The blocks of an answer, with what was said in them. */
export function blocksOf(events: readonly AnswerEvent[]): readonly Block[] {
  const blocks = new Map<string, { -readonly [K in keyof Block]: Block[K] }>();
  for (const event of events) {
    if (event.type === 'block.start') {
      const { kind, name, callId } = event;
      blocks.set(event.blockId, { kind, ...(name !== undefined && { name }), ...(callId !== undefined && { callId }) });
      continue;
    }
    const block = 'blockId' in event ? blocks.get(event.blockId) : undefined;
    if (block === undefined) continue;
    if (event.type === 'text.delta') block.text = (block.text ?? '') + event.text;
    if (event.type === 'toolArgs.delta') block.json = (block.json ?? '') + (event.json ?? '');
    if (event.type === 'reasoning.signature') block.signature = event.value;
  }
  return [...blocks.values()];
}

export const part = (fields: Json = {}): Json => ({
  type: 'output_text',
  text: '',
  annotations: [],
  logprobs: [],
  ...fields,
});

export const call = {
  type: 'function_call',
  id: 'f1',
  call_id: 'c1',
  name: 'look',
  arguments: '',
  status: 'in_progress',
};

export const inCall = { item_id: 'f1', output_index: 0 };

export const thought = { type: 'reasoning', id: 'r1', summary: [] };

export const inThought = { item_id: 'r1', output_index: 0 };

export const usage = {
  input_tokens: 5,
  input_tokens_details: { cached_tokens: 3 },
  output_tokens: 2,
  output_tokens_details: { reasoning_tokens: 1 },
  total_tokens: 7,
};

export const typesOf = (events: readonly AnswerEvent[]): string[] => events.map(({ type }) => type);

export const finishOf = (events: readonly AnswerEvent[]): unknown => {
  const finish = events.find((event) => event.type === 'finish');
  return finish?.type === 'finish' ? finish.reason : undefined;
};
