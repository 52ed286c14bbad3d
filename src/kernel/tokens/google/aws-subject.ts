import type { UpstreamRequest } from '../../upstream.ts';
import type { Workload } from '../../workload.ts';
import type { AwsAccess } from '../aws/aws-access.ts';
import { isAbsent, type AwsKeys } from '../aws/aws-keys.ts';
import { noKeys, usualChain } from '../aws/key-sources.ts';
import { machineRegion } from '../aws/machine-region.ts';
import { requestSigner } from '../aws/sign-request.ts';
import { tokenInvalid } from '../token-failure.ts';
import { identityQuery, readAwsSource } from './aws-source.ts';
import type { GoogleAccess } from './google-access.ts';

/** It is signed as a header, so that nobody on the way could write it in another form. */
const usableAudience = /^[\x21-\x7e]{1,2048}$/;

/** Where keys of AWS are looked for. */
export interface AwsSurroundings {
  readonly workload: Workload;
  /** Replaces the fixed addresses of metadata services. */
  readonly metadataUrl?: string | undefined;
}

/**
 * Proves to Google which role of AWS this process has: with a signed request that asks AWS who signed it, and that Google
 * sends in our place. For this audience, and for some minutes, it is as good as a key. The keys come from wherever AWS gives
 * them to programs.
 */
export async function awsSubjectToken(
  source: unknown,
  audience: string,
  { workload, metadataUrl }: AwsSurroundings,
  access: GoogleAccess,
): Promise<string> {
  const { clock, http, network, timeoutMilliseconds } = access;
  const { originIn, instanceUrl, ...sts } = readAwsSource(source, network);
  if (!usableAudience.test(audience)) throw tokenInvalid('the audience of the Google credentials is not usable');
  const aws: AwsAccess = {
    clock,
    http,
    workload,
    network,
    timeoutMilliseconds,
    ...(metadataUrl !== undefined && { metadataUrl }),
    ...(instanceUrl !== undefined && { instanceUrl }),
  };
  const region = sts.region ?? (await machineRegion(aws, access));
  // A region that the file names is that of its question, not that of the machine.
  const keys = await usualChain(sts.region === undefined ? { ...aws, region } : aws).find(access);
  if (isAbsent(keys)) throw noKeys(keys.absent);
  return signedQuestion(originIn(region), region, audience, keys, access);
}

/** URL-encoded, as Google wants it; in the form to its token service it is encoded once more. */
async function signedQuestion(
  origin: string,
  region: string,
  audience: string,
  keys: AwsKeys,
  { clock }: Pick<GoogleAccess, 'clock'>,
): Promise<string> {
  const query = `?Action=${identityQuery.action}&Version=${identityQuery.version}`;
  const request: UpstreamRequest = {
    method: 'POST',
    origin,
    path: `/${query}`,
    headers: { 'x-goog-cloud-target-resource': audience },
    body: '',
  };
  await requestSigner(keys, 'sts', clock)(request, region);
  const { authorization = '', ...others } = request.headers;
  const headers = { Authorization: authorization, host: new URL(origin).host, ...others };
  const pairs = Object.entries(headers).map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url: origin + query, method: 'POST', headers: pairs }));
}
