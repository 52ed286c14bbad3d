import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Workload } from '../../src/kernel/workload.ts';
import { azureTokenProvider } from '../../src/tokens/azure.ts';
import { azure, clusterToken } from '../support/azure-cloud.ts';
import {
  bySecret,
  setUpAzure,
  workloadWith,
  type AzureSetUp,
  type Credentials,
  type Variables,
} from '../support/azure-provider.ts';
import { leaksOf } from '../support/canary.ts';
import { createInstance } from '../support/component-instance.ts';
import { makeCertificate } from '../support/test-certificate.ts';
import { testRun } from '../support/test-run.ts';
import {
  closedHttp,
  failureOfToken,
  headersOf,
  noWorkload,
  rotatingSecret,
  secretOf,
} from '../support/token-outcomes.ts';

const pair = makeCertificate({ hosts: ['sluice'], kind: 'rsa' });
const otherPair = makeCertificate({ hosts: ['sluice'], kind: 'rsa' });
const ellipticKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});
const { tenantId, clientId, scope } = azure;
const { run } = testRun();
let here: AzureSetUp;

beforeEach(async () => {
  here = await setUpAzure(pair.certificate);
});
afterEach(() => here.close());

const byCertificate = (more: Partial<Credentials> = {}): Credentials => ({
  from: 'client-credentials',
  tenantId,
  clientId,
  certificate: secretOf(pair.certificate),
  privateKey: secretOf(pair.key),
  ...more,
});
const atCluster = async (more: Variables = {}): Promise<Workload> =>
  workloadWith(
    { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId, AZURE_AUTHORITY_HOST: `${here.cloud.origin}/`, ...more },
    `${await clusterToken(here.clock)}\n`,
  );
const tokenOf = async (provider: TokenProvider): Promise<string | undefined> =>
  (await headersOf(await provider.getToken(run)))['authorization'];

describe('an application', () => {
  it('has a token for its secret', async () => {
    const credential = await here.build(bySecret(azure.clientSecret)).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${azure.applicationToken}` });
    expect(credential).toMatchObject({ origins: '*', expiresAt: here.clock.now() + 3_599_000 });
    expect(here.cloud.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /${tenantId}/oauth2/v2.0/token`,
    ]);
  });

  it.each<[string, Partial<Credentials>, string, string]>([
    ['PS256 and SHA-256', {}, 'PS256', 'x5t#S256'],
    ['RS256', { algorithm: 'RS256' }, 'RS256', 'x5t#S256'],
    ['SHA-1', { certificateHeader: 'x5t' }, 'PS256', 'x5t'],
    ['the whole certificate', { certificateHeader: 'x5c' }, 'PS256', 'x5c'],
    ['both in one file', { privateKey: secretOf(`${pair.certificate}\n${pair.key}`) }, 'PS256', 'x5t#S256'],
  ])('has a token for its certificate, with %s', async (_what, more, algorithm, header) => {
    expect(await tokenOf(here.build(byCertificate(more)))).toBe(`Bearer ${azure.applicationToken}`);
    const [head = ''] = (here.cloud.requests[0]?.form.get('client_assertion') ?? '').split('.');
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({
      typ: 'JWT',
      alg: algorithm,
      [header]: expect.anything(),
    });
    expect(here.cloud.requests[0]?.form.has('client_secret')).toBe(false);
  });

  it('signs anew for each token', async () => {
    const provider = here.build(byCertificate());
    await provider.getToken(run);
    await provider.getToken(run);
    const [first, second] = here.cloud.requests.map(({ form }) => form.get('client_assertion'));
    expect(first).not.toBe(second);
  });

  it('reads a rotated secret at the next token', async () => {
    let text = 'old-secret';
    const clientSecret = Object.assign(secretOf(''), { reveal: () => text });
    const provider = here.build({ ...bySecret(''), clientSecret });
    expect(await failureOfToken(provider, run)).toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    text = azure.clientSecret;
    expect(await tokenOf(provider)).toBe(`Bearer ${azure.applicationToken}`);
  });

  it.each<[string, () => Credentials, string]>([
    ['another secret', () => bySecret('an-other-secret-4711'), 'an-other-secret-4711'],
    ['another key', () => byCertificate({ privateKey: secretOf(otherPair.key) }), otherPair.key],
    ['another certificate', () => byCertificate({ certificate: secretOf(otherPair.certificate) }), pair.key],
  ])('with %s is refused, and nothing of it is shown', async (_what, credentials, secret) => {
    const failure = await failureOfToken(here.build(credentials()), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_client', status: 401 } });
    expect(leaksOf(secret, failure.printed)).toEqual([]);
    expect(failure.printed).not.toContain(here.cloud.requests[0]?.form.get('client_assertion') ?? 'none');
  });

  it.each<[string, Partial<Credentials>]>([
    ['a key', { privateKey: secretOf('-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LTQ3MTE=\n-----END PRIVATE KEY-----') }],
    ['a certificate', { certificate: secretOf('canary-4711-certificate') }],
    ['a key for this algorithm', { privateKey: secretOf(ellipticKey), algorithm: 'PS256' }],
  ])('without %s asks nobody', async (_what, more) => {
    expect(() => here.build(byCertificate(more))).toThrow(
      /^credentials\.(?:privateKey|certificate): SOME_SECRET: the /,
    );
    const [key, certificate] = [rotatingSecret(pair.key), rotatingSecret(pair.certificate)];
    const provider = here.build(byCertificate({ ...more, privateKey: key.secret, certificate: certificate.secret }));
    key.becomes(more.privateKey?.reveal() ?? pair.key);
    certificate.becomes(more.certificate?.reveal() ?? pair.certificate);
    const failure = await failureOfToken(provider, run);
    expect(failure.code).toBe('TOKEN_INVALID');
    expect(failure.printed).not.toMatch(/canary|Y2FuYXJ5/);
    expect(here.cloud.requests).toEqual([]);
  });
});

describe('a virtual machine', () => {
  it('has a token, which ends when the earlier of two times says', async () => {
    const credential = await here.build({ from: 'managed-identity' }, noWorkload, here.atMachine()).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${azure.machineToken}` });
    expect(credential.expiresAt).toBe(here.clock.now() + 3_000_000);
    expect(here.cloud.requests[0]).toMatchObject({ method: 'GET', body: '', headers: { metadata: 'true' } });
  });

  it.each<[Partial<Credentials>, string]>([
    [{ clientId }, `client_id=${clientId}`],
    [{ objectId: 'o-1' }, 'object_id=o-1'],
    [{ resourceId: '/subscriptions/s/id&x=1' }, 'msi_res_id=%2Fsubscriptions%2Fs%2Fid%26x%3D1'],
  ])('has one for the identity %j', async (identity, query) => {
    await here.build({ from: 'managed-identity', ...identity }, noWorkload, here.atMachine()).getToken(run);
    expect(here.cloud.requests[0]?.path.split('&').slice(2).join('&')).toBe(query);
  });

  it('asks at the address that all machines of Azure know, on the network of its own', async () => {
    const closed = closedHttp();
    const capabilities = { ...testRun().capabilities, http: closed };
    const provider = createInstance(azureTokenProvider, { credentials: { from: 'managed-identity' } }, capabilities);
    expect(await failureOfToken(provider, run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'UPSTREAM_CONNECT' },
    });
    expect(closed.asked).toEqual([
      'metadata http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01' +
        '&resource=https%3A%2F%2Fcognitiveservices.azure.com',
    ]);
  });

  it.each([400, 404, 410, 429, 500, 503])('that says %i may be asked again later', async (status) => {
    here.cloud.answer({ status, headers: { 'retry-after': '3' }, json: { error: 'invalid_request' } });
    const failure = await failureOfToken(here.build({ from: 'managed-identity' }, noWorkload, here.atMachine()), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { status, reason: 'invalid_request' } });
  });

  it('asks for any other scope as it is', async () => {
    const changes = { ...here.atMachine(), scope: 'https://management.azure.com//.default' };
    await failureOfToken(here.build({ from: 'managed-identity' }, noWorkload, changes), run);
    const others = { ...here.atMachine(), scope: 'api://of-our-own' };
    await failureOfToken(here.build({ from: 'managed-identity' }, noWorkload, others), run);
    const resources = here.cloud.requests.map(({ path }) => new URLSearchParams(path.split('?')[1]).get('resource'));
    expect(resources).toEqual(['https://management.azure.com/', 'api://of-our-own']);
  });
});

describe('App Service', () => {
  it('gives a token at the endpoint that it names', async () => {
    const credential = await here.build({ from: 'managed-identity' }, here.atService()).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${azure.serviceToken}` });
    expect(credential.expiresAt).toBe(here.clock.now() + 3_000_000);
  });

  it.each<[Partial<Credentials>, string]>([
    [{ clientId }, `client_id=${clientId}`],
    [{ objectId: 'o-1' }, 'principal_id=o-1'],
    [{ resourceId: '/subscriptions/s' }, 'mi_res_id=%2Fsubscriptions%2Fs'],
  ])('gives one for the identity %j', async (identity, query) => {
    await here.build({ from: 'managed-identity', ...identity }, here.atService()).getToken(run);
    expect(here.cloud.requests[0]?.path.split('&').slice(2).join('&')).toBe(query);
  });

  it('gives one in its containers at an address of the platform', async () => {
    const closed = closedHttp();
    const workload = here.atService({ IDENTITY_ENDPOINT: 'http://169.254.129.4:8081/msi/token' });
    const capabilities = { ...testRun().capabilities, http: closed, workload };
    const provider = createInstance(azureTokenProvider, {}, capabilities);
    await failureOfToken(provider, run);
    expect(closed.asked).toEqual([expect.stringMatching(/^platform http:\/\/169\.254\.129\.4:8081\/msi\/token\?/)]);
  });

  it('is not asked on the public internet, where its header would be shown', async () => {
    const workload = here.atService({ IDENTITY_ENDPOINT: 'http://93.184.216.34/msi/token' });
    const failure = await failureOfToken(here.build({ from: 'managed-identity' }, workload), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'EGRESS_BLOCKED' } });
  });

  it.each<[Credentials, string | null]>([
    [{ from: 'default' }, 'id-of-the-environment'],
    [{ from: 'default', clientId }, clientId],
    [{ from: 'managed-identity' }, null],
  ])('gives one for the identity that %j and AZURE_CLIENT_ID name', async (credentials, expected) => {
    const workload = here.atService({ AZURE_CLIENT_ID: 'id-of-the-environment' });
    await here.build(credentials, workload).getToken(run);
    const url = new URL(here.cloud.requests[0]?.path ?? '', here.cloud.origin);
    expect(url.searchParams.get('client_id')).toBe(expected);
  });

  it.each<[string, Variables]>([
    ['IDENTITY_ENDPOINT is set without IDENTITY_HEADER', { IDENTITY_ENDPOINT: 'http://127.0.0.1/msi' }],
    ['IDENTITY_ENDPOINT is no usable address', { IDENTITY_ENDPOINT: 'nowhere', IDENTITY_HEADER: 'h' }],
    ['IDENTITY_ENDPOINT is no usable address', { IDENTITY_ENDPOINT: 'http://u:p@127.0.0.1/', IDENTITY_HEADER: 'h' }],
  ])('is not asked where %s', async (reason, variables) => {
    const failure = await failureOfToken(here.build({ from: 'managed-identity' }, workloadWith(variables)), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason } });
  });

  it('is not shown a header that would break the request, and nobody is shown the header', async () => {
    const failure = await failureOfToken(
      here.build({ from: 'managed-identity' }, here.atService({ IDENTITY_HEADER: 'canary-4711\r\nx: y' })),
      run,
    );
    expect(failure).toMatchObject({ code: 'TOKEN_INVALID', context: { variable: 'IDENTITY_HEADER' } });
    expect(failure.printed).not.toContain('canary');
    expect(here.cloud.requests).toEqual([]);
  });
});

describe('a workload of a cluster', () => {
  const fromCluster: Credentials = { from: 'workload-identity' };

  it('has a token for that of its cluster, all of it from the environment', async () => {
    const config = { credentials: fromCluster, scope, timeout: '5s', network: 'private' } as const;
    const provider = azureTokenProvider.create(config, { ...here, workload: await atCluster() });
    expect(await tokenOf(provider)).toBe(`Bearer ${azure.workloadToken}`);
    expect(here.cloud.requests[0]?.path).toBe(`/${tenantId}/oauth2/v2.0/token`);
  });

  it('has one for a token in a file of the definition', async () => {
    const tokenFile = secretOf(await clusterToken(here.clock));
    const credentials: Credentials = { from: 'workload-identity', tenantId, clientId, tokenFile };
    expect(await tokenOf(here.build(credentials))).toBe(`Bearer ${azure.workloadToken}`);
  });

  it('is what the definition says before what the environment says', async () => {
    const workload = await atCluster({
      AZURE_TENANT_ID: 'another',
      AZURE_CLIENT_ID: 'another',
      AZURE_AUTHORITY_HOST: '?',
    });
    expect(await tokenOf(here.build({ ...fromCluster, tenantId, clientId }, workload))).toBe(
      `Bearer ${azure.workloadToken}`,
    );
  });

  it('asks for the tenant that the environment says, whatever that is', async () => {
    const workload = await atCluster({ AZURE_TENANT_ID: '../other?x=#y' });
    await failureOfToken(here.build(fromCluster, workload), run);
    expect(here.cloud.requests.map(({ path }) => path)).toEqual(['/..%2Fother%3Fx%3D%23y/oauth2/v2.0/token']);
  });

  it.each<[string, Workload]>([
    ['AZURE_TENANT_ID is not set', workloadWith({ AZURE_CLIENT_ID: 'c' }, 't')],
    ['AZURE_CLIENT_ID is not set', workloadWith({ AZURE_TENANT_ID: 't' }, 't')],
    ['AZURE_FEDERATED_TOKEN_FILE is not set', workloadWith({ AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c' })],
    [
      'the file of AZURE_FEDERATED_TOKEN_FILE is empty',
      workloadWith({ AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c' }, ' \n'),
    ],
  ])('asks nobody where %s', async (reason, workload) => {
    const failure = await failureOfToken(here.build(fromCluster, workload), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason } });
    expect(here.cloud.requests).toEqual([]);
  });

  it.each(['nowhere', 'http://login.example.com', 'ftp://login.example.com'])(
    'asks nobody at AZURE_AUTHORITY_HOST %s',
    async (host) => {
      const config = { credentials: fromCluster, scope, timeout: '5s', network: 'public' } as const;
      const workload = await atCluster({ AZURE_AUTHORITY_HOST: host });
      const provider = azureTokenProvider.create(config, { ...here, workload });
      expect(await failureOfToken(provider, run)).toMatchObject({
        code: 'TOKEN_UNAVAILABLE',
        context: { reason: 'AZURE_AUTHORITY_HOST is no usable address' },
      });
    },
  );

  it('shows nothing of a token that is not trusted', async () => {
    const token = await clusterToken(here.clock, { audience: 'api://somebody-else' });
    const workload = workloadWith({ AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId }, token);
    const failure = await failureOfToken(here.build(fromCluster, workload), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_client' } });
    expect(failure.printed).not.toContain(token);
  });
});

describe('whatever the platform gives', () => {
  it('is the workload identity where all of it is there', async () => {
    expect(await tokenOf(here.build({ from: 'default' }, await atCluster()))).toBe(`Bearer ${azure.workloadToken}`);
  });

  it('is the endpoint of App Service where the platform names one', async () => {
    expect(await tokenOf(here.build({ from: 'default' }, here.atService()))).toBe(`Bearer ${azure.serviceToken}`);
  });

  it.each([
    ['nothing is there', noWorkload],
    ['a part of a workload identity is there', workloadWith({ AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId })],
  ])('is the identity of the machine where %s', async (_what, workload) => {
    expect(await tokenOf(here.build({ from: 'default' }, workload, here.atMachine()))).toBe(
      `Bearer ${azure.machineToken}`,
    );
  });

  it('is an error where the file that the platform names can not be read', async () => {
    const workload: Workload = {
      ...(await atCluster()),
      file: () => {
        throw tokenUnavailable('AZURE_FEDERATED_TOKEN_FILE can not be read');
      },
    };
    expect(await failureOfToken(here.build({ from: 'default' }, workload, here.atMachine()), run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'AZURE_FEDERATED_TOKEN_FILE can not be read' },
    });
  });
});
