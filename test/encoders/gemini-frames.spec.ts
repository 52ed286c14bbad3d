import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GeminiStreamDecoder } from '../../src/backends/gemini/stream-decoder.ts';
import type { AnswerEvent, TextTemplate } from '../../src/kernel/event.ts';
import { escapeJsonText } from '../../src/kernel/json/json-text.ts';
import {
  block,
  candidatesOf,
  end,
  meta,
  openStream,
  own,
  partsOf,
  readChunks,
  say,
  sign,
  type Json,
} from '../support/gemini-stream.ts';

describe('the fast way', () => {
  const template: TextTemplate = { dialect: 'gemini', before: 'data: {"x":"', after: '"}\n\n' };
  /** What JSON escapes, what has several bytes, and half a character. */
  const texts = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'é', '😀', '\ud83d', '\ufffd', '~text~') });

  it('is the same as the slow one', () => {
    fc.assert(
      fc.property(texts, fc.boolean(), fc.boolean(), (text, isOwn, isSigned) => {
        const streams = [openStream(), openStream()] as const;
        const signed = isSigned ? [block('r', 'reasoning'), sign('r', 'S', 'gemini'), end('r')] : [];
        for (const stream of streams)
          for (const event of [isOwn ? own : meta, ...signed, block('a')]) stream.encode(event);
        const slow = streams[0].encode({ ...say('a', text), template } as AnswerEvent);
        expect(streams[1].encodeText('a', template, escapeJsonText(text))).toBe(slow);
        expect(streams[1].end()).toBe(streams[0].end());
      }),
    );
  });

  it('uses the frame of the provider, but only of the one whose answer it is', () => {
    const stream = openStream();
    for (const event of [own, block('a')]) stream.encode(event);
    expect(stream.encodeText('a', template, 'y')).toBe('data: {"x":"y"}\n\n');
    stream.encode(say('a', 'z'));
    stream.encode({ ...own, responseId: 'g2' } as AnswerEvent);
    expect(readChunks(stream.encodeText('a', template, 'y'))).toMatchObject([{ responseId: 'g1' }]);
    expect(stream.encodeText('nobody', template, 'y')).toBe('');
    expect(stream.accepts?.('a', template)).toBe(false);
  });

  it('lets bytes pass only where it would write them itself', () => {
    const stream = openStream();
    for (const event of [own, block('a'), say('a', 'x')]) stream.encode(event);
    expect(stream.accepts?.('a', template)).toBe(true);
    expect(stream.accepts?.('a', { ...template, dialect: 'openai-chat' })).toBe(false);
    expect(stream.accepts?.('nobody', template)).toBe(false);
    for (const event of [block('r', 'reasoning'), sign('r', 'S', 'gemini'), end('r')]) stream.encode(event);
    expect(stream.accepts?.('a', template)).toBe(false);
  });
});

describe('frames of the provider', () => {
  const identity = { modelVersion: 'gemini-x', responseId: 'g1' };
  const chunk = (partsOfChunk: readonly Json[], further: Json = {}, ofChunk: Json = {}): Json => ({
    candidates: [{ content: { parts: partsOfChunk, role: 'model' }, index: 0, ...further }],
    ...ofChunk,
    ...identity,
  });
  const answer = [
    chunk([{ text: 'Let me', thought: true }], {}, { usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 } }),
    chunk([{ text: ' see', thought: true, thoughtSignature: 'T1' }]),
    chunk([{ text: 'Hel' }], {}, { createTime: '2026-01-01T00:00:00Z' }),
    chunk([{ text: 'lo' }], { safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'LOW' }] }),
    chunk([{ text: '', thoughtSignature: 'T2' }]),
    chunk([
      { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'T3' },
      { functionCall: { name: 'g', args: {}, id: 'x' } },
    ]),
    chunk([{ functionCall: { name: 'h', willContinue: true } }]),
    chunk([{ functionCall: { partialArgs: [{ jsonPath: '$.q', stringValue: 'v' }], willContinue: true } }]),
    chunk([{ functionCall: {} }]),
    chunk([
      { inlineData: { mimeType: 'image/png', data: 'AAEC' } },
      { executableCode: { language: 'PYTHON', code: '1' } },
    ]),
    chunk(
      [{ text: ' end' }],
      { finishReason: 'STOP', groundingMetadata: { webSearchQueries: ['q'] } },
      { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 } },
    ),
  ];

  /** What a client makes of the chunks: text joined, streamed calls put together. */
  function collect(chunks: readonly Json[]): Json {
    const seen: Json = { text: '', thought: '', proofs: [], calls: [], others: [], reasons: [] };
    for (const part of chunks) {
      if (part['usageMetadata'] !== undefined) seen['usage'] = part['usageMetadata'];
      for (const candidate of candidatesOf(part)) {
        if (candidate['finishReason'] !== undefined) (seen['reasons'] as unknown[]).push(candidate['finishReason']);
        if (candidate['groundingMetadata'] !== undefined) seen['grounding'] = candidate['groundingMetadata'];
        if (candidate['safetyRatings'] !== undefined) seen['ratings'] = candidate['safetyRatings'];
        for (const { text, thought, thoughtSignature, functionCall, ...others } of partsOf(candidate)) {
          const field = thought === true ? 'thought' : 'text';
          if (typeof text === 'string') seen[field] = `${String(seen[field])}${text}`;
          if (thoughtSignature !== undefined) (seen['proofs'] as unknown[]).push(thoughtSignature);
          if (functionCall !== undefined) addCall(seen['calls'] as Json[], functionCall as Json);
          if (Object.keys(others).length > 0) (seen['others'] as unknown[]).push(others);
        }
      }
    }
    return seen;
  }

  function addCall(calls: Json[], { name, id, args: whole, partialArgs = [] }: Json): void {
    if (name !== undefined) calls.push({ name, id, args: { ...(whole as Json | undefined) } });
    const values = calls.at(-1)?.['args'] as Json | undefined;
    for (const { stringValue } of partialArgs as Json[]) if (values !== undefined) values['q'] = stringValue;
  }

  /** Frames whose place is in `slow` are decoded and written anew, the others are offered as they are. */
  function pass(
    chunks: readonly Json[],
    slow: ReadonlySet<number>,
  ): { readonly bytes: string; readonly copied: number } {
    const decoder = new GeminiStreamDecoder();
    const stream = openStream();
    let bytes = '';
    let copied = 0;
    for (const [index, document] of chunks.entries()) {
      const data = JSON.stringify(document);
      const frame = decoder.frame('', data);
      const isCopied = !slow.has(index) && stream.copies(frame);
      if (isCopied) copied += 1;
      bytes += isCopied ? `data: ${data}\n\n` : frame.events.map((event) => stream.encode(event)).join('');
    }
    return {
      bytes:
        bytes +
        decoder
          .end()
          .map((event) => stream.encode(event))
          .join('') +
        stream.end(),
      copied,
    };
  }

  it('go out as they are, and nothing behind them', () => {
    const { bytes, copied } = pass(answer, new Set());
    expect(copied).toBe(answer.length);
    expect(readChunks(bytes)).toEqual(answer);
  });

  it('say the same in every mixture of the two ways', () => {
    const expected = collect(answer);
    // A call that began in frames of the provider goes on in them.
    const places = fc.subarray(answer.map((_chunk, index) => index).filter((index) => index !== 7));
    fc.assert(
      fc.property(places, (slow) => {
        const { bytes } = pass(answer, new Set(slow));
        expect(collect(readChunks(bytes))).toEqual(expected);
      }),
    );
  });

  it('of another answer are written anew', () => {
    const other = answer.map((document) => ({ ...document, responseId: 'g2' }));
    const decoder = new GeminiStreamDecoder();
    const stream = openStream();
    stream.encode(own);
    stream.encode(block('z'));
    stream.encode(say('z', 'x'));
    expect(stream.copies(decoder.frame('', JSON.stringify(other[0])))).toBe(false);
  });
});
