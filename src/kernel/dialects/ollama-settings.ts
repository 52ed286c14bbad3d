import { checkInteger, checkList, checkNumber, checkObject, checkString, refuse, refuseType } from './field-check.ts';
import { checkJsonSchema } from '../json/json-schema-check.ts';
import { isObject, orNothing, sameJson, type JsonObject } from '../json/json-value.ts';
import type { LossName } from '../losses.ts';
import { reasoningEffort } from './reasoning-effort.ts';
import type { ChatSettings } from '../request.ts';

type Name = keyof ChatSettings;

/** One setting among `options`. `read` gives undefined for a value without a unified meaning and refuses a wrong type. */
interface OptionField {
  readonly field: string;
  readonly name: Name;
  readonly read: (value: unknown, field: string) => ChatSettings[Name] | undefined;
}

const number = (value: unknown, field: string): number => checkNumber(value, field);
const integer = (value: unknown, field: string): number => checkInteger(value, field);

/** In the order in which they are sent. */
const optionFields: readonly OptionField[] = [
  // -1 is "without end" and -2 "until the context is full": no limit, in words of this format.
  { field: 'num_predict', name: 'maxOutputTokens', read: (value, field) => positive(checkInteger(value, field)) },
  { field: 'temperature', name: 'temperature', read: number },
  { field: 'top_p', name: 'topP', read: number },
  { field: 'top_k', name: 'topK', read: integer },
  { field: 'stop', name: 'stop', read: readStop },
  { field: 'seed', name: 'seed', read: integer },
  { field: 'presence_penalty', name: 'presencePenalty', read: number },
  { field: 'frequency_penalty', name: 'frequencyPenalty', read: number },
];
const optionNames: ReadonlySet<string> = new Set(optionFields.map(({ field }) => field));

/** Fields of the body that `readSettings` reads. */
export const settingNames: readonly string[] = ['options', 'format', 'think'];

/** What a client that wrote this format said, in the shape of the wire, where `writeSettings` could not say it again so. */
export interface ReadSettings {
  readonly settings: ChatSettings;
  readonly originals: JsonObject;
}

/** Reads `options`, `format` and `think`. Throws REQUEST_INVALID for a wrong type. */
export function readSettings(body: JsonObject): ReadSettings {
  const { options, format, think } = body;
  const read = options === undefined || options === null ? undefined : readOptions(checkObject(options, 'options'));
  const responseFormat = readFormat(format);
  const thinking = readThink(think);
  return {
    settings: {
      ...read?.settings,
      ...(responseFormat !== undefined && { responseFormat }),
      ...thinking,
    },
    originals: {
      ...(read?.originals !== undefined && { options: read.originals }),
      ...(format !== undefined && !sameJson(writeFormat(responseFormat), format) && { format }),
      ...(think !== undefined && writeThink(thinking, true).think !== think && { think }),
    },
  };
}

/** The settings as fields of a body, and the names of those that can't be said in it. */
export interface WrittenSettings {
  readonly format: unknown;
  readonly options: JsonObject | undefined;
  readonly think: unknown;
  readonly lost: readonly LossName[];
}

/**
 * Writes settings. What `originals` holds goes out as it was while its setting has the value that it gave. `levels` is
 * false for models that know thinking only as on and off.
 */
export function writeSettings(settings: ChatSettings, originals: JsonObject, levels: boolean): WrittenSettings {
  const { format, think } = originals;
  const keepsFormat = 'format' in originals && sameJson(readFormat(format), settings.responseFormat);
  const { reasoningEffort: effort, reasoningBudget: budget, showReasoning } = settings;
  const keepsThink =
    'think' in originals &&
    budget === undefined &&
    sameJson(readThink(think), {
      ...(effort !== undefined && { reasoningEffort: effort }),
      ...(showReasoning !== undefined && { showReasoning }),
    });
  const written = writeThink(settings, levels);
  return {
    format: keepsFormat ? format : writeFormat(settings.responseFormat),
    options: writeOptions(settings, originals['options']),
    think: keepsThink ? think : written.think,
    lost: [...lostSettings(settings), ...(keepsThink ? [] : written.lost)],
  };
}

function readOptions(options: JsonObject): {
  readonly settings: ChatSettings;
  readonly originals: JsonObject | undefined;
} {
  const settings: Partial<Record<Name, unknown>> = {};
  const originals: Record<string, unknown> = {};
  for (const { field, name, read } of optionFields) {
    const value = options[field];
    if (value === undefined) continue;
    const unified = value === null ? undefined : read(value, `options.${field}`);
    if (unified !== undefined) settings[name] = unified;
    if (!sameJson(unified, value)) originals[field] = value;
  }
  for (const [field, value] of Object.entries(options)) if (!optionNames.has(field)) originals[field] = value;
  const isEmpty = Object.keys(options).length === 0;
  return { settings: settings as ChatSettings, originals: isEmpty ? {} : orNothing(originals) };
}

function writeOptions(settings: ChatSettings, given: unknown): JsonObject | undefined {
  const originals = isObject(given) ? given : {};
  const options: Record<string, unknown> = {};
  for (const { field, name, read } of optionFields) {
    const original = originals[field];
    const value = settings[name];
    const unified = original === undefined || original === null ? undefined : read(original, field);
    if (original !== undefined && sameJson(unified, value)) options[field] = original;
    else if (value !== undefined) options[field] = value;
  }
  for (const field of Object.keys(originals).toSorted()) if (!optionNames.has(field)) options[field] = originals[field];
  return orNothing(options) ?? (isObject(given) ? {} : undefined);
}

function readFormat(value: unknown): ChatSettings['responseFormat'] {
  if (value === undefined || value === null || value === '') return undefined;
  if (value === 'json') return { type: 'json' };
  if (typeof value === 'string') refuse('format', `expected "json" or a JSON Schema, got "${value.slice(0, 64)}"`);
  if (!isObject(value)) refuseType('format', '"json" or a JSON Schema', value);
  checkJsonSchema(value, 'format');
  return { type: 'json_schema', name: 'answer', schema: value };
}

function writeFormat(format: ChatSettings['responseFormat']): unknown {
  if (format === undefined || format.type === 'text') return undefined;
  return format.type === 'json_schema' && isObject(format.schema) ? format.schema : 'json';
}

/** Thinking that is only switched on is of medium effort: so the models that know levels take it. */
function readThink(value: unknown): Pick<ChatSettings, 'reasoningEffort' | 'showReasoning'> {
  if (value === undefined || value === null) return {};
  if (value === false) return { reasoningEffort: 'none' };
  if (value === true) return { reasoningEffort: 'medium', showReasoning: true };
  if (typeof value !== 'string') refuseType('think', 'a boolean or a level', value);
  if (value === '') refuse('think', 'expected a boolean or a level, got an empty string');
  return { reasoningEffort: value, showReasoning: true };
}

const levelsByEffort: ReadonlyMap<string, 'low' | 'high'> = new Map([
  ['minimal', 'low'],
  ['low', 'low'],
  ['high', 'high'],
  ['xhigh', 'high'],
  ['max', 'high'],
]);

function writeThink(
  settings: ChatSettings,
  levels: boolean,
): { readonly think: boolean | string | undefined; readonly lost: readonly LossName[] } {
  const effort = reasoningEffort(settings);
  const { reasoningBudget: budget = 0 } = settings;
  if (effort === undefined) return { think: settings.showReasoning === true ? true : undefined, lost: [] };
  if (effort === 'none') return { think: false, lost: [] };
  const word = effort === 'medium' ? undefined : levelsByEffort.get(effort);
  const isExact = effort === 'medium' || (levels && word === effort);
  const isOfBudget = settings.reasoningEffort === undefined;
  const lost: LossName[] = [];
  if (!isExact && !isOfBudget) lost.push('request.reasoning_effort');
  if (budget > 0) lost.push('request.reasoning_budget');
  return { think: word !== undefined && levels ? word : true, lost };
}

function lostSettings(settings: ChatSettings): readonly LossName[] {
  const { choices = 1, parallelToolCalls, user, responseFormat, toolChoice } = settings;
  const isForced =
    toolChoice === 'required' ||
    (typeof toolChoice === 'object' && ('name' in toolChoice || toolChoice.mode === 'required'));
  const lost: LossName[] = [];
  if (choices > 1) lost.push('request.choices');
  if (isForced) lost.push('request.tool_choice');
  if (parallelToolCalls === false) lost.push('request.parallel_tool_calls');
  if (user !== undefined) lost.push('request.user');
  if (responseFormat?.type === 'json_schema' && responseFormat.description !== undefined)
    lost.push('request.response_format.description');
  return lost;
}

function positive(value: number): number | undefined {
  return value > 0 ? value : undefined;
}

function readStop(value: unknown, field: string): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) refuseType(field, 'a string or an array of strings', value);
  return checkList(value, field).map((item, index) => checkString(item, `${field}[${index}]`));
}
