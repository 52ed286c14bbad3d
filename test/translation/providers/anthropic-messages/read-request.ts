import type { NeutralMessage, NeutralPart, NeutralRequest, NeutralToolCall } from '../../neutral.ts';
import { CallLedger } from '../support/call-ledger.ts';
import {
  at,
  join,
  optional,
  present,
  readBase64,
  readBody,
  readFields,
  readFlag,
  readList,
  readMatch,
  readNumber,
  readOneOf,
  readStops,
  readText,
  readWebAddress,
  readWords,
  refuse,
  type Fields,
} from '../support/reading.ts';
import { checkClosed, readObjectSchema, readSchema } from '../support/schema-rules.ts';

const known = new Set(
  (
    'model max_tokens messages system tools tool_choice thinking output_config stop_sequences stream temperature top_k ' +
    'top_p metadata service_tier container inference_geo cache_control user_profile_id mcp_servers context_management'
  ).split(' '),
);
const images = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;
const identifier = /^[a-zA-Z0-9_-]+$/;
const toolName = /^[a-zA-Z0-9_-]{1,128}$/;

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  if (!path.split('?')[0]?.endsWith('/v1/messages')) refuse('path', `"${path}" is not of this API`);
  const fields = readBody(body, known);
  const name = readText(fields['model'], 'model');
  const maxOutputTokens = readNumber(fields['max_tokens'], 'max_tokens', { min: 1, integer: true });
  const thinking = optional(fields, 'thinking', '', (value, place) => readThinking(value, place, maxOutputTokens));
  const tools = optional(fields, 'tools', '', readTools);
  checkSampling(fields, name, thinking === 'enabled' || thinking === 'adaptive');
  const choice = optional(fields, 'tool_choice', '', (value, place) => readChoice(value, place, tools));
  if (thinking === 'enabled' && choice && choice.toolChoice !== 'auto' && choice.toolChoice !== 'none')
    refuse('tool_choice', 'thinking may not be enabled when tool_choice forces tool use');
  return present<NeutralRequest>({
    messages: [
      ...(optional(fields, 'system', '', readSystem) ?? []),
      ...readMessages(fields['messages'], thinking === 'enabled'),
    ],
    tools: tools && tools.length > 0 ? tools : undefined,
    toolChoice: choice?.toolChoice,
    parallelToolCalls: choice?.parallel,
    temperature: optional(fields, 'temperature', '', (value, place) => readNumber(value, place, { min: 0, max: 1 })),
    topP: optional(fields, 'top_p', '', (value, place) => readNumber(value, place, { min: 0, max: 1 })),
    topK: optional(fields, 'top_k', '', (value, place) => readNumber(value, place, { min: 0, integer: true })),
    maxOutputTokens,
    stop: optional(fields, 'stop_sequences', '', (value, place) => readStops(value, place, 8_191)),
    seed: undefined,
    reasoning: thinking === undefined ? undefined : thinking !== 'disabled',
    schema: optional(fields, 'output_config', '', readOutput),
  });
}

function checkSampling(fields: Fields, name: string, thinks: boolean): void {
  const has = (key: string): boolean => fields[key] !== undefined && fields[key] !== null;
  optional(fields, 'stream', '', readFlag);
  optional(fields, 'metadata', '', (value, path) => readFields(value, path, new Set(['user_id'])));
  if (has('temperature') && has('top_p') && /claude-(sonnet|haiku|opus)-4-[1-9]/.test(name))
    refuse('top_p', 'temperature and top_p cannot both be specified for this model');
  if (!thinks) return;
  if (has('temperature') && fields['temperature'] !== 1)
    refuse('temperature', 'may only be set to 1 when thinking is enabled');
  if (has('top_k')) refuse('top_k', 'must be unset when thinking is enabled');
  if (has('top_p')) readNumber(fields['top_p'], 'top_p', { min: 0.95 });
}

function readThinking(value: unknown, path: string, maxTokens: number): string {
  const thinking = readFields(value, path, new Set(['type', 'budget_tokens', 'display']));
  const type = readOneOf(thinking['type'], join(path, 'type'), ['enabled', 'disabled', 'adaptive', 'between_tools']);
  const place = join(path, 'budget_tokens');
  if (type !== 'enabled')
    return thinking['budget_tokens'] === undefined ? type : refuse(place, `is no field of ${type}`);
  const budget = readNumber(thinking['budget_tokens'], place, { min: 1_024, integer: true });
  return budget < maxTokens ? type : refuse('max_tokens', 'must be greater than thinking.budget_tokens');
}

function readOutput(value: unknown, path: string): unknown {
  const output = readFields(value, path, new Set(['effort', 'format']));
  optional(output, 'effort', path, (word, place) => readOneOf(word, place, ['low', 'medium', 'high', 'xhigh', 'max']));
  return optional(output, 'format', path, (format, place) => {
    const about = readFields(format, place, new Set(['type', 'schema']));
    readOneOf(about['type'], join(place, 'type'), ['json_schema']);
    const schema = readSchema(about['schema'], join(place, 'schema'));
    checkClosed(schema, join(place, 'schema'), false);
    return schema;
  });
}

function readTools(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  const names = new Set<string>();
  return readList(value, path).flatMap((item, index) => {
    const place = at(path, index);
    const tool = readFields(item, place);
    const name = readMatch(tool['name'], join(place, 'name'), toolName);
    if (names.has(name)) refuse(path, 'tool names must be unique');
    names.add(name);
    if (tool['type'] !== undefined && tool['type'] !== null && tool['type'] !== 'custom') return [];
    readFields(
      tool,
      place,
      new Set(
        'type name description input_schema cache_control strict defer_loading allowed_callers input_examples'.split(
          ' ',
        ),
      ),
    );
    const parameters = readObjectSchema(tool['input_schema'], join(place, 'input_schema'));
    if (optional(tool, 'strict', place, readFlag) === true) checkClosed(parameters, join(place, 'input_schema'), false);
    return [present({ name, description: optional(tool, 'description', place, readText), parameters })];
  });
}

function readChoice(
  value: unknown,
  path: string,
  tools: NeutralRequest['tools'],
): { toolChoice: NonNullable<NeutralRequest['toolChoice']>; parallel: boolean | undefined } {
  if (tools === undefined) return refuse(path, 'may only be specified while providing tools');
  const about = readFields(value, path);
  const type = readOneOf(about['type'], join(path, 'type'), ['auto', 'any', 'tool', 'none']);
  const fields = [
    'type',
    ...(type === 'tool' ? ['name'] : []),
    ...(type === 'none' ? [] : ['disable_parallel_tool_use']),
  ];
  readFields(about, path, new Set(fields));
  const disabled = optional(about, 'disable_parallel_tool_use', path, readFlag);
  const parallel = disabled === undefined ? undefined : !disabled;
  if (type !== 'tool') return { toolChoice: type === 'any' ? 'required' : type, parallel };
  const name = readText(about['name'], join(path, 'name'));
  if (!tools.some((tool) => tool.name === name)) refuse(path, `tool "${name}" not found in provided tools`);
  return { toolChoice: { name }, parallel };
}

function readSystem(value: unknown, path: string): readonly NeutralMessage[] {
  if (typeof value === 'string') return [{ role: 'system', text: value }];
  return readList(value, path).map((item, index) => {
    const block = readFields(item, at(path, index), new Set(['type', 'text', 'cache_control', 'citations']));
    readOneOf(block['type'], join(at(path, index), 'type'), ['text']);
    return { role: 'system', text: readWords(block['text'], join(at(path, index), 'text')) };
  });
}

function readMessages(value: unknown, thinks: boolean): readonly NeutralMessage[] {
  const list = readList(value, 'messages').map((item, index) =>
    readFields(item, at('messages', index), new Set(['role', 'content'])),
  );
  if (list.length === 0) refuse('messages', 'at least one message is required');
  const ledger = new CallLedger();
  const messages = list.flatMap((message, index) => {
    const path = at('messages', index);
    const role = readOneOf(message['role'], join(path, 'role'), ['user', 'assistant']);
    if (role !== (index % 2 === 0 ? 'user' : 'assistant'))
      refuse(path, 'roles must alternate between "user" and "assistant", the first must be "user"');
    const blocks = readBlocks(message['content'], join(path, 'content'), index === list.length - 1 && role !== 'user');
    return role === 'user' ? readUser(blocks, path, ledger) : [readAssistant(blocks, path, ledger)];
  });
  ledger.settle('messages');
  if (thinks) checkThinkingFirst(list);
  return messages;
}

/** With a budget, the turn whose tools are being answered starts with its thinking. */
function checkThinkingFirst(list: readonly Fields[]): void {
  const last = list.at(-1);
  const index = list.length - (last?.['role'] === 'assistant' ? 1 : 2);
  const turn = list[index];
  if (turn === undefined) return;
  if (last?.['role'] === 'assistant') refuse(at('messages', index), 'no prefill where thinking is enabled');
  const types = typesOf(turn);
  if (!typesOf(last).includes('tool_result') || !types.includes('tool_use')) return;
  if (types[0] !== 'thinking' && types[0] !== 'redacted_thinking')
    refuse(
      `messages[${index}].content[0].type`,
      `expected thinking or redacted_thinking, but found ${String(types[0])}: when thinking is enabled, a final ` +
        'assistant message must start with a thinking block (preceding the last set of tool_use and tool_result blocks)',
    );
}

function typesOf(message: Fields | undefined): readonly unknown[] {
  const content = message?.['content'];
  return Array.isArray(content) ? content.map((block: unknown) => readFields(block, 'content')['type']) : [];
}

function readBlocks(value: unknown, path: string, prefill: boolean): readonly Fields[] {
  if (typeof value === 'string') return [{ type: 'text', text: checkText(value, path, prefill) }];
  const list = readList(value, path);
  if (list.length === 0) refuse(path, 'messages must have non-empty content');
  return list.map((item, index) => {
    const place = at(path, index);
    const block = readFields(item, place);
    readText(block['type'], join(place, 'type'));
    if (block['type'] === 'text') {
      readFields(block, place, new Set(['type', 'text', 'cache_control', 'citations']));
      checkText(block['text'], join(place, 'text'), prefill && index === list.length - 1);
    }
    return block;
  });
}

function checkText(value: unknown, path: string, prefill: boolean): string {
  const text = readWords(value, path);
  return prefill && text.trimEnd() !== text ? refuse(path, 'cannot end with trailing whitespace') : text;
}

function readUser(blocks: readonly Fields[], path: string, ledger: CallLedger): readonly NeutralMessage[] {
  const results: NeutralMessage[] = [];
  const parts: NeutralPart[] = [];
  for (const [index, block] of blocks.entries()) {
    const place = at(join(path, 'content'), index);
    if (block['type'] !== 'tool_result') {
      ledger.settle(place);
      parts.push(...readPart(block, place));
      continue;
    }
    if (parts.length > 0) refuse(place, 'tool_result blocks must come first');
    results.push(readResult(block, place, ledger));
  }
  ledger.settle(path);
  return parts.length > 0 ? [...results, { role: 'user', parts }] : results;
}

function readPart(block: Fields, path: string): readonly NeutralPart[] {
  const type = readOneOf(block['type'], join(path, 'type'), [
    'text',
    'image',
    'document',
    'search_result',
    'container_upload',
  ]);
  if (type === 'text') return [{ type, text: readText(block['text'], join(path, 'text')) }];
  if (type !== 'image') return [];
  readFields(block, path, new Set(['type', 'source', 'cache_control']));
  const place = join(path, 'source');
  const source = readFields(block['source'], place);
  const kind = readOneOf(source['type'], join(place, 'type'), ['base64', 'url', 'file']);
  if (kind === 'file') return [];
  readFields(source, place, new Set(kind === 'url' ? ['type', 'url'] : ['type', 'media_type', 'data']));
  if (kind === 'url') return [{ type: 'image-url', url: readWebAddress(source['url'], join(place, 'url')) }];
  const mediaType = readOneOf(source['media_type'], join(place, 'media_type'), images);
  return [{ type, mediaType, base64: readBase64(source['data'], join(place, 'data')) }];
}

function readResult(block: Fields, path: string, ledger: CallLedger): NeutralMessage {
  readFields(block, path, new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']));
  const callId = readMatch(block['tool_use_id'], join(path, 'tool_use_id'), identifier);
  ledger.answer(callId, path);
  const text = optional(block, 'content', path, (value, place) => {
    if (typeof value === 'string') return value;
    return readList(value, place)
      .flatMap((item, index) => readPart(readFields(item, at(place, index)), at(place, index)))
      .map((part) => (part.type === 'text' ? part.text : ''))
      .join('');
  });
  const isError = optional(block, 'is_error', path, readFlag);
  return { role: 'tool', callId, text: text ?? '', ...(isError === true && { isError }) };
}

function readAssistant(blocks: readonly Fields[], path: string, ledger: CallLedger): NeutralMessage {
  const text: string[] = [];
  const thoughts: { text: string; signature: string }[] = [];
  const calls: NeutralToolCall[] = [];
  for (const [index, block] of blocks.entries()) {
    const place = at(join(path, 'content'), index);
    if (block['type'] === 'text') text.push(readText(block['text'], place));
    else if (block['type'] === 'thinking') thoughts.push(readThought(block, place));
    else if (block['type'] === 'redacted_thinking') readText(block['data'], join(place, 'data'));
    else if (block['type'] === 'tool_use') calls.push(readCall(block, place, ledger));
    else if (!/^(server_tool_use|mcp_tool_use|compaction|.+_tool_result)$/.test(String(block['type'])))
      refuse(join(place, 'type'), `"${String(block['type'])}" is no block of an assistant`);
  }
  const last = blocks.at(-1)?.['type'];
  if (last === 'thinking' || last === 'redacted_thinking') refuse(path, 'the final block cannot be thinking');
  const signature = thoughts.at(-1)?.signature;
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: text.length > 0 ? text.join('') : undefined,
    reasoning: signature === undefined ? undefined : { text: thoughts.map((one) => one.text).join(''), signature },
    toolCalls: calls.length > 0 ? calls : undefined,
  });
}

function readThought(block: Fields, path: string): { text: string; signature: string } {
  readFields(block, path, new Set(['type', 'thinking', 'signature']));
  const signature = readWords(block['signature'], join(path, 'signature'));
  return { text: readText(block['thinking'], join(path, 'thinking')), signature };
}

function readCall(block: Fields, path: string, ledger: CallLedger): NeutralToolCall {
  readFields(block, path, new Set(['type', 'id', 'name', 'input', 'cache_control', 'caller']));
  const id = readMatch(block['id'], join(path, 'id'), identifier);
  const name = readMatch(block['name'], join(path, 'name'), /^[a-zA-Z0-9_-]{1,200}$/);
  ledger.call(id, name, path);
  return { id, name, arguments: readFields(block['input'], join(path, 'input')) };
}
