import { parseObject } from '../token-document.ts';
import { tokenInvalid } from '../token-failure.ts';
import { tokenOfAuthorizedUser } from './authorized-user.ts';
import { tokenOfExternalAccount } from './external-account.ts';
import { googleUrl, quotaProjectOf, type GoogleAccess, type GoogleGrant } from './google-access.ts';
import { impersonated } from './impersonation.ts';
import { tokenOfServiceAccount } from './service-account.ts';
import type { SubjectSource } from './subject-token.ts';

type Credentials = Readonly<Record<string, unknown>>;
/** `type` of a file of credentials. */
export type GoogleCredentialsType = 'service_account' | 'external_account';

/**
 * The text of a file of credentials, as Google Cloud gives it. TOKEN_INVALID, without a word of it, where it is none or of
 * another type than the one that is expected.
 */
export function readGoogleCredentials(text: string, expected?: GoogleCredentialsType): Credentials {
  const credentials = parseObject(text);
  if (credentials === undefined) throw tokenInvalid('the Google credentials are no JSON object');
  const type = typeOf(credentials);
  if (expected !== undefined && type !== expected)
    throw tokenInvalid('the Google credentials are of another type', { context: { type, expected } });
  return credentials;
}

/** Types that are named in a log. What else stands in a file of secrets is not repeated. */
const knownTypes: ReadonlySet<unknown> = new Set([
  'service_account',
  'external_account',
  'external_account_authorized_user',
  'authorized_user',
  'impersonated_service_account',
  'gdch_service_account',
]);

function typeOf({ type }: Credentials): string {
  return typeof type === 'string' && knownTypes.has(type) ? type : 'unknown';
}

/** A token for the credentials of any type that does not need a program to be run. */
export async function tokenOfCredentials(
  credentials: Credentials,
  subject: SubjectSource,
  access: GoogleAccess,
): Promise<GoogleGrant> {
  switch (credentials['type']) {
    case 'service_account':
      return tokenOfServiceAccount(credentials, access);
    case 'external_account':
      return tokenOfExternalAccount(credentials, subject, access);
    case 'authorized_user':
      return tokenOfAuthorizedUser(credentials, access);
    case 'impersonated_service_account':
      return tokenOfImpersonation(credentials, subject, access);
    default:
      throw tokenInvalid('the Google credentials are of a type that is not supported', {
        context: { type: typeOf(credentials) },
      });
  }
}

async function tokenOfImpersonation(
  credentials: Credentials,
  subject: SubjectSource,
  access: GoogleAccess,
): Promise<GoogleGrant> {
  const { service_account_impersonation_url: url, source_credentials: source, delegates } = credentials;
  if (url === undefined || url === null) throw tokenInvalid('the Google credentials name no account to impersonate');
  const impersonation = { url: googleUrl(url, '', access.network), delegates: readDelegates(delegates) };
  const own = (inner: GoogleAccess): Promise<GoogleGrant> =>
    tokenOfCredentials(Object(source) as Credentials, subject, inner);
  return { ...(await impersonated(impersonation, own, access)), ...quotaProjectOf(credentials) };
}

function readDelegates(delegates: unknown): readonly string[] {
  return Array.isArray(delegates) ? delegates.filter((name) => typeof name === 'string') : [];
}
