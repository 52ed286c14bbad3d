import type { EventOfType } from '../../kernel/event.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { isSafeField } from '../../kernel/sse-frame.ts';
import type { OutputList } from './output-list.ts';

/** Events that are written from what has left, and pings: never taken over from a provider. */
const written =
  /^(?:error|keepalive|ping|response\.(?:created|in_progress|completed|incomplete|failed|cancelled|output_item\..*|content_part\..*|output_text\..*|refusal\..*|reasoning.*|function_call_arguments\..*|custom_tool_call_input\..*))$/;

export interface RawEvent {
  readonly type: string;
  readonly fields: JsonObject;
}

/**
 * An event of the provider that is passed on, with the addresses that its item has here, and without its number. `response`
 * stands for the provider's response. Undefined for what can't be passed on: no event, or one of an item that is not here.
 */
export function rewriteRaw(
  event: EventOfType<'raw'>,
  list: OutputList,
  response: () => JsonObject,
): RawEvent | undefined {
  const document = parseOrNothing(event.data);
  if (!isObject(document)) return undefined;
  const { type, sequence_number: _number, ...fields } = document;
  if (typeof type !== 'string' || !isSafeField(type) || written.test(type)) return undefined;
  const { item_id: itemId, output_index: index, response: whole } = fields;
  const answered = whole === undefined ? {} : { response: response() };
  if (itemId === undefined && index === undefined) return { type, fields: { ...fields, ...answered } };
  const item = list.find(itemId, index);
  if (item === undefined) return undefined;
  const address = {
    ...(itemId !== undefined && { item_id: item.id }),
    ...(index !== undefined && { output_index: item.index }),
  };
  return { type, fields: { ...fields, ...address, ...answered } };
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
