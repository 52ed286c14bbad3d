import { countStringTokens } from '../../kernel/json/json-text.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';

/** A leaf says whether a value can hide no text; a tree lists the fields that may be there. */
type Shape = ((value: unknown) => boolean) | { readonly [field: string]: Shape };

const text = (value: unknown): boolean => typeof value === 'string';
const word = (value: unknown): boolean => typeof value === 'string' && /^[A-Za-z_-]{0,32}$/.test(value);
const number = (value: unknown): boolean => value === null || typeof value === 'number';
const blank = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

const call = { id: text, type: word, function: { name: text, arguments: text } };
const counts = { input_tokens: number, output_tokens: number, search_units: number, classifications: number };

/** The frames whose events show every text in them. A citation quotes what it cites, so it is not among them. */
const shapes: Readonly<Record<string, Shape>> = {
  'message-start': {
    id: text,
    type: word,
    delta: { message: { role: word, content: blank, tool_plan: blank, tool_calls: blank, citations: blank } },
  },
  'content-start': { type: word, index: number, delta: { message: { content: { type: word, text, thinking: text } } } },
  'content-delta': { type: word, index: number, delta: { message: { content: { type: word, text, thinking: text } } } },
  'content-end': { type: word, index: number },
  'tool-plan-delta': { type: word, delta: { message: { tool_plan: text } } },
  'tool-call-start': { type: word, index: number, delta: { message: { tool_calls: call } } },
  'tool-call-delta': { type: word, index: number, delta: { message: { tool_calls: call } } },
  'tool-call-end': { type: word, index: number },
  'citation-end': { type: word, index: number },
  'message-end': {
    id: text,
    type: word,
    delta: {
      error: blank,
      finish_reason: word,
      usage: { billed_units: counts, tokens: counts, cached_tokens: number },
    },
  },
};

/**
 * True when the frame holds no string that its events do not show. `data` is its text, `strings` the number of strings
 * that were found in it: a key that is there twice hides one.
 */
export function isTransparent(frame: JsonObject, type: string, data: string, strings: number): boolean {
  const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  return shape !== undefined && isOfShape(frame, shape) && countStringTokens(data) === strings;
}

function isOfShape(value: unknown, shape: Shape): boolean {
  if (typeof shape === 'function') return shape(value);
  if (!isObject(value)) return false;
  return Object.entries(value).every(([field, inner]) => {
    const expected = Object.hasOwn(shape, field) ? shape[field] : undefined;
    return expected !== undefined && isOfShape(inner, expected);
  });
}
