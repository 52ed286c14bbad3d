import Type, { type Static } from 'typebox';
import { secret, strictObject, type Secret } from '../../schema.ts';

const Identifier = Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$', 'x-hint': 'an id such as a GUID' });
const certificateHeaders = ['x5t#S256', 'x5t', 'x5c'] as const;

/** Who asks for the token: field of a config. The fields that `from` does not use are refused by `checkCredentials`. */
export const credentialsField = strictObject(
  {
    from: Type.Enum(['default', 'client-credentials', 'managed-identity', 'workload-identity'], {
      description:
        'client-credentials: an application with a secret or a certificate. managed-identity: the identity of a virtual ' +
        'machine, App Service or Container Apps. workload-identity: a token of the cluster that Entra ID trusts. default: ' +
        'workload identity where its AZURE_* variables are set, or else managed identity.',
    }),
    tenantId: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$',
        'x-hint': 'the id of a tenant, or one of its domains',
        description: 'Tenant of the application. AZURE_TENANT_ID where a workload identity names none.',
      }),
    ),
    clientId: Type.Optional({
      ...Identifier,
      description:
        'Client id of the application, or of a user-assigned identity. AZURE_CLIENT_ID where a workload identity or default ' +
        'names none.',
    }),
    clientSecret: Type.Optional(secret({ description: 'Secret of the application, for client-credentials.' })),
    certificate: Type.Optional(
      secret({ description: 'Certificate of the application in PEM, for client-credentials without a secret.' }),
    ),
    privateKey: Type.Optional(secret({ description: 'Private key of the certificate in PEM, without a password.' })),
    algorithm: Type.Optional(
      Type.Enum(['PS256', 'RS256'], {
        description: 'How the private key signs; PS256 where it is left out.',
      }),
    ),
    certificateHeader: Type.Optional(
      Type.Enum([...certificateHeaders], {
        description:
          'How the certificate is named: by its SHA-256 (x5t#S256, when left out), by its SHA-1 (x5t), or whole (x5c), where ' +
          'the application trusts its subject and issuer.',
      }),
    ),
    objectId: Type.Optional({
      ...Identifier,
      description: 'Object id of a user-assigned identity, in place of clientId.',
    }),
    resourceId: Type.Optional(
      Type.String({
        pattern: '^/[\\x21-\\x7e]{1,1023}$',
        'x-hint': '"/subscriptions/..."',
        description: 'Resource id of a user-assigned identity, in place of clientId.',
      }),
    ),
    tokenFile: Type.Optional(
      secret({ description: 'Token of the cluster, for workload-identity. AZURE_FEDERATED_TOKEN_FILE when left out.' }),
    ),
  },
  { description: 'Who asks for the token.' },
);

/** The field as `create` gets it. */
export type AzureCredentials = Static<typeof credentialsField> & {
  readonly clientSecret?: Secret;
  readonly certificate?: Secret;
  readonly privateKey?: Secret;
  readonly tokenFile?: Secret;
};

type Field = Exclude<keyof AzureCredentials, 'from'>;

const usedFields: Readonly<Record<AzureCredentials['from'], readonly Field[]>> = {
  default: ['tenantId', 'clientId'],
  'client-credentials': [
    'tenantId',
    'clientId',
    'clientSecret',
    'certificate',
    'privateKey',
    'algorithm',
    'certificateHeader',
  ],
  'managed-identity': ['clientId', 'objectId', 'resourceId'],
  'workload-identity': ['tenantId', 'clientId', 'tokenFile'],
};
const certificateFields = ['certificate', 'privateKey', 'algorithm', 'certificateHeader'] as const;

/** Throws a TypeError, which refuses the definition, where a field is missing or would not be used. */
export function checkCredentials(credentials: AzureCredentials): void {
  const { from } = credentials;
  const used: readonly string[] = ['from', ...usedFields[from]];
  const given = Object.entries(credentials).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const unused = given.find((name) => !used.includes(name));
  if (unused !== undefined) throw new TypeError(`credentials.${unused}: "from": "${from}" does not use it`);
  if (from === 'client-credentials') checkApplication(credentials);
  if (from === 'managed-identity' && given.length > 2)
    throw new TypeError(`credentials.${String(given[2])}: one of clientId, objectId and resourceId names the identity`);
}

function checkApplication(credentials: AzureCredentials): void {
  const needed: readonly Field[] = [
    'tenantId',
    'clientId',
    ...(credentials.clientSecret === undefined ? (['certificate', 'privateKey'] as const) : []),
  ];
  const missing = needed.find((name) => credentials[name] === undefined);
  const isBare = credentials.certificate === undefined && credentials.privateKey === undefined;
  if (missing === 'certificate' && isBare)
    throw new TypeError('credentials.clientSecret: a secret is needed, or a certificate with its privateKey');
  if (missing !== undefined) throw new TypeError(`credentials.${missing}: "from": "client-credentials" needs it`);
  const besides = certificateFields.find((name) => credentials[name] !== undefined);
  if (credentials.clientSecret !== undefined && besides !== undefined)
    throw new TypeError(`credentials.${besides}: with a clientSecret it is not used`);
}
