import { at, join, readFields, readList, readText, refuse, type Fields } from './reading.ts';

const types = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const openApiWords = new Set([
  'type',
  'format',
  'title',
  'description',
  'nullable',
  'enum',
  'maxItems',
  'minItems',
  'properties',
  'required',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'example',
  'anyOf',
  'propertyOrdering',
  'default',
  'items',
  'minimum',
  'maximum',
]);

/** A JSON Schema of an object, as tools take it. */
export function readObjectSchema(value: unknown, path: string): unknown {
  const schema = readFields(value, path);
  checkTypes(schema, path);
  return schema['type'] === 'object' ? schema : refuse(join(path, 'type'), 'must be "object"');
}

/** A JSON Schema with types in lower case. */
export function readSchema(value: unknown, path: string): unknown {
  const schema = readFields(value, path);
  checkTypes(schema, path);
  return schema;
}

/** Every object says that it takes no further properties; with `all`, it also requires each of its own. */
export function checkClosed(value: unknown, path: string, all: boolean): void {
  eachSchema(value, path, (schema, place) => {
    if (schema['type'] !== 'object') return;
    if (schema['additionalProperties'] !== false) refuse(place, 'additionalProperties must be false');
    if (!all) return;
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    const properties = Object.keys(readFields(schema['properties'] ?? {}, join(place, 'properties')));
    const missing = properties.filter((name) => !required.includes(name));
    if (missing.length > 0) refuse(join(place, 'required'), `must hold every property: ${missing.join(', ')}`);
  });
}

/** A schema in the subset of OpenAPI, with its types in lower case as JSON Schema has them. */
export function readOpenApiSchema(value: unknown, path: string): unknown {
  const schema = readFields(value, path, openApiWords);
  if (schema['enum'] !== undefined && lower(schema['type']) !== 'string')
    refuse(join(path, 'enum'), 'only allowed for STRING type');
  const read: Record<string, unknown> = { ...schema };
  if (schema['type'] !== undefined) read['type'] = readType(schema['type'], join(path, 'type'));
  if (schema['items'] !== undefined) read['items'] = readOpenApiSchema(schema['items'], join(path, 'items'));
  if (schema['properties'] !== undefined) read['properties'] = readProperties(schema['properties'], path);
  if (schema['anyOf'] !== undefined)
    read['anyOf'] = readList(schema['anyOf'], join(path, 'anyOf')).map((item, index) =>
      readOpenApiSchema(item, at(join(path, 'anyOf'), index)),
    );
  const required = schema['required'] === undefined ? [] : readList(schema['required'], join(path, 'required'));
  for (const name of required)
    if (!Object.hasOwn(readFields(schema['properties'] ?? {}, path), String(name)))
      refuse(join(path, 'required'), `property "${String(name)}" is not defined`);
  return read;
}

function readProperties(value: unknown, path: string): Fields {
  const place = join(path, 'properties');
  const entries = Object.entries(readFields(value, place));
  return Object.fromEntries(entries.map(([name, schema]) => [name, readOpenApiSchema(schema, join(place, name))]));
}

function readType(value: unknown, path: string): string {
  const word = readText(value, path).toLowerCase();
  return types.has(word) ? word : refuse(path, `"${word}" is no type`);
}

function checkTypes(value: unknown, path: string): void {
  eachSchema(value, path, (schema, place) => {
    const { type } = schema;
    if (type === undefined) return;
    for (const word of Array.isArray(type) ? type : [type])
      if (typeof word !== 'string' || !types.has(word))
        refuse(join(place, 'type'), `${JSON.stringify(word)} is no type`);
  });
}

function eachSchema(value: unknown, path: string, visit: (schema: Fields, path: string) => void): void {
  if (typeof value === 'boolean') return;
  const schema = readFields(value, path);
  visit(schema, path);
  for (const key of ['properties', '$defs', 'definitions']) {
    if (schema[key] === undefined) continue;
    const holder = readFields(schema[key], join(path, key));
    for (const [name, inner] of Object.entries(holder)) eachSchema(inner, join(join(path, key), name), visit);
  }
  for (const key of ['anyOf', 'allOf', 'oneOf'])
    if (Array.isArray(schema[key]))
      for (const [index, inner] of schema[key].entries()) eachSchema(inner, at(join(path, key), index), visit);
  if (typeof schema['items'] === 'object') eachSchema(schema['items'], join(path, 'items'), visit);
}

function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}
