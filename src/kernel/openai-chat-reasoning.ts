import { openaiChat } from './openai-chat-fields.ts';
import { filledString, isObject, type JsonObject } from './json-value.ts';
import type { ContentBlock } from './request.ts';

/*
 * `reasoning_details` is how gateways of the chat completions format carry reasoning with its proofs: one entry per block,
 * `{type, text | summary, signature | data, format}`. `format` tells who made the proof. Here it is `openai-chat/FORMAT` for
 * providers of this format, and the dialect itself for a proof that another backend made.
 */

type Signature = NonNullable<ContentBlock['signature']>;

const foreignFormats = new Set(['anthropic-messages', 'bedrock-converse', 'cohere', 'gemini', 'ollama', 'openai-responses']);
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

/** An entry for a block of reasoning. */
export function writeReasoningDetail(text: string, signature: Signature | undefined): JsonObject {
  const { value, format, encrypted } = signature ?? {};
  const word = writeProofFormat(format);
  return {
    type: encrypted === true ? 'reasoning.encrypted' : 'reasoning.text',
    ...(text !== '' && { text }),
    ...(value !== undefined && { [encrypted === true ? 'data' : 'signature']: value }),
    ...(word !== undefined && { format: word }),
  };
}

/** The blocks of reasoning in the `reasoning_details` of a message; empty where it is something else. */
export function readReasoningDetails(details: unknown): readonly ContentBlock[] {
  if (!Array.isArray(details)) return [];
  return details.filter(isObject).flatMap((detail): ContentBlock[] => {
    const text = filledString(detail['text']) ?? filledString(detail['summary']) ?? '';
    const signature = readProof(detail);
    if (text === '' && signature === undefined) return [];
    const isRedacted = text === '' && signature?.encrypted === true;
    const kind = isRedacted ? 'reasoning_redacted' : detail['type'] === 'reasoning.summary' ? 'reasoning_summary' : 'reasoning';
    return [{ kind, ...(text !== '' && { text }), ...(signature && { signature }) }];
  });
}
