import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, Duration, strictObject } from '../kernel/schema.ts';
import { checkAddress } from '../kernel/tokens/check-address.ts';
import { checkKeyFile } from '../kernel/tokens/google/check-key-file.ts';
import {
  cloudPlatformScope,
  projectPattern,
  type GoogleAccess,
  type GoogleGrant,
} from '../kernel/tokens/google/google-access.ts';
import { googleSource, GoogleCredentials, type GoogleSource } from '../kernel/tokens/google/google-sources.ts';
import { impersonated, impersonationUrl } from '../kernel/tokens/google/impersonation.ts';
import { bearer, tokenCredential } from '../kernel/tokens/token-credential.ts';
import type { Credential, TokenProvider } from '../kernel/tokens/token-provider.ts';

const Address = Type.String({ minLength: 1, maxLength: 2_048, pattern: '^https?://[^?#]+$' });

const config = strictObject({
  credentials: defaulted(GoogleCredentials, { from: 'default' }),
  scope: defaulted(
    Type.String({
      pattern: '^[!-~]+( [!-~]+)*$',
      maxLength: 4_096,
      description: 'What the token is for, separated by spaces.',
    }),
    cloudPlatformScope,
  ),
  impersonate: Type.Optional(
    Type.String({
      pattern: '^[^@\\s/:?#]{1,128}@[A-Za-z0-9.-]{1,253}$',
      'x-hint': 'the e-mail of a service account',
      description: 'E-mail of a service account whose token is got with that of the credentials.',
    }),
  ),
  quotaProject: Type.Optional(
    Type.String({
      pattern: projectPattern,
      description:
        'Project that pays (x-goog-user-project). That of the credentials when left out; people who have signed in need one.',
    }),
  ),
  network: defaulted(
    Type.Enum(['public', 'private'], {
      description:
        'Where the token servers may be; "private" admits addresses of the own network, and in credentials such that are not ' +
        'of googleapis.com.',
    }),
    'public',
  ),
  timeout: defaulted({ ...Duration, description: 'For the whole answer of each token server.' }, '5s'),
  metadataUrl: Type.Optional({
    ...Address,
    description:
      'Replaces the address of the metadata server, on AWS the addresses of its metadata services. `http:` only with ' +
      '"network": "private".',
  }),
  iamUrl: defaulted(
    { ...Address, description: 'Where service accounts are impersonated.' },
    'https://iamcredentials.googleapis.com',
  ),
});

/** Access tokens of Google Cloud, for Vertex AI and Gemini; a library of Google's is not needed for them. */
export const googleTokenProvider = defineTokenProvider({
  type: 'google',
  summary: 'Gets access tokens of Google Cloud: by key file, metadata server or workload identity.',
  config,
  needs: ['clock', 'http', 'workload'],
  fetching: () => 'asks',
  examples: [
    { title: 'Whatever the platform offers', config: {} },
    {
      title: 'A key file of a service account',
      config: { credentials: { from: 'service-account', key: { $file: '/run/secrets/google-key.json' } } },
    },
    {
      title: 'An identity of a Kubernetes cluster',
      config: {
        credentials: {
          from: 'workload-identity',
          configuration: { $file: '/run/secrets/google-identity.json' },
          subjectToken: { $file: '/run/secrets/google/token' },
        },
      },
    },
    {
      title: 'A role of AWS, on EC2, ECS or EKS',
      config: {
        credentials: { from: 'workload-identity', configuration: { $file: '/run/secrets/google-identity.json' } },
      },
    },
    {
      title: 'Another service account, by that of the machine',
      config: { credentials: { from: 'metadata' }, impersonate: 'models@example.iam.gserviceaccount.com' },
    },
  ],
  create({ credentials, scope, impersonate, network, metadataUrl, iamUrl, ...rest }, capabilities): TokenProvider {
    const { clock, http, workload } = capabilities;
    checkAddress('iamUrl', iamUrl, network);
    if (metadataUrl !== undefined) checkAddress('metadataUrl', metadataUrl, network);
    const own = googleSource(credentials, { workload, network, metadataUrl });
    if (credentials.key !== undefined) checkKeyFile('credentials.key', credentials.key, network);
    const source: GoogleSource =
      impersonate === undefined
        ? own
        : (access) => impersonated({ url: impersonationUrl(iamUrl, impersonate) }, own, access);
    const settings = { clock, http, network, scope, timeoutMilliseconds: parseDuration(rest.timeout) };
    return {
      async getToken({ signal }) {
        const access: GoogleAccess = { ...settings, signal };
        return credentialOf({ ...(await source(access)), ...pick(rest.quotaProject) });
      },
      invalidate() {
        // Nothing is kept here.
      },
    };
  },
});

function pick(quotaProject: string | undefined): Pick<GoogleGrant, 'quotaProject'> {
  return quotaProject === undefined ? {} : { quotaProject };
}

function credentialOf({ token, expiresAt, quotaProject }: GoogleGrant): Credential {
  const credential = tokenCredential(token, bearer, expiresAt);
  if (quotaProject === undefined) return credential;
  return {
    ...credential,
    apply(request) {
      request.headers['x-goog-user-project'] = quotaProject;
      return credential.apply(request);
    },
  };
}
