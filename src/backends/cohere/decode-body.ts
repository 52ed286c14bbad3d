import type { AnswerEvent } from '../../kernel/event.ts';
import { filledString, isObject } from '../../kernel/json/json-value.ts';
import { badContent, parseBody } from '../../kernel/dialects/provider-document.ts';
import { errorFromComplaint, errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { CohereStreamDecoder } from './stream-decoder.ts';

/**
 * The events of an answer in one document: the plan, the content with what is cited in it, the calls, the end. Throws the
 * error that the document reports, or UPSTREAM_BAD_CONTENT where it is no answer.
 */
export function decodeChatBody(body: string, model: string): readonly AnswerEvent[] {
  const document = parseBody(body);
  const { id, message, finish_reason: reason, usage } = document;
  const error = errorInDocument(document);
  if (error !== undefined) throw error;
  const words = (filledString(document['error_type']) ?? '').toLowerCase();
  if (typeof message === 'string') throw errorFromComplaint({ message, words, status: undefined });
  if (!isObject(message)) throw badContent('it has no message');
  const decoder = new CohereStreamDecoder(model);
  const events = decoder.read({ id, type: 'message-start' }, 'message-start', '', body);
  const citations = objectsIn(message['citations']);
  decoder.text('tool_plan', -1, filledString(message['tool_plan']) ?? '', events);
  for (const citation of citations) if (citation['type'] === 'PLAN') decoder.cite(citation, events);
  const content = typeof message['content'] === 'string' ? [{ text: message['content'] }] : message['content'];
  for (const [index, item] of objectsIn(content).entries()) {
    decoder.content(item, index, true, events);
    for (const citation of citations)
      if (citation['type'] !== 'PLAN' && isOf(citation, item, index)) decoder.cite(citation, events);
  }
  for (const [index, call] of objectsIn(message['tool_calls']).entries()) {
    decoder.startCall(call, index, events);
    decoder.endCall(index, events);
  }
  decoder.finish(filledString(reason), usage, events);
  return events;
}

/** Without an index a citation is of a text, not of the thinking before it. */
function isOf(
  citation: Readonly<Record<string, unknown>>,
  item: Readonly<Record<string, unknown>>,
  index: number,
): boolean {
  const { content_index: place } = citation;
  return typeof place === 'number' ? place === index : typeof item['text'] === 'string';
}

function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
}
