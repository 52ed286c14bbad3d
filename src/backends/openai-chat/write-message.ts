import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import type { ChatRequest, ContentBlock, Message } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import { writeCallId } from './call-ids.ts';
import type { Vendor } from './vendors.ts';
import { writePart, type WriteContext } from './write-part.ts';
import { reasoningFields, writeReasoning } from './write-reasoning.ts';

const reasoningKinds = new Set(['reasoning', 'reasoning_summary', 'reasoning_redacted']);
const mediaKinds = new Set(['image', 'audio', 'file']);

/** All messages in the format. Throws REQUEST_INVALID for a block that it can't say. */
export function writeMessages(request: ChatRequest, vendor: Vendor, run: Run): readonly JsonObject[] {
  const context = { dialect: request.dialect, isOwn: request.dialect === openaiChat, vendor, run };
  const written: JsonObject[] = [];
  let pictures: unknown[] = [];
  const sayPictures = (): void => {
    if (pictures.length > 0) written.push({ role: 'user', content: pictures });
    pictures = [];
  };
  for (const [index, message] of request.messages.entries()) {
    // Results must follow their calls without anything between, so their pictures wait until all results are there.
    if (message.role !== 'tool') sayPictures();
    const place = `messages[${index}]`;
    if (message.role !== 'tool' || context.isOwn) {
      written.push(writeMessage(message, place, context));
      continue;
    }
    const result = writeResult(message, place, context);
    written.push(result.message);
    pictures.push(...result.pictures);
  }
  sayPictures();
  return written;
}

/** In this format a tool answers in text. What else it gave is said by the user, right behind the results. */
function writeResult(
  message: Message,
  place: string,
  context: WriteContext,
): { readonly message: JsonObject; readonly pictures: readonly unknown[] } {
  if (message.isError === true) context.run.lose('request.is_error');
  const pictures: unknown[] = [];
  const content: ContentBlock[] = [];
  for (const [position, block] of message.content.entries()) {
    const part = mediaKinds.has(block.kind) ? writePart(block, `${place}.content[${position}]`, context) : undefined;
    if (part === undefined) content.push(block);
    else if (isObject(part) && part['type'] === 'text') content.push({ kind: 'text', text: String(part['text']) });
    else pictures.push(part);
  }
  if (pictures.length > 0) context.run.lose('request.tool_result_media');
  return { message: writeMessage({ ...message, content }, place, context), pictures };
}

function writeMessage(message: Message, place: string, context: WriteContext): JsonObject {
  const { vendor, isOwn } = context;
  const parts: unknown[] = [];
  const fields: Record<string, unknown> = {};
  const reasoning: ContentBlock[] = [];
  const calls: JsonObject[] = [];
  for (const [position, block] of message.content.entries()) {
    const field = extensionOf(block)?.['message.field'];
    if (reasoningKinds.has(block.kind)) reasoning.push(block);
    else if (typeof field === 'string') fields[field] = block.text ?? '';
    else if (block.kind === 'tool_call' && level(extensionOf(block), 'message.function_call') !== undefined)
      fields['function_call'] = writeFunctionCall(block);
    else if (block.kind === 'tool_call' || block.kind === 'custom_tool_call')
      calls.push(writeCall(block, `${place}.tool_calls[${calls.length}]`, context));
    else {
      const part = writePart(block, `${place}.content[${position}]`, context);
      if (part !== undefined) parts.push(part);
    }
  }
  const { content: marker, role, ...rest } = withoutReasoning(extensionOf(message) ?? {});
  const content = writeContent(parts, marker, message);
  const { name, callId } = message;
  return {
    ...rest,
    role: role ?? (vendor.systemOnly === true && message.role === 'developer' ? 'system' : message.role),
    ...(content !== undefined && { content }),
    ...writeReasoning(message, reasoning, context),
    ...fields,
    ...(name !== undefined && writeName(name, message, context)),
    ...(callId !== undefined && { tool_call_id: isOwn && role === 'function' ? callId : writeCallId(callId, vendor) }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function withoutReasoning(extension: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(extension).filter(([name]) => !reasoningFields.has(name)));
}

/** The name of a tool that answers is known from its call. */
function writeName(name: string, { role, ext }: Message, { vendor, run }: WriteContext): JsonObject {
  if (vendor.names !== false || ext?.[openaiChat]?.['role'] === 'function') return { name };
  if (role !== 'tool') run.lose('request.name');
  return {};
}

/** A string where the client sent a string or where one text is all; `marker` is what else the client sent: a list or null. */
function writeContent(parts: readonly unknown[], marker: unknown, message: Message): unknown {
  if (parts.length === 0) {
    if (marker !== undefined) return marker;
    return message.role === 'assistant' ? undefined : '';
  }
  const texts = parts.map(plainText);
  const isPlain = texts.every((text) => text !== undefined);
  return !Array.isArray(marker) && isPlain && (parts.length === 1 || message.role === 'tool') ? texts.join('') : parts;
}

/** The text of a part that is nothing else. */
function plainText(part: unknown): string | undefined {
  if (!isObject(part) || part['type'] !== 'text' || Object.keys(part).length !== 2) return undefined;
  return typeof part['text'] === 'string' ? part['text'] : undefined;
}

function writeCall(block: ContentBlock, place: string, { vendor, isOwn, run }: WriteContext): JsonObject {
  const { name, callId, arguments: json = '', kind, cache } = block;
  if (name === undefined) refuse(block.place ?? place, 'a tool call needs the name of its tool');
  if (cache !== undefined && !isOwn) run.lose('request.cache');
  const { function: inner, custom, ...rest } = extensionOf(block) ?? {};
  const head = { ...rest, ...(callId !== undefined && { id: writeCallId(callId, vendor) }) };
  if (kind === 'custom_tool_call')
    return { ...head, type: 'custom', custom: { ...(isObject(custom) && custom), name, input: json } };
  // No arguments are an empty object here; a client of this format may mean what it says.
  const written = json === '' && !isOwn ? '{}' : json;
  return { ...head, type: 'function', function: { ...(isObject(inner) && inner), name, arguments: written } };
}

function writeFunctionCall(block: ContentBlock): JsonObject {
  return {
    ...level(extensionOf(block), 'message.function_call'),
    name: block.name ?? '',
    arguments: block.arguments ?? '',
  };
}
