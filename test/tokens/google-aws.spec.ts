import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { metadataService, roleGiven, stsDocument, stsRefusal } from '../support/aws-services.ts';
import { google } from '../support/google-cloud.ts';
import {
  environment,
  keysDocument,
  question,
  region,
  role,
  startGoogleOnAws,
  user,
  type GoogleOnAws,
} from '../support/google-on-aws.ts';
import { testRun } from '../support/test-run.ts';
import { headersOf } from '../support/token-outcomes.ts';

const { id, secret, token } = roleGiven;
const { run } = testRun();

let machine: GoogleOnAws;
let cloud: GoogleOnAws['cloud'];
let aws: GoogleOnAws['aws'];

beforeEach(async () => {
  machine = await startGoogleOnAws();
  ({ cloud, aws } = machine);
});
afterEach(() => machine.close());

async function expectToken(provider: TokenProvider, text = 'federated'): Promise<void> {
  const headers = await Promise.resolve(provider.getToken(run)).then(headersOf, (error: SluiceError) => error.context);
  expect([cloud.lastMistake, headers]).toEqual(['', { authorization: `Bearer ${text}` }]);
}

const metadataAt = (host: string): string[] => [
  `metadata PUT http://${host}/latest/api/token`,
  `metadata GET http://${host}/latest/meta-data/iam/security-credentials/`,
  `metadata GET http://${host}/latest/meta-data/iam/security-credentials/models-role`,
];

describe('a token of Google for a role of AWS', () => {
  it('is got with keys of the environment, and nobody but Google is asked', async () => {
    machine.facts = { ...environment, AWS_REGION: region };
    cloud.introduce(user);
    const provider = machine.build(cloud.awsConfiguration());
    await expectToken(provider);
    expect((await provider.getToken(run)).expiresAt).toBe(machine.clock.now() + 3_599_000);
    expect(new Set(machine.asked())).toEqual(new Set([`private POST ${cloud.origin}/sts`]));
  });

  it('is got with temporary keys of the environment', async () => {
    machine.facts = { ...environment, AWS_SESSION_TOKEN: token, AWS_DEFAULT_REGION: region };
    cloud.introduce({ ...user, token });
    await expectToken(machine.build(cloud.awsConfiguration()));
  });

  it.each([
    ['default', 'models'],
    ['models', 'default'],
  ])('is got with the keys and the region of the profile "%s", not of "%s"', async (profile, other) => {
    const own = `[${profile}]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\naws_session_token = ${token}`;
    const text = `[${other}]\naws_access_key_id = AKIAOTHER\nregion = us-east-1\n${own}\nregion = ${region}\n`;
    machine.facts = { AWS_SHARED_CREDENTIALS_FILE: text, ...(profile !== 'default' && { AWS_PROFILE: profile }) };
    cloud.introduce(role);
    await expectToken(machine.build(cloud.awsConfiguration()));
  });

  it.each([
    ['names the session', {}, '169.254.169.254'],
    ['names no session', { imdsv2_session_token_url: undefined }, '169.254.169.254'],
    ['names no address', { url: undefined, region_url: null, imdsv2_session_token_url: undefined }, '169.254.169.254'],
    ['has other paths', { url: 'http://169.254.169.254/x', region_url: 'http://169.254.169.254' }, '169.254.169.254'],
    ['is for version 6', { url: 'http://[fd00:ec2::254]/latest/', region_url: undefined }, '[fd00:ec2::254]'],
  ])('is got with the keys and the region of an instance where the file %s', async (_name, source, host) => {
    aws.answer(metadataService(keysDocument, region));
    cloud.introduce(role);
    await expectToken(machine.build(cloud.awsConfiguration({}, source)));
    expect(machine.asked()).toEqual([
      `metadata PUT http://${host}/latest/api/token`,
      `metadata GET http://${host}/latest/meta-data/placement/region`,
      ...metadataAt(host),
      `private POST ${cloud.origin}/sts`,
    ]);
  });

  it('is got with the keys of an instance at another address, which the definition alone can name', async () => {
    machine.facts = { AWS_REGION: region };
    aws.answer(metadataService(keysDocument));
    cloud.introduce(role);
    await expectToken(machine.build(cloud.awsConfiguration(), { metadataUrl: `${aws.origin}/` }));
    expect(machine.asked()).toEqual([
      ...metadataAt('x').map((line) => line.replace('metadata', 'private').replace('http://x', aws.origin)),
      `private POST ${cloud.origin}/sts`,
    ]);
  });

  it.each([
    ['ECS', { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/1' }, 'http://169.254.170.2/v2/credentials/1'],
    [
      'EKS',
      {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'eks-token\n',
      },
      'http://169.254.170.23/v1/credentials',
    ],
  ])('is got with the keys of a container on %s, whatever address the file has', async (place, container, url) => {
    machine.facts = { ...container, AWS_REGION: region };
    aws.answer({ json: keysDocument });
    cloud.introduce(role);
    await expectToken(machine.build(cloud.awsConfiguration({}, { url: 'http://[fd00:ec2::254]/latest' })));
    expect(machine.asked()).toEqual([`metadata GET ${url}`, `private POST ${cloud.origin}/sts`]);
    expect(aws.requests[0]?.headers['authorization']).toBe(place === 'EKS' ? 'eks-token' : undefined);
  });

  it('is got with the role of a pod, for its web identity', async () => {
    const webIdentity = 'header.claims.signature';
    machine.facts = {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/models',
      AWS_WEB_IDENTITY_TOKEN_FILE: `${webIdentity}\n`,
      AWS_REGION: region,
    };
    aws.answer(({ form }) =>
      form.get('WebIdentityToken') === webIdentity
        ? { body: stsDocument('AssumeRoleWithWebIdentity', roleGiven) }
        : { status: 403, body: stsRefusal('AccessDenied', 'x') },
    );
    cloud.introduce(role);
    await expectToken(machine.build(cloud.awsConfiguration()));
    expect(machine.asked()).toEqual([
      `private POST https://sts.${region}.amazonaws.com/`,
      `private POST ${cloud.origin}/sts`,
    ]);
  });

  it('takes the role on in the region of the instance, where the pod is told none', async () => {
    machine.facts = { AWS_ROLE_ARN: 'arn:aws-cn:iam::123456789012:role/models', AWS_WEB_IDENTITY_TOKEN_FILE: 'a.b.c' };
    const instance = metadataService({}, 'cn-north-1');
    aws.answer((request) =>
      request.path === '/' ? { body: stsDocument('AssumeRoleWithWebIdentity', roleGiven) } : instance(request),
    );
    const host = 'sts.cn-north-1.amazonaws.com.cn';
    cloud.introduce({ ...role, region: 'cn-north-1', host });
    const source = { regional_cred_verification_url: `https://sts.{region}.amazonaws.com.cn${question}` };
    await expectToken(machine.build(cloud.awsConfiguration({}, source)));
    expect(machine.asked()).toContain(`private POST https://${host}/`);
  });

  it.each([
    [`https://sts.us-west-2.amazonaws.com${question}`, 'us-west-2', 'sts.us-west-2.amazonaws.com'],
    [`https://sts.us-west-2.amazonaws.com/${question}`, 'us-west-2', 'sts.us-west-2.amazonaws.com'],
    [`https://sts.amazonaws.com${question}`, 'us-east-1', 'sts.amazonaws.com'],
    [
      'https://STS.{region}.amazonaws.com:443/?Version=2011-06-15&Action=GetCallerIdentity',
      region,
      'sts.eu-central-1.amazonaws.com',
    ],
  ])('is signed for the region in the address of the question: %s', async (url, signed, host) => {
    machine.facts = { ...environment, AWS_REGION: region };
    cloud.introduce({ ...user, region: signed, host });
    await expectToken(machine.build(cloud.awsConfiguration({}, { regional_cred_verification_url: url })));
  });

  it('needs no region where the address has one', async () => {
    machine.facts = environment;
    cloud.introduce({ ...user, region: 'us-east-1', host: 'sts.amazonaws.com' });
    const source = { regional_cred_verification_url: `https://sts.amazonaws.com${question}` };
    await expectToken(machine.build(cloud.awsConfiguration({}, source)));
    expect(machine.asked()).toHaveLength(1);
  });

  it('is got over the public network from Google alone', async () => {
    machine.facts = { ...environment, AWS_REGION: region };
    cloud.introduce(user);
    const configuration = cloud.awsConfiguration({ token_url: 'https://sts.googleapis.com/sts' });
    await expectToken(machine.build(configuration, { network: 'public' }));
    expect(machine.asked()).toEqual(['public POST https://sts.googleapis.com/sts']);
  });

  it('is had by default where the file of the platform is such a configuration', async () => {
    machine.facts = {
      ...environment,
      AWS_REGION: region,
      GOOGLE_APPLICATION_CREDENTIALS: cloud.awsConfiguration(),
    };
    cloud.introduce(user);
    await expectToken(machine.build('', { credentials: { from: 'default' } }));
  });

  it('becomes one of a service account, by the configuration or by the definition', async () => {
    machine.facts = { ...environment, AWS_REGION: region };
    cloud.introduce(user);
    const url = `${cloud.origin}/v1/projects/-/serviceAccounts/${google.target}:generateAccessToken`;
    const impersonated = `ya29.as-${google.target}-by-federated`;
    await expectToken(machine.build(cloud.awsConfiguration({ service_account_impersonation_url: url })), impersonated);
    await expectToken(machine.build(cloud.awsConfiguration(), { impersonate: google.target }), impersonated);
    const source = JSON.parse(cloud.awsConfiguration()) as object;
    const file = { type: 'impersonated_service_account', service_account_impersonation_url: url };
    machine.facts.GOOGLE_APPLICATION_CREDENTIALS = JSON.stringify({ ...file, source_credentials: source });
    await expectToken(machine.build('', { credentials: { from: 'default' } }), impersonated);
  });

  it('waits for AWS as long as for Google', async () => {
    aws.answer(metadataService(keysDocument, region));
    cloud.introduce(role);
    await expectToken(machine.build(cloud.awsConfiguration(), { timeout: '3s' }));
    expect(new Set(machine.calls.map(({ timeoutMilliseconds }) => timeoutMilliseconds))).toEqual(new Set([3_000]));
  });

  it('is signed anew each time, with the keys of now', async () => {
    machine.facts = { ...environment, AWS_REGION: region };
    const provider = machine.build(cloud.awsConfiguration());
    cloud.introduce(user);
    await expectToken(provider);
    await machine.clock.advance(600_000);
    machine.facts = {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_SESSION_TOKEN: token,
    };
    cloud.introduce(role);
    await expectToken(provider);
  });

  it('is encoded so that Google reads what was signed, whatever the keys are made of', async () => {
    const text = (maxLength: number): fc.Arbitrary<string> =>
      fc.stringMatching(/^[\w+/=.-]+$/).filter((value) => value.length <= maxLength);
    const long = fc
      .array(fc.constantFrom('+', '/', '=', '-', '.', '_', 'a', '2B'), { minLength: 1, maxLength: 4_000 })
      .map((parts) => parts.join(''));
    const anyKeys = fc.record({
      id: fc.stringMatching(/^\w{1,40}$/),
      secret: text(64),
      token: fc.option(fc.oneof(text(256), long), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(anyKeys, async (keys) => {
        machine.facts = { AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_REGION: region };
        if (keys.token !== undefined) machine.facts.AWS_SESSION_TOKEN = keys.token;
        cloud.introduce({ ...keys, region });
        await expectToken(machine.build(cloud.awsConfiguration()));
      }),
      { numRuns: 60 },
    );
  });
});
