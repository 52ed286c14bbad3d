/*
 * Reading of request bodies as strictly as the true services do. Every reader throws `Refused` with the path of the
 * value in the body.
 */

/** What a true API would answer with status 400. */
class Refused extends Error {
  constructor(path: string, words: string) {
    super(`${path === '' ? 'body' : path}: ${words}`);
    this.name = 'Refused';
  }
}

export type Fields = Readonly<Record<string, unknown>>;

interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

export function refuse(path: string, words: string): never {
  throw new Refused(path, words);
}

/** The body as an object. With `known`, any other field is refused. */
export function readBody(body: string, known?: ReadonlySet<string>): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return refuse('', 'is no JSON');
  }
  return readFields(value, '', known);
}

/** An object. With `known`, any other field of it is refused. */
export function readFields(value: unknown, path: string, known?: ReadonlySet<string>): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(path, `must be an object, is ${kindOf(value)}`);
  for (const key of Object.keys(value))
    if (known && !known.has(key)) refuse(join(path, key), 'is no field of this API');
  return value as Fields;
}

export function readList(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(path, `must be an array, is ${kindOf(value)}`);
}

export function readText(value: unknown, path: string): string {
  return typeof value === 'string' ? value : refuse(path, `must be a string, is ${kindOf(value)}`);
}

/** A string that is not empty and holds more than white space. */
export function readWords(value: unknown, path: string): string {
  const text = readText(value, path);
  return text.trim() === '' ? refuse(path, 'must not be blank') : text;
}

export function readMatch(value: unknown, path: string, pattern: RegExp): string {
  const text = readText(value, path);
  return pattern.test(text) ? text : refuse(path, `"${text}" does not match ${pattern.source}`);
}

export function readOneOf<const T extends string>(value: unknown, path: string, words: readonly T[]): T {
  return words.find((word) => word === value) ?? refuse(path, `must be one of ${words.join(', ')}, is ${show(value)}`);
}

export function readFlag(value: unknown, path: string): boolean {
  return typeof value === 'boolean' ? value : refuse(path, `must be true or false, is ${kindOf(value)}`);
}

export function readNumber(value: unknown, path: string, { min, max, integer = false }: Bounds = {}): number {
  if (typeof value !== 'number') return refuse(path, `must be a number, is ${kindOf(value)}`);
  if (integer && !Number.isInteger(value)) refuse(path, `must be an integer, is ${value}`);
  if (min !== undefined && value < min) refuse(path, `must be at least ${min}, is ${value}`);
  if (max !== undefined && value > max) refuse(path, `must be at most ${max}, is ${value}`);
  return value;
}

/** The value of a field that may be absent or null, read by `read`. */
export function optional<T>(
  holder: Fields,
  key: string,
  path: string,
  read: (value: unknown, path: string) => T,
): T | undefined {
  const value = holder[key];
  return value === undefined || value === null ? undefined : read(value, join(path, key));
}

/** A list of strings that are not blank; at most `most`. */
export function readStops(value: unknown, path: string, most: number): readonly string[] {
  const list = readList(value, path).map((item, index) => readWords(item, at(path, index)));
  return list.length > most ? refuse(path, `must not hold more than ${most} entries, holds ${list.length}`) : list;
}

/** Base64 with its padding, not empty. */
export function readBase64(value: unknown, path: string): string {
  const text = readText(value, path);
  const valid = text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return valid ? text : refuse(path, 'is no base64');
}

export function readWebAddress(value: unknown, path: string): string {
  const text = readText(value, path);
  const url = URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? text : refuse(path, 'is no http or https address');
}

/** JSON text that holds an object. */
export function readObjectText(value: unknown, path: string): unknown {
  const text = readText(value, path);
  try {
    return readFields(JSON.parse(text), path);
  } catch (error) {
    return error instanceof Refused ? refuse(path, error.message) : refuse(path, `is no JSON: ${text}`);
  }
}

/** A data URI in its parts; undefined for another address. */
export function readDataAddress(value: string, path: string): { mediaType: string; base64: string } | undefined {
  if (!value.startsWith('data:')) return undefined;
  const match = /^data:([a-z]+\/[a-z0-9.+-]+);base64,(.*)$/s.exec(value);
  if (match === null) return refuse(path, 'is no data URI with base64');
  return { mediaType: match[1] ?? '', base64: readBase64(match[2], path) };
}

/** The fields with those left out that are undefined. */
export function present<T extends object>(value: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

export function at(path: string, index: number): string {
  return `${path}[${index}]`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
