import type { NeutralReading, NeutralToolCall } from '../neutral.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What the official client of a dialect would not take: an answer that holds it reads as cut. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** The error form of a dialect, where a client expected an answer. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';
  readonly error: NonNullable<NeutralReading['error']>;

  constructor(error: NonNullable<NeutralReading['error']>) {
    super(error.message);
    this.error = error;
  }
}

export function demand(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Violation(complaint);
}

export function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw new Violation(`no JSON: ${json.slice(0, 200)}`);
  }
}

export function object(value: unknown, what: string): Json {
  demand(isJson(value), `${what} is no object`);
  return value;
}

export function list(value: unknown, what: string): readonly unknown[] {
  demand(Array.isArray(value), `${what} is no list`);
  return value as unknown[];
}

export function text(value: unknown, what: string): string {
  demand(typeof value === 'string', `${what} is no text`);
  return value;
}

export function filled(value: unknown, what: string): string {
  demand(typeof value === 'string' && value !== '', `${what} is missing`);
  return value;
}

export function count(value: unknown, what: string): number {
  demand(typeof value === 'number' && Number.isInteger(value) && value >= 0, `${what} is no count`);
  return value;
}

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const given = (value: unknown): boolean => value !== undefined && value !== null;

/** What a client has read so far; the readers of all dialects fill one. */
export interface Draft {
  text: string;
  reasoning: string;
  signature?: string;
  toolCalls: NeutralToolCall[];
  finish?: NonNullable<NeutralReading['answer']['finish']>;
  usage?: NonNullable<NeutralReading['answer']['usage']>;
}

/**
 * Runs a reader over a draft. The reader returns at the dialect's good end, throws a ReportedError for its error form and
 * a Violation for whatever the official client would reject.
 */
export function reading(read: (draft: Draft) => void): NeutralReading {
  const answer: Draft = { text: '', reasoning: '', toolCalls: [] };
  try {
    read(answer);
    return { answer, end: 'ok' };
  } catch (error) {
    if (error instanceof ReportedError) return { answer, end: 'error', error: error.error };
    if (error instanceof Violation) return { answer, end: 'cut', error: { message: error.message } };
    throw error;
  }
}

/** What a turn holds beyond its text and calls, as one text that only its own client can open. */
export const seal = (replay: unknown): string => `replay:${JSON.stringify(replay)}`;

export function unseal(signature: string | undefined): unknown {
  return signature?.startsWith('replay:') ? (JSON.parse(signature.slice(7)) as unknown) : undefined;
}

/** The fields that are not undefined. */
export function compact(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A copy of a value of JSON. */
export const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
