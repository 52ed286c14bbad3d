import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import { isObject, type JsonObject } from '../../kernel/json-value.ts';
import { extensionOf, level } from '../../kernel/openai-chat-fields.ts';
import { writeReasoningDetail } from '../../kernel/openai-chat-reasoning.ts';
import { isSafeField } from '../../kernel/sse-frame.ts';

/** The field of a delta that carries the text of a block; undefined for blocks without text. */
export function textField(kind: BlockKind, delta: JsonObject | undefined): string | undefined {
  switch (kind) {
    case 'text':
      return 'content';
    case 'refusal':
      return 'refusal';
    case 'reasoning':
    case 'reasoning_summary':
      return delta?.['reasoning'] === undefined ? 'reasoning_content' : 'reasoning';
    default:
      return undefined;
  }
}

/** The first piece of a tool call, with all that clients need to begin one. */
export function toolStart(
  event: EventOfType<'block.start'>,
  index: number,
  delta: JsonObject | undefined,
  fallbackId: string,
): JsonObject {
  const { function: inner, custom, ...further } = level(delta, 'tool_calls') ?? {};
  const { name = '', callId = fallbackId } = event;
  const head = { index, id: callId, ...further };
  if (event.kind === 'custom_tool_call')
    return { ...head, type: 'custom', custom: { name, input: '', ...(isObject(custom) && custom) } };
  return { ...head, type: 'function', function: { name, arguments: '', ...(isObject(inner) && inner) } };
}

/** The entry of `reasoning_details` that carries a signature, with what the provider said beside it. */
export function signatureDetail(event: EventOfType<'reasoning.signature'>): JsonObject {
  const details: unknown = level(level(extensionOf(event), 'choices'), 'delta')?.['reasoning_details'];
  const [detail] = Array.isArray(details) ? (details as unknown[]) : [];
  const proof = writeReasoningDetail('', event);
  return isObject(detail) ? { ...detail, ...withoutType(proof) } : proof;
}

function withoutType({ type: _type, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** The provider's own index where it is free, so that its frames stay true; else the next one. */
export function freeIndex(taken: Set<number>, wanted: number | undefined): number {
  let index = wanted ?? 0;
  while (taken.has(index)) index += 1;
  taken.add(index);
  return index;
}

/** Puts the text back into an entry of `reasoning_details` that was taken apart. */
export function fillDetails(details: readonly unknown[], text: string): readonly unknown[] {
  const [first] = details;
  return isObject(first) ? [{ ...first, [first['type'] === 'reasoning.summary' ? 'summary' : 'text']: text }] : details;
}

/** True for what came in a chunk with another id or model than the answer has. */
export function hasOtherIdentity(extension: JsonObject | undefined): boolean {
  return extension !== undefined && (extension['id'] !== undefined || extension['model'] !== undefined);
}

/** True where the extension only says how the block is spelled. */
export function isOnlyMarker(extension: JsonObject | undefined): boolean {
  const { choices, ...ofChunk } = extension ?? {};
  const { delta, ...ofChoice } = isObject(choices) ? choices : {};
  const { reasoning: _r, reasoning_details: _d, ...rest } = isObject(delta) ? delta : {};
  return [ofChunk, ofChoice, rest].every((fields) => Object.keys(fields).length === 0);
}

/** The document of an event that nobody here knows, or undefined where it is no JSON object. */
export function readRaw(event: EventOfType<'raw'>): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(event.data);
    return isObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

/** The name of such an event, where it can stand in a frame. */
export function rawName(event: EventOfType<'raw'>): string {
  return event.event !== undefined && event.event !== 'message' && isSafeField(event.event) ? event.event : '';
}
