import { describe, expect, it } from '@jest/globals';
import { chatRequest } from '../support/chat-run.ts';
import {
  backend,
  begin,
  blockEnd,
  blockStart,
  dataOf,
  decode,
  delta,
  finish,
  messageStop,
  meta,
  metadata,
  start,
  stop,
  textDelta,
  usage,
  usageEvent,
} from './bedrock-converse/frames.ts';

describe('a streamed answer', () => {
  it('of text has a block for it, which no event has opened', () => {
    const frames = [begin, delta(0, { text: 'Hel' }), delta(0, { text: '' }), delta(0, { text: 'lo' }), stop(0)];
    expect(decode([...frames, messageStop('end_turn'), metadata])).toEqual([
      meta,
      blockStart(0, 'text'),
      textDelta(0, 'Hel'),
      textDelta(0, 'lo'),
      blockEnd(0),
      finish('stop', 'end_turn'),
      usageEvent,
    ]);
  });

  it('calls tools, one beside the other, and one without arguments', () => {
    const events = decode([
      begin,
      delta(0, { text: 'Both.' }),
      stop(0),
      start(1, { toolUse: { toolUseId: 't1', name: 'a' } }),
      start(2, { toolUse: { toolUseId: 't2', name: 'b', type: 'tool_use' } }),
      delta(1, { toolUse: { input: '{"x"' } }),
      delta(2, { toolUse: { input: '' } }),
      delta(1, { toolUse: { input: ':1}' } }),
      stop(2),
      stop(1),
      messageStop('tool_use'),
      metadata,
    ]);
    expect(events.slice(4, -1)).toEqual([
      blockStart(1, 'tool_call', { name: 'a', callId: 't1' }),
      blockStart(2, 'tool_call', { name: 'b', callId: 't2' }),
      { type: 'toolArgs.delta', blockId: 'b1', json: '{"x"' },
      { type: 'toolArgs.delta', blockId: 'b1', json: ':1}' },
      { type: 'toolArgs.delta', blockId: 'b2', json: '{}', synthetic: true },
      blockEnd(2),
      blockEnd(1),
      finish('tool_calls', 'tool_use'),
    ]);
  });

  it('reasons, with a proof in pieces and with reasoning that nobody may read', () => {
    const halves = ['hello ', 'world!'].map((part) => Buffer.from(part).toString('base64'));
    const events = decode([
      begin,
      delta(0, { reasoningContent: { text: 'hm' } }),
      delta(0, { reasoningContent: { signature: 'si' } }),
      delta(0, { reasoningContent: { signature: 'g==' } }),
      stop(0),
      delta(1, { reasoningContent: { redactedContent: halves[0] } }),
      delta(1, { reasoningContent: { redactedContent: halves[1] } }),
      stop(1),
      delta(2, { text: 'So.' }),
      stop(2),
      messageStop('end_turn'),
      metadata,
    ]);
    expect(events.slice(1, 8)).toEqual([
      blockStart(0, 'reasoning'),
      textDelta(0, 'hm'),
      { type: 'reasoning.signature', blockId: 'b0', value: 'sig==', format: 'bedrock-converse' },
      blockEnd(0),
      blockStart(1, 'reasoning_redacted'),
      {
        type: 'reasoning.signature',
        blockId: 'b1',
        value: Buffer.from('hello world!').toString('base64'),
        format: 'bedrock-converse',
        encrypted: true,
      },
      blockEnd(1),
    ]);
  });

  it('cites before it says', () => {
    const citation = {
      title: 'Guide',
      location: { web: { url: 'https://example.com/a', domain: 'example.com' } },
      sourceContent: [{ text: 'one' }, { text: ' two' }],
    };
    expect(
      decode([begin, delta(0, { citation }), delta(0, { text: 'It is.' }), stop(0), messageStop('end_turn')]).slice(
        1,
        4,
      ),
    ).toEqual([
      blockStart(0, 'text'),
      {
        type: 'annotation',
        blockId: 'b0',
        annotation: citation,
        dialect: 'bedrock-converse',
        url: 'https://example.com/a',
        title: 'Guide',
        citedText: 'one two',
      },
      textDelta(0, 'It is.'),
    ]);
  });

  it('shows tools that the provider runs, with their results in one piece', () => {
    const toolUse = { toolUseId: 's1', name: 'nova_code_interpreter', type: 'server_tool_use' };
    const toolResult = { toolUseId: 's1', type: 'nova_code_interpreter_result', status: 'success' };
    const events = decode([
      begin,
      start(0, { toolUse }),
      delta(0, { toolUse: { input: '{"snippet":"1"}' } }),
      stop(0),
      start(1, { toolResult }),
      delta(1, { toolResult: [{ json: { stdOut: '1' } }] }),
      delta(1, { toolResult: [{ text: 'done' }] }),
      stop(1),
      messageStop('end_turn'),
      metadata,
    ]);
    expect(events.slice(1, 6)).toEqual([
      blockStart(0, 'server_tool_call', { name: toolUse.name, callId: 's1', providerExecuted: true, initial: toolUse }),
      { type: 'toolArgs.delta', blockId: 'b0', json: '{"snippet":"1"}' },
      blockEnd(0),
      {
        type: 'block.start',
        blockId: 'b1',
        kind: 'server_tool_result',
        role: 'assistant',
        callId: 's1',
        providerExecuted: true,
        initial: { ...toolResult, content: [{ json: { stdOut: '1' } }, { text: 'done' }] },
      },
      blockEnd(1),
    ]);
    expect(events.at(-2)).toEqual(finish('stop', 'end_turn'));
  });

  it('brings pictures', () => {
    const frames = [
      begin,
      start(0, { image: { format: 'png' } }),
      delta(0, { image: { source: { bytes: 'AAEC' } } }),
      stop(0),
    ];
    expect(decode([...frames, messageStop('end_turn')]).slice(1, 4)).toEqual([
      blockStart(0, 'image', { mediaType: 'image/png' }),
      { type: 'media.delta', blockId: 'b0', base64: 'AAEC' },
      blockEnd(0),
    ]);
  });

  it('keeps what nobody knows for its own dialect', () => {
    const events = decode([
      begin,
      ['newEvent', 'no JSON'],
      delta(0, { hologram: { x: 1 } }),
      start(1, { hologram: {} }),
      messageStop('end_turn', { additionalModelResponseFields: { delta: { stop_sequence: 'X' } } }),
      [
        'metadata',
        { usage, performanceConfig: { latency: 'optimized' }, trace: { promptRouter: { invokedModelId: 'm' } } },
      ],
    ]);
    expect(events.filter(({ type }) => type === 'raw')).toEqual([
      { type: 'raw', dialect: 'bedrock-converse', event: 'newEvent', data: 'no JSON' },
      {
        type: 'raw',
        dialect: 'bedrock-converse',
        event: 'contentBlockDelta',
        data: dataOf(delta(0, { hologram: { x: 1 } })[1]),
      },
    ]);
    expect(events).toContainEqual(blockStartOf('unknown', { initial: { hologram: {} } }));
    expect(events.find(({ type }) => type === 'finish')).toEqual({
      ...finish('stop', 'end_turn'),
      stopSequence: 'X',
      ext: { 'bedrock-converse': { additionalModelResponseFields: { delta: { stop_sequence: 'X' } } } },
    });
    expect(events.at(-1)?.ext).toEqual({
      'bedrock-converse': {
        performanceConfig: { latency: 'optimized' },
        trace: { promptRouter: { invokedModelId: 'm' } },
      },
    });
  });

  const blockStartOf = (kind: string, more: object) => expect.objectContaining({ type: 'block.start', kind, ...more });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['tool_use', 'tool_calls'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['guardrail_intervened', 'content_filter'],
    ['content_filtered', 'content_filter'],
    ['malformed_tool_use', 'error'],
    ['malformed_model_output', 'error'],
    ['something_new', 'stop'],
  ])('that ends with %s finished with %s', (word, unified) => {
    expect(decode([begin, delta(0, { text: 'a' }), messageStop(word)]).at(-1)).toEqual(finish(unified, word));
  });

  it('without a beginning, or ends of blocks, or in another order, is one all the same', () => {
    expect(
      decode([
        delta(0, { text: 'a' }),
        start(1, { toolUse: { toolUseId: 't', name: 'f' } }),
        metadata,
        messageStop('tool_use'),
      ]),
    ).toEqual([
      { ...meta, synthetic: true },
      blockStart(0, 'text'),
      textDelta(0, 'a'),
      blockStart(1, 'tool_call', { name: 'f', callId: 't' }),
      usageEvent,
      blockEnd(0),
      { type: 'toolArgs.delta', blockId: 'b1', json: '{}', synthetic: true },
      blockEnd(1),
      finish('tool_calls', 'tool_use'),
    ]);
  });

  it('opens a new block where an index goes on after its end, or as something else', () => {
    const events = decode([
      begin,
      delta(0, { text: 'a' }),
      stop(0),
      delta(0, { text: 'b' }),
      delta(0, { reasoningContent: { text: 'c' } }),
      messageStop('end_turn'),
    ]);
    expect(events.filter(({ type }) => type === 'block.start').map((event) => 'kind' in event && event.kind)).toEqual([
      'text',
      'text',
      'reasoning',
    ]);
  });
});

describe('the end', () => {
  it('is there when reason and usage were', () => {
    const decoder = backend.decode(chatRequest());
    const seen = [begin, delta(0, { text: 'a' }), messageStop('end_turn'), metadata].map(([event, payload]) => {
      decoder.frame(event, dataOf(payload));
      return decoder.terminated;
    });
    expect(seen).toEqual([false, false, false, true]);
    expect(decoder.frame('contentBlockDelta', '{broken').events).toEqual([]);
  });

  it('may lack the usage, but not the reason', () => {
    expect(decode([begin, delta(0, { text: 'a' }), messageStop('end_turn')]).at(-1)).toEqual(
      finish('stop', 'end_turn'),
    );
    for (const frames of [[], [begin], [begin, delta(0, { text: 'a' }), stop(0)], [begin, metadata]])
      expect(() => decode(frames)).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
  });

  it('without a reason is a synthetic one', () => {
    const tool = start(0, { toolUse: { toolUseId: 't', name: 'f' } });
    expect(decode([begin, ['messageStop', {}]]).at(-1)).toEqual({
      type: 'finish',
      reason: { unified: 'stop' },
      synthetic: true,
    });
    expect(decode([begin, tool, ['messageStop', {}]]).at(-1)).toMatchObject({ reason: { unified: 'tool_calls' } });
  });
});
