import { describeCause } from '../kernel/errors.ts';
import type { Log } from '../kernel/run.ts';

/** The record of a run, as far as a person wants it. Times are in milliseconds. */
export interface RunRecord {
  readonly backend?: string;
  readonly revision?: string;
  readonly outcome?: string;
  readonly code?: string;
  readonly milliseconds?: number;
  readonly firstContentMilliseconds?: number;
  readonly outputTokens?: number;
  /** By name of the step: a result of a processor, or how many things a modifier changed. */
  readonly steps?: Readonly<Record<string, string | number>>;
}

/** Records of runs that nobody has asked for yet. */
const maxRecords = 16;

/** A log that keeps the records of runs, and hands on what an operator would have to look at. */
export class RunLog implements Log {
  readonly #onTrouble: (line: string) => void;
  readonly #records = new Map<string, RunRecord>();

  constructor(onTrouble: (line: string) => void) {
    this.#onTrouble = onTrouble;
  }

  debug(): void {}

  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep(message, fields);
  }

  warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (!this.#keep(message, fields)) this.#onTrouble(lineOf(message, fields));
  }

  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#onTrouble(lineOf(message, fields));
  }

  /** The record of a run, once. */
  take(run: string | undefined): RunRecord | undefined {
    const record = this.#records.get(run ?? '');
    this.#records.delete(run ?? '');
    return record;
  }

  #keep(message: string, { run, ...fields }: Readonly<Record<string, unknown>>): boolean {
    if (message !== 'run ended' || typeof run !== 'string') return false;
    const [oldest] = this.#records.keys();
    if (this.#records.size >= maxRecords && oldest !== undefined) this.#records.delete(oldest);
    this.#records.set(run, fields as RunRecord);
    return true;
  }
}

function lineOf(message: string, fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`);
  return [message, ...shown].join('  ');
}

function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return describeCause(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
