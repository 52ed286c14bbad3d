import { describe, expect, it } from '@jest/globals';
import { bytesOfFrames, playAnswer, type Played } from '../support/play-answer.ts';
import type { ProviderFrame } from '../support/rich-answers.ts';

type Json = Readonly<Record<string, unknown>>;

const chunk = (delta: Json, reason: string | null = null): ProviderFrame => ({
  event: '',
  data: {
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 5,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: reason }],
  },
});
const call = (fields: Json): ProviderFrame => chunk({ tool_calls: [fields] });
const first = chunk({ role: 'assistant', content: null });
const last: readonly ProviderFrame[] = [chunk({}, 'tool_calls'), { event: '', data: '[DONE]' }];

function relay(...frames: readonly ProviderFrame[]): Played {
  return playAnswer('openai-chat', 'openai-chat', bytesOfFrames('openai-chat', [first, ...frames, ...last]));
}

describe('tool calls of servers that get their ids or their order wrong', () => {
  it('two calls with one id are two calls', () => {
    const frames = [
      call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }),
      call({ index: 1, id: 'a', type: 'function', function: { name: 'g', arguments: '{}' } }),
    ];
    const bytes = bytesOfFrames('openai-chat', [first, ...frames, ...last]);
    const { text } = playAnswer('openai-chat', 'ollama', bytes);
    const names = [...text.matchAll(/"name":"(\w)","arguments":\{\}/g)].map(([, name]) => name);
    expect(names).toEqual(['f', 'g']);
  });

  it('a piece with another id than its call has goes out without it', () => {
    const { text } = relay(
      call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":' } }),
      call({ index: 0, id: 'b', function: { arguments: '1}' } }),
    );
    expect(text.match(/"id":"[ab]"/g)).toEqual(['"id":"a"']);
    expect(text).toContain('1}');
  });

  it('arguments of a call that has ended end the stream', () => {
    const begun = call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":' } });
    const { error, text } = relay(begun, chunk({}, 'tool_calls'), call({ index: 0, function: { arguments: '1}' } }));
    expect(error?.code).toBe('UPSTREAM_BAD_FRAME');
    expect(text).not.toContain('[DONE]');
  });

  it('sound behind the end of the choice is a block of its own', () => {
    const sound = chunk({ audio: { id: 'x', data: 'AAAA' } });
    expect(relay(sound, chunk({}, 'stop'), sound).error).toBeUndefined();
  });
});
