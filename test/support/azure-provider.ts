import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Workload, WorkloadVariable } from '../../src/kernel/workload.ts';
import { azureTokenProvider } from '../../src/tokens/azure.ts';
import { azure, startAzureCloud } from './azure-cloud.ts';
import { TestClock } from './test-clock.ts';
import { noWorkload, secretOf } from './token-outcomes.ts';
import type { TokenServer } from './token-server.ts';

export type AzureConfig = Parameters<typeof azureTokenProvider.create>[0];
export type Credentials = AzureConfig['credentials'];
export type Variables = Partial<Record<WorkloadVariable, string>>;

export interface AzureSetUp {
  readonly clock: TestClock;
  readonly http: HttpCalls;
  readonly cloud: TokenServer;
  /** A provider that asks the cloud of the test; `atMachine` and `atService` say where it asks for a managed identity. */
  build(credentials: Credentials, workload?: Workload, changes?: Partial<AzureConfig>): TokenProvider;
  atMachine(): Partial<AzureConfig>;
  atService(more?: Variables): Workload;
  close(): Promise<void>;
}

export const bySecret = (text: string): Credentials => ({
  from: 'client-credentials',
  tenantId: azure.tenantId,
  clientId: azure.clientId,
  clientSecret: secretOf(text),
});

/** What the platform says: these variables, and this text in the file with the token of the cluster. */
export function workloadWith(variables: Variables, file?: string): Workload {
  return {
    variable: (name) => variables[name],
    file: (name) => (name === 'AZURE_FEDERATED_TOKEN_FILE' ? file : undefined),
  };
}

/** A small cloud of Azure, where `certificate` belongs to the application. */
export async function setUpAzure(certificate: string): Promise<AzureSetUp> {
  const clock = new TestClock();
  const http = new HttpCalls(clock);
  const cloud = await startAzureCloud(clock, certificate);
  const defaults = { scope: azure.scope, timeout: '5s', authorityHost: cloud.origin, network: 'private' } as const;
  return {
    clock,
    http,
    cloud,
    build: (credentials, workload = noWorkload, changes = {}) =>
      azureTokenProvider.create({ credentials, ...defaults, ...changes }, { clock, http, workload }),
    atMachine: () => ({ metadataUrl: cloud.origin }),
    atService: (more = {}) =>
      workloadWith({
        IDENTITY_ENDPOINT: `${cloud.origin}/msi/token`,
        IDENTITY_HEADER: azure.identityHeader,
        ...more,
      }),
    async close() {
      await http.close();
      await cloud.close();
    },
  };
}
