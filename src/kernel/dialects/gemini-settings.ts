import { checkBoolean, checkInteger, checkList, checkNumber, checkObject, checkString } from './field-check.ts';
import { readGeminiSchema } from './gemini-schema.ts';
import { furtherFields, member, type Member } from './gemini-spelling.ts';
import { checkJsonSchema } from '../json/json-schema-check.ts';
import { orNothing, type JsonObject } from '../json/json-value.ts';
import type { ChatSettings } from '../request.ts';

/** Settings of a request, and what of the two objects has no unified name or can't be said again in the same form. */
export interface GeminiSettings {
  readonly settings: ChatSettings;
  readonly generationConfig: JsonObject | undefined;
  readonly toolConfig: JsonObject | undefined;
}

type Settings = { -readonly [K in keyof ChatSettings]: ChatSettings[K] };
type Reader = (value: unknown, field: string) => unknown;

const integer: Reader = (value, field) => checkInteger(value, field);
const count: Reader = (value, field) => checkInteger(value, field, 1);
const number: Reader = (value, field) => checkNumber(value, field);
const strings: Reader = (value, field) =>
  checkList(value, field).map((item, index) => checkString(item, `${field}[${index}]`));

/** Fields of `generationConfig` that are a setting, and how they are read. They are written as they are. */
export const plainSettings: readonly (readonly [string, keyof ChatSettings, Reader])[] = [
  ['temperature', 'temperature', number],
  ['topP', 'topP', number],
  ['topK', 'topK', integer],
  ['candidateCount', 'choices', count],
  ['maxOutputTokens', 'maxOutputTokens', count],
  ['stopSequences', 'stop', strings],
  ['seed', 'seed', integer],
  ['presencePenalty', 'presencePenalty', number],
  ['frequencyPenalty', 'frequencyPenalty', number],
];
const readHere: ReadonlySet<string> = new Set([
  ...plainSettings.map(([field]) => field),
  'thinkingConfig',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
]);

/** The name that a schema of structured output gets, because this format has none. */
export const schemaName = 'response';

/**
 * Reads `generationConfig` and `toolConfig`. A form that the unified settings can't give back (a schema of Gemini's own
 * kind, a dynamic thinking budget, the mode VALIDATED) stays in what is returned beside them, so a backend of this
 * format writes it again as long as reading it gives the settings of the request. Throws REQUEST_INVALID.
 */
export function readGeminiSettings(generationConfig: Member, toolConfig: Member): GeminiSettings {
  const config =
    generationConfig.value === undefined ? {} : checkObject(generationConfig.value, generationConfig.field);
  const settings: Partial<Record<keyof ChatSettings, unknown>> = {};
  for (const [name, setting, read] of plainSettings) {
    const { value, field } = member(config, name, generationConfig.field);
    if (value !== undefined) settings[setting] = read(value, field);
  }
  const format = readFormat(config, generationConfig.field);
  const thinking = readThinking(member(config, 'thinkingConfig', generationConfig.field));
  const choice = readToolConfig(toolConfig);
  return {
    settings: { ...settings, ...format.settings, ...thinking.settings, ...choice.settings } as ChatSettings,
    generationConfig: orNothing({
      ...furtherFields(config, readHere),
      ...format.originals,
      ...(thinking.originals && { thinkingConfig: thinking.originals }),
    }),
    toolConfig: choice.originals,
  };
}

interface Part {
  readonly settings: Settings;
  readonly originals: JsonObject | undefined;
}

function readFormat(config: JsonObject, place: string): Part {
  const mimeType = member(config, 'responseMimeType', place);
  const own = member(config, 'responseSchema', place);
  const json = member(config, 'responseJsonSchema', place);
  const type = mimeType.value === undefined ? undefined : checkString(mimeType.value, mimeType.field);
  if (json.value !== undefined) checkJsonSchema(json.value, json.field);
  const schema = own.value === undefined ? json.value : readGeminiSchema(own.value, own.field);
  const originals = {
    ...(type !== undefined && { responseMimeType: type }),
    ...(own.value !== undefined && { responseSchema: own.value }),
    ...(json.value !== undefined && { responseJsonSchema: json.value }),
  };
  if (type === 'application/json') {
    if (schema === undefined) return { settings: { responseFormat: { type: 'json' } }, originals: undefined };
    const isOwn = own.value !== undefined;
    return {
      settings: { responseFormat: { type: 'json_schema', name: schemaName, schema } },
      originals: isOwn ? originals : undefined,
    };
  }
  if (type === 'text/plain' && schema === undefined)
    return { settings: { responseFormat: { type: 'text' } }, originals: undefined };
  return { settings: {}, originals };
}

function readThinking({ value, field }: Member): Part {
  if (value === undefined) return { settings: {}, originals: undefined };
  const config = checkObject(value, field);
  const show = member(config, 'includeThoughts', field);
  const budget = member(config, 'thinkingBudget', field);
  const level = member(config, 'thinkingLevel', field);
  const settings: Settings = {};
  const originals: Record<string, unknown> = {};
  if (show.value !== undefined) settings.showReasoning = checkBoolean(show.value, show.field);
  if (budget.value !== undefined) {
    const tokens = checkInteger(budget.value, budget.field, -1);
    // -1 leaves the budget to the model.
    if (tokens >= 0) settings.reasoningBudget = tokens;
    else originals['thinkingBudget'] = tokens;
  }
  if (level.value !== undefined) {
    const word = checkString(level.value, level.field);
    const isNamed = word !== '' && !/unspecified$/i.test(word);
    if (isNamed) settings.reasoningEffort = word.toLowerCase();
    if (!isNamed || word !== word.toUpperCase()) originals['thinkingLevel'] = word;
  }
  const further = furtherFields(config, new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel']));
  return { settings, originals: orNothing({ ...further, ...originals }) };
}

function readToolConfig({ value, field }: Member): Part {
  if (value === undefined) return { settings: {}, originals: undefined };
  const config = checkObject(value, field);
  const calling = member(config, 'functionCallingConfig', field);
  const further = furtherFields(config, new Set(['functionCallingConfig']));
  if (calling.value === undefined) return { settings: {}, originals: further };
  const inner = checkObject(calling.value, calling.field);
  const { settings, originals } = readChoice(inner, calling.field);
  const rest = orNothing({ ...furtherFields(inner, new Set(['mode', 'allowedFunctionNames'])), ...originals });
  return { settings, originals: orNothing({ ...further, ...(rest && { functionCallingConfig: rest }) }) };
}

function readChoice(config: JsonObject, place: string): Part {
  const mode = member(config, 'mode', place);
  const allowed = member(config, 'allowedFunctionNames', place);
  const word = mode.value === undefined ? undefined : checkString(mode.value, mode.field);
  const names = allowed.value === undefined ? [] : (strings(allowed.value, allowed.field) as readonly string[]);
  const originals = {
    ...(word !== undefined && { mode: word }),
    ...(allowed.value !== undefined && { allowedFunctionNames: names }),
  };
  const [first, ...others] = names;
  switch (word?.toUpperCase()) {
    case 'ANY':
      if (first === undefined) return { settings: { toolChoice: 'required' }, originals: undefined };
      return {
        settings: {
          toolChoice: others.length === 0 ? { name: first } : { allowed: names, mode: 'required' },
        },
        originals: undefined,
      };
    case 'NONE':
      return { settings: { toolChoice: 'none' }, originals: first === undefined ? undefined : originals };
    case 'AUTO':
      if (first === undefined) return { settings: { toolChoice: 'auto' }, originals: undefined };
      return { settings: { toolChoice: { allowed: names, mode: 'auto' } }, originals };
    case 'VALIDATED':
      return { settings: { toolChoice: first === undefined ? 'auto' : { allowed: names, mode: 'auto' } }, originals };
    default:
      return { settings: {}, originals: orNothing(originals) };
  }
}
