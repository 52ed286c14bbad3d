import { checkObject, checkString, checkWord, refuseType } from '../../kernel/dialects/field-check.ts';
import { isObject, isPresent, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { readReasoningDetails, type ReadDetail } from '../../kernel/dialects/openai-chat-reasoning.ts';
import { objectsOf } from '../../kernel/dialects/openai-chat-settings.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import { readPart } from './read-part.ts';

const messageRoles = ['developer', 'system', 'user', 'assistant', 'tool', 'function'] as const;
const needContent: ReadonlySet<string> = new Set(['developer', 'system', 'user']);
/** Fields beside the role, each of which a client may also send as null. */
const nullableFields = [
  'content',
  'name',
  'tool_call_id',
  'refusal',
  'tool_calls',
  'function_call',
  'reasoning',
  'reasoning_content',
] as const;
const readFields: ReadonlySet<string> = new Set(['role', ...nullableFields]);
/** The texts are kept as they are where `reasoning_details` says them too. */
const fieldsWithDetails = new Set([...readFields].filter((name) => !name.startsWith('reasoning')));
const callFields = new Set(['id', 'type', 'function', 'custom']);
const functionFields = new Set(['name', 'arguments']);
const customFields = new Set(['name', 'input']);

/** One entry of `messages`. `content` of the extension says in which form the content came, where that can't be seen. */
export function readMessage(message: JsonObject, index: number): Message {
  const place = `messages[${index}]`;
  const role = checkWord(message['role'], messageRoles, `${place}.role`);
  const { content, name, tool_call_id: callId, tool_calls: calls, function_call: call } = message;
  const details = readReasoningDetails(message['reasoning_details']);
  const leading = details.filter(({ callId: id }) => !namesCall(calls, id)).map(asDetail);
  const extension = {
    ...otherFields(message, details.length > 0 ? fieldsWithDetails : readFields),
    ...(role === 'function' && { role }),
    ...(Array.isArray(content) && { content: [] }),
    ...nullFields(message, nullableFields),
    ...(Array.isArray(calls) && calls.length === 0 && { tool_calls: calls }),
  };
  return {
    role: role === 'function' ? 'tool' : role,
    ...(isPresent(name) && { name: checkString(name, `${place}.name`) }),
    ...(isPresent(callId) && { callId: checkString(callId, `${place}.tool_call_id`) }),
    content: [
      // The same reasoning in parts, with its proofs, says more than the text; proofs alone stand beside it.
      ...(details.some(({ block }) => block.text !== undefined) ? [] : readReasoningTexts(message, place)),
      ...leading,
      ...readContent(content, needContent.has(role), `${place}.content`),
      ...readTextField(message, 'refusal', 'refusal', place),
      ...(isPresent(calls)
        ? objectsOf(calls, `${place}.tool_calls`).flatMap((item, position) => [
            ...details.filter(({ callId: id }) => id !== undefined && id === item['id']).map(asDetail),
            readCall(item, `${place}.tool_calls[${position}]`),
          ])
        : []),
      ...(isPresent(call)
        ? [readLegacyCall(checkObject(call, `${place}.function_call`), `${place}.function_call`)]
        : []),
    ],
    ...((role === 'tool' || role === 'function') && { place }),
    ...(orNothing(extension) && { ext: { [openaiChat]: extension } }),
  };
}

function readContent(content: unknown, needed: boolean, field: string): readonly ContentBlock[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (Array.isArray(content))
    return objectsOf(content, field).map((part, index) => readPart(part, `${field}[${index}]`));
  if (!isPresent(content) && !needed) return [];
  return refuseType(field, 'a string or an array of parts', content);
}

function readReasoningTexts(message: JsonObject, place: string): readonly ContentBlock[] {
  return [
    ...readTextField(message, 'reasoning_content', 'reasoning', place),
    ...readTextField(message, 'reasoning', 'reasoning', place),
  ];
}

/** True where the entry belongs to a call: a proof that a provider put on it. */
function namesCall(calls: unknown, id: string | undefined): boolean {
  return id !== undefined && Array.isArray(calls) && calls.some((call) => isObject(call) && call['id'] === id);
}

/** Marks a block that the original field, which is kept, says again. */
function asDetail({ block }: ReadDetail): ContentBlock {
  return { ...block, ext: { [openaiChat]: { 'message.field': 'reasoning_details' } } };
}

/** A text that is a field of the message and no part of its content. */
function readTextField(
  message: JsonObject,
  name: string,
  kind: ContentBlock['kind'],
  place: string,
): readonly ContentBlock[] {
  const value = message[name];
  if (!isPresent(value)) return [];
  return [{ kind, text: checkString(value, `${place}.${name}`), ext: { [openaiChat]: { 'message.field': name } } }];
}

function readCall(call: JsonObject, place: string): ContentBlock {
  const isCustom = call['type'] === 'custom' || (call['type'] === undefined && isObject(call['custom']));
  const level = isCustom ? 'custom' : 'function';
  const inner = checkObject(call[level], `${place}.${level}`);
  const input = isCustom ? 'input' : 'arguments';
  const { id } = call;
  const unknownInner = otherFields(inner, isCustom ? customFields : functionFields);
  const unknown = { ...otherFields(call, callFields), ...(unknownInner && { [level]: unknownInner }) };
  return {
    kind: isCustom ? 'custom_tool_call' : 'tool_call',
    name: checkString(inner['name'], `${place}.${level}.name`),
    // Some formats need the id, and say where it is missing.
    ...(isPresent(id) ? { callId: checkString(id, `${place}.id`) } : { place }),
    arguments: checkString(inner[input] ?? '', `${place}.${level}.${input}`),
    ...(orNothing(unknown) && { ext: { [openaiChat]: unknown } }),
  };
}

function readLegacyCall(call: JsonObject, place: string): ContentBlock {
  return {
    kind: 'tool_call',
    name: checkString(call['name'], `${place}.name`),
    arguments: checkString(call['arguments'] ?? '', `${place}.arguments`),
    place,
    ext: { [openaiChat]: { 'message.function_call': otherFields(call, functionFields) ?? {} } },
  };
}

function nullFields(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => object[name] === null).map((name) => [name, null]));
}
