import { refuse } from '../../kernel/field-check.ts';
import { orNothing, type JsonObject } from '../../kernel/json-value.ts';
import { extensionOf, level, openaiChat } from '../../kernel/openai-chat-fields.ts';
import { writeDataUri } from '../../kernel/media.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import type { Log } from '../../kernel/run.ts';

const reasoningKinds = new Set(['reasoning', 'reasoning_summary', 'reasoning_redacted']);
/** `audio/` types whose name in `input_audio.format` differs. */
const audioFormats: ReadonlyMap<string, string> = new Map([
  ['mpeg', 'mp3'],
  ['x-wav', 'wav'],
  ['wave', 'wav'],
]);

/**
 * A message in the format. Throws REQUEST_INVALID for a block that it can't say. Reasoning of another provider is left
 * out, with a line in the log: a provider takes back only its own.
 */
export function writeMessage(message: Message, index: number, dialect: string, log: Log): JsonObject {
  const { content: marker, role: originalRole, ...rest } = extensionOf(message) ?? {};
  const place = `messages[${index}]`;
  const parts: ContentBlock[] = [];
  const fields: Record<string, unknown> = {};
  const calls: JsonObject[] = [];
  for (const [position, block] of message.content.entries()) {
    const field = fieldOfMessage(block);
    if (field !== undefined) fields[field] = block.text ?? '';
    else if (reasoningKinds.has(block.kind))
      log.warn('reasoning of another provider is left out of the request', { message: index, kind: block.kind });
    else if (block.kind === 'tool_call' && level(extensionOf(block), 'message.function_call') !== undefined)
      fields['function_call'] = writeFunctionCall(block);
    else if (block.kind === 'tool_call' || block.kind === 'custom_tool_call')
      calls.push(writeCall(block, `${place}.tool_calls[${calls.length}]`));
    else {
      checkPart(block, dialect, `${place}.content[${position}]`);
      parts.push(block);
    }
  }
  const content = writeContent(parts, marker, message);
  return {
    ...rest,
    role: originalRole ?? message.role,
    ...(content !== undefined && { content }),
    ...fields,
    ...(message.name !== undefined && { name: message.name }),
    ...(message.callId !== undefined && { tool_call_id: message.callId }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** The field of the message that the client sent a block's text in, where it was no part of the content. */
function fieldOfMessage(block: ContentBlock): string | undefined {
  const field = extensionOf(block)?.['message.field'];
  return typeof field === 'string' ? field : undefined;
}

/** A string where the client sent a string or where one text is all; `marker` is what else the client sent: a list or null. */
function writeContent(parts: readonly ContentBlock[], marker: unknown, message: Message): unknown {
  const [only] = parts;
  if (only === undefined) {
    if (marker !== undefined) return marker;
    return message.role === 'assistant' ? undefined : '';
  }
  if (!Array.isArray(marker) && parts.length === 1 && only.kind === 'text' && extensionOf(only) === undefined)
    return only.text ?? '';
  return parts.map(writePart);
}

function checkPart(block: ContentBlock, dialect: string, place: string): void {
  const { kind, initial, base64, url, fileId } = block;
  const isOwn = dialect === openaiChat;
  if (kind === 'text' || kind === 'refusal') return;
  if (kind === 'image' && (url !== undefined || base64 !== undefined)) return;
  if (kind === 'audio' && base64 !== undefined) return;
  if (kind === 'file' && (base64 !== undefined || fileId !== undefined)) return;
  if (isOwn && initial !== undefined) return;
  refuse(place, `a block of the kind ${kind}${isOwn ? '' : ` of ${dialect}`} can't be sent to this backend`);
}

function writePart(block: ContentBlock): unknown {
  const { kind, text = '', initial } = block;
  const { image_url: image, input_audio: audio, file, ...rest } = extensionOf(block) ?? {};
  switch (kind) {
    case 'text':
      return { ...rest, type: 'text', text };
    case 'refusal':
      return { ...rest, type: 'refusal', refusal: text };
    case 'image':
      return { ...rest, type: 'image_url', image_url: { ...asObject(image), url: block.url ?? writeDataUri(block) } };
    case 'audio':
      return {
        ...rest,
        type: 'input_audio',
        input_audio: { ...asObject(audio), data: block.base64, format: audioFormat(block) },
      };
    case 'file':
      return { ...rest, type: 'file', file: { ...asObject(file), ...orNothing(writeFile(block)) } };
    default:
      return initial;
  }
}

function writeFile(block: ContentBlock): JsonObject {
  const { base64, fileId, mediaType } = block;
  return {
    ...(base64 !== undefined && { file_data: mediaType === undefined ? base64 : writeDataUri(block) }),
    ...(fileId !== undefined && { file_id: fileId }),
  };
}

function writeCall(block: ContentBlock, place: string): JsonObject {
  const { name, callId, arguments: json = '', kind } = block;
  if (name === undefined) refuse(place, 'a tool call needs the name of its tool');
  const { function: inner, custom, ...rest } = extensionOf(block) ?? {};
  const head = { ...rest, ...(callId !== undefined && { id: callId }) };
  if (kind === 'custom_tool_call')
    return { ...head, type: 'custom', custom: { ...asObject(custom), name, input: json } };
  return { ...head, type: 'function', function: { ...asObject(inner), name, arguments: json } };
}

function writeFunctionCall(block: ContentBlock): JsonObject {
  return {
    ...level(extensionOf(block), 'message.function_call'),
    name: block.name ?? '',
    arguments: block.arguments ?? '',
  };
}

function audioFormat({ mediaType = 'audio/wav' }: ContentBlock): string {
  const subtype = mediaType.slice(mediaType.indexOf('/') + 1);
  return audioFormats.get(subtype) ?? subtype;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
