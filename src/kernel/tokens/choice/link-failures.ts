import { SluiceError } from '../../errors.ts';
import { isOfCaller } from '../token-failure.ts';
import { reasonOfFailure, type CoolingReason } from './cooling.ts';

/** Why one link gave no credential. */
export interface LinkFailure {
  readonly name: string;
  readonly error: SluiceError;
}

/** Characters of one reason and of all of them together. */
const longestReason = 200;
const longestAccount = 1_000;

/** What ends by itself comes first, then what ends with a new day or with money, then what somebody must put right. */
const order: Readonly<Record<CoolingReason, number>> = { 'rate-limited': 0, unavailable: 0, quota: 1, rejected: 2 };

/**
 * Nobody has a credential. It fails as the one that may have one again first, and tells when; and what the caller must put
 * right keeps its code. The reasons of all are for the log.
 */
export function failureOfAll(failures: readonly LinkFailure[], reason: string): SluiceError {
  const errors = failures.map(({ error }) => error);
  const [callers] = errors;
  if (callers !== undefined && errors.every(isOfCaller)) return callers;
  const [first] = errors.toSorted(bySoonest);
  const why = first === undefined ? 'unavailable' : reasonOfFailure(first);
  return new SluiceError(first === undefined || why === 'unavailable' ? 'TOKEN_UNAVAILABLE' : first.code, {
    ...(first?.retryAfterSeconds !== undefined && { retryAfterSeconds: first.retryAfterSeconds }),
    context: { reason, reasons: accountOf(failures), ...(why === 'quota' && { exhausted: true }) },
  });
}

/** The reason in a few words; "" where the code says it all. */
function reasonOf({ context }: SluiceError): string {
  const { reason, reasons } = context;
  const words = typeof reason === 'string' ? reason : '';
  return (typeof reasons === 'string' ? `${words} (${reasons})` : words).slice(0, longestReason);
}

function bySoonest(one: SluiceError, other: SluiceError): number {
  const [soon, late] = [one.retryAfterSeconds ?? Infinity, other.retryAfterSeconds ?? Infinity];
  // Two that do not say when have no difference.
  return placeOf(one) - placeOf(other) || (soon === late ? 0 : soon - late);
}

function placeOf(error: SluiceError): number {
  return isOfCaller(error) ? 3 : order[reasonOfFailure(error)];
}

/** `name: CODE reason; name: CODE reason`, cut where it gets too long. */
function accountOf(failures: readonly LinkFailure[]): string {
  const text = failures.map(({ name, error }) => `${name}: ${error.code} ${reasonOf(error)}`.trim()).join('; ');
  return text.length > longestAccount ? `${text.slice(0, longestAccount - 1)}…` : text;
}
