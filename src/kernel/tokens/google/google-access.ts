import type { Clock } from '../../clock.ts';
import { asSluiceError } from '../../errors.ts';
import type { HttpCaller } from '../../http-caller.ts';
import { tokenInvalid } from '../token-failure.ts';

/** What every way to a token of Google works with. */
export interface GoogleAccess {
  readonly clock: Clock;
  readonly http: HttpCaller;
  /** `private` also opens addresses that are not Google's. */
  readonly network: 'public' | 'private';
  readonly timeoutMilliseconds: number;
  /** What the token is for, separated by spaces. */
  readonly scope: string;
  readonly signal: AbortSignal;
}

export interface GoogleGrant {
  readonly token: string;
  /** Monotonic milliseconds. */
  readonly expiresAt?: number;
  /** The project that pays, where the credentials name one. */
  readonly quotaProject?: string;
}

export const cloudPlatformScope = 'https://www.googleapis.com/auth/cloud-platform';

/** A project that can stand in a header; older ones begin with a domain. */
export const projectPattern = '^[a-z0-9][a-z0-9.:-]{1,126}$';
const projectName = new RegExp(projectPattern);

/** Old key files name it; every other host of Google's for tokens ends in `googleapis.com`. */
const olderHost = 'accounts.google.com';

/**
 * An address in a file of credentials, or the usual one where it has none. The files are handed around, so they don't
 * decide where secrets go: TOKEN_INVALID for all but `https` at Google, and on a private network for all but `http` too.
 */
export function googleUrl(value: unknown, usual: string, network: GoogleAccess['network']): string {
  if (value === undefined || value === null) return usual;
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || !isAllowed(url, network))
    throw tokenInvalid('the Google credentials name an address that is not one of googleapis.com');
  return url.href;
}

function isAllowed({ protocol, hostname, port, username, password }: URL, network: GoogleAccess['network']): boolean {
  if (username !== '' || password !== '') return false;
  if (network === 'private') return protocol === 'https:' || protocol === 'http:';
  return protocol === 'https:' && port === '' && (hostname.endsWith('.googleapis.com') || hostname === olderHost);
}

/** A text that the credentials must have; TOKEN_INVALID names the field where they don't. */
export function textField(credentials: Readonly<Record<string, unknown>>, field: string): string {
  const value = credentials[field];
  if (typeof value !== 'string' || value === '')
    throw tokenInvalid('a field of the Google credentials is missing', { context: { field } });
  return value;
}

/** `quota_project_id` of the credentials, where it is one. */
export function quotaProjectOf(credentials: Readonly<Record<string, unknown>>): Pick<GoogleGrant, 'quotaProject'> {
  const { quota_project_id: quotaProject } = credentials;
  return typeof quotaProject === 'string' && projectName.test(quotaProject) ? { quotaProject } : {};
}

/** Says in each failure of `action` at which of the several servers it was. */
export async function atStep<T>(step: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    const error = asSluiceError(thrown, 'TOKEN_UNAVAILABLE');
    throw error.with({ context: { step, ...error.context } });
  }
}
