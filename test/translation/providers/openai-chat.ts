import type { NeutralAnswer, NeutralProvider, NeutralToolCall, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, fragments, joined, sse, streamOf } from './support/pieces.ts';
import { readBody } from './support/reading.ts';
import { readRequest } from './openai-chat/read-request.ts';

const model = 'gpt-4.1-mini-2025-04-14';
const finishes = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  refusal: 'stop',
};
const headers = {
  'x-request-id': 'req_5f1c0b7d9a2e4c63',
  'openai-processing-ms': '241',
  'openai-version': '2020-10-01',
};
const streamHeaders = { ...headers, 'content-type': 'text/event-stream; charset=utf-8' };

/** Chat Completions of OpenAI, with `reasoning_content` as the compatible servers have it. */
export const openaiChatProvider: NeutralProvider = {
  type: 'openai-chat',
  can: {
    reasoning: true,
    signature: false,
    finishes: ['stop', 'length', 'tool_calls', 'content_filter', 'refusal'],
    usage: ['cacheRead', 'reasoning'],
    asks: [
      'choice_required',
      'choice_none',
      'choice_name',
      'parallel',
      'seed',
      'stop',
      'image',
      'image_url',
      'schema',
      'call_ids',
    ],
  },
  backend: (origin) => ({
    type: 'openai-chat',
    config: { baseUrl: `${origin}/v1`, model: 'gpt-4.1-mini', vendor: 'openai' },
    network: 'private',
  }),
  stream: (answer) => streamOf([opening(), ...content(answer), ...ending(answer)], streamHeaders),
  document: (answer) => documentOf(writeDocument(answer), headers),
  failing: (answer) => streamOf([opening(), ...firstHalf(content(answer)), failure()], streamHeaders),
  truncated: (answer) => streamOf([opening(), ...content(answer)], streamHeaders),
  refusal: writeRefusal,
  readRequest,
  isStream: (_path, body) => readBody(body)['stream'] === true,
};

function chunk(choices: readonly object[], usage: object | null = null): Buffer {
  return sse({
    id: 'chatcmpl-CkT4bR9XwqPzY2LmN8vE1sHa',
    object: 'chat.completion.chunk',
    created: 1764_000_000,
    model,
    service_tier: 'default',
    system_fingerprint: 'fp_4c2851f862',
    choices,
    usage,
    obfuscation: 'kT9q',
  });
}

function delta(fields: object, finishReason: string | null = null): Buffer {
  return chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: finishReason }]);
}

function opening(): Buffer {
  return delta({ role: 'assistant', content: '', refusal: null });
}

function content({ reasoning = [], text = [], toolCalls = [], finish }: NeutralAnswer): readonly Buffer[] {
  return [
    ...reasoning.map((piece) => delta({ reasoning_content: piece })),
    ...text.map((piece) => delta(finish === 'refusal' ? { refusal: piece } : { content: piece })),
    ...toolCalls.flatMap((call, index) => [
      delta({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }),
      ...fragments(call.arguments).map((json) => delta({ tool_calls: [{ index, function: { arguments: json } }] })),
    ]),
  ];
}

function ending(answer: NeutralAnswer): readonly Buffer[] {
  return [delta({}, finishWord(answer, finishes)), chunk([], writeUsage(answer.usage)), sse('[DONE]')];
}

function failure(): Buffer {
  const message = 'The server had an error while processing your request. Sorry about that!';
  return sse({ error: { message, type: 'server_error', param: null, code: null } });
}

function writeUsage({ input, output, cacheRead = 0, reasoning = 0 }: NeutralUsage): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cacheRead, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function writeDocument(answer: NeutralAnswer): object {
  const { reasoning, text, toolCalls, finish, usage } = answer;
  const words = text === undefined ? null : joined(text);
  return {
    id: 'chatcmpl-CkT4bR9XwqPzY2LmN8vE1sHa',
    object: 'chat.completion',
    created: 1764_000_000,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: finish === 'refusal' ? null : words,
          refusal: finish === 'refusal' ? words : null,
          annotations: [],
          ...(reasoning && { reasoning_content: joined(reasoning) }),
          ...(toolCalls && { tool_calls: toolCalls.map(writeCall) }),
        },
        logprobs: null,
        finish_reason: finishWord(answer, finishes),
      },
    ],
    usage: writeUsage(usage),
    service_tier: 'default',
    system_fingerprint: 'fp_4c2851f862',
  };
}

function writeCall(call: NeutralToolCall): object {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } };
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const overload = { message: 'The engine is currently overloaded, please try again later', type: 'server_error' };
  const errors = {
    400: {
      message: "Invalid 'messages[0].content': string too long.",
      type: 'invalid_request_error',
      param: 'messages[0].content',
      code: 'string_above_max_length',
    },
    401: {
      message: 'Incorrect API key provided: sk-proj-****wxyz.',
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    },
    404: {
      message: 'The model `gpt-4.1-mini` does not exist or you do not have access to it.',
      type: 'invalid_request_error',
      param: null,
      code: 'model_not_found',
    },
    429: {
      message:
        'Rate limit reached for gpt-4.1-mini on requests per min (RPM): Limit 3, Used 3. Please try again in 7s.',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    },
    500: {
      message: 'The server had an error while processing your request. Sorry about that!',
      type: 'server_error',
      param: null,
      code: null,
    },
    529: { ...overload, param: null, code: 'overloaded' },
  };
  const wait = status === 429 ? { 'retry-after': '7', 'retry-after-ms': '7000' } : {};
  return documentOf({ error: errors[status] }, { ...headers, ...wait }, status);
}
