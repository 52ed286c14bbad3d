import { describe, expect, it } from '@jest/globals';
import { refuseKeptElsewhere } from '../../../src/kernel/dialects/kept-elsewhere.ts';
import type { Message } from '../../../src/kernel/request.ts';
import { chatRequest } from '../../support/chat-run.ts';

const reference: Message = {
  role: 'assistant',
  content: [{ kind: 'unknown', initial: { type: 'item_reference', id: 'msg_1' }, place: 'input[1]' }],
};

describe('content that a provider keeps', () => {
  it.each([
    ['openai-responses', 'previous_response_id', 'resp_1'],
    ['openai-responses', 'conversation', { id: 'conv_1' }],
    ['openai-responses', 'prompt', { id: 'pmpt_1' }],
    ['gemini', 'cachedContent', 'cachedContents/1'],
  ])('of %s is refused for others: %s', (dialect, field, value) => {
    const request = chatRequest({ dialect, ext: { [dialect]: { [field]: value } } });
    expect(() => refuseKeptElsewhere(request, 'anthropic-messages')).toThrow(`${field}: only a provider of ${dialect}`);
    expect(() => refuseKeptElsewhere(request, dialect)).not.toThrow();
  });

  it.each([[undefined], [null]])('is not there where the field is %s', (value) => {
    const request = chatRequest({ ext: { 'openai-responses': { previous_response_id: value } } });
    expect(() => refuseKeptElsewhere(request, 'gemini')).not.toThrow();
  });

  it('may be an item of the input', () => {
    const request = chatRequest({ dialect: 'openai-responses', messages: [reference] });
    expect(() => refuseKeptElsewhere(request, 'openai-chat')).toThrow(/^input\[1\]: .* store: false/);
    expect(() => refuseKeptElsewhere(request, 'openai-responses')).not.toThrow();
  });
});
