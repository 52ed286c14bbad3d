import { isScalar, listedValues, spelledOut } from './json-prefix-constant.ts';
import { JsonSchemaFollower } from './json-prefix-follower.ts';
import { checkKeywords, refuseSchema, typeNames } from './json-prefix-keywords.ts';
import { SortedNames } from './json-prefix-names.ts';
import {
  allKinds,
  jsonKinds,
  type ArrayRules,
  type GroupRules,
  type NumberRules,
  type ObjectRules,
  type SchemaNode,
  type SchemaPart,
  type StringRules,
} from './json-prefix-node.ts';
import { compileJsonPattern } from './json-prefix-pattern.ts';
import { JsonPrefixReader, readerStates } from './json-prefix-reader.ts';
import { isObject, type JsonObject } from './json-value.ts';

/** Schema objects in one schema, those counted that keywords are spelled out to. */
const maxNodes = 20_000;
const maxSchemaDepth = 128;

interface Draft extends SchemaNode {
  readonly pointer: string;
  readonly own: SchemaPart;
  /** Nodes of `$ref` and `allOf`. */
  readonly also: readonly SchemaNode[];
}

/**
 * Compiles a JSON Schema (2020-12) for documents that are checked while they arrive. Throws a TypeError with the JSON
 * pointer of a keyword that is wrong or not supported, of a `$ref` that leads nowhere or into a circle without an end, and
 * of a pattern that no linear engine can run.
 */
export function compileJsonSchema(schema: unknown): SchemaNode {
  const compiler = new Compiler(schema);
  const root = compiler.node(schema, '', 'false');
  compiler.link();
  return root;
}

class Compiler {
  readonly #document: unknown;
  readonly #nodes = new Map<unknown, Draft>();
  readonly #drafts: Draft[] = [];
  #depth = 0;

  constructor(document: unknown) {
    this.#document = document;
  }

  /** The node of a schema; one for each object, so circles close. `name` is the keyword that a `false` is told by. */
  node(schema: unknown, pointer: string, name: string): SchemaNode {
    const known = isObject(schema) ? this.#nodes.get(schema) : undefined;
    if (known !== undefined) return known;
    if (!isObject(schema) && typeof schema !== 'boolean') return refuseSchema(pointer, 'a schema is expected');
    if (this.#drafts.length >= maxNodes) refuseSchema(pointer, `there are more than ${maxNodes} schemas`);
    if (this.#depth >= maxSchemaDepth) refuseSchema(pointer, `it is nested deeper than ${maxSchemaDepth} levels`);
    const types = schema === false ? 0 : allKinds;
    const own: SchemaPart = { types, kinds: types, listed: false, negative: true, follows: 0, name, groups: [] };
    const also: SchemaNode[] = [];
    const draft: Draft = { pointer, own, also, parts: [own], always: schema === true, never: schema === false };
    this.#drafts.push(draft);
    if (typeof schema === 'boolean') return draft;
    this.#nodes.set(schema, draft);
    checkKeywords(schema, pointer);
    this.#depth += 1;
    this.#fill(schema, draft, also);
    this.#depth -= 1;
    return draft;
  }

  /** Joins the parts that hold for the same value, then leaves out what can't be chosen anyway. */
  link(): void {
    const done = new Set<SchemaNode>();
    for (const draft of this.#drafts) refuseCircle(draft, new Set(), done);
    for (const draft of this.#drafts) draft.parts = [...partsOf(draft, new Set())];
    for (const draft of this.#drafts) judge(draft);
    for (const draft of this.#drafts) chooseValues(draft);
    for (const draft of this.#drafts) judge(draft);
  }

  #fill(schema: JsonObject, draft: Draft, also: SchemaNode[]): void {
    const { own, pointer } = draft;
    const values = listedValues(schema);
    const scalars = values?.every(isScalar) === true ? values : undefined;
    own.types = typesOf(schema);
    own.listed = scalars !== undefined;
    own.kinds = own.types & (scalars === undefined ? allKinds : kindsOf(scalars));
    const string = stringRules(schema, pointer, scalars);
    const number = numberRules(schema, scalars);
    const object = this.#objectRules(schema, pointer);
    const array = this.#arrayRules(schema, pointer);
    if (string) own.string = string;
    if (number) own.number = number;
    if (object) own.object = object;
    if (array) own.array = array;
    own.negative = number === undefined || mayBeNegative(number);
    own.follows =
      (string ? jsonKinds.string : 0) |
      (number ? jsonKinds.number : 0) |
      (object ? jsonKinds.object : 0) |
      (array ? jsonKinds.array : 0);
    for (const kind of ['anyOf', 'oneOf', 'not'] as const) this.#addGroup(schema, kind, draft);
    if (typeof schema['$ref'] === 'string') also.push(this.#target(schema['$ref'], `${pointer}/$ref`));
    also.push(...this.#list(schema, 'allOf', pointer));
    for (const further of spelledOut(schema)) also.push(this.node(further, pointer, 'enum'));
    for (const map of ['$defs', 'definitions']) {
      for (const [name, inner] of Object.entries(schema[map] ?? {}))
        this.node(inner, `${pointer}/${map}/${token(name)}`, map);
    }
    if (schema['if'] !== undefined) this.node(schema['if'], `${pointer}/if`, 'if');
  }

  #addGroup(schema: JsonObject, kind: GroupRules['kind'], { own, pointer }: Draft): void {
    const inner = schema[kind];
    if (inner === undefined) return;
    const nodes = kind === 'not' ? [this.node(inner, `${pointer}/not`, 'not')] : this.#list(schema, kind, pointer);
    own.groups.push({ kind, nodes });
    // That a value is not of a type is known at its first character.
    if (kind === 'not' && isObject(inner) && Object.keys(inner).join() === 'type') own.kinds &= ~wholeTypesOf(inner);
  }

  #list(schema: JsonObject, keyword: string, pointer: string): SchemaNode[] {
    const list = (schema[keyword] ?? []) as readonly unknown[];
    return list.map((inner, index) => this.node(inner, `${pointer}/${keyword}/${index}`, keyword));
  }

  #target(reference: string, pointer: string): SchemaNode {
    if (!/^#(?:\/|$)/.test(reference))
      refuseSchema(pointer, 'a "$ref" must point into the schema itself, as "#/$defs/name"');
    let target = this.#document;
    for (const step of reference.split('/').slice(1)) {
      const name = decodeToken(step, pointer);
      const isThere = typeof target === 'object' && target !== null && Object.hasOwn(target, name);
      if (!isThere) refuseSchema(pointer, `"${reference.slice(0, 100)}" leads nowhere`);
      target = (target as JsonObject)[name];
    }
    return this.node(target, reference.slice(1), '$ref');
  }

  #objectRules(schema: JsonObject, pointer: string): ObjectRules | undefined {
    const keywords = ['properties', 'patternProperties', 'additionalProperties', 'propertyNames', 'required'];
    if (![...keywords, 'minProperties', 'maxProperties'].some((keyword) => schema[keyword] !== undefined))
      return undefined;
    const properties = (schema['properties'] ?? {}) as JsonObject;
    const required = new Set((schema['required'] ?? []) as readonly string[]);
    const names = new SortedNames([...Object.keys(properties), ...required]);
    const additional = schema['additionalProperties'] ?? true;
    const patterns = Object.entries((schema['patternProperties'] ?? {}) as JsonObject).map(([pattern, inner]) => {
      const place = `${pointer}/patternProperties/${token(pattern)}`;
      return { pattern: compileAt(pattern, place), node: this.node(inner, place, 'patternProperties') };
    });
    const nameRule = schema['propertyNames'];
    return {
      names,
      properties: names.list.map((name) =>
        Object.hasOwn(properties, name)
          ? this.node(properties[name], `${pointer}/properties/${token(name)}`, 'properties')
          : undefined,
      ),
      required: names.list.map((name) => required.has(name)),
      requiredCount: required.size,
      patterns,
      additional: this.node(additional, `${pointer}/additionalProperties`, 'additionalProperties'),
      closed: additional === false && patterns.length === 0,
      ...(nameRule !== undefined && {
        propertyNames: this.node(nameRule, `${pointer}/propertyNames`, 'propertyNames'),
      }),
      minProperties: bound(schema['minProperties'], 0),
      maxProperties: bound(schema['maxProperties'], Number.POSITIVE_INFINITY),
    };
  }

  #arrayRules(schema: JsonObject, pointer: string): ArrayRules | undefined {
    const keywords = ['prefixItems', 'items', 'minItems', 'maxItems', 'uniqueItems'];
    if (!keywords.some((keyword) => schema[keyword] !== undefined)) return undefined;
    return {
      prefix: this.#list(schema, 'prefixItems', pointer),
      items: this.node(schema['items'] ?? true, `${pointer}/items`, 'items'),
      minItems: bound(schema['minItems'], 0),
      maxItems: bound(schema['maxItems'], Number.POSITIVE_INFINITY),
      unique: schema['uniqueItems'] === true,
    };
  }
}

function stringRules(
  schema: JsonObject,
  pointer: string,
  scalars: readonly unknown[] | undefined,
): StringRules | undefined {
  const { pattern, minLength, maxLength } = schema;
  const values = scalars?.filter((value) => typeof value === 'string');
  if ((values?.length ?? 0) === 0 && pattern === undefined && minLength === undefined && maxLength === undefined)
    return undefined;
  return {
    minLength: bound(minLength, 0),
    maxLength: bound(maxLength, Number.POSITIVE_INFINITY),
    ...(typeof pattern === 'string' && { pattern: compileAt(pattern, `${pointer}/pattern`) }),
    ...(values !== undefined && { values: new SortedNames(values) }),
  };
}

function numberRules(schema: JsonObject, scalars: readonly unknown[] | undefined): NumberRules | undefined {
  const names = typeNames(schema['type']);
  const isNamed = names.includes('number') || names.includes('integer');
  const { multipleOf } = schema;
  const keywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
  const values = scalars?.filter((value) => typeof value === 'number');
  if (!isNamed && (values?.length ?? 0) === 0 && !keywords.some((keyword) => schema[keyword] !== undefined))
    return undefined;
  return {
    integer: names.includes('integer') && !names.includes('number'),
    finite: isNamed,
    minimum: bound(schema['minimum'], Number.NEGATIVE_INFINITY),
    exclusiveMinimum: bound(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY),
    maximum: bound(schema['maximum'], Number.POSITIVE_INFINITY),
    exclusiveMaximum: bound(schema['exclusiveMaximum'], Number.POSITIVE_INFINITY),
    ...(typeof multipleOf === 'number' && { multipleOf }),
    ...(values !== undefined && { values: new Set(values) }),
  };
}

/** `-0` is a number from 0 on, and so is what is too small for a double. */
function mayBeNegative({ minimum, exclusiveMinimum, values }: NumberRules): boolean {
  if (minimum > 0 || exclusiveMinimum >= 0) return false;
  return values === undefined || [...values].some((value) => value <= 0);
}

function bound(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function compileAt(pattern: string, pointer: string): ReturnType<typeof compileJsonPattern> {
  try {
    return compileJsonPattern(pattern);
  } catch (error) {
    return refuseSchema(pointer, String(Object(error).message));
  }
}

/** A name as it stands in a JSON pointer. */
function token(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function decodeToken(step: string, pointer: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return refuseSchema(pointer, 'a "$ref" must be a JSON pointer');
  }
}

function typesOf(schema: JsonObject): number {
  if (schema['type'] === undefined) return allKinds;
  let kinds = 0;
  for (const name of typeNames(schema['type'])) {
    if (name === 'boolean') kinds |= jsonKinds.true | jsonKinds.false;
    else if (name === 'integer') kinds |= jsonKinds.number;
    else kinds |= jsonKinds[name as keyof typeof jsonKinds];
  }
  return kinds;
}

/** Kinds of which every value is of the type; not every number is an integer. */
function wholeTypesOf(schema: JsonObject): number {
  const names = typeNames(schema['type']);
  return names.includes('number') ? typesOf(schema) : typesOf({ type: names.filter((name) => name !== 'integer') });
}

function kindsOf(scalars: readonly unknown[]): number {
  let kinds = 0;
  for (const value of scalars) {
    const name = typeof value === 'string' || typeof value === 'number' ? typeof value : String(value);
    kinds |= jsonKinds[name as keyof typeof jsonKinds];
  }
  return kinds;
}

function isFree({ kinds, follows, groups }: SchemaPart): boolean {
  return kinds === allKinds && follows === 0 && groups.length === 0;
}

function judge(draft: Draft): void {
  draft.never = draft.parts.some(({ kinds }) => kinds === 0);
  draft.always = draft.parts.every(isFree);
}

/** All nodes that must hold for the same value. */
function inPlace(node: SchemaNode): readonly SchemaNode[] {
  const { also, own } = node as Draft;
  return [...also, ...own.groups.flatMap(({ nodes }) => nodes)];
}

function refuseCircle(node: SchemaNode, above: Set<SchemaNode>, done: Set<SchemaNode>): void {
  if (done.has(node)) return;
  if (above.has(node)) refuseSchema((node as Draft).pointer, 'it refers to itself without an end');
  above.add(node);
  for (const inner of inPlace(node)) refuseCircle(inner, above, done);
  above.delete(node);
  done.add(node);
}

function partsOf(node: SchemaNode, parts: Set<SchemaPart>): Set<SchemaPart> {
  const { own, also } = node as Draft;
  if (parts.has(own)) return parts;
  parts.add(own);
  for (const inner of also) partsOf(inner, parts);
  return parts;
}

/** Leaves only those values of an `enum` to choose from that the keywords beside it allow. */
function chooseValues(draft: Draft): void {
  const { own } = draft;
  const strings = own.string?.values?.list ?? [];
  const numbers = [...(own.number?.values ?? [])];
  if (strings.length === 0 && numbers.length === 0) return;
  const isValid = (value: unknown): boolean => isValidJson(draft, JSON.stringify(value));
  const validStrings = strings.filter(isValid);
  const validNumbers = numbers.filter(isValid);
  if (own.string?.values !== undefined) own.string.values = new SortedNames(validStrings);
  if (own.number?.values !== undefined) own.number.values = new Set(validNumbers);
  if (strings.length > 0 && validStrings.length === 0) own.kinds &= ~jsonKinds.string;
  if (numbers.length > 0 && validNumbers.length === 0) own.kinds &= ~jsonKinds.number;
  if (own.number !== undefined) own.negative = mayBeNegative(own.number);
}

/** Whether a whole document is valid. */
export function isValidJson(node: SchemaNode, json: string): boolean {
  const reader = new JsonPrefixReader(new JsonSchemaFollower(node), true);
  reader.read(json);
  reader.finish();
  return reader.state === readerStates.done && reader.mistake === undefined;
}

/** Kinds that a document may be of. */
export function startingKinds({ parts }: SchemaNode): number {
  let kinds = allKinds;
  for (const part of parts) {
    kinds &= part.kinds;
    for (const { kind, nodes } of part.groups) {
      if (kind !== 'not') kinds &= nodes.reduce((sum, node) => sum | startingKinds(node), 0);
    }
  }
  return kinds;
}
