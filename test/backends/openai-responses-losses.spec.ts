import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { ChatRequest, ContentBlock, Message } from '../../src/kernel/request.ts';
import { chatRequest } from '../support/chat-run.ts';
import { anthropicReasoning, assistant, inputOf, send, sent, text, user } from './openai-responses/requests.ts';

describe('what is lost is named', () => {
  const tool = { name: 'look', parameters: {} };
  it.each<readonly [string, Partial<ChatRequest>, readonly string[]]>([
    ['nothing', { settings: { stop: [], choices: 1 } }, []],
    ['stop', { settings: { stop: ['a'] } }, ['request.stop']],
    ['seed', { settings: { seed: 1 } }, ['request.seed']],
    ['top_k', { settings: { topK: 1 } }, ['request.top_k']],
    [
      'penalties',
      { settings: { presencePenalty: 1, frequencyPenalty: 1 } },
      ['request.presence_penalty', 'request.frequency_penalty'],
    ],
    ['choices', { settings: { choices: 2 } }, ['request.choices']],
    ['a budget', { settings: { reasoningBudget: 5_000 } }, ['request.reasoning_budget']],
    ['a limit that is too small', { settings: { maxOutputTokens: 1 } }, ['request.max_output_tokens']],
    [
      'a choice among no tools',
      { settings: { toolChoice: 'required', parallelToolCalls: true } },
      ['request.tool_choice', 'request.parallel_tool_calls'],
    ],
    [
      'a field of another format',
      { ext: { 'openai-chat': { logit_bias: { a: 1 }, store: null } } },
      ['request.field.logit_bias'],
    ],
    ['metadata', { metadata: { a: 1 } }, ['request.metadata']],
    ['cache marks', { tools: [{ ...tool, cache: {} }] }, ['request.cache']],
    ['tools of another provider', { tools: [{ name: 'search', providerExecuted: true }] }, ['request.server_tools']],
    ['a name', { messages: [{ ...user(text('a')), name: 'Bo' }] }, ['request.name']],
    ['reasoning', { messages: [user(text('a')), assistant(anthropicReasoning)] }, ['request.reasoning']],
    ['citations', { messages: [assistant({ ...text('a'), annotations: [{}] })] }, ['request.citations']],
    [
      'built-in tools',
      { messages: [assistant({ kind: 'server_tool_call', initial: {} }, { kind: 'server_tool_result', initial: {} })] },
      ['request.server_tools', 'request.server_tools'],
    ],
    [
      'media of the assistant',
      { messages: [assistant({ kind: 'image', url: 'https://a.example' })] },
      ['request.assistant_media'],
    ],
  ])('%s', (_title, request, lost) => {
    expect(send(chatRequest(request)).lost).toEqual(lost);
  });
});

describe('what can not be said is refused', () => {
  it.each<readonly [string, ContentBlock, string]>([
    ['a file of another provider', { kind: 'image', fileId: 'f' }, 'messages[0].content[0]'],
    ['an unknown block', { kind: 'unknown', initial: {}, place: 'contents[0].parts[0]' }, 'contents[0].parts[0]'],
    [
      'audio at an address',
      { kind: 'audio', url: 'https://a.example', mediaType: 'audio/wav' },
      'messages[0].content[0]',
    ],
    ['another kind of audio', { kind: 'audio', base64: 'AAAA', mediaType: 'audio/ogg' }, 'messages[0].content[0]'],
    ['another kind of image', { kind: 'image', base64: 'AAAA', mediaType: 'image/tiff' }, 'messages[0].content[0]'],
    ['no base64', { kind: 'image', base64: '!', mediaType: 'image/png' }, 'messages[0].content[0]'],
    ['an image of nothing', { kind: 'image' }, 'messages[0].content[0]'],
  ])('%s', (_title, block, field) => {
    expect(() => inputOf(user(block))).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ field }) }),
    );
  });

  it.each<readonly [string, Message]>([
    ['a call without a name', assistant({ kind: 'tool_call', callId: 'c' })],
    ['a call without an id', assistant({ kind: 'tool_call', name: 'look' })],
    ['a result without its call', { role: 'tool', content: [text('a')] }],
  ])('%s', (_title, message) => {
    expect(() => inputOf(message)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });
});

describe('any request', () => {
  const block = fc.record(
    {
      kind: fc.constantFrom(
        'text',
        'refusal',
        'image',
        'audio',
        'file',
        'reasoning',
        'reasoning_summary',
        'reasoning_redacted',
        'tool_call',
        'custom_tool_call',
        'server_tool_call',
        'unknown',
        'compaction',
      ),
      text: fc.string(),
      name: fc.string(),
      callId: fc.string(),
      arguments: fc.string(),
      url: fc.string(),
      base64: fc.base64String(),
      mediaType: fc.constantFrom('image/png', 'audio/wav', 'application/pdf'),
      initial: fc.jsonValue(),
      signature: fc.record({ value: fc.string(), format: fc.constantFrom('openai-responses', 'gemini') }),
      ext: fc.record({ 'openai-responses': fc.dictionary(fc.constantFrom('item', 'part', 'x'), fc.jsonValue()) }),
    },
    { requiredKeys: ['kind'] },
  );
  const message = fc.record(
    {
      role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool'),
      content: fc.array(block, { maxLength: 4 }),
      callId: fc.string(),
      isError: fc.boolean(),
      ext: fc.record({ 'openai-responses': fc.dictionary(fc.constantFrom('item', 'instructions'), fc.jsonValue()) }),
    },
    { requiredKeys: ['role', 'content'] },
  );

  it('is written, the same each time, or refused', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.constantFrom('openai-responses', 'gemini', 'native'),
        (messages, dialect) => {
          const request = chatRequest({ dialect, messages: messages as unknown as readonly Message[] });
          try {
            expect(sent(request)).toEqual(sent(request));
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError);
            expect((error as SluiceError).code).toBe('REQUEST_INVALID');
          }
        },
      ),
    );
  });
});
