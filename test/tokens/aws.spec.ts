import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Secret } from '../../src/kernel/schema.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import {
  accessKeyId,
  awsMachine,
  failureOf,
  mistakeOf,
  secretAccessKey,
  signedCall,
  type AwsConfig,
} from '../support/aws-machine.ts';
import { fakeRun } from '../support/chat-run.ts';

interface Keys {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
}

const machine = awsMachine();
const suiteKeys = (): Keys => ({ id: accessKeyId, secret: secretAccessKey });

function build(config: Partial<AwsConfig> = {}, read: () => Keys = suiteKeys): TokenProvider {
  const credentials = {
    from: 'keys' as const,
    accessKeyId: new Secret('ID', () => read().id),
    secretAccessKey: new Secret('KEY', () => read().secret),
    ...(read().token !== undefined && { sessionToken: new Secret('TOKEN', () => read().token ?? '') }),
  };
  return machine.create({ region: 'us-east-1', service: 'service', credentials, ...config });
}

const sign = (provider: TokenProvider, overrides: Partial<UpstreamRequest> = {}): Promise<UpstreamRequest> =>
  signedCall(provider, {
    method: 'GET',
    origin: 'https://example.amazonaws.com',
    path: '/',
    headers: {},
    body: '',
    ...overrides,
  });

const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const form = { method: 'POST', body: 'Param1=value1' } as const;
const suiteToken =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwth' +
  'Ax7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAki' +
  'Y9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';

/** Names, requests, signed headers beside host and date, and signatures of the published suite. */
const suite: readonly (readonly [string, Partial<UpstreamRequest>, string, string])[] = [
  ['get-vanilla', {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-empty-query-key',
    { path: '/?Param1=value1' },
    '',
    'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  ],
  [
    'get-vanilla-query-order-key',
    { path: '/?Param1=value2&Param1=Value1' },
    '',
    'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
  ],
  [
    'get-vanilla-query-order-key-case',
    { path: '/?Param2=value2&Param1=value1' },
    '',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-vanilla-query-order-value',
    { path: '/?Param1=value2&Param1=value1' },
    '',
    '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  ],
  [
    'get-vanilla-query-unreserved',
    { path: `/?${unreserved}=${unreserved}` },
    '',
    '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  ],
  [
    'get-vanilla-utf8-query',
    { path: '/?%E1%88%B4=bar' },
    '',
    '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  ],
  ['get-utf8', { path: '/\u1234' }, '', '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
  [
    'get-unreserved',
    { path: `/${unreserved}` },
    '',
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ],
  ['get-space', { path: '/example space/' }, '', '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741'],
  ['get-relative', { path: '/example/..' }, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-header-value-trim',
    { headers: { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' } },
    'my-header1;my-header2;',
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ],
  [
    'get-header-key-duplicate',
    { headers: { 'my-header1': 'value2,value2,value1' } },
    'my-header1;',
    'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  ],
  ['post-vanilla', { method: 'POST' }, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'post-header-key-sort',
    { method: 'POST', headers: { 'my-header1': 'value1' } },
    'my-header1;',
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  ],
  [
    'post-header-value-case',
    { method: 'POST', headers: { 'my-header1': 'VALUE1' } },
    'my-header1;',
    'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  ],
  [
    'post-vanilla-query',
    { method: 'POST', path: '/?Param1=value1' },
    '',
    '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  ],
  [
    'post-x-www-form-urlencoded',
    { ...form, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    'content-type;',
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  ],
  [
    'post-x-www-form-urlencoded-parameters',
    { ...form, headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf8' } },
    'content-type;',
    '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
  ],
];

afterAll(() => machine.close());

describe('a signature of AWS', () => {
  it.each(suite)('is the published one for %s', async (_name, overrides, names, signature) => {
    const { headers } = await sign(build(), overrides);
    const signed = `${names}host;x-amz-date`.split(';').sort().join(';');
    expect(headers).toEqual({
      ...overrides.headers,
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signed}, Signature=${signature}`,
    });
  });

  it('is the published one for post-sts-header-before, with the session token', async () => {
    const provider = build({}, () => ({ ...suiteKeys(), token: suiteToken }));
    const { headers } = await sign(provider, { method: 'POST' });
    expect(headers['x-amz-security-token']).toBe(suiteToken);
    expect(headers['authorization']).toMatch(
      /SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead$/,
    );
  });

  it('of a call of a model is right by an independent computation', async () => {
    const request = await sign(build({ service: 'bedrock', region: 'eu-central-1' }), {
      method: 'POST',
      origin: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
      path: '/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.x%3A0/converse-stream',
      headers: {
        'content-type': 'application/json',
        accept: 'application/vnd.amazon.eventstream',
        'accept-encoding': 'identity',
        'user-agent': 'sluice',
        'x-team': ' care  and   more ',
      },
      body: '{"text":"Grüße 😀"}',
    });
    expect(mistakeOf(request)).toBe('');
    expect(request.headers['authorization']).toContain('/20150830/eu-central-1/bedrock/aws4_request');
    expect(request.headers['authorization']).toContain('SignedHeaders=content-type;host;x-amz-date;x-team,');
    expect(request.headers['host']).toBeUndefined();
  });

  it('is right for every body, port, path and query', async () => {
    const word = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 8 })
      .map((text) => encodeURIComponent(text.toWellFormed()))
      .filter((text) => text !== '.' && text !== '..');
    const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    const query = fc
      .array(fc.tuple(word, word), { maxLength: 3 })
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));
    const port = fc.integer({ min: 1, max: 65_535 });
    await fc.assert(
      fc.asyncProperty(path, query, fc.string({ unit: 'binary' }), port, async (target, search, text, number) => {
        const request = await sign(build(), {
          method: 'POST',
          origin: new URL(`http://127.0.0.1:${number}`).origin,
          path: search === '' ? target : `${target}?${search}`,
          headers: { 'content-type': 'application/json' },
          body: text.toWellFormed(),
        });
        expect(mistakeOf(request)).toBe('');
      }),
    );
  });

  it('breaks when anything that is signed changes', async () => {
    const request = await sign(build(), {
      method: 'POST',
      path: '/a?b=c',
      headers: { 'content-type': 'x/y' },
      body: 'z',
    });
    expect(mistakeOf(request)).toBe('');
    const changes: Partial<UpstreamRequest>[] = [
      { method: 'GET' },
      { origin: 'https://example.com' },
      { path: '/a?b=d' },
      { path: '/A?b=c' },
      { body: 'zz' },
      { headers: { ...request.headers, 'content-type': 'x/z' } },
      { headers: { ...request.headers, 'x-amz-date': '20150830T123601Z' } },
    ];
    for (const change of changes) expect(mistakeOf({ ...request, ...change })).toBe('the signature is another one');
    expect(mistakeOf(request, 'another')).toBe('the signature is another one');
  });

  it('has the time of the request, not that of the credential', async () => {
    const provider = build();
    const credential = await provider.getToken(fakeRun());
    machine.clock.jump(3_600_000);
    const request: UpstreamRequest = { method: 'GET', origin: 'https://x.example', path: '/', headers: {}, body: '' };
    await credential.apply(request);
    machine.clock.jump(-3_600_000);
    expect(request.headers['x-amz-date']).toBe('20150830T133600Z');
    expect(mistakeOf(request)).toBe('');
  });
});

describe('the region of a signature', () => {
  const regionOf = async (provider: TokenProvider, origin: string): Promise<string | undefined> => {
    const { headers } = await sign(provider, { origin });
    return headers['authorization']?.split('/')[2];
  };
  const environment = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const bedrock = 'https://bedrock-runtime.us-west-2.amazonaws.com';

  it.each([
    ['that of the definition', { region: 'eu-central-1' }, { AWS_REGION: 'eu-west-1' }, bedrock, 'eu-central-1'],
    ['else that in the address', {}, { AWS_REGION: 'eu-west-1' }, bedrock, 'us-west-2'],
    [
      'else AWS_REGION',
      {},
      { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' },
      'http://a.example',
      'eu-west-1',
    ],
    ['else AWS_DEFAULT_REGION', {}, { AWS_DEFAULT_REGION: 'eu-west-2' }, 'http://a.example', 'eu-west-2'],
  ] as const)('is %s', async (_what, config, variables, origin, region) => {
    machine.facts = { ...environment, ...variables };
    expect(await regionOf(machine.create({ ...config, credentials: { from: 'environment' } }), origin)).toBe(region);
    machine.facts = {};
  });

  it('that nobody knows is an error, and nothing is signed', async () => {
    machine.facts = environment;
    const provider = machine.create({ credentials: { from: 'environment' } });
    const failure = await failureOf(() => sign(provider, { origin: 'https://models.example.com' }));
    expect(failure).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: expect.stringContaining('region') },
    });
    machine.facts = {};
  });
});

describe('keys of the definition', () => {
  it('come at once, are read again for each request, and are one credential until they change', async () => {
    let secret = secretAccessKey;
    const provider = build({}, () => ({ id: accessKeyId, secret }));
    const first = provider.getToken(fakeRun());
    expect(first).not.toBeInstanceOf(Promise);
    expect(provider.getToken(fakeRun())).toBe(first);
    secret = 'rotated';
    expect(mistakeOf(await sign(provider), 'rotated')).toBe('');
    expect(provider.getToken(fakeRun())).not.toBe(first);
    expect((await first).origins).toBe('*');
    expect((await first).expiresAt).toBeUndefined();
  });

  it('that were refused are the same credential, for which a file is looked at anew', async () => {
    const looks: boolean[] = [];
    const file = (value: string): Secret =>
      new Secret('FILE', (anew) => {
        looks.push(anew);
        return value;
      });
    const keys = {
      accessKeyId: file(accessKeyId),
      secretAccessKey: file(secretAccessKey),
      sessionToken: file('a-session'),
    };
    const provider = machine.create({ credentials: { from: 'keys', ...keys } });
    const credential = await provider.getToken(fakeRun());
    looks.length = 0;
    provider.invalidate(credential, { reason: 'rate-limited' });
    expect(looks).toEqual([]);
    provider.invalidate(credential, { reason: 'rejected' });
    expect(looks).toEqual([true, true, true]);
    expect(provider.getToken(fakeRun())).toBe(credential);
  });

  it('that were refused and whose files can not be read just now disturb nobody', () => {
    const looks: boolean[] = [];
    const unreadable = new Secret('FILE', (anew) => {
      looks.push(anew);
      throw new Error('no such file');
    });
    const places = [
      { from: 'keys', accessKeyId: unreadable, secretAccessKey: unreadable },
      { from: 'web-identity', tokenFile: unreadable },
    ] as const;
    const refused = { origins: '*', apply: () => undefined } as const;
    for (const credentials of places)
      expect(() => machine.create({ credentials }).invalidate(refused, { reason: 'rejected' })).not.toThrow();
    expect(looks).toEqual([true, true, true]);
  });

  it('may end with a line end, as files do', async () => {
    const provider = build({}, () => ({ id: `${accessKeyId}\n`, secret: `${secretAccessKey}\r\n` }));
    expect(mistakeOf(await sign(provider))).toBe('');
  });

  it.each(['', ' ', 'a b', 'a\nb', 'a\r\nx: y', 'a,b', 'käse', 'x'.repeat(300)])(
    '%j is refused and not shown',
    async (secret) => {
      const provider = build({}, () => ({ id: accessKeyId, secret }));
      const failure = await failureOf(() => provider.getToken(fakeRun()));
      expect(failure).toMatchObject({ code: 'TOKEN_INVALID' });
      if (secret.trim() !== '')
        expect(inspect(failure, { depth: 9 })).not.toContain(JSON.stringify(secret).slice(1, -1));
    },
  );

  it('that can not be read are unavailable', async () => {
    const gone = new Secret('GONE', () => {
      throw new Error('gone');
    });
    const credentials = { from: 'keys' as const, accessKeyId: new Secret('ID', () => 'id'), secretAccessKey: gone };
    const failure = await failureOf(() => machine.create({ credentials }).getToken(fakeRun()));
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { secret: 'GONE' } });
  });

  it('show in no account of the provider or its credential', async () => {
    const provider = build();
    const credential = await provider.getToken(fakeRun());
    expect(inspect([provider, credential], { depth: 9, showHidden: true })).not.toMatch(/wJalr|AKIDEX/);
    expect(JSON.stringify([provider, credential])).not.toMatch(/wJalr|AKIDEX/);
  });
});

describe('a definition', () => {
  const text = new Secret('ANY', () => 'any');
  const roleArn = 'arn:aws:iam::123456789012:role/models';
  it.each<[string, Partial<AwsConfig>, string]>([
    ['keys without a secret', { credentials: { from: 'keys', accessKeyId: text } }, 'credentials.secretAccessKey'],
    ['keys without an id', { credentials: { from: 'keys', secretAccessKey: text } }, 'credentials.accessKeyId'],
    ['keys for a machine', { credentials: { from: 'instance', accessKeyId: text } }, 'credentials.accessKeyId'],
    ['a profile for the chain', { credentials: { from: 'chain', profile: 'a' } }, 'credentials.profile'],
    ['a role for the environment', { credentials: { from: 'environment', roleArn } }, 'credentials.roleArn'],
    ['a role for a minute', { assumeRole: { roleArn, duration: '1m' } }, 'assumeRole.duration'],
    ['a role for a day', { assumeRole: { roleArn, duration: '24h' } }, 'assumeRole.duration'],
    ['a role for half a second more', { assumeRole: { roleArn, duration: '900500ms' } }, 'assumeRole.duration'],
    ['a policy that is none', { assumeRole: { roleArn, policy: 'allow' } }, 'assumeRole.policy'],
    ['a policy that is a text in JSON', { assumeRole: { roleArn, policy: '"allow"' } }, 'assumeRole.policy'],
    ['a policy that is a list', { assumeRole: { roleArn, policy: '[]' } }, 'assumeRole.policy'],
    ['a policy that is nothing', { assumeRole: { roleArn, policy: 'null' } }, 'assumeRole.policy'],
    ['an open way to STS', { stsUrl: 'http://sts.example.com', network: 'public' }, 'stsUrl'],
    ['the metadata service as STS', { stsUrl: 'http://169.254.169.254', network: 'public' }, 'stsUrl'],
    ['an STS with a user', { stsUrl: 'https://me:it@sts.example.com' }, 'stsUrl'],
    ['an STS with a query', { stsUrl: 'https://sts.example.com/?a' }, 'stsUrl'],
    ['another scheme', { stsUrl: 'file:///etc/passwd' }, 'stsUrl'],
    ['an open way to metadata', { metadataUrl: 'http://metadata.example.com', network: 'public' }, 'metadataUrl'],
  ])('with %s is refused, and the field is named', (_what, config, field) => {
    expect(() => machine.create(config)).toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(`${field}: `) }),
    );
  });

  it('may name the fixed addresses of metadata services', () => {
    expect(() => machine.create({ metadataUrl: 'http://[fd00:ec2::254]', network: 'public' })).not.toThrow();
  });
});
