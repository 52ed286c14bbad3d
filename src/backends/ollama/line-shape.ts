import { countStringTokens } from '../../kernel/json/json-text.ts';
import { isFieldName, isObject, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { metricNames } from '../../kernel/dialects/ollama-usage.ts';

/*
 * Which fields of a line are known, level by level. A field that is not listed is kept in `ext`; and since nobody has read
 * it, a line that has text in one is never passed on unread where a rule protects.
 */

const lineFields = new Set([
  'model',
  'created_at',
  'message',
  'done',
  'done_reason',
  'logprobs',
  'error',
  ...metricNames,
]);
const messageFields = new Set(['role', 'content', 'thinking', 'images', 'tool_calls']);
const callFields = new Set(['id', 'function']);
const functionFields = new Set(['index', 'name', 'arguments']);

/** Fields that hold one of few words, and never text of the answer: where a model runs, and what a call is. */
const harmlessFields = new Set(['remote_model', 'remote_host', 'type']);
/** What such a field may say: an identifier or an address. */
const harmlessWord = /^[\w.:/+-]{1,128}$/;
const doneReasons = new Set(['stop', 'length', 'load', 'unload']);
const timestamp = /^[0-9TZ:.+-]{10,40}$/;

/** The unknown fields of a line and of its message, in the shape of the wire. */
export function unknownOfLine(line: JsonObject): JsonObject | undefined {
  const ofLine = otherFields(line, lineFields);
  const ofMessage = isObject(line['message']) ? otherFields(line['message'], messageFields) : undefined;
  return ofMessage === undefined ? ofLine : { ...ofLine, message: ofMessage };
}

/** The unknown fields of a tool call, with the place that it had among the calls. */
export function unknownOfCall(call: JsonObject): JsonObject | undefined {
  const inner = isObject(call['function']) ? otherFields(call['function'], functionFields) : undefined;
  return orNothing({ ...otherFields(call, callFields), ...(inner && { function: inner }) });
}

/**
 * True when the line holds no string that the events of it do not show. `data` is its text, `strings` the number of
 * strings that were found in it: a key that is there twice hides one. `model` is the one that was told.
 */
export function isTransparent(line: JsonObject, data: string, strings: number, model: string | undefined): boolean {
  const { message, created_at: createdAt, done_reason: reason, logprobs, done } = line;
  if (done !== undefined && typeof done !== 'boolean') return false;
  if (!isObject(message) || !isListOrNothing(logprobs) || hasItems(logprobs) || line['model'] !== model) return false;
  if (createdAt !== undefined && (typeof createdAt !== 'string' || !timestamp.test(createdAt))) return false;
  if (reason !== undefined && reason !== '' && !doneReasons.has(reason as string)) return false;
  if (metricNames.some((name) => name in line && typeof line[name] !== 'number')) return false;
  if (!isHarmless(otherFields(line, lineFields)) || !isKnownMessage(message)) return false;
  return countStringTokens(data) === strings;
}

function isKnownMessage(message: JsonObject): boolean {
  const { role, tool_calls: calls, images, content, thinking } = message;
  if (role !== undefined && role !== 'assistant' && role !== '') return false;
  if (!isTextOrNothing(content) || !isTextOrNothing(thinking)) return false;
  if (hasItems(images) && !(images as readonly unknown[]).every((image) => typeof image === 'string')) return false;
  if (hasItems(calls) && !(calls as readonly unknown[]).every(isKnownCall)) return false;
  return isHarmless(otherFields(message, messageFields)) && isListOrNothing(images) && isListOrNothing(calls);
}

function isKnownCall(call: unknown): boolean {
  if (!isObject(call) || !isObject(call['function'])) return false;
  const { arguments: args, name, index } = call['function'];
  return (
    isTextOrNothing(call['id']) &&
    isTextOrNothing(name) &&
    (args === undefined || args === null || isObject(args)) &&
    (index === undefined || typeof index === 'number') &&
    isHarmless(otherFields(call, callFields)) &&
    isHarmless(otherFields(call['function'], functionFields))
  );
}

function isHarmless(fields: JsonObject | undefined): boolean {
  if (fields === undefined) return true;
  return Object.entries(fields).every(([name, value]) => {
    if (!isFieldName(name)) return false;
    if (typeof value === 'string') return value === '' || (harmlessFields.has(name) && harmlessWord.test(value));
    return typeof value !== 'object' || value === null;
  });
}

function hasItems(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function isListOrNothing(value: unknown): boolean {
  return value === undefined || value === null || Array.isArray(value);
}

function isTextOrNothing(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}
