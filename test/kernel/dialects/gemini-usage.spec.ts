import { describe, expect, it } from '@jest/globals';
import { mergeUsage, type UsageFold } from '../../../src/kernel/answer.ts';
import { readUsage, writeUsage } from '../../../src/kernel/dialects/gemini-usage.ts';

type Json = Record<string, unknown>;

describe('usage that is read', () => {
  it('has thoughts in its output and the prompts of tools in its input', () => {
    const raw = {
      promptTokenCount: 10,
      toolUsePromptTokenCount: 5,
      cachedContentTokenCount: 4,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 65,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 7 },
        { modality: 'IMAGE', tokenCount: 3 },
      ],
      candidatesTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }],
    };
    expect(readUsage(raw, true)).toEqual({
      type: 'usage',
      input: { total: 15, noCache: 11, cacheRead: 4, image: 3 },
      output: { total: 50, text: 20, reasoning: 30 },
      total: 65,
      final: true,
      raw,
    });
  });

  it.each<[string, Json, Json, Json]>([
    [
      'a part that is not restated stays',
      { thoughtsTokenCount: 30 },
      { candidatesTokenCount: 5 },
      { total: 35, reasoning: 30 },
    ],
    [
      'a part that the total does not hold is 0',
      { promptTokenCount: 9, candidatesTokenCount: 15, thoughtsTokenCount: 78, totalTokenCount: 102 },
      { promptTokenCount: 87, thoughtsTokenCount: 78, totalTokenCount: 165 },
      { total: 78, reasoning: 78 },
    ],
  ])('%s', (_name, earlier, raw, output) => {
    expect(readUsage(raw, false, earlier).output).toEqual(output);
  });

  it.each([{}, { trafficType: 'ON_DEMAND' }, { promptTokenCount: -1 }, { promptTokenCount: '5' }])(
    '%j invents no count',
    (raw) => {
      expect(readUsage(raw, false)).toEqual({ type: 'usage', raw });
    },
  );
});

describe('usage that is written', () => {
  const raw = {
    promptTokenCount: 10,
    toolUsePromptTokenCount: 5,
    candidatesTokenCount: 20,
    thoughtsTokenCount: 30,
    totalTokenCount: 65,
    trafficType: 'ON_DEMAND',
  };
  const { type: _type, ...own } = readUsage(raw, true);

  it.each<[string, UsageFold, boolean, Json]>([
    ['of the provider as it was', own, true, raw],
    [
      'of the provider, changed',
      { ...own, output: { total: 60, reasoning: 30 }, total: 75 },
      true,
      { ...raw, candidatesTokenCount: 30, totalTokenCount: 75 },
    ],
    [
      'of another provider',
      { input: { total: 10, cacheRead: 4, audio: 1 }, output: { total: 20, reasoning: 5 }, raw: { prompt_tokens: 10 } },
      false,
      {
        promptTokenCount: 10,
        candidatesTokenCount: 15,
        totalTokenCount: 30,
        thoughtsTokenCount: 5,
        cachedContentTokenCount: 4,
        promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 1 }],
      },
    ],
    ['of nobody', {}, false, { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 }],
  ])('%s', (_name, usage, isOwn, expected) => {
    expect(writeUsage(usage, isOwn)).toEqual(expected);
  });

  it('after an object without counts still says those that came before', () => {
    const usage = mergeUsage(own, readUsage({ trafficType: 'ON_DEMAND' }, false));
    expect(writeUsage(usage, true)).toMatchObject({
      promptTokenCount: 15,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 65,
    });
  });
});
