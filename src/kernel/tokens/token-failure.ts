import { SluiceError, type ErrorOptions } from '../errors.ts';

/**
 * Words that are safe to show: codes such as `invalid_client`, never a sentence, which may repeat a secret, and nothing with
 * digits, because a server may repeat a key in the place of a code.
 */
const safeWord = /^(?=.{1,64}$)[A-Za-z]+(?:[_.:-][A-Za-z]+)*$/;

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

/** A word of somebody else where it is a code, or else `fallback`. */
export function wordOf(value: unknown, fallback: string): string {
  return typeof value === 'string' && safeWord.test(value) ? value : fallback;
}

/** What a token provider threw, in our terms. The words of a foreign error are not kept: they may quote what it failed on. */
export function tokenFailureOf(thrown: unknown): SluiceError {
  return thrown instanceof SluiceError ? thrown : tokenUnavailable(`it threw ${nameOf(thrown)}`);
}

function nameOf(thrown: unknown): string {
  try {
    return wordOf(Object(thrown).name, typeof thrown);
  } catch {
    return typeof thrown;
  }
}
