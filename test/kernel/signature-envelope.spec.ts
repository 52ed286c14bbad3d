import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { unwrapSignature, wrapSignature } from '../../src/kernel/signature-envelope.ts';

const dialects = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'native'] as const;

describe('a signature that a client of another dialect carries', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...dialects), fc.constantFrom(...dialects), (value, format, dialect) => {
        const carried = wrapSignature({ value, format, encrypted: true }, dialect);
        const back = unwrapSignature(carried, dialect, true);
        expect(back).toEqual({ value: value.toWellFormed(), format, encrypted: true });
      }),
    );
  });

  it('is base64 for clients of Gemini, whose SDKs read bytes, in either alphabet', () => {
    const carried = wrapSignature({ value: 'SIG', format: 'anthropic-messages' }, 'gemini');
    expect(carried).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const bytes = Buffer.from(carried, 'base64');
    for (const again of [bytes.toString('base64'), bytes.toString('base64url')])
      expect(unwrapSignature(again, 'gemini')).toEqual({ value: 'SIG', format: 'anthropic-messages' });
  });

  it('of its own dialect is never looked at', () => {
    expect(wrapSignature({ value: 'c2x1aWNlMS5h', format: 'gemini' }, 'gemini')).toBe('c2x1aWNlMS5h');
    expect(unwrapSignature('c2x1aWNlMS5h', 'gemini')).toEqual({ value: 'c2x1aWNlMS5h', format: 'gemini' });
  });
});
