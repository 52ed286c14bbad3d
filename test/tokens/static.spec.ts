import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import { staticTokenProvider } from '../../src/tokens/static.ts';
import { fakeRun } from '../support/chat-run.ts';

const build = (read: () => string, options: { header?: string; scheme?: string } = {}) =>
  staticTokenProvider.create(
    { token: new Secret('$env KEY', read), header: 'authorization', scheme: 'Bearer', ...options },
    {},
  );
const request = (): UpstreamRequest => ({
  method: 'POST',
  origin: 'https://a.example',
  path: '/',
  headers: {},
  body: '',
});

async function headersOf(provider: ReturnType<typeof build>): Promise<Record<string, string>> {
  const target = request();
  await (await provider.getToken(fakeRun())).apply(target);
  return target.headers;
}

describe('a static token', () => {
  it.each([
    [{}, { authorization: 'Bearer t0ken' }],
    [{ header: 'Api-Key', scheme: '' }, { 'api-key': 't0ken' }],
    [{ scheme: 'Key' }, { authorization: 'Key t0ken' }],
  ])('with %j is sent as %j', async (options, headers) => {
    expect(await headersOf(build(() => 't0ken', options))).toEqual(headers);
  });

  it('is one object until the secret changes', async () => {
    let value = 'old';
    const provider = build(() => value);
    const first = provider.getToken(fakeRun());
    expect(provider.getToken(fakeRun())).toBe(first);
    value = 'new';
    expect(await headersOf(provider)).toEqual({ authorization: 'Bearer new' });
    expect(provider.getToken(fakeRun())).not.toBe(first);
    expect((await first).origins).toBe('*');
  });

  it.each(['', ' ', 'a\nb', 'a\r\nx: y', 'a\0', 'käse\u2603', 'x'.repeat(20_000)])(
    '%j is refused and not shown',
    (value) => {
      let thrown: unknown;
      try {
        void build(() => value).getToken(fakeRun());
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'TOKEN_INVALID' });
      if (value.trim() !== '') expect(JSON.stringify(thrown)).not.toContain(JSON.stringify(value).slice(1, -1));
    },
  );

  it('that can not be read is unavailable', () => {
    const provider = build(() => {
      throw new Error('gone');
    });
    expect(() => provider.getToken(fakeRun())).toThrow(expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }));
  });

  it('can not take the place of a framing header', () => {
    expect(() => build(() => 'x', { header: 'Content-Length' })).toThrow("can't carry");
  });
});
