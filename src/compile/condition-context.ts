import type { ConditionContext, ConditionSource } from '../kernel/condition.ts';
import { lastUserText } from '../kernel/request.ts';
import type { ChatRequest } from '../kernel/request.ts';
import { estimateTokens } from '../kernel/token-estimate.ts';
import { spend } from './condition-budget.ts';

/** One variable, or one field of one, as the expression language sees it. */
export interface ContextField {
  /** Type in the expression language. */
  readonly type: 'string' | 'bool' | 'int' | 'list<string>' | 'map<string, dyn>';
  readonly description: string;
  /** Whole numbers must be bigint: the language has no other integers. */
  readonly read: (
    source: ConditionSource,
  ) => string | boolean | bigint | readonly string[] | ReadonlyMap<string, unknown>;
}

type Fields<K extends string> = Readonly<Record<K, ContextField>>;

const requestFields: Fields<keyof ConditionContext['request']> = {
  model: {
    type: 'string',
    description: 'The model that the client named, or "".',
    read: ({ request }) => request.model ?? '',
  },
  stream: { type: 'bool', description: 'The client wants a stream.', read: ({ request }) => request.stream },
  messages: { type: 'int', description: 'Number of messages.', read: ({ request }) => BigInt(request.messages.length) },
  lastUserText: {
    type: 'string',
    description: 'Text of the last user message, or "".',
    read: ({ request }) => boundedText(lastUserText(request)),
  },
  inputTokens: {
    type: 'int',
    description: 'Estimated tokens of the request.',
    read: ({ request }) => BigInt(estimateTokens(request)),
  },
  hasImages: { type: 'bool', description: 'A message holds an image.', read: ({ request }) => hasImages(request) },
  toolNames: {
    type: 'list<string>',
    description: 'Names of the tools of the request.',
    read: ({ request }) => boundedList(request.tools.map(({ name }) => name)),
  },
  metadata: {
    type: 'map<string, dyn>',
    description: 'Metadata of the request.',
    read: ({ request }) => readOnlyMap(request.metadata),
  },
};

const callerFields: Fields<keyof ConditionContext['caller']> = {
  id: { type: 'string', description: 'Who calls.', read: ({ caller }) => caller.id },
  tier: { type: 'string', description: 'Tier of the caller, or "".', read: ({ caller }) => caller.tier },
  scopes: {
    type: 'list<string>',
    description: 'What the caller may do.',
    read: ({ caller }) => boundedList(caller.scopes),
  },
};

const responseFields: Fields<keyof ConditionContext['response']> = {
  model: {
    type: 'string',
    description: 'The model that answers, or "".',
    read: ({ response }) => response?.model ?? '',
  },
  finishReason: {
    type: 'string',
    description:
      'Why the answer ends: stop, length, tool_calls, content_filter, refusal, pause or error. Only of a step with "phase": "end".',
    read: ({ response }) => response?.finishReason ?? '',
  },
};

/** Variables with fixed fields. */
export const recordVariables: Readonly<
  Record<'request' | 'caller' | 'response', Readonly<Record<string, ContextField>>>
> = {
  request: requestFields,
  caller: callerFields,
  response: responseFields,
};

/** Parameters that the pipeline declares, by name. */
export const paramsVariable: ContextField = {
  type: 'map<string, dyn>',
  description: 'Parameters that the pipeline declares.',
  read: ({ params }) => readOnlyMap(params),
};

/** Text beyond this is not looked at: a model reads less, and a search in it would hold up everybody. */
export const maxConditionTextCharacters = 1_048_576;
/** Items of a list, so that one list in another stays small. */
export const maxConditionListItems = 256;
const MAX_MAP_CHARACTERS = 262_144;
const MAX_MAP_ENTRIES = 4_096;
const MAX_MAP_DEPTH = 16;

function boundedText(text: string): string {
  if (text.length > maxConditionTextCharacters)
    throw new RangeError(`the text has more than ${maxConditionTextCharacters} characters`);
  spend(text.length);
  return text;
}

function boundedList(items: readonly string[]): readonly string[] {
  if (items.length > maxConditionListItems)
    throw new RangeError(`the list has more than ${maxConditionListItems} items`);
  spend(items.length);
  return items;
}

function hasImages(request: ChatRequest): boolean {
  return request.messages.some(({ content }) =>
    content.some(({ kind, mediaType }) => kind === 'image' || mediaType?.startsWith('image/') === true),
  );
}

interface Converted {
  readonly map: ReadonlyMap<string, unknown>;
  readonly cost: number;
}

/** Neither a request nor its parts are changed in place, so a map is converted once. */
const convertedMaps = new WeakMap<object, Converted>();

/** A Map has no prototype keys, so `constructor` in it is data like any other. */
function readOnlyMap(values: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  let converted = convertedMaps.get(values);
  if (converted === undefined) {
    const size = { entries: 0, characters: 0 };
    converted = { map: toMap(values, size, 0), cost: size.entries + size.characters };
    convertedMaps.set(values, converted);
  }
  spend(converted.cost);
  return converted.map;
}

/**
 * Any JSON value as expressions read it, under the caps that hold for parameters and metadata. Throws a RangeError for one
 * that is too large.
 */
export function expressionValue(value: unknown): unknown {
  if (typeof value === 'string') return boundedText(value);
  const size = { entries: 0, characters: 0 };
  const converted = toValue(value, size, 0);
  spend(size.entries + size.characters);
  return converted;
}

interface Size {
  entries: number;
  characters: number;
}

function toMap(values: object, size: Size, depth: number): Map<string, unknown> {
  const map = new Map<string, unknown>();
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    grow(size, key.length);
    map.set(key, toValue(value, size, depth + 1));
  }
  return map;
}

function toValue(value: unknown, size: Size, depth: number): unknown {
  if (depth > MAX_MAP_DEPTH) throw new RangeError(`the values are nested deeper than ${MAX_MAP_DEPTH} levels`);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string') {
    grow(size, value.length);
    return value;
  }
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? value : null;
  if (!Array.isArray(value)) return toMap(value, size, depth);
  if (value.length > maxConditionListItems)
    throw new RangeError(`the list has more than ${maxConditionListItems} items`);
  return value.map((item: unknown) => {
    grow(size, 0);
    return toValue(item, size, depth + 1);
  });
}

function grow(size: Size, characters: number): void {
  size.entries += 1;
  size.characters += characters;
  if (size.entries > MAX_MAP_ENTRIES) throw new RangeError(`there are more than ${MAX_MAP_ENTRIES} values`);
  if (size.characters > MAX_MAP_CHARACTERS)
    throw new RangeError(`the values have more than ${MAX_MAP_CHARACTERS} characters`);
}
