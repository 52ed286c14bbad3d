import { signatureMistake } from './aws-signature.ts';

/** Whom AWS knows by these keys, and the region at which Google has to ask it. */
export interface AwsCaller {
  readonly id: string;
  readonly secret: string;
  readonly token?: string | undefined;
  readonly region: string;
  /** `sts.REGION.amazonaws.com` when absent. */
  readonly host?: string;
}

interface Expected {
  readonly caller: AwsCaller | undefined;
  readonly audience: string;
  readonly wallTime: number;
}

/** Milliseconds that AWS takes a signature for. */
const longestAge = 5 * 60_000;

/**
 * What is wrong with a token of AWS as Google gets it, or "": the encoding, the request that Google would send in the place
 * of the caller, and what AWS would say to it.
 */
export function callerMistake(subjectToken: string, { caller, audience, wallTime }: Expected): string {
  if (caller === undefined) return 'AWS knows nobody';
  const text = decodeURIComponent(subjectToken);
  if (encodeURIComponent(text) !== subjectToken) return 'the token is not URL-encoded';
  const { url: address, method, headers: list, ...more } = JSON.parse(text) as Record<string, unknown>;
  if (Object.keys(more).length > 0) return 'there is more than a request';
  const headers = headersOf(list);
  if (typeof headers === 'string') return headers;
  const { host = `sts.${caller.region}.amazonaws.com` } = caller;
  if (method !== 'POST' || address !== `https://${host}?Action=GetCallerIdentity&Version=2011-06-15`)
    return 'this is another question';
  if (headers['host'] !== host) return 'the host is another one';
  if (headers['x-goog-cloud-target-resource'] !== audience) return 'this is for somebody else';
  if (headers['x-amz-security-token'] !== caller.token) return 'the session is another one';
  if (Math.abs(timeOf(headers['x-amz-date'] ?? '') - wallTime) > longestAge) return 'the signature is too old';
  const [, id, scope, names = ''] =
    /Credential=([^/]+)\/\d{8}\/([^,]+), SignedHeaders=([^,]+),/.exec(headers['authorization'] ?? '') ?? [];
  if (id !== caller.id || scope !== `${caller.region}/sts/aws4_request`) return 'the key or its scope is another one';
  const signed = Object.keys(headers).filter((name) => name !== 'authorization');
  if (names !== signed.sort().join(';')) return 'not all headers are signed';
  return signatureMistake(
    { method, target: new URL(address).search.replace(/^/, '/'), headers, body: '' },
    caller.secret,
  );
}

/** Names in lower case, or what is wrong with the list. */
function headersOf(list: unknown): Record<string, string> | string {
  if (!Array.isArray(list)) return 'the headers are no list';
  const headers: Record<string, string> = {};
  for (const pair of list as readonly Record<string, unknown>[]) {
    const { key, value, ...more } = pair;
    if (typeof key !== 'string' || typeof value !== 'string' || Object.keys(more).length > 0) return 'an odd header';
    if (key.toLowerCase() in headers) return `${key} stands there twice`;
    headers[key.toLowerCase()] = value;
  }
  return headers;
}

/** Of `20150830T123600Z`. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
