import { describe, expect, it } from '@jest/globals';
import { decodeResponseBody } from '../../src/backends/openai-responses/decode-body.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  added,
  at,
  blocksOf,
  call,
  completed,
  created,
  decode,
  done,
  finishOf,
  frame,
  inCall,
  inThought,
  message,
  part,
  response,
  text,
  thought,
  usage,
  type Block,
  type Json,
} from './openai-responses/frames.ts';

describe('a plain stream', () => {
  const frames = [
    created,
    frame('in_progress', { response: { ...response, status: 'in_progress' } }),
    added(message),
    frame('content_part.added', { ...at, part: part() }),
    text('Hi', { logprobs: [] }),
    text('!'),
    frame('output_text.done', { ...at, text: 'Hi!' }),
    frame('content_part.done', { ...at, part: part({ text: 'Hi!' }) }),
    done({ ...message, status: 'completed', content: [part({ text: 'Hi!' })] }),
    completed({ output: [{ ...message, content: [part({ text: 'Hi!' })] }], usage }),
  ];

  it('becomes metadata, one block, finish and usage', () => {
    expect(decode(frames)).toEqual([
      {
        type: 'response.meta',
        responseId: 'resp_1',
        model: 'm',
        created: 7,
        provider: 'openai-responses',
        role: 'assistant',
      },
      {
        type: 'block.start',
        blockId: 'b0',
        kind: 'text',
        role: 'assistant',
        index: 0,
        nativeIndex: 0,
        itemId: 'i1',
      },
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'Hi' },
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: '!' },
      { type: 'block.end', blockId: 'b0' },
      { type: 'finish', reason: { unified: 'stop', raw: 'completed' } },
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

  it('numbers only what names its block exactly', () => {
    const delta = (fields: Json): string => text('a', { sequence_number: 3, ...fields });
    const numbered = [
      created,
      added(message),
      frame('content_part.added', { ...at, part: part() }),
      delta({}),
      delta({ output_index: 7 }),
      delta({ item_id: '' }),
      delta({ item_id: 'other' }),
      delta({ content_index: undefined }),
      completed(),
    ];
    const extensionsOf = (own: boolean): unknown[] =>
      decode(numbered, own)
        .filter((event) => event.type === 'text.delta')
        .map((event) => event.ext?.['openai-responses']);
    const others = [undefined, { item_id: '' }, { item_id: 'other' }, undefined];
    expect(extensionsOf(true)).toEqual([{ sequence_number: 3 }, ...others]);
    expect(extensionsOf(false)).toEqual([undefined, ...others]);
  });

  it('tells a client of the format where everything stood', () => {
    const item = { ...message, phase: 'final_answer' };
    const events = decode(
      [
        frame('created', { sequence_number: 0, response: { ...response, status: 'in_progress', top_p: 1 } }),
        added(item),
        frame('content_part.added', { ...at, sequence_number: 2, part: part({ extra: 1 }) }),
        text('a', { sequence_number: 3, obfuscation: 'xyz', note: true }),
        frame('output_item.done', { sequence_number: 4, output_index: 0, item: { ...item, phase: 'other' } }),
        completed({ id: 'resp_2', top_p: 0.5 }),
      ],
      true,
    );
    const extensions = events.map((event) => [event.type, event.ext?.['openai-responses']]);
    expect(extensions).toEqual([
      ['response.meta', { sequence_number: 0, response: { top_p: 1 } }],
      ['block.start', { sequence_number: 2, item: { phase: 'final_answer' }, part: { extra: 1 } }],
      ['text.delta', { sequence_number: 3, note: true }],
      ['block.end', { sequence_number: 4, item: { phase: 'other' } }],
      ['response.meta', { response: { id: 'resp_2', top_p: 0.5 } }],
      ['finish', undefined],
    ]);
    expect(events[4]).toMatchObject({ responseId: 'resp_1' });
  });
});

const streams: readonly (readonly [string, readonly string[], readonly Block[], string])[] = [
  [
    'parallel calls whose fragments alternate',
    [
      added(call),
      added({ ...call, id: 'f2', call_id: 'c2', name: 'find' }, 1),
      frame('function_call_arguments.delta', { ...inCall, delta: '{"a"' }),
      frame('function_call_arguments.delta', { item_id: 'f2', output_index: 1, delta: '{}' }),
      frame('function_call_arguments.delta', { ...inCall, delta: ':1}' }),
      done({ ...call, arguments: '{"a":1}' }),
    ],
    [
      { kind: 'tool_call', name: 'look', callId: 'c1', json: '{"a":1}' },
      { kind: 'tool_call', name: 'find', callId: 'c2', json: '{}' },
    ],
    'tool_calls',
  ],
  [
    'a call without fragments',
    [
      added(call),
      frame('function_call_arguments.done', { ...inCall, arguments: '{}' }),
      done({ ...call, arguments: '{}' }),
    ],
    [{ kind: 'tool_call', name: 'look', callId: 'c1', json: '{}' }],
    'tool_calls',
  ],
  [
    'a call whose name comes last',
    [
      frame('function_call_arguments.delta', { ...inCall, delta: '{"a":' }),
      frame('function_call_arguments.delta', { ...inCall, delta: '1}' }),
      done({ ...call, arguments: '{"a":1}' }),
    ],
    [{ kind: 'tool_call', name: 'look', callId: 'c1', json: '{"a":1}' }],
    'tool_calls',
  ],
  [
    'a custom tool',
    [
      added({ type: 'custom_tool_call', id: 'f1', call_id: 'c1', name: 'exec', input: '' }),
      frame('custom_tool_call_input.delta', { ...inCall, delta: 'ls ' }),
      frame('custom_tool_call_input.delta', { ...inCall, delta: '-a' }),
      frame('custom_tool_call_input.done', { ...inCall, input: 'ls -a' }),
    ],
    [{ kind: 'custom_tool_call', name: 'exec', callId: 'c1', json: 'ls -a' }],
    'tool_calls',
  ],
  [
    'summaries of reasoning, with the proof on the last',
    [
      added(thought),
      frame('reasoning_summary_part.added', {
        ...inThought,
        summary_index: 0,
        part: { type: 'summary_text', text: '' },
      }),
      frame('reasoning_summary_text.delta', { ...inThought, summary_index: 0, delta: 'one' }),
      frame('reasoning_summary_text.done', { ...inThought, summary_index: 0, text: 'one' }),
      frame('reasoning_summary_part.added', {
        ...inThought,
        summary_index: 1,
        part: { type: 'summary_text', text: '' },
      }),
      frame('reasoning_summary_text.delta', { ...inThought, summary_index: 1, delta: 'two' }),
      done({
        ...thought,
        encrypted_content: 'xyz',
        summary: [
          { type: 'summary_text', text: 'one' },
          { type: 'summary_text', text: 'two' },
        ],
      }),
      text('a', { item_id: 'i2', output_index: 1 }),
    ],
    [
      { kind: 'reasoning_summary', text: 'one' },
      { kind: 'reasoning_summary', text: 'two', signature: 'xyz' },
      { kind: 'text', text: 'a' },
    ],
    'stop',
  ],
  [
    'encrypted reasoning without text',
    [added(thought), done({ ...thought, encrypted_content: 'xyz' }), added(call, 1)],
    [
      { kind: 'reasoning', signature: 'xyz' },
      { kind: 'tool_call', name: 'look', callId: 'c1' },
    ],
    'tool_calls',
  ],
  [
    'reasoning that says nothing',
    [added(thought), done(thought), text('a', { item_id: 'i2', output_index: 1 })],
    [{ kind: 'text', text: 'a' }],
    'stop',
  ],
  [
    'reasoning as it is',
    [
      added(thought),
      frame('content_part.added', { ...inThought, content_index: 0, part: { type: 'reasoning_text', text: '' } }),
      frame('reasoning_text.delta', { ...inThought, content_index: 0, delta: 'hm' }),
      done({ ...thought, content: [{ type: 'reasoning_text', text: 'hm' }] }),
    ],
    [{ kind: 'reasoning', text: 'hm' }],
    'stop',
  ],
  [
    'a refusal',
    [added(message), frame('refusal.delta', { ...at, delta: 'I ' }), frame('refusal.delta', { ...at, delta: "can't" })],
    [{ kind: 'refusal', text: "I can't" }],
    'refusal',
  ],
  [
    'two parts of one message',
    [added(message), text('a'), text('b', { content_index: 1 }), text('c', { content_index: 1 })],
    [
      { kind: 'text', text: 'a' },
      { kind: 'text', text: 'bc' },
    ],
    'stop',
  ],
  ['text that no frame announced', [text('a'), text('b')], [{ kind: 'text', text: 'ab' }], 'stop'],
  [
    'text in the last frame of the part only',
    [
      added(message),
      frame('output_text.done', { ...at, text: 'whole' }),
      frame('content_part.done', { ...at, part: part({ text: 'whole' }) }),
    ],
    [{ kind: 'text', text: 'whole' }],
    'stop',
  ],
  [
    'text in the last frame of the item only',
    [added(message), done({ ...message, content: [part({ text: 'whole' })] })],
    [{ kind: 'text', text: 'whole' }],
    'stop',
  ],
  [
    'other ids in later frames',
    [
      added(message),
      text('a', { item_id: 'other' }),
      done({ ...message, id: 'third', content: [part({ text: 'a' })] }),
    ],
    [{ kind: 'text', text: 'a' }],
    'stop',
  ],
  [
    'no ids at all',
    [
      added({ ...message, id: '' }),
      text('a', { item_id: '' }),
      added({ ...call, id: '' }, 1),
      frame('function_call_arguments.delta', { item_id: '', output_index: 1, delta: '{}' }),
    ],
    [
      { kind: 'text', text: 'a' },
      { kind: 'tool_call', name: 'look', callId: 'c1', json: '{}' },
    ],
    'tool_calls',
  ],
  [
    'one index for all items',
    [
      added(thought),
      added(message),
      text('a'),
      added(call),
      frame('function_call_arguments.delta', { ...inCall, delta: '{}' }),
    ],
    [
      { kind: 'text', text: 'a' },
      { kind: 'tool_call', name: 'look', callId: 'c1', json: '{}' },
    ],
    'tool_calls',
  ],
  [
    'a tool that the provider runs',
    [
      added({ type: 'mcp_call', id: 'f1', name: 'ask', server_label: 's', arguments: '' }),
      frame('mcp_call_arguments.delta', { ...inCall, delta: '{"q":1}' }),
      done({ type: 'mcp_call', id: 'f1', name: 'ask', server_label: 's', arguments: '{"q":1}', output: 'x' }),
      added({ type: 'web_search_call', id: 'w1', status: 'in_progress' }, 1),
      frame('web_search_call.searching', { item_id: 'w1', output_index: 1 }),
      done({ type: 'web_search_call', id: 'w1', status: 'completed', action: { type: 'search', query: 'q' } }, 1),
      added({ type: 'shell_call_output', id: 's1', call_id: 'c9', output: [] }, 2),
    ],
    [
      { kind: 'server_tool_call', name: 'ask', callId: 'f1', json: '{"q":1}' },
      { kind: 'server_tool_call', name: 'web_search', callId: 'w1', json: '{"type":"search","query":"q"}' },
      { kind: 'server_tool_result', callId: 'c9' },
    ],
    'stop',
  ],
  [
    'something built in that runs at the client',
    [added({ type: 'local_shell_call', id: 'l1', call_id: 'c1', action: { type: 'exec', command: ['ls'] } })],
    [{ kind: 'server_tool_call', name: 'local_shell', callId: 'c1', json: '{"type":"exec","command":["ls"]}' }],
    'tool_calls',
  ],
];

describe('items', () => {
  it.each(streams)('%s', (_title, frames, blocks, unified) => {
    const events = decode([created, ...frames, completed()]);
    expect(blocksOf(events)).toEqual(blocks);
    expect(finishOf(events)).toEqual({ unified, raw: 'completed' });
  });

  it.each(streams)('%s: also where only the last frame says it', (_title, frames, blocks) => {
    const events = decode([created, ...frames, completed()]);
    const output = itemsOf(events);
    if (output.length === 0) return;
    const once = blocks.filter(({ kind }) => kind === 'text' || kind === 'tool_call');
    expect(blocksOf(decode([created, completed({ output })]))).toEqual(once);
    expect(blocksOf(decode([created, ...frames, completed({ output })]))).toEqual(blocks);
    const body = JSON.stringify({ ...response, status: 'completed', output });
    expect(blocksOf(decodeResponseBody(body, false))).toEqual(once);
  });

  it('of a response that holds reasoning only by its id are kept for a client of the format', () => {
    const events = decode([created, added(thought), done(thought), completed()], true);
    expect(events).toContainEqual(expect.objectContaining({ type: 'block.start', kind: 'reasoning', itemId: 'r1' }));
  });

  it('end with their whole where that says more', () => {
    const whole = { type: 'mcp_call', id: 'f1', name: 'ask', output: 'x' };
    const events = decode([
      created,
      added({ type: 'mcp_call', id: 'f1', name: 'ask' }),
      done(whole),
      added(call, 1),
      done({ ...call, arguments: '{}', status: 'completed' }, 1),
      completed(),
    ]);
    const ends = events.filter((event) => event.type === 'block.end');
    expect(ends).toEqual([
      { type: 'block.end', blockId: 'b0', final: whole },
      { type: 'block.end', blockId: 'b1' },
    ]);
  });
});

/** The texts and calls of an answer as the items of a whole response. */
function itemsOf(events: readonly AnswerEvent[]): readonly Json[] {
  const blocks = blocksOf(events);
  const messages = blocks.filter(({ kind }) => kind === 'text');
  return [
    ...(messages.length > 0 ? [{ ...message, content: messages.map((block) => part({ text: block.text })) }] : []),
    ...blocks
      .filter(({ kind }) => kind === 'tool_call')
      .map((block, index) => ({
        ...call,
        id: `x${index}`,
        call_id: block.callId,
        name: block.name,
        arguments: block.json,
      })),
  ];
}
