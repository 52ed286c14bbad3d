import { countStringTokens } from '../../kernel/json/json-text.ts';
import { isFieldName, isObject, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';

/*
 * Which fields of a frame are known, level by level. A field that is not listed is kept in `ext`; and since nobody has
 * read it, a frame that has text in one is never passed on unread where a rule protects.
 */

const frameFields: Readonly<Record<string, ReadonlySet<string>>> = {
  message_start: new Set(['type', 'message']),
  content_block_start: new Set(['type', 'index', 'content_block']),
  content_block_delta: new Set(['type', 'index', 'delta']),
  content_block_stop: new Set(['type', 'index']),
  message_delta: new Set(['type', 'delta', 'usage']),
};
const messageFields = new Set([
  'id',
  'type',
  'role',
  'model',
  'content',
  'stop_reason',
  'stop_sequence',
  'stop_details',
  'usage',
]);
const blockFields: Readonly<Record<string, ReadonlySet<string>>> = {
  text: new Set(['type', 'text', 'citations']),
  thinking: new Set(['type', 'thinking', 'signature']),
  redacted_thinking: new Set(['type', 'data']),
  tool_use: new Set(['type', 'id', 'name', 'input']),
  server_tool_use: new Set(['type', 'id', 'name', 'input']),
  mcp_tool_use: new Set(['type', 'id', 'name', 'input']),
};
const deltaFields: Readonly<Record<string, ReadonlySet<string>>> = {
  text_delta: new Set(['type', 'text']),
  thinking_delta: new Set(['type', 'thinking']),
  signature_delta: new Set(['type', 'signature']),
  input_json_delta: new Set(['type', 'partial_json']),
  citations_delta: new Set(['type', 'citation']),
};
const stopFields = new Set(['stop_reason', 'stop_sequence', 'stop_details']);

/** Words that stand in `usage` and say nothing of the answer. */
const usageWords = new Set(['standard', 'priority', 'batch', 'fast', 'global', 'us', 'not_available', 'message']);
/** Ids and dates beside a block or a message: no words that somebody could read. */
const identifier = /^[\w.:+-]{0,80}$/;
const identifierFields = new Set(['id', 'type', 'tool_id', 'expires_at', 'server_name']);

/** The fields of a frame beside those of its type. */
export function unknownOfFrame(type: string, frame: JsonObject): Record<string, unknown> | undefined {
  return otherFields(frame, frameFields[type] ?? new Set());
}
export function unknownOfMessage(message: JsonObject): Record<string, unknown> | undefined {
  return otherFields(message, messageFields);
}
export function unknownOfBlock(type: string, block: JsonObject): Record<string, unknown> | undefined {
  return otherFields(block, blockFields[type] ?? new Set(['type']));
}
export function unknownOfDelta(type: string, delta: JsonObject): Record<string, unknown> | undefined {
  return otherFields(delta, deltaFields[type] ?? new Set(['type']));
}
/** The fields of the `delta` of a message_delta. */
export function unknownOfStop(delta: JsonObject): Record<string, unknown> | undefined {
  return otherFields(delta, stopFields);
}

/**
 * True when the frame holds no string that the events of it do not show. `data` is the text of the frame, `strings` the
 * number of strings that were found in it: a key that is there twice hides one.
 */
export function isTransparent(type: string, frame: JsonObject, data: string, strings: number): boolean {
  return isKnownFrame(type, frame) && countStringTokens(data) === strings;
}

function isKnownFrame(type: string, frame: JsonObject): boolean {
  const unknown = unknownOfFrame(type, frame);
  if (frame['type'] !== undefined && frame['type'] !== type) return false;
  switch (type) {
    case 'message_start':
      return isHarmless(unknown) && isObject(frame['message']) && isKnownMessage(frame['message']);
    case 'content_block_start':
      return isHarmless(unknown) && isObject(frame['content_block']) && isKnownBlock(frame['content_block']);
    case 'content_block_delta':
      return isHarmless(unknown) && isObject(frame['delta']) && isKnownDelta(frame['delta']);
    case 'content_block_stop':
      return isHarmless(unknown);
    case 'message_delta':
      return isHarmless(unknown) && isKnownStop(frame['delta']) && isCount(frame['usage']);
    case 'message_stop':
    case 'ping':
      return true;
    default:
      return false;
  }
}

function isKnownMessage(message: JsonObject): boolean {
  const { id, type = 'message', role, model, content, usage } = message;
  const isNamed = isText(id) && isText(model) && type === 'message' && role === 'assistant';
  const isNew = isEmpty(content) && [...stopFields].every((name) => isEmpty(message[name]));
  return isNamed && isNew && isCount(usage) && isHarmless(unknownOfMessage(message));
}

/** A block that the provider sends whole is shown by `initial` only, and nobody reads that. */
function isKnownBlock(block: JsonObject): boolean {
  const { type, citations, input, ...texts } = block;
  const known = typeof type === 'string' ? blockFields[type] : undefined;
  if (typeof type !== 'string' || known === undefined) return false;
  const unknown = unknownOfBlock(type, block);
  const areShown = Object.entries(texts).every(([name, value]) => !known.has(name) || isText(value));
  return areShown && isEmpty(citations) && isEmpty(input) && isHarmless(unknown);
}

/** Citations hold text of documents, so a frame with one is never passed on unread. */
function isKnownDelta(delta: JsonObject): boolean {
  const { type } = delta;
  if (typeof type !== 'string' || deltaFields[type] === undefined || type === 'citations_delta') return false;
  return isHarmless(unknownOfDelta(type, delta));
}

function isKnownStop(delta: unknown): boolean {
  if (delta === undefined || delta === null) return true;
  if (!isObject(delta)) return false;
  const { stop_reason: reason, stop_sequence: sequence, stop_details: details } = delta;
  const { type, category, explanation, ...further } = isObject(details) ? details : {};
  const areShown =
    [reason, sequence, category, explanation].every(isText) && (type === undefined || type === 'refusal');
  return areShown && (isObject(details) || isEmpty(details)) && isHarmless(further) && isHarmless(unknownOfStop(delta));
}

function isText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

function isHarmless(fields: JsonObject | undefined): boolean {
  return fields === undefined || Object.entries(fields).every(([name, value]) => isIdentity(name, value));
}

/** A word of identity, nothing at all, or an object of those: a container, the caller of a tool. */
function isIdentity(name: string, value: unknown): boolean {
  if (!isFieldName(name)) return false;
  if (isObject(value)) return Object.entries(value).every(([inner, item]) => isLeaf(inner, item));
  return isLeaf(name, value);
}

function isLeaf(name: string, value: unknown): boolean {
  if (!isFieldName(name)) return false;
  return typeof value === 'string' ? value === '' || isIdentifier(name, value) : isEmpty(value) || isScalar(value);
}

function isIdentifier(name: string, value: string): boolean {
  return identifierFields.has(name) && identifier.test(value);
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

/** True for numbers, and the few words that stand beside them. */
export function isCount(usage: unknown): boolean {
  if (typeof usage === 'string') return usageWords.has(usage);
  if (Array.isArray(usage)) return usage.every((item) => typeof item === 'object' && isCount(item));
  return !isObject(usage) || Object.entries(usage).every(([name, value]) => isFieldName(name) && isCount(value));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
