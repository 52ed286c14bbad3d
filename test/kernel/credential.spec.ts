import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { applyCredential } from '../../src/kernel/credential.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { tokenCredential } from '../../src/kernel/tokens/token-credential.ts';
import type { Credential } from '../../src/kernel/tokens/token-provider.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';

const request = (path = '/v1/chat'): UpstreamRequest => ({
  method: 'POST',
  origin: 'https://a.example',
  path,
  headers: { accept: '*/*' },
  body: '',
});

const applying = (apply: Credential['apply'], origins: Credential['origins'] = '*'): Credential => ({ apply, origins });

function refusal(credential: Credential, target = request()): SluiceError {
  try {
    void applyCredential(credential, target);
  } catch (error) {
    if (error instanceof SluiceError) return error;
  }
  throw new Error('it was taken');
}

describe('what a credential adds', () => {
  const basic = `Basic ${Buffer.from('sluice:p:w0rd').toString('base64')}`;
  it.each<readonly [string, Credential['apply'], readonly string[]]>([
    ['a header', (to) => void (to.headers['x-api-key'] = 'key-1'), ['key-1']],
    ['another value of a header', (to) => void (to.headers['accept'] = 'key-1'), ['key-1']],
    ['user and password', (to) => void (to.headers['authorization'] = basic), [basic, 'sluice:p:w0rd', 'p:w0rd']],
    ['a parameter', (to) => void (to.path += '?key=key-1'), ['key-1']],
    ['an encoded parameter', (to) => void (to.path += '?key=a%2Fb%3D&x=1'), ['a%2Fb%3D', 'a/b=', '1']],
    ['a parameter that can not be decoded', (to) => void (to.path += '?key=%ff'), ['%ff']],
    ['nothing', () => undefined, []],
  ])('is told, to be hidden everywhere: %s', async (_what, apply, values) => {
    expect(applyCredential(applying(apply), request())).toEqual(values);
    expect(
      await applyCredential(
        applying(async (to) => apply(to)),
        request(),
      ),
    ).toEqual(values);
  });

  it('is all that it changed, compared with what the request was made from', () => {
    const made = { ...request(), headers: { accept: '*/*', authorization: 'key-1' } };
    const target = { ...made, headers: { ...made.headers } };
    const credential = applying((to) => void (to.headers['authorization'] = 'key-2'));
    expect(applyCredential(credential, target, made)).toEqual(['key-2']);
    expect(made.headers.authorization).toBe('key-1');
    expect(applyCredential(credential, target)).toEqual([]);
  });

  it('stands behind a query that is there already', () => {
    const target = request('/v1/models?alt=sse');
    const credential = tokenCredential('k&y', { header: 'authorization', scheme: 'Bearer', query: 'key' });
    expect(applyCredential(credential, target)).toEqual(['k%26y', 'k&y']);
    expect(target.path).toBe('/v1/models?alt=sse&key=k%26y');
  });

  it('is found whatever the token holds', () => {
    fc.assert(
      fc.property(
        fc.string({
          minLength: 1,
          unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
        }),
        (token) => {
          fc.pre(token.trim() !== '');
          const target = request();
          const credential = tokenCredential(token, { header: 'authorization', scheme: '', query: 'key' });
          expect(applyCredential(credential, target)).toContain(token);
          expect(new URL(target.origin + target.path).searchParams.get('key')).toBe(token);
        },
      ),
    );
  });
});

describe('a credential is refused', () => {
  it.each<readonly [string, Credential['apply']]>([
    ['a line break in a header', (to) => void (to.headers['authorization'] = 'a\r\nx: y')],
    ['a name that is none', (to) => void (to.headers['a b'] = 'x')],
    ['a line break in the query', (to) => void (to.path += '?key=a\r\nx: y')],
    ['a space in the query', (to) => void (to.path += '?key=a b')],
    ['a fragment', (to) => void (to.path += '?key=a#b')],
    ['text that is not ASCII', (to) => void (to.path += '?key=ä')],
    ['another path', (to) => void (to.path = '/v1/other?key=a')],
    ['more path', (to) => void (to.path += '/more?key=a')],
  ])('for %s', (_what, apply) => {
    const error = refusal(applying(apply));
    expect(error.code).toBe('TOKEN_INVALID');
    expect(JSON.stringify([error.message, error.context])).not.toMatch(/key=|x: y/);
  });

  it('where it throws, without what it says', () => {
    const error = refusal(
      applying(() => {
        throw new RangeError('k3y is too long');
      }),
    );
    expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'it threw RangeError' } });
    expect(error.cause).toBeUndefined();
  });

  it('for an origin that is not its own, before it does anything', () => {
    let applied = 0;
    const credential = applying(() => void (applied += 1), ['https://b.example']);
    expect([refusal(credential).code, applied]).toEqual(['CREDENTIAL_ORIGIN_MISMATCH', 0]);
    expect(applyCredential({ ...credential, origins: ['https://a.example'] }, request())).toEqual([]);
  });
});
