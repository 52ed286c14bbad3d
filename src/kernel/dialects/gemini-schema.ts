import { checkObject, refuse } from './field-check.ts';
import { furtherFields } from './gemini-spelling.ts';
import { checkJsonSchema } from '../json/json-schema-check.ts';
import { isObject, type JsonObject } from '../json/json-value.ts';

const maxDepth = 64;
/** Keywords that only Gemini has, or that mean nothing elsewhere. */
const leftOut: ReadonlySet<string> = new Set(['type', 'nullable', 'propertyOrdering', 'example', 'format']);
/** 64-bit numbers, which the JSON of Google's APIs writes as strings. */
const counts: ReadonlySet<string> = new Set([
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
]);

/**
 * A `Schema` of Gemini (types in capitals, `nullable`, counts as strings) as JSON Schema. What is JSON Schema already
 * stays as it is. Throws REQUEST_INVALID with the path of the keyword.
 */
export function readGeminiSchema(value: unknown, field: string): JsonObject {
  const schema = convert(checkObject(value, field), field, 0);
  checkJsonSchema(schema, field);
  return schema;
}

function convert(schema: JsonObject, field: string, depth: number): JsonObject {
  if (depth > maxDepth) refuse(field, `the schema is nested deeper than ${maxDepth} levels`);
  const further = furtherFields(schema, leftOut) ?? {};
  const entries = Object.entries(further).map(([keyword, inner]) => [
    keyword,
    convertKeyword(keyword, inner, `${field}.${keyword}`, depth + 1),
  ]);
  const isNullable = schema['nullable'] === true;
  const list: unknown = further['enum'];
  return {
    ...readType(schema['type'], isNullable),
    ...(Object.fromEntries(entries) as JsonObject),
    ...(isNullable && Array.isArray(list) && { enum: [...(list as unknown[]), null] }),
    ...(schema['format'] !== undefined && schema['format'] !== 'enum' && { format: schema['format'] }),
    ...(schema['example'] !== undefined && { examples: [schema['example']] }),
  };
}

function readType(type: unknown, isNullable: boolean): JsonObject {
  const names: readonly unknown[] = (Array.isArray(type) ? (type as unknown[]) : [type])
    .map((name) => (typeof name === 'string' ? name.toLowerCase() : name))
    .filter((name) => name !== undefined && name !== 'type_unspecified');
  if (names.length === 0) return {};
  if (isNullable && !names.includes('null')) return { type: [...names, 'null'] };
  return { type: Array.isArray(type) ? names : names[0] };
}

function convertKeyword(keyword: string, value: unknown, field: string, depth: number): unknown {
  if (counts.has(keyword)) return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  switch (keyword) {
    case 'properties':
    case 'patternProperties':
    case '$defs':
    case 'definitions':
      if (!isObject(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, schema]) => [name, convertInner(schema, `${field}.${name}`, depth)]),
      );
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'prefixItems':
      if (!Array.isArray(value)) return value;
      return (value as unknown[]).map((schema, index) => convertInner(schema, `${field}[${index}]`, depth));
    case 'items':
    case 'additionalProperties':
      return convertInner(value, field, depth);
    default:
      return value;
  }
}

function convertInner(value: unknown, field: string, depth: number): unknown {
  return isObject(value) ? convert(value, field, depth) : value;
}
