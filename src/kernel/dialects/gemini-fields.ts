import type { FinishReason } from '../event.ts';
import { sameJson, type JsonObject } from '../json/json-value.ts';
import type { Extensions } from '../request.ts';
import { objectOfArguments } from './tool-arguments.ts';

/*
 * What parser, backend and encoder of the Gemini format must agree on. Fields without a unified name live in
 * `ext.gemini`, in the shape of the wire:
 *
 * - request: the fields of the body. `generationConfig` and `toolConfig` hold what `gemini-settings.ts` could not write
 *   again: fields without a unified name, and other spellings.
 * - tool: an entry of `tools`: `{ functionDeclarations: <further fields of the declaration> }`, or the whole entry of a
 *   tool that is no function, such as `{ googleSearch: {} }`; its name is the key.
 * - message: `{ contents: <number of the entry>, role: <another role than that of the message> }`. Neighbours with the
 *   same number were one entry. A tool message: `{ functionResponse: <further fields, and the id where there was one> }`.
 * - block: the further fields of the part, such as `videoMetadata`; `{ functionCall: <the same> }`. The id of a call is
 *   in there too where the client gave one; `callId` alone may be an invented one. Parts without a kind are `initial`.
 * - answer: `{ <field of the chunk>, candidates: { <of the candidate>, content: { <of the content>, parts: { <of the part> } } } }`.
 *   Those of a candidate are on its finish where the chunk has one, else on its first event. Citations among them:
 *   annotations are for other dialects, the whole metadata is in `ext`. A finish because of a blocked prompt has
 *   `promptFeedback` there.
 *
 * A signature on a part that is no thought is a reasoning block of its own without text, before the block of the part;
 * `{ thought: true }` in its `ext` where it was a thought without text after all.
 */

/** Type of the parser, the backend and the encoder, and the key of their fields in `ext`. */
export const gemini = 'gemini';

const finishByWord: ReadonlyMap<string, FinishReason> = new Map([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['LANGUAGE', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
  ['MODEL_ARMOR', 'content_filter'],
  ['IMAGE_SAFETY', 'content_filter'],
  ['IMAGE_RECITATION', 'content_filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
  ['IMAGE_OTHER', 'content_filter'],
  ['NO_IMAGE', 'error'],
  ['OTHER', 'error'],
  ['MALFORMED_FUNCTION_CALL', 'error'],
  ['MALFORMED_RESPONSE', 'error'],
  ['UNEXPECTED_TOOL_CALL', 'error'],
  ['TOO_MANY_TOOL_CALLS', 'error'],
  ['MISSING_THOUGHT_SIGNATURE', 'error'],
]);

/** What a `finishReason` means; the format ends with STOP after a function call too. An unknown word is an ordinary end. */
export function readFinishReason(word: string, calledTools: boolean): FinishReason {
  const reason = finishByWord.get(word) ?? 'stop';
  return reason === 'stop' && calledTools ? 'tool_calls' : reason;
}

const finishWords: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  tool_calls: 'STOP',
  content_filter: 'SAFETY',
  refusal: 'SAFETY',
  // The format knows no pause.
  pause: 'STOP',
  error: 'OTHER',
};

/** The `finishReason` that clients of the format know for a reason. */
export function writeFinishReason(reason: FinishReason): string {
  return finishWords[reason];
}

/** The unknown fields of this format, or undefined. */
export function extensionOf(holder: { readonly ext?: Extensions | undefined }): JsonObject | undefined {
  return holder.ext?.[gemini];
}

/** The result of a tool as text. */
export interface ToolOutput {
  readonly text: string;
  readonly isError: boolean;
}

/** The `response` of a function: a JSON object as it is, other text under `output`, and under `error` where it failed. */
export function writeToolResponse({ text, isError }: ToolOutput): JsonObject {
  if (isError) return { error: text };
  const object = text.trim() === '' ? undefined : objectOfArguments(text);
  return object ?? { output: text };
}

/** The text that `writeToolResponse` makes the same `response` of. */
export function readToolResponse(response: JsonObject): ToolOutput {
  const { output, error } = response;
  if (typeof error === 'string' && Object.keys(response).length === 1) return { text: error, isError: true };
  const isPlain = typeof output === 'string' && sameJson(writeToolResponse({ text: output, isError: false }), response);
  return { text: isPlain ? output : JSON.stringify(response), isError: false };
}
