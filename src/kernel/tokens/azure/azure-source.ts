import type { Workload } from '../../workload.ts';
import { requestToken, type TokenEndpoint, type TokenGrant } from '../oauth/token-endpoint.ts';
import type { AzureCredentials } from './azure-credentials.ts';
import { applicationEndpoint, isWorkload, workloadEndpoint, type EntraEndpoint } from './entra-application.ts';
import { askManagedIdentity, type ChosenIdentity, type ManagedIdentityCapabilities } from './managed-identity.ts';

export interface AzureToken extends EntraEndpoint {
  readonly credentials: AzureCredentials;
  /** Whom the token is for, such as `https://cognitiveservices.azure.com/.default`. */
  readonly scope: string;
  readonly metadataUrl?: string;
}

/** Asks whom the credentials name. Fails with TOKEN_UNAVAILABLE or TOKEN_INVALID, or for the reason of the signal. */
export type AskAzure = (signal: AbortSignal) => Promise<TokenGrant>;

/** What the environment tells is read at each use: a definition that is checked elsewhere is the same one. */
export function azureSource(token: AzureToken, capabilities: ManagedIdentityCapabilities): AskAzure {
  const { credentials, scope } = token;
  const { workload } = capabilities;
  const ask = (endpoint: TokenEndpoint, signal: AbortSignal): Promise<TokenGrant> =>
    requestToken(endpoint, { grant_type: 'client_credentials', scope }, capabilities, signal);
  const asApplication = credentials.from === 'client-credentials' ? applicationEndpoint(credentials, token) : undefined;
  const askMachine = (signal: AbortSignal): Promise<TokenGrant> =>
    askManagedIdentity(
      { ...token, identity: identityOf(credentials, workload), resource: resourceOf(scope) },
      capabilities,
      signal,
    );
  return async (signal) => {
    if (asApplication !== undefined) return ask(asApplication, signal);
    const { from } = credentials;
    const isFromCluster = from === 'workload-identity' || (from === 'default' && isWorkload(credentials, workload));
    return isFromCluster ? ask(workloadEndpoint(credentials, token, workload), signal) : askMachine(signal);
  };
}

/** Managed identities know resources in place of scopes. */
function resourceOf(scope: string): string {
  return scope.endsWith('/.default') ? scope.slice(0, -'/.default'.length) : scope;
}

/** As in the tools of Azure, AZURE_CLIENT_ID names the identity where the platform decides about everything. */
function identityOf(credentials: AzureCredentials, workload: Workload): ChosenIdentity {
  const { from, objectId, resourceId } = credentials;
  const clientId = credentials.clientId ?? (from === 'default' ? workload.variable('AZURE_CLIENT_ID') : undefined);
  return {
    ...(clientId !== undefined && { clientId }),
    ...(objectId !== undefined && { objectId }),
    ...(resourceId !== undefined && { resourceId }),
  };
}
