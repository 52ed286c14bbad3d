import type { Clock } from '../../clock.ts';
import type { HttpCall, HttpCaller } from '../../http-caller.ts';
import type { Workload } from '../../workload.ts';
import { askTokenServer } from '../ask-token-server.ts';
import { usable } from '../token-credential.ts';
import { readTokenDocument } from '../token-document.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { TokenGrant } from '../oauth/token-endpoint.ts';
import { askedAt, expiryAfter, earlierExpiry, expiryOn, type Asked } from '../token-lifetime.ts';
import { checkBearer } from '../token-type.ts';

const instanceMetadata = 'http://169.254.169.254';
const instancePath = '/metadata/identity/oauth2/token';

/** Which of several identities of the machine; the one that it has where none is named. */
export interface ChosenIdentity {
  readonly clientId?: string;
  readonly objectId?: string;
  readonly resourceId?: string;
}

export interface ManagedIdentity {
  readonly identity: ChosenIdentity;
  /** Whom the token is for, as an address without `/.default`. */
  readonly resource: string;
  /** In place of the fixed address; may be anywhere in the own network. */
  readonly metadataUrl?: string;
  readonly timeoutMilliseconds: number;
}

export interface ManagedIdentityCapabilities {
  readonly clock: Clock;
  readonly http: HttpCaller;
  readonly workload: Workload;
}

/**
 * A token for the identity that Azure gives to the machine: from the endpoint that App Service and Container Apps name in the
 * environment, or else from the metadata service of virtual machines. Source: Microsoft's reference of both, api-version
 * 2019-08-01 and 2018-02-01.
 */
export async function askManagedIdentity(
  wanted: ManagedIdentity,
  { clock, http, workload }: ManagedIdentityCapabilities,
  signal: AbortSignal,
): Promise<TokenGrant> {
  const asked = askedAt(clock);
  const call = wanted.metadataUrl === undefined ? platformCall(wanted, workload) : undefined;
  const answer = await askTokenServer(call ?? instanceCall(wanted), http, signal);
  const document = readTokenDocument(answer, clock.wallTime());
  const { access_token: accessToken, token_type: type } = document;
  const token = usable(accessToken);
  checkBearer(type);
  const expiresAt = earlierExpiry(expiryOf(document, asked), token, asked);
  return { token, ...(expiresAt !== undefined && { expiresAt }) };
}

function instanceCall({ identity, resource, metadataUrl, timeoutMilliseconds }: ManagedIdentity): Call {
  const url = new URL(instancePath, metadataUrl ?? instanceMetadata);
  setParameters(url, {
    'api-version': '2018-02-01',
    resource,
    client_id: identity.clientId,
    object_id: identity.objectId,
    msi_res_id: identity.resourceId,
  });
  const network = metadataUrl === undefined ? 'metadata' : 'private';
  return { method: 'GET', url: url.href, headers: { metadata: 'true' }, network, timeoutMilliseconds };
}

/** Undefined where the platform names no endpoint. */
function platformCall(
  { identity, resource, timeoutMilliseconds }: ManagedIdentity,
  workload: Workload,
): Call | undefined {
  const endpoint = workload.variable('IDENTITY_ENDPOINT');
  if (endpoint === undefined) return undefined;
  const secret = workload.variable('IDENTITY_HEADER');
  // So it is on machines that Azure Arc connects; they hand out tokens against a file that only administrators read.
  if (secret === undefined) throw tokenUnavailable('IDENTITY_ENDPOINT is set without IDENTITY_HEADER');
  const url = URL.parse(endpoint);
  if (url === null || url.username !== '' || url.password !== '')
    throw tokenUnavailable('IDENTITY_ENDPOINT is no usable address');
  setParameters(url, {
    'api-version': '2019-08-01',
    resource,
    client_id: identity.clientId,
    principal_id: identity.objectId,
    mi_res_id: identity.resourceId,
  });
  return {
    method: 'GET',
    url: url.href,
    headers: { 'x-identity-header': usable(secret, { variable: 'IDENTITY_HEADER' }) },
    network: 'platform',
    timeoutMilliseconds,
  };
}

type Call = Omit<HttpCall, 'maxBytes'>;

function setParameters(url: URL, parameters: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
}

/** The earlier one: a token that was kept by the platform may come with the lifetime that it once had. */
function expiryOf(document: Readonly<Record<string, unknown>>, asked: Asked): number | undefined {
  const ends = [expiryAfter(document['expires_in'], asked), expiryOn(document['expires_on'], asked)];
  const known = ends.filter((end) => end !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
