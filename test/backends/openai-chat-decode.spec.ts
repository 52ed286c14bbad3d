import { describe, expect, it } from '@jest/globals';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { blocksOf, chunk, decode, head, ofType, stop, typesOf } from '../support/chat-chunks.ts';

describe('a refusal', () => {
  it('is what the answer ended with, though the format calls it a stop', () => {
    const [finish] = ofType(
      decode(chunk({ role: 'assistant', refusal: 'No' }), chunk({ refusal: '.' }), stop),
      'finish',
    );
    expect(finish?.reason).toEqual({ unified: 'refusal', raw: 'stop' });
  });
});

describe('a plain stream', () => {
  it('becomes metadata, one block, finish and usage', () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    const events = decode(
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hi' }),
      stop,
      JSON.stringify({ ...head, choices: [], usage }),
      '[DONE]',
    );
    expect(events).toEqual([
      { type: 'response.meta', responseId: 'c1', model: 'm', created: 1, provider: 'openai-chat', role: 'assistant' },
      { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant', index: 0 },
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'Hi' },
      { type: 'block.end', blockId: 'b0' },
      { type: 'finish', reason: { unified: 'stop', raw: 'stop' } },
      {
        type: 'usage',
        input: { total: 5, noCache: 2, cacheRead: 3 },
        output: { total: 2, reasoning: 1 },
        total: 7,
        final: true,
        raw: usage,
      },
    ]);
  });
});

describe('deviations of compatible providers', () => {
  it.each<readonly [string, readonly string[], readonly unknown[]]>([
    ['no role at all', [chunk({ content: 'a' }), stop], [{ kind: 'text', text: 'a' }]],
    ['no content at all', [chunk({ role: 'assistant' }), stop], [{ kind: 'text', text: '' }]],
    [
      'null fields',
      [
        chunk(
          {
            role: null,
            content: 'a',
            refusal: null,
            tool_calls: null,
            function_call: null,
            reasoning: null,
            audio: null,
          },
          { logprobs: null },
          { usage: null },
        ),
        stop,
      ],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'reasoning_content',
      [chunk({ content: null, reasoning_content: 'r' }), chunk({ content: 'a', reasoning_content: null }), stop],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'reasoning',
      [chunk({ reasoning: 'r', content: '' }), chunk({ content: 'a' }), stop],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'reasoning that comes back',
      [chunk({ reasoning: 'r' }), chunk({ content: 'a' }), chunk({ reasoning: 's' }), chunk({ content: 'b' }), stop],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'ab' },
        { kind: 'reasoning', text: 's' },
      ],
    ],
    [
      'reasoning said twice',
      [chunk({ reasoning: 'r', reasoning_details: [{ type: 'reasoning.text', text: 'r', index: 0 }] }), stop],
      [{ kind: 'reasoning', text: 'r' }],
    ],
    [
      'reasoning in details only',
      [chunk({ content: '', reasoning_details: [{ type: 'reasoning.text', text: 'r' }] }), stop],
      [{ kind: 'reasoning', text: 'r' }],
    ],
    [
      'a list as content',
      [
        chunk({
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'r' }] },
            { type: 'text', text: 'a' },
          ],
        }),
        stop,
      ],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'a' },
      ],
    ],
    ['a refusal', [chunk({ refusal: 'no' }), stop], [{ kind: 'refusal', text: 'no' }]],
    [
      'a message in place of a delta',
      [
        JSON.stringify({
          ...head,
          choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
        }),
      ],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'the cumulative message beside the delta',
      [
        chunk({ content: 'a' }, { message: { content: 'a' } }),
        chunk({ content: 'b' }, { message: { content: 'ab' } }),
        stop,
      ],
      [{ kind: 'text', text: 'ab' }],
    ],
    [
      'a tool call without index',
      [chunk({ tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{}' } }] }, { finish_reason: 'tool_calls' })],
      [{ kind: 'tool_call', name: 'f', id: 'x', json: '{}' }],
    ],
    [
      'two tool calls without index',
      [
        chunk({ tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{' } }] }),
        chunk({ tool_calls: [{ id: 'y', function: { name: 'g', arguments: '[' } }] }),
        chunk({ tool_calls: [{ id: 'x', function: { arguments: '}' } }] }),
        stop,
      ],
      [
        { kind: 'tool_call', name: 'f', id: 'x', json: '{}' },
        { kind: 'tool_call', name: 'g', id: 'y', json: '[' },
      ],
    ],
    [
      'parallel tool calls that all have index 0',
      [
        chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '1' } }] }),
        chunk({ tool_calls: [{ index: 0, id: 'y', function: { name: 'g', arguments: '2' } }] }),
        stop,
      ],
      [
        { kind: 'tool_call', name: 'f', id: 'x', json: '1' },
        { kind: 'tool_call', name: 'g', id: 'y', json: '2' },
      ],
    ],
    [
      'interleaved fragments',
      [
        chunk({
          tool_calls: [
            { index: 0, id: 'x', function: { name: 'f', arguments: '' } },
            { index: 1, id: 'y', function: { name: 'g', arguments: '' } },
          ],
        }),
        chunk({ tool_calls: [{ index: 1, function: { arguments: 'b' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: 'a' } }] }),
        stop,
      ],
      [
        { kind: 'tool_call', name: 'f', id: 'x', json: 'a' },
        { kind: 'tool_call', name: 'g', id: 'y', json: 'b' },
      ],
    ],
    [
      'arguments before the name',
      [
        chunk({ tool_calls: [{ index: 0, id: 'x', function: { arguments: 'a' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: 'b' } }] }),
        stop,
      ],
      [{ kind: 'tool_call', name: 'f', id: 'x', json: 'ab' }],
    ],
    [
      'arguments as an object',
      [chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: { a: 1 } } }] }), stop],
      [{ kind: 'tool_call', name: 'f', id: 'x', json: '{"a":1}' }],
    ],
    [
      'a custom tool call',
      [
        chunk({ tool_calls: [{ index: 0, id: 'x', type: 'custom', custom: { name: 'f', input: 'a' } }] }),
        chunk({ tool_calls: [{ index: 0, custom: { input: 'b' } }] }),
        stop,
      ],
      [{ kind: 'custom_tool_call', name: 'f', id: 'x', json: 'ab' }],
    ],
    [
      'a legacy function call',
      [
        chunk({ function_call: { name: 'f', arguments: '{' } }),
        chunk({ function_call: { arguments: '}' } }),
        chunk({}, { finish_reason: 'function_call' }),
      ],
      [{ kind: 'tool_call', name: 'f', id: undefined, json: '{}' }],
    ],
    [
      'text around a tool call',
      [
        chunk({ content: 'sec' }),
        chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '' } }] }),
        chunk({ content: 'ret' }),
        stop,
      ],
      [
        { kind: 'text', text: 'secret' },
        { kind: 'tool_call', name: 'f', id: 'x', json: '' },
      ],
    ],
  ])('%s', (_title, frames, blocks) => {
    expect(blocksOf(decode(...frames))).toEqual(blocks);
  });

  it('several choices interleave', () => {
    const of = (index: number, content: string, reason: string | null = null): string =>
      JSON.stringify({ ...head, choices: [{ index, delta: { content }, finish_reason: reason }] });
    const events = decode(of(0, 'a'), of(1, 'x'), of(0, 'b'), of(1, 'y', 'length'), of(0, 'c', 'stop'), '[DONE]');
    expect([blocksOf(events, 0), blocksOf(events, 1)]).toEqual([
      [{ kind: 'text', text: 'abc' }],
      [{ kind: 'text', text: 'xy' }],
    ]);
    expect(ofType(events, 'finish').map(({ choice = 0, reason }) => [choice, reason.unified])).toEqual([
      [1, 'length'],
      [0, 'stop'],
    ]);
  });

  it('usage may come under x_groq, in every frame, or with the finish reason', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    expect(
      ofType(decode(stop, JSON.stringify({ ...head, choices: [], x_groq: { id: 'q', usage } })), 'usage'),
    ).toHaveLength(1);
    expect(
      ofType(
        decode(chunk({ content: 'a' }, {}, { usage }), chunk({ content: 'b' }, { finish_reason: 'stop' }, { usage })),
        'usage',
      ).map(({ final }) => final),
    ).toEqual([undefined, true]);
  });

  it('the id and the model stay those that came first', () => {
    const first = JSON.stringify({
      id: '',
      model: '',
      object: '',
      created: 0,
      choices: [],
      prompt_filter_results: [{ prompt_index: 0 }],
    });
    const events = decode(
      first,
      chunk({ content: 'a' }),
      chunk({ content: 'b' }, {}, { id: 'other', model: 'other' }),
      stop,
    );
    expect(ofType(events, 'response.meta').map(({ responseId, model }) => [responseId, model])).toEqual([
      [undefined, undefined],
      ['c1', 'm'],
    ]);
    expect(typesOf(events).slice(0, 2)).toEqual(['response.meta', 'safety']);
  });

  it('log probabilities go with their text, and the frame is not copied', () => {
    const logprobs = { content: [{ token: 'a', logprob: -1 }] };
    const decoder = new ChatStreamDecoder();
    decoder.frame('', chunk({ content: 'x' }));
    const frame = decoder.frame('', chunk({ content: 'a' }, { logprobs }));
    expect(frame).toEqual({
      transparent: false,
      events: [{ type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'a', logprobs }],
    });
  });

  it('encrypted reasoning is a signature', () => {
    const detail = { type: 'reasoning.encrypted', format: 'f1', id: 'r', index: 0 };
    const events = decode(chunk({ reasoning: null, reasoning_details: [{ ...detail, data: 'AAA' }] }), stop);
    expect(ofType(events, 'reasoning.signature')).toMatchObject([
      {
        value: 'AAA',
        format: 'openai-chat/f1',
        encrypted: true,
        ext: { 'openai-chat': { choices: { delta: { reasoning_details: [detail] } } } },
      },
    ]);
  });

  it('filter results are an event when a filter saw something', () => {
    const quiet = { hate: { filtered: false, severity: 'safe' } };
    const loud = { hate: { filtered: true, severity: 'high' } };
    expect(ofType(decode(chunk({ content: 'a' }, { content_filter_results: quiet }), stop), 'safety')).toEqual([]);
    expect(
      ofType(
        decode(
          chunk({ content: 'a' }, { content_filter_results: loud }),
          chunk({}, { finish_reason: 'content_filter' }),
        ),
        'safety',
      ),
    ).toMatchObject([{ scope: 'completion', blocked: true, verdicts: [loud] }]);
  });
});

describe('unknown fields and events', () => {
  it('go with the events of their frame, in their places', () => {
    const events = decode(
      chunk({ content: 'a', channel: 'final' }, { native_finish_reason: 'x', token_ids: [1] }, { provider: 'P' }),
      stop,
    );
    expect(events[0]?.ext).toEqual({ 'openai-chat': { provider: 'P' } });
    expect(events[1]?.ext).toEqual({
      'openai-chat': { choices: { native_finish_reason: 'x', token_ids: [1], delta: { channel: 'final' } } },
    });
  });

  it.each([
    ['{"type":"vendor.ping"}', '{"type":"vendor.ping"}'],
    [chunk({ executed_tools: [{ index: 0 }] }), chunk({ executed_tools: [{ index: 0 }] })],
  ])('%s becomes a raw event where no other carries it', (data, expected) => {
    const decoder = new ChatStreamDecoder();
    decoder.frame('', chunk({ role: 'assistant', content: '' }));
    expect(decoder.frame('', data).events).toEqual([{ type: 'raw', dialect: 'openai-chat', data: expected }]);
  });
});
