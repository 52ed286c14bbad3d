import type { NeutralAnswer, NeutralProvider, NeutralToolCall, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, joined, streamOf } from './support/pieces.ts';
import { readBody } from './support/reading.ts';
import { readRequest } from './ollama/read-request.ts';

const model = 'qwen3:8b';
const finishes = { stop: 'stop', tool_calls: 'stop', length: 'length' };
const streamHeaders = { 'content-type': 'application/x-ndjson' };
const createdAt = '2025-11-24T16:00:00.048069Z';
const started = Date.parse(createdAt);
const failureWords = 'an error was encountered while running the model: unexpected EOF';

/** The chat of the native API of Ollama. */
export const ollamaProvider: NeutralProvider = {
  type: 'ollama',
  can: {
    reasoning: true,
    signature: false,
    finishes: ['stop', 'length', 'tool_calls'],
    usage: [],
    asks: ['top_k', 'seed', 'stop', 'image', 'schema'],
  },
  backend: (origin) => ({ type: 'ollama', config: { baseUrl: origin, model }, network: 'private' }),
  stream: (answer) => streamOf([...content(answer), ending(answer)], streamHeaders),
  document: (answer) => documentOf(writeDocument(answer), { 'content-type': 'application/json; charset=utf-8' }),
  failing: (answer) => streamOf([...firstHalf(content(answer)), line({ error: failureWords })], streamHeaders),
  truncated: (answer) => streamOf(content(answer), streamHeaders),
  refusal: writeRefusal,
  readRequest,
  isStream: (_path, body) => readBody(body)['stream'] !== false,
};

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function content({ reasoning = [], text = [], toolCalls = [] }: NeutralAnswer): readonly Buffer[] {
  const messages = [
    ...reasoning.map((thinking) => ({ role: 'assistant', content: '', thinking })),
    ...text.map((piece) => ({ role: 'assistant', content: piece })),
    ...toolCalls.map((call, index) => ({ role: 'assistant', content: '', tool_calls: [writeCall(call, index)] })),
  ];
  return messages.map((message, index) => {
    const time = `${new Date(started + index * 9).toISOString().slice(0, -1)}069Z`;
    return line({ model, created_at: time, message, done: false });
  });
}

function writeCall(call: NeutralToolCall, index: number): object {
  return { id: call.id, function: { index, name: call.name, arguments: call.arguments } };
}

function ending(answer: NeutralAnswer): Buffer {
  return line({ model, created_at: createdAt, message: { role: 'assistant', content: '' }, ...writeEnd(answer) });
}

function writeEnd(answer: NeutralAnswer): object {
  const { input, output }: NeutralUsage = answer.usage;
  return {
    done: true,
    done_reason: finishWord(answer, finishes),
    total_duration: 482_007_750,
    load_duration: 52_719_542,
    prompt_eval_count: input,
    prompt_eval_duration: 44_457_208,
    eval_count: output,
    eval_duration: 384_438_167,
  };
}

function writeDocument(answer: NeutralAnswer): object {
  const { reasoning, text, toolCalls } = answer;
  const message = {
    role: 'assistant',
    content: joined(text),
    ...(reasoning && { thinking: joined(reasoning) }),
    ...(toolCalls && { tool_calls: toolCalls.map(writeCall) }),
  };
  return { model, created_at: createdAt, message, ...writeEnd(answer) };
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const errors = {
    400: `"${model}" does not support tools`,
    401: 'unauthorized',
    404: `model '${model}' not found`,
    429: 'too many requests, please try again later',
    500: 'llama runner process has terminated: exit status 2',
    529: 'server busy, please try again.  maximum pending requests exceeded',
  };
  const wait = status === 429 ? { 'retry-after': '7' } : {};
  return documentOf({ error: errors[status] }, { 'content-type': 'application/json; charset=utf-8', ...wait }, status);
}
