import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeGeminiBody } from '../../src/backends/gemini/decode-body.ts';
import { GeminiStreamDecoder } from '../../src/backends/gemini/stream-decoder.ts';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  call,
  chunk,
  decode,
  failure,
  fold,
  identity,
  ofType,
  signed,
  stop,
  text,
  thought,
} from '../support/gemini-chunks.ts';

type Json = Record<string, unknown>;

describe('the end', () => {
  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['SPII', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'error'],
    ['UNEXPECTED_TOOL_CALL', 'error'],
    ['OTHER', 'error'],
    ['SOMETHING_NEW', 'stop'],
  ])('%s is %s', (word, unified) => {
    expect(ofType(decode(chunk([text('a')], { finishReason: word })), 'finish')).toMatchObject([
      { reason: { unified, raw: word } },
    ]);
  });

  it('a clean end of the connection adds nothing that the provider did not say', () => {
    const decoder = new GeminiStreamDecoder();
    for (const frame of [chunk([text('a')]), stop]) decoder.frame('', frame);
    expect(decoder.terminated).toBe(false);
    expect(decoder.end()).toEqual([]);
  });

  it('usage may come after the reason', () => {
    const late = JSON.stringify({
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
      ...identity,
    });
    expect(decode(chunk([text('a')]), stop, late).at(-1)).toMatchObject({
      type: 'usage',
      output: { total: 2 },
      final: true,
    });
  });

  it('content after the reason is still ended', () => {
    const events = decode(stop, chunk([text('late')]));
    expect(events.at(-1)).toEqual({ type: 'block.end', blockId: 'b0', synthetic: true });
  });

  it.each<[string, readonly string[]]>([
    ['nothing', []],
    ['no reason', [chunk([text('a')])]],
    ['only usage', ['{"usageMetadata":{"promptTokenCount":1}}']],
    [
      'one of two candidates',
      ['{"candidates":[{"index":0,"finishReason":"STOP"},{"index":1,"content":{"parts":[{"text":"b"}]}}]}'],
    ],
  ])('%s is a truncated answer', (_name, frames) => {
    expect(failure(...frames).code).toBe('UPSTREAM_TRUNCATED');
  });

  it('every cut of a stream is an error until the reason is there', () => {
    const frames = [chunk([thought('t')]), chunk([text('a')]), chunk([text('b')]), stop];
    for (const [count] of frames.entries()) expect(failure(...frames.slice(0, count)).code).toBe('UPSTREAM_TRUNCATED');
    expect(() => decode(...frames)).not.toThrow();
  });
});

describe('what is not known', () => {
  it('stays with the event next to which it stood', () => {
    const events = decode(
      chunk(
        [text('a', { partMetadata: { p: 1 } })],
        { avgLogprobs: -1, content: { parts: [text('a', { partMetadata: { p: 1 } })], role: 'model', mood: 'x' } },
        { modelStatus: 's' },
      ),
      chunk([text('b')], { finishReason: 'STOP', tokenCount: 3 }, { modelStatus: 's' }),
    );
    expect(events.flatMap(({ type, ext }) => (ext === undefined ? [] : [[type, ext['gemini']]]))).toEqual([
      ['response.meta', { modelStatus: 's' }],
      ['block.start', { candidates: { avgLogprobs: -1, content: { mood: 'x', parts: { partMetadata: { p: 1 } } } } }],
      ['finish', { candidates: { tokenCount: 3 } }],
    ]);
  });

  it('and has no event next to it goes to clients of the format', () => {
    const events = decode(chunk([text('a')]), chunk([], { avgLogprobs: -1 }), '{"hello":1}', stop);
    expect(ofType(events, 'raw').map(({ data }) => JSON.parse(data) as Json)).toEqual([
      { candidates: [{ index: 0, avgLogprobs: -1 }], ...identity },
      { hello: 1 },
    ]);
  });

  it('an id that changes is kept beside the first', () => {
    const events = decode(chunk([text('a')]), chunk([text('b')], {}, { responseId: 'r-2' }), stop);
    expect(ofType(events, 'response.meta')).toHaveLength(1);
    expect(events[3]).toMatchObject({ type: 'text.delta', ext: { gemini: { responseId: 'r-2' } } });
  });
});

describe('a frame that may be passed on unread', () => {
  const second = (data: string): boolean => {
    const decoder = new GeminiStreamDecoder();
    decoder.frame('', chunk([text('a')]));
    return decoder.frame('', data).transparent;
  };
  it.each<[string, string, boolean]>([
    ['text', chunk([text('b')]), true],
    ['a thought with its signature', chunk([thought('b', signed('s'))]), true],
    ['a call', chunk([call('f', { a: 'b' })]), true],
    [
      'usage in known words',
      chunk(
        [text('b')],
        {},
        {
          usageMetadata: {
            promptTokenCount: 1,
            trafficType: 'ON_DEMAND',
            promptTokensDetails: [{ modality: 'TEXT', tokenCount: 1 }],
          },
        },
      ),
      true,
    ],
    [
      'ratings in known words',
      chunk([text('b')], { safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'LOW' }] }),
      true,
    ],
    ['usage in other words', chunk([text('b')], {}, { usageMetadata: { trafficType: 'secret' } }), false],
    ['an unknown field', chunk([text('b')], {}, { note: 'secret' }), false],
    ['an unknown field of the part', chunk([text('b', { note: 'secret' })]), false],
    ['a message beside the reason', chunk([text('b')], { finishMessage: 'secret' }), false],
    ['sources', chunk([text('b')], { groundingMetadata: { webSearchQueries: ['secret'] } }), false],
    ['another id', chunk([text('b')], {}, { responseId: 'secret' }), false],
    ['code', chunk([{ executableCode: { code: 'secret' } }]), false],
    ['pieces of arguments', chunk([{ functionCall: { name: 'f', partialArgs: [] } }]), false],
    ['a text that a second one hides', chunk([text('b')]).replace('"text":"b"', '"text":"secret","text":"b"'), false],
  ])('%s: %#', (_name, data, expected) => {
    expect(second(data)).toBe(expected);
  });
});

describe('a document', () => {
  const document = {
    candidates: [{ content: { parts: [thought('t'), text('a')], role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, thoughtsTokenCount: 3, totalTokenCount: 6 },
    ...identity,
  };

  it('is a stream of one chunk', () => {
    expect(decodeGeminiBody(JSON.stringify(document))).toEqual(decode(JSON.stringify(document)));
  });

  it('without a reason is given one', () => {
    const events = decodeGeminiBody('{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}');
    expect(events.at(-1)).toEqual({ type: 'finish', reason: { unified: 'tool_calls' }, synthetic: true });
  });

  it.each([
    ['', 'UPSTREAM_BAD_CONTENT'],
    ['[]', 'UPSTREAM_BAD_CONTENT'],
    ['{}', 'UPSTREAM_BAD_CONTENT'],
    ['{"candidates":[]}', 'UPSTREAM_BAD_CONTENT'],
    ['{"candidates":[1]}', 'UPSTREAM_BAD_CONTENT'],
    ['{"candidates":[],"usageMetadata":{"promptTokenCount":1}}', 'UPSTREAM_TRUNCATED'],
    ['{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}', 'UPSTREAM_OVERLOADED'],
  ])('%s is %s', (body, code) => {
    expect(() => decodeGeminiBody(body)).toThrow(expect.objectContaining({ code }));
  });

  it('whose prompt was blocked has a reason', () => {
    const events = decodeGeminiBody('{"promptFeedback":{"blockReason":"OTHER"}}');
    expect(ofType(events, 'finish')).toMatchObject([{ reason: { unified: 'content_filter', raw: 'OTHER' } }]);
    expect(fold(events).safety).toHaveLength(1);
  });
});

describe('the bytes', () => {
  const frames = [
    chunk([thought('Nachdenken …')]),
    chunk([text('Grüße 😀', signed('s'))]),
    chunk([
      {
        functionCall: {
          name: 'f',
          willContinue: true,
          partialArgs: [{ jsonPath: '$.a', stringValue: 'ü', willContinue: true }],
        },
      },
    ]),
    stop,
  ];
  const bytes = Buffer.from(frames.map((data) => `data: ${data}\r\n\r\n`).join('')).toString('latin1');

  it('with CRLF are cut anywhere', () => {
    const whole = decode(...frames);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const decoder = new GeminiStreamDecoder();
        const events: AnswerEvent[] = [];
        const framing = new SseFraming(
          {
            lane: undefined,
            frame: (event, data) => void events.push(...decoder.frame(event, data).events),
            textFrame: () => false,
          },
          1_000_000,
        );
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          framing.push(bytes.slice(from, cut));
          from = cut;
        }
        framing.end();
        expect([...events, ...decoder.end()]).toEqual(whole);
      }),
    );
  });
});

describe('hostile frames', () => {
  const seeds = [
    chunk(
      [thought('a', signed('s')), text('b'), call('f', { a: [1, { b: 'c' }] })],
      {
        finishReason: 'STOP',
        safetyRatings: [{ category: 'x' }],
        groundingMetadata: {
          groundingChunks: [{ web: { uri: 'u' } }],
          groundingSupports: [{ segment: { startIndex: 1, endIndex: 2 }, groundingChunkIndices: [0] }],
        },
      },
      {
        usageMetadata: { promptTokenCount: 1, promptTokensDetails: [{ modality: 'TEXT' }] },
        createTime: '2026-01-01T00:00:00Z',
      },
    ),
    chunk([
      {
        functionCall: {
          name: 'f',
          willContinue: true,
          partialArgs: [{ jsonPath: '$.a[0].b', stringValue: 'x', willContinue: true }],
        },
      },
    ]),
    chunk(
      [
        { inlineData: { mimeType: 'image/png', data: 'AA' } },
        { executableCode: { code: 'x' } },
        { toolCall: { toolType: 't' } },
        { toolResponse: {} },
        { codeExecutionResult: {} },
      ],
      {
        logprobsResult: { chosenCandidates: [{}], topCandidates: [{ candidates: [{}] }] },
        citationMetadata: { citations: [{}] },
      },
    ),
    JSON.stringify({ promptFeedback: { blockReason: 'SAFETY', safetyRatings: [{}] } }),
    JSON.stringify({
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'm', details: [{ retryDelay: '3s' }] },
    }),
  ];
  const odd = fc.constantFrom<unknown>(null, 0, -1, 1e300, '', 'x', true, [], {}, [null], [[]], { a: null });

  it('throw nothing but errors of ours, and keep the order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(seeds.length - 1), fc.nat(60), odd), { maxLength: 8 }), (mutations) => {
        const frames = mutations.map(([seed, at, value]) =>
          JSON.stringify(replaceAt(JSON.parse(seeds[seed] ?? '{}'), at, value)),
        );
        try {
          decode(...frames);
        } catch (error) {
          expect((error as Error).name).toBe('SluiceError');
          expect(error).not.toMatchObject({ code: 'EVENT_ORDER' });
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['too deep', `{"candidates":${'['.repeat(500)}${']'.repeat(500)}}`],
    ['candidates that are none', '{"candidates":{"a":1}}'],
    ['a candidate that is none', '{"candidates":[1]}'],
    ['blocks without end', chunk(Array.from({ length: 5_000 }, () => call('f', {})))],
    [
      'candidates without end',
      JSON.stringify({ candidates: Array.from({ length: 200 }, (_item, index) => ({ index })) }),
    ],
  ])('%s is a bad frame', (_name, data) => {
    expect(failure(data).code).toBe('UPSTREAM_BAD_FRAME');
  });
});

/** Puts a value in the place of the n-th one of a document. */
function replaceAt(document: unknown, at: number, value: unknown): unknown {
  let count = at;
  const walk = (node: unknown): unknown => {
    if (count-- === 0) return value;
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(document);
}
