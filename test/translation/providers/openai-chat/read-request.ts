import type { NeutralMessage, NeutralPart, NeutralRequest, NeutralToolCall } from '../../neutral.ts';
import { CallLedger } from '../support/call-ledger.ts';
import {
  at,
  join,
  optional,
  present,
  readBody,
  readDataAddress,
  readFields,
  readFlag,
  readList,
  readMatch,
  readNumber,
  readObjectText,
  readOneOf,
  readStops,
  readText,
  readWebAddress,
  refuse,
  type Fields,
} from '../support/reading.ts';
import { checkClosed, readObjectSchema, readSchema } from '../support/schema-rules.ts';

const known = new Set(
  (
    'messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens ' +
    'metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key ' +
    'prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier ' +
    'stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options'
  ).split(' '),
);
const toolName = /^[a-zA-Z0-9_-]{1,64}$/;

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  if (!path.split('?')[0]?.endsWith('/chat/completions')) refuse('path', `"${path}" is not of this API`);
  const fields = readBody(body, known);
  readText(fields['model'], 'model');
  checkTogether(fields);
  const tools = optional(fields, 'tools', '', readTools);
  const effort = optional(fields, 'reasoning_effort', '', (value, place) =>
    readOneOf(value, place, ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']),
  );
  return present<NeutralRequest>({
    messages: readMessages(fields['messages']),
    tools,
    toolChoice: optional(fields, 'tool_choice', '', (value, place) =>
      readChoice(
        value,
        place,
        (tools ?? []).map(({ name }) => name),
      ),
    ),
    parallelToolCalls: optional(fields, 'parallel_tool_calls', '', readFlag),
    temperature: optional(fields, 'temperature', '', (value, place) => readNumber(value, place, { min: 0, max: 2 })),
    topP: optional(fields, 'top_p', '', (value, place) => readNumber(value, place, { min: 0, max: 1 })),
    topK: undefined,
    maxOutputTokens:
      optional(fields, 'max_completion_tokens', '', readCount) ?? optional(fields, 'max_tokens', '', readCount),
    stop: optional(fields, 'stop', '', (value, place) =>
      readStops(typeof value === 'string' ? [value] : value, place, 4),
    ),
    seed: optional(fields, 'seed', '', (value, place) => readNumber(value, place, { integer: true })),
    reasoning: effort === undefined ? undefined : effort !== 'none',
    schema: optional(fields, 'response_format', '', readFormat),
  });
}

function readCount(value: unknown, path: string): number {
  return readNumber(value, path, { min: 1, integer: true });
}

function checkTogether(fields: Fields): void {
  const has = (key: string): boolean => fields[key] !== undefined && fields[key] !== null;
  if (has('max_tokens') && has('max_completion_tokens')) refuse('max_tokens', 'not with max_completion_tokens');
  if (has('stream_options') && fields['stream'] !== true) refuse('stream_options', 'only where stream is true');
  if (has('top_logprobs') && fields['logprobs'] !== true) refuse('top_logprobs', 'only where logprobs is true');
  for (const key of ['tool_choice', 'parallel_tool_calls'])
    if (has(key) && !has('tools')) refuse(key, 'only allowed when tools are specified');
  optional(fields, 'stream', '', readFlag);
  optional(fields, 'n', '', (value, path) => readNumber(value, path, { min: 1, max: 128, integer: true }));
  optional(fields, 'user', '', readText);
  for (const key of ['frequency_penalty', 'presence_penalty'])
    optional(fields, key, '', (value, path) => readNumber(value, path, { min: -2, max: 2 }));
  optional(fields, 'stream_options', '', (value, path) =>
    readFields(value, path, new Set(['include_usage', 'include_obfuscation'])),
  );
}

function readTools(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  const list = readList(value, path);
  if (list.length === 0 || list.length > 128) refuse(path, 'must hold 1 to 128 tools');
  const names = new Set<string>();
  return list.map((item, index) => {
    const place = at(path, index);
    const tool = readFields(item, place, new Set(['type', 'function']));
    readOneOf(tool['type'], join(place, 'type'), ['function']);
    const inner = join(place, 'function');
    const about = readFields(tool['function'], inner, new Set(['name', 'description', 'parameters', 'strict']));
    const name = readMatch(about['name'], join(inner, 'name'), toolName);
    if (names.has(name)) refuse(join(inner, 'name'), `"${name}" is there twice`);
    names.add(name);
    const parameters = optional(about, 'parameters', inner, readObjectSchema) ?? { type: 'object', properties: {} };
    if (optional(about, 'strict', inner, readFlag) === true) checkClosed(parameters, join(inner, 'parameters'), true);
    return present({ name, description: optional(about, 'description', inner, readText), parameters });
  });
}

function readChoice(value: unknown, path: string, names: readonly string[]): NonNullable<NeutralRequest['toolChoice']> {
  if (typeof value === 'string') return readOneOf(value, path, ['auto', 'none', 'required']);
  const choice = readFields(value, path, new Set(['type', 'function', 'allowed_tools']));
  if (readOneOf(choice['type'], join(path, 'type'), ['function', 'allowed_tools']) === 'allowed_tools') {
    const allowed = readFields(choice['allowed_tools'], join(path, 'allowed_tools'), new Set(['mode', 'tools']));
    return readOneOf(allowed['mode'], join(path, 'allowed_tools.mode'), ['auto', 'required']);
  }
  const name = readText(readFields(choice['function'], join(path, 'function'), new Set(['name']))['name'], path);
  return names.includes(name) ? { name } : refuse(path, `"${name}" is not among the tools`);
}

function readFormat(value: unknown, path: string): unknown {
  const format = readFields(value, path, new Set(['type', 'json_schema']));
  const type = readOneOf(format['type'], join(path, 'type'), ['text', 'json_object', 'json_schema']);
  if (type !== 'json_schema') return undefined;
  const inner = join(path, 'json_schema');
  const about = readFields(format['json_schema'], inner, new Set(['name', 'description', 'schema', 'strict']));
  readMatch(about['name'], join(inner, 'name'), toolName);
  const schema = readSchema(about['schema'], join(inner, 'schema'));
  if (optional(about, 'strict', inner, readFlag) === true) checkClosed(schema, join(inner, 'schema'), true);
  return schema;
}

function readMessages(value: unknown): readonly NeutralMessage[] {
  const list = readList(value, 'messages');
  if (list.length === 0) refuse('messages', 'empty array; expected a minimum length of 1');
  const ledger = new CallLedger();
  const messages = list.map((item, index) => readMessage(item, at('messages', index), ledger));
  ledger.settle('messages');
  return messages;
}

function readMessage(value: unknown, path: string, ledger: CallLedger): NeutralMessage {
  const message = readFields(value, path);
  const role = readOneOf(message['role'], join(path, 'role'), ['system', 'developer', 'user', 'assistant', 'tool']);
  if (role === 'tool') {
    readFields(message, path, new Set(['role', 'content', 'tool_call_id', 'name']));
    const callId = readText(message['tool_call_id'], join(path, 'tool_call_id'));
    ledger.answer(callId, path);
    return { role, callId, text: readPlain(message['content'], join(path, 'content'), ['text']) };
  }
  ledger.settle(path);
  if (role === 'assistant') return readAssistant(message, path, ledger);
  readFields(message, path, new Set(['role', 'content', 'name']));
  if (role === 'user') return { role, parts: readParts(message['content'], join(path, 'content')) };
  return { role: 'system', text: readPlain(message['content'], join(path, 'content'), ['text']) };
}

function readAssistant(message: Fields, path: string, ledger: CallLedger): NeutralMessage {
  readFields(
    message,
    path,
    new Set(['role', 'content', 'name', 'refusal', 'tool_calls', 'audio', 'function_call', 'reasoning_content']),
  );
  const text = optional(message, 'content', path, (value, place) => readPlain(value, place, ['text', 'refusal']));
  const refusal = optional(message, 'refusal', path, readText);
  const toolCalls = optional(message, 'tool_calls', path, (value, place) => readCalls(value, place, ledger));
  if (text === undefined && refusal === undefined && toolCalls === undefined)
    refuse(join(path, 'content'), 'is needed where there are no tool_calls');
  const reasoning = optional(message, 'reasoning_content', path, readText);
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: text ?? refusal,
    reasoning: reasoning === undefined ? undefined : { text: reasoning },
    toolCalls,
  });
}

function readCalls(value: unknown, path: string, ledger: CallLedger): readonly NeutralToolCall[] {
  const list = readList(value, path);
  if (list.length === 0) refuse(path, 'empty array; expected a minimum length of 1');
  return list.map((item, index) => {
    const place = at(path, index);
    const call = readFields(item, place, new Set(['id', 'type', 'function']));
    readOneOf(call['type'], join(place, 'type'), ['function']);
    const id = readText(call['id'], join(place, 'id'));
    if (id === '' || id.length > 40) refuse(join(place, 'id'), 'must have 1 to 40 characters');
    const about = readFields(call['function'], join(place, 'function'), new Set(['name', 'arguments']));
    const name = readMatch(about['name'], join(place, 'function.name'), toolName);
    ledger.call(id, name, place);
    return { id, name, arguments: readObjectText(about['arguments'], join(place, 'function.arguments')) };
  });
}

function readPlain(value: unknown, path: string, types: readonly string[]): string {
  if (typeof value === 'string') return value;
  const list = readList(value, path);
  if (list.length === 0) refuse(path, 'empty array');
  return list
    .map((item, index) => {
      const place = at(path, index);
      const part = readFields(item, place, new Set(['type', ...types, 'prompt_cache_breakpoint']));
      const type = readOneOf(part['type'], join(place, 'type'), types);
      return readText(part[type], join(place, type));
    })
    .join('');
}

function readParts(value: unknown, path: string): readonly NeutralPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  const list = readList(value, path);
  if (list.length === 0) refuse(path, 'empty array');
  return list.map((item, index) => readPart(item, at(path, index)));
}

function readPart(value: unknown, path: string): NeutralPart {
  const part = readFields(value, path, new Set(['type', 'text', 'image_url', 'prompt_cache_breakpoint']));
  const type = readOneOf(part['type'], join(path, 'type'), ['text', 'image_url']);
  if (type === 'text') return { type, text: readText(part['text'], join(path, 'text')) };
  const place = join(path, 'image_url');
  const image = readFields(part['image_url'], place, new Set(['url', 'detail']));
  optional(image, 'detail', place, (detail, where) => readOneOf(detail, where, ['auto', 'low', 'high', 'original']));
  const url = readText(image['url'], join(place, 'url'));
  const inline = readDataAddress(url, join(place, 'url'));
  if (inline === undefined) return { type: 'image-url', url: readWebAddress(url, join(place, 'url')) };
  readOneOf(inline.mediaType, join(place, 'url'), ['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
  return { type: 'image', ...inline };
}
