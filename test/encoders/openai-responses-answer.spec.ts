import { describe, expect, it } from '@jest/globals';
import { openaiResponsesEncoder } from '../../src/encoders/openai-responses.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { encodeContext } from '../support/chat-run.ts';

type Json = Record<string, unknown>;
const encoder = openaiResponsesEncoder.create({}, {});
const dialect = 'openai-responses';

function documentOf(events: readonly AnswerEvent[]): Json {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  return encoder.encodeAnswer(fold.answer, encodeContext()) as Json;
}
/** The response that the same events end with as a stream. */
function streamedOf(events: readonly AnswerEvent[]): Json {
  const stream = encoder.open(encodeContext());
  const bytes = events.map((event) => stream.encode(event)).join('') + stream.end();
  const last = Buffer.from(bytes, 'latin1').toString('utf8').trimEnd().split('\n').at(-1) ?? '';
  return (JSON.parse(last.replace(/^data: /, '')) as { response: Json }).response;
}

const meta = (provider: string): AnswerEvent => ({
  type: 'response.meta',
  provider,
  responseId: 'resp_1',
  model: 'm',
  created: 5,
  ext: { [dialect]: { response: { billing: { payer: 'x' } } } },
});
const block = (blockId: string, kind: 'text' | 'reasoning' | 'tool_call', itemId: string): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role: 'assistant',
  itemId,
  name: 'f',
  callId: `call_${blockId}`,
});
const answer = (provider: string): readonly AnswerEvent[] => [
  meta(provider),
  block('r', 'reasoning', 'rs_1'),
  { type: 'text.delta', blockId: 'r', role: 'assistant', text: 'Hm.' },
  { type: 'reasoning.signature', blockId: 'r', value: 'E', format: provider, encrypted: true },
  { type: 'block.end', blockId: 'r' },
  block('t', 'text', 'msg_1'),
  { type: 'text.delta', blockId: 't', role: 'assistant', text: 'Hé', logprobs: [{ token: 'Hé' }] },
  { type: 'text.delta', blockId: 't', role: 'assistant', text: 'llo', logprobs: [{ token: 'llo' }] },
  { type: 'annotation', blockId: 't', annotation: { type: 'url_citation', url: 'u' }, dialect, url: 'u' },
  { type: 'block.end', blockId: 't' },
  block('c', 'tool_call', 'fc_1'),
  { type: 'toolArgs.delta', blockId: 'c', json: '{"a":' },
  { type: 'toolArgs.delta', blockId: 'c', json: '1}' },
  { type: 'block.end', blockId: 'c' },
  { type: 'usage', input: { total: 3, cacheRead: 1 }, output: { total: 4 }, total: 7 },
  { type: 'finish', reason: { unified: 'tool_calls' } },
];

describe('a document', () => {
  it.each([[dialect], ['anthropic-messages'], ['gemini']])(
    'of %s is the response that the stream ends with',
    (provider) => {
      expect(documentOf(answer(provider))).toEqual(streamedOf(answer(provider)));
    },
  );

  it('holds the whole answer', () => {
    expect(documentOf(answer(dialect))).toMatchObject({
      id: 'resp_1',
      object: 'response',
      created_at: 5,
      model: 'm',
      status: 'completed',
      billing: { payer: 'x' },
      output: [
        { id: 'rs_1', type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }], encrypted_content: 'E' },
        {
          id: 'msg_1',
          content: [{ text: 'Héllo', annotations: [{ url: 'u' }], logprobs: [{ token: 'Hé' }, { token: 'llo' }] }],
        },
        { id: 'fc_1', type: 'function_call', call_id: 'call_c', name: 'f', arguments: '{"a":1}' },
      ],
      usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 1 }, output_tokens: 4, total_tokens: 7 },
    });
  });

  it('of nothing is a response', () => {
    expect(documentOf([])).toMatchObject({
      id: 'resp_run-1',
      model: 'support',
      status: 'completed',
      output: [],
      usage: null,
    });
  });
});

describe('an error', () => {
  it.each([
    [
      new SluiceError('REQUEST_INVALID', { details: { field: 'input', reason: 'no' } }),
      'invalid_request_error',
      'REQUEST_INVALID',
      'input',
    ],
    [
      new SluiceError('MODEL_UNKNOWN', { details: { model: 'x', known: 'y' } }),
      'invalid_request_error',
      'model_not_found',
      null,
    ],
    [new SluiceError('UPSTREAM_RATE_LIMITED'), 'rate_limit_error', 'rate_limit_exceeded', null],
    [new SluiceError('REQUEST_BLOCKED'), 'invalid_request_error', 'content_filter', null],
    [new SluiceError('OVERLOADED'), 'server_error', 'overloaded', null],
    [new SluiceError('UPSTREAM_RESET'), 'upstream_error', 'UPSTREAM_RESET', null],
  ])('%s has the type and the code that clients know', (error, type, code, param) => {
    expect(encoder.encodeError(error, 'run-1')).toEqual({
      contentType: 'application/json',
      body: { error: { message: error.message, type, code, param, request_id: 'run-1' } },
    });
  });
});
