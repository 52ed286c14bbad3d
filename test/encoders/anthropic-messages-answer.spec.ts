import { describe, expect, it } from '@jest/globals';
import { anthropicMessagesEncoder } from '../../src/encoders/anthropic-messages.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { ErrorCode } from '../../src/kernel/error-table.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext, fakeRun } from '../support/chat-run.ts';
import { call, end, ext, finish, foreign, input, own, say, sign, start, type Json } from '../support/message-stream.ts';

const messages = anthropicMessagesEncoder.create({}, {});

function write(events: readonly AnswerEvent[], lost: string[] = []): Json {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  const context = encodeContext(chatRequest(), fakeRun({ lose: (what) => void lost.push(what) }));
  return messages.encodeAnswer(fold.answer, context) as Json;
}

describe('a message in one document', () => {
  it('says what a stream says', () => {
    const usage: AnswerEvent = { type: 'usage', input: { total: 5, cacheWrite: 2 }, output: { total: 7 } };
    const text = [start('a', 'text'), say('a', 'Hé'), say('a', 'llo'), end('a')];
    const events = [foreign, ...text, call('b', 'f'), input('b', '{"x":1}'), end('b'), finish('tool_calls'), usage];
    expect(write(events)).toEqual({
      id: 'c1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [
        { type: 'text', text: 'Héllo' },
        { type: 'tool_use', id: 'call_b', name: 'f', input: { x: 1 } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      stop_details: null,
      usage: { input_tokens: 3, cache_creation_input_tokens: 2, cache_read_input_tokens: 0, output_tokens: 7 },
    });
  });

  it.each<readonly [string, readonly AnswerEvent[], readonly unknown[]]>([
    ['nothing', [], []],
    ['a text that says nothing', [foreign, start('a', 'text'), end('a')], []],
    ['a call without arguments', [foreign, call('a', 'f')], [{ type: 'tool_use', id: 'call_a', name: 'f', input: {} }]],
    [
      'a call whose arguments are no JSON',
      [foreign, call('a', 'f'), input('a', '{"x')],
      [{ type: 'tool_use', id: 'call_a', name: 'f', input: '{"x' }],
    ],
    [
      'a call without an id',
      [foreign, start('a', 'tool_call', { name: 'f' })],
      [{ type: 'tool_use', id: 'toolu_run-1_0', name: 'f', input: {} }],
    ],
    [
      'a tool that takes free text',
      [foreign, start('a', 'custom_tool_call', { name: 'f', callId: 'c' }), input('a', 'x')],
      [{ type: 'tool_use', id: 'c', name: 'f', input: { input: 'x' } }],
    ],
    [
      'reasoning, and proofs',
      [
        own,
        start('r', 'reasoning'),
        say('r', 'hm'),
        sign('r', 'abc', { format: 'anthropic-messages' }),
        start('s', 'reasoning'),
        sign('s', 'def', { format: 'gemini' }),
        start('t', 'reasoning_redacted'),
        sign('t', 'ghi', { format: 'anthropic-messages', encrypted: true }),
      ],
      [
        { type: 'thinking', thinking: 'hm', signature: 'abc' },
        { type: 'thinking', thinking: '', signature: 'sluice1.gemini.s.ZGVm' },
        { type: 'redacted_thinking', data: 'ghi' },
      ],
    ],
    [
      'a tool of the provider',
      [
        own,
        start('a', 'server_tool_call', { initial: { type: 'server_tool_use', id: 's', name: 'x', input: {} } }),
        input('a', '{"q":1}'),
        start('b', 'server_tool_result', { initial: { type: 'x_tool_result', tool_use_id: 's', content: [] } }),
      ],
      [
        { type: 'server_tool_use', id: 's', name: 'x', input: { q: 1 } },
        { type: 'x_tool_result', tool_use_id: 's', content: [] },
      ],
    ],
    [
      'a compaction that came in pieces',
      [
        own,
        start('a', 'compaction', { initial: { type: 'compaction' } }),
        end('a', { final: { type: 'compaction', content: 'x' } }),
      ],
      [{ type: 'compaction', content: 'x' }],
    ],
    [
      'citations, and unknown fields',
      [
        own,
        start('a', 'text', ext({ content_block: { citations: [], note: 1 } })),
        say('a', 'x'),
        { type: 'annotation', blockId: 'a', dialect: 'anthropic-messages', annotation: { type: 'char_location' } },
      ],
      [{ type: 'text', text: 'x', note: 1, citations: [{ type: 'char_location' }] }],
    ],
  ])('holds %s', (_name, events, content) => {
    expect(write(events)['content']).toEqual(content);
  });

  it('has the further fields of its provider', () => {
    const meta = { ...own, ...ext({ message: { diagnostics: { id: 1 } } }) } as AnswerEvent;
    const last = finish('stop', ext({ context_management: { edits: [] }, delta: { container: { id: 'c' } } }));
    const usage: AnswerEvent = {
      type: 'usage',
      input: { noCache: 1 },
      raw: { input_tokens: 1, output_tokens: 2, speed: 'fast' },
    };
    expect(write([meta, last, usage])).toMatchObject({
      id: 'msg_1',
      diagnostics: { id: 1 },
      context_management: { edits: [] },
      container: { id: 'c' },
      usage: { input_tokens: 1, output_tokens: 2, speed: 'fast' },
    });
  });

  it.each<readonly [string, readonly AnswerEvent[]]>([
    ['answer.choices', [foreign, start('a', 'text'), start('b', 'text', { choice: 1 })]],
    ['answer.safety', [foreign, { type: 'safety', scope: 'completion', verdicts: [] }]],
    ['answer.media', [foreign, start('a', 'audio')]],
    [
      'answer.citations',
      [foreign, start('a', 'text'), say('a', 'x'), { type: 'annotation', blockId: 'a', annotation: {} }],
    ],
    ['answer.logprobs', [foreign, start('a', 'text'), { ...say('a', 'x'), logprobs: {} } as AnswerEvent]],
  ])('names %s as lost', (what, events) => {
    const lost: string[] = [];
    write(events, lost);
    expect(lost).toEqual([what]);
  });
});

describe('an error', () => {
  it.each<readonly [ErrorCode, string, number | undefined]>([
    ['REQUEST_INVALID', 'invalid_request_error', undefined],
    ['BODY_TOO_LARGE', 'request_too_large', undefined],
    ['MODEL_UNKNOWN', 'not_found_error', undefined],
    ['UPSTREAM_RATE_LIMITED', 'rate_limit_error', undefined],
    ['UPSTREAM_OVERLOADED', 'overloaded_error', 529],
    ['OVERLOADED', 'overloaded_error', 529],
    ['UPSTREAM_STALLED', 'timeout_error', undefined],
    ['UPSTREAM_RESET', 'api_error', undefined],
    ['INTERNAL', 'api_error', undefined],
  ])('%s is a %s', (code, type, status) => {
    const error = new SluiceError(code);
    expect(messages.encodeError(error, 'req-1')).toEqual({
      contentType: 'application/json',
      ...(status !== undefined && { status }),
      body: { type: 'error', error: { type, message: error.message, code }, request_id: 'req-1' },
    });
  });
});

describe('what a provider rejects', () => {
  it.each([
    [400, 'invalid_request_error'],
    [404, 'not_found_error'],
    [413, 'request_too_large'],
  ])('with %i is a %s', (status, type) => {
    const error = new SluiceError('UPSTREAM_REJECTED', { status, details: { reason: 'no' } });
    expect(messages.encodeError(error, 'req-1').body).toMatchObject({ error: { type } });
  });
});

describe('the list of models', () => {
  it('has the shape that clients page through', () => {
    const models = ['a', 'b'].map((id) => ({ id, created: 1_767_225_600, ownedBy: 'sluice' }));
    const entry = { type: 'model', created_at: '2026-01-01T00:00:00.000Z' };
    expect(messages.encodeModels?.(models)).toEqual({
      data: [
        { ...entry, id: 'a', display_name: 'a' },
        { ...entry, id: 'b', display_name: 'b' },
      ],
      has_more: false,
      first_id: 'a',
      last_id: 'b',
    });
    expect(messages.encodeModels?.([])).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  });
});
