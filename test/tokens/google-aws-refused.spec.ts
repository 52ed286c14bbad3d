import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { secretAccessKey } from '../support/aws-machine.ts';
import { metadataService, roleGiven, stsRefusal } from '../support/aws-services.ts';
import { leaksOf } from '../support/canary.ts';
import {
  environment,
  keysDocument,
  question,
  region,
  startGoogleOnAws,
  user,
  type GoogleOnAws,
} from '../support/google-on-aws.ts';
import { testRun } from '../support/test-run.ts';
import { failureOfToken, secretOf } from '../support/token-outcomes.ts';

const { secret, token } = roleGiven;
const { run } = testRun();

let machine: GoogleOnAws;
let cloud: GoogleOnAws['cloud'];
let aws: GoogleOnAws['aws'];

beforeEach(async () => {
  machine = await startGoogleOnAws();
  ({ cloud, aws } = machine);
});
afterEach(() => machine.close());

async function expectFailure(provider: TokenProvider, code: string, reason: string | RegExp): Promise<void> {
  const failure = await failureOfToken(provider, run);
  expect(failure).toMatchObject({ code, context: { step: 'subject token', reason: expect.stringMatching(reason) } });
  for (const canary of [secretAccessKey, secret, token]) expect(leaksOf(canary, failure.printed)).toEqual([]);
  expect(cloud.requests).toEqual([]);
}

describe('keys of AWS that prove nothing', () => {
  it.each([
    ['another secret', { secret: 'another/secret' }, 'the signature is another one'],
    ['another key', { id: 'AKIAOTHER' }, 'the key or its scope is another one'],
    ['another session', { token: 'another' }, 'the session is another one'],
    ['another region', { region: 'us-east-1', host: 'sts.eu-central-1.amazonaws.com' }, 'the key or its scope'],
  ])('are those of %s: Google refuses, and nothing of them is shown', async (_name, changes, mistake) => {
    machine.facts = { ...environment, AWS_SESSION_TOKEN: token, AWS_REGION: region };
    cloud.introduce({ ...user, token, ...changes });
    const failure = await failureOfToken(machine.build(cloud.awsConfiguration()), run);
    expect(failure).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { step: 'security token service', reason: 'invalid_grant', status: 400 },
    });
    expect(cloud.lastMistake).toContain(mistake);
    const subject = cloud.requests[0]?.form.get('subject_token') ?? '';
    const signature = /Signature%3D([0-9a-f]{64})/.exec(subject)?.[1] ?? '';
    expect(signature).not.toBe('');
    for (const canary of [secretAccessKey, token, signature, subject])
      expect(leaksOf(canary, failure.printed)).toEqual([]);
  });

  it('are for one audience', async () => {
    machine.facts = { ...environment, AWS_REGION: region };
    cloud.introduce(user);
    const failure = await failureOfToken(
      machine.build(cloud.awsConfiguration({ audience: '//iam.googleapis.com/other' })),
      run,
    );
    expect(failure.context).toMatchObject({ step: 'security token service', reason: 'invalid_target' });
    const signed = decodeURIComponent(cloud.requests.at(-1)?.form.get('subject_token') ?? '');
    expect(signed).toContain('{"key":"x-goog-cloud-target-resource","value":"//iam.googleapis.com/other"}');
    expect(signed).toMatch(/SignedHeaders=host;x-amz-date;x-goog-cloud-target-resource,/);
  });
});

describe('a machine that has no keys or no region', () => {
  const noMetadata = { AWS_EC2_METADATA_DISABLED: 'true' };

  it.each([
    ['is not to ask', noMetadata, {}, 'TOKEN_UNAVAILABLE', /set AWS_REGION \(instance: AWS_EC2_METADATA_DISABLED/],
    ['has nobody to ask', {}, { fault: 'reset' as const }, 'TOKEN_UNAVAILABLE', /set AWS_REGION .* does not answer/],
    ['has a closed service', {}, { status: 403 }, 'TOKEN_UNAVAILABLE', /set AWS_REGION .* \(status 403\)/],
    ['is somewhere', { AWS_REGION: 'mars', ...noMetadata }, {}, 'TOKEN_UNAVAILABLE', /set AWS_REGION/],
  ])('and %s says so', async (_name, more, answer, code, reason) => {
    machine.facts = { ...environment, ...more };
    aws.answer(answer);
    await expectFailure(machine.build(cloud.awsConfiguration()), code, reason);
  });

  it.each([
    ['does not know it', undefined, 'TOKEN_UNAVAILABLE', /set AWS_REGION \(instance: the instance tells none\)/],
    ['knows a zone', 'eu-central-1a', 'TOKEN_INVALID', /no usable region/],
    ['sends a page', '<html>', 'TOKEN_INVALID', /no usable region/],
    ['sends more', 'eu-central-1.evil.example/?', 'TOKEN_INVALID', /no usable region/],
  ])('because its metadata service %s says so', async (_name, told, code, reason) => {
    machine.facts = environment;
    aws.answer(metadataService(keysDocument, told));
    await expectFailure(machine.build(cloud.awsConfiguration()), code, reason);
  });

  it('names every place that has none', async () => {
    machine.facts = { AWS_REGION: region, ...noMetadata };
    const places = ['environment', 'web-identity', 'profile', 'container', 'instance'];
    await expectFailure(
      machine.build(cloud.awsConfiguration()),
      'TOKEN_UNAVAILABLE',
      new RegExp(`^there are no AWS keys \\(${places.map((place) => `${place}: .*`).join('; ')}\\)$`),
    );
  });

  it('does not use version 1 of the metadata service', async () => {
    machine.facts = { AWS_REGION: region };
    aws.answer(({ method }) => (method === 'PUT' ? { status: 404 } : { json: keysDocument }));
    const provider = machine.build(cloud.awsConfiguration({}, { imdsv2_session_token_url: undefined }));
    await expectFailure(provider, 'TOKEN_UNAVAILABLE', /opens no session \(status 404\)/);
    expect(aws.requests.map(({ method }) => method)).toEqual(['PUT']);
  });

  it('fails where the role is refused, and does not look further', async () => {
    machine.facts = {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/models',
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_REGION: region,
    };
    aws.answer({ status: 403, body: stsRefusal('AccessDenied', token) });
    await expectFailure(machine.build(cloud.awsConfiguration()), 'TOKEN_UNAVAILABLE', 'AccessDenied');
    expect(aws.requests).toHaveLength(1);
  });
});

describe('a configuration for AWS that is not in order', () => {
  const instance = /not the metadata service of AWS/;
  const sts = /regional_cred_verification_url of the credential source is not the one of AWS/;
  const version = /environment_id of the credential source is not "aws1"/;
  const asks = (url: unknown): Record<string, unknown> => ({ regional_cred_verification_url: url });
  const usual = 'https://sts.{region}.amazonaws.com';

  /** Refused in every network. */
  const hostile: readonly [Record<string, unknown>, RegExp][] = [
    ...['aws2', 'aws', 'aws01', 'aws10', 'AWS1', 'azure1', '', 1, null, undefined, ['aws1']].map(
      (id): [Record<string, unknown>, RegExp] => [{ environment_id: id }, version],
    ),
    ...['url', 'region_url', 'imdsv2_session_token_url'].flatMap((field) =>
      [
        'http://evil.example/latest/meta-data/iam/security-credentials',
        'http://169.254.169.254.evil.example/latest',
        'http://169.254.169.254@evil.example/latest',
        'http://a:b@169.254.169.254/latest',
        'http://169.254.169.254:8080/latest',
        'https://169.254.169.254/latest',
        'http://169.254.170.2/v2',
        'http://[fd00:ec2::23]/v1',
        'http://127.0.0.1/latest',
        'http://metadata.google.internal/',
        'file:///etc/passwd',
        '/latest/api/token',
        '',
        7,
        ['http://169.254.169.254'],
      ].map((url): [Record<string, unknown>, RegExp] => [{ [field]: url }, instance]),
    ),
    ...[
      `${usual}?Action=AssumeRole&RoleArn=arn:aws:iam::1:role/admin&Version=2011-06-15`,
      `${usual}${question}&RoleArn=x`,
      `${usual}${question}&Action=AssumeRole`,
      `${usual}?Action=GetSessionToken&Version=2011-06-15`,
      `${usual}?Action=GetCallerIdentity&Version=2014-01-01`,
      `${usual}?Action=GetCallerIdentity`,
      usual,
      `${usual}/admin${question}`,
      `https://a:b@sts.{region}.amazonaws.com${question}`,
      `${usual}${question}#x`,
      `ftp://sts.{region}.amazonaws.com${question}`,
      `sts.{region}.amazonaws.com${question}`,
      question,
    ].map((url): [Record<string, unknown>, RegExp] => [asks(url), sts]),
    ...['', null, undefined, 7, [usual]].map((url): [Record<string, unknown>, RegExp] => [asks(url), /is missing/]),
  ];
  /** Refused in the public network. */
  const foreign: readonly [Record<string, unknown>, RegExp][] = [
    `http://sts.{region}.amazonaws.com${question}`,
    `${usual}:8443${question}`,
    `https://sts.evil.example${question}`,
    `https://sts.{region}.amazonaws.com.evil.example${question}`,
    `https://evil.example/{region}.amazonaws.com${question}`,
    `https://sts.{region}.evil.amazonaws.com${question}`,
    `https://evil.{region}.amazonaws.com${question}`,
    `https://sts.{region}.{region}.amazonaws.com${question}`,
    `https://s3.amazonaws.com${question}`,
    `https://sts.nowhere.amazonaws.com${question}`,
    `https://sts.{region}.amazonaws.com.${question}`,
    `https://sts-{region}.amazonaws.com${question}`,
    `https://stsx.amazonaws.com${question}`,
  ].map((url) => [asks(url), sts]);

  it.each([
    ...hostile.map((one) => ['private', ...one] as const),
    ...hostile.map((one) => ['public', ...one] as const),
    ...foreign.map((one) => ['public', ...one] as const),
  ])('reaches nobody in the %s network: %j', async (network, source, reason) => {
    machine.facts = { ...environment, AWS_REGION: region };
    const configuration = cloud.awsConfiguration({ token_url: 'https://sts.googleapis.com/sts' }, source);
    await expectFailure(machine.build(configuration, { network }), 'TOKEN_INVALID', reason);
    expect(machine.asked()).toEqual([]);
  });

  it.each([
    ['a source that is none', { credential_source: 'aws1' }, version],
    ['no source', { credential_source: undefined }, version],
    ['a break in the audience', { audience: '//iam.googleapis.com/a\r\nx: y' }, /audience .* is not usable/],
    ['a blank in the audience', { audience: '//iam.googleapis.com/a  b' }, /audience .* is not usable/],
  ])('with %s reaches nobody', async (_name, changes, reason) => {
    machine.facts = { ...environment, AWS_REGION: region };
    await expectFailure(machine.build(cloud.awsConfiguration(changes)), 'TOKEN_INVALID', reason);
    expect(machine.asked()).toEqual([]);
  });

  it.each([
    ['subjectToken', { subjectToken: secretOf('a.b.c') }],
    ['subjectTokenFile', { subjectTokenFile: 'AWS_WEB_IDENTITY_TOKEN_FILE' as const }],
  ])('has no use for %s', async (_name, given) => {
    machine.facts = { ...environment, AWS_REGION: region, AWS_WEB_IDENTITY_TOKEN_FILE: 'a.b.c' };
    const credentials = {
      from: 'workload-identity',
      configuration: secretOf(cloud.awsConfiguration()),
      ...given,
    } as const;
    await expectFailure(machine.build('', { credentials }), 'TOKEN_INVALID', /signed with keys of AWS: leave/);
    expect(machine.asked()).toEqual([]);
  });

  it('may have Google ask somebody of the own network, which the definition has to admit', async () => {
    machine.facts = { ...environment, AWS_REGION: region };
    cloud.introduce(user);
    const source = asks(`http://sts.lab.example:4566/${question}`);
    const failure = await failureOfToken(machine.build(cloud.awsConfiguration({}, source)), run);
    expect(failure.context).toMatchObject({ step: 'security token service', reason: 'invalid_grant' });
    const signed = JSON.parse(decodeURIComponent(cloud.requests[0]?.form.get('subject_token') ?? '')) as object;
    expect(signed).toMatchObject({
      url: `http://sts.lab.example:4566${question}`,
      headers: expect.arrayContaining([{ key: 'host', value: 'sts.lab.example:4566' }]),
    });
    expect(machine.asked()).toEqual([`private POST ${cloud.origin}/sts`]);
  });
});

describe('a client that leaves', () => {
  it.each(['region', 'keys'])('ends the question for %s', async (what) => {
    machine.facts = what === 'region' ? environment : { AWS_REGION: region };
    const leaving = new AbortController();
    const reason = new SluiceError('CLIENT_GONE');
    aws.answer(() => {
      leaving.abort(reason);
      return { fault: 'frozen' };
    });
    const provider = machine.build(cloud.awsConfiguration());
    const failure = await failureOfToken(provider, { ...run, signal: leaving.signal });
    expect(failure.code).toBe('CLIENT_GONE');
    expect(cloud.requests).toEqual([]);
  });
});
