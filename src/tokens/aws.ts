import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { knownRegion, type AwsAccess } from '../kernel/tokens/aws/aws-access.ts';
import { assumedRole, awsConfig, checkAddresses, keySource } from '../kernel/tokens/aws/aws-config.ts';
import { awsCredentials } from '../kernel/tokens/aws/aws-credentials.ts';
import { andThen, isAbsent } from '../kernel/tokens/aws/aws-keys.ts';
import { noKeys, roleKeys } from '../kernel/tokens/aws/key-sources.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';

/** Places at which keys are read without asking anybody. */
const placesAtHand: ReadonlySet<string> = new Set(['keys', 'environment', 'profile']);

/**
 * Signs each request with AWS Signature Version 4, with keys from where AWS gives them to programs. Keys that lie ready
 * come at once; the Security Token Service and metadata services are asked each time, so those belong under a cache.
 */
export const awsTokenProvider = defineTokenProvider({
  type: 'aws',
  summary: 'Signs requests to AWS with keys of the definition, of the machine, or of a role.',
  config: awsConfig,
  needs: ['clock', 'http', 'workload'],
  fetching: ({ credentials, assumeRole }) =>
    assumeRole === undefined && placesAtHand.has(credentials.from) ? undefined : 'asks',
  examples: [
    {
      title: 'Keys of the definition',
      config: {
        region: 'us-east-1',
        credentials: {
          from: 'keys',
          accessKeyId: { $env: 'BEDROCK_KEY_ID_SECRET' },
          secretAccessKey: { $env: 'BEDROCK_KEY_SECRET' },
        },
      },
    },
    {
      title: 'Temporary keys from files',
      config: {
        region: 'eu-central-1',
        credentials: {
          from: 'keys',
          accessKeyId: { $file: '/run/secrets/aws-access-key-id' },
          secretAccessKey: { $file: '/run/secrets/aws-secret-access-key' },
          sessionToken: { $file: '/run/secrets/aws-session-token' },
        },
      },
    },
    { title: 'The keys of the machine, wherever it has them', config: {} },
    {
      title: 'A role in another account',
      config: {
        region: 'eu-central-1',
        assumeRole: { roleArn: 'arn:aws:iam::123456789012:role/models', externalId: 'sluice-4711', duration: '1h' },
      },
    },
  ],
  create(config, { clock, http, workload }): TokenProvider {
    const { region, service, network, stsUrl, metadataUrl } = config;
    const access: AwsAccess = {
      clock,
      http,
      workload,
      network,
      timeoutMilliseconds: parseDuration(config.timeout),
      ...(region !== undefined && { region }),
      ...(stsUrl !== undefined && { stsUrl }),
      ...(metadataUrl !== undefined && { metadataUrl }),
    };
    checkAddresses(access);
    const base = keySource(config.credentials, access);
    const source = config.assumeRole === undefined ? base : roleKeys(base, assumedRole(config.assumeRole), access);
    const credentialOf = awsCredentials({ service, clock, region, usualRegion: () => knownRegion(access) });
    return {
      getToken: (run) =>
        andThen(source.find(run), (found) => {
          if (isAbsent(found)) throw noKeys(found.absent);
          return credentialOf(found);
        }),
      // Nothing is held: the next keys are those that their place gives, and the same keys are the same object.
      invalidate(_credential, { reason }) {
        if (reason === 'rejected') source.refresh?.();
      },
    };
  },
});
