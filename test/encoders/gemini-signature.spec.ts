import { describe, expect, it } from '@jest/globals';
import { unwrapSignature, wrapSignature } from '../../src/kernel/dialects/signature-envelope.ts';

describe('a foreign proof at a client of Gemini', () => {
  it('is base64, because SDKs read bytes there, and comes back in either alphabet', () => {
    const carried = wrapSignature({ value: 'SIG', format: 'anthropic-messages' }, 'gemini');
    expect(carried).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const bytes = Buffer.from(carried, 'base64');
    for (const again of [bytes.toString('base64'), bytes.toString('base64url')])
      expect(unwrapSignature(again, 'gemini')).toEqual({ value: 'SIG', format: 'anthropic-messages' });
  });

  it('an own proof that begins like one is never looked at', () => {
    expect(wrapSignature({ value: 'c2x1aWNlMS5h', format: 'gemini' }, 'gemini')).toBe('c2x1aWNlMS5h');
    expect(unwrapSignature('c2x1aWNlMS5h', 'gemini')).toEqual({ value: 'c2x1aWNlMS5h', format: 'gemini' });
  });
});
