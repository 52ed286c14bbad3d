import { describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../src/kernel/error-table.ts';
import { breaksAnswer, SluiceError } from '../../src/kernel/errors.ts';

describe('text that is held', () => {
  it.each<[ErrorCode, boolean]>([
    ['UPSTREAM_TRUNCATED', true],
    ['UPSTREAM_RESET', true],
    ['UPSTREAM_ERROR', true],
    ['UPSTREAM_RATE_LIMITED', true],
    ['UPSTREAM_OVERLOADED', true],
    ['UPSTREAM_REJECTED', true],
    ['STREAM_TOO_LONG', true],
    ['DRAINING', true],
    ['MODIFIER_FAILED', false],
    ['MODERATION_UNAVAILABLE', false],
    ['EVENT_ORDER', false],
    ['INTERNAL', false],
    ['CLIENT_GONE', false],
    ['REQUEST_INVALID', false],
  ])('of an answer that fails with %s leaves: %s', (code, leaves) => {
    expect(breaksAnswer(new SluiceError(code))).toBe(leaves);
  });
});

describe('a failure with something said otherwise', () => {
  const cause = new Error('below');
  const failure = new SluiceError('UPSTREAM_REJECTED', {
    details: { reason: 'too long' },
    status: 422,
    context: { upstreamStatus: 422 },
    retryAfterSeconds: 7,
    cause,
  });
  const { code, details, status, context, retryAfterSeconds } = failure;

  it('is the same in all else', () => {
    expect(failure.with({})).toMatchObject({ code, details, status, context, retryAfterSeconds, cause });
    expect(failure.with({ details: { reason: 'no' } }).message).not.toBe(failure.message);
    const later = failure.with({ retryAfterSeconds: 9 });
    expect(later).toMatchObject({ code, message: failure.message, status, context, retryAfterSeconds: 9, cause });
  });

  it('has no time and no cause that nobody gave it', () => {
    const changed = new SluiceError('INTERNAL').with({ context: { reason: 'x' } });
    expect([changed.retryAfterSeconds, 'cause' in changed]).toEqual([undefined, false]);
  });
});
