import { refuse, refuseType } from '../dialects/field-check.ts';
import { isObject } from './json-value.ts';

const types: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const maxDepth = 64;
const schemaMaps = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'] as const;
const schemaLists = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const;
const schemas = ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames'] as const;

/**
 * Refuses what can be no JSON Schema, with the path of the keyword. Keywords that are not known here are left to the
 * provider: dialects have their own.
 */
export function checkJsonSchema(value: unknown, field: string, depth = 0): void {
  if (typeof value === 'boolean' && depth > 0) return;
  if (!isObject(value)) refuseType(field, 'a JSON Schema', value);
  if (depth > maxDepth) refuse(field, `the schema is nested deeper than ${maxDepth} levels`);
  checkType(value['type'], `${field}.type`);
  checkStrings(value['required'], `${field}.required`);
  if (value['enum'] !== undefined && !Array.isArray(value['enum']))
    refuseType(`${field}.enum`, 'an array', value['enum']);
  for (const keyword of schemaMaps) {
    const map = value[keyword];
    if (map === undefined) continue;
    if (!isObject(map)) refuseType(`${field}.${keyword}`, 'an object of schemas', map);
    for (const [name, schema] of Object.entries(map)) checkJsonSchema(schema, `${field}.${keyword}.${name}`, depth + 1);
  }
  for (const keyword of schemaLists) {
    const list = value[keyword];
    if (list === undefined) continue;
    if (!Array.isArray(list)) refuseType(`${field}.${keyword}`, 'an array of schemas', list);
    for (const [index, schema] of (list as unknown[]).entries())
      checkJsonSchema(schema, `${field}.${keyword}[${index}]`, depth + 1);
  }
  for (const keyword of schemas) {
    const schema = value[keyword];
    // Older drafts let `items` be a list.
    if (schema !== undefined && !(keyword === 'items' && Array.isArray(schema)))
      checkJsonSchema(schema, `${field}.${keyword}`, depth + 1);
  }
}

/** Gemini writes its types in capitals. */
function checkType(type: unknown, field: string): void {
  if (type === undefined) return;
  const names: readonly unknown[] = Array.isArray(type) ? type : [type];
  for (const name of names) {
    if (typeof name !== 'string') refuseType(field, 'the name of a type', name);
    if (!types.has(name.toLowerCase())) refuse(field, `there is no type "${name.slice(0, 64)}"`);
  }
}

function checkStrings(list: unknown, field: string): void {
  if (list === undefined) return;
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
    refuseType(field, 'an array of strings', list);
}
