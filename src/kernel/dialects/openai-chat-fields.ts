import type { FinishReason } from '../event.ts';
import type { Extensions } from '../request.ts';
import type { JsonObject } from '../json/json-value.ts';

/*
 * What parser, backend and encoder of the OpenAI chat completions format must agree on.
 *
 * Unknown fields live in `ext['openai-chat']`, in the shape of the wire, so that no two levels can collide. In events:
 * `{ <field of the chunk>, choices: { <field of the choice>, delta: { <field of the delta>, tool_calls: {...} } } }`.
 */

/** Type of the parser, the backend and the encoder, and the key of their fields in `ext`. */
export const openaiChat = 'openai-chat';

const finishByWord: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['error', 'error'],
]);

/** What a `finish_reason` means; a word that nobody knows is taken for an ordinary end. */
export function readFinishReason(word: string): FinishReason {
  return finishByWord.get(word) ?? 'stop';
}

const finishWords: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  // A refusal without words: one with them ends with an ordinary stop. The format knows no pause.
  refusal: 'content_filter',
  pause: 'stop',
  error: 'error',
};

/**
 * The `finish_reason` that clients of the format know for a reason. A client waits for calls that it is told of, so an end
 * for calls which the format can't say is an ordinary one.
 */
export function writeFinishReason(
  reason: FinishReason,
  said: { readonly called: boolean; readonly refused: boolean },
): string {
  if ((reason === 'refusal' && said.refused) || (reason === 'tool_calls' && !said.called)) return 'stop';
  return finishWords[reason];
}

/** The unknown fields of this format, or undefined. */
export function extensionOf(holder: { readonly ext?: Extensions | undefined }): JsonObject | undefined {
  return holder.ext?.[openaiChat];
}
