import type { AnswerEvent } from '../../kernel/event.ts';
import { isObject } from '../../kernel/json/json-value.ts';
import { badContent, parseBody } from '../../kernel/dialects/provider-document.ts';
import { LineDecoder } from './line-decoder.ts';

/**
 * The events of an answer in one document: those of a stream that had all of it in one line. Throws the error that the
 * document reports, or UPSTREAM_BAD_CONTENT where it is no answer.
 */
export function decodeChatBody(body: string): readonly AnswerEvent[] {
  const document = parseBody(body);
  const decoder = new LineDecoder();
  const events = decoder.line(document, body);
  if (!isObject(document['message'])) throw badContent('it has no message');
  return [...events, ...decoder.complete()];
}
