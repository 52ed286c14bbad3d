import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import type { ContentBlock } from '../../src/kernel/request.ts';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { anthropic, block, finish, say, write, type Inner, type Json } from '../support/foreign-answer.ts';

describe('what a client sends back', () => {
  const signed: ContentBlock = { kind: 'reasoning', text: 'r', signature: { value: 's', format: anthropic } };
  const redacted: ContentBlock = {
    kind: 'reasoning_redacted',
    signature: { value: 'x', format: anthropic, encrypted: true },
  };
  const summary: ContentBlock = {
    kind: 'reasoning_summary',
    text: 'sum',
    signature: { value: 'e', format: 'openai-responses', encrypted: true },
  };
  const plain: ContentBlock = { kind: 'reasoning', text: 'p' };
  const ofNext: ContentBlock = { kind: 'reasoning', signature: { value: 'g', format: 'gemini' } };
  const tool = (callId: string): ContentBlock => ({ kind: 'tool_call', name: 'f', callId, arguments: '{}' });

  function eventsOf(content: ContentBlock): readonly AnswerEvent[] {
    const { kind, text: words, signature, name, callId, arguments: json } = content;
    return block(
      kind,
      { ...(name !== undefined && { name }), ...(callId !== undefined && { callId }) },
      ...(words === undefined ? [] : [say(words)]),
      ...(json === undefined ? [] : [{ type: 'toolArgs.delta', json } as Inner]),
      ...(signature === undefined ? [] : [{ type: 'reasoning.signature', ...signature } as Inner]),
    );
  }

  function replay(message: Json): readonly ContentBlock[] {
    const { messages } = openaiChatParser.create({}, {}).parse({ messages: [message] });
    return (messages[0]?.content ?? []).map(({ ext: _ext, place: _place, ...rest }) => rest as ContentBlock);
  }

  it.each<readonly [string, readonly ContentBlock[]]>([
    ['signed reasoning and an answer', [signed, { kind: 'text', text: 'a' }]],
    ['reasoning that is redacted in part', [signed, redacted, { kind: 'text', text: 'a' }]],
    ['reasoning without proof', [plain, { kind: 'text', text: 'a' }]],
    ['reasoning of which some is proven', [plain, signed, { ...plain, text: 'q' }, { kind: 'text', text: 'a' }]],
    ['a summary, encrypted', [summary, tool('x')]],
    ['a proof on a call', [{ ...plain, signature: { value: 't', format: 'gemini' } }, ofNext, tool('x'), tool('y')]],
    ['a proof on the second of two calls, behind a text', [{ kind: 'text', text: 'a' }, tool('x'), ofNext, tool('y')]],
  ])('%s is the same again, from the stream and from the document', (_title, content) => {
    const { streamed, whole } = write([...content.flatMap(eventsOf), finish()]);
    expect(replay(streamed)).toEqual(content);
    expect(replay(whole)).toEqual(content);
  });

  it('are the same proofs with the same text, whatever came between', () => {
    const piece = fc.constantFrom(signed, redacted, summary, plain, ofNext);
    const other = fc.constantFrom<ContentBlock>({ kind: 'text', text: 'a' });
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, other), { maxLength: 8 }), (content) => {
        const { streamed, whole } = write([...content.flatMap(eventsOf), finish()]);
        expect(streamed['reasoning_details']).toEqual(whole['reasoning_details']);
        const proofsOf = (blocks: readonly ContentBlock[]): unknown =>
          blocks.filter(({ signature }) => signature !== undefined).map((one) => [one.text, one.signature]);
        expect(proofsOf(replay(streamed))).toEqual(proofsOf(content));
      }),
    );
  });
});
