import type { HttpAnswer } from '../../http-caller.ts';
import type { UpstreamRequest } from '../../upstream.ts';
import { readTokenDocument, tokenRefusal } from '../token-document.ts';
import { tokenInvalid, wordOf } from '../token-failure.ts';
import { askedAt, expiryOn, type Asked } from '../token-lifetime.ts';
import type { TokenRun } from '../token-provider.ts';
import { askAws, knownRegion, type AwsAccess } from './aws-access.ts';
import { checkedKeys, type AwsKeys } from './aws-keys.ts';
import { regionOfOrigin, stsPlace, type StsPlace } from './aws-region.ts';
import { requestSigner } from './sign-request.ts';
import { readXmlFields } from './xml-fields.ts';

const version = '2011-06-15';
/** What a session is called where nobody names it; it is seen in the audit log of the account. */
export const usualSessionName = 'sluice';

/** A role to take on, as the definition says it. */
export interface AssumedRole {
  readonly roleArn: string;
  readonly sessionName?: string;
  readonly externalId?: string;
  readonly sourceIdentity?: string;
  readonly durationSeconds?: number;
  /** Policies that narrow what the role may do. */
  readonly policyArns?: readonly string[];
  readonly policy?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** The keys of a role, asked for with keys that may take it on. */
export async function assumeRole(
  role: AssumedRole,
  keys: AwsKeys,
  access: AwsAccess,
  run: Pick<TokenRun, 'signal'>,
): Promise<AwsKeys> {
  const place = placeOf(role.roleArn, access);
  const request = requestOf('AssumeRole', parametersOf(role), place);
  await requestSigner(keys, 'sts', access.clock)(request, place.region);
  return exchange('AssumeRole', request, access, run);
}

/** The same with a token of the platform that the process runs on, such as Kubernetes, in place of keys. */
export async function assumeRoleWithWebIdentity(
  role: { readonly roleArn: string; readonly sessionName: string; readonly token: string },
  access: AwsAccess,
  run: Pick<TokenRun, 'signal'>,
): Promise<AwsKeys> {
  const parameters = [
    ['RoleArn', role.roleArn],
    ['RoleSessionName', role.sessionName],
    ['WebIdentityToken', role.token],
  ] as const;
  const action = 'AssumeRoleWithWebIdentity';
  return exchange(action, requestOf(action, parameters, placeOf(role.roleArn, access)), access, run);
}

type Parameters = readonly (readonly [string, string])[];

function parametersOf(role: AssumedRole): Parameters {
  const { roleArn, sessionName = usualSessionName, externalId, sourceIdentity, durationSeconds, policy } = role;
  const optional = [
    ['ExternalId', externalId],
    ['SourceIdentity', sourceIdentity],
    ['DurationSeconds', durationSeconds?.toString()],
    ['Policy', policy],
  ] as const;
  const policies = role.policyArns ?? [];
  const tags = Object.entries(role.tags ?? {});
  return [
    ['RoleArn', roleArn],
    ['RoleSessionName', sessionName],
    ...optional.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ...policies.map((arn, index) => [`PolicyArns.member.${index + 1}.arn`, arn] as const),
    ...tags.flatMap(([key, value], index) => [
      [`Tags.member.${index + 1}.Key`, key] as const,
      [`Tags.member.${index + 1}.Value`, value] as const,
    ]),
  ];
}

function placeOf(roleArn: string, access: AwsAccess): StsPlace {
  const { stsUrl } = access;
  if (stsUrl === undefined) return stsPlace(roleArn, knownRegion(access));
  return { url: stsUrl, region: regionOfOrigin(stsUrl) ?? knownRegion(access) ?? 'us-east-1' };
}

function requestOf(action: string, parameters: Parameters, { url }: StsPlace): UpstreamRequest {
  const { origin, pathname } = new URL(url);
  const pairs = [['Action', action], ['Version', version], ...parameters] as const;
  return {
    method: 'POST',
    origin,
    path: pathname,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&'),
  };
}

async function exchange(
  action: string,
  { origin, path, headers, body }: UpstreamRequest,
  access: AwsAccess,
  run: Pick<TokenRun, 'signal'>,
): Promise<AwsKeys> {
  const asked = askedAt(access.clock);
  const call = { method: 'POST', url: origin + path, headers, body, network: access.network } as const;
  const answer = await askAws(call, access, run);
  return readStsAnswer(action, answer, asked);
}

function readStsAnswer(action: string, answer: HttpAnswer, asked: Asked): AwsKeys {
  const { status, body } = answer;
  const fields = readXmlFields(body);
  if (status >= 400) {
    const code = wordOf(fields?.get('ErrorResponse/Error/Code'), '');
    if (code !== '') throw tokenRefusal(code, answer, asked.wallTime);
  }
  // Tells a redirect, Retry-After and a refusal without a code.
  if (status < 200 || status >= 300) readTokenDocument(answer, asked.wallTime);
  if (fields === undefined) throw tokenInvalid('the answer is none of the Security Token Service');
  const field = (name: string): string | undefined =>
    fields.get(`${action}Response/${action}Result/Credentials/${name}`);
  const expiresAt = expiryOn(field('Expiration'), asked);
  return checkedKeys(
    {
      accessKeyId: field('AccessKeyId'),
      secretAccessKey: field('SecretAccessKey'),
      // Keys of a role are always temporary.
      sessionToken: field('SessionToken') ?? '',
    },
    expiresAt,
  );
}
