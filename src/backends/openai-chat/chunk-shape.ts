import { isFiller } from '../../kernel/frame-sink.ts';
import { countStringTokens } from '../../kernel/json/json-text.ts';
import { isFieldName, isObject, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { readReasoning } from './delta-text.ts';

/*
 * Which fields of a chunk are known, level by level. A field that is not listed is kept in `ext`; and since nobody has
 * read it, a frame that has text in one is never passed on unread where a rule protects.
 */

const chunkFields = new Set([
  'id',
  'object',
  'created',
  'model',
  'system_fingerprint',
  'service_tier',
  'choices',
  'usage',
  'error',
  'prompt_filter_results',
  'prompt_annotations',
]);
const choiceFields = new Set([
  'index',
  'delta',
  'message',
  'text',
  'finish_reason',
  'logprobs',
  'content_filter_results',
]);
const deltaFields = new Set([
  'role',
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'tool_calls',
  'function_call',
  'audio',
  'annotations',
  'images',
]);
const callFields = new Set(['index', 'id', 'type', 'function', 'custom']);
const functionFields = new Set(['name', 'arguments', 'input']);

/** Vendor fields that hold one of few words, or padding, and never text of the answer. */
const harmlessFields = new Set(['obfuscation', 'provider', 'native_finish_reason', 'channel']);
/** Fields of an entry of `reasoning_details` beside its text and its proof. */
const detailFields = new Set(['type', 'format', 'id']);
/** What such a field may say: an identifier, or the name of a company. */
const harmlessWord = /^(?:[\w.:/+-]{1,128}|[A-Z0-9][\w.-]{0,31}(?: [A-Z0-9][\w.-]{0,31}){1,3})$/;
const verdictWords = new Set(['safe', 'low', 'medium', 'high']);
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

export function unknownOfChunk(chunk: JsonObject): Record<string, unknown> | undefined {
  return otherFields(chunk, chunkFields);
}
export function unknownOfChoice(choice: JsonObject): Record<string, unknown> | undefined {
  return otherFields(choice, choiceFields);
}
export function unknownOfDelta(delta: JsonObject): Record<string, unknown> | undefined {
  return otherFields(delta, deltaFields);
}
export function unknownOfCall(call: JsonObject): Record<string, unknown> | undefined {
  return otherFields(call, callFields);
}
export function unknownOfFunction(inner: JsonObject): Record<string, unknown> | undefined {
  return otherFields(inner, functionFields);
}

/** True where some field has a value. */
export function hasValue(fields: JsonObject | undefined): boolean {
  return fields !== undefined && Object.values(fields).some((value) => value !== null);
}

/** True where no field says more than null, padding, or a word that every frame repeats: then none is worth an event. */
export function saysNothing(fields: JsonObject | undefined): boolean {
  if (fields === undefined) return true;
  return Object.entries(fields).every(([name, value]) => value === null || name === 'p' || harmlessFields.has(name));
}

/**
 * True when the frame holds no string that the events of it do not show. `data` is the text of the chunk, `strings` the
 * number of strings that were found in it: a key that is there twice hides one.
 */
export function isTransparent(chunk: JsonObject, data: string, strings: number): boolean {
  return isKnownChunk(chunk) && countStringTokens(data) === strings;
}

/**
 * True for what official clients read wrongly or not at all: a choice without a delta, text beside it, content in parts,
 * arguments that are no text.
 */
export function isIrregular({ choices }: JsonObject): boolean {
  return Array.isArray(choices) && choices.some((choice) => !isObject(choice) || isIrregularChoice(choice));
}

function isIrregularChoice({ delta, text }: JsonObject): boolean {
  if (!isObject(delta) || typeof text === 'string' || Array.isArray(delta['content'])) return true;
  const calls: unknown = delta['tool_calls'];
  return Array.isArray(calls) && calls.some((call) => !isObject(call) || hasArgumentsAsValue(call['function']));
}

function hasArgumentsAsValue(called: unknown): boolean {
  return isObject(called) && typeof called['arguments'] === 'object' && called['arguments'] !== null;
}

function isKnownChunk(chunk: JsonObject): boolean {
  const { object, created, id, model, system_fingerprint: fingerprint, service_tier: tier } = chunk;
  if (
    ![id, model, fingerprint, tier, object].every(isText) ||
    (typeof object === 'string' && object !== '' && !harmlessWord.test(object)) ||
    !isNumber(created) ||
    !isHarmless(unknownOfChunk(chunk)) ||
    holdsText(chunk['usage']) ||
    holdsText(chunk['prompt_filter_results']) ||
    holdsText(chunk['prompt_annotations'])
  )
    return false;
  const choices = chunk['choices'];
  return (
    choices === undefined ||
    (Array.isArray(choices) && choices.every((choice) => isObject(choice) && isKnownChoice(choice)))
  );
}

function isKnownChoice(choice: JsonObject): boolean {
  const { delta, message, text, logprobs, content_filter_results: verdicts, index, finish_reason: reason } = choice;
  if (!isNumber(index) || !isText(reason)) return false;
  if (message !== undefined || text !== undefined || holdsTokens(logprobs) || holdsText(verdicts)) return false;
  if (!isHarmless(unknownOfChoice(choice))) return false;
  return delta === undefined || delta === null || (isObject(delta) && isKnownDelta(delta));
}

function isKnownDelta(delta: JsonObject): boolean {
  const {
    role,
    content,
    refusal,
    reasoning,
    reasoning_content: reasoningContent,
    reasoning_details: details,
    tool_calls: calls,
    function_call: call,
    audio,
    annotations,
    images,
  } = delta;
  if (![role, content, refusal, reasoning, reasoningContent].every(isText)) return false;
  // Two spellings of one text: only one of them becomes an event.
  if (typeof reasoning === 'string' && typeof reasoningContent === 'string' && reasoning !== reasoningContent)
    return false;
  if (hasItems(annotations) || hasItems(images) || holdsText(audio)) return false;
  if (hasItems(details) && !areKnownDetails(details, delta)) return false;
  if (!isHarmless(unknownOfDelta(delta)) || (isObject(call) ? !isKnownFunction(call) : hasItems(call))) return false;
  return Array.isArray(calls) ? calls.every((item) => isObject(item) && isKnownCall(item)) : !hasItems(calls);
}

/** True where the entries repeat the text of the delta, or are all there is of it, with nothing beside but their proofs. */
function areKnownDetails(details: unknown, delta: JsonObject): boolean {
  if (!Array.isArray(details) || readReasoning(delta).unread !== undefined) return false;
  return details.every((detail: unknown) => {
    if (!isObject(detail)) return false;
    const { text: _text, summary: _summary, data: _data, signature: _signature, ...rest } = detail;
    return Object.entries(rest).every(([name, value]) => isDetailField(name, value));
  });
}

function isDetailField(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return isFieldName(name) && !holdsText(value);
  return detailFields.has(name) && (value === '' || harmlessWord.test(value));
}

function isKnownCall(call: JsonObject): boolean {
  const { function: inner, custom, index, id, type } = call;
  if (!isHarmless(unknownOfCall(call)) || !isNumber(index) || !isText(id) || !isText(type)) return false;
  return [inner, custom].every((part) => (isObject(part) ? isKnownFunction(part) : !hasItems(part)));
}

function isKnownFunction(inner: JsonObject): boolean {
  return isText(inner['name']) && isHarmless(unknownOfFunction(inner));
}

function isText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'number';
}

function hasItems(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function isHarmless(fields: JsonObject | undefined): boolean {
  if (fields === undefined) return true;
  return Object.entries(fields).every(([name, value]) => {
    if (typeof value !== 'string') return isFieldName(name) && !holdsText(value);
    if (name === 'p') return alphabet.startsWith(value);
    if (name === 'obfuscation') return isFiller(value);
    return isFieldName(name) && (value === '' || (harmlessFields.has(name) && harmlessWord.test(value)));
  });
}

/** Log probabilities say the text again: as tokens, as their bytes, or as keys. */
function holdsTokens(logprobs: unknown): boolean {
  if (!isObject(logprobs)) return hasItems(logprobs);
  return Object.values(logprobs).some(hasItems);
}

/** True when some string or key in it is not a plain word, or some list of numbers may be the tokens of a text. */
function holdsText(value: unknown): boolean {
  if (typeof value === 'string') return value !== '' && !verdictWords.has(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value) && value.some((item) => typeof item === 'number')) return true;
  if (!Array.isArray(value) && !Object.keys(value).every(isFieldName)) return true;
  const items: unknown[] = Object.values(value);
  return items.some(holdsText);
}
