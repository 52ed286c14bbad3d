import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { cacheTokenProvider } from '../../src/tokens/cache.ts';
import {
  accessKeyId,
  awsMachine,
  failureOf,
  mistakeOf,
  secretAccessKey,
  signedCall,
  suiteTime,
  wireMistakeOf,
  type AwsConfig,
  type AwsMachine,
} from '../support/aws-machine.ts';
import { checkingSts, roleGiven, stsDocument, stsRefusal, type GivenKeys } from '../support/aws-services.ts';
import { fakeRun } from '../support/chat-run.ts';
import { testRun } from '../support/test-run.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';
import { eventually } from '../support/turn.ts';

const roleArn = 'arn:aws:iam::123456789012:role/models';
const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
const hour = 3_600_000;

let sts: TokenServer;
let machine: AwsMachine;

beforeAll(async () => {
  sts = await startTokenServer();
  machine = awsMachine({ ...keys, AWS_REGION: 'eu-central-1' });
});
afterEach(() => {
  (sts.requests as unknown[]).length = 0;
  machine.facts = { ...keys, AWS_REGION: 'eu-central-1' };
});
afterAll(async () => {
  await machine.close();
  await sts.close();
});

const build = (config: Partial<AwsConfig> = {}): TokenProvider =>
  machine.create({ stsUrl: sts.origin, assumeRole: { roleArn }, ...config });

describe('a role', () => {
  it('is taken on with the keys of the machine, and its keys sign', async () => {
    sts.answer(checkingSts());
    const provider = build();
    const request = await signedCall(provider);
    expect(sts.requests).toHaveLength(1);
    // It would answer in JSON to whoever takes that.
    expect(sts.requests[0]?.headers['accept']).toBe('*/*');
    expect(sts.requests[0]?.headers['authorization']).toContain('/20150830/eu-central-1/sts/aws4_request');
    expect(Object.fromEntries(sts.requests[0]?.form ?? [])).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'sluice',
    });
    expect(mistakeOf(request, roleGiven.secret)).toBe('');
    expect(request.headers['x-amz-security-token']).toBe(roleGiven.token);
    expect(request.headers['authorization']).toContain(`Credential=${roleGiven.id}/`);
    expect((await provider.getToken(fakeRun())).expiresAt).toBe(machine.clock.now() + hour);
  });

  it('is asked for with all that the definition says', async () => {
    sts.answer(checkingSts());
    const assumeRole = {
      roleArn,
      sessionName: 'team@models',
      externalId: 'a/b:c=d',
      sourceIdentity: 'gateway',
      duration: '15m',
      policyArns: ['arn:aws:iam::aws:policy/One', 'arn:aws:iam::123456789012:policy/Two'],
      policy: '{"Version":"2012-10-17","Statement":[]}',
      tags: { team: 'Ärzte & Co', 'cost center': '47 11' },
    };
    await build({ assumeRole }).getToken(fakeRun());
    expect(Object.fromEntries(sts.requests[0]?.form ?? [])).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'team@models',
      ExternalId: 'a/b:c=d',
      SourceIdentity: 'gateway',
      DurationSeconds: '900',
      Policy: assumeRole.policy,
      'PolicyArns.member.1.arn': assumeRole.policyArns[0],
      'PolicyArns.member.2.arn': assumeRole.policyArns[1],
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'Ärzte & Co',
      'Tags.member.2.Key': 'cost center',
      'Tags.member.2.Value': '47 11',
    });
  });

  it('is refused to whoever has other keys', async () => {
    sts.answer(checkingSts());
    machine.facts = { ...keys, AWS_SECRET_ACCESS_KEY: 'another' };
    expect(await failureOf(() => build().getToken(fakeRun()))).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'SignatureDoesNotMatch', status: 403 },
    });
  });

  it('is one credential while its keys are the same', async () => {
    sts.answer(checkingSts());
    const provider = build();
    const first = await provider.getToken(fakeRun());
    expect(await provider.getToken(fakeRun())).toBe(first);
    sts.answer(checkingSts(undefined, { ...roleGiven, token: 'Another' }));
    expect(await provider.getToken(fakeRun())).not.toBe(first);
  });

  it.each([
    ['eu-central-1', 'https://sts.eu-central-1.amazonaws.com/', 'eu-central-1'],
    ['cn-north-1', 'https://sts.cn-north-1.amazonaws.com.cn/', 'cn-north-1'],
    ['us-gov-west-1', 'https://sts.us-gov-west-1.amazonaws.com/', 'us-gov-west-1'],
    [undefined, 'https://sts.amazonaws.com/', 'us-east-1'],
  ])('in %s is asked for at %s', async (region, url, signedRegion) => {
    machine.facts = keys;
    const provider = machine.create({ assumeRole: { roleArn }, ...(region !== undefined && { region }) });
    const calls = await machine.callsOf(() => failureOf(() => provider.getToken(fakeRun())));
    expect(calls).toMatchObject([{ method: 'POST', url, network: 'private' }]);
    expect(calls[0]?.headers['authorization']).toContain(`/${signedRegion}/sts/aws4_request`);
  });

  it('is asked for with a signature for the region in the address of the definition, before any other', async () => {
    machine.facts = keys;
    const stsUrl = 'https://sts.eu-west-1.amazonaws.com/';
    const provider = machine.create({ assumeRole: { roleArn }, stsUrl, region: 'us-east-2' });
    const calls = await machine.callsOf(() => failureOf(() => provider.getToken(fakeRun())));
    expect(calls[0]?.headers['authorization']).toContain('/eu-west-1/sts/aws4_request');
  });

  it('of another partition needs a region', async () => {
    machine.facts = keys;
    const assumeRole = { roleArn: 'arn:aws-cn:iam::123456789012:role/models' };
    expect(await failureOf(() => machine.create({ assumeRole }).getToken(fakeRun()))).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'no region is known: set "region" or AWS_REGION' },
    });
  });
});

describe('a web identity', () => {
  const token = 'eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl';
  const facts = { AWS_WEB_IDENTITY_TOKEN_FILE: `${token}\n`, AWS_ROLE_ARN: roleArn };
  const answer = { body: stsDocument('AssumeRoleWithWebIdentity', roleGiven) };
  const identify = (config: Partial<AwsConfig> = {}): TokenProvider =>
    machine.create({ stsUrl: sts.origin, credentials: { from: 'web-identity' }, ...config });

  it('gets the keys of its role, without a signature', async () => {
    sts.answer(answer);
    machine.facts = { ...facts, AWS_ROLE_SESSION_NAME: 'pod-7' };
    const request = await signedCall(identify());
    expect(mistakeOf(request, roleGiven.secret)).toBe('');
    expect(sts.requests[0]?.headers['authorization']).toBeUndefined();
    expect(Object.fromEntries(sts.requests[0]?.form ?? [])).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'pod-7',
      WebIdentityToken: token,
    });
  });

  it('may stand in the definition, and its file is read at each use', async () => {
    sts.answer(answer);
    let text = 'first-token';
    const tokenFile = new Secret('FILE', () => text);
    const credentials = { from: 'web-identity' as const, roleArn, sessionName: 'definition', tokenFile };
    const provider = identify({ credentials });
    await provider.getToken(fakeRun());
    text = 'second-token';
    await provider.getToken(fakeRun());
    expect(sts.requests.map(({ form }) => form.get('WebIdentityToken'))).toEqual(['first-token', 'second-token']);
    expect(sts.requests[0]?.form.get('RoleSessionName')).toBe('definition');
  });

  it('takes on a further role with the keys of its first', async () => {
    const second = { ...roleGiven, id: 'ASIASECOND', secret: 'second+secret' };
    sts.answer(answer, checkingSts(roleGiven.secret, second));
    machine.facts = facts;
    const request = await signedCall(identify({ assumeRole: { roleArn: `${roleArn}/next` } }));
    expect(mistakeOf(request, second.secret)).toBe('');
    expect(sts.requests[1]?.headers['x-amz-security-token']).toBe(roleGiven.token);
    expect(sts.requests.map((one) => wireMistakeOf(one, roleGiven.secret))).toEqual(['there is no signature', '']);
  });

  it.each([
    ['no token', { AWS_ROLE_ARN: roleArn }, 'TOKEN_UNAVAILABLE', 'AWS_WEB_IDENTITY_TOKEN_FILE is not set'],
    ['no role', { AWS_WEB_IDENTITY_TOKEN_FILE: token }, 'TOKEN_UNAVAILABLE', 'AWS_ROLE_ARN is not set'],
    ['no name of a role', { ...facts, AWS_ROLE_ARN: 'arn:x' }, 'TOKEN_INVALID', 'AWS_ROLE_ARN is no name of a role'],
    ['an odd token', { ...facts, AWS_WEB_IDENTITY_TOKEN_FILE: 'a\r\nb' }, 'TOKEN_INVALID', 'the web identity token'],
    [
      'a huge token',
      { ...facts, AWS_WEB_IDENTITY_TOKEN_FILE: 'x'.repeat(20_001) },
      'TOKEN_INVALID',
      'the web identity',
    ],
  ])('with %s asks nobody', async (_what, variables, code, reason) => {
    machine.facts = variables;
    const failure = await failureOf(() => identify().getToken(fakeRun()));
    expect(failure).toMatchObject({ code, context: { reason: expect.stringContaining(reason) } });
    expect(sts.requests).toEqual([]);
  });
});

const canary = 'CANARY-4f1d9a2b7c';
const document = (changes: Partial<GivenKeys>): string => stsDocument('AssumeRole', { ...roleGiven, ...changes });
const laughs = Array.from({ length: 9 }, (_one, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('');

describe('an answer of STS', () => {
  it.each<[string, TokenServerAnswer, string, string]>([
    ['a page', { body: `<!DOCTYPE html><html><body>${canary}</body></html>` }, 'TOKEN_INVALID', 'none of the Security'],
    ['nothing', { body: '' }, 'TOKEN_INVALID', 'none of the Security'],
    ['JSON', { json: { Credentials: { SecretAccessKey: canary } } }, 'TOKEN_INVALID', 'none of the Security'],
    ['half', { body: document({ secret: canary }).slice(0, 600) }, 'TOKEN_INVALID', 'none of the Security'],
    ['huge', { body: document({ token: canary.repeat(1_000_000) }) }, 'TOKEN_INVALID', 'is too large'],
    ['a bomb', { body: `<!DOCTYPE x [<!ENTITY l0 "${canary}">${laughs}]><x>&l9;</x>` }, 'TOKEN_INVALID', 'none of the'],
    ['an unknown entity', { body: document({ token: `&${'a'.repeat(6)};` }) }, 'TOKEN_INVALID', 'none of the Security'],
    ['deep', { body: '<a>'.repeat(40_000) }, 'TOKEN_INVALID', 'none of the Security'],
    ['another action', { body: stsDocument('GetFederationToken', roleGiven) }, 'TOKEN_INVALID', 'key id is missing'],
    [
      'a line end in a key',
      { body: document({ secret: `${canary}&#13;&#10;x: y` }) },
      'TOKEN_INVALID',
      'secret access key',
    ],
    ['a comma in a key id', { body: document({ id: `${canary}, X=y` }) }, 'TOKEN_INVALID', 'access key id is not'],
    ['a long token', { body: document({ token: canary.repeat(2_000) }) }, 'TOKEN_INVALID', 'session token is not'],
    ['no token', { body: document({ token: '' }) }, 'TOKEN_INVALID', 'session token is missing'],
    [
      'nothing in the place of a token',
      { body: document({}).replace(/<SessionToken>.*<.SessionToken>/, '') },
      'TOKEN_INVALID',
      'session token is missing',
    ],
    ['old keys', { body: document({ expiration: '2015-08-30T12:35:59Z' }) }, 'TOKEN_INVALID', 'expired at its birth'],
    ['no date', { body: document({ expiration: canary }) }, 'TOKEN_INVALID', 'no usable date'],
    ['a far date', { body: document({ expiration: '9999-01-01T00:00:00Z' }) }, 'TOKEN_INVALID', 'ten years'],
    ['a redirect', { status: 307, headers: { location: 'http://a.example' } }, 'TOKEN_INVALID', 'redirects'],
    ['a refusal', { status: 403, body: stsRefusal('AccessDenied', canary) }, 'TOKEN_UNAVAILABLE', 'AccessDenied'],
    ['an old base', { status: 403, body: stsRefusal('ExpiredToken', canary) }, 'TOKEN_UNAVAILABLE', 'ExpiredToken'],
    ['a word', { status: 403, body: stsRefusal('CanaryOfLetters', 'x') }, 'TOKEN_UNAVAILABLE', 'another error'],
    ['an odd code', { status: 400, body: stsRefusal(`${canary} and more`, 'x') }, 'TOKEN_UNAVAILABLE', 'refused'],
    ['a failure', { status: 500, body: `<html>${canary}` }, 'TOKEN_UNAVAILABLE', 'refused'],
    ['a reset', { fault: 'reset' }, 'TOKEN_UNAVAILABLE', 'UPSTREAM_'],
    ['no HTTP', { raw: `${canary}\r\n\r\n` }, 'TOKEN_UNAVAILABLE', 'UPSTREAM_'],
  ])('that is %s gives no credential and shows nothing', async (_what, answer, code, reason) => {
    sts.answer(answer);
    const failure = await failureOf(() => build().getToken(fakeRun()));
    expect(failure).toMatchObject({ code, context: { reason: expect.stringContaining(reason) } });
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toMatch(/CANARY|wJalr/);
    expect(JSON.stringify(failure)).not.toMatch(/CANARY|wJalr/);
  });

  it.each([
    ['7', 7],
    ['Sun, 30 Aug 2015 12:36:09 GMT', 9],
    [undefined, undefined],
  ])('that is too busy, as its code says with a 400, says when to ask again: %j', async (text, retryAfterSeconds) => {
    const headers = text === undefined ? {} : { 'retry-after': text };
    for (const status of [400, 503]) {
      sts.answer({ status, headers, body: stsRefusal('Throttling', 'Rate exceeded') });
      const failure = await failureOf(() => build().getToken(fakeRun()));
      const context = { status, reason: 'Throttling' };
      expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context, retryAfterSeconds });
    }
  });

  it('without a date gives keys that nobody knows the end of', async () => {
    sts.answer({ body: stsDocument('AssumeRole', { id: 'A', secret: 'B', token: 'C' }) });
    expect((await build().getToken(fakeRun())).expiresAt).toBeUndefined();
  });

  it.each(['frozen', 'half'] as const)('that is %s ends with the time for it', async (fault) => {
    sts.answer({ body: document({}), fault });
    const pending = failureOf(() => build({ timeout: '2s' }).getToken(fakeRun()));
    await eventually(() => sts.requests.length > 0, 'the question');
    await machine.clock.advance(2_000);
    expect(await pending).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'UPSTREAM_HEADERS_TIMEOUT' } });
  });

  it('is not waited for when the run is over', async () => {
    sts.answer({ fault: 'frozen' });
    const run = testRun();
    const pending = failureOf(() => build().getToken(run.run));
    await eventually(() => sts.requests.length > 0, 'the question');
    run.abort.abort(new TypeError('the client has left'));
    expect((await pending)['cause']).toMatchObject({ message: 'the client has left' });
  });
});

describe('a thousand runs', () => {
  it('under a cache are one call, and one more when the keys end', async () => {
    const { clock, log, meter } = { ...testRun(), clock: machine.clock };
    const fresh = (): string => new Date(clock.wallTime() + hour).toISOString();
    sts.answer(() => ({ body: document({ expiration: fresh(), token: `Token${sts.requests.length}` }) }));
    const provider = linkOf({ name: 'aws', type: 'aws', provider: build() }, { clock, log });
    const cache = cacheTokenProvider.create(
      { provider, skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 },
      { clock, log, meter },
    );
    const ask = () => Promise.all(Array.from({ length: 1_000 }, () => Promise.resolve(cache.getToken(fakeRun()))));
    expect(new Set(await ask()).size).toBe(1);
    expect(sts.requests).toHaveLength(1);
    await clock.advance(hour);
    expect(new Set(await ask()).size).toBe(1);
    expect(sts.requests).toHaveLength(2);
    await cache.dispose?.();
    expect(clock.wallTime()).toBeGreaterThan(suiteTime + hour - 1);
  });
});
