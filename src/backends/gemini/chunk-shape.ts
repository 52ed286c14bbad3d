import { countStringTokens } from '../../kernel/json/json-text.ts';
import { isObject, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';

/*
 * Which fields of a chunk are known, level by level. A field that is not listed is kept in `ext`; and since nobody has
 * read it, a frame that has text in one is never passed on unread where a rule protects.
 */

const chunkFields = new Set(['candidates', 'usageMetadata', 'promptFeedback', 'modelVersion', 'responseId', 'error']);
const candidateFields = new Set(['content', 'index', 'finishReason', 'safetyRatings', 'logprobsResult']);
const contentFields = new Set(['parts', 'role']);
const partFields = new Set([
  'text',
  'thought',
  'thoughtSignature',
  'functionCall',
  'functionResponse',
  'inlineData',
  'fileData',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
]);
const callFields = new Set(['id', 'name', 'args', 'partialArgs', 'willContinue']);

export const unknownOfChunk = (chunk: JsonObject): JsonObject | undefined => otherFields(chunk, chunkFields);
export const unknownOfCandidate = (candidate: JsonObject): JsonObject | undefined =>
  otherFields(candidate, candidateFields);
export const unknownOfContent = (content: JsonObject): JsonObject | undefined => otherFields(content, contentFields);
export const unknownOfPart = (part: JsonObject): JsonObject | undefined => otherFields(part, partFields);
export const unknownOfCall = (call: JsonObject): JsonObject | undefined => otherFields(call, callFields);

const plainChunkFields = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId', 'createTime']);
const plainCandidateFields = new Set(['content', 'index', 'finishReason', 'safetyRatings']);
const plainPartFields = new Set(['text', 'thought', 'thoughtSignature', 'functionCall']);
const plainCallFields = new Set(['id', 'name', 'args']);
const usageFields = new Set([
  'promptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'cachedContentTokenCount',
  'toolUsePromptTokenCount',
  'totalTokenCount',
  'promptTokensDetails',
  'candidatesTokensDetails',
  'cacheTokensDetails',
  'toolUsePromptTokensDetails',
  'trafficType',
  'serviceTier',
  'modality',
  'tokenCount',
]);
const ratingFields = new Set(['category', 'probability', 'severity', 'probabilityScore', 'severityScore', 'blocked']);
const usageWords = new Set([
  'TEXT',
  'IMAGE',
  'AUDIO',
  'VIDEO',
  'DOCUMENT',
  'MODALITY_UNSPECIFIED',
  'ON_DEMAND',
  'PROVISIONED_THROUGHPUT',
  'standard',
  'flex',
  'priority',
]);
const ratingWords = new Set([
  'NEGLIGIBLE',
  'LOW',
  'MEDIUM',
  'HIGH',
  'HARM_CATEGORY_HARASSMENT',
  'HARM_CATEGORY_HATE_SPEECH',
  'HARM_CATEGORY_SEXUALLY_EXPLICIT',
  'HARM_CATEGORY_DANGEROUS_CONTENT',
  'HARM_CATEGORY_CIVIC_INTEGRITY',
  'HARM_SEVERITY_NEGLIGIBLE',
  'HARM_SEVERITY_LOW',
  'HARM_SEVERITY_MEDIUM',
  'HARM_SEVERITY_HIGH',
]);
const finishWord = /^[A-Z_]{1,32}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** What was said about the answer before. */
export interface Identity {
  readonly responseId?: string | undefined;
  readonly model?: string | undefined;
}

/**
 * True when the frame holds no string that the events of it do not show. `data` is the text of the chunk, `strings` the
 * number of strings that were found in it: a key that is there twice hides one.
 */
export function isTransparent(chunk: JsonObject, data: string, strings: number, identity: Identity): boolean {
  const { candidates, usageMetadata, createTime, modelVersion, responseId } = chunk;
  return (
    hasOnly(chunk, plainChunkFields) &&
    (modelVersion === undefined || modelVersion === identity.model) &&
    (responseId === undefined || responseId === identity.responseId) &&
    (createTime === undefined || (typeof createTime === 'string' && time.test(createTime))) &&
    isPlain(usageMetadata, usageFields, usageWords) &&
    (candidates === undefined || (Array.isArray(candidates) && candidates.every(isPlainCandidate))) &&
    countStringTokens(data) === strings
  );
}

function isPlainCandidate(candidate: unknown): boolean {
  if (!isObject(candidate) || !hasOnly(candidate, plainCandidateFields)) return false;
  const { content, finishReason, safetyRatings, index } = candidate;
  if (index !== undefined && typeof index !== 'number') return false;
  if (finishReason !== undefined && (typeof finishReason !== 'string' || !finishWord.test(finishReason))) return false;
  return isPlain(safetyRatings, ratingFields, ratingWords) && (content === undefined || isPlainContent(content));
}

function isPlainContent(content: unknown): boolean {
  if (!isObject(content) || !hasOnly(content, contentFields)) return false;
  const { parts, role } = content;
  if (role !== undefined && role !== 'model') return false;
  return parts === undefined || (Array.isArray(parts) && parts.every(isPlainPart));
}

function isPlainPart(part: unknown): boolean {
  if (!isObject(part) || !hasOnly(part, plainPartFields)) return false;
  const { text, thought, thoughtSignature: signature, functionCall: call } = part;
  if (thought !== undefined && typeof thought !== 'boolean') return false;
  if (signature !== undefined && typeof signature !== 'string') return false;
  if (call === undefined) return typeof text === 'string';
  if (!isObject(call) || text !== undefined || !hasOnly(call, plainCallFields)) return false;
  return typeof call['name'] === 'string' && (call['id'] === undefined || typeof call['id'] === 'string');
}

/** True for numbers, flags and known words in known fields, however deep. */
function isPlain(value: unknown, fields: ReadonlySet<string>, words: ReadonlySet<string>): boolean {
  if (typeof value === 'string') return words.has(value);
  if (Array.isArray(value)) return value.every((item: unknown) => isObject(item) && isPlain(item, fields, words));
  if (!isObject(value)) return true;
  return hasOnly(value, fields) && Object.values(value).every((inner) => isPlain(inner, fields, words));
}

function hasOnly(object: JsonObject, fields: ReadonlySet<string>): boolean {
  return otherFields(object, fields) === undefined;
}
