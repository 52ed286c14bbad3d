import type { ErrorCode } from '../kernel/error-table.ts';
import { asSluiceError, type SluiceError } from '../kernel/errors.ts';
import { withoutSecrets } from '../kernel/without-secrets.ts';

/** When to ask again for want of a token, where nobody says it: so long a cache gives the failure again by default. */
const soonSeconds = 1;
const forWantOfToken: ReadonlySet<ErrorCode> = new Set(['TOKEN_UNAVAILABLE', 'TOKEN_INVALID']);

/** What a client is told when its run fails: without the credentials that were `sent`, and with a time where it may try again. */
export function clientFailure(cause: unknown, sent: readonly string[]): SluiceError {
  const error = withoutSecrets(asSluiceError(cause), sent);
  // Not where it fails: chains and caches rest as long as a time says that came from the token server.
  if (!forWantOfToken.has(error.code) || error.retryAfterSeconds !== undefined) return error;
  return error.with({ retryAfterSeconds: soonSeconds });
}
