import type { Secret } from '../../schema.ts';
import { revealed } from '../revealed.ts';
import { tokenInvalid, tokenUnavailable } from '../token-failure.ts';
import type { AwsAccess } from './aws-access.ts';
import { andThen, checkedKeys, firstOf, isAbsent, type FoundKeys, type KeySource } from './aws-keys.ts';
import { containerKeys } from './container-keys.ts';
import { instanceKeys } from './instance-keys.ts';
import { profileKeys } from './profile-keys.ts';
import { assumeRole, assumeRoleWithWebIdentity, usualSessionName, type AssumedRole } from './sts.ts';

/** Characters of a token that AWS takes for an identity. */
const webIdentity = /^[\x21-\x7e]{4,20000}$/;
const usableRole = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

/** Keys of the definition. They are read at each use, so rotated files count at once; they must be rotated together. */
export function secretKeys(accessKeyId: Secret, secretAccessKey: Secret, sessionToken: Secret | undefined): KeySource {
  return {
    name: 'keys',
    find: () =>
      checkedKeys({
        accessKeyId: revealed(accessKeyId),
        secretAccessKey: revealed(secretAccessKey),
        ...(sessionToken !== undefined && { sessionToken: revealed(sessionToken) }),
      }),
    refresh: () => [accessKeyId, secretAccessKey, sessionToken].forEach(refresh),
  };
}

/** What can't be read now is told by the next look. */
function refresh(secret: Secret | undefined): void {
  try {
    secret?.refresh();
  } catch {
    // Nothing has changed.
  }
}

export function environmentKeys({ workload }: Pick<AwsAccess, 'workload'>): KeySource {
  return {
    name: 'environment',
    find() {
      const accessKeyId = workload.variable('AWS_ACCESS_KEY_ID')?.trim();
      const secretAccessKey = workload.variable('AWS_SECRET_ACCESS_KEY')?.trim();
      if (accessKeyId === undefined) return { absent: 'AWS_ACCESS_KEY_ID is not set' };
      if (secretAccessKey === undefined) return { absent: 'AWS_SECRET_ACCESS_KEY is not set' };
      return checkedKeys({
        accessKeyId,
        secretAccessKey,
        sessionToken: workload.variable('AWS_SESSION_TOKEN')?.trim(),
      });
    },
  };
}

/** What the definition says in place of the environment. */
export interface WebIdentity {
  readonly roleArn?: string;
  readonly sessionName?: string;
  readonly tokenFile?: Secret;
}

/** Keys of a role for the token that Kubernetes or a build server gives to its processes. */
export function webIdentityKeys(identity: WebIdentity, access: AwsAccess): KeySource {
  const { workload } = access;
  return {
    name: 'web-identity',
    find(run) {
      const { tokenFile, sessionName = workload.variable('AWS_ROLE_SESSION_NAME') ?? usualSessionName } = identity;
      const text = tokenFile === undefined ? workload.file('AWS_WEB_IDENTITY_TOKEN_FILE') : revealed(tokenFile);
      const roleArn = identity.roleArn ?? workload.variable('AWS_ROLE_ARN');
      if (text === undefined) return { absent: 'AWS_WEB_IDENTITY_TOKEN_FILE is not set' };
      if (roleArn === undefined) return { absent: 'AWS_ROLE_ARN is not set' };
      if (!usableRole.test(roleArn)) throw tokenInvalid('AWS_ROLE_ARN is no name of a role');
      const token = text.trim();
      if (!webIdentity.test(token)) throw tokenInvalid('the web identity token is not usable');
      return assumeRoleWithWebIdentity({ roleArn, sessionName, token }, access, run);
    },
    refresh: () => refresh(identity.tokenFile),
  };
}

/** The places in the order in which the tools of AWS look at them. */
export function usualChain(access: AwsAccess): KeySource {
  return firstOf([
    environmentKeys(access),
    webIdentityKeys({}, access),
    profileKeys(undefined, access),
    containerKeys(access),
    instanceKeys(access),
  ]);
}

/** The keys of a role that those of `base` may take on. */
export function roleKeys(base: KeySource, role: AssumedRole, access: AwsAccess): KeySource {
  return {
    name: base.name,
    find: (run) =>
      andThen(base.find(run), (found): FoundKeys | Promise<FoundKeys> =>
        isAbsent(found) ? found : assumeRole(role, found, access, run),
      ),
    refresh: () => base.refresh?.(),
  };
}

/** TOKEN_UNAVAILABLE with the reasons where there are no keys anywhere. */
export function noKeys(reasons: string): Error {
  return tokenUnavailable(`there are no AWS keys (${reasons})`);
}
