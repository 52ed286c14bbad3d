import { describe, expect, it } from '@jest/globals';
import type { ChatRequest, ContentBlock } from '../../src/kernel/request.ts';
import { estimateTokens } from '../../src/kernel/token-estimate.ts';

const request = (content: readonly ContentBlock[], tools: ChatRequest['tools'] = []): ChatRequest => ({
  dialect: 'native',
  stream: true,
  settings: {},
  tools,
  metadata: {},
  params: {},
  messages: [{ role: 'user', content }],
});

describe('the estimate of tokens', () => {
  it.each<[string, ChatRequest, number]>([
    ['nothing', { ...request([]), messages: [] }, 0],
    ['a message without content', request([]), 4],
    ['letters, four to a token', request([{ kind: 'text', text: 'a'.repeat(400) }]), 104],
    ['Chinese, one to a token', request([{ kind: 'text', text: '\u4f60\u597d\u4e16\u754c' }]), 8],
    ['a tool call', request([{ kind: 'tool_call', name: 'find', arguments: '{"a":12}' }]), 7],
    ['an image, whatever its bytes', request([{ kind: 'image', base64: 'A'.repeat(100_000) }]), 1_004],
    [
      'the definition of a tool',
      request([], [{ name: 'find', description: 'abcdefgh', parameters: { type: 'object' } }]),
      12,
    ],
  ])('of %s', (_what, given, tokens) => {
    expect(estimateTokens(given)).toBe(tokens);
    expect(estimateTokens(given)).toBe(tokens);
  });
});
