import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { awsTokenProvider } from '../../src/tokens/aws.ts';
import {
  awsMachine,
  failureOf,
  mistakeOf,
  signedCall,
  type AwsConfig,
  type AwsMachine,
  type MachineFacts,
} from '../support/aws-machine.ts';
import { instanceRole, metadataService, roleGiven, stsDocument } from '../support/aws-services.ts';
import { fakeRun } from '../support/chat-run.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';
import { eventually } from '../support/turn.ts';

const { id, secret, token, expiration } = roleGiven;
const keysDocument = { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: expiration };
const instanceDocument = { Code: 'Success', LastUpdated: '2015-08-30T12:00:00Z', Type: 'AWS-HMAC', ...keysDocument };
const canary = 'CANARY-4f1d9a2b7c';
const hour = 3_600_000;

let server: TokenServer;
let machine: AwsMachine;

beforeAll(async () => {
  server = await startTokenServer();
  machine = awsMachine();
});
afterEach(() => {
  (server.requests as unknown[]).length = 0;
  machine.facts = {};
});
afterAll(async () => {
  await machine.close();
  await server.close();
});

const from = (place: AwsConfig['credentials']['from'], config: Partial<AwsConfig> = {}): TokenProvider =>
  machine.create({ credentials: { from: place }, metadataUrl: server.origin, stsUrl: server.origin, ...config });
const seen = (): string[] => server.requests.map(({ method, path }) => `${method} ${path}`);

/** A failure with its code and reason, which shows neither keys nor what came. */
async function expectFailure(provider: TokenProvider, code: string, reason: string): Promise<void> {
  const failure = await failureOf(() => provider.getToken(fakeRun()));
  expect(failure).toMatchObject({ code, context: { reason: expect.stringContaining(reason) } });
  expect(inspect(failure, { depth: 9, showHidden: true }) + JSON.stringify(failure)).not.toMatch(/CANARY|roleSecret/);
}

describe('whether somebody is asked at each request', () => {
  const assumeRole = { roleArn: 'arn:aws:iam::123456789012:role/models' };
  it.each([
    ['keys', {}, undefined],
    ['environment', {}, undefined],
    ['profile', {}, undefined],
    ['chain', {}, 'asks'],
    ['web-identity', {}, 'asks'],
    ['container', {}, 'asks'],
    ['instance', {}, 'asks'],
    ['keys', { assumeRole }, 'asks'],
  ] as const)('by keys from %s with %j: %s', (place, config, expected) => {
    const whole = { service: 'bedrock', network: 'public', timeout: '5s', credentials: { from: place } } as const;
    expect(awsTokenProvider.fetching?.({ ...whole, ...config })).toBe(expected);
  });
});

describe('an instance', () => {
  it('gives the keys of its role within a session', async () => {
    server.answer(metadataService(instanceDocument));
    const provider = from('instance');
    const request = await signedCall(provider);
    expect(mistakeOf(request, secret)).toBe('');
    expect(request.headers['x-amz-security-token']).toBe(token);
    const roles = '/latest/meta-data/iam/security-credentials/';
    expect(seen()).toEqual(['PUT /latest/api/token', `GET ${roles}`, `GET ${roles}${instanceRole}`]);
    const credential = await provider.getToken(fakeRun());
    expect(credential.expiresAt).toBe(machine.clock.now() + hour);
    expect(await provider.getToken(fakeRun())).toBe(credential);
  });

  it('gives one credential for the same keys, though the system clock is corrected, and another for a later end', async () => {
    server.answer(metadataService(instanceDocument));
    const provider = from('instance');
    const first = await provider.getToken(fakeRun());
    machine.clock.jump(5_000);
    expect(await provider.getToken(fakeRun())).toBe(first);
    machine.clock.jump(-5_000);
    const later = { ...instanceDocument, Expiration: '2015-08-30T19:36:00Z' };
    server.answer(metadataService(later));
    const second = await provider.getToken(fakeRun());
    expect(second).not.toBe(first);
    expect(second.expiresAt).toBe(machine.clock.now() + 7 * hour);
  });

  it('is asked at the fixed address, in the network of metadata', async () => {
    const provider = machine.create({ credentials: { from: 'instance' }, network: 'public' });
    const reason = 'the metadata service does not answer (UPSTREAM_CONNECT)';
    expect(await machine.callsOf(() => expectFailure(provider, 'TOKEN_UNAVAILABLE', reason))).toMatchObject([
      { method: 'PUT', url: 'http://169.254.169.254/latest/api/token', network: 'metadata' },
    ]);
  });

  it('is not asked where that is switched off', async () => {
    machine.facts = { AWS_EC2_METADATA_DISABLED: 'TRUE' };
    await expectFailure(from('instance'), 'TOKEN_UNAVAILABLE', 'AWS_EC2_METADATA_DISABLED is set');
    expect(seen()).toEqual([]);
  });

  it('that is left by who waits for it is not taken for one that is not there', async () => {
    server.answer({ fault: 'frozen' });
    const leaving = new AbortController();
    const failing = failureOf(() => from('instance').getToken(fakeRun({ signal: leaving.signal })));
    await eventually(() => server.requests.length === 1, 'the request');
    leaving.abort(tokenUnavailable('it took too long'));
    expect(await failing).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'it took too long' } });
  });

  it.each([403, 404, 405])('that opens no session (%i) is never asked without one', async (status) => {
    const keys = metadataService(instanceDocument);
    server.answer((request) => (request.method === 'PUT' ? { status } : keys(request)));
    await expectFailure(from('instance'), 'TOKEN_UNAVAILABLE', `opens no session (status ${status})`);
    expect(seen()).toEqual(['PUT /latest/api/token']);
  });

  it.each<[string, string, TokenServerAnswer, string, string]>([
    ['a session with a line end', 'token', { body: `${canary}\r\nx: y` }, 'TOKEN_INVALID', 'no header takes'],
    ['an empty session', 'token', { body: '' }, 'TOKEN_INVALID', 'the token is empty'],
    ['a failing session', 'token', { status: 500, body: canary }, 'TOKEN_UNAVAILABLE', 'refused'],
    ['a redirect', 'token', { status: 302, headers: { location: 'http://a.example' } }, 'TOKEN_INVALID', 'redirects'],
    ['a huge session', 'token', { body: canary.repeat(1_000_000) }, 'TOKEN_INVALID', 'too large'],
    ['no role', 'credentials/', { status: 404 }, 'TOKEN_UNAVAILABLE', 'the instance has no role'],
    ['a page for a role', 'credentials/', { body: `<html>${canary}` }, 'TOKEN_INVALID', 'no usable role'],
    ['a path for a role', 'credentials/', { body: '../../user-data' }, 'TOKEN_INVALID', 'no usable role'],
    ['a refused role', 'credentials/', { status: 401 }, 'TOKEN_UNAVAILABLE', 'refused'],
    ['a page for keys', instanceRole, { body: `<html>${canary}` }, 'TOKEN_INVALID', 'JSON object'],
    ['a list for keys', instanceRole, { json: [canary] }, 'TOKEN_INVALID', 'JSON object'],
    ['half the keys', instanceRole, { body: '{"AccessKeyId":"' }, 'TOKEN_INVALID', 'JSON object'],
    ['a prototype', instanceRole, { body: '{"__proto__":{"AccessKeyId":"a"}}' }, 'TOKEN_INVALID', 'JSON object'],
    ['no keys', instanceRole, { json: { Code: 'Failed', Message: canary } }, 'TOKEN_UNAVAILABLE', 'Failed'],
    ['a word', instanceRole, { json: { Code: 'canary_of_letters' } }, 'TOKEN_UNAVAILABLE', 'another error'],
    ['an odd code', instanceRole, { json: { Code: `${canary} !` } }, 'TOKEN_UNAVAILABLE', 'has no keys'],
    ['a number', instanceRole, { json: { ...keysDocument, SecretAccessKey: 7 } }, 'TOKEN_INVALID', 'is missing'],
    ['a line end', instanceRole, { json: { ...keysDocument, Token: `${canary}\r\n` } }, 'TOKEN_INVALID', 'not usable'],
    [
      'old keys',
      instanceRole,
      { json: { ...keysDocument, Expiration: '2015-01-01T00:00:00Z' } },
      'TOKEN_INVALID',
      'birth',
    ],
    ['a bad date', instanceRole, { json: { ...keysDocument, Expiration: canary } }, 'TOKEN_INVALID', 'no usable date'],
  ])('with %s gives no credential', async (_what, end, answer, code, reason) => {
    const service = metadataService(instanceDocument);
    server.answer((request) => (request.path.endsWith(end) ? answer : service(request)));
    await expectFailure(from('instance'), code, reason);
  });

  it('without a date gives keys that nobody knows the end of', async () => {
    server.answer(metadataService({ ...instanceDocument, Expiration: undefined }));
    expect((await from('instance').getToken(fakeRun())).expiresAt).toBeUndefined();
  });

  it('that is frozen is not there', async () => {
    server.answer({ fault: 'frozen' });
    const pending = expectFailure(from('instance', { timeout: '1s' }), 'TOKEN_UNAVAILABLE', 'UPSTREAM_HEADERS_TIMEOUT');
    await eventually(() => server.requests.length > 0, 'the question');
    await machine.clock.advance(1_000);
    await pending;
  });
});

describe('a container', () => {
  it('of ECS gives keys at its relative address', async () => {
    server.answer({ json: keysDocument });
    machine.facts = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/47-11?a=b' };
    expect(mistakeOf(await signedCall(from('container')), secret)).toBe('');
    expect(seen()).toEqual(['GET /v2/credentials/47-11?a=b']);
    expect(server.requests[0]?.headers['authorization']).toBeUndefined();
  });

  it.each<[string, MachineFacts, string]>([
    ['a token', { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'Basic YTpi' }, 'Basic YTpi'],
    ['a file', { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'eyJ.a.b\n' }, 'eyJ.a.b'],
    [
      'both',
      { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'of the file', AWS_CONTAINER_AUTHORIZATION_TOKEN: 'of the variable' },
      'of the file',
    ],
  ])('of EKS gives keys at its full address, to %s', async (_what, facts, authorization) => {
    server.answer({ json: keysDocument });
    machine.facts = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.origin}/v1/credentials`, ...facts };
    const provider = from('container', {
      network: 'public',
      metadataUrl: 'https://a.example',
      stsUrl: 'https://a.example',
    });
    expect(mistakeOf(await signedCall(provider), secret)).toBe('');
    expect(server.requests[0]?.headers['authorization']).toBe(authorization);
  });

  it.each([
    ['RELATIVE', '/v2/x', 'http://169.254.170.2/v2/x', 'metadata'],
    ['RELATIVE', '//evil.example/x', 'http://169.254.170.2//evil.example/x', 'metadata'],
    ['FULL', 'http://169.254.170.23/v1/credentials', 'http://169.254.170.23/v1/credentials', 'metadata'],
    ['FULL', 'http://[fd00:ec2::23]/v1', 'http://[fd00:ec2::23]/v1', 'metadata'],
    ['FULL', 'http://localhost:1/a', 'http://localhost:1/a', 'private'],
    ['FULL', 'http://[::1]:1/a', 'http://[::1]:1/a', 'private'],
    ['FULL', 'https://keys.example/a', 'https://keys.example/a', 'public'],
  ] as const)('with the %s address %s is asked at %s (%s)', async (kind, value, url, network) => {
    machine.facts = { [`AWS_CONTAINER_CREDENTIALS_${kind}_URI` as const]: value };
    const provider = machine.create({ credentials: { from: 'container' }, network: 'public' });
    const calls = await machine.callsOf(() => expectFailure(provider, 'TOKEN_UNAVAILABLE', 'UPSTREAM_CONNECT'));
    expect(calls).toMatchObject([{ method: 'GET', url, network }]);
  });

  it.each([
    ['RELATIVE', '@evil.example/', 'is no path'],
    ['RELATIVE', '.evil.example/', 'is no path'],
    ['RELATIVE', ':80@evil.example/', 'is no path'],
    ['RELATIVE', ':8080/', 'is no path'],
    ['FULL', 'keys', 'is no address'],
    ['FULL', 'http://keys.example/a', 'is no address that keys are asked at'],
    ['FULL', 'http://10.0.0.1/a', 'is no address that keys are asked at'],
    ['FULL', 'http://127.0.0.1.evil.example/a', 'is no address that keys are asked at'],
    ['FULL', 'http://169.254.169.253/a', 'is no address that keys are asked at'],
    ['FULL', 'file:///etc/passwd', 'is no address that keys are asked at'],
    ['FULL', 'ftp://127.0.0.1/a', 'is no address that keys are asked at'],
  ] as const)('with the %s address %s is not asked', async (kind, value, reason) => {
    machine.facts = { [`AWS_CONTAINER_CREDENTIALS_${kind}_URI` as const]: value };
    const provider = machine.create({ credentials: { from: 'container' } });
    expect(await machine.callsOf(() => expectFailure(provider, 'TOKEN_INVALID', reason))).toEqual([]);
  });

  it.each<[string, MachineFacts, TokenServerAnswer, string, string]>([
    ['a line end in its token', { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a\r\nb: c' }, {}, 'TOKEN_INVALID', 'no header'],
    [
      'a refusal',
      {},
      { status: 400, json: { code: 'NoIdInRequest', message: canary } },
      'TOKEN_UNAVAILABLE',
      'NoIdInRequest',
    ],
    ['a word', {}, { status: 400, json: { code: 'canary_of_letters' } }, 'TOKEN_UNAVAILABLE', 'another error'],
    ['too much use', {}, { status: 429, headers: { 'retry-after': '7' } }, 'TOKEN_UNAVAILABLE', 'refused'],
    ['a page', {}, { body: `<html>${canary}` }, 'TOKEN_INVALID', 'JSON object'],
    ['a redirect', {}, { status: 301, headers: { location: 'http://a.example' } }, 'TOKEN_INVALID', 'redirects'],
  ])('with %s gives no credential', async (_what, facts, answer, code, reason) => {
    machine.facts = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x', ...facts };
    server.answer(answer);
    await expectFailure(from('container'), code, reason);
  });
});

const credentialsFile = `
# of the team
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default/secret+key ; a word

[other]
AWS_ACCESS_KEY_ID=AKIAOTHER
aws_secret_access_key=other+secret=
aws_session_token = other/token==
[sso]
sso_session = corp
[process]
credential_process = /bin/keys --now
[role]
role_arn = arn:aws:iam::123456789012:role/models
source_profile = default
[half]
aws_access_key_id = AKIAHALF
[odd]
aws_access_key_id = AKIA, ODD
aws_secret_access_key = ${canary}
`;

describe('a profile', () => {
  it.each<[string, Partial<AwsConfig['credentials']>, MachineFacts, string]>([
    ['of the definition', { profile: 'other' }, { AWS_PROFILE: 'default' }, 'AKIAOTHER'],
    ['of the environment', {}, { AWS_PROFILE: 'other' }, 'AKIAOTHER'],
    ['that nobody names', {}, {}, 'AKIADEFAULT'],
  ])('%s has keys, at once', async (_what, credentials, facts, key) => {
    machine.facts = { AWS_SHARED_CREDENTIALS_FILE: credentialsFile, ...facts };
    const provider = machine.create({ credentials: { from: 'profile', ...credentials } });
    expect(provider.getToken(fakeRun())).not.toBeInstanceOf(Promise);
    const request = await signedCall(provider);
    expect(request.headers['authorization']).toContain(`Credential=${key}/`);
    expect(mistakeOf(request, key === 'AKIADEFAULT' ? 'default/secret+key' : 'other+secret=')).toBe('');
    expect(request.headers['x-amz-security-token']).toBe(key === 'AKIADEFAULT' ? undefined : 'other/token==');
  });

  it.each([
    ['sso', 'TOKEN_UNAVAILABLE', 'sign-in through a browser'],
    ['process', 'TOKEN_UNAVAILABLE', 'credential_process'],
    ['role', 'TOKEN_UNAVAILABLE', 'assumeRole'],
    ['none', 'TOKEN_UNAVAILABLE', 'not in the credentials file'],
    ['__proto__', 'TOKEN_UNAVAILABLE', 'not in the credentials file'],
    ['half', 'TOKEN_INVALID', 'secret access key is missing'],
    ['odd', 'TOKEN_INVALID', 'access key id is not usable'],
  ])('%s has none (%s)', async (profile, code, reason) => {
    machine.facts = { AWS_SHARED_CREDENTIALS_FILE: credentialsFile };
    await expectFailure(machine.create({ credentials: { from: 'profile', profile } }), code, reason);
  });

  it('can not be where there is no file, or one that is too large', async () => {
    const provider = machine.create({ credentials: { from: 'profile' } });
    await expectFailure(provider, 'TOKEN_UNAVAILABLE', 'there is no credentials file');
    machine.facts = { AWS_SHARED_CREDENTIALS_FILE: 'x'.repeat(300_000) };
    await expectFailure(provider, 'TOKEN_INVALID', 'too large');
  });
});

describe('the chain', () => {
  const environment = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'a', AWS_SESSION_TOKEN: 'b' };
  const identity = { AWS_WEB_IDENTITY_TOKEN_FILE: 'a.b.c', AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/models' };
  const profile = { AWS_SHARED_CREDENTIALS_FILE: credentialsFile };
  const container = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/container' };
  const metadata = metadataService({ ...instanceDocument, AccessKeyId: 'ASIAINSTANCE' });

  it.each<[string, MachineFacts, string]>([
    ['the environment', { ...environment, ...identity, ...profile, ...container }, 'AKIAENVIRONMENT'],
    ['the web identity', { ...identity, ...profile, ...container }, 'ASIAIDENTITY'],
    ['the profile', { ...profile, ...container }, 'AKIADEFAULT'],
    ['the container', { ...profile, ...container, AWS_PROFILE: 'sso' }, 'ASIACONTAINER'],
    ['the instance', { AWS_ACCESS_KEY_ID: 'half' }, 'ASIAINSTANCE'],
  ])('takes the first that is there: %s', async (_what, facts, key) => {
    machine.facts = { AWS_REGION: 'eu-central-1', ...facts };
    const sts = { body: stsDocument('AssumeRoleWithWebIdentity', { ...roleGiven, id: 'ASIAIDENTITY' }) };
    server.answer((request) => {
      if (request.path === '/container') return { json: { ...keysDocument, AccessKeyId: 'ASIACONTAINER' } };
      return request.method === 'POST' ? sts : metadata(request);
    });
    const { headers } = await signedCall(from('chain'));
    expect(headers['authorization']).toContain(`Credential=${key}/`);
  });

  it('tells why nothing is there', async () => {
    machine.facts = { AWS_ACCESS_KEY_ID: 'half', AWS_EC2_METADATA_DISABLED: 'true' };
    await expectFailure(
      from('chain'),
      'TOKEN_UNAVAILABLE',
      'there are no AWS keys (environment: AWS_SECRET_ACCESS_KEY is not set; web-identity: AWS_WEB_IDENTITY_TOKEN_FILE is ' +
        'not set; profile: there is no credentials file; container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and ' +
        'AWS_CONTAINER_CREDENTIALS_FULL_URI are not set; instance: AWS_EC2_METADATA_DISABLED is set)',
    );
  });

  it('ends where something is there and fails', async () => {
    machine.facts = { ...identity, ...container };
    server.answer({
      status: 400,
      body: '<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>',
    });
    await expectFailure(from('chain'), 'TOKEN_UNAVAILABLE', 'IDPCommunicationError');
    expect(seen()).toEqual(['POST /']);
  });

  it('answers at once while keys lie ready', () => {
    machine.facts = environment;
    const provider = from('chain');
    const credential = provider.getToken(fakeRun());
    expect(credential).not.toBeInstanceOf(Promise);
    expect(provider.getToken(fakeRun())).toBe(credential);
    expect(seen()).toEqual([]);
  });
});
