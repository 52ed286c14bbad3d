import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { withoutSecrets } from '../../src/kernel/without-secrets.ts';

const sent = ['Bearer Zk9QwXn3Tb7L'];

describe('an error without the credentials that were sent', () => {
  const cause = new Error('socket');
  const cases: readonly (readonly [name: string, words: string, clean: string])[] = [
    ['the whole header', 'bad header Bearer Zk9QwXn3Tb7L!', 'bad header [redacted]!'],
    ['the bare token', 'bad key Zk9QwXn3Tb7L, again Zk9QwXn3Tb7L', 'bad key [redacted], again [redacted]'],
    ['the token, cut off', 'bad key Zk9QwXn3Tb', 'bad key [redacted]'],
    ['nothing', 'Bearer of bad news', 'Bearer of bad news'],
  ];
  it.each(cases)('that repeated %s', (_name, words, clean) => {
    const options = {
      status: 422,
      details: { reason: words },
      context: { upstreamMessage: words, upstreamStatus: 422 },
      retryAfterSeconds: 3,
      cause,
    };
    const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', options), sent);
    expect(error).toMatchObject({
      code: 'UPSTREAM_REJECTED',
      status: 422,
      retryAfterSeconds: 3,
      context: { upstreamMessage: clean, upstreamStatus: 422 },
      cause,
    });
    expect(error.message).toBe(`The model provider rejected the request: ${clean}`);
  });

  it.each([
    ['in an address', 'no such path /?key=a%2Fb%2Bc%3D%3DZk9QwXn3', 'no such path /?key=[redacted]'],
    ['as a header in an address', 'Basic%20YTpaazlRd1huMw%3D%3D', '[redacted]'],
    ['without its padding', 'user YTpaazlRd1huMw', 'user [redacted]'],
  ])('that repeated them %s', (_name, words, clean) => {
    const encoded = ['Bearer a/b+c==Zk9QwXn3', 'Basic YTpaazlRd1huMw=='];
    const error = withoutSecrets(new SluiceError('UPSTREAM_REJECTED', { details: { reason: words } }), encoded);
    expect(error.details['reason']).toBe(clean);
  });

  it('is the very error where there is nothing to hide', () => {
    const error = new SluiceError('UPSTREAM_RESET', { context: { phase: 'head' } });
    expect(withoutSecrets(error, sent)).toBe(error);
    expect(withoutSecrets(error, [])).toBe(error);
  });
});
