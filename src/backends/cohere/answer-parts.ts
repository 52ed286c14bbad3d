import type { EventOfType, FinishReason } from '../../kernel/event.ts';
import { countOf } from '../../kernel/json/json-counts.ts';
import { filledString, isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';

/** Name of the format in events. */
export const cohere = 'cohere';

const finishByWord: ReadonlyMap<string, FinishReason> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['TOOL_CALL', 'tool_calls'],
  ['ERROR', 'error'],
  ['TIMEOUT', 'error'],
  ['ERROR_TOXIC', 'content_filter'],
  ['ERROR_LIMIT', 'length'],
]);

/** What a `finish_reason` means; a word that nobody knows is taken for an ordinary end. */
export function readFinishReason(word: string): FinishReason {
  return finishByWord.get(word) ?? 'stop';
}

/**
 * The `usage` object as an event. `tokens` are what the model read and wrote, the cached ones among them; `billed_units`
 * are less and only stand in where nothing else is said.
 */
export function readUsage(usage: JsonObject): EventOfType<'usage'> {
  const tokens = level(usage, 'tokens');
  const billed = level(usage, 'billed_units');
  const input = countOf(tokens, 'input_tokens') ?? countOf(billed, 'input_tokens');
  const output = countOf(tokens, 'output_tokens') ?? countOf(billed, 'output_tokens');
  const cacheRead = countOf(usage, 'cached_tokens');
  const searches = countOf(billed, 'search_units');
  return {
    type: 'usage',
    ...((input !== undefined || cacheRead !== undefined) && {
      input: {
        ...(input !== undefined && { total: input }),
        ...(cacheRead !== undefined && { cacheRead }),
        ...(input !== undefined && cacheRead !== undefined && { noCache: Math.max(0, input - cacheRead) }),
      },
    }),
    ...(output !== undefined && { output: { total: output } }),
    ...(input !== undefined && output !== undefined && { total: input + output }),
    ...(searches !== undefined && searches > 0 && { serverTools: { search_units: searches } }),
    final: true,
    raw: usage,
  };
}

type Citation = Omit<EventOfType<'annotation'>, 'type' | 'blockId'>;

/** A citation: a span of the answer, in characters, and the documents and tool results that it rests on. */
export function readCitation(citation: JsonObject): Citation {
  const sources: unknown = citation['sources'];
  const source: unknown = Array.isArray(sources) ? sources[0] : undefined;
  const document = level(isObject(source) ? source : undefined, 'document');
  const result = level(isObject(source) ? source : undefined, 'tool_output');
  const url = filledString(document?.['url']) ?? filledString(result?.['url']);
  const title = filledString(document?.['title']) ?? filledString(result?.['title']);
  const citedText =
    filledString(document?.['snippet']) ?? filledString(document?.['text']) ?? filledString(result?.['content']);
  const start = place(citation, 'start');
  const end = place(citation, 'end');
  return {
    annotation: citation,
    dialect: cohere,
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(citedText !== undefined && { citedText }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(start !== undefined && end !== undefined && { unit: 'codepoint' as const }),
  };
}

function place(object: JsonObject, name: string): number | undefined {
  const value = countOf(object, name);
  return Number.isInteger(value) ? value : undefined;
}
