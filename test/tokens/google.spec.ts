import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Workload } from '../../src/kernel/workload.ts';
import { googleTokenProvider } from '../../src/tokens/google.ts';
import { leaksOf } from '../support/canary.ts';
import { createInstance } from '../support/component-instance.ts';
import { accountKeyPem, google, startGoogleCloud, type GoogleCloud } from '../support/google-cloud.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';
import { startTokenServer } from '../support/token-server.ts';
import {
  closedHttp,
  failureOfToken,
  headersOf,
  noWorkload,
  rotatingSecret,
  secretOf,
} from '../support/token-outcomes.ts';
import { eventually } from '../support/turn.ts';

type Config = Parameters<typeof googleTokenProvider.create>[0];

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

const workloadWith = (text: string | undefined): Workload => ({
  ...noWorkload,
  file: (name) => (name === 'GOOGLE_APPLICATION_CREDENTIALS' ? text : undefined),
});

function build(changes: Partial<Config>, workload: Workload = noWorkload): TokenProvider {
  const defaults = { credentials: { from: 'default' }, scope: platform, network: 'private', timeout: '5s' } as const;
  const servers = { metadataUrl: cloud.origin, iamUrl: `${cloud.origin}/` };
  return googleTokenProvider.create({ ...defaults, ...servers, ...changes }, { clock, http, workload });
}

const byKey = (file: string, changes: Partial<Config> = {}): TokenProvider =>
  build({ credentials: { from: 'service-account', key: secretOf(file) }, ...changes });

describe('a token of Google', () => {
  it('is had for a key file, which signs what is asked', async () => {
    const credential = await byKey(cloud.keyFile()).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: 'Bearer ya29.of-the-account' });
    expect(credential.expiresAt).toBe(clock.now() + 3_599_000);
    expect(cloud.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /oauth/token']);
  });

  it('is asked for with an assertion that has begun for a server whose clock is behind, and counts an hour', async () => {
    await byKey(cloud.keyFile()).getToken(run);
    const [, claims = ''] = (cloud.requests[0]?.form.get('assertion') ?? '').split('.');
    const now = clock.wallTime() / 1_000;
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iat: now - 30, exp: now + 3_570 });
  });

  it('is for the scopes of the config', async () => {
    const scope = 'https://www.googleapis.com/auth/generative-language email';
    await byKey(cloud.keyFile(), { scope }).getToken(run);
    const [, claims = ''] = (cloud.requests[0]?.form.get('assertion') ?? '').split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ scope });
  });

  it('is had of the machine', async () => {
    const credential = await build({ credentials: { from: 'metadata' } }).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${google.machineToken}` });
    expect(cloud.requests[0]).toMatchObject({
      path: `/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent(platform)}`,
      headers: { 'metadata-flavor': 'Google' },
    });
  });

  it('is had of another account of the machine', async () => {
    await build({ credentials: { from: 'metadata', account: 'a@b.example' } }).getToken(run);
    expect(cloud.requests[0]?.path).toContain('/service-accounts/a%40b.example/token');
  });

  it('is had at the address that all machines of Google know, on the network of its own', async () => {
    const closed = closedHttp();
    const config = { credentials: { from: 'metadata' } };
    const provider = createInstance(googleTokenProvider, config, { ...testRun().capabilities, http: closed });
    expect(await failureOfToken(provider, run)).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'UPSTREAM_CONNECT', step: 'metadata server' },
    });
    expect(closed.asked).toEqual([
      `metadata http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent(platform)}`,
    ]);
  });

  it.each([
    ['service_account', () => cloud.keyFile(), 'ya29.of-the-account'],
    [
      'authorized_user',
      () => JSON.stringify({ type: 'authorized_user', ...google.user, token_uri: `${cloud.origin}/oauth/token` }),
      'ya29.of-the-user',
    ],
    [
      'impersonated_service_account',
      () =>
        JSON.stringify({
          type: 'impersonated_service_account',
          service_account_impersonation_url: `${cloud.origin}/v1/projects/-/serviceAccounts/${google.target}:generateAccessToken`,
          delegates: ['between@example.iam.gserviceaccount.com'],
          source_credentials: JSON.parse(cloud.keyFile()),
        }),
      `ya29.as-${google.target}-by-ya29.of-the-account`,
    ],
  ])('is had by default for a file of the type %s', async (_type, file, token) => {
    const credential = await build({}, workloadWith(file())).getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ${token}` });
    expect(credential.expiresAt).toBeGreaterThan(clock.now() + 3_500_000);
  });

  it('is had by default of the machine where there is no file', async () => {
    expect(await headersOf(await build({}).getToken(run))).toEqual({ authorization: `Bearer ${google.machineToken}` });
  });

  it.each([
    [
      'of the machine',
      (): TokenProvider => build({ credentials: { from: 'metadata' }, impersonate: google.target, scope: 'a b' }),
      google.machineToken,
    ],
    [
      'of a key file',
      (): TokenProvider => byKey(cloud.keyFile(), { impersonate: google.target, scope: 'a b' }),
      'ya29.of-the-account',
    ],
  ])('of another account is had with that %s', async (_name, provider, own) => {
    const credential = await provider().getToken(run);
    expect(await headersOf(credential)).toEqual({ authorization: `Bearer ya29.as-${google.target}-by-${own}` });
    expect(credential.expiresAt).toBe(clock.now() + 3_600_000);
    const last = cloud.requests.at(-1);
    expect(JSON.parse(last?.body ?? '')).toEqual({ scope: ['a', 'b'], lifetime: '3600s' });
  });

  it.each([
    ['of the config', { quotaProject: 'example:payer' }, {}, 'example:payer'],
    ['of the credentials', {}, { quota_project_id: 'payer-1' }, 'payer-1'],
    [
      'of the config before that of the credentials',
      { quotaProject: 'first' },
      { quota_project_id: 'second' },
      'first',
    ],
    ['never with what is no name', {}, { quota_project_id: 'a\r\nx: y' }, undefined],
  ])('goes with the project that pays: %s', async (_name, changes, inFile, project) => {
    const file = JSON.stringify({
      type: 'authorized_user',
      ...google.user,
      token_uri: `${cloud.origin}/oauth/token`,
      ...inFile,
    });
    const headers = await headersOf(await build(changes, workloadWith(file)).getToken(run));
    expect(headers['x-goog-user-project']).toBe(project);
  });

  it('is fetched with the key file of the moment', async () => {
    const key = rotatingSecret(cloud.keyFile());
    const provider = build({ credentials: { from: 'service-account', key: key.secret } });
    key.becomes('{}');
    expect((await failureOfToken(provider, run)).code).toBe('TOKEN_INVALID');
    key.becomes(cloud.keyFile());
    expect(await headersOf(await provider.getToken(run))).toEqual({ authorization: 'Bearer ya29.of-the-account' });
  });
});

describe('the servers of Google', () => {
  const page = { body: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } };
  const huge = { body: `{"access_token":"${'a'.repeat(10_000_000)}"}` };
  const flavored = { headers: { 'metadata-flavor': 'Google' } };
  const machine = '/computeMetadata';
  const iam = '/v1/projects';
  const long = { access_token: 'a', token_type: 'Bearer' };

  it.each([
    ['a page', '/oauth/token', page, 'TOKEN_INVALID'],
    ['nothing', '/oauth/token', {}, 'TOKEN_INVALID'],
    ['no token', '/oauth/token', { json: { expires_in: 10 } }, 'TOKEN_INVALID'],
    ['a token with a line end', '/oauth/token', { json: { access_token: 'a\r\nx: y' } }, 'TOKEN_INVALID'],
    ['10 MB', '/oauth/token', huge, 'TOKEN_INVALID'],
    ['a refusal', '/oauth/token', { status: 400, json: { error: 'invalid_grant' } }, 'TOKEN_UNAVAILABLE'],
    ['a failure', '/oauth/token', { status: 503 }, 'TOKEN_UNAVAILABLE'],
    ['a reset', '/oauth/token', { fault: 'reset' as const }, 'TOKEN_UNAVAILABLE'],
    ['a page of another machine', machine, page, 'TOKEN_INVALID'],
    ['a token without its mark', machine, { json: long }, 'TOKEN_INVALID'],
    ['a token that is over', machine, { json: { ...long, expires_in: 0 }, ...flavored }, 'TOKEN_INVALID'],
    ['a token for a thousand years', machine, { json: { ...long, expires_in: 1e12 }, ...flavored }, 'TOKEN_INVALID'],
    ['a token of another type', machine, { json: { ...long, token_type: 'mac' }, ...flavored }, 'TOKEN_INVALID'],
    ['10 MB of the machine', machine, { ...huge, ...flavored }, 'TOKEN_INVALID'],
    [
      'no permission',
      iam,
      { status: 403, json: { error: { code: 403, status: 'PERMISSION_DENIED' } } },
      'TOKEN_UNAVAILABLE',
    ],
    ['a past date', iam, { json: { accessToken: 'a', expireTime: '2001-01-01T00:00:00Z' } }, 'TOKEN_INVALID'],
    ['no date at all', iam, { json: { accessToken: 'a', expireTime: 'soon' } }, 'TOKEN_INVALID'],
    ['a name for a token', iam, { json: { access_token: 'a' } }, 'TOKEN_INVALID'],
  ])('that answer with %s make a failure with a name and no secret', async (_name, path, answer, code) => {
    cloud.disturb(path, answer);
    const provider =
      path === machine
        ? build({ credentials: { from: 'metadata' } })
        : byKey(cloud.keyFile(), { impersonate: google.target });
    const failure = await failureOfToken(provider, run);
    expect(failure).toMatchObject({ code, context: { step: expect.any(String), reason: expect.any(String) } });
    const secrets = [
      accountKeyPem.split('\n')[1] ?? '',
      'ya29.of-the-account',
      cloud.requests[0]?.form.get('assertion') ?? 'none-at-all',
    ];
    expect(secrets.flatMap((secret) => leaksOf(secret, failure.printed))).toEqual([]);
  });

  it('are not asked for a file that names no account to impersonate', async () => {
    const file = { type: 'impersonated_service_account', source_credentials: JSON.parse(cloud.keyFile()) };
    const failure = await failureOfToken(build({}, workloadWith(JSON.stringify(file))), run);
    const reason = 'the Google credentials name no account to impersonate';
    expect(failure).toMatchObject({ code: 'TOKEN_INVALID', context: { reason } });
    expect(cloud.requests).toEqual([]);
  });

  it('that want to be asked later say so', async () => {
    cloud.disturb('/oauth/token', { status: 429, headers: { 'retry-after': '7' } });
    await expect(byKey(cloud.keyFile()).getToken(run)).rejects.toMatchObject({ retryAfterSeconds: 7 });
  });

  it('that do not say when the token of another account ends are not answered for by that of the own one', async () => {
    cloud.disturb(iam, { json: { accessToken: 'a' } });
    const credential = await byKey(cloud.keyFile(), { impersonate: google.target }).getToken(run);
    expect(credential.expiresAt).toBeUndefined();
  });

  it.each([['/oauth/token'], [machine], [iam]])('at %s that redirect are not followed', async (path) => {
    const other = await startTokenServer();
    cloud.disturb(path, { status: 307, headers: { location: other.url, 'metadata-flavor': 'Google' } });
    const provider =
      path === machine
        ? build({ credentials: { from: 'metadata' } })
        : byKey(cloud.keyFile(), { impersonate: google.target });
    expect((await failureOfToken(provider, run)).code).toBe('TOKEN_INVALID');
    expect(other.requests).toEqual([]);
    await other.close();
  });

  it('that are silent are waited for until the timeout', async () => {
    cloud.disturb('/oauth/token', { fault: 'frozen' });
    const failing = failureOfToken(byKey(cloud.keyFile(), { timeout: '2s' }), run);
    await eventually(() => cloud.requests.length > 0, 'the question');
    await clock.advance(2_000);
    expect(await failing).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'UPSTREAM_HEADERS_TIMEOUT', step: 'service account key' },
    });
    expect(clock.pending).toBe(0);
  });

  it('are left at once when the run is over', async () => {
    cloud.disturb(machine, { fault: 'frozen' });
    const test = testRun();
    const failing = failureOfToken(build({ credentials: { from: 'metadata' } }), test.run);
    await eventually(() => cloud.requests.length > 0, 'the question');
    test.abort.abort();
    await failing;
    expect(clock.pending).toBe(0);
  });
});

describe('a definition with the provider google', () => {
  const { capabilities } = testRun();
  const create = (config: unknown): TokenProvider => createInstance(googleTokenProvider, config, capabilities);
  const key = { $env: 'GOOGLE_KEY_SECRET' };

  it.each([
    ['a key file without a key', { credentials: { from: 'service-account' } }, /required property 'key'/],
    [
      'an identity without its configuration',
      { credentials: { from: 'workload-identity' } },
      /required property 'configuration'/,
    ],
    [
      'a key beside the machine',
      { credentials: { from: 'metadata', key } },
      /"key" has no use beside "from": "metadata"/,
    ],
    [
      'a subject token beside a key',
      { credentials: { from: 'service-account', key, subjectToken: key } },
      /"subjectToken" has no use/,
    ],
    [
      'two subject tokens',
      { credentials: { from: 'default', subjectToken: key, subjectTokenFile: 'AZURE_FEDERATED_TOKEN_FILE' } },
      /exclude each other/,
    ],
    ['plain HTTP in the public network', { metadataUrl: 'http://example.com' }, /metadataUrl: http: is for/],
    ['plain HTTP for an account', { iamUrl: 'http://example.com' }, /iamUrl: http: is for/],
    ['an account that leads elsewhere', { impersonate: 'a/../b@example.com' }, /must match pattern/],
    ['a project that breaks the header', { quotaProject: 'a\nb' }, /must match pattern/],
    ['a key as it is', { credentials: { from: 'service-account', key: '{}' } }, /must be object/],
  ])('is refused for %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });
});
