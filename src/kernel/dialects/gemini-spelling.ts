import type { JsonObject } from '../json/json-value.ts';

/*
 * Gemini takes every field in two spellings, `inlineData` and `inline_data`, and null for a field that is not there.
 * Inside, fields have the first one; an error names the field as the client spelled it.
 */

/** A field of an object, and its path as the client spelled it. */
export interface Member {
  /** Undefined where the field is not there, or null. */
  readonly value: unknown;
  readonly field: string;
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelCase = (name: string): string =>
  name.replace(/(?<=[a-z0-9])_([a-z])/g, (_all, letter: string) => letter.toUpperCase());

/** The field `name` (in camel case) of an object at `place`; an empty place is the top of the body. */
export function member(object: JsonObject, name: string, place: string): Member {
  const other = snakeCase(name);
  const isOther = !Object.hasOwn(object, name) && Object.hasOwn(object, other);
  const spelled = isOther ? other : name;
  const value = Object.hasOwn(object, spelled) ? object[spelled] : undefined;
  return { value: value === null ? undefined : value, field: place === '' ? spelled : `${place}.${spelled}` };
}

/** The fields that are not in `known`, in camel case, or undefined where there are none. */
export function furtherFields(object: JsonObject, known: ReadonlySet<string>): Record<string, unknown> | undefined {
  const further = Object.entries(object)
    .map(([name, value]) => [camelCase(name), value] as const)
    .filter(([name, value]) => !known.has(name) && value !== null);
  return further.length === 0 ? undefined : Object.fromEntries(further);
}

/** The names in both spellings. */
export function inBothSpellings(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name, snakeCase(name)]));
}

/** A repeated field. Gemini takes one value in the place of a list of one. */
export function repeated({ value }: Member): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
