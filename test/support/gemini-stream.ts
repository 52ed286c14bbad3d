import { expect } from '@jest/globals';
import { geminiEncoder } from '../../src/encoders/gemini.ts';
import type { StreamEncoder } from '../../src/kernel/component.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext, fakeRun } from './chat-run.ts';

export type Json = Record<string, unknown>;
export const gemini = geminiEncoder.create({}, {});

/** What a provider of another format, and what Gemini says about its answer. */
export const meta: AnswerEvent = {
  type: 'response.meta',
  responseId: 'c1',
  model: 'm',
  provider: 'openai-chat',
  role: 'assistant',
};
export const own: AnswerEvent = {
  type: 'response.meta',
  responseId: 'g1',
  model: 'gemini-x',
  provider: 'gemini',
  role: 'assistant',
};
export const finish: AnswerEvent = { type: 'finish', reason: { unified: 'stop', raw: 'end' } };

export function block(blockId: string, kind: BlockKind = 'text', further: object = {}): AnswerEvent {
  return { type: 'block.start', blockId, kind, role: 'assistant', ...further };
}

export function call(blockId: string, name: string, callId?: string): AnswerEvent {
  return block(blockId, 'tool_call', { name, ...(callId !== undefined && { callId }) });
}

export function say(blockId: string, text: string): AnswerEvent {
  return { type: 'text.delta', blockId, role: 'assistant', text };
}

export function args(blockId: string, json: string): AnswerEvent {
  return { type: 'toolArgs.delta', blockId, json };
}

export function sign(blockId: string, value: string, format = 'anthropic-messages'): AnswerEvent {
  return { type: 'reasoning.signature', blockId, value, format };
}

export function end(blockId: string, further: object = {}): AnswerEvent {
  return { type: 'block.end', blockId, ...further };
}

/** Opens a stream; what it can't say is added to `lost`. */
export function openStream(lost: string[] = []): StreamEncoder {
  const run = fakeRun({ lose: (what) => void lost.push(what) });
  return gemini.open(encodeContext(chatRequest({ dialect: 'gemini' }), run));
}

/** The documents of whole frames. */
export function readChunks(bytes: string): readonly Json[] {
  const frames = Buffer.from(bytes, 'latin1').toString('utf8').split('\n\n');
  expect(frames.pop()).toBe('');
  return frames.map((frame) => {
    expect(frame).toMatch(/^data: \{[^\n]*\}$/);
    return JSON.parse(frame.slice('data: '.length)) as Json;
  });
}

/** The chunks of a whole answer. */
export function writeChunks(events: readonly AnswerEvent[], lost: string[] = []): readonly Json[] {
  const stream = openStream(lost);
  return readChunks(events.map((event) => stream.encode(event)).join('') + stream.end());
}

export function objectsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

export function candidatesOf(chunk: Json | undefined): readonly Json[] {
  return objectsOf(chunk?.['candidates']);
}

export function partsOf(candidate: Json | undefined): readonly Json[] {
  return objectsOf((candidate?.['content'] as Json | undefined)?.['parts']);
}
