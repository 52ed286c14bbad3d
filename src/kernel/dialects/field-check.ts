import { SluiceError } from '../errors.ts';
import { isObject, jsonType, type JsonObject } from '../json/json-value.ts';

/** Refuses a request with the path of the field, such as `messages[0].content`, and the reason. */
export function refuse(field: string, reason: string): never {
  throw new SluiceError('REQUEST_INVALID', { details: { field, reason } });
}

/** Refuses a value of the wrong type: "expected a string, got number". `expected` comes with its article. */
export function refuseType(field: string, expected: string, value: unknown): never {
  refuse(
    field,
    value === undefined ? `expected ${expected}, got nothing` : `expected ${expected}, got ${jsonType(value)}`,
  );
}

export function checkObject(value: unknown, field: string): JsonObject {
  return isObject(value) ? value : refuseType(field, 'an object', value);
}

export function checkList(value: unknown, field: string): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : refuseType(field, 'an array', value);
}

export function checkString(value: unknown, field: string): string {
  return typeof value === 'string' ? value : refuseType(field, 'a string', value);
}

/** A name or an id: a string with something in it. */
export function checkFilled(value: unknown, field: string): string {
  const text = checkString(value, field);
  return text === '' ? refuse(field, 'expected a string with something in it, got an empty one') : text;
}

export function checkBoolean(value: unknown, field: string): boolean {
  return typeof value === 'boolean' ? value : refuseType(field, 'a boolean', value);
}

export function checkNumber(value: unknown, field: string): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : refuseType(field, 'a number', value);
}

/** An integer of at least `minimum`. */
export function checkInteger(value: unknown, field: string, minimum = Number.MIN_SAFE_INTEGER): number {
  const number = checkNumber(value, field);
  if (!Number.isInteger(number)) refuse(field, `expected an integer, got ${number}`);
  return number >= minimum ? number : refuse(field, `expected at least ${minimum}, got ${number}`);
}

/** One of a few words. */
export function checkWord<const W extends string>(value: unknown, words: readonly W[], field: string): W {
  const text = checkString(value, field);
  const word = words.find((candidate) => candidate === text);
  return word ?? refuse(field, `expected one of ${words.join(', ')}, got "${text.slice(0, 64)}"`);
}

/** Refuses keys that are not known: a misspelled setting must not be silently without effect. */
export function checkKeys(object: JsonObject, known: readonly string[], field: string): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const name = unknown.slice(0, 64);
  refuse(field === '' ? name : `${field}.${name}`, `there is no such field; known are ${known.join(', ')}`);
}
