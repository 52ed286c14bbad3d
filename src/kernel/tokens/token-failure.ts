import { SluiceError, type ErrorOptions } from '../errors.ts';
import { knownRefusals } from './known-refusals.ts';

/** The form of a code such as `invalid_client`: no sentence, and nothing with digits, as most keys have. */
const codeForm = /^(?=.{1,64}$)[A-Za-z]+(?:[_.:-][A-Za-z]+)*$/;
/** Names of classes of errors, which are words of a program. */
const errorName = /^(?:[A-Z][A-Za-z]{0,58})?Error$/;

/** No credential can be had just now, for a reason in a few fixed words. */
export function tokenUnavailable(reason: string, options: ErrorOptions = {}): SluiceError {
  return new SluiceError('TOKEN_UNAVAILABLE', { ...options, context: { ...options.context, reason } });
}

/** What came is no usable credential, for a reason in a few fixed words. */
export function tokenInvalid(reason: string, options: ErrorOptions = {}): SluiceError {
  return new SluiceError('TOKEN_INVALID', { ...options, context: { ...options.context, reason } });
}

/** The caller's own key is missing or was refused: that says nothing about the provider. */
export function isOfCaller(error: SluiceError): boolean {
  return error.kind === 'authentication';
}

/**
 * What somebody else gives as the code of a failure: the code where it is a known one, `another error` where it may be one,
 * or else `fallback`. A code that nobody knows is not repeated, since it may be a secret.
 */
export function wordOf(value: unknown, fallback: string): string {
  if (typeof value !== 'string' || !codeForm.test(value)) return fallback;
  return knownRefusals.has(value) ? value : 'another error';
}

/** The name of the class of what was thrown where it is one of an error, or else what it is, such as `string`. */
export function nameOfThrown(thrown: unknown): string {
  try {
    const name: unknown = Object(thrown).name;
    return typeof name === 'string' && errorName.test(name) ? name : typeof thrown;
  } catch {
    return typeof thrown;
  }
}

/** What a token provider threw, in our terms. The words of a foreign error are not kept: they may quote what it failed on. */
export function tokenFailureOf(thrown: unknown): SluiceError {
  return thrown instanceof SluiceError ? thrown : tokenUnavailable(`it threw ${nameOfThrown(thrown)}`);
}
