import { Secret } from '../../schema.ts';
import { clientAuthentication, noClient, type ClientAuthentication } from '../oauth/client-authentication.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import { tokenInvalid } from '../token-failure.ts';
import { awsSubjectToken } from './aws-subject.ts';
import { atStep, googleUrl, quotaProjectOf, textField, type GoogleAccess, type GoogleGrant } from './google-access.ts';
import { impersonated } from './impersonation.ts';
import { subjectToken, type SubjectSource } from './subject-token.ts';

const usualStsUrl = 'https://sts.googleapis.com/v1/token';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const awsTokenType = 'urn:ietf:params:aws:token-type:aws4_request';

type Account = Readonly<Record<string, unknown>>;

/**
 * A token for whoever another identity provider says that we are: its token is exchanged at Google (RFC 8693), and where the
 * configuration wants it, the result for one of a service account.
 */
export async function tokenOfExternalAccount(
  account: Account,
  subject: SubjectSource,
  access: GoogleAccess,
): Promise<GoogleGrant> {
  const { service_account_impersonation_url: url, service_account_impersonation: options } = account;
  const exchange = (own: GoogleAccess): Promise<GoogleGrant> => exchanged(account, subject, own);
  const quotaProject = quotaProjectOf(account);
  if (url === undefined || url === null) return { ...(await exchange(access)), ...quotaProject };
  const { token_lifetime_seconds: lifetimeSeconds } = Object(options) as Account;
  // Judged before anything is sent to anybody.
  const impersonation = { url: googleUrl(url, '', access.network), lifetimeSeconds };
  return { ...(await impersonated(impersonation, exchange, access)), ...quotaProject };
}

async function exchanged(account: Account, subject: SubjectSource, access: GoogleAccess): Promise<GoogleGrant> {
  const { network, timeoutMilliseconds, scope, signal } = access;
  const audience = textField(account, 'audience');
  const subjectTokenType = textField(account, 'subject_token_type');
  const url = googleUrl(account['token_url'], usualStsUrl, network);
  const authentication = clientOf(account);
  const source = account['credential_source'];
  const subjectText = await atStep('subject token', () =>
    subjectTokenType === awsTokenType
      ? signedSubject(source, audience, subject, access)
      : subjectToken(source, subject, access),
  );
  return atStep('security token service', async () => {
    const { token, expiresAt, issuedTokenType } = await requestToken(
      { url, network, timeoutMilliseconds, authentication },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        audience,
        scope,
        requested_token_type: accessTokenType,
        subject_token: subjectText,
        subject_token_type: subjectTokenType,
      },
      access,
      signal,
    );
    if (issuedTokenType !== undefined && issuedTokenType !== accessTokenType)
      throw tokenInvalid('the security token service gave another kind of token');
    return { token, ...(expiresAt !== undefined && { expiresAt }) };
  });
}

/** Made by this process with the keys that it has; one that somebody gave would not be used. */
async function signedSubject(
  source: unknown,
  audience: string,
  subject: SubjectSource,
  access: GoogleAccess,
): Promise<string> {
  if (subject.read !== undefined)
    throw tokenInvalid('the subject token is signed with keys of AWS: leave "subjectToken" and "subjectTokenFile" out');
  return awsSubjectToken(source, audience, subject.aws, access);
}

function clientOf(account: Account): ClientAuthentication {
  const { client_id: clientId, client_secret: secret } = account;
  if (typeof clientId !== 'string' || typeof secret !== 'string') return noClient;
  return clientAuthentication({
    clientId,
    authentication: 'client_secret_basic',
    clientSecret: new Secret('client_secret of an external account', () => secret),
  });
}
