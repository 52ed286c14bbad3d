import type { AnswerEvent } from '../../kernel/event.ts';
import { SluiceError } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json/json-value.ts';
import { badContent, parseBody } from '../../kernel/dialects/provider-document.ts';
import { GeminiStreamDecoder } from './stream-decoder.ts';
import { failureInDocument, failureInList } from './provider-failure.ts';

/**
 * The events of a `GenerateContentResponse` document: those of a stream that had all of it in one chunk. Throws the error
 * that the document reports, UPSTREAM_BAD_CONTENT where it is no such document, and UPSTREAM_TRUNCATED where it holds
 * neither a candidate nor the reason why there is none.
 */
export function decodeGeminiBody(body: string): readonly AnswerEvent[] {
  const listed = failureInList(body);
  if (listed !== undefined) throw listed;
  const document = parseBody(body);
  const failure = failureInDocument(document);
  if (failure !== undefined) throw failure;
  const { candidates, promptFeedback, usageMetadata } = document;
  const isBlocked = isObject(promptFeedback) && typeof promptFeedback['blockReason'] === 'string';
  if (!Array.isArray(candidates) || candidates.length === 0) {
    if (!isBlocked && !isObject(usageMetadata)) throw badContent('it has no candidates');
    if (!isBlocked) throw new SluiceError('UPSTREAM_TRUNCATED');
  } else if (!candidates.every(isObject)) throw badContent('an entry of candidates is no object');
  const decoder = new GeminiStreamDecoder();
  return [...decoder.chunk(document, body), ...decoder.complete()];
}
