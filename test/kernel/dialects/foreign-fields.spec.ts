import { describe, expect, it } from '@jest/globals';
import { loseCacheMarks, loseForeignFields } from '../../../src/kernel/dialects/foreign-fields.ts';
import type { ChatRequest } from '../../../src/kernel/request.ts';
import { anthropicMessagesParser } from '../../../src/parsers/anthropic-messages.ts';
import { geminiParser } from '../../../src/parsers/gemini.ts';
import { ollamaParser } from '../../../src/parsers/ollama.ts';
import { openaiChatParser } from '../../../src/parsers/openai-chat.ts';
import { openaiResponsesParser } from '../../../src/parsers/openai-responses.ts';
import { chatRequest } from '../../support/chat-run.ts';
import { testRun } from '../../support/test-run.ts';

type Json = Record<string, unknown>;

const messages = [{ role: 'user', content: 'Hi' }];
const openai = (fields: Json): ChatRequest => openaiChatParser.create({}, {}).parse({ messages, ...fields });
const ollama = (fields: Json): ChatRequest => ollamaParser.create({}, {}).parse({ messages, ...fields });
const responses = (fields: Json): ChatRequest => openaiResponsesParser.create({}, {}).parse({ input: 'Hi', ...fields });
const anthropic = (fields: Json): ChatRequest =>
  anthropicMessagesParser.create({}, {}).parse({ max_tokens: 5, messages, ...fields });
const ofGemini = (fields: Json): ChatRequest =>
  geminiParser.create({}, {}).parse({ contents: [{ parts: [{ text: 'Hi' }] }], ...fields });
const schema = { type: 'OBJECT', properties: { a: { type: 'STRING' } } };

function lostOf(request: ChatRequest, dialect = 'cohere'): readonly string[] {
  const { run, lost } = testRun();
  loseForeignFields(request, dialect, run);
  return lost;
}

describe('fields of another format', () => {
  it.each<readonly [string, ChatRequest, readonly string[]]>([
    [
      'that have no unified name',
      openai({ logit_bias: { 5: 1 }, store: true }),
      ['request.field.logit_bias', 'request.field.store'],
    ],
    [
      'of Ollama',
      ollama({ keep_alive: '5m', options: { num_ctx: 1 } }),
      ['request.field.options', 'request.field.keep_alive'],
    ],
    ['beside settings that are sent', ollama({ options: { stop: 'x', num_ctx: 1 } }), ['request.field.options']],
    [
      'beside the usage of a stream',
      openai({ stream_options: { include_usage: true, x: 1 } }),
      ['request.field.stream_options'],
    ],
    ['in a form that nobody reads', openai({ response_format: { type: 'grammar' } }), ['request.response_format']],
    [
      'of Responses',
      responses({ truncation: 'auto', text: { verbosity: 'low' }, reasoning: { effort: 'low', mode: 'x' } }),
      ['request.field.truncation', 'request.field.text', 'request.field.reasoning'],
    ],
    [
      'of Anthropic',
      anthropic({ thinking: { type: 'adaptive' }, output_config: { effort: 'low', task_budget: 5 } }),
      ['request.field.thinking', 'request.field.output_config'],
    ],
    [
      'of Gemini',
      ofGemini({ generationConfig: { speechConfig: { a: 1 } }, toolConfig: { retrievalConfig: { a: 1 } } }),
      ['request.field.generationConfig', 'request.field.toolConfig'],
    ],
    ['and metadata', openai({ metadata: { a: 'b' } }), ['request.metadata']],
  ])('%s are named', (_what, request, lost) => {
    expect([...lostOf(request)].sort()).toEqual([...lost].sort());
  });

  it.each<readonly [string, ChatRequest]>([
    ['another spelling of what is sent', openai({ max_tokens: 5, stop: 'x', function_call: 'auto' })],
    ['the form of the answer', openai({ stream: false, stream_options: { include_usage: true } })],
    ['nothing', openai({ seed: null, tools: [], metadata: {}, service_tier: '' })],
    [
      'another spelling, of Responses',
      responses({
        stream: false,
        instructions: null,
        text: {},
        reasoning: { effort: 'low', generate_summary: 'auto' },
      }),
    ],
    [
      'another spelling, of Anthropic',
      anthropic({
        stream: false,
        output_format: { type: 'json_schema', schema: { type: 'object' } },
        thinking: { type: 'enabled', budget_tokens: 2_000, display: 'summarized' },
        tool_choice: { type: 'auto', hint: 1 },
      }),
    ],
    [
      'another spelling, of Gemini',
      ofGemini({
        generation_config: { response_mime_type: 'application/json', response_schema: schema },
        tool_config: { function_calling_config: { mode: 'VALIDATED' } },
      }),
    ],
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
      'request.field.options',
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
