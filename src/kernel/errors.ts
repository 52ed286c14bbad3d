import { errorTable, type ErrorCode, type ErrorEntry, type ErrorKind } from './error-table.ts';

export interface ErrorOptions {
  /** Values for the `{name}` places of the message. Goes to the client. */
  readonly details?: Readonly<Record<string, string | number>>;
  /** Replaces the status of the table, where the true one is known (a relayed 404 or 422). */
  readonly status?: number;
  /** Seconds after which a retry makes sense; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
  /** For the log only, never for the client. */
  readonly cause?: unknown;
  /** For the log only: what the operator needs beside the message (component name, upstream status, socket error). */
  readonly context?: Readonly<Record<string, string | number | boolean>>;
}

/** The one error type that crosses a layer. Whatever else is thrown becomes `INTERNAL` or the caller's own code. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number>>;
  readonly context: Readonly<Record<string, string | number | boolean>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    const entry: ErrorEntry = errorTable[code];
    super(
      fill(entry.message, options.details ?? {}),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'SluiceError';
    this.code = code;
    this.status = isErrorStatus(options.status) ? options.status : entry.status;
    this.kind = entry.kind;
    this.retryable = entry.retryable;
    this.details = options.details ?? {};
    this.context = options.context ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The same failure but for what is said here. */
  with(changes: ErrorOptions): SluiceError {
    const { code, details, status, retryAfterSeconds, cause, context } = this;
    const told = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    return new SluiceError(code, { details, status, cause, context, ...told, ...changes });
  }
}

function isErrorStatus(status: number | undefined): status is number {
  return status !== undefined && Number.isInteger(status) && status >= 400 && status <= 599;
}

/** Keeps what is ours, wraps what is not. `Error.isError` and `instanceof` lie across realms, so the name decides. */
export function asSluiceError(
  error: unknown,
  fallback: ErrorCode = 'INTERNAL',
  context: ErrorOptions['context'] = {},
): SluiceError {
  return error instanceof SluiceError ? error : new SluiceError(fallback, { cause: error, context });
}

/** Failures that break an answer from outside; one of its own makers must not let go what it held. */
const breaking: ReadonlySet<ErrorKind> = new Set(['upstream', 'timeout', 'overloaded', 'rate_limit', 'too_large']);

/** True where the beginning of the answer stays true, so that text which was held may follow it before the error. */
export function breaksAnswer(error: SluiceError): boolean {
  // In the middle of an answer a provider that rejects its request has broken off, whosever mistake it names.
  return breaking.has(error.kind) || error.code === 'UPSTREAM_REJECTED';
}

/** A short, single-line account of anything thrown, for the log. Never throws: a component may throw what can't be read. */
export function describeCause(cause: unknown): string {
  try {
    return describe(cause);
  } catch {
    return `${typeof cause} that can't be read`;
  }
}

function describe(cause: unknown): string {
  if (cause === undefined) return '';
  const parts: string[] = [];
  for (let current: unknown = cause, depth = 0; current !== undefined && depth < 4; depth += 1) {
    const {
      name,
      code,
      message,
      cause: next,
    } = Object(current) as { name?: string; code?: string; message?: string; cause?: unknown };
    const words = message ?? (typeof current === 'string' || typeof current === 'number' ? `${current}` : '');
    parts.push(`${code ?? name ?? typeof current}: ${words}`);
    current = next;
  }
  return parts.join(' <- ').replace(/\s+/g, ' ').slice(0, 500);
}

function fill(template: string, details: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_whole, name: string) => String(details[name] ?? '?').slice(0, 300));
}
