/** A JSON object whose fields are not yet known. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const fieldName = /^[a-z][a-z0-9_-]{0,48}$/i;

/** True for a key that looks like the name of a field, and not like words of somebody. */
export function isFieldName(key: string): boolean {
  return fieldName.test(key);
}

/** True for a field that is there and says something: neither absent nor null. */
export function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The object under a name, or undefined. */
export function level(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = object?.[name];
  return isObject(value) ? value : undefined;
}

/** A string with something in it; everything else is undefined. */
export function filledString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The type of a JSON value in the words of an error message: `null`, `array`, `string`, ... */
export function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return value === undefined ? 'nothing' : typeof value;
}

/** The fields that are not in `known`, or undefined where there are none. */
export function otherFields(object: JsonObject, known: ReadonlySet<string>): Record<string, unknown> | undefined {
  let others: [string, unknown][] | undefined;
  for (const name of Object.keys(object)) {
    if (!known.has(name)) (others ??= []).push([name, object[name]]);
  }
  return others === undefined ? undefined : Object.fromEntries(others);
}

/** The object, or undefined where it has no field. */
export function orNothing<T extends object>(object: T): T | undefined {
  return Object.keys(object).length > 0 ? object : undefined;
}

/** Equality of two JSON documents; the order of keys does not count. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => sameJson(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && sameJson(left[name], right[name]))
  );
}
