import type { NeutralClient, NeutralFinish, NeutralMessage, NeutralRequest } from '../neutral.ts';
import { framesOf } from './event-stream.ts';
import {
  compact,
  count,
  demand,
  filled,
  given,
  isJson,
  list,
  object,
  parse,
  reading,
  ReportedError,
  seal,
  text,
  unseal,
  type Draft,
  type Json,
} from './strict.ts';

/** As openai-node writes and accumulates, with the reasoning fields that OpenRouter and its like have added. */
export const openAiChatClient: NeutralClient = {
  dialect: 'openai-chat',
  can: { reasoning: true, signature: true },
  lacks: ['topK', 'isError'],
  request: (request, stream) => ({
    path: 'v1/chat/completions',
    headers: { authorization: 'Bearer key', 'content-type': 'application/json', accept: 'application/json' },
    body: writeBody(request, stream),
  }),
  readStream: (bytes) => reading((draft) => readStream(bytes, draft)),
  readDocument: (body) => reading((draft) => readDocument(body, draft)),
  readError,
};

function writeBody(request: NeutralRequest, stream: boolean): Json {
  const { toolChoice, schema } = request;
  return compact({
    model: 'test-model',
    messages: request.messages.map(writeMessage),
    tools: request.tools?.map((tool) => ({ type: 'function', function: compact({ ...tool }) })),
    tool_choice:
      typeof toolChoice === 'object' ? { type: 'function', function: { name: toolChoice.name } } : toolChoice,
    parallel_tool_calls: request.parallelToolCalls,
    temperature: request.temperature,
    top_p: request.topP,
    max_completion_tokens: request.maxOutputTokens,
    stop: request.stop,
    seed: request.seed,
    reasoning_effort: request.reasoning === true ? 'medium' : undefined,
    response_format: schema && { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  });
}

function writeMessage(message: NeutralMessage): Json {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.text };
    case 'user':
      return { role: 'user', content: writeParts(message.parts) };
    case 'tool':
      return { role: 'tool', tool_call_id: message.callId, content: message.text };
    case 'assistant': {
      const { text: words, reasoning, toolCalls } = message;
      const replay = unseal(reasoning?.signature);
      if (isJson(replay)) return replay;
      return compact({
        role: 'assistant',
        content: words ?? null,
        reasoning_content: reasoning?.text,
        tool_calls: toolCalls?.map(({ id, name, arguments: json }) => ({
          id,
          type: 'function',
          function: { name, arguments: JSON.stringify(json) },
        })),
      });
    }
  }
}

function writeParts(parts: Extract<NeutralMessage, { role: 'user' }>['parts']): unknown {
  const [first] = parts;
  if (parts.length === 1 && first?.type === 'text') return first.text;
  return parts.map((part) => {
    if (part.type === 'text') return { type: 'text', text: part.text };
    const url = part.type === 'image' ? `data:${part.mediaType};base64,${part.base64}` : part.url;
    return { type: 'image_url', image_url: { url } };
  });
}

interface Call {
  id: string;
  name: string;
  json: string;
  extra?: unknown;
}

/** One message as it grows. */
interface Message {
  text: string;
  refusal: string;
  reasoning: string;
  details: Json[];
  calls: Map<number, Call>;
  finish?: string;
  usage?: Json;
}

const emptyMessage = (): Message => ({ text: '', refusal: '', reasoning: '', details: [], calls: new Map() });

function readStream(bytes: Buffer, draft: Draft): void {
  const message = emptyMessage();
  let id: string | undefined;
  let hasRole = false;
  let isDone = false;
  try {
    for (const { event, data } of framesOf(bytes)) {
      demand(!isDone, `a frame behind [DONE]: ${data}`);
      if (data === '[DONE]') {
        isDone = true;
        continue;
      }
      const chunk = object(parse(data), 'a chunk');
      if (given(chunk['error'])) throw new ReportedError(errorOf(chunk));
      demand(event === 'message', `an event named ${event}`);
      demand(chunk['object'] === 'chat.completion.chunk', `object is ${String(chunk['object'])}`);
      demand(id === undefined || chunk['id'] === id, 'the id changes');
      id = filled(chunk['id'], 'id');
      filled(chunk['model'], 'model');
      count(chunk['created'], 'created');
      for (const choice of list(chunk['choices'], 'choices'))
        hasRole = readChoice(object(choice, 'choice'), message, hasRole);
      if (given(chunk['usage'])) message.usage = object(chunk['usage'], 'usage');
    }
    demand(isDone, 'no [DONE]');
    demand(message.finish !== undefined, 'missing finish_reason for choice 0');
  } finally {
    settle(message, draft);
  }
}

/** Returns whether the role has been said. */
function readChoice(choice: Json, message: Message, hasRole: boolean): boolean {
  demand(choice['index'] === 0, 'a choice without index 0');
  const delta = object(choice['delta'], 'delta');
  demand(hasRole || delta['role'] === 'assistant', 'missing role for choice 0');
  const { content, refusal, reasoning, reasoning_content: reasoningContent, reasoning_details: details } = delta;
  const isSaying = [content, refusal, reasoningContent ?? reasoning].some((words) => given(words) && words !== '');
  demand(
    message.finish === undefined || (!isSaying && !given(delta['tool_calls'])),
    'content behind the finish reason',
  );
  if (given(content)) message.text += text(content, 'content');
  if (given(refusal)) message.refusal += text(refusal, 'refusal');
  if (given(reasoningContent ?? reasoning)) message.reasoning += text(reasoningContent ?? reasoning, 'reasoning');
  if (given(details))
    for (const detail of list(details, 'reasoning_details')) addDetail(message, object(detail, 'detail'));
  if (given(delta['tool_calls']))
    for (const call of list(delta['tool_calls'], 'tool_calls')) addCall(message, object(call, 'tool call'));
  if (given(choice['finish_reason'])) {
    demand(message.finish === undefined, 'two finish reasons');
    message.finish = text(choice['finish_reason'], 'finish_reason');
  }
  return true;
}

/** Neighbours of one index and type are one detail: their texts are joined. */
function addDetail(message: Message, detail: Json): void {
  filled(detail['type'], 'type of a reasoning detail');
  const last = message.details.at(-1);
  if (last === undefined || last['index'] !== detail['index'] || last['type'] !== detail['type']) {
    message.details.push(detail);
    return;
  }
  const joined = { ...last, ...detail };
  for (const field of ['text', 'summary', 'data'])
    if (typeof last[field] === 'string' && typeof detail[field] === 'string')
      joined[field] = last[field] + detail[field];
  message.details.splice(-1, 1, joined);
}

function addCall(message: Message, part: Json): void {
  const index = count(part['index'], 'index of a tool call');
  const written = object(part['function'] ?? {}, 'function');
  const call = message.calls.get(index);
  const fragment = given(written['arguments']) ? text(written['arguments'], 'arguments') : '';
  if (call === undefined) {
    demand(part['type'] === 'function', 'a tool call without a type');
    const extra = part['extra_content'];
    const fresh = { id: filled(part['id'], 'id of a tool call'), name: filled(written['name'], 'name of a tool call') };
    message.calls.set(index, { ...fresh, json: fragment, ...(given(extra) && { extra }) });
    return;
  }
  demand(!given(part['id']) || part['id'] === call.id, 'the id of a tool call changes');
  demand(!('name' in written) || written['name'] === call.name, 'the name of a tool call changes');
  if (given(part['extra_content'])) call.extra = part['extra_content'];
  call.json += fragment;
}

function readDocument(body: string, draft: Draft): void {
  const document = object(parse(body), 'the document');
  if (given(document['error'])) throw new ReportedError(errorOf(document));
  demand(document['object'] === 'chat.completion', `object is ${String(document['object'])}`);
  filled(document['id'], 'id');
  filled(document['model'], 'model');
  count(document['created'], 'created');
  const choices = list(document['choices'], 'choices');
  demand(choices.length === 1, `${choices.length} choices`);
  const choice = object(choices[0], 'choice');
  const said = object(choice['message'], 'message');
  demand(said['role'] === 'assistant', 'a message without its role');
  const { content, refusal, reasoning, reasoning_content: reasoningContent } = said;
  const message = emptyMessage();
  message.text = given(content) ? text(content, 'content') : '';
  message.refusal = given(refusal) ? text(refusal, 'refusal') : '';
  message.reasoning = given(reasoningContent ?? reasoning) ? text(reasoningContent ?? reasoning, 'reasoning') : '';
  const details = said['reasoning_details'];
  if (given(details)) message.details = list(details, 'reasoning_details').map((detail) => object(detail, 'detail'));
  const calls = said['tool_calls'];
  if (given(calls))
    list(calls, 'tool_calls').forEach((call, index) => addCall(message, { ...object(call, 'tool call'), index }));
  message.finish = filled(choice['finish_reason'], 'finish_reason');
  if (given(document['usage'])) message.usage = object(document['usage'], 'usage');
  settle(message, draft);
}

function settle(message: Message, draft: Draft): void {
  draft.text = message.text + message.refusal;
  draft.reasoning = message.reasoning;
  const calls = [...message.calls].sort(([left], [right]) => left - right).map(([, call]) => call);
  if (message.details.length > 0 || calls.some(({ extra }) => given(extra)))
    draft.signature = seal(replayOf(message, calls));
  if (message.finish === undefined) return;
  draft.toolCalls = calls.map(({ id, name, json }) => ({ id, name, arguments: parse(json) }));
  draft.finish = message.refusal === '' ? finishOf(message.finish) : 'refusal';
  if (message.usage !== undefined) draft.usage = usageOf(message.usage);
}

/** The message as a careful client sends it back: with the fields that the vendors have added. */
function replayOf(message: Message, calls: readonly Call[]): Json {
  return compact({
    role: 'assistant',
    content: message.text === '' ? null : message.text,
    reasoning_content: message.reasoning === '' ? undefined : message.reasoning,
    reasoning_details: message.details.length === 0 ? undefined : message.details,
    tool_calls:
      calls.length === 0
        ? undefined
        : calls.map(({ id, name, json, extra }) =>
            compact({ id, type: 'function', function: { name, arguments: json }, extra_content: extra }),
          ),
  });
}

function finishOf(word: string): NeutralFinish {
  demand(['stop', 'length', 'tool_calls', 'content_filter'].includes(word), `the finish reason ${word}`);
  return word as NeutralFinish;
}

function usageOf(usage: Json): NonNullable<Draft['usage']> {
  const input = count(usage['prompt_tokens'], 'prompt_tokens');
  const output = count(usage['completion_tokens'], 'completion_tokens');
  demand(usage['total_tokens'] === input + output, 'total_tokens is no sum');
  const { cached_tokens: cacheRead } = object(usage['prompt_tokens_details'] ?? {}, 'prompt_tokens_details');
  const { reasoning_tokens: reasoning } = object(usage['completion_tokens_details'] ?? {}, 'completion_tokens_details');
  return {
    input,
    output,
    ...(given(cacheRead) && { cacheRead: count(cacheRead, 'cached_tokens') }),
    ...(given(reasoning) && { reasoning: count(reasoning, 'reasoning_tokens') }),
  };
}

function errorOf(document: Json): ReturnType<NeutralClient['readError']> {
  const error = object(document['error'], 'error');
  const { type, code } = error;
  return {
    message: filled(error['message'], 'message of the error'),
    type: filled(type, 'type of the error'),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
  };
}

function readError(body: string): ReturnType<NeutralClient['readError']> {
  return errorOf(object(parse(body), 'the body of an error'));
}
