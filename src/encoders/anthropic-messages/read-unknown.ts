import type { EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { isSafeField } from '../../kernel/sse-frame.ts';

/** Events that begin or end a message: only the encoder itself writes them. */
const reserved: ReadonlySet<string> = new Set(['message_start', 'message_stop', 'error', 'ping']);

/** An event that nobody here knows, as a client can read it. */
export interface UnknownEvent {
  readonly name: string;
  readonly document: JsonObject;
}

/**
 * The name and the document of an unknown event. Undefined where an official client would break on it: those parse the
 * data of every named event as JSON, and skip events without a name.
 */
export function readUnknown({ event, data }: EventOfType<'raw'>): UnknownEvent | undefined {
  let document: unknown;
  try {
    document = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!isObject(document)) return undefined;
  const name = event === undefined || event === '' || event === 'message' ? filledString(document['type']) : event;
  return name !== undefined && isSafeField(name) && !reserved.has(name) ? { name, document } : undefined;
}
