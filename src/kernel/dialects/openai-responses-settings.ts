import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkObject,
  checkString,
  refuse,
  refuseType,
} from './field-check.ts';
import { checkJsonSchema } from '../json/json-schema-check.ts';
import { isObject, isPresent, sameJson, type JsonObject } from '../json/json-value.ts';
import type { ChatSettings } from '../request.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * One field of the body. `read` gives the settings in it and refuses a wrong type with the path of the field; it is not
 * asked about null. `write` gives the field for settings, undefined where they say nothing of it; `original` is what the
 * client sent in it, for what has no unified name.
 */
interface BodyField {
  readonly field: string;
  readonly read: (value: unknown, field: string) => ChatSettings;
  readonly write: (settings: ChatSettings, original: JsonObject | undefined) => unknown;
}

/** A field that is one setting. */
function plain<N extends keyof ChatSettings>(
  field: string,
  name: N,
  read: (value: unknown, field: string) => ChatSettings[N],
): BodyField {
  return {
    field,
    read: (value, path) => ({ [name]: read(value, path) }),
    write: (settings) => settings[name],
  };
}

/** In the order in which they are sent. */
const bodyFields: readonly BodyField[] = [
  plain('max_output_tokens', 'maxOutputTokens', (value, field) => checkInteger(value, field, 1)),
  plain('temperature', 'temperature', checkNumber),
  plain('top_p', 'topP', checkNumber),
  { field: 'text', read: readText, write: writeText },
  { field: 'reasoning', read: readReasoning, write: writeReasoning },
  { field: 'tool_choice', read: readToolChoice, write: writeToolChoice },
  plain('parallel_tool_calls', 'parallelToolCalls', checkBoolean),
  plain('user', 'user', checkString),
];

/** Fields of the body that `readSettings` reads. */
export const settingNames: readonly string[] = bodyFields.map(({ field }) => field);

/** Unified settings that the format has a form for. */
export const sayableSettings: ReadonlySet<keyof ChatSettings> = new Set([
  'maxOutputTokens',
  'temperature',
  'topP',
  'responseFormat',
  'reasoningEffort',
  'showReasoning',
  'toolChoice',
  'parallelToolCalls',
  'user',
]);

/**
 * Reads the unified settings of a body. `originals` holds, whole, the fields that `writeSettings` could not write again in
 * the same form. Throws REQUEST_INVALID for a wrong type.
 */
export function readSettings(body: JsonObject): { readonly settings: ChatSettings; readonly originals: JsonObject } {
  const settings: Mutable<ChatSettings> = {};
  const originals: Record<string, unknown> = {};
  for (const { field, read, write } of bodyFields) {
    const value = body[field];
    if (value === undefined) continue;
    const found = value === null ? {} : read(value, field);
    Object.assign(settings, found);
    if (!sameJson(write(found, undefined), value)) originals[field] = value;
  }
  return { settings, originals };
}

/**
 * Writes settings. A field of `originals` goes out as it was while the settings are those that it gave; a changed setting
 * keeps the rest of it.
 */
export function writeSettings(settings: ChatSettings, originals: JsonObject): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const { field, read, write } of bodyFields) {
    const original = originals[field];
    const given = original === undefined || original === null ? {} : read(original, field);
    const rest = isObject(original) ? original : undefined;
    const value = write(settings, rest);
    // Compared as they are written: of the settings only those that the field says count.
    if (original !== undefined && sameJson(write(given, rest), value)) body[field] = original;
    else if (value !== undefined) body[field] = value;
  }
  return body;
}

function readText(value: unknown, field: string): ChatSettings {
  const { format } = checkObject(value, field);
  if (format === undefined || format === null) return {};
  const responseFormat = readFormat(format, `${field}.format`);
  return responseFormat === undefined ? {} : { responseFormat };
}

function readFormat(value: unknown, field: string): ChatSettings['responseFormat'] {
  const format = checkObject(value, field);
  const type = checkString(format['type'], `${field}.type`);
  if (type === 'text') return { type };
  if (type === 'json_object') return { type: 'json' };
  if (type !== 'json_schema')
    refuse(`${field}.type`, `expected text, json_object or json_schema, got "${type.slice(0, 64)}"`);
  const { name, schema, strict, description } = format;
  checkJsonSchema(schema, `${field}.schema`);
  return {
    type,
    name: checkString(name, `${field}.name`),
    schema,
    ...(isPresent(strict) && { strict: checkBoolean(strict, `${field}.strict`) }),
    ...(isPresent(description) && { description: checkString(description, `${field}.description`) }),
  };
}

function writeText({ responseFormat: format }: ChatSettings, original: JsonObject | undefined): unknown {
  const { format: before, ...rest } = original ?? {};
  if (format === undefined) return original === undefined ? undefined : rest;
  const written = format.type === 'json' ? { type: 'json_object' } : format;
  const isSame = isObject(before) && sameJson(readFormat(before, 'text.format'), format);
  return { ...rest, format: isSame ? before : written };
}

function readReasoning(value: unknown, field: string): ChatSettings {
  const { effort, summary, generate_summary: generate } = checkObject(value, field);
  const shown = isPresent(summary) ? summary : generate;
  return {
    ...(isPresent(effort) && { reasoningEffort: checkString(effort, `${field}.effort`) }),
    ...(isPresent(shown) && { showReasoning: checkString(shown, `${field}.summary`) !== 'none' }),
  };
}

function writeReasoning(settings: ChatSettings, original: JsonObject | undefined): unknown {
  const { reasoningEffort: effort, showReasoning } = settings;
  const { effort: effortBefore, summary, generate_summary: generate, ...rest } = original ?? {};
  const shownBefore = isPresent(summary) ? summary : generate;
  const keepsSummary = showReasoning === undefined ? !isPresent(shownBefore) : isPresent(shownBefore);
  const shows = {
    ...(summary !== undefined && { summary }),
    ...(generate !== undefined && { generate_summary: generate }),
  };
  const sameShown = keepsSummary && (showReasoning === undefined || (shownBefore !== 'none') === showReasoning);
  const written = {
    ...(effort !== undefined ? { effort } : effortBefore === null && { effort: null }),
    ...(sameShown ? shows : showReasoning === true && { summary: 'auto' }),
    ...rest,
  };
  return original === undefined && Object.keys(written).length === 0 ? undefined : written;
}

function readToolChoice(value: unknown, field: string): ChatSettings {
  if (value === 'auto' || value === 'none' || value === 'required') return { toolChoice: value };
  if (typeof value === 'string')
    refuse(field, `expected auto, none, required or an object, got "${value.slice(0, 64)}"`);
  if (!isObject(value)) refuseType(field, 'a string or an object', value);
  const type = checkString(value['type'], `${field}.type`);
  if (type === 'function' || type === 'custom')
    return { toolChoice: { name: checkString(value['name'], `${field}.name`) } };
  if (type !== 'allowed_tools') return {};
  const { tools, mode } = value;
  if (!Array.isArray(tools)) refuseType(`${field}.tools`, 'an array', tools);
  const names = (tools as unknown[]).map((tool) => (isObject(tool) ? tool['name'] : undefined));
  const allowed = names.filter((name) => typeof name === 'string');
  // A built-in tool has no name here.
  if (allowed.length !== names.length) return {};
  return { toolChoice: { allowed, mode: mode === 'required' ? 'required' : 'auto' } };
}

function writeToolChoice({ toolChoice: choice }: ChatSettings, original: JsonObject | undefined): unknown {
  if (original !== undefined && sameJson(readToolChoice(original, 'tool_choice').toolChoice, choice)) return original;
  if (choice === undefined || typeof choice === 'string') return choice;
  if ('name' in choice) return { type: 'function', name: choice.name };
  return {
    type: 'allowed_tools',
    mode: choice.mode,
    tools: choice.allowed.map((name) => ({ type: 'function', name })),
  };
}
