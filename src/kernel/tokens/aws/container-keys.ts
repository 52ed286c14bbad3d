import type { HttpCall } from '../../http-caller.ts';
import { usable } from '../token-credential.ts';
import { tokenInvalid } from '../token-failure.ts';
import { askedAt } from '../token-lifetime.ts';
import type { TokenRun } from '../token-provider.ts';
import { askAws, networkOf, readKeysDocument, type AwsAccess } from './aws-access.ts';
import type { AwsKeys, KeySource } from './aws-keys.ts';

const usualAddress = 'http://169.254.170.2';

interface Place {
  readonly url: string;
  readonly network: HttpCall['network'];
}

/** The keys of the role of a container on ECS (relative address) or EKS (full address and a token), as the platform tells it. */
export function containerKeys(access: AwsAccess): KeySource {
  const { workload } = access;
  return {
    name: 'container',
    find(run) {
      const relative = workload.variable('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
      const full = workload.variable('AWS_CONTAINER_CREDENTIALS_FULL_URI');
      if (relative !== undefined) return askKeys(relativePlace(relative, access), access, run);
      if (full !== undefined) return askKeys(fullPlace(full, access.network), access, run);
      return { absent: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set' };
    },
  };
}

async function askKeys({ url, network }: Place, access: AwsAccess, run: Pick<TokenRun, 'signal'>): Promise<AwsKeys> {
  const { workload } = access;
  const token =
    workload.file('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE') ?? workload.variable('AWS_CONTAINER_AUTHORIZATION_TOKEN');
  const headers = { accept: 'application/json', ...(token !== undefined && { authorization: usable(token.trim()) }) };
  const asked = askedAt(access.clock);
  return readKeysDocument(await askAws({ method: 'GET', url, headers, network }, access, run), asked);
}

function relativePlace(path: string, { metadataUrl = usualAddress, network }: AwsAccess): Place {
  // Anything else would go on with the host.
  if (!path.startsWith('/')) throw tokenInvalid('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path');
  return { url: new URL(metadataUrl.replace(/\/+$/, '') + path).href, network: networkOf(metadataUrl, network) };
}

/** Without encryption keys come from this machine and the fixed addresses only. */
function fullPlace(text: string, network: AwsAccess['network']): Place {
  const url = URL.parse(text);
  if (url === null) throw tokenInvalid('AWS_CONTAINER_CREDENTIALS_FULL_URI is no address');
  const place = { url: url.href, network: networkOf(text, network) };
  if (url.protocol === 'https:' || (url.protocol === 'http:' && place.network === 'metadata')) return place;
  if (url.protocol === 'http:' && isThisMachine(url.hostname)) return { ...place, network: 'private' };
  throw tokenInvalid('AWS_CONTAINER_CREDENTIALS_FULL_URI is no address that keys are asked at');
}

/** `hostname` is as a URL gives it, so there is one way to write each address. */
function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}
