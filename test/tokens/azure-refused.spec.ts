import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { azureTokenProvider } from '../../src/tokens/azure.ts';
import { azure } from '../support/azure-cloud.ts';
import { bySecret, setUpAzure, type AzureConfig, type AzureSetUp } from '../support/azure-provider.ts';
import { leaksOf } from '../support/canary.ts';
import { buildConfig } from '../support/component-instance.ts';
import { makeCertificate } from '../support/test-certificate.ts';
import { testRun } from '../support/test-run.ts';
import { failureOfToken, noWorkload, secretOf } from '../support/token-outcomes.ts';
import type { TokenServerAnswer } from '../support/token-server.ts';
import { eventually } from '../support/turn.ts';

const { certificate } = makeCertificate({ hosts: ['sluice'], kind: 'rsa' });
const { tenantId, clientId } = azure;
const { run } = testRun();
let here: AzureSetUp;

beforeEach(async () => {
  here = await setUpAzure(certificate);
});
afterEach(() => here.close());

const token = { access_token: 'canary-4711-token', token_type: 'Bearer', expires_in: 3_599 };
const hostile: readonly (readonly [string, TokenServerAnswer, string])[] = [
  ['HTML', { body: '<html>canary-4711-token</html>', headers: { 'content-type': 'text/html' } }, 'TOKEN_INVALID'],
  ['nothing', { body: '' }, 'TOKEN_INVALID'],
  ['10 MB', { body: `{"access_token":"${'canary-4711-token'.repeat(620_000)}"}` }, 'TOKEN_INVALID'],
  ['CR and LF', { json: { ...token, access_token: 'canary-4711-token\r\nx: y' } }, 'TOKEN_INVALID'],
  ['no token', { json: { ...token, access_token: undefined } }, 'TOKEN_INVALID'],
  ['another type', { json: { ...token, token_type: 'pop' } }, 'TOKEN_INVALID'],
  ['a lifetime of 0', { json: { ...token, expires_in: 0 } }, 'TOKEN_INVALID'],
  ['a lifetime below 0', { json: { ...token, expires_in: '-5' } }, 'TOKEN_INVALID'],
  ['a lifetime of ages', { json: { ...token, expires_in: 1e12 } }, 'TOKEN_INVALID'],
  ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/?canary-4711-token' } }, 'TOKEN_INVALID'],
  ['a refusal', { status: 400, json: { error: 'canary-4711-token' } }, 'TOKEN_UNAVAILABLE'],
  ['a reset', { fault: 'reset' }, 'TOKEN_UNAVAILABLE'],
  ['garbage', { raw: 'canary-4711-token\r\n\r\n' }, 'TOKEN_UNAVAILABLE'],
];

describe.each<[string, () => TokenProvider]>([
  ['Entra ID', () => here.build(bySecret(azure.clientSecret))],
  ['a virtual machine', () => here.build({ from: 'managed-identity' }, noWorkload, here.atMachine())],
  ['App Service', () => here.build({ from: 'managed-identity' }, here.atService())],
])('%s', (_who, provider) => {
  it.each(hostile)('that answers with %s gives no token, and shows none', async (_what, answer, code) => {
    here.cloud.answer(answer);
    const failure = await failureOfToken(provider(), run);
    expect(failure.code).toBe(code);
    expect(failure.printed).not.toContain('canary');
    expect(leaksOf(azure.clientSecret, failure.printed)).toEqual([]);
    expect(here.clock.pendingTimers()).toEqual([]);
  });

  it.each(['3599', undefined])('that says a lifetime of %j gives a token', async (lifetime) => {
    here.cloud.answer({ json: { ...token, expires_in: lifetime } });
    const { expiresAt } = await provider().getToken(run);
    expect(expiresAt).toBe(lifetime === undefined ? undefined : here.clock.now() + 3_599_000);
  });

  it('that is frozen is given up after the timeout', async () => {
    here.cloud.answer({ fault: 'frozen' });
    const failing = failureOfToken(provider(), run);
    await eventually(() => here.clock.pending > 0 && here.cloud.requests.length > 0, 'the question');
    await here.clock.advance(5_000);
    expect(await failing).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'UPSTREAM_HEADERS_TIMEOUT' },
    });
  });

  it('is left at once by a run that ends', async () => {
    here.cloud.answer({ fault: 'frozen' });
    const test = testRun();
    const failing = Promise.resolve(provider().getToken(test.run));
    test.abort.abort(tokenUnavailable('the run is over'));
    await expect(failing).rejects.toMatchObject({ context: { reason: 'the run is over' } });
    expect(here.clock.pendingTimers()).toEqual([]);
  });
});

describe('a definition', () => {
  const application = { from: 'client-credentials', tenantId, clientId } as const;
  const key = secretOf('k');
  it.each<[string, Partial<AzureConfig>, string]>([
    ['no secret', { credentials: application }, 'credentials.clientSecret'],
    ['no tenant', { credentials: { from: 'client-credentials', clientId, clientSecret: key } }, 'credentials.tenantId'],
    ['no key', { credentials: { ...application, certificate: key } }, 'credentials.privateKey'],
    ['no certificate', { credentials: { ...application, privateKey: key } }, 'credentials.certificate'],
    ['a secret and a key', { credentials: { ...bySecret('s'), privateKey: key } }, 'credentials.privateKey'],
    ['an unused field', { credentials: { from: 'managed-identity', tenantId } }, 'credentials.tenantId'],
    ['a secret of the machine', { credentials: { from: 'default', clientSecret: key } }, 'credentials.clientSecret'],
    ['two identities', { credentials: { from: 'managed-identity', clientId, objectId: 'o' } }, 'credentials.objectId'],
    ['http: in public', { network: 'public' }, 'authorityHost'],
    ['a path', { authorityHost: 'https://login.example.com/x' }, 'authorityHost'],
    ['a user', { authorityHost: 'https://u:p@login.example.com' }, 'authorityHost'],
    [
      'metadata in public',
      { authorityHost: 'https://a.example', network: 'public', metadataUrl: 'https://b.example' },
      'metadataUrl',
    ],
  ])('with %s is refused', (_what, changes, field) => {
    const { credentials = { from: 'default' } as const, ...others } = changes;
    expect(() => here.build(credentials, noWorkload, others)).toThrow(expect.objectContaining({ name: 'TypeError' }));
    expect(() => here.build(credentials, noWorkload, others)).toThrow(field);
  });

  it.each([
    { credentials: { from: 'nowhere' } },
    { credentials: { from: 'client-credentials', tenantId: '../x', clientId: 'c' } },
    { credentials: { from: 'client-credentials', clientSecret: 'written-down' } },
    { credentials: { from: 'default', more: 1 } },
    { scope: 'two scopes' },
    { scope: '' },
    { authorityHost: 'login.microsoftonline.com' },
    { timeout: 'soon' },
  ])('with %j is no config', (config) => {
    expect(buildConfig(azureTokenProvider, config).mistakes).not.toEqual([]);
  });
});
