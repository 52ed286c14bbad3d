import type { FinishReason } from '../event.ts';
import { isObject, type JsonObject } from '../json/json-value.ts';
import type { Extensions } from '../request.ts';

/*
 * What parser, backend and encoder of the OpenAI Responses format must agree on. What has no unified name lives in
 * `ext['openai-responses']`, in the shape of the wire:
 *
 * Request: the other fields of the body (`previous_response_id`, `store`, `include`, ...), and the settings that
 *   `writeSettings` (openai-responses-settings.ts) could not write again as they were. `input: ""` says that the input was
 *   a string: the one user message with one text block.
 * Message: `instructions: true` on the leading system message that was `instructions`. `item` on messages of the system,
 *   the developer, the user and tools: the other fields of the item (`type`, `id`, `status`). It has `type` where the client
 *   wrote `"message"`, and always where a result is no `function_call_output`; `content: []` or `output: []` for an empty list.
 * Block: assistant items in a row are blocks of one message. The first block of each item has `item` (maybe `{}`), with the
 *   other fields of the item; the further blocks of the item have none. `part` holds the other fields of a typed part, its
 *   `type` among them; a block without `part` was a string.
 *   A `reasoning` item is a `reasoning_summary` block per summary and a `reasoning` block per content, the encrypted content
 *   as signature on the last one; without any text it is `reasoning_redacted`. `item` then holds `id`, `status`, and `content`
 *   or `summary` only where they can't be seen from the blocks. Items without a form here are one block with `initial`, whole.
 * Tool: the other fields of a function; the whole tool, `type` included, where it is none.
 * Events: `block.start` has `itemId` (the item's id), `nativeIndex` (`output_index`) and `index` (`content_index` or
 *   `summary_index`), and in its extension `item` (the other fields of the item; first block of the item only) and `part` (the
 *   other fields of the part beside `type`, its text, `annotations` and `logprobs`). A message's blocks begin with their part,
 *   not with `output_item.added`; the last block of an item ends with `output_item.done`, one before it when the next begins.
 *   A block of an item without parts of text has `initial`: the whole item; its `block.end` has `final`, the whole item,
 *   where that says more than `initial` and the arguments. The arguments of a code interpreter are its code, as it is. An
 *   image item is an `image` block whose pieces with `partialImageIndex` are previews; its `final` has no `result`.
 *   For a client of the format `response.meta`, `block.start` and `block.end` have `sequence_number`; deltas have in their
 *   extension only what can't be told from their block (unknown fields, another `item_id`), and no template: their text is
 *   repeated at the end, so the encoder must see each. A delta that has `sequence_number` says by it that its frame names item
 *   and part exactly as their `block.start` does, and may be copied. `response.meta` comes with
 *   `created`, `queued`, `in_progress` and before the finish, and has `response`: the fields of the response object beside
 *   `id`, `object`, `created_at`, `model`, `status`, `output`, `usage`, `error`, `incomplete_details` (and `id` where it is not
 *   that of the first frame). Frames of built-in tools (`response.web_search_call.searching`) and transcripts are `raw`; those
 *   that only repeat (`.done`, `content_part.*`, `keepalive`) make no event of their own.
 */

/** Type of the parser, the backend and the encoder, and the key of their fields in `ext`. */
export const openaiResponses = 'openai-responses';

/** The unknown fields of this format, or undefined. */
export function extensionOf(holder: { readonly ext?: Extensions | undefined }): JsonObject | undefined {
  return holder.ext?.[openaiResponses];
}

/** How a response ended, as the format says it. */
export interface ResponseEnd {
  readonly status: string;
  readonly incomplete_details: JsonObject | null;
}

/**
 * What the end of a response means. `raw`, the provider's own word, is the reason of an incomplete one, else the status.
 * `called` says that it holds a call of a tool of the client.
 */
export function readEnd(
  { status, incomplete_details: details }: JsonObject,
  called: boolean,
): { readonly unified: FinishReason; readonly raw: string } {
  const word = typeof status === 'string' ? status : 'completed';
  const why = isObject(details) && typeof details['reason'] === 'string' ? details['reason'] : undefined;
  const raw = word === 'incomplete' && why !== undefined ? why : word;
  if (word === 'failed' || word === 'cancelled') return { unified: 'error', raw };
  if (word === 'incomplete') return { unified: why === 'content_filter' ? 'content_filter' : 'length', raw };
  return { unified: called ? 'tool_calls' : 'stop', raw };
}

/** The end in the format. `raw` is the provider's own word, where it speaks this format. */
export function writeEnd(reason: FinishReason | undefined, raw?: string): ResponseEnd {
  if (reason === 'length') return { status: 'incomplete', incomplete_details: { reason: raw ?? 'max_output_tokens' } };
  if (reason === 'content_filter') return { status: 'incomplete', incomplete_details: { reason: 'content_filter' } };
  if (reason === 'pause' && (raw === 'queued' || raw === 'in_progress'))
    return { status: raw, incomplete_details: null };
  if (reason === 'error') return { status: 'failed', incomplete_details: null };
  // The format says a refusal with a part of its own, and knows no pause.
  return { status: 'completed', incomplete_details: null };
}
