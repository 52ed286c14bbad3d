import { describe, expect, it } from '@jest/globals';
import { mergeUsage } from '../../../src/kernel/answer.ts';
import { readUsage, writeUsage } from '../../../src/kernel/dialects/anthropic-messages-usage.ts';

const first = { input_tokens: 18, cache_read_input_tokens: 2, output_tokens: 1, service_tier: 'standard' };
const { raw: _withheld, ...last } = readUsage(
  { input_tokens: 20, cache_read_input_tokens: null, output_tokens: 5 },
  true,
);

describe('the usage of the own provider', () => {
  it('is its own object, with further fields', () => {
    expect(writeUsage(readUsage(first, false), true)).toEqual({ ...first, cache_creation_input_tokens: 0 });
  });

  it('says what was restated, though the object that said so was withheld', () => {
    expect(writeUsage(mergeUsage(readUsage(first, false), last), true)).toEqual({
      ...first,
      cache_creation_input_tokens: 0,
      input_tokens: 20,
      output_tokens: 5,
    });
  });

  it('says the parts of what was restated too', () => {
    const { raw: _words, ...later } = readUsage(
      {
        output_tokens: 90,
        output_tokens_details: { thinking_tokens: 67 },
        server_tool_use: { web_search_requests: 2 },
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 0 },
      },
      true,
    );
    const earlier = readUsage(
      { ...first, cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 } },
      false,
    );
    expect(writeUsage(mergeUsage(earlier, later), true)).toMatchObject({
      service_tier: 'standard',
      output_tokens: 90,
      output_tokens_details: { thinking_tokens: 67 },
      server_tool_use: { web_search_requests: 2 },
      cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 0 },
    });
  });
});
