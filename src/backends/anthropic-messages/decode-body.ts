import type { AnswerEvent } from '../../kernel/event.ts';
import { filledString, isObject } from '../../kernel/json/json-value.ts';
import { badContent, parseBody } from '../../kernel/dialects/provider-document.ts';
import { errorFromEvent, errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { MessageStreamDecoder } from './stream-decoder.ts';

/** Fields that a stream tells with the end of the message. */
const endFields: ReadonlySet<string> = new Set(['stop_reason', 'stop_sequence', 'stop_details', 'container']);

/**
 * The events of a `message` document: those of a stream that had each block whole in its start. Throws the error that the
 * document reports, or UPSTREAM_BAD_CONTENT where it is no message.
 */
export function decodeMessageBody(body: string): readonly AnswerEvent[] {
  const document = parseBody(body);
  if (document['type'] === 'error') throw errorFromEvent(body);
  const error = errorInDocument(document);
  if (error !== undefined) throw error;
  const { content, context_management: management, usage, ...further } = document;
  if (!Array.isArray(content) || !content.every(isObject)) throw badContent('it has no content');
  const isEnded = filledString(document['stop_reason']) !== undefined;
  const isEnd = ([name]: readonly [string, unknown]): boolean => isEnded && endFields.has(name);
  const message = { ...Object.fromEntries(Object.entries(further).filter((entry) => !isEnd(entry))), usage };
  const end = {
    delta: Object.fromEntries(Object.entries(further).filter(isEnd)),
    ...(usage !== undefined && { usage }),
    ...(management !== undefined && { context_management: management }),
  };
  const decoder = new MessageStreamDecoder();
  const events = [
    // The counts are told once, as those of the whole answer.
    ...decoder.read('message_start', { message }, body).filter(({ type }) => type !== 'usage' || !isEnded),
    ...content.flatMap((block, index) => [
      ...decoder.read('content_block_start', { index, content_block: block }, body),
      ...decoder.read('content_block_stop', { index }, body),
    ]),
    ...(isEnded ? decoder.read('message_delta', end, body) : []),
  ];
  return [...events, ...decoder.complete()];
}
