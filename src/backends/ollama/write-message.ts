import { refuse } from '../../kernel/dialects/field-check.ts';
import { asksForDetail } from '../../kernel/dialects/image-detail.ts';
import { level, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { checkInline, type MediaLimits } from '../../kernel/dialects/media.ts';
import { argumentsObject, extensionOf } from '../../kernel/dialects/ollama-fields.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';

/** What a message is written with. */
export interface MessageContext {
  /** The client spoke this format. */
  readonly isOwn: boolean;
  /** Names of the tools that were called before, by the id of the call. */
  readonly names: ReadonlyMap<string, string>;
  readonly run: Run;
}

const images: MediaLimits = {
  types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/bmp'],
  maxBytes: 67_108_864,
};
/** What the server itself puts between neighbours of one role. */
const betweenTexts = '\n\n';

interface Parts {
  readonly texts: string[];
  readonly thoughts: string[];
  readonly images: string[];
  readonly calls: JsonObject[];
  /** Kinds of the content, in order, neighbours of one kind once. */
  readonly order: string[];
}

/** A message in the format. Throws REQUEST_INVALID for a block that it can't say; what is left out is named as lost. */
export function writeMessage(message: Message, index: number, context: MessageContext): JsonObject {
  const { isOwn, names, run } = context;
  const { tool_call_id: marker, ...rest } = extensionOf(message) ?? {};
  const parts: Parts = { texts: [], thoughts: [], images: [], calls: [], order: [] };
  for (const [position, block] of message.content.entries())
    addBlock(block, block.place ?? `messages[${index}].content[${position}]`, parts, context);
  if (parts.order.length > 2) run.lose('request.image_position');
  if (message.isError === true) run.lose('request.is_error');
  const isResult = message.role === 'tool';
  if (!isResult && message.name !== undefined) run.lose('request.name');
  const { callId } = message;
  const toolName = message.name ?? (isOwn || callId === undefined ? undefined : names.get(callId));
  return {
    role: message.role === 'developer' ? 'system' : message.role,
    content: parts.texts.join(betweenTexts),
    ...(parts.thoughts.length > 0 && { thinking: parts.thoughts.join(betweenTexts) }),
    ...(parts.images.length > 0 && { images: parts.images }),
    ...(parts.calls.length > 0 && { tool_calls: parts.calls }),
    ...(isResult && toolName !== undefined && { tool_name: toolName }),
    ...(isResult && callId !== undefined && marker === undefined && { tool_call_id: callId }),
    ...rest,
  };
}

function addBlock(block: ContentBlock, place: string, parts: Parts, { run }: MessageContext): void {
  const { kind, text = '', signature } = block;
  if (block.annotations !== undefined) run.lose('request.citations');
  switch (kind) {
    case 'text':
    case 'refusal':
      if (text === '') return;
      parts.texts.push(text);
      if (parts.order.at(-1) !== 'text') parts.order.push('text');
      return;
    case 'reasoning':
    case 'reasoning_summary':
      if (signature !== undefined) run.lose('request.signature');
      if (text !== '') parts.thoughts.push(text);
      return;
    case 'reasoning_redacted':
      run.lose('request.reasoning');
      return;
    case 'tool_call':
      parts.calls.push(writeCall(block, place, run));
      return;
    case 'server_tool_call':
    case 'server_tool_result':
      run.lose('request.server_tools');
      return;
    case 'image':
      parts.images.push(writeImage(block, place, run));
      if (parts.order.at(-1) !== 'image') parts.order.push('image');
      return;
    default:
      refuse(place, `a block of the kind ${kind} can't be sent to this backend`);
  }
}

function writeImage(block: ContentBlock, place: string, run: Run): string {
  const { base64, mediaType } = block;
  if (base64 === undefined) refuse(place, 'this backend takes images as base64 only');
  // The format names no types, so what its client sent without one goes on without one.
  checkInline(mediaType === undefined ? { ...block, mediaType: 'image/png' } : block, images, place);
  if (asksForDetail(block)) run.lose('request.image_detail');
  return base64;
}

function writeCall(block: ContentBlock, place: string, run: Run): JsonObject {
  const { name, callId } = block;
  if (name === undefined) refuse(place, 'a tool call needs the name of its tool');
  const { id: marker, function: _inner, ...rest } = extensionOf(block) ?? {};
  const { object, isWhole } = argumentsObject(block.arguments);
  if (!isWhole) run.lose('request.tool_arguments');
  return {
    ...(callId !== undefined && marker === undefined && { id: callId }),
    function: { name, arguments: object, ...orNothing(level(extensionOf(block), 'function') ?? {}) },
    ...rest,
  };
}
