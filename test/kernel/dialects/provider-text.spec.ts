import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanProviderText } from '../../../src/kernel/dialects/provider-text.ts';

describe("a provider's own words", () => {
  it.each([
    [
      'Incorrect API key provided: sk-proj-abc123def456. Find yours',
      'Incorrect API key provided: [redacted] Find yours',
    ],
    ['header was Bearer abc.def-ghi', 'header was [redacted]'],
    ['key gsk_0123456789abcdef is old', 'key [redacted] is old'],
    ['AIzaSyA1234567890abcdef', '[redacted]'],
    ['eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln', '[redacted]'],
    ['api_key=0123456789abc', '[redacted]'],
    ['two\r\nlines\u0000\u001b[31m', 'two lines [31m'],
    ['a\u202eb', 'a b'],
  ])('%j', (text, clean) => {
    expect(cleanProviderText(text)).toBe(clean);
  });

  it('stay short, on one line, and well formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const clean = cleanProviderText(text);
        expect(clean.length).toBeLessThanOrEqual(500);
        expect(clean).not.toMatch(/[\u0000-\u001f\u007f]/);
        expect(clean.isWellFormed()).toBe(true);
      }),
    );
  });

  it('take no time for a hostile body', () => {
    expect(cleanProviderText('sk-'.repeat(1_000_000)).length).toBeLessThanOrEqual(500);
  });
});
