import type { FinishReason } from '../event.ts';
import type { CacheMark, Extensions } from '../request.ts';
import { isObject, type JsonObject } from '../json/json-value.ts';

/*
 * What parser, backend and encoder of the Anthropic messages format must agree on. Unknown fields live in
 * `ext['anthropic-messages']`, in the shape of the wire, at the level where they stood.
 *
 * In events:
 * - `response.meta`: `{ <field of message_start>, message: { <field of the message> } }`. `usage` of the message is a
 *   `usage` event, with `service_tier`, `inference_geo` and all else of it in `raw`.
 * - `block.start`: `{ <field of content_block_start>, content_block: { <field of the block> } }`. `nativeIndex` is `index`.
 *   Blocks of tools that the provider runs, `compaction`, `container_upload` and blocks of unknown types have the whole
 *   block as `initial`, and the pieces of their input as `toolArgs.delta`.
 * - deltas: `{ <field of content_block_delta>, delta: { <field of the delta> } }`. A delta of an unknown type is a `raw`
 *   event with the whole frame; the encoder puts its own `index` into it.
 * - `block.end`: `{ <field of content_block_stop> }`.
 * - `finish`: `{ <field of message_delta>, delta: { <field of the delta>, stop_details: { <what `refusal` can't say> } } }`.
 *
 * In requests:
 * - Body: every field without a unified name; also `thinking`, `tool_choice` and `output_format` as the client wrote them
 *   where the settings can't say them in full (see anthropic-messages-settings.ts), and of `output_config` what is neither
 *   `effort` nor `format`. `metadata.user_id` is `settings.user`, the rest of it is `metadata` of the request.
 * - Message: `content: []` where the content came as a list, `role: 'system'` for a system message that stood in
 *   `messages`; one without that mark came from `system`.
 * - A turn of the user that holds results becomes several messages in a row; joined again they are that turn.
 * - Tool message: further fields of the `tool_result`, `content: []` where its content came as a list, `cache_control` as
 *   it was. The same mark is `cache` of its last block, unless that has one of its own, which is then also in the block's
 *   `cache_control`: so a block of such a message is marked itself only where its own extension has `cache_control`.
 * - Block: its further fields; `cache_control` only in a form that `cache` can't say. `source: { ... }` holds further
 *   fields of an image's or a document's source. A document is a `file` whose `title` is `name`. A document of plain text
 *   is a `text` block, so that every step can read it and every provider can be told it, with `type: 'document'` and
 *   `source: { type, media_type }` in its extension.
 * - Tool: further fields. With a `type` other than `custom` it is a tool of the provider, and its extension the whole tool.
 */

/** Type of the parser, the backend and the encoder, and the key of their fields in `ext`. */
export const anthropicMessages = 'anthropic-messages';

const finishByWord: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
  ['compaction', 'pause'],
]);

/** What a `stop_reason` means; a word that nobody knows is taken for an ordinary end. */
export function readStopReason(word: string): FinishReason {
  return finishByWord.get(word) ?? 'stop';
}

const stopWords: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  // The format has one word for both: the answer was withheld.
  content_filter: 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  // The format has no word for a model that failed; `end_turn` would be untrue.
  error: 'error',
};

/** The `stop_reason` that clients of the format know for a reason. */
export function writeStopReason(reason: FinishReason, stopSequence?: string): string {
  return reason === 'stop' && stopSequence !== undefined ? 'stop_sequence' : stopWords[reason];
}

/** The unified mark for a `cache_control`, or undefined where it marks nothing. */
export function readCacheControl(value: unknown): CacheMark | undefined {
  if (!isObject(value)) return undefined;
  const { ttl } = value;
  return typeof ttl === 'string' ? { ttl } : {};
}

export function writeCacheControl({ ttl }: CacheMark): JsonObject {
  return { type: 'ephemeral', ...(ttl !== undefined && { ttl }) };
}

/** True for a call of a tool that the provider runs. */
export function isServerCall(type: string): boolean {
  return type === 'server_tool_use' || type === 'mcp_tool_use';
}

/** True for the result of a tool that the provider runs. The client's own results are `tool_result`. */
export function isServerResult(type: string): boolean {
  return type.endsWith('_tool_result');
}

/** The unknown fields of this format, or undefined. */
export function extensionOf(holder: { readonly ext?: Extensions | undefined }): JsonObject | undefined {
  return holder.ext?.[anthropicMessages];
}
