import Type, { type Static } from 'typebox';
import { secret, strictObject } from '../../schema.ts';
import type { Workload } from '../../workload.ts';
import { revealed } from '../revealed.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { GoogleAccess, GoogleGrant } from './google-access.ts';
import { readGoogleCredentials, tokenOfCredentials, type GoogleCredentialsType } from './google-credentials.ts';
import { tokenOfMachine, type MetadataServer } from './metadata-server.ts';
import type { SubjectSource } from './subject-token.ts';

const optional = Type.Optional;
const needs = (from: string, field: string): Record<string, unknown> => ({
  if: { type: 'object', properties: { from: { const: from } }, required: ['from'] },
  then: { type: 'object', properties: { [field]: {} }, required: [field] },
});

/** Whose token it is: a field of a config. */
export const GoogleCredentials = strictObject(
  {
    from: Type.Enum(['default', 'service-account', 'metadata', 'workload-identity'], {
      description:
        'default: the file that GOOGLE_APPLICATION_CREDENTIALS names, or that gcloud keeps, or else the machine. ' +
        'service-account: a key file. metadata: the machine, container or function of Google on which Sluice runs. ' +
        'workload-identity: an identity of another cloud or cluster.',
    }),
    key: optional(secret({ description: 'With service-account: the key file, which is JSON.' })),
    configuration: optional(
      secret({
        description:
          'With workload-identity: the credential configuration file, which is JSON. Where it is one for AWS, the keys are ' +
          'found as with "aws": environment, web identity, profile, container, instance.',
      }),
    ),
    subjectToken: optional(
      secret({
        description:
          'With workload-identity or default: the token of the other identity provider, in the format that credential_source of ' +
          'the configuration names. Needed where that names a file; none where it is for AWS.',
      }),
    ),
    subjectTokenFile: optional(
      Type.Enum(['AWS_WEB_IDENTITY_TOKEN_FILE', 'AZURE_FEDERATED_TOKEN_FILE'], {
        description: 'In place of subjectToken: the file that the cluster gives to its pods under this variable.',
      }),
    ),
    subjectNetwork: optional(
      Type.Enum(['public', 'private', 'metadata'], {
        description:
          'With workload-identity or default: where an address in credential_source may be; "metadata" is the metadata server ' +
          'of the other cloud. As `network` when left out.',
      }),
    ),
    account: optional(
      Type.String({
        pattern: '^[A-Za-z0-9@._-]{1,256}$',
        description:
          'With metadata or default: e-mail of an account of the machine. Its default account when left out.',
      }),
    ),
  },
  {
    description: 'Whose token it is.',
    allOf: [needs('service-account', 'key'), needs('workload-identity', 'configuration')],
  },
);
export type GoogleCredentialsConfig = Static<typeof GoogleCredentials>;

type Field = Exclude<keyof GoogleCredentialsConfig, 'from'>;
const subjectFields: readonly Field[] = ['subjectToken', 'subjectTokenFile', 'subjectNetwork'];
const usedFields: Readonly<Record<GoogleCredentialsConfig['from'], readonly Field[]>> = {
  default: [...subjectFields, 'account'],
  'service-account': ['key'],
  metadata: ['account'],
  'workload-identity': ['configuration', ...subjectFields],
};
const allFields: readonly Field[] = ['key', 'configuration', ...subjectFields, 'account'];

export interface GoogleSettings {
  readonly workload: Workload;
  readonly network: GoogleAccess['network'];
  readonly metadataUrl?: string | undefined;
}

/** A way to a token. Files are read at each use, so that one which was replaced counts. */
export type GoogleSource = (access: GoogleAccess) => Promise<GoogleGrant>;

/** Throws a TypeError, which refuses the definition, where a field is missing or would not be used. */
export function googleSource(credentials: GoogleCredentialsConfig, settings: GoogleSettings): GoogleSource {
  const { from, key, configuration } = credentials;
  const useless = allFields.find((field) => credentials[field] !== undefined && !usedFields[from].includes(field));
  if (useless !== undefined) throw new TypeError(`credentials: "${useless}" has no use beside "from": "${from}"`);
  const machine: MetadataServer = { url: settings.metadataUrl, account: credentials.account ?? 'default' };
  const subject = subjectOf(credentials, settings);
  const inText = (read: () => string, expected?: GoogleCredentialsType): GoogleSource => {
    return async (access) => tokenOfCredentials(readGoogleCredentials(read(), expected), subject, access);
  };
  if (from === 'metadata') return (access) => tokenOfMachine(machine, access);
  if (from === 'service-account') return inText(() => revealed(present(key, 'key')), 'service_account');
  if (from === 'workload-identity')
    return inText(() => revealed(present(configuration, 'configuration')), 'external_account');
  return async (access) => {
    const text = settings.workload.file('GOOGLE_APPLICATION_CREDENTIALS');
    return text === undefined ? tokenOfMachine(machine, access) : inText(() => text)(access);
  };
}

function present<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new TypeError(`credentials: "${field}" is missing`);
  return value;
}

function subjectOf(credentials: GoogleCredentialsConfig, settings: GoogleSettings): SubjectSource {
  const { workload, network, metadataUrl } = settings;
  const { subjectToken, subjectTokenFile, subjectNetwork } = credentials;
  if (subjectToken !== undefined && subjectTokenFile !== undefined)
    throw new TypeError('credentials: "subjectToken" and "subjectTokenFile" exclude each other; leave one out');
  const source: SubjectSource = { network: subjectNetwork ?? network, aws: { workload, metadataUrl } };
  if (subjectToken !== undefined) return { ...source, read: () => revealed(subjectToken) };
  if (subjectTokenFile === undefined) return source;
  const read = (): string => {
    const text = workload.file(subjectTokenFile);
    if (text === undefined)
      throw tokenUnavailable('the file of the subject token is not there', { context: { variable: subjectTokenFile } });
    return text;
  };
  return { ...source, read };
}
