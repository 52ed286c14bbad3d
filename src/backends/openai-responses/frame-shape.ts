import { isFiller } from '../../kernel/frame-sink.ts';
import { countStringTokens } from '../../kernel/json/json-text.ts';
import { otherFields, type JsonObject } from '../../kernel/json/json-value.ts';

/** Fields of a frame that are read, or that only say where it belongs. */
const placeFields = [
  'type',
  'sequence_number',
  'item_id',
  'output_index',
  'content_index',
  'summary_index',
  'obfuscation',
] as const;
const fieldsByType: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['response.output_text.delta', new Set([...placeFields, 'delta', 'logprobs'])],
  ['response.refusal.delta', new Set([...placeFields, 'delta'])],
  ['response.reasoning_text.delta', new Set([...placeFields, 'delta'])],
  ['response.reasoning_summary_text.delta', new Set([...placeFields, 'delta'])],
  ['response.function_call_arguments.delta', new Set([...placeFields, 'delta'])],
  ['response.custom_tool_call_input.delta', new Set([...placeFields, 'delta'])],
  ['response.mcp_call_arguments.delta', new Set([...placeFields, 'delta'])],
  ['response.code_interpreter_call_code.delta', new Set([...placeFields, 'delta'])],
  ['response.output_text.annotation.added', new Set([...placeFields, 'annotation', 'annotation_index'])],
  [
    'response.image_generation_call.partial_image',
    new Set([...placeFields, 'partial_image_b64', 'partial_image_index', 'output_format']),
  ],
  ['response.audio.delta', new Set([...placeFields, 'delta'])],
]);
/** Types whose frames hold nothing but one piece of text and its place. */
const textTypes: ReadonlySet<string> = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_text.delta',
  'response.reasoning_summary_text.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
]);

/** What a frame of a piece says that its block does not: unknown fields, and the id of another item. */
export function unknownOfFrame(type: string, document: JsonObject, itemId: string | undefined): JsonObject {
  const known = fieldsByType.get(type);
  const others = known === undefined ? undefined : otherFields(document, known);
  const { item_id: id } = document;
  if (id === undefined || id === (itemId ?? '')) return others ?? {};
  return { ...others, item_id: id };
}

/**
 * True when the frame holds no string that its events do not show. `data` is the text of the frame, `strings` the number of
 * strings that were found in it (a key that is there twice hides one), `itemId` what the block of the frame is known by.
 */
export function isTransparent(
  { type, event, document, data, strings }: ReadFrame,
  itemId: string | undefined,
): boolean {
  if (!textTypes.has(type) || (event !== '' && event !== 'message' && event !== type)) return false;
  const { obfuscation, logprobs, delta } = document;
  if (typeof delta !== 'string' || document['type'] !== type) return false;
  if (obfuscation !== undefined && !(typeof obfuscation === 'string' && isFiller(obfuscation))) return false;
  if (Array.isArray(logprobs) ? logprobs.length > 0 : logprobs !== undefined && logprobs !== null) return false;
  if (!areNumbers(document) || Object.keys(unknownOfFrame(type, document, itemId)).length > 0) return false;
  return countStringTokens(data) === strings;
}

/** A frame, read. */
export interface ReadFrame {
  readonly type: string;
  /** The name of the event; "" for none. */
  readonly event: string;
  readonly document: JsonObject;
  readonly data: string;
  readonly strings: number;
}

function areNumbers(document: JsonObject): boolean {
  return numberFields.every((name) => document[name] === undefined || typeof document[name] === 'number');
}
const numberFields = ['sequence_number', 'output_index', 'content_index', 'summary_index'] as const;

/** Fields of the response object that have a name of their own in events. */
const responseFields = new Set([
  'id',
  'object',
  'created_at',
  'model',
  'status',
  'output',
  'usage',
  'error',
  'incomplete_details',
]);

/** The other fields of the response object, with its id where it is not the one of the answer. */
export function unknownOfResponse(response: JsonObject, responseId: string | undefined): JsonObject {
  const { id } = response;
  return {
    ...otherFields(response, responseFields),
    ...(typeof id === 'string' && id !== (responseId ?? '') && { id }),
  };
}
