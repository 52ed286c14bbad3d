import type { Workload } from '../../workload.ts';
import { checkAddress } from '../check-address.ts';
import { checkClientKeys } from '../oauth/check-keys.ts';
import { clientAuthentication, type ClientAuthentication } from '../oauth/client-authentication.ts';
import { revealed } from '../revealed.ts';
import type { TokenEndpoint } from '../oauth/token-endpoint.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { AzureCredentials } from './azure-credentials.ts';

const publicAuthority = 'https://login.microsoftonline.com';

export interface EntraEndpoint {
  /** Undefined where the environment or the public cloud decides. */
  readonly authorityHost?: string;
  readonly network: 'public' | 'private';
  readonly timeoutMilliseconds: number;
}

/** Throws a TypeError, which refuses the definition, for a host that no tenant has its tokens from. */
export function checkAuthority({ authorityHost, network }: EntraEndpoint): void {
  if (authorityHost === undefined) return;
  checkAddress('authorityHost', authorityHost, network);
  const { pathname, search } = new URL(authorityHost);
  if (pathname !== '/' || search !== '') throw new TypeError('authorityHost: a host without a path was expected');
}

/** An application that has a secret or a certificate of its own. */
export function applicationEndpoint(credentials: AzureCredentials, entra: EntraEndpoint): TokenEndpoint {
  const {
    clientId = '',
    tenantId = '',
    clientSecret,
    privateKey,
    certificate,
    algorithm,
    certificateHeader,
  } = credentials;
  const byKey = {
    clientId,
    authentication: 'private_key_jwt',
    algorithm: algorithm ?? 'PS256',
    ...(privateKey !== undefined && { privateKey }),
    ...(certificate !== undefined && { certificate }),
    ...(certificateHeader !== undefined && { certificateHeader }),
  } as const;
  const config =
    clientSecret === undefined ? byKey : ({ clientId, authentication: 'client_secret_post', clientSecret } as const);
  const authentication = clientAuthentication(config);
  checkClientKeys(config, undefined, 'credentials.');
  return endpointOf(tenantId, entra, entra.authorityHost ?? publicAuthority, authentication);
}

/**
 * A workload that its cluster gives a token to, which Entra ID trusts. What the definition does not say is read from the
 * environment, at each use. TOKEN_UNAVAILABLE where neither says it.
 */
export function workloadEndpoint(
  credentials: AzureCredentials,
  entra: EntraEndpoint,
  workload: Workload,
): TokenEndpoint {
  const tenantId = credentials.tenantId ?? workload.variable('AZURE_TENANT_ID') ?? missing('AZURE_TENANT_ID');
  const clientId = credentials.clientId ?? workload.variable('AZURE_CLIENT_ID') ?? missing('AZURE_CLIENT_ID');
  const authority = entra.authorityHost ?? authorityOf(workload, entra.network);
  const readAssertion = (): string => {
    if (credentials.tokenFile !== undefined) return revealed(credentials.tokenFile);
    const text = workload.file('AZURE_FEDERATED_TOKEN_FILE')?.trim() ?? missing('AZURE_FEDERATED_TOKEN_FILE');
    if (text === '') throw tokenUnavailable('the file of AZURE_FEDERATED_TOKEN_FILE is empty');
    return text;
  };
  return endpointOf(tenantId, entra, authority, {
    clientId,
    prove: () => (_server, _client, body) => {
      body.set('client_id', clientId);
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      body.set('client_assertion', readAssertion());
    },
  });
}

/** True where the platform tells all that a workload identity needs. */
export function isWorkload(credentials: AzureCredentials, workload: Workload): boolean {
  return (
    (credentials.tenantId ?? workload.variable('AZURE_TENANT_ID')) !== undefined &&
    (credentials.clientId ?? workload.variable('AZURE_CLIENT_ID')) !== undefined &&
    workload.file('AZURE_FEDERATED_TOKEN_FILE') !== undefined
  );
}

function endpointOf(
  tenantId: string,
  { network, timeoutMilliseconds }: EntraEndpoint,
  authority: string,
  authentication: ClientAuthentication,
): TokenEndpoint {
  const url = new URL(`/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`, authority).href;
  return { url, network, timeoutMilliseconds, authentication };
}

function authorityOf(workload: Workload, network: EntraEndpoint['network']): string {
  const host = workload.variable('AZURE_AUTHORITY_HOST') ?? publicAuthority;
  try {
    checkAddress('AZURE_AUTHORITY_HOST', host, network);
  } catch {
    throw tokenUnavailable('AZURE_AUTHORITY_HOST is no usable address');
  }
  return host;
}

function missing(variable: string): never {
  throw tokenUnavailable(`${variable} is not set`);
}
