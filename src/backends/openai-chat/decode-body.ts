import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent } from '../../kernel/event.ts';
import { maxJsonDepth, measureJson } from '../../kernel/json-text.ts';
import { isObject, type JsonObject } from '../../kernel/json-value.ts';
import { cleanProviderText, maxLogLength } from '../../kernel/provider-text.ts';
import { errorInDocument } from './provider-error.ts';
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

function parseBody(body: string): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    throw badContent(`it is no JSON: ${cleanProviderText(body, maxLogLength)}`);
  }
  if (!isObject(document)) throw badContent('it is no JSON object');
  if (measureJson(document).depth > maxJsonDepth) throw badContent('it is nested too deep');
  return document;
}

function badContent(reason: string): SluiceError {
  return new SluiceError('UPSTREAM_BAD_CONTENT', { context: { reason } });
}
