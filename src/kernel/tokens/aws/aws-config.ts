import Type, { type Static } from 'typebox';
import { parseDuration } from '../../clock.ts';
import { defaulted, Duration, secret, strictObject, type Secret } from '../../schema.ts';
import { checkAddress } from '../check-address.ts';
import { parseObject } from '../token-document.ts';
import { networkOf, type AwsAccess } from './aws-access.ts';
import type { KeySource } from './aws-keys.ts';
import { regionPattern } from './aws-region.ts';
import { containerKeys } from './container-keys.ts';
import { instanceKeys } from './instance-keys.ts';
import { environmentKeys, secretKeys, usualChain, webIdentityKeys } from './key-sources.ts';
import { profileKeys } from './profile-keys.ts';
import type { AssumedRole } from './sts.ts';

const roleArn = Type.String({
  pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$',
  'x-hint': 'the full name of a role, such as "arn:aws:iam::123456789012:role/models"',
  description: 'Full name (ARN) of the role.',
});
const sessionName = Type.String({
  pattern: '^[A-Za-z0-9_+=,.@-]{2,64}$',
  description: 'What the session is called in the audit log of the account; "sluice" when absent.',
});

const places = ['chain', 'keys', 'environment', 'profile', 'web-identity', 'container', 'instance'] as const;
type Place = (typeof places)[number];

const credentials = strictObject({
  from: Type.Enum([...places], {
    description:
      'Where the keys are. "chain" looks at environment, web identity, profile, container and instance, in this order.',
  }),
  accessKeyId: Type.Optional(secret({ description: 'Access key id, for "from": "keys".' })),
  secretAccessKey: Type.Optional(secret({ description: 'Secret access key, for "from": "keys".' })),
  sessionToken: Type.Optional(secret({ description: 'Session token of temporary keys, for "from": "keys".' })),
  profile: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'Profile of the shared credentials file, for "from": "profile"; AWS_PROFILE or "default" when absent.',
    }),
  ),
  roleArn: Type.Optional({
    ...roleArn,
    description: 'Role for "from": "web-identity"; that of AWS_ROLE_ARN when absent.',
  }),
  sessionName: Type.Optional({
    ...sessionName,
    description:
      'Name of the session, for "from": "web-identity"; that of AWS_ROLE_SESSION_NAME or "sluice" when absent.',
  }),
  tokenFile: Type.Optional(
    secret({ description: 'Token for "from": "web-identity"; the file of AWS_WEB_IDENTITY_TOKEN_FILE when absent.' }),
  ),
});

const role = strictObject({
  roleArn,
  sessionName: Type.Optional(sessionName),
  externalId: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_+=,.@:/-]{2,1224}$',
      description: 'What the other account asks for, so that its role is taken on for it only.',
    }),
  ),
  sourceIdentity: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_+=,.@-]{2,64}$',
      description: 'Who is behind the session, for the audit log.',
    }),
  ),
  duration: Type.Optional({
    ...Duration,
    description:
      'How long the keys live, 15m to 12h; an hour when absent. Roles taken on with a role have an hour at most.',
  }),
  policyArns: Type.Optional(
    Type.Array(Type.String({ pattern: '^arn:aws[a-z-]*:iam::.{1,1024}$' }), {
      maxItems: 10,
      description: 'Managed policies that narrow what the keys may do.',
    }),
  ),
  policy: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2_048, description: 'The same as the JSON text of a policy.' }),
  ),
  tags: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.String({ maxLength: 256 }), {
      maxProperties: 50,
      description: 'Tags of the session.',
    }),
  ),
});

export const awsConfig = strictObject({
  region: Type.Optional(
    Type.String({
      pattern: regionPattern,
      'x-hint': 'the name of a region, such as "eu-central-1"',
      description:
        'Region that requests are signed for; that in the address of the backend, or AWS_REGION, when absent.',
    }),
  ),
  service: defaulted(
    Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'Service that the requests are signed for.' }),
    'bedrock',
  ),
  credentials: defaulted({ ...credentials, description: 'Where the keys come from.' }, { from: 'chain' }),
  assumeRole: Type.Optional({ ...role, description: 'A role that is taken on with these keys.' }),
  stsUrl: Type.Optional(
    Type.String({
      maxLength: 2_048,
      description: 'Replaces the address of the Security Token Service, https://sts.REGION.amazonaws.com.',
    }),
  ),
  metadataUrl: Type.Optional(
    Type.String({
      maxLength: 2_048,
      description: 'Replaces the fixed addresses of the metadata services, such as http://[fd00:ec2::254].',
    }),
  ),
  network: defaulted(
    Type.Enum(['public', 'private'], {
      description: 'Where the Security Token Service may be; "private" admits addresses of the own network.',
    }),
    'public',
  ),
  timeout: defaulted({ ...Duration, description: 'For each answer that is waited for.' }, '5s'),
});

type Credentials = Static<typeof credentials>;

/** The fields that say more about a place of keys; any other is a mistake of the author. */
const fieldsOf: Readonly<Record<Place, readonly (keyof Credentials)[]>> = {
  chain: [],
  keys: ['accessKeyId', 'secretAccessKey', 'sessionToken'],
  environment: [],
  profile: ['profile'],
  'web-identity': ['roleArn', 'sessionName', 'tokenFile'],
  container: [],
  instance: [],
};

/** The place of the keys. Throws a TypeError, which refuses the definition, for fields that don't belong to it. */
export function keySource(config: Credentials, access: AwsAccess): KeySource {
  for (const field of Object.keys(config) as (keyof Credentials)[]) {
    if (field === 'from' || config[field] === undefined || fieldsOf[config.from].includes(field)) continue;
    const owner = places.find((place) => fieldsOf[place].includes(field));
    throw new TypeError(`credentials.${field}: this is for "from": "${owner ?? ''}" only`);
  }
  switch (config.from) {
    case 'keys':
      return secretKeys(
        needed('accessKeyId', config.accessKeyId),
        needed('secretAccessKey', config.secretAccessKey),
        config.sessionToken,
      );
    case 'environment':
      return environmentKeys(access);
    case 'profile':
      return profileKeys(config.profile, access);
    case 'web-identity':
      return webIdentityKeys(config, access);
    case 'container':
      return containerKeys(access);
    case 'instance':
      return instanceKeys(access);
    case 'chain':
      return usualChain(access);
  }
}

function needed(field: string, value: Secret | undefined): Secret {
  if (value === undefined) throw new TypeError(`credentials.${field}: this is needed for "from": "keys"`);
  return value;
}

/** The role as it is asked for. Throws a TypeError for what AWS would refuse each time. */
export function assumedRole({ duration, ...rest }: Static<typeof role>): AssumedRole {
  const durationSeconds = duration === undefined ? undefined : parseDuration(duration) / 1_000;
  if (durationSeconds !== undefined && !(durationSeconds >= 900 && durationSeconds <= 43_200))
    throw new TypeError('assumeRole.duration: 15m to 12h are possible');
  if (durationSeconds !== undefined && !Number.isInteger(durationSeconds))
    throw new TypeError('assumeRole.duration: whole seconds are needed');
  if (rest.policy !== undefined && parseObject(rest.policy) === undefined)
    throw new TypeError('assumeRole.policy: the text of a policy is a JSON object');
  return { ...rest, ...(durationSeconds !== undefined && { durationSeconds }) };
}

/** Throws a TypeError for an address that keys are not asked at. */
export function checkAddresses({
  stsUrl,
  metadataUrl,
  network,
}: Pick<AwsAccess, 'stsUrl' | 'metadataUrl' | 'network'>): void {
  if (stsUrl !== undefined) checkAddress('stsUrl', stsUrl, network);
  if (metadataUrl !== undefined) checkAddress('metadataUrl', metadataUrl, networkOf(metadataUrl, network));
}
