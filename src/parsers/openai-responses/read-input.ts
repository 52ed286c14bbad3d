import {
  checkList,
  checkObject,
  checkString,
  checkWord,
  refuse,
  refuseType,
} from '../../kernel/dialects/field-check.ts';
import { filledString, isPresent, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import { unwrapSignature } from '../../kernel/dialects/signature-envelope.ts';
import { readPart } from './read-part.ts';

const roles = ['user', 'assistant', 'system', 'developer'] as const;
const messageFields = new Set(['role', 'content']);
const outputFields = new Set(['call_id', 'output']);
const callFields = new Set(['type', 'call_id', 'name', 'arguments', 'input']);
const reasoningFields = new Set(['type', 'summary', 'content', 'encrypted_content']);
/** Items of the client that are neither a message nor a result with text, but answer a call. */
const otherOutputs = /_(?:call_output|approval_response|search_output)$/;
/** Items of the client that are no answer. */
const clientItems: ReadonlySet<string> = new Set(['configuration_update', 'compaction_trigger', 'additional_tools']);

/**
 * The items of `input` as messages. What the assistant said and did in a row is one message. `continued` says that the
 * conversation began elsewhere: then a result may answer a call that is not here. Throws REQUEST_INVALID.
 */
export function readInput(items: readonly unknown[], continued: boolean): readonly Message[] {
  const messages: Message[] = [];
  const calls = new Set<string>();
  let refers = continued;
  for (const [index, value] of items.entries()) {
    const place = `input[${index}]`;
    const item = checkObject(value, place);
    const type = itemType(item, place);
    refers ||= type === 'item_reference';
    const message = readItem(item, type, place);
    if (message.role === 'assistant') append(messages, message);
    else messages.push(message);
    const { call_id: callId } = item;
    if (typeof callId !== 'string') continue;
    if (type === 'function_call' || type === 'custom_tool_call') calls.add(callId);
    const isResult = type === 'function_call_output' || type === 'custom_tool_call_output';
    if (isResult && !refers && !calls.has(callId))
      refuse(`${place}.call_id`, `no tool call before it has the id "${callId.slice(0, 64)}"`);
  }
  return messages;
}

/** The easy form of a message and a reference need no type. */
function itemType(item: JsonObject, place: string): string {
  const { type, role, id } = item;
  if (type !== undefined && type !== null) return checkString(type, `${place}.type`);
  if (role === undefined && typeof id === 'string') return 'item_reference';
  return 'message';
}

function append(messages: Message[], message: Message): void {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') messages.push(message);
  else messages[messages.length - 1] = { ...last, content: [...last.content, ...message.content] };
}

function readItem(item: JsonObject, type: string, place: string): Message {
  switch (type) {
    case 'message':
      return readMessage(item, place);
    case 'function_call':
      return assistant(readCall(item, 'tool_call', 'arguments', place));
    case 'custom_tool_call':
      return assistant(readCall(item, 'custom_tool_call', 'input', place));
    case 'function_call_output':
    case 'custom_tool_call_output':
      return readOutput(item, type, place);
    case 'reasoning':
      return assistant(...readReasoning(item, place));
    case 'compaction':
      return assistant({ kind: 'compaction', initial: item });
    default:
      return readOther(item, type, place);
  }
}

function assistant(...content: readonly ContentBlock[]): Message {
  return { role: 'assistant', content };
}

function readMessage(item: JsonObject, place: string): Message {
  const role = checkWord(item['role'], roles, `${place}.role`);
  const content = readContent(item['content'], `${place}.content`);
  const isEmpty = content.length === 0;
  const further = { ...otherFields(item, messageFields), ...(isEmpty && { content: [] }) };
  if (role === 'assistant') return assistant(...ofItem(isEmpty ? [{ kind: 'text', text: '' }] : content, further));
  return { role, content, ...(orNothing(further) && { ext: { [openaiResponses]: { item: further } } }) };
}

function readContent(content: unknown, field: string): readonly ContentBlock[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) refuseType(field, 'a string or an array of parts', content);
  return (content as unknown[]).map((part, index) =>
    readPart(checkObject(part, `${field}[${index}]`), `${field}[${index}]`),
  );
}

/** Marks the first block of an item with the fields that the item has beside its content. */
function ofItem(content: readonly ContentBlock[], item: JsonObject): readonly ContentBlock[] {
  return content.map((block, index) =>
    index > 0 ? block : { ...block, ext: { [openaiResponses]: { item, ...block.ext?.[openaiResponses] } } },
  );
}

function readCall(
  item: JsonObject,
  kind: 'tool_call' | 'custom_tool_call',
  input: 'arguments' | 'input',
  place: string,
): ContentBlock {
  return {
    kind,
    name: checkString(item['name'], `${place}.name`),
    callId: checkString(item['call_id'], `${place}.call_id`),
    arguments: checkString(item[input], `${place}.${input}`),
    place,
    ext: { [openaiResponses]: { item: otherFields(item, callFields) ?? {} } },
  };
}

function readOutput(item: JsonObject, type: string, place: string): Message {
  const content = readContent(item['output'], `${place}.output`);
  const { type: _type, ...further } = otherFields(item, outputFields) ?? {};
  const extension = {
    ...(type !== 'function_call_output' && { type }),
    ...further,
    ...(content.length === 0 && { output: [] }),
  };
  return {
    role: 'tool',
    callId: checkString(item['call_id'], `${place}.call_id`),
    content,
    place,
    ...(orNothing(extension) && { ext: { [openaiResponses]: { item: extension } } }),
  };
}

/** A block per summary and per text; the encrypted content belongs to all of them and stands on the last. */
function readReasoning(item: JsonObject, place: string): readonly ContentBlock[] {
  const { summary, content, encrypted_content: encrypted } = item;
  const signature = isFilled(encrypted)
    ? unwrapSignature(checkString(encrypted, `${place}.encrypted_content`), openaiResponses, true)
    : undefined;
  // The encoder tells the reasoning of other providers as summaries.
  const isForeign = signature !== undefined && signature.format !== openaiResponses;
  const blocks = [
    ...readTexts(summary, isForeign ? 'reasoning' : 'reasoning_summary', `${place}.summary`),
    ...readTexts(content, 'reasoning', `${place}.content`),
  ];
  // A signature that another provider put on what follows stands alone, but is not encrypted.
  const isOpen = signature !== undefined && signature.encrypted !== true;
  const last: ContentBlock = blocks.pop() ?? { kind: isOpen ? 'reasoning' : 'reasoning_redacted' };
  const hidden = {
    ...otherFields(item, reasoningFields),
    ...(!isFilledList(summary) && summary !== undefined && { summary }),
    ...(!isFilledList(content) && content !== undefined && { content }),
    ...(!isFilled(encrypted) && encrypted !== undefined && { encrypted_content: encrypted }),
  };
  return ofItem([...blocks, { ...last, ...(signature !== undefined && { signature }) }], hidden);
}

function readTexts(list: unknown, kind: 'reasoning_summary' | 'reasoning', field: string): ContentBlock[] {
  if (list === undefined || list === null) return [];
  return checkList(list, field).map((value, index) => {
    const part = checkObject(value, `${field}[${index}]`);
    return {
      kind,
      text: checkString(part['text'], `${field}[${index}].text`),
      ext: { [openaiResponses]: { part: otherFields(part, new Set(['text'])) ?? {} } },
    };
  });
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** An item without a form here: kept whole, on the side of the conversation that it comes from. */
function readOther(item: JsonObject, type: string, place: string): Message {
  const { id, call_id: callId, name } = item;
  if (otherOutputs.test(type)) {
    const answered = filledString(callId) ?? filledString(item['approval_request_id']) ?? filledString(id);
    return {
      role: 'tool',
      ...(answered !== undefined && { callId: answered }),
      content: [{ kind: 'unknown', initial: item, place }],
      place,
    };
  }
  if (clientItems.has(type)) return { role: 'user', content: [{ kind: 'unknown', initial: item, place }] };
  if (type === 'item_reference') {
    checkString(id, `${place}.id`);
    return assistant({ kind: 'unknown', initial: item, place });
  }
  const ownId = filledString(callId) ?? filledString(id);
  return assistant({
    kind: 'server_tool_call',
    name: filledString(name) ?? type.replace(/_call$/, ''),
    ...(ownId !== undefined && { callId: ownId }),
    initial: item,
    place,
  });
}

/** An empty string says nothing here either. */
function isFilled(value: unknown): boolean {
  return isPresent(value) && value !== '';
}
