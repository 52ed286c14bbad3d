import { describe, expect, it } from '@jest/globals';
import { loseCacheMarks, loseForeignFields } from '../../src/kernel/foreign-fields.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { ollamaParser } from '../../src/parsers/ollama.ts';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { chatRequest } from '../support/chat-run.ts';
import { testRun } from '../support/test-run.ts';

type Json = Record<string, unknown>;

const messages = [{ role: 'user', content: 'Hi' }];
const openai = (fields: Json): ChatRequest => openaiChatParser.create({}, {}).parse({ messages, ...fields });
const ollama = (fields: Json): ChatRequest => ollamaParser.create({}, {}).parse({ messages, ...fields });

function lostOf(request: ChatRequest, dialect = 'gemini'): readonly string[] {
  const { run, lost } = testRun();
  loseForeignFields(request, dialect, run);
  return lost;
}

describe('fields of another format', () => {
  it.each<readonly [string, ChatRequest, readonly string[]]>([
    [
      'that have no unified name',
      openai({ logit_bias: { 5: 1 }, store: true }),
      ['request.logit_bias', 'request.store'],
    ],
    ['of Ollama', ollama({ keep_alive: '5m', options: { num_ctx: 1 } }), ['request.options', 'request.keep_alive']],
    ['beside settings that are sent', ollama({ options: { stop: 'x', num_ctx: 1 } }), ['request.options']],
    [
      'beside the usage of a stream',
      openai({ stream_options: { include_usage: true, x: 1 } }),
      ['request.stream_options'],
    ],
    ['in a form that nobody reads', openai({ response_format: { type: 'grammar' } }), ['request.response_format']],
    ['and metadata', openai({ metadata: { a: 'b' } }), ['request.metadata']],
  ])('%s are named', (_what, request, lost) => {
    expect([...lostOf(request)].sort()).toEqual([...lost].sort());
  });

  it.each<readonly [string, ChatRequest]>([
    ['another spelling of what is sent', openai({ max_tokens: 5, stop: 'x', function_call: 'auto' })],
    ['the form of the answer', openai({ stream: false, stream_options: { include_usage: true } })],
    ['nothing', openai({ seed: null, tools: [], metadata: {}, service_tier: '' })],
    ['another spelling, of Ollama', ollama({ think: 'medium', options: { stop: 'x' }, format: '' })],
  ])('that say %s are not', (_what, request) => {
    expect(lostOf(request)).toEqual([]);
  });

  it('are no loss in their own format, and metadata of the native format is for the gateway', () => {
    expect(lostOf(openai({ logit_bias: {}, store: true, metadata: { a: 'b' } }), 'openai-chat')).toEqual([]);
    expect(lostOf(chatRequest({ dialect: 'native', metadata: { a: 1 } }))).toEqual([]);
  });

  it('that a step has broken are named and not read', () => {
    expect(lostOf(chatRequest({ ext: { 'openai-chat': { stop: { a: 1 } }, ollama: { options: 5 } } }))).toEqual([
      'request.stop',
      'request.options',
    ]);
  });
});

describe('cache marks', () => {
  it.each<readonly [Partial<ChatRequest>, readonly string[]]>([
    [{}, []],
    [{ tools: [{ name: 'f', cache: {} }] }, ['request.cache']],
    [{ messages: [{ role: 'user', content: [{ kind: 'text', text: 'x', cache: { ttl: '1h' } }] }] }, ['request.cache']],
  ])('%j', (fields, expected) => {
    const { run, lost } = testRun();
    loseCacheMarks(chatRequest(fields), run);
    expect(lost).toEqual(expected);
  });
});
