import type { FinishReason } from '../event.ts';
import type { JsonObject } from '../json/json-value.ts';
import type { Extensions } from '../request.ts';
import { objectOfArguments } from './tool-arguments.ts';

/*
 * What parser, backend and encoder of Ollama's own chat format must agree on.
 *
 * Unknown fields live in `ext.ollama`, in the shape of the wire. In requests: `{ <field of the body>, options: {...} }`,
 * `{ <field of the message>, tool_call_id: null }` where the client named no call, and for a tool call
 * `{ <field of the call>, id: null, function: {...} }`. In events: `{ <field of the line>, message: { <field of the
 * message>, tool_calls: { <field of the call>, function: {...} } } }`.
 */

/** Type of the parser, the backend and the encoder, and the key of their fields in `ext`. */
export const ollama = 'ollama';

/** The unknown fields of this format, or undefined. */
export function extensionOf(holder: { readonly ext?: Extensions | undefined }): JsonObject | undefined {
  return holder.ext?.[ollama];
}

/** What a `done_reason` means. The format has no word for calls: a model that calls tools stops. */
export function readDoneReason(word: string, calledTools: boolean): FinishReason {
  if (word === 'length' || word === 'content_filter' || word === 'error') return word;
  return calledTools ? 'tool_calls' : 'stop';
}

const doneWords: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'stop',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  pause: 'stop',
  error: 'error',
};

/** The `done_reason` for a reason. Clients read `length` and `load` and take every other word for an end. */
export function writeDoneReason(reason: FinishReason): string {
  return doneWords[reason];
}

/** First characters of the base64 of an image file, and its media type: the format names no types. */
const imageBeginnings: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['UklGR', 'image/webp'],
  ['R0lGOD', 'image/gif'],
  ['Qk', 'image/bmp'],
];

/** The media type of an image by its first bytes, or undefined. */
export function imageTypeOf(base64: string): string | undefined {
  return imageBeginnings.find(([beginning]) => base64.startsWith(beginning))?.[1];
}

/**
 * The arguments of a call as the object that the format asks for. Text that is no JSON object is wrapped, `isWhole` is
 * then false: a tool refuses arguments that it does not know, and with none at all it might do something.
 */
export function argumentsObject(json: string | undefined): { readonly object: JsonObject; readonly isWhole: boolean } {
  const object = objectOfArguments(json);
  return object === undefined ? { object: { _raw: json }, isWhole: false } : { object, isWhole: true };
}
