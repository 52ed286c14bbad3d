import type { SluiceError } from '../../errors.ts';

/** Why one link gave no credential. */
export interface LinkFailure {
  readonly name: string;
  readonly error: SluiceError;
}

/** Characters of one reason and of all of them together. */
const longestReason = 200;
const longestAccount = 1_000;

/** `name: CODE reason; name: CODE reason`, for the log. */
export function accountOf(failures: readonly LinkFailure[]): string {
  return joined(failures.map(({ name, error }) => `${name}: ${error.code} ${reasonOf(error)}`.trim()));
}

/** Parts of an account, cut where it gets too long. */
export function joined(parts: readonly string[]): string {
  const text = parts.join('; ');
  return text.length > longestAccount ? `${text.slice(0, longestAccount - 1)}…` : text;
}

/** The reason in a few words; "" where the code says it all. */
export function reasonOf({ context }: SluiceError): string {
  const { reason, reasons } = context;
  const words = typeof reason === 'string' ? reason : '';
  return (typeof reasons === 'string' ? `${words} (${reasons})` : words).slice(0, longestReason);
}

/** The error of all of them where they failed alike in this way. */
export function allFailedWith(failures: readonly LinkFailure[], code: SluiceError['code']): SluiceError | undefined {
  return failures.every(({ error }) => error.code === code) ? failures[0]?.error : undefined;
}

/** The least of the times that were told, in seconds. */
export function soonestRetry(failures: readonly LinkFailure[]): number | undefined {
  const told = failures.flatMap(({ error }) => error.retryAfterSeconds ?? []);
  return told.length === 0 ? undefined : Math.min(...told);
}
