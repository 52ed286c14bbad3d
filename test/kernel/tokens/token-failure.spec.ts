import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tokenInvalid, tokenUnavailable, wordOf } from '../../../src/kernel/tokens/token-failure.ts';

describe('a failure of a token provider', () => {
  it('is retryable where no token came, and says why to the log only', () => {
    const failure = tokenUnavailable('invalid_client', { retryAfterSeconds: 7, context: { status: 503 } });
    expect(failure).toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      status: 503,
      retryable: true,
      retryAfterSeconds: 7,
      context: { status: 503, reason: 'invalid_client' },
    });
    expect(failure.message).not.toContain('invalid_client');
  });

  it('may be another one next time where what came is none', () => {
    expect(tokenInvalid('the token is empty')).toMatchObject({
      code: 'TOKEN_INVALID',
      retryable: true,
      context: { reason: 'the token is empty' },
    });
  });

  it.each([
    'invalid_client',
    'unsupported_grant_type',
    'ExpiredTokenException',
    'UNAUTHENTICATED',
    'slow_down',
    'urn:ietf:params:oauth:error',
    'a',
  ])('shows the code %j', (word) => {
    expect(wordOf(word, 'else')).toBe(word);
  });

  it.each([
    ['a sentence, which may repeat a secret'],
    ['sk-4711abc'],
    ['9f86d081884c7d65'],
    ['two\nlines'],
    ['a__b'],
    ['_a'],
    ['a.'],
    [''],
    ['x'.repeat(65)],
    [42],
    [null],
    [undefined],
    [{ code: 'invalid_client' }],
    [['invalid_client']],
  ])('shows no %j', (value) => {
    expect(wordOf(value, 'else')).toBe('else');
  });

  it('shows no text with a digit, a blank or a control character in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[\d\s\x00-\x1f]$/), fc.string(), (before, odd, after) => {
        expect(wordOf(before + odd + after, 'else')).toBe('else');
      }),
    );
  });
});
