import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { unwrapSignature, wrapSignature } from '../../../src/kernel/dialects/signature-envelope.ts';

const dialects = ['anthropic-messages', 'openai-responses', 'gemini', 'ollama', 'bedrock-converse'];

describe('a proof of reasoning', () => {
  it('of the own dialect is carried as it is', () => {
    for (const dialect of dialects) {
      expect(wrapSignature({ value: 'opaque==', format: dialect }, dialect)).toBe('opaque==');
      expect(wrapSignature({ value: 'opaque==', format: `${dialect}/x` }, dialect)).toBe('opaque==');
      expect(wrapSignature({ value: 'opaque==' }, dialect)).toBe('opaque==');
      expect(unwrapSignature('opaque==', dialect)).toEqual({ value: 'opaque==', format: dialect });
    }
    expect(unwrapSignature('data', 'anthropic-messages', true)).toEqual({
      value: 'data',
      format: 'anthropic-messages',
      encrypted: true,
    });
  });

  it('of another dialect comes back as it went', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('openai-chat/x-v1', 'cohere', ...dialects),
        fc.constantFrom(...dialects),
        fc.boolean(),
        (value, format, dialect, encrypted) => {
          fc.pre(format !== dialect);
          const signature = { value, format, ...(encrypted && { encrypted }) };
          expect(unwrapSignature(wrapSignature(signature, dialect), dialect)).toEqual(signature);
        },
      ),
    );
  });

  it.each(['sluice1.', 'sluice1.gemini.x.AA', 'sluice1.a b.s.AA', 'sluice1.gemini.s.A*', 'sluice2.gemini.s.AA'])(
    '%s is no envelope',
    (text) => {
      expect(unwrapSignature(text, 'anthropic-messages')).toEqual({ value: text, format: 'anthropic-messages' });
    },
  );
});
