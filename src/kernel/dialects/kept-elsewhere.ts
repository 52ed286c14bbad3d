import { refuse } from './field-check.ts';
import { gemini } from './gemini-fields.ts';
import { isObject } from '../json/json-value.ts';
import { openaiResponses } from './openai-responses-fields.ts';
import type { ChatRequest, ContentBlock } from '../request.ts';

/*
 * Some requests are not whole: a field stands for content that a provider keeps, such as the conversation so far. For
 * another provider that content is not there, and an answer without it would be one to another question.
 */

/** Fields of a body that stand for content, by dialect. */
const keptFields: readonly (readonly [dialect: string, fields: readonly string[]])[] = [
  [openaiResponses, ['previous_response_id', 'conversation', 'prompt']],
  [gemini, ['cachedContent']],
];

/** Throws REQUEST_INVALID for a request that leans on what a provider of its own dialect keeps, not one of `dialect`. */
export function refuseKeptElsewhere({ dialect: spoken, ext = {}, messages }: ChatRequest, dialect: string): void {
  for (const [name, fields] of keptFields) {
    const said = name === dialect ? undefined : ext[name];
    const field = said && fields.find((candidate) => said[candidate] !== undefined && said[candidate] !== null);
    if (field !== undefined)
      refuse(field, `only a provider of ${name} has what this stands for; send the content itself`);
  }
  if (spoken !== openaiResponses || dialect === openaiResponses) return;
  const reference = messages.flatMap(({ content }) => content).find(isReference);
  if (reference !== undefined)
    refuse(
      reference.place ?? 'input',
      'only a provider of openai-responses keeps the item that this refers to; send the item itself, as with store: false',
    );
}

function isReference({ kind, initial }: ContentBlock): boolean {
  return kind === 'unknown' && isObject(initial) && initial['type'] === 'item_reference';
}
