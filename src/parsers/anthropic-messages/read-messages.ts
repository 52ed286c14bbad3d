import { anthropicMessages, readCacheControl } from '../../kernel/dialects/anthropic-messages-fields.ts';
import {
  checkBoolean,
  checkList,
  checkObject,
  checkString,
  checkWord,
  refuse,
  refuseType,
} from '../../kernel/dialects/field-check.ts';
import { orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import { readBlock } from './read-block.ts';

const messageFields = new Set(['role', 'content']);
const resultFields = new Set(['type', 'tool_use_id', 'content', 'is_error']);
const roles = ['user', 'assistant', 'system'] as const;

/** The system prompt, as a message in front of all others; none where it says nothing. */
export function readSystem(system: unknown): readonly Message[] {
  if (system === undefined || system === null || system === '') return [];
  if (typeof system === 'string')
    return [{ role: 'system', content: [{ kind: 'text', text: system }], place: 'system' }];
  if (!Array.isArray(system)) refuseType('system', 'a string or an array of text blocks', system);
  const content = readTexts(system as unknown[], 'system');
  return content.length === 0 ? [] : [{ role: 'system', content, place: 'system', ...extended({ content: [] }) }];
}

/** The entries of `messages`. A turn with results becomes several messages: each result is one of its own. */
export function readMessages(value: unknown): readonly Message[] {
  const entries = checkList(value, 'messages');
  if (entries.length === 0) refuse('messages', 'expected at least one message, got an empty array');
  const calls = new Set<string>();
  return entries.flatMap((entry, index) => {
    const place = `messages[${index}]`;
    return readMessage(checkObject(entry, place), place, calls);
  });
}

function readMessage(entry: JsonObject, place: string, calls: Set<string>): readonly Message[] {
  const role = checkWord(entry['role'], roles, `${place}.role`);
  const { content } = entry;
  const field = `${place}.content`;
  const further = otherFields(entry, messageFields);
  const marks = { ...further, ...(role === 'system' && { role }) };
  if (typeof content === 'string')
    return [{ role, content: [{ kind: 'text', text: content }], place, ...extended(marks) }];
  if (!Array.isArray(content)) refuseType(field, 'a string or an array of blocks', content);
  const blocks = content as unknown[];
  const listed = { ...marks, content: [] };
  if (role === 'system') return [{ role, content: readTexts(blocks, field), place, ...extended(listed) }];
  if (role === 'user') return readUserTurn(blocks, place, calls, listed);
  return [{ role, content: readAnswer(blocks, field, calls), place, ...extended(listed) }];
}

/** What the assistant said. Its calls are what later results may answer. */
function readAnswer(blocks: readonly unknown[], field: string, calls: Set<string>): readonly ContentBlock[] {
  return blocks.map((value, index) => {
    const place = `${field}[${index}]`;
    const block = checkObject(value, place);
    if (block['type'] === 'tool_result') refuse(`${place}.type`, 'only a user can say tool_result');
    const read = readBlock(block, place);
    if (read.kind === 'tool_call' && read.callId !== undefined) calls.add(read.callId);
    return read;
  });
}

function readUserTurn(
  blocks: readonly unknown[],
  place: string,
  calls: ReadonlySet<string>,
  marks: JsonObject,
): readonly Message[] {
  const messages: Message[] = [];
  let said: ContentBlock[] | undefined;
  for (const [index, value] of blocks.entries()) {
    const field = `${place}.content[${index}]`;
    const block = checkObject(value, field);
    if (block['type'] === 'tool_result') {
      messages.push(readResult(block, field, calls));
      said = undefined;
      continue;
    }
    if (block['type'] === 'tool_use') refuse(`${field}.type`, 'only the assistant can say tool_use');
    if (said === undefined) {
      said = [];
      messages.push({ role: 'user', content: said, place, ...extended(marks) });
    }
    said.push(readBlock(block, field));
  }
  return messages.length > 0 ? messages : [{ role: 'user', content: [], place, ...extended(marks) }];
}

function readResult(block: JsonObject, place: string, calls: ReadonlySet<string>): Message {
  const { tool_use_id: id, content, is_error: isError } = block;
  const callId = checkString(id, `${place}.tool_use_id`);
  if (!calls.has(callId)) refuse(`${place}.tool_use_id`, `there is no tool_use "${callId.slice(0, 64)}" before it`);
  const marks = { ...otherFields(block, resultFields), ...(Array.isArray(content) && { content: [] }) };
  return {
    role: 'tool',
    callId,
    ...(isError !== undefined && isError !== null && { isError: checkBoolean(isError, `${place}.is_error`) }),
    content: markLast(readResultContent(content, `${place}.content`), block['cache_control']),
    place,
    ...extended(marks),
  };
}

function readResultContent(content: unknown, field: string): readonly ContentBlock[] {
  if (content === undefined || content === null) return [];
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) refuseType(field, 'a string or an array of blocks', content);
  return (content as unknown[]).map((value, index) => {
    const place = `${field}[${index}]`;
    const block = checkObject(value, place);
    if (block['type'] === 'tool_result') refuse(`${place}.type`, 'a result can hold no other result');
    const read = readBlock(block, place);
    // Says which blocks have a mark of their own, beside that of the result.
    return read.cache === undefined ? read : { ...read, ...withField(read, { cache_control: block['cache_control'] }) };
  });
}

/** Other formats mark blocks only: the mark of a result is that of its last block, unless that has its own. */
function markLast(content: readonly ContentBlock[], control: unknown): readonly ContentBlock[] {
  const cache = readCacheControl(control);
  const last = content.at(-1);
  if (cache === undefined || last === undefined || last.cache !== undefined) return content;
  return [...content.slice(0, -1), { ...last, cache }];
}

function readTexts(blocks: readonly unknown[], field: string): readonly ContentBlock[] {
  return blocks.map((value, index) => {
    const place = `${field}[${index}]`;
    const block = checkObject(value, place);
    checkWord(block['type'], ['text'], `${place}.type`);
    return readBlock(block, place);
  });
}

function withField({ ext }: ContentBlock, fields: JsonObject): Pick<ContentBlock, 'ext'> {
  return { ext: { ...ext, [anthropicMessages]: { ...ext?.[anthropicMessages], ...fields } } };
}

function extended(fields: JsonObject): Pick<Message, 'ext'> {
  return orNothing(fields) === undefined ? {} : { ext: { [anthropicMessages]: fields } };
}
