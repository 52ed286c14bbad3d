import type { RE2JS } from 're2js';
import type { SortedNames } from './json-prefix-names.ts';

/** What a JSON value can be, told by its first character; one bit each, so that a set of them is a number. */
export const jsonKinds = { null: 1, true: 2, false: 4, number: 8, string: 16, object: 32, array: 64 } as const;
export const allKinds = 127;

/** Where a text stopped being the beginning of a document that is asked for. */
export interface JsonMistake {
  /** The keyword of the schema that refuses it; `syntax`, `depth`, `repeated key`, `unfinished` and others are ours. */
  readonly keyword: string;
  /** JSON pointer. A key that the schema does not name is shown as `*`, because it is text of the answer. */
  readonly pointer: string;
}

export interface StringRules {
  readonly minLength: number;
  readonly maxLength: number;
  readonly pattern?: RE2JS;
  /** The only strings that are allowed. */
  values?: SortedNames;
}

export interface NumberRules {
  readonly integer: boolean;
  /** The schema asks for a number by name; then one beyond the range of a double is none. */
  readonly finite: boolean;
  readonly minimum: number;
  readonly exclusiveMinimum: number;
  readonly maximum: number;
  readonly exclusiveMaximum: number;
  readonly multipleOf?: number;
  values?: ReadonlySet<number>;
}

export interface ObjectRules {
  /** Names in `properties` and `required`, sorted; the lists beside it go by their places. */
  readonly names: SortedNames;
  readonly properties: readonly (SchemaNode | undefined)[];
  readonly required: readonly boolean[];
  readonly requiredCount: number;
  readonly patterns: readonly { readonly pattern: RE2JS; readonly node: SchemaNode }[];
  readonly additional: SchemaNode;
  /** No key but a listed one is allowed, so a key is decided character by character. */
  readonly closed: boolean;
  readonly propertyNames?: SchemaNode;
  readonly minProperties: number;
  readonly maxProperties: number;
}

export interface ArrayRules {
  readonly prefix: readonly SchemaNode[];
  readonly items: SchemaNode;
  readonly minItems: number;
  readonly maxItems: number;
  readonly unique: boolean;
}

/** Alternatives that are followed side by side. */
export interface GroupRules {
  readonly kind: 'anyOf' | 'oneOf' | 'not';
  readonly nodes: readonly SchemaNode[];
}

/** The keywords of one schema object. */
export interface SchemaPart {
  /** Kinds that `type` allows. */
  types: number;
  /** Kinds that are allowed at all, by `type`, by `enum` and by a `not` that names types. */
  kinds: number;
  /** The values are listed, by `enum` or `const`. */
  listed: boolean;
  /** A number may begin with a minus sign. */
  negative: boolean;
  /** Kinds of values that must be followed beyond their first character. */
  follows: number;
  /** The keyword that is told where no kind is allowed: the one under which the schema `false` stands. */
  readonly name: string;
  string?: StringRules;
  number?: NumberRules;
  object?: ObjectRules;
  array?: ArrayRules;
  readonly groups: GroupRules[];
}

/** A schema: all of its parts must hold for a value. */
export interface SchemaNode {
  /** Its own part, and those of `$ref` and `allOf`, each once. */
  parts: readonly SchemaPart[];
  /** Everything is valid. */
  always: boolean;
  /** Nothing is valid, whatever its kind. */
  never: boolean;
}
