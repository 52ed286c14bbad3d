import { describe, expect, it } from '@jest/globals';
import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
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
  read,
  textDelta,
  textStart,
} from '../support/anthropic-frames.ts';
import type { RecordedFrame } from '../support/recorded-streams.ts';

describe('the end of a message', () => {
  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'refusal'],
    ['pause_turn', 'pause'],
    ['compaction', 'pause'],
    ['something_new', 'stop'],
  ])('%s is %s', (word, unified) => {
    const [finish] = ofType(decode(messageStart(), messageDelta(word), messageStop), 'finish');
    expect(finish).toEqual({ type: 'finish', reason: { unified, raw: word } });
  });

  it('tells a refusal, the container and what was edited', () => {
    const details = { type: 'refusal', category: 'cyber', explanation: 'No.', recommended_model: 'm' };
    const container = { id: 'container_1', expires_at: '2026-01-01T00:00:00Z' };
    const end = messageDelta(
      'refusal',
      { stop_details: details, container },
      { context_management: { applied_edits: [{ type: 'clear' }] } },
    );
    expect(ofType(decode(messageStart(), end, messageStop), 'finish')).toEqual([
      {
        type: 'finish',
        reason: { unified: 'refusal', raw: 'refusal' },
        refusal: { category: 'cyber', explanation: 'No.' },
        ext: {
          'anthropic-messages': {
            context_management: { applied_edits: [{ type: 'clear' }] },
            delta: { container, stop_details: { recommended_model: 'm' } },
          },
        },
      },
    ]);
  });

  it('restates counts, also downwards, and keeps those that it does not name', () => {
    const first = {
      input_tokens: 100,
      cache_read_input_tokens: 50,
      cache_creation_input_tokens: 20,
      cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 15 },
      output_tokens: 1,
    };
    const events = decode(
      messageStart({ usage: first }),
      messageDelta(null, {}, { usage: { output_tokens: 90, input_tokens: 80, cache_read_input_tokens: null } }),
      messageDelta(
        'end_turn',
        {},
        {
          usage: {
            output_tokens: 30,
            output_tokens_details: { thinking_tokens: 7 },
            server_tool_use: { web_search_requests: 2 },
          },
        },
      ),
      messageStop,
    );
    expect(foldOf(events).usage).toMatchObject({
      input: { total: 150, noCache: 80, cacheRead: 50, cacheWrite: 20, cacheWrite5m: 5, cacheWrite1h: 15 },
      output: { total: 30, reasoning: 7 },
      serverTools: { web_search_requests: 2 },
    });
  });

  const ends: readonly (readonly [string, readonly RecordedFrame[], unknown])[] = [
    ['a reason, no terminator', [messageStart(), messageDelta('max_tokens')], { unified: 'length', raw: 'max_tokens' }],
    ['the terminator, no reason', [messageStart(), messageStop], { unified: 'stop' }],
    [
      'the terminator, no reason, a tool',
      [messageStart(), blockStart(0, { type: 'tool_use', id: 't', name: 'f', input: {} }), messageStop],
      { unified: 'tool_calls' },
    ],
    ['nothing but the terminator', [messageStop], { unified: 'stop' }],
    [
      'a second message after the first',
      [
        messageStart(),
        messageDelta('end_turn'),
        messageStop,
        messageStart({ id: 'msg_2' }),
        textStart(),
        textDelta('x'),
      ],
      { unified: 'stop', raw: 'end_turn' },
    ],
    [
      'a terminator of other formats behind it',
      [messageStart(), messageDelta('end_turn'), { event: '', data: '[DONE]' }, messageStart()],
      { unified: 'stop', raw: 'end_turn' },
    ],
    [
      'two reasons',
      [messageStart(), messageDelta('tool_use'), messageDelta('end_turn'), messageStop],
      { raw: 'tool_use' },
    ],
  ];
  it.each(ends)('%s', (_title, frames, reason) => {
    expect(ofType(decode(...frames), 'finish').map((event) => event.reason)).toEqual([
      expect.objectContaining(reason as object),
    ]);
  });

  it('every cut of a stream is either complete or truncated', () => {
    const frames = message(textStart(), textDelta('a'), textDelta('b'), blockStop());
    const outcomes = frames.map((_frame, count) => read(frames.slice(0, count + 1)).error);
    const truncated = 'UPSTREAM_TRUNCATED';
    expect(outcomes).toEqual([truncated, truncated, truncated, truncated, truncated, undefined, undefined]);
    expect(read([]).error).toBe(truncated);
  });

  it('the same start twice is one start; another one is another answer', () => {
    expect(ofType(decode(messageStart(), ...message()), 'response.meta')).toHaveLength(1);
    expect(read([messageStart(), messageStart({ id: 'msg_2' })]).error).toBe('UPSTREAM_BAD_FRAME');
    expect(read([messageStart(), textStart(), messageStart()]).error).toBe('UPSTREAM_BAD_FRAME');
  });
});

describe('errors inside a stream', () => {
  it.each([
    ['overloaded_error', 'UPSTREAM_OVERLOADED'],
    ['rate_limit_error', 'UPSTREAM_RATE_LIMITED'],
    ['authentication_error', 'UPSTREAM_AUTH'],
    ['permission_error', 'UPSTREAM_AUTH'],
    ['invalid_request_error', 'UPSTREAM_REJECTED'],
    ['not_found_error', 'UPSTREAM_REJECTED'],
    ['api_error', 'UPSTREAM_ERROR'],
    ['timeout_error', 'UPSTREAM_ERROR'],
  ])('%s is %s, named or not', (type, code) => {
    const data = JSON.stringify({ type: 'error', error: { type, message: 'words of the provider' }, request_id: 'r' });
    for (const event of ['error', '', 'message'])
      expect(read([messageStart(), textStart(), textDelta('a'), { event, data }]).error).toBe(code);
  });

  it('shows the words of the provider only where they blame the request', () => {
    const thrown = (type: string): SluiceError => {
      try {
        new MessageStreamDecoder().frame(
          'error',
          JSON.stringify({ type: 'error', error: { type, message: 'why so' } }),
        );
      } catch (error) {
        return error as SluiceError;
      }
      throw new Error('nothing was thrown');
    };
    expect(thrown('invalid_request_error').message).toContain('why so');
    expect(thrown('api_error').message).not.toContain('why so');
  });

  const bad: readonly (readonly [string, readonly RecordedFrame[]])[] = [
    ['no JSON', [{ event: 'message_start', data: '{"type":' }]],
    ['no object', [{ event: 'message_start', data: '[]' }]],
    ['nesting without end', [{ event: 'x', data: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` }]],
    ['a start without a message', [frame('message_start')]],
    ['content that is no object', [messageStart({ content: [1] })]],
    ['a block that is no object', [messageStart(), frame('content_block_start', { index: 0, content_block: 'x' })]],
    ['a block without an index', [messageStart(), frame('content_block_start', { content_block: { type: 'text' } })]],
    ['an index below 0', [messageStart(), blockStart(-1, { type: 'text' })]],
    ['a delta without a block', [messageStart(), textDelta('a')]],
    ['a delta after the stop', [messageStart(), textStart(), blockStop(), textDelta('a')]],
    ['a delta that is no object', [messageStart(), textStart(), frame('content_block_delta', { index: 0, delta: 1 })]],
    ['text that is no string', [messageStart(), textStart(), blockDelta(0, { type: 'text_delta', text: { a: 1 } })]],
    ['text in a tool', [messageStart(), blockStart(0, { type: 'tool_use', id: 't', name: 'f' }), textDelta('a')]],
    [
      'arguments in a text',
      [messageStart(), textStart(), blockDelta(0, { type: 'input_json_delta', partial_json: '1' })],
    ],
    ['a block after the reason', [messageStart(), messageDelta(), textStart()]],
  ];
  it.each(bad)('%s is a bad frame', (_title, frames) => {
    expect(read(frames).error).toBe('UPSTREAM_BAD_FRAME');
  });

  it('blocks without end are stopped', () => {
    const frames = Array.from({ length: 5_000 }, (_none, index) => textStart(index));
    expect(read([messageStart(), ...frames]).error).toBe('UPSTREAM_BAD_FRAME');
  });
});
