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
  readWords,
  refuse,
  type Fields,
} from '../support/reading.ts';
import { readObjectSchema } from '../support/schema-rules.ts';

const known = set(
  'model messages tools strict_tools documents citation_options response_format safety_mode max_tokens stop_sequences ' +
    'temperature seed frequency_penalty presence_penalty k p return_prompt logprobs tool_choice thinking stream priority ' +
    'raw_prompting',
);

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  if (!path.endsWith('/v2/chat')) refuse('path', `"${path}" is not of this API`);
  const fields = readBody(body, known);
  readWords(fields['model'], 'model');
  optional(fields, 'stream', '', readFlag);
  for (const name of ['frequency_penalty', 'presence_penalty'])
    optional(fields, name, '', (value, place) => readNumber(value, place, { min: 0, max: 1 }));
  const tools = optional(fields, 'tools', '', readTools);
  const schema = optional(fields, 'response_format', '', (value, place) =>
    readFormat(value, place, tools !== undefined),
  );
  const choice = optional(fields, 'tool_choice', '', (value, place) => readOneOf(value, place, ['REQUIRED', 'NONE']));
  if (choice !== undefined && tools === undefined) refuse('tool_choice', 'needs tools');
  return present<NeutralRequest>({
    messages: readMessages(fields['messages']),
    tools,
    toolChoice: choice === undefined ? undefined : choice === 'NONE' ? 'none' : 'required',
    parallelToolCalls: undefined,
    temperature: optional(fields, 'temperature', '', (value, place) => readNumber(value, place, { min: 0, max: 2 })),
    topP: optional(fields, 'p', '', (value, place) => readNumber(value, place, { min: 0.01, max: 0.99 })),
    topK: optional(fields, 'k', '', (value, place) => readNumber(value, place, { min: 0, max: 500, integer: true })),
    maxOutputTokens: optional(fields, 'max_tokens', '', (value, place) =>
      readNumber(value, place, { min: 1, integer: true }),
    ),
    stop: optional(fields, 'stop_sequences', '', (value, place) => readStops(value, place, 5)),
    seed: optional(fields, 'seed', '', (value, place) => readNumber(value, place, { min: 0, integer: true })),
    reasoning: optional(fields, 'thinking', '', readThinking),
    schema,
  });
}

function readThinking(value: unknown, path: string): boolean {
  const thinking = readFields(value, path, set('type token_budget'));
  optional(thinking, 'token_budget', path, (one, place) => readNumber(one, place, { min: 0, integer: true }));
  return readOneOf(thinking['type'], join(path, 'type'), ['enabled', 'disabled']) === 'enabled';
}

function readFormat(value: unknown, path: string, hasTools: boolean): unknown {
  const format = readFields(value, path, set('type json_schema schema'));
  if (readOneOf(format['type'], join(path, 'type'), ['text', 'json_object']) === 'text') return undefined;
  if (hasTools) refuse(path, 'is not supported where there are tools');
  const key = format['schema'] === undefined ? 'json_schema' : 'schema';
  return optional(format, key, path, (one, place) => {
    const schema = readFields(readObjectSchema(one, place), place);
    const required = schema['required'] === undefined ? [] : readList(schema['required'], join(place, 'required'));
    return required.length > 0 ? schema : refuse(place, 'must have at least one required property');
  });
}

function readTools(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  const list = readList(value, path);
  if (list.length === 0) refuse(path, 'must not be empty');
  return list.map((item, index) => {
    const place = at(path, index);
    const tool = readFields(item, place, set('type function'));
    readOneOf(tool['type'], join(place, 'type'), ['function']);
    const inner = join(place, 'function');
    const about = readFields(tool['function'], inner, set('name description parameters'));
    const name = readMatch(about['name'], join(inner, 'name'), /^[a-zA-Z0-9_-]+$/);
    const parameters = readObjectSchema(about['parameters'], join(inner, 'parameters'));
    return present({ name, description: optional(about, 'description', inner, readText), parameters });
  });
}

function readMessages(value: unknown): readonly NeutralMessage[] {
  const list = readList(value, 'messages');
  if (list.length === 0) refuse('messages', 'must not be empty');
  const ledger = new CallLedger();
  const messages = list.map((item, index) => readMessage(item, at('messages', index), ledger));
  ledger.settle('messages');
  return messages;
}

function readMessage(value: unknown, path: string, ledger: CallLedger): NeutralMessage {
  const message = readFields(value, path);
  const role = readOneOf(message['role'], join(path, 'role'), ['system', 'user', 'assistant', 'tool']);
  if (role === 'tool') return readResult(message, path, ledger);
  ledger.settle(path);
  if (role === 'assistant') return readAssistant(message, path, ledger);
  readFields(message, path, set('role content'));
  const parts = readParts(message['content'], join(path, 'content'));
  if (role === 'user') return { role, parts };
  return {
    role,
    text: parts.map((part) => (part.type === 'text' ? part.text : refuse(path, 'takes text only'))).join(''),
  };
}

function readParts(value: unknown, path: string): readonly NeutralPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: readWords(value, path) }];
  const list = readList(value, path);
  if (list.length === 0) refuse(path, 'must not be empty');
  return list.map((item, index) => {
    const place = at(path, index);
    const part = readFields(item, place, set('type text image_url'));
    const type = readOneOf(part['type'], join(place, 'type'), ['text', 'image_url']);
    if (type === 'text') return { type, text: readText(part['text'], join(place, 'text')) };
    const where = join(place, 'image_url');
    const image = readFields(part['image_url'], where, set('url detail'));
    optional(image, 'detail', where, (word, spot) => readOneOf(word, spot, ['auto', 'low', 'high']));
    const url = readText(image['url'], join(where, 'url'));
    const inline = readDataAddress(url, join(where, 'url'));
    return inline ? { type: 'image', ...inline } : { type: 'image-url', url: readWebAddress(url, join(where, 'url')) };
  });
}

function readResult(message: Fields, path: string, ledger: CallLedger): NeutralMessage {
  readFields(message, path, set('role tool_call_id content'));
  const callId = readWords(message['tool_call_id'], join(path, 'tool_call_id'));
  ledger.answer(callId, path);
  const { content: value } = message;
  const place = join(path, 'content');
  if (typeof value === 'string') return { role: 'tool', callId, text: value };
  const list = readList(value, place);
  if (list.length === 0) refuse(place, 'must not be empty');
  const text = list.map((item, index) => readResultPart(item, at(place, index))).join('');
  return { role: 'tool', callId, text };
}

function readResultPart(value: unknown, path: string): string {
  const part = readFields(value, path, set('type text document'));
  if (readOneOf(part['type'], join(path, 'type'), ['text', 'document']) === 'text')
    return readText(part['text'], join(path, 'text'));
  const about = readFields(part['document'], join(path, 'document'), set('data id'));
  const { data } = about;
  return typeof data === 'string' ? data : JSON.stringify(readFields(data, join(path, 'document.data')));
}

function readAssistant(message: Fields, path: string, ledger: CallLedger): NeutralMessage {
  readFields(message, path, set('role content tool_calls tool_plan citations'));
  const said = optional(message, 'content', path, readSaid);
  const plan = optional(message, 'tool_plan', path, readText);
  const toolCalls = optional(message, 'tool_calls', path, (value, place) =>
    readList(value, place).map((item, index) => readCall(item, at(place, index), ledger)),
  );
  const calls = toolCalls && toolCalls.length > 0 ? toolCalls : undefined;
  if (plan !== undefined && calls === undefined) refuse(join(path, 'tool_plan'), 'only where there are tool_calls');
  const text = `${plan ?? ''}${said?.text ?? ''}`;
  if (text === '' && calls === undefined) refuse(path, 'must have content or tool_calls');
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: text === '' ? undefined : text,
    reasoning: said === undefined || said.thinking === '' ? undefined : { text: said.thinking },
    toolCalls: calls,
  });
}

function readSaid(value: unknown, path: string): { text: string; thinking: string } {
  if (typeof value === 'string') return { text: value, thinking: '' };
  const said = { text: '', thinking: '' };
  for (const [index, item] of readList(value, path).entries()) {
    const place = at(path, index);
    const part = readFields(item, place, set('type text thinking'));
    const type = readOneOf(part['type'], join(place, 'type'), ['text', 'thinking']);
    said[type] += readText(part[type], join(place, type));
  }
  return said;
}

function readCall(value: unknown, path: string, ledger: CallLedger): NeutralToolCall {
  const call = readFields(value, path, set('id type function'));
  readOneOf(call['type'], join(path, 'type'), ['function']);
  const id = readWords(call['id'], join(path, 'id'));
  const place = join(path, 'function');
  const about = readFields(call['function'], place, set('name arguments'));
  const name = readWords(about['name'], join(place, 'name'));
  ledger.call(id, name, path);
  return { id, name, arguments: readObjectText(about['arguments'], join(place, 'arguments')) };
}

function set(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}
