import { refuse } from '../../kernel/dialects/field-check.ts';
import { asksForDetail } from '../../kernel/dialects/image-detail.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import type { CacheMark, ContentBlock, Message } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import { objectOfArguments } from '../../kernel/dialects/tool-arguments.ts';
import { bedrockConverse } from './converse-fields.ts';
import { writeMedia, type MediaBlock } from './write-media.ts';
import { wireName, type DocumentNames } from './wire-name.ts';

/** What the content blocks of one request share. */
export interface ContentContext {
  readonly run: Pick<Run, 'lose'>;
  readonly dialect: string;
  readonly documents: DocumentNames;
  /** False for models without prompt caching. */
  readonly caches: boolean;
}

/** The content blocks of a message of the user or the assistant. Throws REQUEST_INVALID for a block that can't be said. */
export function writeContent(message: Message, index: number, context: ContentContext): JsonObject[] {
  return message.content.flatMap((block, position) => {
    const place = block.place ?? `messages[${index}].content[${position}]`;
    const written = writeBlock(block, place, `${index}_${position}`, context);
    return withCachePoint(written, block.cache, context);
  });
}

/** The result of a tool, which the user says. */
export function writeToolResult(message: Message, index: number, context: ContentContext): JsonObject[] {
  const { callId, isError, content } = message;
  const place = message.place ?? `messages[${index}]`;
  if (callId === undefined) refuse(place, 'the result of a tool needs the id of its call');
  const blocks = content.flatMap((block, position) =>
    writeResultBlock(block, block.place ?? `${place}.content[${position}]`, context),
  );
  const result = {
    toolUseId: wireName(callId),
    // A failure without a word is refused.
    content: isError === true && blocks.length === 0 ? [{ text: 'error' }] : blocks,
    ...(isError === true && { status: 'error' }),
  };
  const cache = content.findLast((block) => block.cache !== undefined)?.cache;
  return withCachePoint([{ toolResult: result }], cache, context);
}

/** System messages as the blocks of `system`. */
export function writeSystem(messages: readonly Message[], context: ContentContext): JsonObject[] {
  return messages.flatMap(({ content, place = 'system' }) =>
    content.flatMap((block, position) => {
      if (block.kind !== 'text')
        refuse(block.place ?? `${place}.content[${position}]`, 'a system prompt can only be text for this backend');
      return withCachePoint(writeText(block, context), block.cache, context);
    }),
  );
}

/** Ends what the provider may cache. A mark after nothing would be refused. */
export function withCachePoint(
  written: JsonObject[],
  cache: CacheMark | undefined,
  { caches, run }: Pick<ContentContext, 'caches' | 'run'>,
): JsonObject[] {
  if (cache === undefined) return written;
  if (!caches || written.length === 0) {
    run.lose('request.cache');
    return written;
  }
  const { ttl } = cache;
  if (ttl !== undefined && ttl !== '5m' && ttl !== '1h') run.lose('request.cache');
  // Five minutes is what every model does without being told.
  return [...written, { cachePoint: { type: 'default', ...(ttl === '1h' && { ttl }) } }];
}

function writeBlock(block: ContentBlock, place: string, serial: string, context: ContentContext): JsonObject[] {
  const { kind, initial } = block;
  switch (kind) {
    case 'text':
    case 'refusal':
      return writeText(block, context);
    case 'image':
    case 'audio':
    case 'file':
      return [writeMediaBlock({ ...block, kind }, place, context)];
    case 'tool_call':
    case 'custom_tool_call':
      return [writeToolUse(block, place, serial, context)];
    case 'reasoning':
    case 'reasoning_summary':
    case 'reasoning_redacted':
      return writeReasoning(block, context);
    case 'server_tool_call':
    case 'server_tool_result':
      context.run.lose('request.server_tools');
      return [];
    case 'code':
    case 'compaction':
    case 'unknown':
      if (context.dialect === bedrockConverse && isObject(initial)) return [initial];
      return refuse(place, `a block of the kind ${kind} of ${context.dialect} can't be sent to this backend`);
  }
}

function writeMediaBlock(block: MediaBlock, place: string, { run, documents }: ContentContext): JsonObject {
  if (asksForDetail(block)) run.lose('request.image_detail');
  return writeMedia(block, place, documents);
}

/** An empty text is refused by the provider and says nothing. */
function writeText({ text = '', annotations }: ContentBlock, { run }: ContentContext): JsonObject[] {
  if (annotations !== undefined && annotations.length > 0) run.lose('request.citations');
  return text.trim() === '' ? [] : [{ text }];
}

function writeToolUse(block: ContentBlock, place: string, serial: string, { run }: ContentContext): JsonObject {
  const { name, callId, kind, arguments: json } = block;
  if (name === undefined) refuse(place, 'a tool call needs the name of its tool');
  const input = kind === 'custom_tool_call' ? undefined : objectOfArguments(json);
  if (kind === 'tool_call' && input === undefined) run.lose('request.tool_arguments');
  return {
    toolUse: {
      toolUseId: callId === undefined ? `tooluse_${serial}` : wireName(callId),
      name: wireName(name),
      // The format holds objects; what is none is kept as a text in one.
      input: input ?? { input: json ?? '' },
    },
  };
}

/** A model takes back only reasoning that it has signed itself. */
function writeReasoning({ text = '', signature }: ContentBlock, { run }: ContentContext): JsonObject[] {
  if (signature?.format !== bedrockConverse) {
    run.lose('request.reasoning');
    return [];
  }
  const { value, encrypted } = signature;
  return encrypted === true
    ? [{ reasoningContent: { redactedContent: value } }]
    : [{ reasoningContent: { reasoningText: { text, signature: value } } }];
}

function writeResultBlock(block: ContentBlock, place: string, context: ContentContext): JsonObject[] {
  const { kind, initial } = block;
  if (kind === 'text') return writeText(block, context);
  if (kind === 'image' || kind === 'file') return [writeMediaBlock({ ...block, kind }, place, context)];
  if (kind === 'unknown' && context.dialect === bedrockConverse && isObject(initial)) return [initial];
  return refuse(place, `a block of the kind ${kind} can't be sent to this backend as the result of a tool`);
}
