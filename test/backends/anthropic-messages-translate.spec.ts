import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Parser } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { ContentBlock, Message } from '../../src/kernel/request.ts';
import { geminiParser } from '../../src/parsers/gemini.ts';
import { nativeParser } from '../../src/parsers/native.ts';
import { ollamaParser } from '../../src/parsers/ollama.ts';
import { openaiChatParser } from '../../src/parsers/openai-chat.ts';
import { openaiResponsesParser } from '../../src/parsers/openai-responses.ts';
import { sent, type Json } from '../support/anthropic-backend.ts';
import { chatRequest } from '../support/chat-run.ts';

const png = 'iVBORw0KGgo=';
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const parsers: Readonly<Record<string, Parser>> = {
  'openai-chat': openaiChatParser.create({}, {}),
  'openai-responses': openaiResponsesParser.create({}, {}),
  gemini: geminiParser.create({}, {}),
  ollama: ollamaParser.create({}, {}),
  native: nativeParser.create({}, {}),
};

/** The same conversation, as clients of each format say it. */
const conversations: readonly (readonly [string, Json])[] = [
  [
    'openai-chat',
    {
      model: 'gpt',
      stream: true,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Weather?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
            { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{"city":"Rom"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        { role: 'tool', tool_call_id: 'call_2', content: 'sun' },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', description: 'Looks.', parameters: schema } }],
      tool_choice: 'auto',
      max_completion_tokens: 100,
      temperature: 0.5,
      stop: 'END',
    },
  ],
  [
    'openai-responses',
    {
      model: 'gpt',
      stream: true,
      instructions: 'Be brief.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Weather?' },
            { type: 'input_image', image_url: `data:image/png;base64,${png}` },
          ],
        },
        { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' },
        { type: 'function_call', call_id: 'call_2', name: 'weather', arguments: '{"city":"Rom"}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'rain' },
        { type: 'function_call_output', call_id: 'call_2', output: 'sun' },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ type: 'function', name: 'weather', description: 'Looks.', parameters: schema }],
      tool_choice: 'auto',
      max_output_tokens: 100,
      temperature: 0.5,
    },
  ],
  [
    'gemini',
    {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'Weather?' }, { inlineData: { mimeType: 'image/png', data: png } }] },
        {
          role: 'model',
          parts: [
            { functionCall: { id: 'call_1', name: 'weather', args: { city: 'Bern' } } },
            { functionCall: { id: 'call_2', name: 'weather', args: { city: 'Rom' } } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'call_1', name: 'weather', response: { result: 'rain' } } },
            { functionResponse: { id: 'call_2', name: 'weather', response: { result: 'sun' } } },
            { text: 'And?' },
          ],
        },
      ],
      tools: [{ functionDeclarations: [{ name: 'weather', description: 'Looks.', parametersJsonSchema: schema }] }],
      toolConfig: { functionCallingConfig: { mode: 'AUTO' } },
      generationConfig: { maxOutputTokens: 100, temperature: 0.5, stopSequences: ['END'] },
    },
  ],
  [
    'ollama',
    {
      model: 'llama',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather?', images: [png] },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'call_1', function: { name: 'weather', arguments: { city: 'Bern' } } },
            { id: 'call_2', function: { name: 'weather', arguments: { city: 'Rom' } } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        { role: 'tool', tool_call_id: 'call_2', content: 'sun' },
        { role: 'user', content: 'And?' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', description: 'Looks.', parameters: schema } }],
      options: { num_predict: 100, temperature: 0.5, stop: ['END'] },
    },
  ],
];

describe('the same conversation in another format', () => {
  it.each(conversations)('%s', (dialect, body) => {
    const request = parsers[dialect]?.parse(body, { model: 'g', stream: true });
    if (request === undefined) throw new TypeError(`no parser of ${dialect}`);
    const text = (value: string): unknown => expect.stringContaining(value);
    expect(sent(request)).toEqual({
      lost: [],
      body: {
        model: 'claude',
        max_tokens: 100,
        system: 'Be brief.',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'Weather?' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Bern' } },
              { type: 'tool_use', id: 'call_2', name: 'weather', input: { city: 'Rom' } },
            ],
          },
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: 'call_1', content: text('rain') },
              { type: 'tool_result', tool_use_id: 'call_2', content: text('sun') },
              { type: 'text', text: 'And?' },
            ],
          },
        ],
        tools: [{ name: 'weather', description: 'Looks.', input_schema: schema }],
        ...(dialect !== 'ollama' && { tool_choice: { type: 'auto' } }),
        temperature: 0.5,
        ...(dialect !== 'openai-responses' && { stop_sequences: ['END'] }),
        stream: true,
      },
    });
  });

  it('keeps the order of keys', () => {
    const request = chatRequest({
      settings: { user: 'u', stop: ['x'], temperature: 1, toolChoice: 'auto' },
      tools: [{ name: 'f' }],
    });
    expect(Object.keys(sent(request).body)).toEqual([
      'model',
      'max_tokens',
      'messages',
      'tools',
      'tool_choice',
      'temperature',
      'stop_sequences',
      'metadata',
      'stream',
    ]);
  });
});

describe('any request', () => {
  const kinds = [
    'text',
    'reasoning',
    'refusal',
    'tool_call',
    'custom_tool_call',
    'image',
    'file',
    'audio',
    'server_tool_call',
    'server_tool_result',
    'compaction',
    'unknown',
  ] as const;
  const word = fc.constantFrom('', ' ', 'a', '{"a":1}', '{', 'https://e.example', png);
  const block: fc.Arbitrary<ContentBlock> = fc.record(
    {
      kind: fc.constantFrom(...kinds),
      text: word,
      name: word,
      callId: word,
      arguments: word,
      url: word,
      base64: word,
      mediaType: fc.constantFrom('image/png', 'application/pdf', 'text/plain', 'x'),
      initial: fc.constantFrom<unknown>(undefined, null, { type: 'x' }),
      cache: fc.constantFrom({}, { ttl: '1h' }, { ttl: 'x' }),
    },
    { requiredKeys: ['kind'] },
  );
  const message: fc.Arbitrary<Message> = fc.record(
    {
      role: fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool'),
      content: fc.array(block, { maxLength: 3 }),
      callId: word,
      name: word,
    },
    { requiredKeys: ['role', 'content'] },
  );

  it('is sent in a form that the API takes, or refused', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 5 }),
        fc.constantFrom('native', 'openai-chat', 'anthropic-messages'),
        (messages, dialect) => {
          let body: Json;
          try {
            ({ body } = sent(chatRequest({ dialect, messages })));
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError);
            expect((error as SluiceError).code).toBe('REQUEST_INVALID');
            return;
          }
          const turns = body['messages'] as { role: string; content: string | Json[] }[];
          expect(turns.length).toBeGreaterThan(0);
          for (const [index, { role, content }] of turns.entries()) {
            expect(role).not.toBe(turns[index - 1]?.role);
            if (dialect === 'anthropic-messages') continue;
            expect(content.length).toBeGreaterThan(0);
            const types = typeof content === 'string' ? [] : content.map(({ type }) => type);
            expect(types.findLastIndex((type) => type === 'tool_result')).toBe(
              types.filter((type) => type === 'tool_result').length - 1,
            );
            for (const part of typeof content === 'string' ? [{ type: 'text', text: content }] : content)
              if (part['type'] === 'text') expect(String(part['text']).trim()).not.toBe('');
          }
        },
      ),
    );
  });
});
