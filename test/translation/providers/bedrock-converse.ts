import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { NeutralAnswer, NeutralProvider, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, fragments, joined, streamOf } from './support/pieces.ts';
import type { Fields } from './support/reading.ts';
import { readRequest } from './bedrock-converse/read-request.ts';

const model = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const finishes = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'content_filtered',
};
const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const headers = { 'x-amzn-requestid': '7d2f0a51-9b60-4f55-8e0b-2c4d8f6b1a3e' };
const streamHeaders = { ...headers, 'content-type': 'application/vnd.amazon.eventstream' };
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

/** Converse and ConverseStream of Amazon Bedrock, with a model of Anthropic. */
export const bedrockConverseProvider: NeutralProvider = {
  type: 'bedrock-converse',
  can: {
    reasoning: true,
    signature: true,
    finishes: ['stop', 'length', 'tool_calls', 'content_filter'],
    usage: ['cacheRead'],
    asks: ['choice_required', 'choice_name', 'parallel', 'top_k', 'stop', 'image', 'tool_error', 'schema', 'call_ids'],
  },
  backend: (origin) => ({
    type: 'bedrock-converse',
    config: { region: 'us-east-1', baseUrl: origin, model },
    network: 'private',
  }),
  stream: (answer) => streamOf([opening(), ...content(answer), ...ending(answer)], streamHeaders),
  document: (answer) => documentOf(writeDocument(answer), headers),
  failing: (answer) => streamOf([opening(), ...firstHalf(content(answer)), failure()], streamHeaders),
  truncated: (answer) => streamOf([opening(), ...content(answer)], streamHeaders),
  refusal: writeRefusal,
  readRequest,
  isStream: (path) => path.split('?')[0]?.endsWith('/converse-stream') === true,
};

function message(names: Readonly<Record<string, string>>, payload: object): Buffer {
  const all = { ...names, ':content-type': 'application/json' };
  const typed = Object.entries(all).map(([name, value]) => [name, { type: 'string' as const, value }] as const);
  const body = Buffer.from(JSON.stringify(payload));
  return Buffer.from(codec.encode({ headers: Object.fromEntries(typed), body }));
}

/** An event, with the padding that hides the length of what it says. */
function event(type: string, fields: Fields): Buffer {
  const padding = alphabet.slice(0, 1 + ((JSON.stringify(fields).length * 7) % alphabet.length));
  return message({ ':event-type': type, ':message-type': 'event' }, { ...fields, p: padding });
}

function opening(): Buffer {
  return event('messageStart', { role: 'assistant' });
}

function content({ reasoning, signature, text, toolCalls = [] }: NeutralAnswer): readonly Buffer[] {
  const blocks: (readonly [start: object | undefined, deltas: readonly object[]])[] = [];
  if (reasoning)
    blocks.push([
      undefined,
      [
        ...reasoning.map((piece) => ({ reasoningContent: { text: piece } })),
        ...(signature === undefined ? [] : [{ reasoningContent: { signature } }]),
      ],
    ]);
  if (text) blocks.push([undefined, text.map((piece) => ({ text: piece }))]);
  for (const { id, name, arguments: input } of toolCalls)
    blocks.push([{ toolUse: { toolUseId: id, name } }, fragments(input).map((json) => ({ toolUse: { input: json } }))]);
  return blocks.flatMap(([start, deltas], contentBlockIndex) => [
    ...(start ? [event('contentBlockStart', { contentBlockIndex, start })] : []),
    ...deltas.map((delta) => event('contentBlockDelta', { contentBlockIndex, delta })),
    event('contentBlockStop', { contentBlockIndex }),
  ]);
}

function ending(answer: NeutralAnswer): readonly Buffer[] {
  return [
    event('messageStop', { stopReason: finishWord(answer, finishes) }),
    event('metadata', { usage: writeUsage(answer.usage), metrics: { latencyMs: 912 } }),
  ];
}

function failure(): Buffer {
  const names = { ':exception-type': 'modelStreamErrorException', ':message-type': 'exception' };
  return message(names, {
    message: 'The system encountered an unexpected error during processing. Try your request again.',
    originalStatusCode: 500,
    originalMessage: 'Model error',
  });
}

function writeUsage({ input, output, cacheRead }: NeutralUsage): object {
  const cache = cacheRead === undefined ? {} : { cacheReadInputTokens: cacheRead, cacheWriteInputTokens: 0 };
  return {
    inputTokens: input - (cacheRead ?? 0),
    outputTokens: output,
    totalTokens: input + output,
    ...cache,
    serverToolUsage: {},
  };
}

function writeDocument(answer: NeutralAnswer): object {
  const { reasoning, signature, text, toolCalls = [], usage } = answer;
  const proof = signature === undefined ? {} : { signature };
  const blocks = [
    ...(reasoning ? [{ reasoningContent: { reasoningText: { text: joined(reasoning), ...proof } } }] : []),
    ...(text ? [{ text: joined(text) }] : []),
    ...toolCalls.map(({ id, name, arguments: input }) => ({ toolUse: { toolUseId: id, name, input } })),
  ];
  return {
    output: { message: { role: 'assistant', content: blocks } },
    stopReason: finishWord(answer, finishes),
    usage: writeUsage(usage),
    metrics: { latencyMs: 1_384 },
  };
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const errors = {
    400: ['ValidationException', 'The text field in the ContentBlock object at messages.0.content.0 is blank.'],
    401: ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
    404: ['ResourceNotFoundException', 'The model could not be found.'],
    429: ['ThrottlingException', 'Too many requests, please wait before trying again.'],
    500: [
      'InternalServerException',
      'The system encountered an unexpected error during processing. Try your request again.',
    ],
    529: ['ServiceUnavailableException', 'Bedrock is unable to process your request.'],
  } as const;
  const [name, words] = errors[status];
  const wait = status === 429 ? { 'retry-after': '7' } : {};
  const type = { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/` };
  return documentOf({ message: words }, { ...headers, ...type, ...wait }, status);
}
