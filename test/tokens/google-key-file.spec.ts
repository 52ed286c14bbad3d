import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { UnusableSecret } from '../../src/kernel/tokens/unusable-secret.ts';
import type { Workload } from '../../src/kernel/workload.ts';
import { googleTokenProvider } from '../../src/tokens/google.ts';
import { leaksOf } from '../support/canary.ts';
import { google, startGoogleCloud, type GoogleCloud } from '../support/google-cloud.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';
import { closedHttp, failureOfToken, noWorkload, rotatingSecret, secretOf } from '../support/token-outcomes.ts';

type Config = Parameters<typeof googleTokenProvider.create>[0];

const platform = 'https://www.googleapis.com/auth/cloud-platform';
const { run } = testRun();
let clock: TestClock;
let cloud: GoogleCloud;

beforeEach(async () => {
  clock = new TestClock();
  cloud = await startGoogleCloud(clock);
});
afterEach(async () => {
  await cloud.close();
});

const workloadWith = (text: string | undefined): Workload => ({
  ...noWorkload,
  file: (name) => (name === 'GOOGLE_APPLICATION_CREDENTIALS' ? text : undefined),
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a file of credentials of Google', () => {
  const closed = closedHttp();
  const create = (credentials: unknown, workload: Workload = noWorkload): TokenProvider =>
    googleTokenProvider.create(
      {
        credentials: credentials as Config['credentials'],
        scope: platform,
        network: 'public',
        timeout: '5s',
        iamUrl: 'https://iamcredentials.googleapis.com',
      },
      { clock, http: closed, workload },
    );

  /** It is in order when the provider is made, and another one at the request. */
  const createWithKey = (file: string): TokenProvider => {
    const key = rotatingSecret(cloud.keyFile({ token_uri: undefined }));
    const provider = create({ from: 'service-account', key: key.secret });
    key.becomes(file);
    return provider;
  };

  const addresses = [
    'http://oauth2.googleapis.com/token',
    'https://evil.example/token',
    'https://oauth2.googleapis.com.evil.example/token',
    'https://evil.example/oauth2.googleapis.com',
    'https://oauth2.googleapis.com@evil.example/token',
    'https://user:word@oauth2.googleapis.com/token',
    'https://oauth2.googleapis.com:8443/token',
    'https://evilgoogleapis.com/token',
    'https://googleapis.com./token',
    'https://169.254.169.254/token',
    'file:///etc/passwd',
    'oauth2.googleapis.com',
    '',
    42,
    {},
  ];

  it.each(addresses.map((address) => [address]))('sends no key to %j', async (address) => {
    const file = cloud.keyFile({ token_uri: address });
    const failure = await failureOfToken(createWithKey(file), run);
    expect(failure).toMatchObject({
      code: 'TOKEN_INVALID',
      context: { reason: 'the Google credentials name an address that is not one of googleapis.com' },
    });
    const user = JSON.stringify({ type: 'authorized_user', ...google.user, token_uri: address });
    expect((await failureOfToken(create({ from: 'default' }, workloadWith(user)), run)).code).toBe('TOKEN_INVALID');
    expect(closed.asked).toEqual([]);
  });

  it.each([
    ['https://oauth2.googleapis.com/token', 'https://oauth2.googleapis.com/token'],
    ['https://oauth2.mtls.googleapis.com/token', 'https://oauth2.mtls.googleapis.com/token'],
    ['https://accounts.google.com/o/oauth2/token', 'https://accounts.google.com/o/oauth2/token'],
    [undefined, 'https://oauth2.googleapis.com/token'],
  ])('may name %s', async (address, asked) => {
    const file = cloud.keyFile({ token_uri: address });
    await failureOfToken(create({ from: 'service-account', key: secretOf(file) }), run);
    expect(closed.asked.splice(0)).toEqual([`public ${asked}`]);
  });

  it.each([
    ['no JSON', 'no-json-9917', {}],
    ['a list', '["no-json-9917"]', {}],
    [
      'another type',
      '{"type":"authorized_user","a":"no-json-9917"}',
      { type: 'authorized_user', expected: 'service_account' },
    ],
    ['no type', '{"a":"no-json-9917"}', { type: 'unknown' }],
    ['a type that is a sentence', '{"type":"no-json-9917 is my type"}', { type: 'unknown' }],
    ['a type of letters that nobody knows', '{"type":"no_json_at_all","a":"no-json-9917"}', { type: 'unknown' }],
    ['no e-mail', '{"type":"service_account","private_key":"no-json-9917"}', { field: 'client_email' }],
    ['no key', '{"type":"service_account","client_email":"no-json-9917"}', { field: 'private_key' }],
    [
      'a key that is none',
      '{"type":"service_account","client_email":"a","private_key":"no-json-9917"}',
      { reason: 'the private key is not in PEM' },
    ],
  ])('that is %s is refused without a word of it', async (_name, file, context) => {
    const failure = await failureOfToken(createWithKey(file), run);
    expect(failure).toMatchObject({ code: 'TOKEN_INVALID', context });
    expect(leaksOf('no-json-9917', failure.printed)).toEqual([]);
    const refused = thrownBy(() => create({ from: 'service-account', key: secretOf(file) }));
    expect(refused).toBeInstanceOf(UnusableSecret);
    expect(String(refused)).toMatch(/^TypeError: credentials\.key: SOME_SECRET: /);
    expect(leaksOf('no-json-9917', inspect(refused, { showHidden: true }))).toEqual([]);
    expect(closed.asked).toEqual([]);
  });

  it('of a type that needs a person or a program is refused with its type', async () => {
    const file = JSON.stringify({ type: 'external_account_authorized_user', ...google.user });
    expect(await failureOfToken(create({ from: 'default' }, workloadWith(file)), run)).toMatchObject({
      code: 'TOKEN_INVALID',
      context: { type: 'external_account_authorized_user' },
    });
  });
});
