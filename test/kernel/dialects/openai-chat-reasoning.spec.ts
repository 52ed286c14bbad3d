import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  isProofOfChat,
  readProofFormat,
  readReasoningDetails,
  writeProofFormat,
  writeReasoningDetail,
  type ReasoningEntry,
} from '../../../src/kernel/dialects/openai-chat-reasoning.ts';

describe('the format of a proof', () => {
  it.each([
    ['anthropic-messages', 'anthropic-messages', false],
    ['gemini', 'gemini', false],
    ['anthropic-claude-v1', 'openai-chat/anthropic-claude-v1', true],
    [undefined, 'openai-chat', true],
    ['not a word', 'openai-chat', true],
  ] as const)('%s in an entry is %s', (word, format, isOfChat) => {
    expect(readProofFormat(word)).toBe(format);
    expect(isProofOfChat(format)).toBe(isOfChat);
    expect(writeProofFormat(format)).toBe(word === 'not a word' ? undefined : word);
  });

  it("is nobody's where there is no proof", () => {
    expect(isProofOfChat(undefined)).toBe(false);
  });
});

describe('an entry', () => {
  const gemini = { value: 'g', format: 'gemini' };
  it.each<readonly [ReasoningEntry, number | undefined, object]>([
    [{ kind: 'reasoning', text: 'r' }, 0, { type: 'reasoning.text', text: 'r', index: 0 }],
    [
      { kind: 'reasoning_summary', text: 's', signature: { value: 'e', format: 'openai-responses', encrypted: true } },
      1,
      { type: 'reasoning.summary', summary: 's', data: 'e', format: 'openai-responses', index: 1 },
    ],
    [
      { signature: { value: 'x', format: 'openai-chat', encrypted: true } },
      undefined,
      { type: 'reasoning.encrypted', data: 'x' },
    ],
    [
      { signature: gemini, callId: 'c' },
      2,
      { type: 'reasoning.text', signature: 'g', format: 'gemini', id: 'c', index: 2 },
    ],
  ])('of %j is number %j', (block, index, detail) => {
    expect(writeReasoningDetail(block, index)).toEqual(detail);
  });

  it.each<readonly [unknown, unknown]>([
    [undefined, []],
    ['text', []],
    [[null, 1, {}, { text: '' }], []],
    [
      [{ type: 'reasoning.text', text: 'r', id: 'c' }],
      [{ block: { kind: 'reasoning', text: 'r' }, callId: undefined }],
    ],
    [[{ type: 'reasoning.summary', summary: 's' }], [{ block: { kind: 'reasoning_summary', text: 's' } }]],
    [
      [{ type: 'reasoning.encrypted', data: 'd' }],
      [{ block: { kind: 'reasoning_redacted', signature: { value: 'd', format: 'openai-chat', encrypted: true } } }],
    ],
    [
      [{ signature: 'g', format: 'gemini', id: 'c' }],
      [{ block: { kind: 'reasoning', signature: { value: 'g', format: 'gemini' } }, callId: 'c' }],
    ],
  ])('%j is read as %j', (details, blocks) => {
    expect(readReasoningDetails(details)).toEqual(blocks);
  });

  it('is read as the block that it was written for', () => {
    const filled = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(
        fc.constantFrom('reasoning', 'reasoning_summary'),
        filled,
        fc.option(fc.record({ value: filled, format: fc.constantFrom('gemini', 'openai-chat', 'openai-chat/x') }), {
          nil: undefined,
        }),
        (kind, text, signature) => {
          const block = { kind, text, ...(signature && { signature }) };
          expect(readReasoningDetails([writeReasoningDetail(block, 0)])).toEqual([{ block, callId: undefined }]);
        },
      ),
    );
  });
});
