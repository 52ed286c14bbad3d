import { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { destination, pino, type DestinationStream } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import { describeCause, SluiceError } from '../kernel/errors.ts';
import { currentRun, type Log } from '../kernel/run.ts';

export interface LogOptions {
  /** Least level that is written. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly clock: Clock;
  /** Takes one line at a time; standard error by default. */
  readonly destination?: DestinationStream;
}

type Level = keyof Log;
type Fields = Readonly<Record<string, unknown>>;

const STDERR = 2;
/** Bytes that may wait for a slow reader of the log; beyond it lines are dropped, never held in memory without end. */
const MAX_WAITING_BYTES = 16 * 1_048_576;
/** Longer text in a field is cut. */
const MAX_FIELD_CHARACTERS = 2_000;
/** Keys of the line itself; a field of the same name is written with an underscore before it. */
const lineKeys: ReadonlySet<string> = new Set(['level', 'time', 'message', 'run']);

/** The log of a process, which must be closed before it ends, or its last lines may come in another order. */
export interface ProcessLog extends Log {
  /** Resolves when everything is written. What is logged later is dropped. */
  close(): Promise<void>;
}

/**
 * The log of the process: JSON lines `{"level","time","run"?,"message",...fields}`. An error in a field becomes a short
 * account of it and of its causes, and a SluiceError adds its `context`. A Secret shows its name only. Never throws,
 * and never waits for a slow reader.
 */
export function createLog({ level, clock, destination: target }: LogOptions): ProcessLog {
  const stream = target ?? openStandardError();
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(clock.wallTime()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  let closed = false;
  const write = (at: Level, message: string, makeLine: () => Fields): boolean => {
    try {
      if (!closed && logger.isLevelEnabled(at)) logger[at](makeLine(), message);
      return true;
    } catch {
      return false;
    }
  };
  const writer =
    (at: Level) =>
    (message: string, fields: Fields = {}) => {
      if (!write(at, message, () => lineOf(fields))) write(at, message, () => ({ unreadable: Object.keys(fields) }));
    };
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    if (stream instanceof EventEmitter && 'end' in stream) await ended(stream as ReturnType<typeof destination>);
  };
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error'), close };
}

function openStandardError(): ReturnType<typeof destination> {
  const stream = destination({ dest: STDERR, sync: false, maxLength: MAX_WAITING_BYTES });
  // A log that can't be written must not end the process that serves.
  return stream.on('error', () => {});
}

function ended(stream: ReturnType<typeof destination>): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.once('error', () => resolve());
    stream.end();
  });
}

function lineOf(fields: Fields): Record<string, unknown> {
  const run = fields['run'] ?? currentRun.getStore()?.runId;
  const line: Record<string, unknown> = run === undefined ? {} : { run };
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'run') continue;
    line[lineKeys.has(key) ? `_${key}` : key] = plain(value);
    if (value instanceof SluiceError && fields['context'] === undefined && Object.keys(value.context).length > 0)
      line['context'] = value.context;
  }
  return line;
}

function plain(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > MAX_FIELD_CHARACTERS ? `${value.slice(0, MAX_FIELD_CHARACTERS)}...` : value;
  return isErrorLike(value) ? describeCause(value) : value;
}

/** True for errors of every realm; a DOMException, such as the reason of an abort, is one too. */
export function isErrorLike(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}
