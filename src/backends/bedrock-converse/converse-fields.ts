import type { FinishReason } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { Extensions } from '../../kernel/request.ts';

/** Type of the backend, and the key of its fields in `ext`. */
export const bedrockConverse = 'bedrock-converse';

const finishByWord: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['guardrail_intervened', 'content_filter'],
  ['content_filtered', 'content_filter'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
  ['malformed_model_output', 'error'],
  ['malformed_tool_use', 'error'],
]);

/** What a `stopReason` means; a word that nobody knows is taken for an ordinary end. */
export function readStopReason(word: string): FinishReason {
  return finishByWord.get(word) ?? 'stop';
}

/** The fields of this format, or undefined. */
export function extensionOf(holder: { readonly ext?: Extensions | undefined }): JsonObject | undefined {
  return holder.ext?.[bedrockConverse];
}
