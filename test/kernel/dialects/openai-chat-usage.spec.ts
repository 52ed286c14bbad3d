import { describe, expect, it } from '@jest/globals';
import { readUsage, writeUsage } from '../../../src/kernel/dialects/openai-chat-usage.ts';

describe('output tokens', () => {
  const usage = (completion: number, total: number, reasoning: number): Record<string, unknown> => ({
    prompt_tokens: 12,
    completion_tokens: completion,
    total_tokens: total,
    completion_tokens_details: { reasoning_tokens: reasoning },
  });

  it.each([
    ['include reasoning', usage(342, 354, 340), 342],
    ['have it added where the sum of the provider holds only with it', usage(2, 354, 340), 342],
    ['stay as they are where no sum holds', usage(2, 20, 340), 2],
    ['stay as they are without reasoning', usage(2, 14, 0), 2],
    ['stay as they are without a sum', { prompt_tokens: 12, completion_tokens: 2 }, 2],
  ])('%s', (_title, raw, total) => {
    expect(readUsage(raw, true).output?.total).toBe(total);
    expect(writeUsage(readUsage(raw, true), false)).toMatchObject({ prompt_tokens: 12, completion_tokens: total });
  });

  it('are for clients of the format what the provider said', () => {
    const raw = usage(2, 354, 340);
    expect(writeUsage(readUsage(raw, true), true)).toEqual(raw);
    expect(writeUsage({ ...readUsage(raw, true), output: { total: 9 } }, true)).toEqual({
      ...raw,
      completion_tokens: 9,
    });
  });
});
