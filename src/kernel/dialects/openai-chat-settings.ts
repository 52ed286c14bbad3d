import {
  checkBoolean,
  checkInteger,
  checkList,
  checkNumber,
  checkObject,
  checkString,
  refuseType,
} from './field-check.ts';
import { checkJsonSchema } from '../json/json-schema-check.ts';
import { isObject, sameJson, type JsonObject } from '../json/json-value.ts';
import type { ChatSettings } from '../request.ts';

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

function setting<N extends Name>(
  field: string,
  name: N,
  read: SettingField<N>['read'],
  write: SettingField<N>['write'] = same,
): SettingField<Name> {
  return { field, name, read, write } as unknown as SettingField<Name>;
}

const number = (value: unknown, field: string): number => checkNumber(value, field);
const integer = (value: unknown, field: string): number => checkInteger(value, field);
const count = (value: unknown, field: string): number => checkInteger(value, field, 1);

/** In the order in which they are sent. Of several fields for one setting the first is preferred. */
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
 * Reads the unified settings of a body. `originals` holds the fields that `writeSettings` could not write again in the
 * same form: null, another spelling, a form without a unified name. Throws REQUEST_INVALID for a wrong type.
 */
export function readSettings(body: JsonObject): { readonly settings: ChatSettings; readonly originals: JsonObject } {
  const settings: Partial<Record<Name, unknown>> = {};
  const originals: Record<string, unknown> = {};
  for (const [name, fields] of fieldsByName) {
    const present = fields.filter(({ field }) => body[field] !== undefined);
    if (present.length === 0) continue;
    const value = readFirst(present, body);
    if (value !== undefined) settings[name] = value;
    const [preferred] = fields;
    const canRewrite =
      present.length === 1 &&
      present[0] === preferred &&
      value !== undefined &&
      sameJson(preferred?.write(value), body[preferred?.field ?? '']);
    if (!canRewrite) for (const { field } of present) originals[field] = body[field];
  }
  return { settings: settings as ChatSettings, originals };
}

/**
 * Writes settings. The fields of `originals` go out as they were while their setting still has the value that they gave;
 * a changed setting keeps their name. `maxOutputTokens` names the field of that setting where the client named none.
 */
export function writeSettings(
  settings: ChatSettings,
  originals: JsonObject,
  maxOutputTokens: string,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, fields] of fieldsByName) {
    const value = settings[name];
    const given = fields.filter(({ field }) => Object.hasOwn(originals, field));
    if (given.length > 0 && sameJson(readFirst(given, originals), value)) {
      for (const { field } of given) body[field] = originals[field];
      continue;
    }
    if (value === undefined) continue;
    const target =
      given[0] ??
      (name === 'maxOutputTokens' ? fields.find(({ field }) => field === maxOutputTokens) : undefined) ??
      fields[0];
    if (target !== undefined) body[target.field] = target.write(value);
  }
  return body;
}

const fieldsByName: ReadonlyMap<Name, readonly SettingField<Name>[]> = Map.groupBy(settingFields, ({ name }) => name);

/** The value of the first field that has one. All are read, so that each mistake is found. */
function readFirst(fields: readonly SettingField<Name>[], body: JsonObject): ChatSettings[Name] | undefined {
  const values = fields.map((entry) =>
    body[entry.field] === null ? undefined : entry.read(body[entry.field], entry.field),
  );
  return values.find((value) => value !== undefined);
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
  if (isObject(schema)) checkJsonSchema(schema, `${field}.json_schema.schema`);
  else if (schema !== undefined) refuseType(`${field}.json_schema.schema`, 'a JSON Schema', schema);
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
  if (!isObject(value))
    return typeof value === 'string' ? undefined : refuseType(field, 'a string or an object', value);
  if (typeof value['name'] === 'string') return { name: value['name'] };
  if (value['type'] === 'allowed_tools') return readAllowedTools(value['allowed_tools'], `${field}.allowed_tools`);
  const { type } = value;
  const level = type === 'custom' ? 'custom' : 'function';
  // A tool that the provider runs is chosen by its type alone.
  if (value[level] === undefined && type !== undefined && type !== level) return undefined;
  return { name: checkString(checkObject(value[level], `${field}.${level}`)['name'], `${field}.${level}.name`) };
}

function readAllowedTools(value: unknown, field: string): ChatSettings['toolChoice'] {
  const { tools, mode } = checkObject(value, field);
  const allowed = objectsOf(tools, `${field}.tools`).map((tool) =>
    isObject(tool['function']) ? tool['function']['name'] : tool['name'],
  );
  const named = allowed.filter((name) => typeof name === 'string');
  if (named.length !== allowed.length) return undefined;
  return { allowed: named, mode: mode === 'required' ? 'required' : 'auto' };
}

function writeToolChoice(choice: NonNullable<ChatSettings['toolChoice']>): unknown {
  if (typeof choice === 'string') return choice;
  if ('name' in choice) return { type: 'function', function: choice };
  const tools = choice.allowed.map((name) => ({ type: 'function', function: { name } }));
  return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools } };
}

/** The entries of a list in a body, checked to be objects. */
export function objectsOf(value: unknown, field: string): readonly JsonObject[] {
  return checkList(value, field).map((item, index) => checkObject(item, `${field}[${index}]`));
}
