import { isObject, jsonType, type JsonObject } from './json-value.ts';

type Shape =
  | 'schema'
  | 'schemas'
  | 'schema map'
  | 'count'
  | 'number'
  | 'step'
  | 'boolean'
  | 'strings'
  | 'string'
  | 'list'
  | 'any'
  | 'type'
  | 'string map';

/** Keywords that are checked, and what stands behind each. */
const shapes: Readonly<Record<string, Shape>> = {
  type: 'type',
  enum: 'list',
  const: 'any',
  $ref: 'string',
  $defs: 'schema map',
  definitions: 'schema map',
  allOf: 'schemas',
  anyOf: 'schemas',
  oneOf: 'schemas',
  not: 'schema',
  if: 'schema',
  then: 'schema',
  else: 'schema',
  properties: 'schema map',
  patternProperties: 'schema map',
  additionalProperties: 'schema',
  propertyNames: 'schema',
  required: 'strings',
  dependentRequired: 'string map',
  dependentSchemas: 'schema map',
  minProperties: 'count',
  maxProperties: 'count',
  prefixItems: 'schemas',
  items: 'schema',
  minItems: 'count',
  maxItems: 'count',
  uniqueItems: 'boolean',
  minLength: 'count',
  maxLength: 'count',
  pattern: 'string',
  minimum: 'number',
  maximum: 'number',
  exclusiveMinimum: 'number',
  exclusiveMaximum: 'number',
  multipleOf: 'step',
};

/** Keywords that say nothing about what is valid, or that we say nothing about. */
const unchecked: ReadonlySet<string> = new Set([
  '$schema',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'format',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
]);

const types: ReadonlySet<unknown> = new Set(['null', 'boolean', 'integer', 'number', 'string', 'object', 'array']);

/** Throws a TypeError with the JSON pointer of what is wrong: a keyword that is not checked must not seem to protect. */
export function refuseSchema(pointer: string, reason: string): never {
  throw new TypeError(`the schema at "${pointer}": ${reason}`);
}

/** Checks the keywords of one schema object, not those of the schemas in it. */
export function checkKeywords(schema: JsonObject, pointer: string): void {
  for (const [keyword, value] of Object.entries(schema)) {
    if (unchecked.has(keyword) || keyword.startsWith('x-') || (keyword === '$id' && pointer === '')) continue;
    const shape = Object.hasOwn(shapes, keyword) ? shapes[keyword] : undefined;
    if (shape === undefined) refuseSchema(`${pointer}/${keyword}`, 'this keyword is not supported; take it out');
    const wanted = wantedOf(shape, value);
    if (wanted !== undefined)
      refuseSchema(`${pointer}/${keyword}`, `${wanted} is expected, and not ${describe(value)}`);
  }
}

function describe(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? JSON.stringify(value).slice(0, 64) : jsonType(value);
}

/** What should stand there, or undefined where it is right. */
function wantedOf(shape: Shape, value: unknown): string | undefined {
  switch (shape) {
    case 'schema':
      return isSchema(value) ? undefined : 'a schema';
    case 'schemas':
      return Array.isArray(value) && value.length > 0 && value.every(isSchema) ? undefined : 'a list of schemas';
    case 'schema map':
      return isObject(value) && Object.values(value).every(isSchema) ? undefined : 'an object of schemas';
    case 'count':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? undefined : 'a whole number from 0';
    case 'number':
      return typeof value === 'number' ? undefined : 'a number';
    case 'step':
      return typeof value === 'number' && value > 0 ? undefined : 'a number above 0';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'true or false';
    case 'string':
      return typeof value === 'string' ? undefined : 'a string';
    case 'strings':
      return isStrings(value) ? undefined : 'a list of strings';
    case 'string map':
      return isObject(value) && Object.values(value).every(isStrings) ? undefined : 'an object of lists of strings';
    case 'list':
      return Array.isArray(value) ? undefined : 'a list';
    case 'type':
      return typeNames(value).length > 0 && typeNames(value).every((name) => types.has(name))
        ? undefined
        : `a type or a list of types (${[...types].join(', ')})`;
    default:
      return undefined;
  }
}

/** `type` as a list. */
export function typeNames(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function isSchema(value: unknown): boolean {
  return typeof value === 'boolean' || isObject(value);
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
