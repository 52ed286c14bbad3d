import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  bearer,
  framingHeaders,
  keyPlacementOf,
  placementOf,
  tokenCredential,
  usable,
  type Placement,
} from '../../../src/kernel/tokens/token-credential.ts';
import type { UpstreamRequest } from '../../../src/kernel/upstream.ts';
import { textWithin } from '../../support/log-capture.ts';

const invalid = expect.objectContaining({ code: 'TOKEN_INVALID' });
const canary = 'canary-4711-secret';

async function applied(token: string, placement: Placement, path = '/v1/chat'): Promise<UpstreamRequest> {
  const request: UpstreamRequest = {
    method: 'POST',
    origin: 'https://api.example.com',
    path,
    headers: { 'content-type': 'application/json' },
    body: '{}',
  };
  await tokenCredential(token, placement).apply(request);
  return request;
}

describe('a usable token', () => {
  it.each(['t', 'sk-4711', 'user:pass word', 'a.b.c', 'Grüße', 'x'.repeat(16_384)])('is %#', (token) => {
    expect(usable(token)).toBe(token);
  });

  it.each([
    [''],
    [' '],
    ['\u00a0'],
    ['a\r\nx: y'],
    ['a\nb'],
    ['a\rb'],
    ['a\0b'],
    ['a\tb'],
    ['a\x7fb'],
    ['ключ'],
    ['\ud800'],
    ['x'.repeat(16_385)],
    [undefined],
    [null],
    [42],
    [['t']],
    [{ token: 't' }],
  ])('is not %#', (token) => {
    expect(() => usable(token)).toThrow(invalid);
  });

  it('is never shown where it is refused', () => {
    for (const token of [`${canary}\r\nx: y`, canary.repeat(1_000), `\u2028${canary}`]) {
      let thrown: unknown;
      try {
        usable(token, { secret: 'NAME' });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ context: { secret: 'NAME' } });
      expect(textWithin(thrown)).not.toContain(canary);
    }
  });

  it('can always stand in a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (token) => {
        let isUsable = true;
        try {
          usable(token);
        } catch {
          isUsable = false;
        }
        if (isUsable) expect(() => new Headers({ 'x-key': token })).not.toThrow();
      }),
    );
  });
});

describe('a credential', () => {
  it.each<[Placement, Record<string, string>]>([
    [bearer, { authorization: 'Bearer t0ken' }],
    [{ header: 'X-Api-Key', scheme: '' }, { 'x-api-key': 't0ken' }],
    [{ header: 'api-key', scheme: '' }, { 'api-key': 't0ken' }],
    [{ header: 'Authorization', scheme: 'Token' }, { authorization: 'Token t0ken' }],
    [{ header: 'authorization', scheme: 'Basic' }, { authorization: 'Basic dDBrZW4=' }],
    [{ header: 'authorization', scheme: 'basic' }, { authorization: 'basic dDBrZW4=' }],
  ])('with %j is sent as %j', async (placement, headers) => {
    const request = await applied('t0ken', placement);
    expect(request.headers).toEqual({ 'content-type': 'application/json', ...headers });
    expect(request.path).toBe('/v1/chat');
  });

  it('of user and password is what RFC 7617 has as its example', async () => {
    const { headers } = await applied('Aladdin:open sesame', { header: 'authorization', scheme: 'Basic' });
    expect(headers['authorization']).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  });

  it.each([
    ['/v1', '/v1?key=t0ken'],
    ['/v1?alt=sse', '/v1?alt=sse&key=t0ken'],
  ])('in the query of %s makes %s', async (path, expected) => {
    const request = await applied('t0ken', { ...bearer, query: 'key' }, path);
    expect(request.path).toBe(expected);
    expect(request.headers).toEqual({ 'content-type': 'application/json' });
  });

  it('in the query comes back as it was, whatever it and the name hold', async () => {
    const token = fc.stringMatching(/^[\x20-\x7e\x80-\xff]*[\x21-\x7e][\x20-\x7e\x80-\xff]*$/);
    await fc.assert(
      fc.asyncProperty(token, fc.stringMatching(/^[\x20-\x7e]{1,20}$/), async (value, name) => {
        const request = await applied(value, { ...bearer, query: name }, '/v1?a=1');
        const url = new URL(request.path, request.origin);
        expect(url.pathname).toBe('/v1');
        expect(url.hash).toBe('');
        expect(url.searchParams.getAll(name).at(-1)).toBe(value);
      }),
    );
  });

  it('says when it ends only where somebody said so', () => {
    expect(tokenCredential('t', bearer, 5_000)).toMatchObject({ origins: '*', expiresAt: 5_000 });
    expect('expiresAt' in tokenCredential('t', bearer)).toBe(false);
  });

  it('takes the place of a header that was there, and can be applied again', async () => {
    const request: UpstreamRequest = {
      method: 'GET',
      origin: '',
      path: '/',
      headers: { authorization: 'old' },
      body: '',
    };
    const credential = tokenCredential('t', bearer);
    await credential.apply(request);
    await credential.apply(request);
    expect(request.headers).toEqual({ authorization: 'Bearer t' });
  });

  it('shows nothing when it is printed', () => {
    const credential = tokenCredential(canary, bearer, 1);
    expect(JSON.stringify(credential)).not.toContain(canary);
    expect(inspect(credential, { depth: 9, showHidden: true })).not.toContain(canary);
    expect(textWithin(credential)).not.toContain(canary);
  });

  it('is not made of a token that would break the request', () => {
    expect(() => tokenCredential('a\r\nhost: evil.example', bearer)).toThrow(invalid);
    expect(() => tokenCredential('a\nb', { ...bearer, query: 'key' })).toThrow(invalid);
  });
});

describe('the place of a token', () => {
  it.each([...framingHeaders, 'Content-Length', 'HOST'])('can not be %s', (header) => {
    expect(() => placementOf({ header, scheme: '' })).toThrow(TypeError);
  });

  it.each(['authorization', 'x-api-key', 'Api-Key', 'cookie'])('can be %s', (header) => {
    expect(() => placementOf({ header, scheme: '' })).not.toThrow();
  });

  it.each([
    [{}, bearer],
    [{ header: 'Authorization' }, { header: 'Authorization', scheme: 'Bearer' }],
    [{ header: 'x-api-key' }, { header: 'x-api-key', scheme: '' }],
    [
      { header: 'x-api-key', scheme: 'Key' },
      { header: 'x-api-key', scheme: 'Key' },
    ],
    [{ scheme: '' }, { header: 'authorization', scheme: '' }],
  ])('%j is %j, for a key too, but where nothing is said', (config, placement) => {
    expect(placementOf(config)).toEqual(placement);
    const isSaid = Object.keys(config).length > 0;
    expect(keyPlacementOf(config)).toEqual({ ...placement, ...(!isSaid && { isKey: true }) });
  });
});
