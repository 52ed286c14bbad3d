import type { Secret } from '../schema.ts';
import { tokenInvalid, tokenUnavailable } from './token-failure.ts';

/** The text of a secret without blanks around it. TOKEN_UNAVAILABLE where it can't be read, TOKEN_INVALID where it is empty. */
export function revealed(secret: Secret): string {
  const context = { secret: secret.name };
  let value: string;
  try {
    value = secret.reveal().trim();
  } catch {
    // What was thrown is not kept: its words may quote what was read.
    throw tokenUnavailable('a secret can not be read', { context });
  }
  if (value === '') throw tokenInvalid('a secret is empty', { context });
  return value;
}
