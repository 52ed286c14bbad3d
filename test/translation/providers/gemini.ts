import type { NeutralAnswer, NeutralProvider, NeutralToolCall, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, joined, sse, streamOf } from './support/pieces.ts';
import { readRequest } from './gemini/read-request.ts';

const finishes = { stop: 'STOP', tool_calls: 'STOP', length: 'MAX_TOKENS', content_filter: 'SAFETY' };
const version = { modelVersion: 'gemini-2.5-flash', responseId: 'wP0laZ_kOMaRkdUPq7nD2QE' };
const headers = { vary: 'Origin, X-Origin, Referer', 'server-timing': 'gfet4t7; dur=412' };
const streamHeaders = { ...headers, 'content-type': 'text/event-stream' };

/** generateContent and streamGenerateContent of the Gemini API. */
export const geminiProvider: NeutralProvider = {
  type: 'gemini',
  can: {
    reasoning: true,
    signature: true,
    finishes: ['stop', 'length', 'tool_calls', 'content_filter'],
    usage: ['cacheRead', 'reasoning'],
    asks: [
      'choice_required',
      'choice_none',
      'choice_name',
      'top_k',
      'seed',
      'stop',
      'image',
      'image_url',
      'tool_error',
      'schema',
    ],
  },
  backend: (origin) => ({
    type: 'gemini',
    config: { baseUrl: origin, model: 'gemini-2.5-flash' },
    network: 'private',
  }),
  stream: (answer) => streamOf([...content(answer), ending(answer)], streamHeaders),
  document: (answer) => documentOf(writeDocument(answer), headers),
  failing: (answer) => streamOf([...firstHalf(content(answer)), failure()], streamHeaders),
  truncated: (answer) => streamOf(content(answer), streamHeaders),
  refusal: writeRefusal,
  readRequest,
  isStream: (path) => path.includes(':streamGenerateContent'),
};

function chunk(value: object): Buffer {
  return sse(value, undefined, '\r\n');
}

function partChunk(part: object, usage: NeutralUsage): Buffer {
  const early = { promptTokenCount: usage.input, totalTokenCount: usage.input };
  return chunk({
    candidates: [{ content: { parts: [part], role: 'model' }, index: 0 }],
    usageMetadata: early,
    ...version,
  });
}

/** The parts in the pieces of a stream. A proof stands on the first call, or on the last part where there is none. */
function parts({ reasoning = [], signature, text = [], toolCalls = [] }: NeutralAnswer): readonly object[] {
  const proof = signature === undefined ? {} : { thoughtSignature: signature };
  return [
    ...reasoning.map((piece) => ({ text: piece, thought: true })),
    ...text.map((piece) => ({ text: piece })),
    ...toolCalls.map((call, index) => ({ ...writeCall(call), ...(index === 0 && proof) })),
    ...(toolCalls.length === 0 && signature !== undefined ? [{ text: '', ...proof }] : []),
  ];
}

function writeCall(call: NeutralToolCall): object {
  return { functionCall: { id: call.id, name: call.name, args: call.arguments } };
}

/** All chunks but the last, which says the finish. A filter leaves that one without content. */
function content(answer: NeutralAnswer): readonly Buffer[] {
  const all = parts(answer);
  const before = endsWithPart(answer) ? all.slice(0, -1) : all;
  return before.map((part) => partChunk(part, answer.usage));
}

function ending(answer: NeutralAnswer): Buffer {
  const last = endsWithPart(answer) ? parts(answer).at(-1) : { text: '' };
  const said = answer.finish === 'content_filter' ? {} : { content: { parts: [last], role: 'model' } };
  const candidate = { ...said, finishReason: finishWord(answer, finishes), index: 0, ...ratings(answer) };
  return chunk({ candidates: [candidate], usageMetadata: writeUsage(answer.usage), ...version });
}

function endsWithPart(answer: NeutralAnswer): boolean {
  return answer.finish !== 'content_filter' && parts(answer).length > 1;
}

function ratings({ finish }: NeutralAnswer): object {
  if (finish !== 'content_filter') return {};
  return { safetyRatings: [{ category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked: true }] };
}

function failure(): Buffer {
  return chunk({
    error: { code: 503, message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' },
  });
}

function writeUsage({ input, output, cacheRead, reasoning }: NeutralUsage): object {
  return {
    promptTokenCount: input,
    ...(cacheRead !== undefined && {
      cachedContentTokenCount: cacheRead,
      cacheTokensDetails: [{ modality: 'TEXT', tokenCount: cacheRead }],
    }),
    candidatesTokenCount: output - (reasoning ?? 0),
    totalTokenCount: input + output,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: input }],
    ...(reasoning !== undefined && { thoughtsTokenCount: reasoning }),
  };
}

function writeDocument(answer: NeutralAnswer): object {
  const { reasoning, text, usage } = answer;
  const whole = {
    ...answer,
    ...(reasoning && { reasoning: [joined(reasoning)] }),
    ...(text && { text: [joined(text)] }),
  };
  const candidate = {
    content: { parts: parts(whole), role: 'model' },
    finishReason: finishWord(answer, finishes),
    index: 0,
  };
  return { candidates: [{ ...candidate, ...ratings(answer) }], usageMetadata: writeUsage(usage), ...version };
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const errors = {
    400: { message: 'Request contains an invalid argument.', status: 'INVALID_ARGUMENT' },
    401: { message: 'Request had invalid authentication credentials.', status: 'UNAUTHENTICATED' },
    404: { message: 'models/gemini-2.5-flash is not found for API version v1beta.', status: 'NOT_FOUND' },
    429: {
      message: 'You exceeded your current quota, please check your plan and billing details.\nPlease retry in 6.9s.',
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ quotaId: 'GenerateRequestsPerMinute' }],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
      ],
    },
    500: { message: 'An internal error has occurred. Please retry.', status: 'INTERNAL' },
    529: { message: 'The model is overloaded. Please try again later.', status: 'UNAVAILABLE' },
  };
  return documentOf({ error: { code: status, ...errors[status] } }, headers, status);
}
