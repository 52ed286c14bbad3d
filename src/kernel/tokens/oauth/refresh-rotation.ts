import { SluiceError } from '../../errors.ts';
import type { SecretCell } from '../../secret-store.ts';
import { requestToken, type TokenEndpoint, type TokenEndpointCapabilities, type TokenGrant } from './token-endpoint.ts';
import { watchedAnswers } from './watched-answers.ts';

/** Characters of a refresh token, and which ones it may have (RFC 6749, A.17). */
const usableRefreshToken = /^[\x20-\x7e]{1,16384}$/;

export interface RefreshGrant {
  readonly endpoint: TokenEndpoint;
  /** What belongs into the request beside the refresh token. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The refresh token to begin with, where none was kept. */
  readonly first: string;
  readonly cell: SecretCell;
}

/**
 * Gets an access token with the newest refresh token that is known, one at a time for all users of the cell. Where
 * the server gives a new refresh token with it, which ends the old one, that is kept before anything else is done
 * with the answer, even with one that is of no use otherwise. Where it refuses a refresh token that somebody else,
 * such as another process, has replaced meanwhile, the newer one is tried, once. Nothing that is kept is ever taken
 * back.
 *
 * There is no way to call it off: a server may have ended the old refresh token already, and its answer is the only
 * copy of the new one. Each request ends by the time limit of the endpoint.
 */
export function refreshGrant(grant: RefreshGrant, capabilities: TokenEndpointCapabilities): Promise<TokenGrant> {
  const { cell, first } = grant;
  return cell.exclusive(async () => {
    const used = (await cell.read()) ?? first;
    try {
      return await refreshWith(used, grant, capabilities);
    } catch (error) {
      if (!isRefused(error)) throw error;
      const newest = (await cell.read()) ?? first;
      if (newest === used) throw error;
      return refreshWith(newest, grant, capabilities);
    }
  });
}

async function refreshWith(
  refreshToken: string,
  { endpoint, parameters, cell }: RefreshGrant,
  capabilities: TokenEndpointCapabilities,
): Promise<TokenGrant> {
  let next: string | undefined;
  const watching = watchedAnswers(capabilities.http, (document) => {
    next = readRefreshToken(document['refresh_token']);
  });
  try {
    return await requestToken(
      endpoint,
      { grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters },
      { ...capabilities, http: watching },
      new AbortController().signal,
    );
  } finally {
    if (next !== undefined && next !== refreshToken) await cell.write(next);
  }
}

function readRefreshToken(value: unknown): string | undefined {
  return typeof value === 'string' && usableRefreshToken.test(value) ? value : undefined;
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof SluiceError && error.code === 'TOKEN_UNAVAILABLE' && error.context['reason'] === 'invalid_grant'
  );
}
