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
  readText,
  readWebAddress,
  readWords,
  refuse,
  type Fields,
} from '../support/reading.ts';
import { checkClosed, readObjectSchema, readSchema } from '../support/schema-rules.ts';

const known = new Set(
  (
    'background context_management conversation include input instructions max_output_tokens max_tool_calls metadata ' +
    'model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options ' +
    'prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text ' +
    'tool_choice tools top_logprobs top_p truncation user'
  ).split(' '),
);
const includes = [
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
  'file_search_call.results',
  'message.input_image.image_url',
  'message.output_text.logprobs',
  'reasoning.encrypted_content',
  'web_search_call.action.sources',
  'web_search_call.results',
];
const toolName = /^[a-zA-Z0-9_-]{1,64}$/;

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  if (!path.split('?')[0]?.endsWith('/responses')) refuse('path', `"${path}" is not of this API`);
  const fields = readBody(body, known);
  readText(fields['model'], 'model');
  checkOthers(fields);
  const tools = optional(fields, 'tools', '', readTools);
  const instructions = optional(fields, 'instructions', '', readText);
  const store = optional(fields, 'store', '', readFlag);
  const continued = fields['previous_response_id'] !== undefined && fields['previous_response_id'] !== null;
  return present<NeutralRequest>({
    messages: [
      ...(instructions === undefined ? [] : [{ role: 'system', text: instructions } as const]),
      ...readInput(fields['input'], store === false, continued),
    ],
    tools: tools && tools.length > 0 ? tools : undefined,
    toolChoice: optional(fields, 'tool_choice', '', (value, place) => readChoice(value, place, tools)),
    parallelToolCalls: optional(fields, 'parallel_tool_calls', '', readFlag),
    temperature: optional(fields, 'temperature', '', (value, place) => readNumber(value, place, { min: 0, max: 2 })),
    topP: optional(fields, 'top_p', '', (value, place) => readNumber(value, place, { min: 0, max: 1 })),
    topK: undefined,
    maxOutputTokens: optional(fields, 'max_output_tokens', '', (value, place) =>
      readNumber(value, place, { min: 16, integer: true }),
    ),
    stop: undefined,
    seed: undefined,
    reasoning: optional(fields, 'reasoning', '', readReasoning),
    schema: optional(fields, 'text', '', readFormat),
  });
}

function checkOthers(fields: Fields): void {
  optional(fields, 'stream', '', readFlag);
  optional(fields, 'include', '', (value, path) =>
    readList(value, path).map((item, index) => readOneOf(item, at(path, index), includes)),
  );
  if (fields['stream_options'] !== undefined && fields['stream'] !== true)
    refuse('stream_options', 'only allowed where stream is true');
  optional(fields, 'stream_options', '', (value, path) => readFields(value, path, new Set(['include_obfuscation'])));
  optional(fields, 'truncation', '', (value, path) => readOneOf(value, path, ['auto', 'disabled']));
  optional(fields, 'user', '', readText);
}

/** Whether it is asked for. A summary alone asks for no reasoning that would not be there anyway. */
function readReasoning(value: unknown, path: string): boolean | undefined {
  const about = readFields(value, path, new Set(['effort', 'summary', 'generate_summary', 'context']));
  optional(about, 'summary', path, (word, place) => readOneOf(word, place, ['auto', 'concise', 'detailed', 'none']));
  const effort = optional(about, 'effort', path, (word, place) =>
    readOneOf(word, place, ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']),
  );
  if (effort === undefined) return about['summary'] === undefined || about['summary'] === null ? undefined : true;
  return effort !== 'none';
}

function readFormat(value: unknown, path: string): unknown {
  const about = readFields(value, path, new Set(['format', 'verbosity']));
  return optional(about, 'format', path, (format, place) => {
    const fields = readFields(format, place);
    const type = readOneOf(fields['type'], join(place, 'type'), ['text', 'json_object', 'json_schema']);
    readFields(
      fields,
      place,
      new Set(type === 'json_schema' ? ['type', 'name', 'description', 'schema', 'strict'] : ['type']),
    );
    if (type !== 'json_schema') return undefined;
    readMatch(fields['name'], join(place, 'name'), toolName);
    const schema = readSchema(fields['schema'], join(place, 'schema'));
    if (optional(fields, 'strict', place, readFlag) === true) checkClosed(schema, join(place, 'schema'), true);
    return schema;
  });
}

function readTools(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  const names = new Set<string>();
  return readList(value, path).flatMap((item, index) => {
    const place = at(path, index);
    const tool = readFields(item, place);
    const type = readWords(tool['type'], join(place, 'type'));
    if (type !== 'function') return [];
    readFields(tool, place, new Set(['type', 'name', 'description', 'parameters', 'strict', 'defer_loading']));
    const name = readMatch(tool['name'], join(place, 'name'), toolName);
    if (names.has(name)) refuse(join(place, 'name'), `"${name}" is there twice`);
    names.add(name);
    const parameters = optional(tool, 'parameters', place, readObjectSchema) ?? { type: 'object', properties: {} };
    if (optional(tool, 'strict', place, readFlag) === true) checkClosed(parameters, join(place, 'parameters'), true);
    return [present({ name, description: optional(tool, 'description', place, readText), parameters })];
  });
}

function readChoice(
  value: unknown,
  path: string,
  tools: NeutralRequest['tools'],
): NonNullable<NeutralRequest['toolChoice']> {
  if (typeof value === 'string') {
    const word = readOneOf(value, path, ['auto', 'none', 'required']);
    return word === 'auto' || tools ? word : refuse(path, `"${word}" needs tools`);
  }
  const choice = readFields(value, path);
  const type = readOneOf(choice['type'], join(path, 'type'), ['function', 'allowed_tools']);
  if (type === 'allowed_tools') {
    readFields(choice, path, new Set(['type', 'mode', 'tools']));
    return readOneOf(choice['mode'], join(path, 'mode'), ['auto', 'required']);
  }
  readFields(choice, path, new Set(['type', 'name']));
  const name = readText(choice['name'], join(path, 'name'));
  return tools?.some((tool) => tool.name === name) ? { name } : refuse(path, `tool "${name}" not found in tools`);
}

/** What items of one turn of the assistant have been read, before the turn is over. */
interface OpenTurn {
  text: string[];
  reasoning: { text: string; signature?: string } | undefined;
  calls: NeutralToolCall[];
}

function readInput(value: unknown, stateless: boolean, continued: boolean): readonly NeutralMessage[] {
  if (typeof value === 'string') return [{ role: 'user', parts: [{ type: 'text', text: value }] }];
  const list = readList(value, 'input').map((item, index) => readFields(item, at('input', index)));
  if (list.length === 0) refuse('input', 'empty array');
  const ledger = new CallLedger();
  const messages: NeutralMessage[] = [];
  let turn: OpenTurn | undefined;
  const close = (): void => {
    if (turn) messages.push(closeTurn(turn));
    turn = undefined;
  };
  for (const [index, item] of list.entries()) {
    const path = at('input', index);
    const type = readText(item['type'] ?? 'message', join(path, 'type'));
    if (type === 'function_call_output') {
      close();
      messages.push(readOutput(item, path, ledger, continued));
      continue;
    }
    if (type === 'message' && item['role'] !== 'assistant') {
      close();
      ledger.settle(path);
      messages.push(readMessage(item, path));
      continue;
    }
    if (ledger.waiting && type !== 'function_call' && turn === undefined) ledger.settle(path);
    turn ??= { text: [], reasoning: undefined, calls: [] };
    if (type === 'message') turn.text.push(readSaid(item, path));
    else if (type === 'function_call') turn.calls.push(readCall(item, path, ledger));
    else if (type === 'reasoning') turn.reasoning = readThought(item, path, stateless, list[index + 1], turn.reasoning);
    else if (!/_call$|_output$|_list_tools$|_approval_re|^compaction$|^item_reference$/.test(type))
      refuse(join(path, 'type'), `"${type}" is no type of an item`);
  }
  close();
  ledger.settle('input');
  return messages;
}

function closeTurn({ text, reasoning, calls }: OpenTurn): NeutralMessage {
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: text.length > 0 ? text.join('') : undefined,
    reasoning,
    toolCalls: calls.length > 0 ? calls : undefined,
  });
}

function readOutput(item: Fields, path: string, ledger: CallLedger, continued: boolean): NeutralMessage {
  readFields(item, path, new Set(['type', 'id', 'call_id', 'output', 'status']));
  const callId = readCallId(item, path);
  if (!continued) ledger.answer(callId, path);
  const { output: value } = item;
  if (typeof value === 'string') return { role: 'tool', callId, text: value };
  const parts = readList(value, join(path, 'output')).map((part, index) =>
    readPart(part, at(join(path, 'output'), index)),
  );
  return { role: 'tool', callId, text: parts.map((part) => (part?.type === 'text' ? part.text : '')).join('') };
}

function readMessage(item: Fields, path: string): NeutralMessage {
  readFields(item, path, new Set(['type', 'id', 'role', 'content', 'status', 'phase']));
  const role = readOneOf(item['role'], join(path, 'role'), ['user', 'system', 'developer']);
  const { content: value } = item;
  const place = join(path, 'content');
  const list = typeof value === 'string' ? [{ type: 'input_text', text: value }] : readList(value, place);
  const parts = list.map((part, index) => readPart(part, at(place, index))).filter((part) => part !== undefined);
  if (list.length === 0) refuse(place, 'empty array');
  if (role === 'user') return { role, parts };
  const text = parts.map((part) => (part.type === 'text' ? part.text : refuse(place, 'takes text only'))).join('');
  return { role: 'system', text };
}

/** A part of what a user or a tool says; undefined for a file. */
function readPart(value: unknown, path: string): NeutralPart | undefined {
  const part = readFields(value, path);
  const type = readOneOf(part['type'], join(path, 'type'), ['input_text', 'input_image', 'input_file']);
  if (type === 'input_file') return undefined;
  const names = type === 'input_text' ? ['text'] : ['image_url', 'detail', 'file_id'];
  readFields(part, path, new Set(['type', 'prompt_cache_breakpoint', ...names]));
  if (type === 'input_text') return { type: 'text', text: readText(part['text'], join(path, 'text')) };
  optional(part, 'detail', path, (word, place) => readOneOf(word, place, ['auto', 'low', 'high', 'original']));
  if (part['file_id'] !== undefined && part['file_id'] !== null) return undefined;
  const place = join(path, 'image_url');
  const url = readText(part['image_url'], place);
  const inline = readDataAddress(url, place);
  if (inline === undefined) return { type: 'image-url', url: readWebAddress(url, place) };
  readOneOf(inline.mediaType, place, ['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
  return { type: 'image', ...inline };
}

function readSaid(item: Fields, path: string): string {
  readFields(item, path, new Set(['type', 'id', 'role', 'content', 'status', 'phase']));
  const { content: value } = item;
  if (typeof value === 'string') return value;
  const list = readList(value, join(path, 'content'));
  return list
    .map((one, index) => {
      const place = at(join(path, 'content'), index);
      const part = readFields(one, place, new Set(['type', 'text', 'refusal', 'annotations', 'logprobs']));
      const type = readOneOf(part['type'], join(place, 'type'), ['output_text', 'refusal']);
      return type === 'refusal' ? readText(part[type], join(place, type)) : readText(part['text'], join(place, 'text'));
    })
    .join('');
}

function readCall(item: Fields, path: string, ledger: CallLedger): NeutralToolCall {
  readFields(item, path, new Set(['type', 'id', 'call_id', 'name', 'arguments', 'status', 'namespace']));
  const id = readCallId(item, path);
  optional(item, 'id', path, (value, place) => readMatch(value, place, /^fc/));
  const name = readMatch(item['name'], join(path, 'name'), toolName);
  ledger.call(id, name, path);
  return { id, name, arguments: readObjectText(item['arguments'], join(path, 'arguments')) };
}

function readCallId(item: Fields, path: string): string {
  const id = readWords(item['call_id'], join(path, 'call_id'));
  return id.length <= 64 ? id : refuse(join(path, 'call_id'), 'must have at most 64 characters');
}

function readThought(
  item: Fields,
  path: string,
  stateless: boolean,
  next: Fields | undefined,
  before: OpenTurn['reasoning'],
): NonNullable<OpenTurn['reasoning']> {
  readFields(item, path, new Set(['type', 'id', 'summary', 'content', 'encrypted_content', 'status']));
  optional(item, 'id', path, (value, place) => readMatch(value, place, /^rs/));
  const place = join(path, 'summary');
  const text = readList(item['summary'], place)
    .map((part, index) => {
      const fields = readFields(part, at(place, index), new Set(['type', 'text']));
      readOneOf(fields['type'], join(at(place, index), 'type'), ['summary_text']);
      return readText(fields['text'], join(at(place, index), 'text'));
    })
    .join('\n\n');
  const signature = optional(item, 'encrypted_content', path, readWords);
  if (signature === undefined && stateless)
    refuse(path, 'item not found: items are not persisted where store is false; encrypted_content is needed');
  const follows = next === undefined ? '' : readText(next['type'] ?? 'message', 'input.type');
  const said = follows === 'message' ? next?.['role'] === 'assistant' : /_call$|^reasoning$/.test(follows);
  if (!said) refuse(path, 'item of type reasoning was provided without its required following item');
  const whole = before === undefined ? text : `${before.text}${text}`;
  return { text: whole, ...(signature !== undefined && { signature }) };
}
