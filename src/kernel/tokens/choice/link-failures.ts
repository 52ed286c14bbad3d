import { SluiceError } from '../../errors.ts';
import { isOfCaller } from '../token-failure.ts';

/** Why one link gave no credential. */
export interface LinkFailure {
  readonly name: string;
  readonly error: SluiceError;
}

/** Characters of one reason and of all of them together. */
const longestReason = 200;
const longestAccount = 1_000;

/**
 * Nobody has a credential. It tells when the first one may have one again, as a rate limit where that is what keeps this
 * one; and what the caller must put right keeps its code. The reasons of all are for the log.
 */
export function failureOfAll(failures: readonly LinkFailure[], reason: string): SluiceError {
  const errors = failures.map(({ error }) => error);
  const [callers] = errors;
  if (callers !== undefined && errors.every(isOfCaller)) return callers;
  const first = errors.reduce<SluiceError | undefined>(sooner, undefined);
  return new SluiceError(first?.code === 'UPSTREAM_RATE_LIMITED' ? first.code : 'TOKEN_UNAVAILABLE', {
    ...(first?.retryAfterSeconds !== undefined && { retryAfterSeconds: first.retryAfterSeconds }),
    context: { reason, reasons: accountOf(failures) },
  });
}

/** The reason in a few words; "" where the code says it all. */
function reasonOf({ context }: SluiceError): string {
  const { reason, reasons } = context;
  const words = typeof reason === 'string' ? reason : '';
  return (typeof reasons === 'string' ? `${words} (${reasons})` : words).slice(0, longestReason);
}

function sooner(one: SluiceError | undefined, other: SluiceError): SluiceError {
  const isSooner = (other.retryAfterSeconds ?? Infinity) < (one?.retryAfterSeconds ?? Infinity);
  return one === undefined || isSooner ? other : one;
}

/** `name: CODE reason; name: CODE reason`, cut where it gets too long. */
function accountOf(failures: readonly LinkFailure[]): string {
  const text = failures.map(({ name, error }) => `${name}: ${error.code} ${reasonOf(error)}`.trim()).join('; ');
  return text.length > longestAccount ? `${text.slice(0, longestAccount - 1)}…` : text;
}
