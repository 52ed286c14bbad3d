import type { NeutralAnswer, NeutralProvider, NeutralToolCall, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, fragments, joined, sse, streamOf } from './support/pieces.ts';
import { readBody } from './support/reading.ts';
import { readRequest } from './anthropic-messages/read-request.ts';

const model = 'claude-sonnet-4-5-20250929';
const finishes = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  refusal: 'refusal',
  pause: 'pause_turn',
};
const headers = { 'request-id': 'req_011CVb7GxkR4u2EwQhZ9sTfA', 'anthropic-organization-id': '5c1d6a02' };
const streamHeaders = { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/** The Messages API of Anthropic. */
export const anthropicMessagesProvider: NeutralProvider = {
  type: 'anthropic-messages',
  can: {
    reasoning: true,
    signature: true,
    finishes: ['stop', 'length', 'tool_calls', 'refusal', 'pause'],
    usage: ['cacheRead', 'reasoning'],
    asks: [
      'choice_required',
      'choice_none',
      'choice_name',
      'parallel',
      'top_k',
      'stop',
      'image',
      'image_url',
      'tool_error',
      'schema',
      'call_ids',
    ],
  },
  backend: (origin) => ({
    type: 'anthropic-messages',
    config: { baseUrl: origin, model: 'claude-sonnet-4-5' },
    network: 'private',
  }),
  stream: (answer) => streamOf([opening(answer), ...content(answer), ...ending(answer)], streamHeaders),
  document: (answer) => documentOf(writeDocument(answer), headers),
  failing: (answer) => streamOf([opening(answer), ...firstHalf(content(answer)), failure()], streamHeaders),
  truncated: (answer) => streamOf([opening(answer), ...content(answer).slice(0, -1)], streamHeaders),
  refusal: writeRefusal,
  readRequest,
  isStream: (_path, body) => readBody(body)['stream'] === true,
};

/** One named event. */
function event(type: string, fields: object): Buffer {
  return sse({ type, ...fields }, type);
}

function opening({ usage }: NeutralAnswer): Buffer {
  return event('message_start', {
    message: {
      model,
      id: 'msg_01HqP5vYcXz8RkT3wBnJ7LdE',
      type: 'message',
      role: 'assistant',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...writeInput(usage), output_tokens: 1, service_tier: 'standard' },
    },
  });
}

function content({ reasoning, signature, text, toolCalls = [] }: NeutralAnswer): readonly Buffer[] {
  const blocks: (readonly [start: object, deltas: readonly object[]])[] = [];
  if (reasoning)
    blocks.push([
      { type: 'thinking', thinking: '', signature: '' },
      [
        ...reasoning.map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: signature ?? '' },
      ],
    ]);
  if (text) blocks.push([{ type: 'text', text: '' }, text.map((piece) => ({ type: 'text_delta', text: piece }))]);
  for (const call of toolCalls)
    blocks.push([{ type: 'tool_use', id: call.id, name: call.name, input: {} }, inputs(call)]);
  return blocks.flatMap(([start, deltas], index) => [
    event('content_block_start', { index, content_block: start }),
    ...(index === 0 ? [event('ping', {})] : []),
    ...deltas.map((delta) => event('content_block_delta', { index, delta })),
    event('content_block_stop', { index }),
  ]);
}

/** The service sends an empty fragment first, and nothing more where there are no arguments. */
function inputs(call: NeutralToolCall): readonly object[] {
  const json = JSON.stringify(call.arguments) === '{}' ? [] : fragments(call.arguments);
  return ['', ...json].map((fragment) => ({ type: 'input_json_delta', partial_json: fragment }));
}

function ending(answer: NeutralAnswer): readonly Buffer[] {
  return [
    event('message_delta', {
      delta: { stop_reason: finishWord(answer, finishes), stop_sequence: null, ...stopDetails(answer) },
      usage: writeUsage(answer.usage),
    }),
    event('message_stop', {}),
  ];
}

function failure(): Buffer {
  return event('error', {
    error: { type: 'overloaded_error', message: 'Overloaded' },
    request_id: headers['request-id'],
  });
}

function stopDetails({ finish }: NeutralAnswer): object {
  return finish === 'refusal' ? { stop_details: { type: 'refusal', category: null, explanation: null } } : {};
}

function writeInput({ input, cacheRead = 0 }: NeutralUsage): object {
  return {
    input_tokens: input - cacheRead,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  };
}

function writeUsage(usage: NeutralUsage): object {
  const details = usage.reasoning === undefined ? {} : { output_tokens_details: { thinking_tokens: usage.reasoning } };
  return { ...writeInput(usage), output_tokens: usage.output, ...details };
}

function writeDocument(answer: NeutralAnswer): object {
  const { reasoning, signature = '', text, toolCalls = [], usage } = answer;
  return {
    model,
    id: 'msg_01HqP5vYcXz8RkT3wBnJ7LdE',
    type: 'message',
    role: 'assistant',
    content: [
      ...(reasoning ? [{ type: 'thinking', thinking: joined(reasoning), signature }] : []),
      ...(text ? [{ type: 'text', text: joined(text) }] : []),
      ...toolCalls.map((call) => ({ type: 'tool_use', id: call.id, name: call.name, input: call.arguments })),
    ],
    stop_reason: finishWord(answer, finishes),
    stop_sequence: null,
    ...stopDetails(answer),
    usage: { ...writeUsage(usage), service_tier: 'standard' },
  };
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const errors = {
    400: { type: 'invalid_request_error', message: 'messages.0.content: Input should be a valid array' },
    401: { type: 'authentication_error', message: 'invalid x-api-key' },
    404: { type: 'not_found_error', message: 'model: claude-sonnet-4-5' },
    429: { type: 'rate_limit_error', message: 'This request would exceed the rate limit of your organization.' },
    500: { type: 'api_error', message: 'Internal server error' },
    529: { type: 'overloaded_error', message: 'Overloaded' },
  };
  const body = { type: 'error', error: errors[status], request_id: headers['request-id'] };
  const retry = { 'x-should-retry': status === 429 || status >= 500 ? 'true' : 'false' };
  return documentOf(body, { ...headers, ...retry, ...(status === 429 && { 'retry-after': '7' }) }, status);
}
