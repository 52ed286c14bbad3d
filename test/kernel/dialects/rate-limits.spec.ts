import { describe, expect, it } from '@jest/globals';
import { readRateLimits, writeAnthropicRateLimits, writeRateLimits } from '../../../src/kernel/dialects/rate-limits.ts';

const now = Date.UTC(2026, 0, 1, 12, 0, 0);
const openAi = {
  'x-ratelimit-limit-requests': '60',
  'x-ratelimit-remaining-requests': '59',
  'x-ratelimit-reset-requests': '6m0s',
  'x-ratelimit-remaining-tokens': '149984',
  'x-ratelimit-reset-tokens': '20ms',
};
const anthropic = {
  'anthropic-ratelimit-requests-limit': '60',
  'anthropic-ratelimit-requests-remaining': '59',
  'anthropic-ratelimit-requests-reset': '2026-01-01T12:06:00Z',
};

describe('the limits of a provider', () => {
  it('are read in the form of OpenAI', () => {
    expect(readRateLimits(openAi, now)).toEqual({
      requests: { limit: 60, remaining: 59, resetSeconds: 360 },
      tokens: { remaining: 149_984, resetSeconds: 0.02 },
    });
  });

  it('are read in the form of Anthropic', () => {
    expect(readRateLimits(anthropic, now)).toEqual({ requests: { limit: 60, remaining: 59, resetSeconds: 360 } });
  });

  it('are written in each form', () => {
    const limits = readRateLimits(anthropic, now) ?? {};
    expect(writeRateLimits(limits)).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '360s',
    });
    expect(writeAnthropicRateLimits(limits, now)).toEqual(anthropic);
  });

  it.each([
    [{}],
    [{ 'x-ratelimit-limit-requests': 'many' }],
    [{ 'x-ratelimit-reset-requests': 'soon' }],
    [{ 'x-ratelimit-limit-requests\r\nx: ': '1' }],
    [{ 'anthropic-ratelimit-requests-reset': '2026-99-99T' }],
  ] as const)('%j says nothing', (headers) => {
    expect(readRateLimits(headers, now)).toBeUndefined();
  });

  it('are no more than there can be', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`x-ratelimit-limit-${'a'.repeat(index + 1)}`, '1']),
    );
    expect(Object.keys(readRateLimits(many, now) ?? {})).toHaveLength(8);
  });
});
