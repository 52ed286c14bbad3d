import type { BlockKind } from '../../kernel/event.ts';
import { filledString, isObject, isPresent, type JsonObject } from '../../kernel/json/json-value.ts';
import { readProof } from '../../kernel/dialects/openai-chat-reasoning.ts';

/** A piece of reasoning, with what its entry of `reasoning_details` says beside the text. */
export interface ReasoningPiece {
  readonly text: string;
  readonly field: 'reasoning' | 'reasoning_content';
  readonly signature?: { readonly value: string; readonly format?: string; readonly encrypted?: boolean };
  readonly detail?: JsonObject;
}

export interface ContentParts {
  readonly text: string;
  readonly reasoning: readonly ReasoningPiece[];
  /** Parts that have no event, under the name of their field. */
  readonly unread: JsonObject | undefined;
}

/** `delta.content`: a string, null, or a list of parts of text and thinking. */
export function readContent(content: unknown): ContentParts {
  if (typeof content === 'string') return { text: content, reasoning: [], unread: undefined };
  if (!Array.isArray(content)) return { text: '', reasoning: [], unread: undefined };
  let text = '';
  const reasoning: ReasoningPiece[] = [];
  const others: unknown[] = [];
  for (const part of content as unknown[]) {
    if (typeof part === 'string') text += part;
    else if (isObject(part) && part['type'] === 'thinking')
      reasoning.push({ text: joinText(part['thinking']), field: 'reasoning_content' });
    else if (isObject(part) && typeof part['text'] === 'string') text += part['text'];
    else others.push(part);
  }
  return {
    text,
    reasoning: reasoning.filter((piece) => piece.text !== ''),
    unread: others.length > 0 ? { content: others } : undefined,
  };
}

/**
 * The reasoning of a delta. It may be spelled `reasoning_content` or `reasoning`, or both with the same text; and
 * `reasoning_details` may repeat the text in parts, with the opaque proofs that a second turn needs.
 */
export function readReasoning(delta: JsonObject): {
  pieces: readonly ReasoningPiece[];
  unread: JsonObject | undefined;
} {
  const content = filledString(delta['reasoning_content']);
  const text = content ?? filledString(delta['reasoning']) ?? '';
  const field =
    content === undefined && delta['reasoning'] !== undefined && delta['reasoning'] !== null
      ? 'reasoning'
      : 'reasoning_content';
  const details: unknown = delta['reasoning_details'];
  const pieces = Array.isArray(details) ? details.filter(isObject).map((detail) => readDetail(detail, field)) : [];
  const joined = pieces.map((piece) => piece.text).join('');
  if (text === '' || joined === text) return { pieces, unread: undefined };
  const whole = { text, field } as const;
  if (joined === '') return { pieces: [whole, ...pieces], unread: undefined };
  return { pieces: [whole], unread: { reasoning_details: details } };
}

/** True where a piece belongs to another entry of `reasoning_details` than the one before it, and so to another block. */
export function beginsEntry(before: JsonObject | undefined, now: JsonObject | undefined): boolean {
  if (before === undefined || now === undefined) return false;
  return ['type', 'index', 'id'].some(
    (name) => isPresent(before[name]) && isPresent(now[name]) && before[name] !== now[name],
  );
}

function readDetail(detail: JsonObject, field: ReasoningPiece['field']): ReasoningPiece {
  const { text, summary, data: _data, signature: _signature, ...rest } = detail;
  const signature = readProof(detail);
  return {
    text: filledString(text) ?? filledString(summary) ?? '',
    field,
    detail: rest,
    ...(signature !== undefined && { signature }),
  };
}

function joinText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value
    .map((part: unknown) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
}

/**
 * The text of the one block in a chunk, for the verification of templates; undefined where the chunk says it more than
 * once, since a template fills one place only.
 */
export function textOf(document: unknown, index: number, kind: BlockKind): string | undefined {
  const choices: unknown = isObject(document) ? document['choices'] : undefined;
  const choice: unknown = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined;
  if (!isObject(choice) || choice['index'] !== index || !isObject(choice['delta'])) return undefined;
  const { delta } = choice;
  if (kind === 'text') return filledString(delta['content']);
  if (kind === 'refusal') return filledString(delta['refusal']);
  return onlyReasoning(delta);
}

function onlyReasoning({
  reasoning_content: content,
  reasoning,
  reasoning_details: details,
}: JsonObject): string | undefined {
  if (isPresent(details) && !(Array.isArray(details) && details.length === 0)) return undefined;
  const texts = [filledString(content), filledString(reasoning)].filter((text) => text !== undefined);
  return texts.length === 1 ? texts[0] : undefined;
}
