import type { NeutralClient, NeutralFinish, NeutralMessage, NeutralRequest } from '../neutral.ts';
import { framesOf } from './event-stream.ts';
import {
  compact,
  count,
  demand,
  filled,
  given,
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

/** As @anthropic-ai/sdk writes and accumulates. */
export const anthropicMessagesClient: NeutralClient = {
  dialect: 'anthropic-messages',
  can: { reasoning: true, signature: true },
  lacks: ['seed', 'warmth', 'lateSystem'],
  request: (request, stream) => ({
    path: 'v1/messages',
    headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    body: writeBody(request, stream),
  }),
  readStream: (bytes) => reading((draft) => readStream(bytes, draft)),
  readDocument: (body) => reading((draft) => readDocument(body, draft)),
  readError: (body) => errorOf(object(parse(body), 'the body of an error')),
};

function writeBody(request: NeutralRequest, stream: boolean): Json {
  const { messages, maxOutputTokens, schema } = request;
  const system = messages.flatMap((message) =>
    message.role === 'system' ? [{ type: 'text', text: message.text }] : [],
  );
  return compact({
    model: 'test-model',
    // The format can't do without.
    max_tokens: maxOutputTokens ?? 4096,
    system: system.length === 1 ? system[0]?.text : system.length > 1 ? system : undefined,
    messages: writeTurns(messages),
    tools: request.tools?.map(({ name, description, parameters }) =>
      compact({ name, description, input_schema: parameters }),
    ),
    tool_choice: writeChoice(request),
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    stop_sequences: request.stop,
    thinking: request.reasoning === true ? { type: 'enabled', budget_tokens: 1024 } : undefined,
    output_config: schema === undefined ? undefined : { format: { type: 'json_schema', schema } },
    stream: stream ? true : undefined,
  });
}

function writeChoice({ toolChoice, parallelToolCalls }: NeutralRequest): Json | undefined {
  if (toolChoice === undefined && parallelToolCalls === undefined) return undefined;
  const single = parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls };
  if (typeof toolChoice === 'object') return { type: 'tool', name: toolChoice.name, ...single };
  if (toolChoice === 'none') return { type: 'none' };
  return { type: toolChoice === 'required' ? 'any' : 'auto', ...single };
}

/** Results are parts of a user turn, and turns of one side are joined. */
function writeTurns(messages: readonly NeutralMessage[]): readonly Json[] {
  const turns: { role: string; content: unknown[] }[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...writeContent(message));
    else turns.push({ role, content: [...writeContent(message)] });
  }
  return turns.map(({ role, content }) => ({ role, content: shorten(content) }));
}

/** A turn of one text is written as a string. */
function shorten(content: readonly unknown[]): unknown {
  const [first] = content;
  return content.length === 1 && object(first, 'block')['type'] === 'text' ? object(first, 'block')['text'] : content;
}

function writeContent(message: Exclude<NeutralMessage, { role: 'system' }>): readonly unknown[] {
  switch (message.role) {
    case 'user':
      return message.parts.map((part) => {
        if (part.type === 'text') return part;
        const source =
          part.type === 'image'
            ? { type: 'base64', media_type: part.mediaType, data: part.base64 }
            : { type: 'url', url: part.url };
        return { type: 'image', source };
      });
    case 'tool':
      return [
        compact({
          type: 'tool_result',
          tool_use_id: message.callId,
          content: message.text,
          is_error: message.isError,
        }),
      ];
    case 'assistant': {
      const { text: words, reasoning, toolCalls = [] } = message;
      const replay = unseal(reasoning?.signature);
      if (Array.isArray(replay)) return replay as unknown[];
      return [
        ...(words === undefined ? [] : [{ type: 'text', text: words }]),
        ...toolCalls.map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input })),
      ];
    }
  }
}

type Block = Record<string, unknown>;

interface Message {
  blocks: Block[];
  usage: Json;
  stop?: string;
}

/** How the blocks that are open grow: by type of the delta, the type of block and its field. */
const deltas: Readonly<Record<string, readonly [block: string, from: string, to: string]>> = {
  text_delta: ['text', 'text', 'text'],
  thinking_delta: ['thinking', 'thinking', 'thinking'],
  input_json_delta: ['tool_use', 'partial_json', 'json'],
};

function readStream(bytes: Buffer, draft: Draft): void {
  let message: Message | undefined;
  let open: number | undefined;
  let isDone = false;
  try {
    for (const { event, data } of framesOf(bytes)) {
      const frame = object(parse(data), 'a frame');
      const type = filled(frame['type'], 'type of a frame');
      demand(event === type, `the event ${event} says ${type}`);
      demand(!isDone, `${type} behind message_stop`);
      if (type === 'ping') continue;
      if (type === 'error') throw new ReportedError(errorOf(frame));
      if (type === 'message_start') {
        demand(message === undefined, 'two messages');
        message = startMessage(object(frame['message'], 'message'));
        continue;
      }
      demand(message !== undefined, `${type} before message_start`);
      open = readFrame(type, frame, message, open);
      isDone = type === 'message_stop';
    }
    demand(isDone, 'stream ended without producing a Message');
    demand(message?.stop !== undefined, 'stop_reason is null');
  } finally {
    if (message !== undefined) settle(message, draft);
  }
}

function startMessage(message: Json): Message {
  checkHead(message);
  demand(list(message['content'], 'content').length === 0, 'content in message_start');
  demand(message['stop_reason'] === null, 'a stop reason in message_start');
  return { blocks: [], usage: object(message['usage'], 'usage of the message') };
}

function checkHead(message: Json): void {
  demand(message['type'] === 'message' && message['role'] === 'assistant', 'no message of the assistant');
  filled(message['id'], 'id');
  filled(message['model'], 'model');
  demand('stop_sequence' in message, 'no stop_sequence');
}

/** Returns the index of the block that is open afterwards. */
function readFrame(type: string, frame: Json, message: Message, open: number | undefined): number | undefined {
  switch (type) {
    case 'content_block_start': {
      demand(message.stop === undefined, 'a block behind the stop reason');
      demand(open === undefined, 'a block begins while another is open');
      demand(frame['index'] === message.blocks.length, `the index ${String(frame['index'])} of a new block`);
      message.blocks.push(startBlock(object(frame['content_block'], 'content_block')));
      return message.blocks.length - 1;
    }
    case 'content_block_delta':
      demand(open !== undefined && frame['index'] === open, 'a delta outside of its block');
      grow(message.blocks[open] ?? {}, object(frame['delta'], 'delta'));
      return open;
    case 'content_block_stop':
      demand(open !== undefined && frame['index'] === open, 'the end of a block that is not open');
      return undefined;
    case 'message_delta': {
      demand(open === undefined, 'message_delta inside of a block');
      const delta = object(frame['delta'], 'delta');
      if (given(delta['stop_reason'])) message.stop = text(delta['stop_reason'], 'stop_reason');
      const usage = object(frame['usage'], 'usage of message_delta');
      count(usage['output_tokens'], 'output_tokens of message_delta');
      message.usage = {
        ...message.usage,
        ...Object.fromEntries(Object.entries(usage).filter(([, value]) => given(value))),
      };
      return undefined;
    }
    case 'message_stop':
      demand(open === undefined, 'message_stop inside of a block');
      return undefined;
    default:
      demand(false, `an event ${type}`);
      return open;
  }
}

function startBlock(block: Json): Block {
  switch (block['type']) {
    case 'text':
      demand(block['text'] === '', 'text at the start of a block');
      return { ...block };
    case 'thinking':
      text(block['thinking'], 'thinking');
      text(block['signature'], 'signature');
      return { ...block };
    case 'redacted_thinking':
      filled(block['data'], 'data');
      return { ...block };
    case 'tool_use':
      filled(block['id'], 'id of tool_use');
      filled(block['name'], 'name of tool_use');
      object(block['input'], 'input of tool_use');
      return { ...block, json: '' };
    default:
      demand(false, `a block ${String(block['type'])}`);
      return {};
  }
}

function grow(block: Block, delta: Json): void {
  const type = filled(delta['type'], 'type of a delta');
  if (type === 'signature_delta') {
    demand(block['type'] === 'thinking', 'a signature outside of thinking');
    block['signature'] = filled(delta['signature'], 'signature');
    return;
  }
  const way = deltas[type];
  demand(way !== undefined, `a delta ${type}`);
  const [of, from, to] = way;
  demand(block['type'] === of, `${type} in a block ${String(block['type'])}`);
  block[to] = text(block[to], to) + text(delta[from], from);
}

function readDocument(body: string, draft: Draft): void {
  const message = object(parse(body), 'the document');
  if (message['type'] === 'error') throw new ReportedError(errorOf(message));
  checkHead(message);
  const blocks = list(message['content'], 'content').map((value) => {
    const block = object(value, 'block');
    startBlock(block['type'] === 'text' ? { ...block, text: text(block['text'], 'text').slice(0, 0) } : block);
    return { ...block, ...(block['type'] === 'tool_use' && { json: JSON.stringify(block['input']) }) };
  });
  settle(
    { blocks, usage: object(message['usage'], 'usage'), stop: filled(message['stop_reason'], 'stop_reason') },
    draft,
  );
}

function settle({ blocks, usage, stop }: Message, draft: Draft): void {
  const joined = (type: string, field: string): string =>
    blocks.map((block) => (block['type'] === type ? text(block[field], field) : '')).join('');
  draft.text = joined('text', 'text');
  draft.reasoning = joined('thinking', 'thinking');
  if (stop === undefined) return;
  const whole = blocks.map(({ json, ...block }) =>
    json === undefined ? block : { ...block, input: json === '' ? {} : object(parse(text(json, 'json')), 'input') },
  );
  draft.toolCalls = whole.flatMap((block) =>
    block['type'] === 'tool_use'
      ? [{ id: text(block['id'], 'id'), name: text(block['name'], 'name'), arguments: block['input'] }]
      : [],
  );
  const isSigned = ({ signature, data }: Block): boolean => (signature ?? data ?? '') !== '';
  if (blocks.some(isSigned)) draft.signature = seal(whole);
  draft.finish = finishOf(stop);
  draft.usage = usageOf(usage);
}

const finishes: Readonly<Record<string, NeutralFinish>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'refusal',
  pause_turn: 'pause',
};

function finishOf(word: string): NeutralFinish {
  const finish = finishes[word];
  demand(finish !== undefined, `the stop reason ${word}`);
  return finish;
}

/** What came from a cache, or was written to one, is not part of `input_tokens`. */
function usageOf(usage: Json): NonNullable<Draft['usage']> {
  const cacheRead = usage['cache_read_input_tokens'] ?? undefined;
  const part = (value: unknown, what: string): number => (given(value) ? count(value, what) : 0);
  const written = part(usage['cache_creation_input_tokens'], 'cache_creation_input_tokens');
  const { thinking_tokens: reasoning } = object(usage['output_tokens_details'] ?? {}, 'output_tokens_details');
  return {
    input: count(usage['input_tokens'], 'input_tokens') + part(cacheRead, 'cache_read_input_tokens') + written,
    output: count(usage['output_tokens'], 'output_tokens'),
    ...(cacheRead !== undefined && { cacheRead: count(cacheRead, 'cache_read_input_tokens') }),
    ...(given(reasoning) && { reasoning: count(reasoning, 'thinking_tokens') }),
  };
}

function errorOf(document: Json): ReturnType<NeutralClient['readError']> {
  demand(document['type'] === 'error', 'an error without its type');
  const error = object(document['error'], 'error');
  return {
    message: filled(error['message'], 'message of the error'),
    type: filled(error['type'], 'type of the error'),
  };
}
