import { describe, expect, it } from '@jest/globals';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';

type Json = Record<string, unknown>;
const chat = openaiChatEncoder.create({}, {});
const open = (settings = {}) => chat.open(encodeContext(chatRequest({ settings })));
const meta: AnswerEvent = { type: 'response.meta', responseId: 'c1', model: 'm', provider: 'openai-chat' };
const foreign: AnswerEvent = { ...meta, provider: 'anthropic-messages' } as AnswerEvent;
const block = (blockId: string, kind: BlockKind, further: object = {}): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role: 'assistant',
  ...further,
});
const say = (blockId: string, text: string): AnswerEvent => ({ type: 'text.delta', blockId, role: 'assistant', text });

function choices(events: readonly AnswerEvent[]): readonly Json[] {
  const stream = open();
  const frames = events.map((event) => stream.encode(event)).join('');
  return frames
    .split('\n\n')
    .filter((frame) => frame !== '')
    .flatMap((frame) => (JSON.parse(frame.replace(/^data: /, '')) as { choices: Json[] }).choices);
}

describe('calls', () => {
  it('have no gaps between them, where the provider counts all blocks: official clients take none', () => {
    for (const head of [meta, foreign]) {
      const calls = choices([
        head,
        block('a', 'tool_call', { name: 'f', callId: 'x', nativeIndex: 1 }),
        block('b', 'tool_call', { name: 'g', callId: 'y', nativeIndex: 3 }),
        { type: 'toolArgs.delta', blockId: 'b', json: '{}' },
        { type: 'toolArgs.delta', blockId: 'a', json: '{}' },
      ]).flatMap(({ delta }) => (delta as { tool_calls: Json[] }).tool_calls);
      expect(calls.map(({ index, id }) => [index, id])).toEqual([
        [0, 'x'],
        [1, 'y'],
        [1, undefined],
        [0, undefined],
      ]);
    }
  });

  it('that the provider runs itself leave no arguments', () => {
    const written = choices([
      foreign,
      block('a', 'server_tool_call', { name: 'search' }),
      { type: 'toolArgs.delta', blockId: 'a', json: '{"query":"x"}' },
      { type: 'block.end', blockId: 'a', final: '{"query":"x"}' },
      block('b', 'text'),
      say('b', 'found'),
    ]);
    expect(written.map(({ delta }) => delta)).toEqual([{ role: 'assistant', content: '' }, { content: 'found' }]);
  });
});

describe('the reason of the end', () => {
  const call = block('a', 'tool_call', { name: 'f' });
  it.each<readonly [string, readonly AnswerEvent[], AnswerEvent, string]>([
    ['calls', [call], { type: 'finish', reason: { unified: 'tool_calls', raw: 'tool_use' } }, 'tool_calls'],
    ['calls that the format can not say', [], { type: 'finish', reason: { unified: 'tool_calls' } }, 'stop'],
    ['an ordinary end', [], { type: 'finish', reason: { unified: 'stop', raw: 'end_turn' } }, 'stop'],
    ['a refusal without words', [], { type: 'finish', reason: { unified: 'refusal' } }, 'content_filter'],
    ['a refusal in words', [block('a', 'refusal')], { type: 'finish', reason: { unified: 'refusal' } }, 'stop'],
  ])('of %s', (_title, events, finish, word) => {
    expect(choices([foreign, ...events, finish]).at(-1)).toMatchObject({ finish_reason: word });
  });

  it('is the word of a provider of this format', () => {
    const finish: AnswerEvent = { type: 'finish', reason: { unified: 'stop', raw: 'vendor_word' } };
    expect(choices([meta, finish])).toMatchObject([{ finish_reason: 'vendor_word' }]);
  });

  it('of a refusal with its explanation stands behind the words', () => {
    const finish: AnswerEvent = {
      type: 'finish',
      reason: { unified: 'refusal' },
      refusal: { explanation: 'no' },
    };
    expect(choices([foreign, finish])).toMatchObject([
      { delta: { role: 'assistant', content: null, refusal: 'no' }, finish_reason: null },
      { delta: {}, finish_reason: 'stop' },
    ]);
  });
});

describe('fields of the provider', () => {
  it('beside the usage stay beside it', () => {
    const stream = open({ includeUsage: true });
    stream.encode(meta);
    stream.encode({ type: 'usage', input: { total: 2 }, ext: { 'openai-chat': { latency_checkpoint: { ms: 1 } } } });
    expect(stream.end()).toContain('"choices":[],"latency_checkpoint":{"ms":1},"usage":{');
  });

  it('that wait for their chunk go out with the next one, so its frame is not copied', () => {
    const stream = open();
    const verdicts = { prompt_filter_results: [{ prompt_index: 0 }] };
    stream.encode({ type: 'safety', scope: 'prompt', verdicts: [], ext: { 'openai-chat': verdicts } });
    const first = { events: [meta, block('a', 'text')], transparent: true, opens: 0 };
    expect(stream.copies(first)).toBe(false);
    expect(first.events.map((event) => stream.encode(event)).join('')).toContain('"prompt_filter_results":[{');
    expect(stream.copies({ events: [say('a', 'x')], transparent: true })).toBe(true);
  });
});
