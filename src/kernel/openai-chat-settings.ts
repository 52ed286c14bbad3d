import { checkBoolean, checkInteger, checkList, checkNumber, checkObject, checkString, refuseType } from './field-check.ts';
import { isObject, sameJson, type JsonObject } from './json-value.ts';
import type { ChatSettings } from './request.ts';

type Name = keyof ChatSettings;

/**
 * One setting in the OpenAI chat completions format. `read` gives the unified value, or undefined for a form that has no
 * unified name, and refuses a wrong type. `write` gives the form that is sent.
 */
interface SettingField<N extends Name> {
  readonly name: N;
  readonly field: string;
  read(value: unknown, field: string): ChatSettings[N] | undefined;
  write(value: NonNullable<ChatSettings[N]>): unknown;
}

const same = <T>(value: T): T => value;

function setting<N extends Name>(field: string, name: N, read: SettingField<N>['read'], write: SettingField<N>['write'] = same): SettingField<Name> {
  return { field, name, read, write } as unknown as SettingField<Name>;
}

const number = (value: unknown, field: string): number => checkNumber(value, field);
const integer = (value: unknown, field: string): number => checkInteger(value, field);
const count = (value: unknown, field: string): number => checkInteger(value, field, 1);

/** In the order in which they are sent. Settings with several names come with the preferred name first. */
const settingFields: readonly SettingField<Name>[] = [
  setting('max_completion_tokens', 'maxOutputTokens', count),
  setting('max_tokens', 'maxOutputTokens', count),
  setting('temperature', 'temperature', number),
  setting('top_p', 'topP', number),
  setting('top_k', 'topK', integer),
  setting('stop', 'stop', readStop, (stop) => stop),
  setting('seed', 'seed', integer),
  setting('presence_penalty', 'presencePenalty', number),
  setting('frequency_penalty', 'frequencyPenalty', number),
  setting('n', 'choices', count),
  setting('response_format', 'responseFormat', readResponseFormat, writeResponseFormat),
  setting('reasoning_effort', 'reasoningEffort', (value, field) => checkString(value, field)),
  setting('tool_choice', 'toolChoice', readToolChoice, writeToolChoice),
  setting('function_call', 'toolChoice', readToolChoice, (choice) => choice),
  setting('parallel_tool_calls', 'parallelToolCalls', (value, field) => checkBoolean(value, field)),
  setting('user', 'user', (value, field) => checkString(value, field)),
];

/** Names of the body that `readSettings` reads. */
export const settingNames: readonly string[] = settingFields.map(({ field }) => field);

/**
 * Reads the unified settings of a body. `originals` holds the fields that could not be written again in the same form
 * (null, another spelling, a form without a unified name). Throws REQUEST_INVALID for a wrong type.
 */
export function readSettings(body: JsonObject): { readonly settings: ChatSettings; readonly originals: JsonObject } {
  const settings: Record<string, unknown> = {};
  const originals: Record<string, unknown> = {};
  for (const { field, name, read, write } of settingFields) {
    const value = body[field];
    if (value === undefined) continue;
    const unified = value === null ? undefined : read(value, field);
    const isFirst = settings[name] === undefined;
    if (unified !== undefined && isFirst) settings[name] = unified;
    const rewritten = unified === undefined ? undefined : write(unified);
    if (!isFirst || preferredField(name) !== field || !sameJson(rewritten, value)) originals[field] = value;
  }
  return { settings, originals };
}

/**
 * Writes settings. A field of `originals` goes out as it was while its setting still has the value that it gave; a
 * changed setting replaces it under the same name. `names` replaces preferred names.
 */
export function writeSettings(settings: ChatSettings, originals: JsonObject, names: { readonly maxOutputTokens: string }): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const written = new Set<Name>();
  for (const { field, name, read, write } of settingFields) {
    const value = settings[name];
    if (Object.hasOwn(originals, field)) {
      const original = originals[field];
      const meant = original === null ? undefined : read(original, field);
      if (meant === undefined ? value === undefined || written.has(name) || hasOther(originals, field, name) : sameJson(meant, value) || written.has(name)) body[field] = original;
      else if (value !== undefined && !written.has(name)) body[field] = write(value);
      if (body[field] !== undefined && body[field] !== null) written.add(name);
    }
  }
  for (const { field, name, write } of settingFields) {
    const value = settings[name];
    if (value === undefined || written.has(name)) continue;
    written.add(name);
    body[name === 'maxOutputTokens' ? names.maxOutputTokens : field] = write(value);
  }
  return body;
}

function hasOther(originals: JsonObject, field: string, name: Name): boolean {
  return settingFields.some((other) => other.name === name && other.field !== field && Object.hasOwn(originals, other.field));
}

function preferredField(name: Name): string | undefined {
  return settingFields.find((candidate) => candidate.name === name)?.field;
}

function readStop(value: unknown, field: string): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) refuseType(field, 'a string or an array of strings', value);
  return (value as unknown[]).map((item, index) => checkString(item, `${field}[${index}]`));
}

function readResponseFormat(value: unknown, field: string): ChatSettings['responseFormat'] {
  const format = checkObject(value, field);
  const type = checkString(format['type'], `${field}.type`);
  if (type === 'text') return { type };
  if (type === 'json_object') return { type: 'json' };
  if (type !== 'json_schema') return undefined;
  const inner = checkObject(format['json_schema'], `${field}.json_schema`);
  const { schema, strict, description } = inner;
  return {
    type,
    name: checkString(inner['name'], `${field}.json_schema.name`),
    ...(schema !== undefined && { schema }),
    ...(typeof strict === 'boolean' && { strict }),
    ...(typeof description === 'string' && { description }),
  };
}

function writeResponseFormat(format: NonNullable<ChatSettings['responseFormat']>): unknown {
  if (format.type !== 'json_schema') return { type: format.type === 'json' ? 'json_object' : 'text' };
  const { type, ...inner } = format;
  return { type, json_schema: inner };
}

function readToolChoice(value: unknown, field: string): ChatSettings['toolChoice'] {
  if (value === 'auto' || value === 'none' || value === 'required') return value;
  if (value === 'any') return 'required';
  if (!isObject(value)) return typeof value === 'string' ? undefined : refuseType(field, 'a string or an object', value);
  if (typeof value['name'] === 'string') return { name: value['name'] };
  const inner = value[value['type'] === 'custom' ? 'custom' : 'function'];
  return isObject(inner) ? { name: checkString(inner['name'], `${field}.${value['type'] === 'custom' ? 'custom' : 'function'}.name`) } : undefined;
}

function writeToolChoice(choice: NonNullable<ChatSettings['toolChoice']>): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', function: choice };
}

/** The entries of a list in a body, checked to be objects. */
export function objectsOf(value: unknown, field: string): readonly JsonObject[] {
  return checkList(value, field).map((item, index) => checkObject(item, `${field}[${index}]`));
}
