import { openaiChat } from './openai-chat-fields.ts';
import { filledString, isObject, type JsonObject } from '../json/json-value.ts';
import type { ContentBlock } from '../request.ts';

/*
 * `reasoning_details` is how gateways of the chat completions format carry reasoning with its proofs: one entry per block,
 * `{type, text | summary, signature | data, format, id, index}`. `format` tells who made the proof. Here it is
 * `openai-chat/FORMAT` for providers of this format, and the dialect itself for a proof that another backend made. `id` is
 * that of the tool call which the entry belongs to. Clients join the neighbours of one `index`, so each has its own.
 */

type Signature = NonNullable<ContentBlock['signature']>;

const foreignFormats = new Set([
  'anthropic-messages',
  'bedrock-converse',
  'cohere',
  'gemini',
  'ollama',
  'openai-responses',
]);
const formatName = /^[A-Za-z0-9_-]{1,32}$/;

/** The format of a proof, by the word that stands in its entry. */
export function readProofFormat(word: string | undefined): string {
  if (word === undefined || !formatName.test(word)) return openaiChat;
  return foreignFormats.has(word) ? word : `${openaiChat}/${word}`;
}

/** The word for the entry of a proof, or undefined where it needs none. */
export function writeProofFormat(format: string | undefined): string | undefined {
  if (format === undefined || format === openaiChat) return undefined;
  return format.startsWith(`${openaiChat}/`) ? format.slice(openaiChat.length + 1) : format;
}

/** True for a proof that a provider of this format made. */
export function isProofOfChat(format: string | undefined): boolean {
  return format === openaiChat || format?.startsWith(`${openaiChat}/`) === true;
}

/** The proof in an entry, or undefined. */
export function readProof(detail: JsonObject): Signature | undefined {
  const data = filledString(detail['data']);
  const value = data ?? filledString(detail['signature']);
  if (value === undefined) return undefined;
  return {
    value,
    format: readProofFormat(filledString(detail['format'])),
    ...(data !== undefined && { encrypted: true }),
  };
}

/** A block of reasoning for an entry. */
export interface ReasoningEntry {
  readonly kind?: string | undefined;
  readonly text?: string | undefined;
  readonly signature?: Signature | undefined;
  /** The call that the proof belongs to, where it proves no text of its own. */
  readonly callId?: string | undefined;
}

/** The entry for a block of reasoning. */
export function writeReasoningDetail(
  { kind, text = '', signature, callId }: ReasoningEntry,
  index?: number,
): JsonObject {
  const { value, format, encrypted = false } = signature ?? {};
  const word = writeProofFormat(format);
  const field = kind === 'reasoning_summary' ? 'summary' : 'text';
  return {
    type: encrypted && text === '' ? 'reasoning.encrypted' : `reasoning.${field}`,
    ...(text !== '' && { [field]: text }),
    ...(value !== undefined && { [encrypted ? 'data' : 'signature']: value }),
    ...(word !== undefined && { format: word }),
    ...(callId !== undefined && { id: callId }),
    ...(index !== undefined && { index }),
  };
}

/** A block of reasoning, and the tool call that it stands before where its entry names one. */
export interface ReadDetail {
  readonly block: ContentBlock;
  readonly callId: string | undefined;
}

/** The blocks of reasoning in the `reasoning_details` of a message; empty where it is something else. */
export function readReasoningDetails(details: unknown): readonly ReadDetail[] {
  if (!Array.isArray(details)) return [];
  return details.filter(isObject).flatMap((detail): ReadDetail[] => {
    const text = filledString(detail['text']) ?? filledString(detail['summary']) ?? '';
    const signature = readProof(detail);
    if (text === '' && signature === undefined) return [];
    return [
      {
        block: { kind: kindOf(detail, text, signature), ...(text !== '' && { text }), ...(signature && { signature }) },
        callId: text === '' ? filledString(detail['id']) : undefined,
      },
    ];
  });
}

function kindOf(detail: JsonObject, text: string, signature: Signature | undefined): ContentBlock['kind'] {
  if (text === '' && signature?.encrypted === true) return 'reasoning_redacted';
  return detail['type'] === 'reasoning.summary' ? 'reasoning_summary' : 'reasoning';
}
