import { isObject, jsonType, sameJson, type JsonObject } from './json-value.ts';

/** True for a value that is told by its text alone: no object and no array. */
export function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

/** A schema of simpler keywords for which only one value is valid. */
export function constantSchema(value: unknown): JsonObject {
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    const prefixItems = items.map(constantSchema);
    return { type: 'array', ...(items.length > 0 && { prefixItems }), items: false, minItems: items.length };
  }
  if (!isObject(value)) return { type: jsonType(value), enum: [value] };
  const entries = Object.entries(value).map(([key, item]) => [key, constantSchema(item)]);
  return {
    type: 'object',
    properties: Object.fromEntries(entries) as JsonObject,
    required: Object.keys(value),
    additionalProperties: false,
  };
}

/**
 * Keywords that are said in simpler ones, as schemas that must hold beside the rest: composite values of `enum` and
 * `const`, `if` with `then` and `else`, and the two `dependent` keywords.
 */
export function spelledOut(schema: JsonObject): JsonObject[] {
  const further: JsonObject[] = [];
  const values = listedValues(schema);
  if (values !== undefined && !values.every(isScalar)) {
    const scalars = values.filter(isScalar);
    const composites = values.filter((value) => !isScalar(value)).map(constantSchema);
    further.push({ anyOf: scalars.length > 0 ? [{ enum: scalars }, ...composites] : composites });
  }
  const { if: condition, then, else: otherwise, dependentRequired, dependentSchemas } = schema;
  if (condition !== undefined && then !== undefined) further.push({ anyOf: [{ not: condition }, then] });
  if (condition !== undefined && otherwise !== undefined) further.push({ anyOf: [condition, otherwise] });
  for (const [key, required] of Object.entries(dependentRequired ?? {}))
    further.push({ anyOf: [isWithout(key), { required: required as unknown }] });
  for (const [key, inner] of Object.entries(dependentSchemas ?? {}))
    further.push({ anyOf: [isWithout(key), inner as unknown] });
  return further;
}

/** The values of `const` and `enum` that are allowed by both; undefined without either. */
export function listedValues(schema: JsonObject): readonly unknown[] | undefined {
  const list = schema['enum'] as readonly unknown[] | undefined;
  if (!Object.hasOwn(schema, 'const')) return list;
  return list === undefined || list.some((value) => sameJson(value, schema['const'])) ? [schema['const']] : [];
}

function isWithout(key: string): JsonObject {
  return { not: { type: 'object', required: [key] } };
}
