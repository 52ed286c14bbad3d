import { expect } from '@jest/globals';
import { openaiResponsesEncoder } from '../../src/encoders/openai-responses.ts';
import type { StreamEncoder } from '../../src/kernel/component.ts';
import type { AnswerEvent, BlockKind, FinishReason } from '../../src/kernel/event.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { chatRequest, encodeContext, fakeRun } from './chat-run.ts';

/* Events of an answer by hand, and what the OpenAI Responses encoder makes of them. */

export type Json = Record<string, unknown>;
type Start = Extract<AnswerEvent, { type: 'block.start' }>;
export const encoder = openaiResponsesEncoder.create({}, {});
export const dialect = 'openai-responses';
export const template = { dialect: 'openai-chat', before: '', after: '' };

export const meta = (provider = 'anthropic-messages', more: Json = {}): AnswerEvent => ({
  type: 'response.meta',
  provider,
  responseId: 'resp_p',
  model: 'm',
  created: 5,
  role: 'assistant',
  ...more,
});
export const start = (blockId: string, kind: BlockKind, more: Partial<Start> = {}): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role: 'assistant',
  ...more,
});
export const say = (blockId: string, text: string, more: Json = {}): AnswerEvent => ({
  type: 'text.delta',
  blockId,
  role: 'assistant',
  text,
  ...more,
});
export const give = (blockId: string, json: string): AnswerEvent => ({ type: 'toolArgs.delta', blockId, json });
export const end = (blockId: string, more: Json = {}): AnswerEvent => ({ type: 'block.end', blockId, ...more });
export const sign = (blockId: string, value: string, format: string, encrypted?: boolean): AnswerEvent => ({
  type: 'reasoning.signature',
  blockId,
  value,
  format,
  ...(encrypted !== undefined && { encrypted }),
});
export const finish = (unified: FinishReason, more: Json = {}): AnswerEvent => ({
  type: 'finish',
  reason: { unified },
  ...more,
});
export const own = (fields: Json): Json => ({ ext: { [dialect]: fields } });
export const usage: AnswerEvent = { type: 'usage', input: { total: 3 }, output: { total: 4, reasoning: 2 }, total: 7 };

export function open(lost: string[] = [], request: Partial<ChatRequest> = {}): StreamEncoder {
  return encoder.open(encodeContext(chatRequest(request), fakeRun({ lose: (what) => void lost.push(what) })));
}

/** The events in the frames, after a look at how they are framed and numbered. */
export function read(bytes: string): readonly Json[] {
  const frames = Buffer.from(bytes, 'latin1').toString('utf8').split('\n\n').slice(0, -1);
  return frames.map((frame, index) => {
    const [, name, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
    const event = JSON.parse(data) as Json;
    expect(event['type']).toBe(name);
    expect(event['sequence_number']).toBe(index);
    return event;
  });
}

export function write(
  events: readonly AnswerEvent[],
  lost: string[] = [],
  request: Partial<ChatRequest> = {},
): readonly Json[] {
  const stream = open(lost, request);
  return read(events.map((event) => stream.encode(event)).join('') + stream.end());
}
export const typesOf = (events: readonly Json[]): readonly string[] =>
  events.map(({ type }) => String(type).replace('response.', ''));
export const finalOf = (events: readonly Json[]): Json => events.at(-1)?.['response'] as Json;
export const outputOf = (events: readonly Json[]): readonly Json[] => finalOf(events)['output'] as Json[];

export interface Seen {
  readonly item: Json;
  readonly texts: Map<string, string>;
  done?: Json;
}

/** Puts the deltas together as a client does, and holds every repetition against what came before. */
export function accumulate(events: readonly Json[]): ReadonlyMap<number, Seen> {
  const items = new Map<number, Seen>();
  for (const event of events) {
    const type = String(event['type']);
    const index = event['output_index'] as number | undefined;
    if (index === undefined) continue;
    if (type === 'response.output_item.added') {
      expect(index).toBe(items.size);
      items.set(index, { item: event['item'] as Json, texts: new Map() });
      continue;
    }
    const seen = items.get(index);
    if (seen === undefined) throw new Error(`${type} of an item that was not added`);
    expect(seen.done).toBeUndefined();
    if (type === 'response.output_item.done') {
      seen.done = event['item'] as Json;
      expect(seen.done['id']).toBe(seen.item['id']);
      continue;
    }
    // Events of built-in tools have forms of their own.
    if (!/^(?:message|reasoning|function_call|custom_tool_call)$/.test(String(seen.item['type']))) continue;
    expect(event['item_id']).toBe(seen.item['id']);
    const { content_index: content, summary_index: summary } = event as Record<string, number | undefined>;
    const key = content === undefined ? `s${summary ?? ''}` : `c${content}`;
    if (type.endsWith('part.added')) seen.texts.set(key, '');
    else if (/_arguments|_input/.test(type)) {
      const whole = event['arguments'] ?? event['input'];
      if (whole === undefined) seen.texts.set('', (seen.texts.get('') ?? '') + String(event['delta']));
      else expect(whole).toBe(seen.texts.get('') ?? '');
    } else if (type.endsWith('.delta')) {
      expect(seen.texts.has(key)).toBe(true);
      seen.texts.set(key, (seen.texts.get(key) ?? '') + String(event['delta']));
    } else if (/(?:text|refusal)\.done$/.test(type))
      expect(event['text'] ?? event['refusal']).toBe(seen.texts.get(key));
    else if (type.endsWith('part.done')) {
      const part = event['part'] as Json;
      expect(part['text'] ?? part['refusal']).toBe(seen.texts.get(key));
    }
  }
  return items;
}
