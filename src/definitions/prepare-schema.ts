import { namePattern } from '../kernel/schema.ts';
import { isRecord } from './json-pointer.ts';

/** A JSON Schema, as plain JSON. */
export type JsonSchema = Record<string, unknown>;

/** Keys that an author may add to any strict object; they are left out of what is built. */
export const extensionPattern = '^(x-.*|_comment|\\$schema)$';
export const extensionKey = new RegExp(extensionPattern);

const schemaMaps = ['properties', 'patternProperties', '$defs', 'dependentSchemas'];
const schemaLists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const subschemas = [
  'items',
  'additionalProperties',
  'propertyNames',
  'contains',
  'if',
  'then',
  'else',
  'not',
  'unevaluatedProperties',
];

/** Kinds of references whose inline form is a component, so that its shape is the one of `$defs`. */
const componentKinds: ReadonlySet<unknown> = new Set(['token-provider', 'backend', 'processor', 'modifier']);

/**
 * The schema as it is published and compiled: plain JSON, every strict object open for comments, every inline
 * component checked like the components of the definition itself.
 */
export function prepareSchema(schema: unknown): JsonSchema {
  return prepare(JSON.parse(JSON.stringify(schema))) as JsonSchema;
}

function prepare(schema: unknown): unknown {
  if (!isRecord(schema)) return schema;
  const prepared: JsonSchema = { ...schema };
  for (const keyword of schemaMaps) {
    const map = prepared[keyword];
    if (isRecord(map))
      prepared[keyword] = Object.fromEntries(Object.entries(map).map(([name, item]) => [name, prepare(item)]));
  }
  for (const keyword of schemaLists) {
    const list = prepared[keyword];
    if (Array.isArray(list)) prepared[keyword] = list.map(prepare);
  }
  for (const keyword of subschemas) {
    if (keyword in prepared) prepared[keyword] = prepare(prepared[keyword]);
  }
  if (prepared['x-reference'] !== undefined) return openReference(prepared);
  const isStrict = prepared['additionalProperties'] === false && prepared['x-secret'] !== true;
  return isStrict ? openForExtensions(prepared) : prepared;
}

function openForExtensions(schema: JsonSchema): JsonSchema {
  const patterns = isRecord(schema['patternProperties']) ? schema['patternProperties'] : {};
  return { ...schema, patternProperties: { ...patterns, [extensionPattern]: true }, 'x-extensible': true };
}

function openReference(schema: JsonSchema): JsonSchema {
  const kind = schema['x-reference'];
  return {
    ...schema,
    then: { type: 'string', pattern: namePattern, 'x-hint': `the name of a ${String(kind)}` },
    ...(componentKinds.has(kind) && { else: { $ref: `#/$defs/${String(kind)}` } }),
  };
}
