import type { NeutralAnswer, NeutralProvider, NeutralToolCall, NeutralUsage, ProviderReply } from '../neutral.ts';
import { documentOf, finishWord, firstHalf, fragments, joined, sse, streamOf } from './support/pieces.ts';
import { readBody } from './support/reading.ts';
import { readRequest } from './cohere/read-request.ts';

const finishes = { stop: 'COMPLETE', length: 'MAX_TOKENS', tool_calls: 'TOOL_CALL' };
const headers = { 'x-debug-trace-id': '0f8a1ac2f3f04d6b9f0c6b7d5f7f0e11' };
const streamHeaders = { ...headers, 'content-type': 'text/event-stream' };
const identity = 'c9117d7f-a7e4-499f-b643-a2a1e139687b';

/** Version 2 of the chat of Cohere. */
export const cohereProvider: NeutralProvider = {
  type: 'cohere',
  can: {
    reasoning: true,
    signature: false,
    finishes: ['stop', 'length', 'tool_calls'],
    usage: ['cacheRead'],
    asks: ['choice_required', 'choice_none', 'top_k', 'seed', 'stop', 'image', 'image_url', 'schema', 'call_ids'],
  },
  backend: (origin) => ({
    type: 'cohere',
    config: { baseUrl: origin, model: 'command-a-03-2025' },
    network: 'private',
  }),
  stream: (answer) => streamOf([opening(), ...content(answer), ...ending(answer)], streamHeaders),
  document: (answer) => documentOf(writeDocument(answer), headers),
  failing: (answer) => streamOf([opening(), ...firstHalf(content(answer)), ...failure(answer)], streamHeaders),
  truncated: (answer) => streamOf([opening(), ...content(answer)], streamHeaders),
  refusal: writeRefusal,
  readRequest,
  isStream: (_path, body) => readBody(body)['stream'] === true,
};

function event(type: string, fields: object): Buffer {
  return sse({ type, ...fields }, type);
}

function opening(): Buffer {
  const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  return event('message-start', { id: identity, delta: { message } });
}

function content({ reasoning, text, toolCalls = [] }: NeutralAnswer): readonly Buffer[] {
  const blocks = [...(reasoning ? [['thinking', reasoning] as const] : []), ...(text ? [['text', text] as const] : [])];
  return [
    ...blocks.flatMap(([kind, pieces], index) => [
      event('content-start', { index, delta: { message: { content: { type: kind, [kind]: '' } } } }),
      ...pieces.map((piece) => event('content-delta', { index, delta: { message: { content: { [kind]: piece } } } })),
      event('content-end', { index }),
    ]),
    ...toolCalls.flatMap((call, index) => [
      event('tool-call-start', { index, delta: { message: { tool_calls: writeCall(call, '') } } }),
      ...inputs(call).map((json) =>
        event('tool-call-delta', { index, delta: { message: { tool_calls: { function: { arguments: json } } } } }),
      ),
      event('tool-call-end', { index }),
    ]),
  ];
}

/** A call without arguments has no fragments at all. */
function inputs(call: NeutralToolCall): readonly string[] {
  return JSON.stringify(call.arguments) === '{}' ? [] : fragments(call.arguments);
}

function writeCall(call: NeutralToolCall, json: string): object {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: json } };
}

function ending(answer: NeutralAnswer): readonly Buffer[] {
  const delta = { finish_reason: finishWord(answer, finishes), usage: writeUsage(answer.usage) };
  return [event('message-end', { delta }), sse('[DONE]')];
}

function failure({ usage }: NeutralAnswer): readonly Buffer[] {
  const delta = { error: 'internal server error', finish_reason: 'ERROR', usage: writeUsage({ ...usage, output: 0 }) };
  return [event('message-end', { delta }), sse('[DONE]')];
}

function writeUsage({ input, output, cacheRead }: NeutralUsage): object {
  return {
    billed_units: { input_tokens: Math.max(1, input - 3), output_tokens: output },
    tokens: { input_tokens: input, output_tokens: output },
    ...(cacheRead !== undefined && { cached_tokens: cacheRead }),
  };
}

function writeDocument(answer: NeutralAnswer): object {
  const { reasoning, text, toolCalls, usage } = answer;
  const blocks = [
    ...(reasoning ? [{ type: 'thinking', thinking: joined(reasoning) }] : []),
    ...(text ? [{ type: 'text', text: joined(text) }] : []),
  ];
  const calls = toolCalls?.map((call) => writeCall(call, JSON.stringify(call.arguments)));
  return {
    id: identity,
    message: {
      role: 'assistant',
      ...(blocks.length > 0 && { content: blocks }),
      ...(calls && { tool_calls: calls }),
    },
    finish_reason: finishWord(answer, finishes),
    usage: writeUsage(usage),
  };
}

function writeRefusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply {
  const errors = {
    400: 'invalid request: message must be at least 1 token long or tool results must be specified.',
    401: 'invalid api token',
    404: "model 'command-a-03-2025' not found, make sure the correct model ID was used.",
    429: 'You are past the per minute request limit, please wait and try again later.',
    500: 'internal server error, please try again later',
    529: 'the service is overloaded, please try again later',
  };
  const wait = status === 429 ? { 'retry-after': '7' } : {};
  return documentOf({ id: identity, message: errors[status] }, { ...headers, ...wait }, status);
}
