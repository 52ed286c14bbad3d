import { expect } from '@jest/globals';
import { anthropicMessagesEncoder } from '../../src/encoders/anthropic-messages.ts';
import type { StreamEncoder } from '../../src/kernel/component.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext, fakeRun } from './chat-run.ts';

export type Json = Record<string, unknown>;
/** One named event of a stream. */
export interface Frame {
  readonly event: string;
  readonly data: Json;
}
interface Read {
  message: Json;
  content: Json[];
}

const messages = anthropicMessagesEncoder.create({}, {});
/** A stream of the Anthropic messages format, and what it says to have lost. */
export const open = (lost: string[] = []): StreamEncoder =>
  messages.open(encodeContext(chatRequest(), fakeRun({ lose: (what) => void lost.push(what) })));

/** The metadata of a provider of another format, and of one of this format. */
export const foreign: AnswerEvent = {
  type: 'response.meta',
  responseId: 'c1',
  model: 'm',
  provider: 'openai-chat',
  role: 'assistant',
};
export const own: AnswerEvent = { ...foreign, responseId: 'msg_1', provider: 'anthropic-messages' };
export const start = (blockId: string, kind: BlockKind, further: object = {}): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role: 'assistant',
  ...further,
});
export const call = (blockId: string, name: string, further: object = {}): AnswerEvent =>
  start(blockId, 'tool_call', { name, callId: `call_${blockId}`, ...further });
export const say = (blockId: string, text: string): AnswerEvent => ({
  type: 'text.delta',
  blockId,
  role: 'assistant',
  text,
});
export const input = (blockId: string, json: string): AnswerEvent => ({ type: 'toolArgs.delta', blockId, json });
export const sign = (blockId: string, value: string, further: object = {}): AnswerEvent => ({
  type: 'reasoning.signature',
  blockId,
  value,
  ...further,
});
export const end = (blockId: string, further: object = {}): AnswerEvent => ({ type: 'block.end', blockId, ...further });
export const finish = (
  unified: 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'refusal' | 'pause' | 'error',
  further: object = {},
): AnswerEvent => ({ type: 'finish', reason: { unified }, ...further });
export const ext = (fields: Json): object => ({ ext: { 'anthropic-messages': fields } });

/** The frames of a stream; none where they have no name. */
export function framesOf(bytes: string): readonly Frame[] {
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
      return { event, data: JSON.parse(data) as Json };
    });
}

export const bytesOf = (events: readonly AnswerEvent[], stream = open()): string =>
  events.map((event) => stream.encode(event)).join('') + stream.end();

/** What a client makes of a stream; fails where the blocks do not stand one after the other. */
export function read(bytes: string): Json {
  const frames = framesOf(bytes);
  expect(frames[0]?.event).toBe('message_start');
  expect(frames.at(-1)?.event).toBe('message_stop');
  expect(frames.filter(({ event }) => event === 'message_start' || event === 'message_stop')).toHaveLength(2);
  const state: Read = { message: { ...(frames[0]?.data['message'] as Json) }, content: [] };
  let isOpen = false;
  for (const { event, data } of frames) {
    expect(data['type']).toBe(event);
    if (event === 'content_block_start') {
      expect([isOpen, data['index']]).toEqual([false, state.content.length]);
      state.content.push({ ...(data['content_block'] as Json), json: '' });
      isOpen = true;
    }
    if (event === 'content_block_delta' || event === 'content_block_stop') {
      expect([isOpen, data['index']]).toEqual([true, state.content.length - 1]);
      isOpen = event === 'content_block_delta';
      if (isOpen) add(state.content.at(-1) ?? {}, data['delta'] as Json);
    }
    if (event === 'message_delta') {
      Object.assign(state.message, data['delta']);
      Object.assign(state.message['usage'] as Json, data['usage']);
    }
  }
  expect(isOpen).toBe(false);
  return { ...state.message, content: state.content.map(finishBlock) };
}

function add(block: Json, delta: Json): void {
  if (delta['type'] === 'text_delta') block['text'] = `${String(block['text'])}${String(delta['text'])}`;
  if (delta['type'] === 'thinking_delta')
    block['thinking'] = `${String(block['thinking'])}${String(delta['thinking'])}`;
  if (delta['type'] === 'signature_delta') block['signature'] = delta['signature'];
  if (delta['type'] === 'input_json_delta') block['json'] = `${String(block['json'])}${String(delta['partial_json'])}`;
  if (delta['type'] === 'citations_delta')
    block['citations'] = [...((block['citations'] as []) ?? []), delta['citation']];
}

function finishBlock({ json, ...block }: Json): Json {
  return json === '' ? block : { ...block, input: JSON.parse(String(json)) as unknown };
}

export const contentOf = (events: readonly AnswerEvent[]): unknown => read(bytesOf(events))['content'];
