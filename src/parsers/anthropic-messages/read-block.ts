import {
  anthropicMessages,
  isServerCall,
  isServerResult,
  readCacheControl,
  writeCacheControl,
} from '../../kernel/dialects/anthropic-messages-fields.ts';
import { checkFilled, checkObject, checkString, checkWord, refuseType } from '../../kernel/dialects/field-check.ts';
import {
  isObject,
  isPresent,
  orNothing,
  otherFields,
  sameJson,
  type JsonObject,
} from '../../kernel/json/json-value.ts';
import type { CacheMark, ContentBlock } from '../../kernel/request.ts';
import { unwrapSignature } from '../../kernel/dialects/signature-envelope.ts';

const textFields = new Set(['type', 'text', 'cache_control']);
const sourceFields = new Set(['type', 'source', 'cache_control']);
const documentFields = new Set(['type', 'source', 'title', 'cache_control']);
const thinkingFields = new Set(['type', 'thinking', 'signature', 'cache_control']);
const redactedFields = new Set(['type', 'data', 'cache_control']);
const toolFields = new Set(['type', 'id', 'name', 'input', 'cache_control']);
/** Fields of a source that hold its content, by its type. */
const sourceTypes: Readonly<Record<string, ReadonlySet<string>>> = {
  base64: new Set(['type', 'media_type', 'data']),
  url: new Set(['type', 'url']),
  file: new Set(['type', 'file_id']),
};

/**
 * One block of a message or of a result, but for `tool_result`. A block of a type that is not known here is kept whole.
 * Throws REQUEST_INVALID.
 */
export function readBlock(block: JsonObject, place: string): ContentBlock {
  const type = checkString(block['type'], `${place}.type`);
  switch (type) {
    case 'text':
      return { kind: 'text', text: checkString(block['text'], `${place}.text`), ...marked(block, textFields) };
    case 'image':
      return readImage(block, place);
    case 'document':
      return readDocument(block, place);
    case 'thinking':
      return readThinking(block, place);
    case 'redacted_thinking': {
      const data = checkString(block['data'], `${place}.data`);
      return {
        kind: 'reasoning_redacted',
        signature: unwrapSignature(data, anthropicMessages, true),
        ...marked(block, redactedFields),
      };
    }
    case 'tool_use':
      return readToolUse(block, place);
    default:
      return readWhole(type, block, place);
  }
}

/** Blocks without a form of ours: what the provider's own tools did, compactions, search results, uploads. */
function readWhole(type: string, block: JsonObject, place: string): ContentBlock {
  const { id, name, tool_use_id: callId } = block;
  if (isServerCall(type)) {
    return {
      kind: 'server_tool_call',
      name: checkString(name, `${place}.name`),
      callId: checkString(id, `${place}.id`),
      initial: block,
      place,
    };
  }
  if (isServerResult(type))
    return { kind: 'server_tool_result', callId: checkString(callId, `${place}.tool_use_id`), initial: block, place };
  return { kind: type === 'compaction' ? 'compaction' : 'unknown', initial: block, place };
}

function readImage(block: JsonObject, place: string): ContentBlock {
  const source = checkObject(block['source'], `${place}.source`);
  const { content, further } = readSource(source, `${place}.source`);
  return { kind: 'image', ...content, place, ...marked(block, sourceFields, further && { source: further }) };
}

/** A document of plain text is text for every provider; anything else is a file. One made of blocks is kept whole. */
function readDocument(block: JsonObject, place: string): ContentBlock {
  const field = `${place}.source`;
  const source = checkObject(block['source'], field);
  const { title } = block;
  const name = typeof title === 'string' && title !== '' ? { name: title } : {};
  const restOfTitle = title !== undefined && name.name === undefined ? { title } : {};
  if (source['type'] === 'text' || (source['type'] === 'content' && typeof source['content'] === 'string')) {
    const content = source['type'] === 'text' ? 'data' : 'content';
    const text = checkString(source[content], `${field}.${content}`);
    const further = { ...restOfTitle, type: 'document', source: otherFields(source, new Set([content])) };
    return { kind: 'text', text, ...name, place, ...marked(block, documentFields, further) };
  }
  if (source['type'] === 'content') {
    checkParts(source['content'], `${field}.content`);
    return { kind: 'unknown', initial: block, place };
  }
  const { content, further } = readSource(source, field);
  const unknown = { ...restOfTitle, ...(further && { source: further }) };
  return { kind: 'file', ...name, ...content, place, ...marked(block, documentFields, unknown) };
}

function readSource(
  source: JsonObject,
  field: string,
): { readonly content: Partial<ContentBlock>; readonly further: JsonObject | undefined } {
  const type = checkWord(source['type'], ['base64', 'url', 'file'], `${field}.type`);
  return { content: readBytes(type, source, field), further: otherFields(source, sourceTypes[type] ?? new Set()) };
}

function readBytes(type: 'base64' | 'url' | 'file', source: JsonObject, field: string): Partial<ContentBlock> {
  switch (type) {
    case 'base64':
      return {
        mediaType: checkString(source['media_type'], `${field}.media_type`),
        base64: checkString(source['data'], `${field}.data`),
      };
    case 'url':
      return { url: checkString(source['url'], `${field}.url`) };
    case 'file':
      return { fileId: checkString(source['file_id'], `${field}.file_id`) };
  }
}

/** A thinking block without text is a signature alone: that of the block behind it, or of thinking that was not shown. */
function readThinking(block: JsonObject, place: string): ContentBlock {
  const text = checkString(block['thinking'], `${place}.thinking`);
  const { signature } = block;
  const proof = isPresent(signature) ? checkString(signature, `${place}.signature`) : '';
  return {
    kind: 'reasoning',
    ...(text !== '' && { text }),
    ...(proof !== '' && { signature: unwrapSignature(proof, anthropicMessages) }),
    ...marked(block, thinkingFields),
  };
}

/** The input is an object, or the text that a model wrote in the place of one. */
function readToolUse(block: JsonObject, place: string): ContentBlock {
  const { input } = block;
  if (!isObject(input) && typeof input !== 'string') refuseType(`${place}.input`, 'an object', input);
  return {
    kind: 'tool_call',
    name: checkFilled(block['name'], `${place}.name`),
    callId: checkFilled(block['id'], `${place}.id`),
    arguments: typeof input === 'string' ? input : JSON.stringify(input),
    place,
    ...marked(block, toolFields),
  };
}

/** Further fields and the cache mark of a block; `unknown` are those that were found below its own level. */
export function marked(
  block: JsonObject,
  known: ReadonlySet<string>,
  unknown?: JsonObject,
): Pick<ContentBlock, 'cache' | 'ext'> {
  const { cache, original } = readCache(block);
  const fields = { ...otherFields(block, known), ...unknown, ...original };
  return { ...(cache && { cache }), ...(orNothing(fields) && { ext: { [anthropicMessages]: fields } }) };
}

/** The mark, and the field as it was where the mark does not say all of it. */
export function readCache(holder: JsonObject): {
  readonly cache: CacheMark | undefined;
  readonly original: JsonObject | undefined;
} {
  const { cache_control: value } = holder;
  const cache = readCacheControl(value);
  const isSaid = value === undefined || (cache !== undefined && sameJson(writeCacheControl(cache), value));
  return { cache, original: isSaid ? undefined : { cache_control: value } };
}

function checkParts(value: unknown, field: string): void {
  if (!Array.isArray(value)) refuseType(field, 'a string or an array of blocks', value);
  for (const [index, part] of (value as unknown[]).entries())
    checkString(checkObject(part, `${field}[${index}]`)['type'], `${field}[${index}].type`);
}
