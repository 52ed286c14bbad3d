import type { Clock } from '../../clock.ts';
import { asSluiceError } from '../../errors.ts';
import type { HttpAnswer, HttpCall, HttpCaller } from '../../http-caller.ts';
import type { Workload } from '../../workload.ts';
import { maxTokenAnswerBytes, parseObject, readTokenDocument } from '../token-document.ts';
import { tokenInvalid, tokenUnavailable, wordOf } from '../token-failure.ts';
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

/** Throws a TypeError, which refuses the definition, for an address that keys are not asked at. */
export function checkAwsUrl(field: string, text: string, network: HttpCall['network']): void {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new TypeError(`${field}: an address that begins with https:// is needed`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError(`${field}: the address must be without user, query and fragment`);
  if (url.protocol === 'http:' && network === 'public')
    throw new TypeError(`${field}: http: is for "network": "private" only, since keys are sent there`);
}

/** The region of the definition, or that of the machine. */
export function knownRegion({ region, workload }: Pick<AwsAccess, 'region' | 'workload'>): string | undefined {
  return region ?? readRegion(workload.variable('AWS_REGION')) ?? readRegion(workload.variable('AWS_DEFAULT_REGION'));
}

/**
 * One exchange with a place of keys; any status is an answer. Of a failure on the way only the code goes on: what caused
 * it may hold bytes of the answer.
 */
export async function askAws(
  call: Pick<HttpCall, 'method' | 'url' | 'headers' | 'body' | 'network'>,
  { http, timeoutMilliseconds }: Pick<AwsAccess, 'http' | 'timeoutMilliseconds'>,
  { signal }: Pick<TokenRun, 'signal'>,
): Promise<HttpAnswer> {
  const headers = { ...call.headers, 'user-agent': 'sluice' };
  try {
    return await http.call({ ...call, headers, timeoutMilliseconds, maxBytes: maxTokenAnswerBytes }, { signal });
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const { code, context } = asSluiceError(thrown, 'TOKEN_UNAVAILABLE');
    if (code === 'ANSWER_TOO_LARGE') throw tokenInvalid('the answer is too large', { context });
    throw tokenUnavailable(code, { context });
  }
}

/** The keys in an answer of a metadata service. Fails where it has none, or keys that are over already. */
export function readKeysDocument(answer: HttpAnswer, asked: Asked): AwsKeys {
  const refusal = answer.status >= 400 ? wordOf(parseObject(answer.body)?.['code'], '') : '';
  if (refusal !== '') throw tokenUnavailable(refusal, { context: { status: answer.status } });
  const document = readTokenDocument(answer);
  const { Code: code, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = document;
  if (code !== undefined && code !== 'Success')
    throw tokenUnavailable(wordOf(code, 'the metadata service has no keys'));
  return checkedKeys({ accessKeyId, secretAccessKey, sessionToken }, expiryOn(document['Expiration'], asked));
}
