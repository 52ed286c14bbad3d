import type { AnswerEvent } from '../../kernel/event.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { badContent, parseBody } from '../../kernel/dialects/provider-document.ts';
import { errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { ChatStreamDecoder } from './stream-decoder.ts';

/**
 * The events of a `chat.completion` document: those of a stream that had all of it in one chunk. Throws the error that
 * the document reports, or UPSTREAM_BAD_CONTENT where it is no chat completion.
 */
export function decodeChatBody(body: string): readonly AnswerEvent[] {
  const document = parseBody(body);
  const error = errorInDocument(document);
  if (error !== undefined) throw error;
  const choices = document['choices'];
  if (!Array.isArray(choices) || choices.length === 0 || !choices.every(isObject))
    throw badContent('it has no choices');
  const decoder = new ChatStreamDecoder();
  const chunk = { ...document, choices: choices.map(asChunkChoice) };
  return [...decoder.chunk(chunk, body), ...decoder.complete()];
}

function asChunkChoice(choice: JsonObject): JsonObject {
  const { message, ...rest } = choice;
  return message === undefined ? choice : { ...rest, delta: message };
}
