import { describe, expect, it } from '@jest/globals';
import { blocksOf, call, chunk, decode, identity, ofType, signed, stop, text } from '../support/gemini-chunks.ts';

describe('citations', () => {
  const groundingMetadata = {
    groundingChunks: [
      { web: { uri: 'https://a.example', title: 'A' } },
      { retrievedContext: { text: 'words' } },
      { web: { uri: 'https://c.example', title: 'C' } },
    ],
    groundingSupports: [{ segment: { endIndex: 4, text: 'Näh' }, groundingChunkIndices: [0, 1, 9] }],
    webSearchQueries: ['q'],
  };

  it('say what is cited and where, in bytes; the whole goes with the finish', () => {
    const events = decode(chunk([text('Näher')]), chunk([], { groundingMetadata, finishReason: 'STOP' }));
    expect(ofType(events, 'annotation')).toEqual([
      {
        type: 'annotation',
        blockId: 'b0',
        dialect: 'gemini',
        annotation: {
          groundingChunk: groundingMetadata.groundingChunks[0],
          groundingSupport: groundingMetadata.groundingSupports[0],
        },
        url: 'https://a.example',
        title: 'A',
        citedText: 'Näh',
        start: 0,
        end: 4,
        unit: 'byte',
      },
      expect.objectContaining({ citedText: 'Näh', unit: 'byte' }),
      expect.objectContaining({ url: 'https://c.example', title: 'C' }),
    ]);
    expect(ofType(events, 'finish')[0]?.ext).toEqual({ gemini: { candidates: { groundingMetadata } } });
  });

  it('that are repeated are shown once', () => {
    const cited = chunk([text('x')], { groundingMetadata });
    expect(ofType(decode(cited, cited, stop), 'annotation')).toHaveLength(3);
  });

  it('stand on the text although an empty signed part ends it in the same chunk', () => {
    const events = decode(
      chunk([text('x')]),
      chunk([text('', signed('s'))], { groundingMetadata, finishReason: 'STOP' }),
    );
    expect(ofType(events, 'annotation').every(({ blockId }) => blockId === 'b0')).toBe(true);
    expect(blocksOf(events)).toEqual([
      ['text', 'x'],
      ['reasoning', '', 's'],
    ]);
  });

  it('wait for a text', () => {
    const events = decode(chunk([call('f', {})], { groundingMetadata }), chunk([text('x')]), stop);
    expect(ofType(events, 'annotation').map(({ blockId }) => blockId)).toEqual(['b1', 'b1', 'b1']);
  });

  it.each(['citationSources', 'citations'])('of recited text come as %s', (field) => {
    const source = { startIndex: 2, endIndex: 9, uri: 'https://a.example', license: 'mit' };
    const events = decode(
      chunk([text('recited')], { citationMetadata: { [field]: [source] }, finishReason: 'RECITATION' }),
    );
    expect(ofType(events, 'annotation')).toMatchObject([
      { annotation: source, url: 'https://a.example', start: 2, end: 9 },
    ]);
    expect(ofType(events, 'finish')).toMatchObject([{ reason: { unified: 'content_filter', raw: 'RECITATION' } }]);
  });
});

describe('safety', () => {
  const ratings = [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'NEGLIGIBLE' }];

  it('is told when it changes', () => {
    const rated = chunk([text('a')], { safetyRatings: ratings });
    const worse = [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true }];
    const events = decode(
      rated,
      rated,
      chunk([], { safetyRatings: worse, finishReason: 'SAFETY', finishMessage: 'no' }),
    );
    expect(ofType(events, 'safety')).toMatchObject([
      { scope: 'completion', verdicts: ratings, blocked: false },
      { scope: 'completion', verdicts: worse, blocked: true },
    ]);
    expect(ofType(events, 'finish')).toMatchObject([
      {
        reason: { unified: 'content_filter', raw: 'SAFETY' },
        ext: { gemini: { candidates: { finishMessage: 'no' } } },
      },
    ]);
  });

  it('of a prompt that is blocked ends the answer', () => {
    const promptFeedback = { blockReason: 'PROHIBITED_CONTENT', safetyRatings: ratings };
    const events = decode(
      JSON.stringify({ promptFeedback, usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 }, ...identity }),
    );
    expect(events).toMatchObject([
      { type: 'response.meta' },
      {
        type: 'safety',
        scope: 'prompt',
        blocked: true,
        reason: 'PROHIBITED_CONTENT',
        verdicts: ratings,
        ext: { gemini: { promptFeedback } },
      },
      { type: 'finish', reason: { unified: 'content_filter', raw: 'PROHIBITED_CONTENT' } },
      { type: 'usage', input: { total: 4 }, final: true },
    ]);
  });

  it('of a prompt that is not blocked is only told', () => {
    const events = decode(chunk([text('a')], {}, { promptFeedback: { safetyRatings: ratings } }), stop);
    expect(ofType(events, 'safety')).toMatchObject([{ scope: 'prompt', blocked: false }]);
    expect(ofType(events, 'finish')).toHaveLength(1);
  });
});
