import type { Clock } from '../../clock.ts';
import type { HttpAnswer, HttpCall, HttpCaller } from '../../http-caller.ts';
import type { Workload } from '../../workload.ts';
import { askTokenServer } from '../ask-token-server.ts';
import { readTokenDocument } from '../token-document.ts';
import { tokenUnavailable, wordOf } from '../token-failure.ts';
import { expiryOn, type Asked } from '../token-lifetime.ts';
import type { TokenRun } from '../token-provider.ts';
import { checkedKeys, type AwsKeys } from './aws-keys.ts';
import { readRegion } from './aws-region.ts';

/** What the places of keys are asked with. */
export interface AwsAccess {
  readonly clock: Clock;
  readonly http: HttpCaller;
  readonly workload: Workload;
  /** For addresses that are not the fixed ones of metadata services. */
  readonly network: 'public' | 'private';
  readonly timeoutMilliseconds: number;
  readonly region?: string;
  /** Replaces the address of the Security Token Service. */
  readonly stsUrl?: string;
  /** Replaces the fixed addresses of metadata services. */
  readonly metadataUrl?: string;
  /** The one of an instance alone, where it is not the usual one. */
  readonly instanceUrl?: string;
}

/** Addresses at which AWS answers to its own machines and containers. */
const metadataHosts: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::254]',
  '[fd00:ec2::23]',
]);

/** The network that an address is asked in: the fixed ones are on no other. */
export function networkOf(url: string, network: AwsAccess['network']): HttpCall['network'] {
  return metadataHosts.has(URL.parse(url)?.hostname ?? '') ? 'metadata' : network;
}

/** The region of the definition, or that of the machine. */
export function knownRegion({ region, workload }: Pick<AwsAccess, 'region' | 'workload'>): string | undefined {
  return region ?? readRegion(workload.variable('AWS_REGION')) ?? readRegion(workload.variable('AWS_DEFAULT_REGION'));
}

/** One exchange with a place of keys, as `askTokenServer`. Texts and XML are among the answers, each in the usual form. */
export function askAws(
  call: Pick<HttpCall, 'method' | 'url' | 'headers' | 'body' | 'network'>,
  { http, timeoutMilliseconds }: Pick<AwsAccess, 'http' | 'timeoutMilliseconds'>,
  { signal }: Pick<TokenRun, 'signal'>,
): Promise<HttpAnswer> {
  const headers = { accept: '*/*', ...call.headers };
  return askTokenServer({ ...call, headers, timeoutMilliseconds }, http, signal);
}

/** The keys in an answer of a metadata service. Fails where it has none, or keys that are over already. */
export function readKeysDocument(answer: HttpAnswer, asked: Asked): AwsKeys {
  const document = readTokenDocument(answer, asked.wallTime);
  const { Code: code, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = document;
  if (code !== undefined && code !== 'Success')
    throw tokenUnavailable(wordOf(code, 'the metadata service has no keys'));
  return checkedKeys({ accessKeyId, secretAccessKey, sessionToken }, expiryOn(document['Expiration'], asked));
}
