import {
  anthropicMessages,
  extensionOf,
  isServerCall,
  isServerResult,
} from '../../kernel/dialects/anthropic-messages-fields.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import { objectOfArguments } from '../../kernel/dialects/tool-arguments.ts';
import { writeCache, type WriteContext } from './write-context.ts';
import { writeDocument, writeImage } from './write-media.ts';

/**
 * A block in the format. Undefined for one that is left out: text without a word in it, which the API refuses; reasoning
 * that is not Claude's own, and tools that another provider ran, both with their loss. Throws REQUEST_INVALID for content
 * that can't be said.
 */
export function writeBlock(block: ContentBlock, place: string, context: WriteContext): JsonObject | undefined {
  switch (block.kind) {
    case 'text':
    case 'refusal':
    case 'code':
      return writeText(block, context);
    case 'reasoning':
    case 'reasoning_summary':
    case 'reasoning_redacted':
      return writeThinking(block, context);
    case 'tool_call':
    case 'custom_tool_call':
      return extend(writeCall(block, place, context), block, context);
    case 'image':
      return extend(writeImage(block, place, context), block, context);
    case 'file':
      return extend(writeDocument(block, place, context), block, context);
    default:
      return writeWhole(block, place, context);
  }
}

/** The form of a block with the client's further fields, and its cache mark last. */
function extend(form: JsonObject, block: ContentBlock, context: WriteContext): JsonObject {
  const { cache_control: original, source: _source, ...further } = extensionOf(block) ?? {};
  return { ...form, ...further, ...writeCache(block.cache, original, context) };
}

function writeText(block: ContentBlock, context: WriteContext): JsonObject | undefined {
  const { text = '', annotations = [], name } = block;
  const extension = extensionOf(block);
  if (!context.isOwn && text.trim() === '') return undefined;
  if (isObject(extension?.['source'])) {
    const field = extension['source']['type'] === 'content' ? 'content' : 'data';
    const source = { ...extension['source'], [field]: text };
    return extend({ type: 'document', source, ...(name !== undefined && { title: name }) }, block, context);
  }
  if (annotations.length === 0) return extend({ type: 'text', text }, block, context);
  if (context.isOwn) return extend({ type: 'text', text, citations: annotations }, block, context);
  context.run.lose('request.citations');
  return extend({ type: 'text', text }, block, context);
}

/** The API takes back what it has signed itself, and nothing else. */
function writeThinking(block: ContentBlock, context: WriteContext): JsonObject | undefined {
  const { kind, text = '', signature } = block;
  if (signature?.format !== anthropicMessages || signature.value === '' || kind === 'reasoning_summary') {
    context.run.lose('request.reasoning');
    return undefined;
  }
  // Blocks of thinking can't be marked for the cache.
  const unmarked = withoutCache(block);
  if (kind === 'reasoning_redacted' || signature.encrypted === true)
    return extend({ type: 'redacted_thinking', data: signature.value }, unmarked, context);
  return extend({ type: 'thinking', thinking: text, signature: signature.value }, unmarked, context);
}

function withoutCache({ cache: _cache, ...block }: ContentBlock): ContentBlock {
  return block;
}

/** The format holds an object where others hold text. What is no object is kept as text, in a field of its own. */
function writeCall(block: ContentBlock, place: string, { isOwn, ids, run }: WriteContext): JsonObject {
  const { kind, name, callId = '', arguments: json = '' } = block;
  if (name === undefined) refuse(place, 'a tool call needs the name of its tool');
  const input = kind === 'custom_tool_call' ? undefined : objectOfArguments(json);
  if (input === undefined) run.lose('request.tool_arguments');
  return { type: 'tool_use', id: isOwn ? callId : ids.ofCall(block), name, input: input ?? { _raw: json } };
}

/** Blocks that only the format itself can say go out as the client wrote them. */
function writeWhole(block: ContentBlock, place: string, { isOwn, dialect, run }: WriteContext): JsonObject | undefined {
  const { kind, initial } = block;
  if (isObject(initial) && (isOwn || (dialect === 'native' && isOfFormat(initial)))) return initial;
  if (kind !== 'server_tool_call' && kind !== 'server_tool_result')
    refuse(place, `a block of the kind ${kind}${isOwn ? '' : ` of ${dialect}`} can't be sent to this backend`);
  run.lose('request.server_tools');
  return undefined;
}

/** A client of the native format sends blocks back as it got them, whatever provider they are of. */
function isOfFormat({ type }: JsonObject): boolean {
  return typeof type === 'string' && (isServerCall(type) || isServerResult(type) || type === 'compaction');
}
