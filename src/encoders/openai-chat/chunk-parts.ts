import type { UsageFold } from '../../kernel/answer.ts';
import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf } from '../../kernel/dialects/openai-chat-fields.ts';
import { writeReasoningDetail } from '../../kernel/dialects/openai-chat-reasoning.ts';
import { writeUsage } from '../../kernel/dialects/openai-chat-usage.ts';
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

/** A piece of the arguments of a call; without an index it is one of the deprecated `function_call`. */
export function argumentsDelta(
  kind: BlockKind,
  index: number | undefined,
  json: string,
  unknown: JsonObject,
): JsonObject {
  if (index === undefined) return { function_call: { arguments: json } };
  const { function: inner, custom, ...further } = unknown;
  const body =
    kind === 'custom_tool_call'
      ? { custom: { ...(isObject(custom) && custom), input: json } }
      : { function: { ...(isObject(inner) && inner), arguments: json } };
  return { tool_calls: [{ index, ...further, ...body }] };
}

/** The entry of `reasoning_details` that carries a signature, with what the provider said beside it. */
export function signatureDetail(event: EventOfType<'reasoning.signature'>): JsonObject {
  const details: unknown = level(level(extensionOf(event), 'choices'), 'delta')?.['reasoning_details'];
  const [detail] = Array.isArray(details) ? (details as unknown[]) : [];
  const proof = writeReasoningDetail({ signature: event });
  return isObject(detail) ? { ...detail, ...withoutType(proof) } : proof;
}

function withoutType({ type: _type, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** True for a call that the client answers. */
export function isCall(kind: BlockKind): boolean {
  return kind === 'tool_call' || kind === 'custom_tool_call';
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

/** The fields of the chunk that tells the usage, or undefined where there is none. */
export function usageFields(usage: UsageFold | undefined, isOwn: boolean): JsonObject | undefined {
  if (usage === undefined) return undefined;
  const { choices: _levels, id: _id, model: _model, ...further } = extensionOf(usage) ?? {};
  return { ...further, usage: writeUsage(usage, isOwn) };
}
