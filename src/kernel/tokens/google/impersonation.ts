import { askTokenServer } from '../ask-token-server.ts';
import { usable } from '../token-credential.ts';
import { readTokenDocument } from '../token-document.ts';
import { askedAt, expiryOn } from '../token-lifetime.ts';
import { atStep, cloudPlatformScope, type GoogleAccess, type GoogleGrant } from './google-access.ts';

/** Seconds; an administrator of Google Cloud may allow up to twelve hours. */
const usualLifetime = 3_600;
const longestLifetime = 43_200;

export interface Impersonation {
  /** Address of `generateAccessToken` for the account. */
  readonly url: string;
  /** Accounts in between, each of which may impersonate the next. */
  readonly delegates?: readonly string[] | undefined;
  readonly lifetimeSeconds?: unknown;
}

/** The address at which a service account, named by its e-mail, is impersonated. */
export function impersonationUrl(iamUrl: string, account: string): string {
  return `${iamUrl.replace(/\/+$/, '')}/v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:generateAccessToken`;
}

/**
 * A token of another service account, got with a token of one's own. That one is fetched for the whole platform, because
 * impersonation is not among the rights of a narrower scope.
 */
export async function impersonated(
  { url, delegates, lifetimeSeconds }: Impersonation,
  own: (access: GoogleAccess) => Promise<GoogleGrant>,
  access: GoogleAccess,
): Promise<GoogleGrant> {
  const { token, expiresAt: _ofOwn, ...rest } = await own({ ...access, scope: cloudPlatformScope });
  const body = JSON.stringify({
    scope: access.scope.split(/\s+/),
    lifetime: `${lifetimeOf(lifetimeSeconds)}s`,
    ...(delegates !== undefined && delegates.length > 0 && { delegates }),
  });
  return { ...rest, ...(await atStep('impersonation', () => generate(url, body, token, access))) };
}

async function generate(url: string, body: string, token: string, access: GoogleAccess): Promise<GoogleGrant> {
  const asked = askedAt(access.clock);
  const answer = await askTokenServer(
    {
      method: 'POST',
      url,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
      network: access.network,
      timeoutMilliseconds: access.timeoutMilliseconds,
    },
    access.http,
    access.signal,
  );
  const { accessToken, expireTime } = readTokenDocument(answer, access.clock.wallTime());
  const expiresAt = expiryOn(expireTime, asked);
  return { token: usable(accessToken), ...(expiresAt !== undefined && { expiresAt }) };
}

function lifetimeOf(seconds: unknown): number {
  const isUsable =
    typeof seconds === 'number' && Number.isInteger(seconds) && seconds > 0 && seconds <= longestLifetime;
  return isUsable ? seconds : usualLifetime;
}
