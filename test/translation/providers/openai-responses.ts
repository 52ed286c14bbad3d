import type { NeutralAnswer, NeutralProvider, NeutralToolCall, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, fragments, joined, sse, streamOf } from './support/pieces.ts';
import { readBody, type Fields } from './support/reading.ts';
import { readRequest } from './openai-responses/read-request.ts';

/** Status of the response and reason of an incomplete one. */
const finishes = {
  stop: ['completed', null],
  tool_calls: ['completed', null],
  refusal: ['completed', null],
  length: ['incomplete', 'max_output_tokens'],
  content_filter: ['incomplete', 'content_filter'],
} as const;
const identity = '0b7de9144f6a2c31006925f8c0a1d48195b4';
const headers = {
  'x-request-id': 'req_91c07e44b2d64a0f',
  'openai-processing-ms': '198',
  'openai-version': '2020-10-01',
};
const streamHeaders = { ...headers, 'content-type': 'text/event-stream; charset=utf-8' };

/** An event before it has its number. */
interface Numbered {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The Responses API of OpenAI. */
export const openaiResponsesProvider: NeutralProvider = {
  type: 'openai-responses',
  can: {
    reasoning: true,
    signature: true,
    finishes: ['stop', 'length', 'tool_calls', 'content_filter', 'refusal'],
    usage: ['cacheRead', 'reasoning'],
    asks: ['choice_required', 'choice_none', 'choice_name', 'parallel', 'image', 'image_url', 'schema', 'call_ids'],
  },
  backend: (origin) => ({
    type: 'openai-responses',
    config: { baseUrl: `${origin}/v1`, model: 'gpt-5.1' },
    network: 'private',
  }),
  stream: (answer) => write([...opening(), ...content(answer), ending(answer)]),
  document: (answer) => documentOf(finished(answer), headers),
  failing: (answer) => write([...opening(), ...firstHalf(content(answer)), ...failure()]),
  truncated: (answer) => write([...opening(), ...content(answer)]),
  refusal: writeRefusal,
  readRequest,
  isStream: (_path, body) => readBody(body)['stream'] === true,
};

function write(events: readonly Numbered[]): ProviderReply {
  const pieces = events.map(({ type, ...fields }, number) => sse({ type, sequence_number: number, ...fields }, type));
  return streamOf(pieces, streamHeaders);
}

function writeResponse(fields: object): object {
  return {
    id: `resp_${identity}`,
    object: 'response',
    created_at: 1764_000_000,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model: 'gpt-5.1-2025-11-13',
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    prompt_cache_retention: null,
    reasoning: { effort: 'medium', summary: null },
    safety_identifier: null,
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: {},
    ...fields,
  };
}

function opening(): readonly Numbered[] {
  return [
    { type: 'response.created', response: writeResponse({}) },
    { type: 'response.in_progress', response: writeResponse({}) },
  ];
}

function content(answer: NeutralAnswer): readonly Numbered[] {
  return output(answer).flatMap(({ added, between, done }, index) => [
    { type: 'response.output_item.added', output_index: index, item: added },
    ...between.map((event) => ({ ...event, item_id: done['id'], output_index: index })),
    { type: 'response.output_item.done', output_index: index, item: done },
  ]);
}

interface OutputItem {
  readonly added: Fields;
  readonly between: readonly Numbered[];
  readonly done: Fields;
}

function output({ reasoning, signature, text, toolCalls = [], finish }: NeutralAnswer): readonly OutputItem[] {
  return [
    ...(reasoning ? [reasoningItem(reasoning, signature)] : []),
    ...(text ? [messageItem(text, finish)] : []),
    ...toolCalls.map(callItem),
  ];
}

function reasoningItem(pieces: readonly string[], signature: string | undefined): OutputItem {
  const text = joined(pieces);
  const encrypted = signature === undefined ? {} : { encrypted_content: signature };
  const item = { id: `rs_${identity}`, type: 'reasoning', ...encrypted };
  const part = (words: string): object => ({ summary_index: 0, part: { type: 'summary_text', text: words } });
  return {
    added: { ...item, summary: [] },
    between: [
      { type: 'response.reasoning_summary_part.added', ...part('') },
      ...pieces.map((delta) => ({ type: 'response.reasoning_summary_text.delta', summary_index: 0, delta })),
      { type: 'response.reasoning_summary_text.done', summary_index: 0, text },
      { type: 'response.reasoning_summary_part.done', ...part(text) },
    ],
    done: { ...item, summary: [{ type: 'summary_text', text }] },
  };
}

function messageItem(pieces: readonly string[], finish: string): OutputItem {
  const whole = joined(pieces);
  const refused = finish === 'refusal';
  const name = refused ? 'response.refusal' : 'response.output_text';
  const part = (text: string): object =>
    refused ? { type: 'refusal', refusal: text } : { type: 'output_text', annotations: [], logprobs: [], text };
  const logprobs = refused ? {} : { logprobs: [] };
  const item = { id: `msg_${identity}`, type: 'message', role: 'assistant' };
  return {
    added: { ...item, status: 'in_progress', content: [] },
    between: [
      { type: 'response.content_part.added', content_index: 0, part: part('') },
      ...pieces.map((delta) => ({ type: `${name}.delta`, content_index: 0, delta, ...logprobs, obfuscation: 'x1Z' })),
      { type: `${name}.done`, content_index: 0, ...(refused ? { refusal: whole } : { text: whole }), ...logprobs },
      { type: 'response.content_part.done', content_index: 0, part: part(whole) },
    ],
    done: { ...item, status: 'completed', content: [part(whole)] },
  };
}

function callItem(call: NeutralToolCall, index: number): OutputItem {
  const json = JSON.stringify(call.arguments);
  const item = { id: `fc_${identity}${index}`, type: 'function_call', call_id: call.id, name: call.name };
  return {
    added: { ...item, arguments: '', status: 'in_progress' },
    between: [
      ...fragments(call.arguments).map((delta) => ({ type: 'response.function_call_arguments.delta', delta })),
      { type: 'response.function_call_arguments.done', arguments: json, name: call.name },
    ],
    done: { ...item, arguments: json, status: 'completed' },
  };
}

function ending(answer: NeutralAnswer): Numbered {
  const [status] = finishWord(answer, finishes);
  return { type: `response.${status}`, response: finished(answer) };
}

function finished(answer: NeutralAnswer): object {
  const [status, reason] = finishWord(answer, finishes);
  return writeResponse({
    status,
    incomplete_details: reason === null ? null : { reason },
    output: output(answer).map(({ done }) => done),
    usage: writeUsage(answer.usage),
  });
}

function writeUsage({ input, output: all, cacheRead = 0, reasoning = 0 }: NeutralUsage): object {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead },
    output_tokens: all,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + all,
  };
}

function failure(): readonly Numbered[] {
  const message = 'An error occurred while processing your request. You can retry your request.';
  return [
    { type: 'error', error: { type: 'server_error', code: 'server_error', message, param: null } },
    {
      type: 'response.failed',
      response: writeResponse({ status: 'failed', error: { code: 'server_error', message } }),
    },
  ];
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const errors = {
    400: {
      message: "Invalid 'input[0].content': string too long.",
      type: 'invalid_request_error',
      param: 'input[0].content',
      code: 'string_above_max_length',
    },
    401: {
      message: 'Incorrect API key provided: sk-proj-****wxyz.',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    },
    404: {
      message: "The requested model 'gpt-5.1' does not exist.",
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
    429: {
      message:
        'Rate limit reached for gpt-5.1 on tokens per min (TPM): Limit 30000, Used 29990. Please try again in 7s.',
      type: 'tokens',
      param: null,
      code: 'rate_limit_exceeded',
    },
    500: {
      message: 'The server had an error while processing your request. Sorry about that!',
      type: 'server_error',
      param: null,
      code: 'server_error',
    },
    529: {
      message: 'Our servers are currently overloaded.',
      type: 'server_error',
      param: null,
      code: 'server_is_overloaded',
    },
  };
  const wait = status === 429 ? { 'retry-after': '7', 'retry-after-ms': '7000' } : {};
  return documentOf({ error: errors[status] }, { ...headers, ...wait }, status);
}
