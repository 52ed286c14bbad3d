import { tokenInvalid } from '../token-failure.ts';
import type { AwsAccess } from './aws-access.ts';
import { checkedKeys, type FoundKeys, type KeySource } from './aws-keys.ts';

/** Characters of a credentials file; a thousand profiles are less. */
const maxFileLength = 262_144;
const heading = /^\[([^\]]{1,256})\]$/;

/** Ways to keys that a profile may name and that are not supported, each with the reason or with what to do instead. */
const otherWays = [
  ['credential_process', 'credential_process would start a program, which is not done'],
  ['sso_session', 'sign-in through a browser (sso_session) is not possible here'],
  ['sso_start_url', 'sign-in through a browser (sso_start_url) is not possible here'],
  ['role_arn', 'role_arn is not read: take the role on with "assumeRole"'],
] as const;

/** The keys of a profile in the shared credentials file (`AWS_SHARED_CREDENTIALS_FILE`, or `~/.aws/credentials`). */
export function profileKeys(profile: string | undefined, access: Pick<AwsAccess, 'workload'>): KeySource {
  return {
    name: 'profile',
    find() {
      const profiles = profilesOf(access);
      if (profiles === undefined) return { absent: 'there is no credentials file' };
      return keysOf(profiles.get(nameOf(profile, access)));
    },
  };
}

/** The settings of a profile; of AWS_PROFILE or the one called "default" where none is named. */
export function profileSettings(
  profile: string | undefined,
  access: Pick<AwsAccess, 'workload'>,
): ReadonlyMap<string, string> | undefined {
  return profilesOf(access)?.get(nameOf(profile, access));
}

function profilesOf({ workload }: Pick<AwsAccess, 'workload'>): ReturnType<typeof readProfiles> | undefined {
  const text = workload.file('AWS_SHARED_CREDENTIALS_FILE');
  if (text === undefined) return undefined;
  if (text.length > maxFileLength) throw tokenInvalid('the AWS credentials file is too large');
  return readProfiles(text);
}

function nameOf(profile: string | undefined, { workload }: Pick<AwsAccess, 'workload'>): string {
  return profile ?? workload.variable('AWS_PROFILE') ?? 'default';
}

function keysOf(settings: ReadonlyMap<string, string> | undefined): FoundKeys {
  if (settings === undefined) return { absent: 'the profile is not in the credentials file' };
  const accessKeyId = settings.get('aws_access_key_id');
  if (accessKeyId !== undefined) {
    const sessionToken = settings.get('aws_session_token');
    return checkedKeys({ accessKeyId, secretAccessKey: settings.get('aws_secret_access_key'), sessionToken });
  }
  const other = otherWays.find(([setting]) => settings.has(setting));
  return { absent: other?.[1] ?? 'the profile has no keys' };
}

/** The settings of each profile. A later one of the same name adds to the earlier; lines that say nothing are left out. */
export function readProfiles(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const profiles = new Map<string, Map<string, string>>();
  let settings: Map<string, string> | undefined;
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    const line = withoutComment(raw).trim();
    const name = heading.exec(line)?.[1]?.trim();
    if (name !== undefined) {
      settings = profiles.get(name) ?? new Map<string, string>();
      profiles.set(name, settings);
      continue;
    }
    const equals = line.indexOf('=');
    const value = line.slice(equals + 1).trim();
    if (equals > 0 && value !== '') settings?.set(line.slice(0, equals).trim().toLowerCase(), value);
  }
  return profiles;
}

/** A comment begins a line, or stands behind a blank. */
function withoutComment(line: string): string {
  const start = line.search(/(?<![^\s])[#;]/);
  return start === -1 ? line : line.slice(0, start);
}
