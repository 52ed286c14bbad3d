import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';

/** Calls that the provider leaves to the client, though they are no functions. */
const clientCalls = new Set(['local_shell_call', 'apply_patch_call', 'computer_call', 'mcp_approval_request']);

/** The kind of the block that an item without parts of text becomes. */
export function kindOfItem(type: string): BlockKind {
  switch (type) {
    case 'function_call':
      return 'tool_call';
    case 'custom_tool_call':
      return 'custom_tool_call';
    case 'image_generation_call':
      return 'image';
    case 'compaction':
      return 'compaction';
    case 'mcp_list_tools':
    case 'mcp_approval_request':
      return 'server_tool_call';
    default:
      if (type.endsWith('_call')) return 'server_tool_call';
      return type.endsWith('_output') ? 'server_tool_result' : 'unknown';
  }
}

/** True for a call that waits for the client: of its function, or of something built in that runs at the client. */
export function isClientCall(item: JsonObject): boolean {
  const { type, environment, execution } = item;
  if (type === 'function_call' || type === 'custom_tool_call') return true;
  if (type === 'shell_call') return isObject(environment) && environment['type'] === 'local';
  if (type === 'tool_search_call') return execution === 'client';
  return typeof type === 'string' && clientCalls.has(type);
}

/** The name of what is called: its own, or that of the built-in tool. */
export function nameOfItem(item: JsonObject, kind: BlockKind): string | undefined {
  const name = filledString(item['name']);
  if (name !== undefined || (kind !== 'server_tool_call' && kind !== 'image')) return name;
  return filledString(item['type'])?.replace(/_call$/, '');
}

/** The arguments of a call as its deltas say them, from an item that is complete; undefined for an item that has none. */
export function argumentsOfItem(item: JsonObject): string | undefined {
  const { type, input, arguments: json, action, operation, code, queries } = item;
  if (type === 'custom_tool_call') return typeof input === 'string' ? input : undefined;
  if (json !== undefined && json !== null) return typeof json === 'string' ? json : JSON.stringify(json);
  if (isObject(action)) return JSON.stringify(action);
  if (isObject(operation)) return JSON.stringify(operation);
  if (typeof code === 'string') return code;
  return Array.isArray(queries) ? JSON.stringify({ queries: queries as unknown[] }) : undefined;
}

/** True where the item at its end says no more than at its start, apart from its arguments. */
export function repeats(initial: JsonObject | undefined, final: JsonObject): boolean {
  if (initial === undefined) return false;
  if (sameJson(initial, final)) return true;
  if (final['type'] !== 'function_call' && final['type'] !== 'custom_tool_call') return false;
  return sameJson(withoutProgress(initial), withoutProgress(final));
}

function withoutProgress({ arguments: _json, input: _input, status, ...rest }: JsonObject): JsonObject {
  return { ...rest, ...(status !== undefined && status !== 'in_progress' && status !== 'completed' && { status }) };
}

type Annotation = EventOfType<'annotation'>;

/** A citation of a text block. Its indexes count characters of the text as code points. */
export function readAnnotation(blockId: string, annotation: unknown): Annotation {
  const event: Annotation = { type: 'annotation', blockId, annotation, dialect: openaiResponses };
  if (!isObject(annotation)) return event;
  const { url, title, filename, start_index: start, end_index: end } = annotation;
  const page = filledString(url);
  const name = filledString(title) ?? filledString(filename);
  const hasRange = isIndex(start) && isIndex(end);
  return {
    ...event,
    ...(page !== undefined && { url: page }),
    ...(name !== undefined && { title: name }),
    ...(hasRange && { start, end, unit: 'codepoint' as const }),
  };
}

export function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
