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

/** As docs/native-format.md has it. */
export const nativeClient: NeutralClient = {
  dialect: 'native',
  can: { reasoning: true, signature: true },
  lacks: [],
  request: (request, stream) => ({
    path: 'chat',
    headers: { 'content-type': 'application/json' },
    body: writeBody(request, stream),
  }),
  readStream: (bytes) => reading((draft) => readStream(bytes, draft)),
  readDocument: (body) => reading((draft) => readDocument(body, draft)),
  readError,
};

function writeBody(request: NeutralRequest, stream: boolean): Json {
  const { schema, reasoning } = request;
  const settings = compact({
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    maxOutputTokens: request.maxOutputTokens,
    stop: request.stop,
    seed: request.seed,
    toolChoice: request.toolChoice,
    parallelToolCalls: request.parallelToolCalls,
    responseFormat: schema && { type: 'json_schema', name: 'answer', schema },
    ...(reasoning === true && { reasoningEffort: 'medium', showReasoning: true }),
  });
  return compact({
    messages: request.messages.map(writeMessage),
    stream,
    settings: Object.keys(settings).length === 0 ? undefined : settings,
    tools: request.tools?.map((tool) => compact({ ...tool })),
  });
}

function writeMessage(message: NeutralMessage): Json {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.text };
    case 'user':
      return {
        role: 'user',
        content: message.parts.map((part) => (part.type === 'image-url' ? { type: 'image', url: part.url } : part)),
      };
    case 'tool':
      return compact({ role: 'tool', callId: message.callId, content: message.text, isError: message.isError });
    case 'assistant': {
      const { text: words, reasoning, toolCalls } = message;
      const replay = unseal(reasoning?.signature);
      if (isJson(replay)) return replay;
      return compact({
        role: 'assistant',
        content: words,
        reasoning: reasoning?.text,
        toolCalls: toolCalls?.map(({ id, name, arguments: json }) => ({ id, name, arguments: JSON.stringify(json) })),
      });
    }
  }
}

interface Block {
  readonly kind: string;
  readonly start: Json;
  text: string;
  json: string;
  signature?: Json;
  isOpen: boolean;
}

interface Answer {
  blocks: Map<string, Block>;
  finish?: string;
  usage?: Json;
}

/** Events that say nothing of the answer itself. */
const asides = new Set(['response.meta', 'step.start', 'step.progress', 'step.end', 'annotation', 'safety']);

function readStream(bytes: Buffer, draft: Draft): void {
  const answer: Answer = { blocks: new Map() };
  let outcome: string | undefined;
  let error: ReportedError | undefined;
  let count_ = 0;
  try {
    for (const { event, data } of framesOf(bytes)) {
      const frame = object(parse(data), 'an event');
      const type = filled(frame['type'], 'type of an event');
      demand(event === type, `the event ${event} says ${type}`);
      demand(outcome === undefined, `${type} behind stream.end`);
      demand((type === 'stream.start') === (count_ === 0), 'stream.start is not the first event');
      count_ += 1;
      demand(frame['seq'] === count_, `seq is ${String(frame['seq'])}`);
      count(frame['t'], 't');
      if (type === 'error') error = new ReportedError(problemOf(frame, 'message'));
      else if (type === 'stream.end') outcome = filled(frame['outcome'], 'outcome');
      else if (type !== 'stream.start') readEvent(type, frame, answer);
    }
    demand(outcome !== undefined, 'no stream.end');
    const isGood = outcome === 'ok' || outcome === 'blocked';
    demand(isGood === (error === undefined), `an outcome ${outcome}, with or without an error`);
    if (error !== undefined) throw error;
    demand(answer.finish !== undefined, 'no finish');
    demand(
      outcome === 'ok' || answer.finish === 'content_filter',
      `an outcome ${outcome} of the finish ${answer.finish}`,
    );
    for (const block of answer.blocks.values()) demand(!block.isOpen, 'a block is not ended');
  } finally {
    settle(answer, draft);
  }
}

function readEvent(type: string, frame: Json, answer: Answer): void {
  if (type === 'block.start') {
    demand(answer.finish === undefined, 'a block behind the finish');
    const id = filled(frame['blockId'], 'blockId');
    demand(!answer.blocks.has(id), 'two blocks of one id');
    demand(frame['role'] === 'assistant', 'a block without the role');
    answer.blocks.set(id, { kind: filled(frame['kind'], 'kind'), start: frame, text: '', json: '', isOpen: true });
    return;
  }
  if (type === 'usage') return void (answer.usage = merge(answer.usage ?? {}, frame));
  if (type === 'finish') {
    demand(answer.finish === undefined, 'two finishes');
    answer.finish = filled(object(frame['reason'], 'reason')['unified'], 'reason');
    return;
  }
  if (asides.has(type)) return;
  const block = answer.blocks.get(filled(frame['blockId'], 'blockId'));
  demand(block?.isOpen === true, `${type} outside of a block`);
  if (type === 'text.delta') block.text += text(frame['text'], 'text');
  else if (type === 'toolArgs.delta') block.json += text(frame['json'], 'json');
  else if (type === 'reasoning.signature') block.signature = frame;
  else if (type === 'block.end') block.isOpen = false;
  else demand(false, `an event ${type}`);
}

/** What is said again replaces what was said. */
function merge(left: Json, right: Json): Json {
  const merged: Record<string, unknown> = { ...left };
  for (const [name, value] of Object.entries(right)) {
    const before = merged[name];
    merged[name] = isJson(value) && isJson(before) ? { ...before, ...value } : value;
  }
  return merged;
}

function settle({ blocks, finish, usage }: Answer, draft: Draft): void {
  const all = [...blocks.values()];
  const joined = (...kinds: readonly string[]): string =>
    all.map((block) => (kinds.includes(block.kind) ? block.text : '')).join('');
  draft.text = joined('text', 'refusal');
  draft.reasoning = joined('reasoning', 'reasoning_summary');
  if (finish === undefined) return;
  draft.toolCalls = all.flatMap(({ kind, start, json }) =>
    kind === 'tool_call'
      ? [{ id: filled(start['callId'], 'callId'), name: filled(start['name'], 'name'), arguments: parse(json) }]
      : [],
  );
  if (all.some(({ signature }) => signature !== undefined))
    draft.signature = seal({ role: 'assistant', parts: all.map(partOf) });
  draft.finish = all.some(({ kind }) => kind === 'refusal') ? 'refusal' : finishOf(finish);
  if (usage !== undefined) draft.usage = usageOf(usage);
}

/** The part of a message that says what the events of a block said. */
function partOf({ kind, start, text: words, json, signature }: Block): Json {
  if (kind === 'tool_call') return { type: kind, id: start['callId'], name: start['name'], arguments: json };
  if (kind === 'text' || kind === 'refusal') return { type: kind, text: words };
  const { value, format, encrypted } = signature ?? {};
  return compact({
    type: 'reasoning',
    text: kind === 'reasoning_redacted' ? undefined : words,
    signature: signature && compact({ value, format, encrypted }),
  });
}

function readDocument(body: string, draft: Draft): void {
  const document = object(parse(body), 'the document');
  const message = object(document['message'], 'message');
  demand(message['role'] === 'assistant', 'a message without its role');
  const part = (field: string): string => (given(message[field]) ? text(message[field], field) : '');
  draft.text = text(message['content'], 'content') + part('refusal');
  draft.reasoning = part('reasoning');
  draft.toolCalls = list(message['toolCalls'] ?? [], 'toolCalls').map((value) => {
    const call = object(value, 'call');
    return {
      id: filled(call['id'], 'id'),
      name: filled(call['name'], 'name'),
      arguments: parse(text(call['arguments'], 'arguments')),
    };
  });
  const parts = list(message['parts'] ?? [], 'parts').map((value) => object(value, 'part'));
  if (parts.some(({ signature }) => signature !== undefined)) draft.signature = seal(message);
  draft.finish =
    message['refusal'] === undefined ? finishOf(filled(document['finishReason'], 'finishReason')) : 'refusal';
  if (given(document['usage'])) draft.usage = usageOf(object(document['usage'], 'usage'));
}

function finishOf(word: string): NeutralFinish {
  demand(['stop', 'length', 'tool_calls', 'content_filter', 'refusal', 'pause'].includes(word), `the reason ${word}`);
  return word as NeutralFinish;
}

function usageOf(usage: Json): NonNullable<Draft['usage']> {
  const input = object(usage['input'] ?? {}, 'input');
  const output = object(usage['output'] ?? {}, 'output');
  return {
    ...(given(input['total']) && { input: count(input['total'], 'input.total') }),
    ...(given(output['total']) && { output: count(output['total'], 'output.total') }),
    ...(given(input['cacheRead']) && { cacheRead: count(input['cacheRead'], 'input.cacheRead') }),
    ...(given(output['reasoning']) && { reasoning: count(output['reasoning'], 'output.reasoning') }),
  };
}

function problemOf(problem: Json, words: string): ReturnType<NeutralClient['readError']> {
  return { message: filled(problem[words], words), code: filled(problem['code'], 'code') };
}

function readError(body: string): ReturnType<NeutralClient['readError']> {
  const problem = object(parse(body), 'the body of an error');
  count(problem['status'], 'status');
  filled(problem['title'], 'title');
  demand(typeof problem['retryable'] === 'boolean', 'retryable is missing');
  return { ...problemOf(problem, 'detail'), type: filled(problem['type'], 'type') };
}
