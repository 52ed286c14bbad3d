import { refuse } from '../../kernel/field-check.ts';
import { orNothing, type JsonObject } from '../../kernel/json-value.ts';
import { checkInline, writeDataUri, type MediaLimits } from '../../kernel/media.ts';
import { extensionOf, level, openaiChat } from '../../kernel/openai-chat-fields.ts';
import { isProofOfChat, writeReasoningDetail } from '../../kernel/openai-chat-reasoning.ts';
import type { ChatRequest, ContentBlock, Message } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { Vendor } from './vendors.ts';

const reasoningKinds = new Set(['reasoning', 'reasoning_summary', 'reasoning_redacted']);
/** Blocks that only the provider which made them understands. */
const providerKinds = new Set(['server_tool_call', 'server_tool_result', 'compaction', 'code']);
/** `audio/` types whose name in `input_audio.format` differs. */
const audioFormats: ReadonlyMap<string, string> = new Map([
  ['mpeg', 'mp3'],
  ['x-wav', 'wav'],
  ['wave', 'wav'],
]);
const imageLimits: MediaLimits = {
  types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif'],
  maxBytes: 50_000_000,
};

interface WriteContext {
  readonly dialect: string;
  readonly vendor: Vendor;
  readonly run: Run;
}

/** All messages in the format. Throws REQUEST_INVALID for a block that it can't say. */
export function writeMessages(request: ChatRequest, vendor: Vendor, run: Run): readonly JsonObject[] {
  const context = { dialect: request.dialect, vendor, run };
  const isOwn = request.dialect === openaiChat;
  const written: JsonObject[] = [];
  let pictures: ContentBlock[] = [];
  for (const [index, message] of request.messages.entries()) {
    // Results must follow their calls without anything between, so their pictures wait until all results are there.
    if (pictures.length > 0 && message.role !== 'tool') {
      written.push({ role: 'user', content: pictures.map(writePart) });
      pictures = [];
    }
    const isResult = message.role === 'tool' && !isOwn;
    const split = isResult ? splitResult(message, run) : { message, pictures: [] };
    pictures.push(...split.pictures);
    written.push(writeMessage(split.message, index, context));
  }
  if (pictures.length > 0) written.push({ role: 'user', content: pictures.map(writePart) });
  return written;
}

/** In this format a tool answers in text. What else it gave is said by the user, right behind the results. */
function splitResult(message: Message, run: Run): { readonly message: Message; readonly pictures: ContentBlock[] } {
  if (message.isError === true) run.lose('request.is_error');
  const pictures = message.content.filter(({ kind }) => kind === 'image' || kind === 'file' || kind === 'audio');
  if (pictures.length === 0) return { message, pictures };
  run.lose('request.tool_result_media');
  return { message: { ...message, content: message.content.filter((block) => !pictures.includes(block)) }, pictures };
}

function writeMessage(message: Message, index: number, context: WriteContext): JsonObject {
  const { vendor, dialect } = context;
  const { content: marker, role: originalRole, ...rest } = extensionOf(message) ?? {};
  const place = `messages[${index}]`;
  const parts: ContentBlock[] = [];
  const fields: Record<string, unknown> = {};
  const reasoning: ContentBlock[] = [];
  const calls: JsonObject[] = [];
  for (const [position, block] of message.content.entries()) {
    const field = fieldOfMessage(block);
    if (field === 'reasoning_details') continue;
    if (field !== undefined) fields[field] = block.text ?? '';
    else if (reasoningKinds.has(block.kind)) reasoning.push(block);
    else if (block.kind === 'tool_call' && level(extensionOf(block), 'message.function_call') !== undefined)
      fields['function_call'] = writeFunctionCall(block);
    else if (block.kind === 'tool_call' || block.kind === 'custom_tool_call')
      calls.push(writeCall(block, `${place}.tool_calls[${calls.length}]`));
    else if (canSay(block, context, block.place ?? `${place}.content[${position}]`)) parts.push(block);
  }
  const content = writeContent(parts.map((block) => markCache(block, context)), marker, message);
  const role = originalRole ?? (vendor.systemOnly === true && message.role === 'developer' ? 'system' : message.role);
  return {
    ...rest,
    role: dialect === openaiChat ? (originalRole ?? message.role) : role,
    ...(content !== undefined && { content }),
    ...writeReasoning(reasoning, context),
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

/**
 * Reasoning that came through a client of another format. A provider takes back the proofs that one of this format made,
 * and some take the text; everything else is left out.
 */
function writeReasoning(blocks: readonly ContentBlock[], { vendor, run }: WriteContext): JsonObject {
  const own = blocks.filter(({ signature }) => isProofOfChat(signature?.format));
  const text = blocks.map((block) => block.text ?? '').join('');
  const field = vendor.reasoningBack;
  if (blocks.some((block) => !own.includes(block) && (field === undefined || (block.text ?? '') === '')))
    run.lose('request.reasoning');
  return {
    ...(field !== undefined && text !== '' && { [field]: text }),
    ...(own.length > 0 && {
      reasoning_details: own.map((block) => writeReasoningDetail(block.text ?? '', block.signature)),
    }),
  };
}

/** A string where the client sent a string or where one text is all; `marker` is what else the client sent: a list or null. */
function writeContent(parts: readonly ContentBlock[], marker: unknown, message: Message): unknown {
  const [only] = parts;
  if (only === undefined) {
    if (marker !== undefined) return marker;
    return message.role === 'assistant' ? undefined : '';
  }
  const isPlain = parts.every((block) => block.kind === 'text' && extensionOf(block) === undefined);
  if (!Array.isArray(marker) && isPlain && (parts.length === 1 || message.role === 'tool'))
    return parts.map((block) => block.text ?? '').join('');
  return parts.map(writePart);
}

/** False for what is left out, with its name; throws for what can't be left out, because it is what is asked about. */
function canSay(block: ContentBlock, { dialect, vendor, run }: WriteContext, place: string): boolean {
  const { kind, initial, base64, url, fileId } = block;
  const isOwn = dialect === openaiChat;
  if (kind === 'text' || kind === 'refusal') return true;
  if (isOwn && initial !== undefined) return true;
  if (!isOwn && providerKinds.has(kind)) {
    run.lose('request.server_tools');
    return false;
  }
  if (kind === 'image' && base64 !== undefined) {
    if (!isOwn) checkInline(block, imageLimits, place);
    return true;
  }
  if (kind === 'image' && url !== undefined) {
    if (!isOwn && vendor.imageUrls === false) refuse(place, 'this backend takes images as base64 only');
    return true;
  }
  if (kind === 'audio' && base64 !== undefined) return true;
  // An id names a file at one provider, and nothing at another.
  if (kind === 'file' && (base64 !== undefined || (isOwn && fileId !== undefined))) return true;
  return refuse(place, `a block of the kind ${kind}${isOwn ? '' : ` of ${dialect}`} can't be sent to this backend`);
}

/** The client's own field says it where the client spoke this format. */
function markCache(block: ContentBlock, { vendor, run, dialect }: WriteContext): ContentBlock {
  if (block.cache === undefined || dialect === openaiChat) return block;
  if (vendor.cacheControl !== true) {
    run.lose('request.cache');
    return block;
  }
  return { ...block, ext: { [openaiChat]: { ...extensionOf(block), cache_control: { type: 'ephemeral', ...block.cache } } } };
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
  const { base64, fileId, mediaType, name } = block;
  return {
    ...(base64 !== undefined && { file_data: mediaType === undefined ? base64 : writeDataUri(block) }),
    ...(fileId !== undefined && { file_id: fileId }),
    ...(name !== undefined && { filename: name }),
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
