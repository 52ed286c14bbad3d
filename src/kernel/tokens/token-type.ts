import { tokenInvalid } from './token-failure.ts';

/** TOKEN_INVALID for a `token_type` that is not Bearer, in whatever letters; many servers leave it out. */
export function checkBearer(type: unknown): void {
  if (type === undefined || type === null || (typeof type === 'string' && type.toLowerCase() === 'bearer')) return;
  throw tokenInvalid('the token is of a type that is not Bearer');
}
