import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { maskStep, modifying } from '../support/bound-modifiers.ts';
import { bytesOfFrames, clientNames, playAnswer, type ClientName } from '../support/play-answer.ts';
import { richAnswers, type ProviderFrame } from '../support/rich-answers.ts';

type Json = Readonly<Record<string, unknown>>;

const frame = (type: string, fields: Json = {}): ProviderFrame => ({ event: type, data: { type, ...fields } });
const blockStart = (index: number, block: Json): ProviderFrame =>
  frame('content_block_start', { index, content_block: block });
const textDelta = (index: number, text: string): ProviderFrame =>
  frame('content_block_delta', { index, delta: { type: 'text_delta', text } });
const blockStop = (index: number): ProviderFrame => frame('content_block_stop', { index });
const begin = frame('message_start', {
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  },
});
const end = [
  frame('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } }),
  frame('message_stop'),
];
const pieces = ['a ', 'b ', 'c ', 'd ', 'e '];
const text = (index: number): readonly ProviderFrame[] => [
  blockStart(index, { type: 'text', text: '' }),
  ...pieces.map((piece) => textDelta(index, piece)),
  blockStop(index),
];
const result = { type: 'web_search_tool_result', tool_use_id: 's', content: [{ type: 'x', title: 'words' }] };

/** Index and text of the blocks of a message, as a client puts them together. Throws where a frame belongs to none. */
function blocksOf(stream: string): readonly (readonly [number, string])[] {
  const blocks: [number, string][] = [];
  for (const [, data = ''] of stream.matchAll(/^data: (.*)$/gm)) {
    const { type, index, delta } = JSON.parse(data) as { type: string; index: number; delta?: { text?: string } };
    if (type === 'content_block_start') blocks.push([index, '']);
    const block = blocks.at(-1);
    if (!type.startsWith('content_block') || block === undefined) continue;
    expect([type, index]).toEqual([type, block[0]]);
    block[1] += delta?.text ?? '';
  }
  return blocks;
}

describe('text frames of a provider, behind a block that did not leave', () => {
  it('a guard withholds the result of a tool, so the text has another place than at the provider', () => {
    const bytes = bytesOfFrames('anthropic-messages', [begin, blockStart(0, result), blockStop(0), ...text(1), ...end]);
    const { text: stream } = playAnswer('anthropic-messages', 'anthropic-messages', bytes, {
      steps: [maskStep(['secret'])],
    });
    expect(blocksOf(stream)).toEqual([[0, 'a b c d e ']]);
  });

  it('in the place that they had, their bytes go out as they came', () => {
    const bytes = bytesOfFrames('anthropic-messages', [begin, ...text(0), ...end]);
    const { text: stream } = playAnswer('anthropic-messages', 'anthropic-messages', bytes, {
      steps: [maskStep(['secret'])],
    });
    expect(stream).toBe(bytes.toString());
  });
});

describe('an answer without an end of its own', () => {
  const withoutFinish = modifying('no-end', (event, emit) => {
    if (event.type !== 'finish') emit(event);
  });
  const withCall = modifying('call', (event: AnswerEvent, emit) => {
    if (event.type === 'finish') {
      emit({ type: 'block.start', blockId: 'mine', kind: 'tool_call', role: 'assistant', name: 'f', callId: 'c' });
      emit({ type: 'toolArgs.delta', blockId: 'mine', json: '{}' });
      emit({ type: 'block.end', blockId: 'mine' });
    } else emit(event);
  });
  const stop: Readonly<Record<ClientName, string>> = {
    'openai-chat': '"finish_reason":"stop"',
    'openai-responses': 'event: response.completed',
    'anthropic-messages': '"stop_reason":"end_turn"',
    gemini: '"finishReason":"STOP"',
    ollama: '"done_reason":"stop"',
    native: '"unified":"stop"',
  };
  const bytes = bytesOfFrames('anthropic-messages', [begin, ...text(0), ...end]);

  it.each(clientNames)('has one for a client of %s, who waits for it', (client) => {
    const { text: stream } = playAnswer('anthropic-messages', client, bytes, { steps: [withoutFinish] });
    expect(stream.split(stop[client])).toHaveLength(2);
  });

  it('that calls a tool ends for that', () => {
    const { text: stream } = playAnswer('anthropic-messages', 'openai-chat', bytes, { steps: [withCall] });
    expect(stream).toContain('"finish_reason":"tool_calls"');
    expect(stream).not.toContain('"finish_reason":"stop"');
  });
});

describe('an answer whose provider a step keeps for itself', () => {
  it('has one name in all chunks, though some of them could go out as they came', () => {
    const withoutMeta = modifying('no-meta', (event, emit) => {
      if (event.type !== 'response.meta') emit(event);
    });
    const { text: stream } = playAnswer('gemini', 'gemini', bytesOfFrames('gemini', richAnswers.gemini), {
      steps: [withoutMeta],
    });
    const names = [...stream.matchAll(/"responseId":"([^"]*)"/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(1);
  });
});
