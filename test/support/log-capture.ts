import type { Log, Meter } from '../../src/kernel/run.ts';

export type LogLevel = keyof Log;

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Everything in the line that is text, as it was when it was logged: keys, causes, stacks, bytes, getters. */
  readonly text: string;
}

/** A log that keeps its lines, so that a test can ask what was said and that no secret was. */
export class LogCapture implements Log {
  readonly lines: LogLine[] = [];

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#record('debug', message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#record('info', message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#record('warn', message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#record('error', message, fields);
  }

  /** The messages of one level, or of all. */
  messages(level?: LogLevel): readonly string[] {
    return this.lines.filter((line) => level === undefined || line.level === level).map((line) => line.message);
  }

  /** All text of all lines. */
  text(): string {
    return this.lines.map((line) => line.text).join('\n');
  }

  #record(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level, message, fields, text: `${level} ${message} ${textWithin(fields)}` });
  }
}

/** Counters as plain numbers; a name that was never counted is 0. */
export class MeterCapture implements Meter {
  readonly #counts = new Map<string, number>();

  count(name: string, amount = 1): void {
    this.#counts.set(name, this.value(name) + amount);
  }

  value(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All counters, by name. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([left], [right]) => (left < right ? -1 : 1)));
  }
}

/** Nested deeper than this nothing is looked at; no log line of ours comes near it. */
const DEEPEST = 32;

/**
 * Every piece of text that can be reached from a value, joined by blanks. More than a log writes in truth: what is found
 * here could be written by some serialiser.
 */
export function textWithin(value: unknown): string {
  const parts: string[] = [];
  collect(value, parts, new Set(), 0);
  return parts.join(' ');
}

function collect(value: unknown, parts: string[], seen: Set<unknown>, depth: number): void {
  if (typeof value === 'string') return void parts.push(value);
  if (typeof value === 'symbol' || typeof value === 'function') return void parts.push(String(value));
  if (typeof value !== 'object' || value === null) return void parts.push(String(value));
  if (seen.has(value) || depth > DEEPEST) return;
  seen.add(value);
  if (ArrayBuffer.isView(value))
    return void parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  if (speaksForItself(value)) parts.push(value.toString());
  if (isCollection(value)) for (const item of value) collect(item, parts, seen, depth + 1);
  for (const key of keysOf(value)) {
    parts.push(key);
    collect(read(value, key), parts, seen, depth + 1);
  }
}

/** URL, Date and RegExp of any realm, whose text is in none of their fields. */
function speaksForItself(value: object): value is URL | Date | RegExp {
  return /^\[object (?:URL|Date|RegExp)\]$/.test(Object.prototype.toString.call(value));
}

/** Map, Set, Headers and their like of any realm; not an iterator, which reading would use up. */
function isCollection(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && !('next' in value) && !Array.isArray(value);
}

/** Own keys, hidden ones too, and what an error inherits: `name` and `message` may stand on the prototype. */
function keysOf(value: object): readonly string[] {
  const own = Object.getOwnPropertyNames(value);
  return 'stack' in value ? [...new Set([...own, 'name', 'message', 'stack', 'cause'])] : own;
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch (error) {
    return error;
  }
}
