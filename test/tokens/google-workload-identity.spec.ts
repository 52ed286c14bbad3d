import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { HttpCaller } from '../../src/kernel/http-caller.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Workload } from '../../src/kernel/workload.ts';
import { googleTokenProvider } from '../../src/tokens/google.ts';
import { leaksOf } from '../support/canary.ts';
import { google, startGoogleCloud, type GoogleCloud } from '../support/google-cloud.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';
import { startTokenServer } from '../support/token-server.ts';
import { closedHttp, failureOfToken, headersOf, noWorkload, secretOf } from '../support/token-outcomes.ts';

type Config = Parameters<typeof googleTokenProvider.create>[0];
type Credentials = Partial<Config['credentials']>;

const platform = 'https://www.googleapis.com/auth/cloud-platform';
const { run } = testRun();
let clock: TestClock;
let http: HttpCalls;
let cloud: GoogleCloud;

beforeEach(async () => {
  clock = new TestClock();
  http = new HttpCalls(clock);
  cloud = await startGoogleCloud(clock);
});
afterEach(async () => {
  await http.close();
  await cloud.close();
});

interface Setting {
  readonly network?: 'public' | 'private';
  readonly scope?: string;
  readonly workload?: Workload;
  readonly caller?: HttpCaller;
}

function build(configuration: string, credentials: Credentials, setting: Setting = {}): TokenProvider {
  const { network = 'private', scope = platform, workload = noWorkload, caller = http } = setting;
  const from = { from: 'workload-identity', configuration: secretOf(configuration) } as const;
  return googleTokenProvider.create(
    {
      credentials: { ...from, ...credentials },
      scope,
      network,
      timeout: '5s',
      iamUrl: 'https://iamcredentials.googleapis.com',
    },
    { clock, http: caller, workload },
  );
}

const impersonation = (): Record<string, unknown> => ({
  service_account_impersonation_url: `${cloud.origin}/v1/projects/-/serviceAccounts/${google.target}:generateAccessToken`,
});

describe('a token of Google for an identity of somebody else', () => {
  it('is exchanged for the token in a file that the definition names', async () => {
    const subject = await cloud.subjectToken();
    const provider = build(cloud.configuration(), { subjectToken: secretOf(`${subject}\n`) });
    const credential = await provider.getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: 'Bearer federated' });
    expect(credential.expiresAt).toBe(clock.now() + 3_599_000);
    expect(cloud.requests.map(({ path }) => path)).toEqual(['/sts']);
    expect(cloud.requests[0]?.headers['authorization']).toBeUndefined();
  });

  it('is exchanged for the token in a field of a JSON file', async () => {
    const format = { type: 'json', subject_token_field_name: 'id_token' };
    const file = JSON.stringify({ other: 1, id_token: await cloud.subjectToken() });
    const configuration = cloud.configuration({ credential_source: { file: '/a/b', format } });
    const credential = await build(configuration, { subjectToken: secretOf(file) }).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: 'Bearer federated' });
  });

  it('is exchanged for the token that the cluster gives to its pods', async () => {
    const subject = await cloud.subjectToken();
    const workload: Workload = {
      ...noWorkload,
      file: (name) => (name === 'AZURE_FEDERATED_TOKEN_FILE' ? subject : undefined),
    };
    const provider = build(cloud.configuration(), { subjectTokenFile: 'AZURE_FEDERATED_TOKEN_FILE' }, { workload });
    expect(await headersOf(await provider.getToken(run))).toEqual({ authorization: 'Bearer federated' });
    const other = build(cloud.configuration(), { subjectTokenFile: 'AWS_WEB_IDENTITY_TOKEN_FILE' }, { workload });
    expect(await failureOfToken(other, run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { variable: 'AWS_WEB_IDENTITY_TOKEN_FILE', step: 'subject token' },
    });
  });

  it.each([
    ['a text', undefined, (token: string) => ({ body: `${token}\n` })],
    [
      'a JSON object',
      { type: 'json', subject_token_field_name: 'access_token' },
      (token: string) => ({ json: { access_token: token } }),
    ],
  ])('is exchanged for what an address answers as %s', async (_name, format, answer) => {
    const identity = await startTokenServer();
    identity.answer(answer(await cloud.subjectToken()));
    const source = { url: `${identity.origin}/identity?resource=x`, headers: { Metadata: 'True' }, format };
    const credential = await build(cloud.configuration({ credential_source: source }), {}).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: 'Bearer federated' });
    expect(identity.requests).toMatchObject([
      { method: 'GET', path: '/identity?resource=x', headers: { metadata: 'True' } },
    ]);
    await identity.close();
  });

  it('is exchanged by the client of the configuration', async () => {
    const configuration = cloud.configuration({ client_id: 'me', client_secret: 'word' });
    const credential = await build(configuration, { subjectToken: secretOf(await cloud.subjectToken()) }).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: 'Bearer federated-client' });
    expect(cloud.requests[0]?.headers['authorization']).toBe(`Basic ${Buffer.from('me:word').toString('base64')}`);
  });

  it.each([
    [undefined, '3600s'],
    [1_200, '1200s'],
    [-1, '3600s'],
    ['a', '3600s'],
    [1e9, '3600s'],
  ])('becomes one of a service account that lives as long as the configuration says: %j', async (seconds, lifetime) => {
    const configuration = cloud.configuration({
      ...impersonation(),
      service_account_impersonation: { token_lifetime_seconds: seconds },
    });
    const subjectToken = secretOf(await cloud.subjectToken());
    const credential = await build(configuration, { subjectToken }, { scope: 'a b' }).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ya29.as-${google.target}-by-federated` });
    expect(credential.expiresAt).toBe(clock.now() + Number.parseInt(lifetime, 10) * 1_000);
    const [exchange, last] = cloud.requests;
    expect(exchange?.form.get('scope')).toBe(platform);
    expect(JSON.parse(last?.body ?? '')).toEqual({ scope: ['a', 'b'], lifetime });
  });

  it('is had by default where the file of the platform is such a configuration', async () => {
    const workload: Workload = { ...noWorkload, file: () => cloud.configuration() };
    const subjectToken = secretOf(await cloud.subjectToken());
    const provider = googleTokenProvider.create(
      {
        credentials: { from: 'default', subjectToken },
        scope: platform,
        network: 'private',
        timeout: '5s',
        iamUrl: cloud.origin,
      },
      { clock, http, workload },
    );
    expect(await headersOf(await provider.getToken(run))).toEqual({ authorization: 'Bearer federated' });
  });
});

describe('a configuration that is not in order', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['reads files of the machine', { credential_source: { file: '/etc/passwd' } }, /name it as "subjectToken"/],
    ['runs programs', { credential_source: { executable: { command: 'id' } } }, /a program as credential source/],
    ['shows certificates', { credential_source: { certificate: {} } }, /a certificate as credential source/],
    ['has no source', { credential_source: undefined }, /no credential source that is supported/],
    ['has a source that is a text', { credential_source: 'x' }, /no credential source that is supported/],
    [
      'asks an address in plain HTTP',
      { credential_source: { url: 'http://identity.example/' } },
      /credential source is not allowed/,
    ],
    ['asks a file', { credential_source: { url: 'file:///etc/passwd' } }, /credential source is not allowed/],
    [
      'asks with a password',
      { credential_source: { url: 'https://a:b@identity.example/' } },
      /credential source is not allowed/,
    ],
    [
      'breaks the headers',
      { credential_source: { url: 'https://identity.example/', headers: { a: 'b\r\nc: d' } } },
      /a header of the credential source/,
    ],
    ...['host', 'Transfer-Encoding', 'Content-Length', 'Connection'].map(
      (name) =>
        [
          `decides about ${name}`,
          { credential_source: { url: 'https://identity.example/', headers: { [name]: 'x' } } },
          /a header of the credential source/,
        ] as [string, Record<string, unknown>, RegExp],
    ),
    [
      'breaks a header name',
      { credential_source: { url: 'https://identity.example/', headers: { 'a b': 'c' } } },
      /a header of the credential source/,
    ],
    [
      'has a format of its own',
      { credential_source: { url: 'https://identity.example/', format: { type: 'xml' } } },
      /the format of the credential source/,
    ],
    [
      'names no field',
      { credential_source: { url: 'https://identity.example/', format: { type: 'json' } } },
      /the format of the credential source/,
    ],
    ['exchanges elsewhere', { token_url: 'https://evil.example/sts' }, /not one of googleapis.com/],
    [
      'impersonates elsewhere',
      { service_account_impersonation_url: 'https://evil.example/' },
      /not one of googleapis.com/,
    ],
    ['has no audience', { audience: undefined }, /a field of the Google credentials is missing/],
  ])('because it %s reaches nobody', async (_name, changes, reason) => {
    const closed = closedHttp();
    const configuration = cloud.configuration({ token_url: 'https://sts.googleapis.com/v1/token', ...changes });
    const provider = build(configuration, {}, { network: 'public', caller: closed });
    const failure = await failureOfToken(provider, run);
    expect(failure).toMatchObject({ code: 'TOKEN_INVALID', context: { reason: expect.stringMatching(reason) } });
    expect(closed.asked).toEqual([]);
  });

  it.each([
    ['public', {}, 'https://identity.example/', 'public https://identity.example/'],
    ['private', {}, 'http://10.0.0.1/', 'private http://10.0.0.1/'],
    [
      'public',
      { subjectNetwork: 'metadata' },
      'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2Fx',
      'metadata http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2Fx',
    ],
    ['private', { subjectNetwork: 'public' }, 'https://identity.example/', 'public https://identity.example/'],
  ] as const)(
    'asks in the network %s with %j only where its author allowed',
    async (network, credentials, url, asked) => {
      const closed = closedHttp();
      const configuration = cloud.configuration({
        token_url: 'https://sts.googleapis.com/v1/token',
        credential_source: { url },
      });
      const provider = build(configuration, credentials, { network, caller: closed });
      await failureOfToken(provider, run);
      expect(closed.asked).toEqual([asked]);
    },
  );

  it.each([
    'http://169.254.169.254/latest/meta-data/iam/security-credentials/role',
    'http://169.254.169.254/computeMetadata/v1/instance/attributes/kube-env',
    'http://169.254.169.254/metadata/identity/../instance?api-version=2021-02-01',
    'http://169.254.170.2/v2/credentials/1',
  ])('does not hand on what else a metadata server knows: %s', async (url) => {
    const closed = closedHttp();
    const configuration = cloud.configuration({ credential_source: { url } });
    const provider = build(configuration, { subjectNetwork: 'metadata' }, { caller: closed });
    expect(await failureOfToken(provider, run)).toMatchObject({
      code: 'TOKEN_INVALID',
      context: { reason: expect.stringContaining('something else'), step: 'subject token' },
    });
    expect(closed.asked).toEqual([]);
  });

  it('never makes the guard open the metadata server', async () => {
    const url = 'http://169.254.169.254/computeMetadata/v1/';
    const provider = build(cloud.configuration({ credential_source: { url } }), {});
    expect(await failureOfToken(provider, run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'EGRESS_BLOCKED', step: 'subject token' },
    });
  });
});

describe('the servers of a token exchange', () => {
  const json = { type: 'json', subject_token_field_name: 'token' };

  it.each([
    ['a page', undefined, { body: '<html>\n</html>' }, 'TOKEN_INVALID'],
    ['a short page', undefined, { body: '<html></html>' }, 'TOKEN_INVALID'],
    ['nothing', undefined, { body: '' }, 'TOKEN_INVALID'],
    ['two lines', undefined, { body: 'a\r\nb' }, 'TOKEN_INVALID'],
    ['10 MB', undefined, { body: 'a'.repeat(10_000_000) }, 'TOKEN_INVALID'],
    ['no JSON', json, { body: 'a' }, 'TOKEN_INVALID'],
    ['no such field', json, { json: { other: 'a' } }, 'TOKEN_INVALID'],
    ['a field that is no text', json, { json: { token: { a: 1 } } }, 'TOKEN_INVALID'],
    ['a refusal', undefined, { status: 401, body: 'a' }, 'TOKEN_UNAVAILABLE'],
    ['a redirect', undefined, { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'TOKEN_INVALID'],
    ['a reset', undefined, { fault: 'reset' as const }, 'TOKEN_UNAVAILABLE'],
  ])('give no subject token by %s, and nothing is exchanged', async (_name, format, answer, code) => {
    cloud.disturb('/identity', answer);
    const source = { url: `${cloud.origin}/identity`, format };
    const failure = await failureOfToken(build(cloud.configuration({ credential_source: source }), {}), run);
    expect(failure).toMatchObject({ code, context: { step: 'subject token' } });
    expect(cloud.requests.map(({ path }) => path)).toEqual(['/identity']);
  });

  it.each([
    [
      'a token of another kind',
      { json: { access_token: 'a', issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' } },
      'TOKEN_INVALID',
    ],
    ['a page', { body: '<html>' }, 'TOKEN_INVALID'],
    [
      'a refusal',
      { status: 400, json: { error: 'invalid_grant', error_description: 'ID Token ey... is stale' } },
      'TOKEN_UNAVAILABLE',
    ],
  ])('that give %s make a failure which names them and shows nothing', async (_name, answer, code) => {
    cloud.disturb('/sts', answer);
    const subject = await cloud.subjectToken();
    const failure = await failureOfToken(
      build(cloud.configuration(impersonation()), { subjectToken: secretOf(subject) }),
      run,
    );
    expect(failure).toMatchObject({ code, context: { step: 'security token service' } });
    expect(leaksOf(subject, failure.printed)).toEqual([]);
    expect(failure.printed).not.toContain('is stale');
    expect(cloud.requests.map(({ path }) => path)).toEqual(['/sts']);
  });

  it('refuse the token of another cluster', async () => {
    const [head, claims] = (await cloud.subjectToken()).split('.');
    const forged = `${head}.${claims}.${Buffer.alloc(64, 1).toString('base64url')}`;
    const failure = await failureOfToken(build(cloud.configuration(), { subjectToken: secretOf(forged) }), run);
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_grant', status: 400 } });
    expect(leaksOf(forged, failure.printed)).toEqual([]);
  });
});
