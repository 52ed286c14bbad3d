import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { TokenProvider } from '../../src/kernel/component.ts';
import { Secret } from '../../src/kernel/schema.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import { awsSigv4TokenProvider } from '../../src/tokens/aws-sigv4.ts';
import { signatureMistake } from '../support/aws-signature.ts';
import { fakeRun } from '../support/chat-run.ts';
import { TestClock } from '../support/test-clock.ts';

/** The keys and the time of the test suite that AWS has published for Signature Version 4. */
const accessKeyId = 'AKIDEXAMPLE';
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const suiteTime = Date.UTC(2015, 7, 30, 12, 36, 0);

const suiteClock = (): TestClock => new TestClock({ wallTime: suiteTime });

interface Options {
  readonly service?: string;
  readonly region?: string;
  readonly keys?: () => { id: string; secret: string; token?: string };
}

const suiteKeys: NonNullable<Options['keys']> = () => ({ id: accessKeyId, secret: secretAccessKey });

function build({ service = 'service', region = 'us-east-1', keys: read = suiteKeys }: Options = {}): TokenProvider {
  return awsSigv4TokenProvider.create(
    {
      accessKeyId: new Secret('$env ID', () => read().id),
      secretAccessKey: new Secret('$env KEY', () => read().secret),
      ...(read().token !== undefined && { sessionToken: new Secret('$env TOKEN', () => read().token ?? '') }),
      region,
      service,
    },
    { clock: suiteClock() },
  );
}

async function sign(provider: TokenProvider, overrides: Partial<UpstreamRequest> = {}): Promise<UpstreamRequest> {
  const request: UpstreamRequest = {
    method: 'GET',
    origin: 'https://example.amazonaws.com',
    path: '/',
    headers: {},
    body: '',
    ...overrides,
  };
  await (await provider.getToken(fakeRun())).apply(request);
  return request;
}

/** How an independent reader judges the request as the transport sends it. */
const mistakeOf = ({ method, origin, path, headers, body }: UpstreamRequest, secret = secretAccessKey): string =>
  signatureMistake({ method, target: path, headers: { ...headers, host: new URL(origin).host }, body }, secret);

describe('a signature of AWS', () => {
  it.each([
    ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      { path: '/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ] as const)('is the published one for %s', async (_name, overrides, signature) => {
    const { headers } = await sign(build(), overrides);
    expect(headers).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    });
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

  it('is right for every body, port and path', async () => {
    const segment = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 8 })
      .map((text) => encodeURIComponent(text.toWellFormed()));
    const path = fc
      .array(
        segment.filter((text) => text !== '.' && text !== '..'),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => `/${parts.join('/')}`);
    await fc.assert(
      fc.asyncProperty(
        path,
        fc.string({ unit: 'binary' }),
        fc.integer({ min: 1, max: 65_535 }),
        async (target, text, port) => {
          const request = await sign(build(), {
            method: 'POST',
            origin: new URL(`http://127.0.0.1:${port}`).origin,
            path: target,
            headers: { 'content-type': 'application/json' },
            body: text.toWellFormed(),
          });
          expect(mistakeOf(request)).toBe('');
        },
      ),
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

  it('carries and signs a session token', async () => {
    const provider = build({ keys: () => ({ id: accessKeyId, secret: secretAccessKey, token: 'Fwo/token+1==' }) });
    const request = await sign(provider);
    expect(request.headers['x-amz-security-token']).toBe('Fwo/token+1==');
    expect(request.headers['authorization']).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token');
    expect(mistakeOf(request)).toBe('');
  });
});

describe('the keys', () => {
  it('are read again for each request, and the credential is one object until they change', async () => {
    let secret = secretAccessKey;
    const provider = build({ keys: () => ({ id: accessKeyId, secret }) });
    const first = provider.getToken(fakeRun());
    expect(provider.getToken(fakeRun())).toBe(first);
    secret = 'rotated';
    expect(mistakeOf(await sign(provider), 'rotated')).toBe('');
    expect(provider.getToken(fakeRun())).not.toBe(first);
    const current = await provider.getToken(fakeRun());
    provider.invalidate(current);
    expect(provider.getToken(fakeRun())).not.toBe(current);
    expect(current.origins).toBe('*');
  });

  it('may end with a line end, as files do', async () => {
    const request = await sign(build({ keys: () => ({ id: `${accessKeyId}\n`, secret: `${secretAccessKey}\r\n` }) }));
    expect(mistakeOf(request)).toBe('');
  });

  it.each(['', ' ', 'a b', 'a\nb', 'a,b', 'käse', 'x'.repeat(300)])('%j is refused and not shown', (secret) => {
    let thrown: unknown;
    try {
      void build({ keys: () => ({ id: accessKeyId, secret }) }).getToken(fakeRun());
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'TOKEN_INVALID' });
    if (secret.trim() !== '') expect(JSON.stringify(thrown)).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  it('that can not be read are unavailable', () => {
    const provider = awsSigv4TokenProvider.create(
      {
        accessKeyId: new Secret('$env ID', () => accessKeyId),
        secretAccessKey: new Secret('$file /gone', () => {
          throw new Error('gone');
        }),
        region: 'us-east-1',
        service: 'bedrock',
      },
      { clock: suiteClock() },
    );
    expect(() => provider.getToken(fakeRun())).toThrow(expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }));
  });

  it('show in no account of the provider or its credential', async () => {
    const provider = build();
    const credential = await provider.getToken(fakeRun());
    const { inspect } = await import('node:util');
    expect(inspect([provider, credential], { depth: 9, showHidden: true })).not.toMatch(/wJalr|AKIDEX/);
    expect(JSON.stringify([provider, credential])).not.toMatch(/wJalr|AKIDEX/);
  });
});
