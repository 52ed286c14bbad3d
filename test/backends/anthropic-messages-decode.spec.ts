import { describe, expect, it } from '@jest/globals';
import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import { decodeMessageBody } from '../../src/backends/anthropic-messages/decode-body.ts';
import {
  blockDelta,
  blockStart,
  blockStop,
  decode,
  foldOf,
  frame,
  message,
  messageDelta,
  messageStart,
  messageStop,
  ofType,
  textDelta,
  textStart,
} from '../support/anthropic-frames.ts';

const role = 'assistant';

describe('a plain stream', () => {
  it('becomes metadata, usage, one block, finish and the usage of the whole', () => {
    const usage = { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 4, service_tier: 'standard' };
    const events = decode(
      messageStart({ usage }),
      frame('ping'),
      textStart(),
      textDelta('Hi'),
      textDelta(' you'),
      blockStop(),
      messageDelta('stop_sequence', { stop_sequence: 'END' }),
      messageStop,
    );
    const raw = { ...usage, output_tokens: 5 };
    expect(events).toEqual([
      {
        type: 'response.meta',
        provider: 'anthropic-messages',
        responseId: 'msg_1',
        model: 'claude',
        serviceTier: 'standard',
        role,
      },
      {
        type: 'usage',
        input: { total: 14, noCache: 10, cacheRead: 4 },
        output: { total: 1 },
        raw: usage,
      },
      { type: 'block.start', blockId: 'b0', kind: 'text', role, index: 0, nativeIndex: 0 },
      { type: 'text.delta', blockId: 'b0', role, text: 'Hi' },
      { type: 'text.delta', blockId: 'b0', role, text: ' you', template: expect.anything() },
      { type: 'block.end', blockId: 'b0' },
      { type: 'finish', reason: { unified: 'stop', raw: 'stop_sequence' }, stopSequence: 'END' },
      {
        type: 'usage',
        input: { total: 14, noCache: 10, cacheRead: 4 },
        output: { total: 5 },
        final: true,
        raw,
      },
    ]);
  });
});

describe('blocks', () => {
  it('of two tools in a row, with the input in pieces, and without any', () => {
    const events = decode(
      ...message(
        blockStart(0, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }),
        blockDelta(0, { type: 'input_json_delta', partial_json: '' }),
        blockDelta(0, { type: 'input_json_delta', partial_json: '{"a"' }),
        blockDelta(0, { type: 'input_json_delta', partial_json: ':1}' }),
        blockStop(0),
        blockStart(1, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {}, caller: { type: 'direct' } }),
        blockDelta(1, { type: 'input_json_delta', partial_json: '' }),
        blockStop(1),
      ),
    );
    const blocks = foldOf(events).choices[0]?.blocks ?? [];
    expect(blocks.map(({ kind, arguments: json, start }) => [kind, start.name, start.callId, json])).toEqual([
      ['tool_call', 'f', 'toolu_1', '{"a":1}'],
      ['tool_call', 'g', 'toolu_2', '{}'],
    ]);
    expect(blocks[1]?.start.ext).toEqual({ 'anthropic-messages': { content_block: { caller: { type: 'direct' } } } });
  });

  it('of a tool whose input came with its start: pieces that repeat it are not said twice', () => {
    const start = blockStart(0, { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } });
    for (const pieces of [[], [blockDelta(0, { type: 'input_json_delta', partial_json: '{"a":1}' })]])
      expect(foldOf(decode(...message(start, ...pieces, blockStop()))).choices[0]?.blocks[0]?.arguments).toBe(
        '{"a":1}',
      );
  });

  it('of thinking, with its proof, and of thinking that is hidden', () => {
    const events = decode(
      ...message(
        blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
        blockDelta(0, { type: 'thinking_delta', thinking: 'Let me ' }),
        blockDelta(0, { type: 'thinking_delta', thinking: 'see' }),
        blockDelta(0, { type: 'signature_delta', signature: 'c2ln' }),
        blockStop(0),
        blockStart(1, { type: 'redacted_thinking', data: 'ZGF0YQ' }),
        blockStop(1),
      ),
    );
    const [thinking, hidden] = foldOf(events).choices[0]?.blocks ?? [];
    expect(thinking).toMatchObject({
      kind: 'reasoning',
      text: 'Let me see',
      signature: { value: 'c2ln', format: 'anthropic-messages' },
    });
    expect(hidden).toMatchObject({
      kind: 'reasoning_redacted',
      signature: { value: 'ZGF0YQ', format: 'anthropic-messages', encrypted: true },
    });
  });

  it('of text with citations, in deltas and in the start', () => {
    const page = { type: 'web_search_result_location', url: 'https://e.example', title: 'E', cited_text: 'words' };
    const place = { type: 'char_location', document_title: 'facts.txt', cited_text: 'more', start_char_index: 0 };
    const events = decode(
      ...message(
        blockStart(0, { type: 'text', text: '', citations: [] }),
        textDelta('a'),
        blockDelta(0, { type: 'citations_delta', citation: page }),
        blockStop(0),
        blockStart(1, { type: 'text', text: 'b', citations: [place] }),
        blockStop(1),
      ),
    );
    expect(ofType(events, 'annotation')).toEqual([
      {
        type: 'annotation',
        blockId: 'b0',
        annotation: page,
        dialect: 'anthropic-messages',
        url: 'https://e.example',
        title: 'E',
        citedText: 'words',
      },
      {
        type: 'annotation',
        blockId: 'b1',
        annotation: place,
        dialect: 'anthropic-messages',
        title: 'facts.txt',
        citedText: 'more',
      },
    ]);
    expect(ofType(events, 'block.start')[0]?.ext).toEqual({
      'anthropic-messages': { content_block: { citations: [] } },
    });
  });

  const whole: readonly (readonly [string, object, object])[] = [
    [
      'a search that the provider runs',
      { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
      { kind: 'server_tool_call', name: 'web_search', callId: 's1', providerExecuted: true },
    ],
    [
      'a tool of an MCP server',
      { type: 'mcp_tool_use', id: 'm1', name: 'echo', server_name: 'e', input: {} },
      { kind: 'server_tool_call', name: 'echo', callId: 'm1', providerExecuted: true },
    ],
    [
      'results of a search',
      { type: 'web_search_tool_result', tool_use_id: 's1', content: [{ type: 'web_search_result', url: 'u' }] },
      { kind: 'server_tool_result', callId: 's1', providerExecuted: true },
    ],
    [
      'results of an MCP server',
      { type: 'mcp_tool_result', tool_use_id: 'm1', is_error: false, content: [] },
      { kind: 'server_tool_result', callId: 'm1', providerExecuted: true },
    ],
    ['an upload', { type: 'container_upload', file_id: 'f' }, { kind: 'unknown' }],
    ['a block of a type that nobody knows', { type: 'hologram', beams: [1] }, { kind: 'unknown' }],
  ];
  it.each(whole)('of %s: the whole of it is kept', (_title, block, expected) => {
    const [start] = ofType(decode(...message(blockStart(0, { ...block }), blockStop())), 'block.start');
    expect(start).toEqual({
      type: 'block.start',
      blockId: 'b0',
      role,
      index: 0,
      nativeIndex: 0,
      initial: block,
      ...expected,
    });
  });

  it('of a tool that the provider runs, with its input in pieces', () => {
    const events = decode(
      ...message(
        blockStart(0, { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} }),
        blockDelta(0, { type: 'input_json_delta', partial_json: '{"query":"x"}' }),
        blockStop(),
      ),
    );
    expect(foldOf(events).choices[0]?.blocks[0]?.arguments).toBe('{"query":"x"}');
  });

  it('of a compaction: the pieces for clients of the format, the whole for others', () => {
    const delta = blockDelta(0, { type: 'compaction_delta', content: 'So far: ', encrypted_content: 'x' });
    const events = decode(
      ...message(
        blockStart(0, { type: 'compaction', content: null }),
        delta,
        blockDelta(0, { type: 'compaction_delta', content: 'tea.' }),
        blockStop(),
      ),
    );
    expect(ofType(events, 'raw')[0]).toEqual({
      type: 'raw',
      dialect: 'anthropic-messages',
      event: 'content_block_delta',
      data: delta.data,
    });
    expect(ofType(events, 'block.end')[0]?.final).toEqual({
      type: 'compaction',
      content: 'So far: tea.',
      encrypted_content: 'x',
    });
  });

  it('side by side keep their own deltas', () => {
    const events = decode(
      ...message(textStart(0), textStart(1), textDelta('a', 1), textDelta('b', 0), blockStop(1), blockStop(0)),
    );
    expect(foldOf(events).choices[0]?.blocks.map(({ text }) => text)).toEqual(['b', 'a']);
  });

  it('that never stopped end with the message, cut off where its limit was reached', () => {
    for (const [reason, more] of [
      ['end_turn', {}],
      ['max_tokens', { incomplete: true }],
    ] as const) {
      const events = decode(messageStart(), textStart(), textDelta('a'), messageDelta(reason), messageStop);
      expect(ofType(events, 'block.end')).toEqual([{ type: 'block.end', blockId: 'b0', synthetic: true, ...more }]);
    }
  });

  it('that come already with the start of the message', () => {
    const content = [{ type: 'tool_use', id: 't', name: 'f', input: { a: 1 } }];
    const events = decode(messageStart({ content, stop_reason: 'tool_use' }), messageStop);
    expect(foldOf(events).choices[0]).toMatchObject({
      blocks: [{ kind: 'tool_call', arguments: '{"a":1}' }],
      finish: { reason: { unified: 'tool_calls', raw: 'tool_use' } },
    });
  });
});

describe('what nobody knows', () => {
  it('stays next to where it stood', () => {
    const events = decode(
      frame('message_start', {
        message: { ...(JSON.parse(messageStart().data) as { message: object }).message, diagnostics: 1 },
        trace: 't',
      }),
      frame('content_block_start', { index: 0, content_block: { type: 'text', text: '', lang: 'en' }, x: 1 }),
      frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'a', y: 2 }, z: 3 }),
      frame('content_block_stop', { index: 0, w: 4 }),
      messageDelta('end_turn', { v: 5 }, { u: 6 }),
      messageStop,
    );
    expect(events.flatMap(({ type, ext }) => (ext === undefined ? [] : [[type, ext['anthropic-messages']]]))).toEqual([
      ['response.meta', { trace: 't', message: { diagnostics: 1 } }],
      ['block.start', { x: 1, content_block: { lang: 'en' } }],
      ['text.delta', { z: 3, delta: { y: 2 } }],
      ['block.end', { w: 4 }],
      ['finish', { u: 6, delta: { v: 5 } }],
    ]);
  });

  it('goes on raw where it is an event or a delta of its own', () => {
    const delta = blockDelta(0, { type: 'beam_delta', beams: 1 });
    const counted = blockDelta(0, { type: 'text_delta', text: '', estimated_tokens: 5 });
    const events = decode(...message(frame('weather', { sky: 'blue' }), textStart(), delta, counted, blockStop()));
    expect(ofType(events, 'raw').map(({ event, data }) => [event, data])).toEqual([
      ['weather', '{"type":"weather","sky":"blue"}'],
      ['content_block_delta', delta.data],
      ['content_block_delta', counted.data],
    ]);
  });

  it('an empty delta and a ping say nothing', () => {
    const decoder = new MessageStreamDecoder();
    for (const { event, data } of [messageStart(), textStart()]) decoder.frame(event, data);
    for (const { event, data } of [textDelta(''), frame('ping'), { event: 'ping', data: '' }])
      expect(decoder.frame(event, data)).toEqual({ events: [], transparent: true });
  });
});

describe('an answer in one document', () => {
  const body = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [
      { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
      { type: 'text', text: 'Hi', citations: [{ type: 'page_location', cited_text: 'x' }] },
      { type: 'tool_use', id: 't', name: 'f', input: { a: [1] } },
      { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    container: { id: 'container_1' },
    context_management: { applied_edits: [] },
    usage: { input_tokens: 3, output_tokens: 4, service_tier: 'standard' },
    diagnostics: null,
  };

  it('becomes the events of a stream', () => {
    const { meta, choices, usage } = foldOf(decodeMessageBody(JSON.stringify(body)));
    expect(meta).toMatchObject({
      responseId: 'msg_1',
      model: 'claude',
      serviceTier: 'standard',
      provider: 'anthropic-messages',
    });
    expect(meta.ext?.['anthropic-messages']).toEqual({ message: { diagnostics: null } });
    expect(choices).toHaveLength(1);
    expect(choices[0]?.blocks.map(({ kind, text, arguments: json }) => [kind, text, json])).toEqual([
      ['reasoning', 'hm', ''],
      ['text', 'Hi', ''],
      ['tool_call', '', '{"a":[1]}'],
      ['server_tool_result', '', ''],
    ]);
    expect(choices[0]?.finish).toMatchObject({
      reason: { unified: 'tool_calls', raw: 'tool_use' },
      ext: {
        'anthropic-messages': {
          delta: { container: { id: 'container_1' } },
          context_management: { applied_edits: [] },
        },
      },
    });
    expect(usage).toMatchObject({ input: { total: 3 }, output: { total: 4 }, final: true, raw: body.usage });
  });

  it('without a reason is complete, with one of our own', () => {
    const events = decodeMessageBody(JSON.stringify({ ...body, stop_reason: null }));
    expect(ofType(events, 'finish')).toEqual([{ type: 'finish', reason: { unified: 'tool_calls' }, synthetic: true }]);
    expect(foldOf(events).usage?.input?.total).toBe(3);
    expect(ofType(events, 'raw')).toEqual([]);
  });

  it.each([
    ['<html>Hello</html>', 'UPSTREAM_BAD_CONTENT'],
    ['{"content":', 'UPSTREAM_BAD_CONTENT'],
    ['{"hello":1}', 'UPSTREAM_BAD_CONTENT'],
    ['{"content":["text"]}', 'UPSTREAM_BAD_CONTENT'],
    ['{"type":"error","error":{"type":"overloaded_error","message":"m"}}', 'UPSTREAM_OVERLOADED'],
    ['{"error":{"type":"rate_limit_error","message":"m"}}', 'UPSTREAM_RATE_LIMITED'],
  ])('%s is %s', (text, code) => {
    expect(() => decodeMessageBody(text)).toThrow(expect.objectContaining({ code }));
  });
});
