import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tokenFailureOf, tokenInvalid, tokenUnavailable, wordOf } from '../../../src/kernel/tokens/token-failure.ts';
import { canariesOfLetters } from '../../support/canary.ts';

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
    'login_required',
    'use_dpop_nonce',
    'insufficient_user_authentication',
    'interaction_required',
    'admin_policy_enforced',
    'PERMISSION_DENIED',
    'SignatureDoesNotMatch',
    'NoCredentialsAssociated',
    'bad_refresh_token',
  ])('shows the code %j', (word) => {
    expect(wordOf(word, 'else')).toBe(word);
  });

  it.each([
    ...canariesOfLetters,
    'urn:ietf:params:oauth:error',
    'a',
    'Invalid_Client',
    'invalid_client.x',
    'toString',
    'constructor',
    'x'.repeat(64),
  ])('does not repeat %j, which nobody knows', (word) => {
    expect(wordOf(word, 'else')).toBe('another error');
  });

  it('shows no word that is not in the list, of whatever letters', () => {
    const letters = fc.stringMatching(
      /^[a-z]{4,12}(?:_[a-z]{4,12}){2,3}$|^[A-Za-z]{25,40}$|^[A-Z]{6,12}_[A-Z]{12,20}$/,
    );
    fc.assert(
      fc.property(letters, (secret) => {
        expect(wordOf(secret, 'else')).not.toContain(secret);
      }),
    );
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

describe('what a token provider threw', () => {
  it.each([
    [new TypeError('sk-1'), 'it threw TypeError'],
    [Object.assign(new Error('sk-1'), { name: 'OperationProcessingError' }), 'it threw OperationProcessingError'],
    [Object.assign(new Error('sk-1'), { name: 'ThrottlingException' }), 'it threw object'],
    ...canariesOfLetters.map((name) => [Object.assign(new Error(name), { name }), 'it threw object'] as const),
    ...canariesOfLetters.map((name) => [{ name }, 'it threw object'] as const),
    [canariesOfLetters[0], 'it threw string'],
  ])('%#. is told without its words', (thrown, reason) => {
    expect(tokenFailureOf(thrown)).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason } });
  });
});
