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
