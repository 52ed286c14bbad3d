import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockKinds, roles } from '../../src/kernel/event.ts';
import type { ChatRequest, ContentBlock } from '../../src/kernel/request.ts';
import { chatRequest } from '../support/chat-run.ts';
import { assistant, call, parse, result, send, sent, text, user, type Json } from '../support/gemini-requests.ts';

describe('a request of another format', () => {
  it('has its system prompt apart and its turns joined', () => {
    const { body, lost } = send(
      chatRequest({
        messages: [
          { role: 'system', content: [text('A')] },
          user(text('one')),
          user(text('two')),
          assistant(text('three'), text('')),
          { role: 'developer', content: [text('B')] },
          user(text('four')),
        ],
      }),
    );
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'A' }, { text: 'B' }] },
      contents: [
        { role: 'user', parts: [{ text: 'one' }, { text: 'two' }] },
        { role: 'model', parts: [{ text: 'three' }] },
        { role: 'user', parts: [{ text: 'four' }] },
      ],
    });
    expect(lost).toEqual(['request.system_position']);
  });

  it('with nothing but a system prompt asks that', () => {
    expect(send(chatRequest({ messages: [{ role: 'system', content: [text('A')] }] }))).toEqual({
      body: { contents: [{ role: 'user', parts: [{ text: 'A' }] }] },
      lost: ['request.system_position'],
    });
  });

  it('has results by name, without ids, media beside them', () => {
    const image: ContentBlock = { kind: 'image', mediaType: 'image/png', base64: 'AAAA' };
    const { contents } = sent(
      chatRequest({
        messages: [
          assistant(call('1', 'f', '{"a":1}'), call('2', 'g', '')),
          result('1', text('{"b":2}'), image),
          { ...result('2', text('it broke')), isError: true },
          user(text('go on')),
        ],
      }),
    );
    expect(contents).toEqual([
      {
        role: 'model',
        parts: [{ functionCall: { name: 'f', args: { a: 1 } } }, { functionCall: { name: 'g', args: {} } }],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'f', response: { b: 2 } } },
          { functionResponse: { name: 'g', response: { error: 'it broke' } } },
          { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
          { text: 'go on' },
        ],
      },
    ]);
  });

  it.each<[string, Json]>([
    ['[1,2]', { output: '[1,2]' }],
    ['plain', { output: 'plain' }],
    ['', { output: '' }],
  ])('the result %j', (value, response) => {
    const { contents } = sent(chatRequest({ messages: [assistant(call('1', 'f', '{}')), result('1', text(value))] }));
    expect(contents).toMatchObject([{}, { parts: [{ functionResponse: { name: 'f', response } }] }]);
  });

  it('gives back the signatures that Gemini made, and no others', () => {
    const { body, lost } = send(
      chatRequest({
        messages: [
          user(text('Hi')),
          assistant(
            { kind: 'reasoning', text: 'hm', signature: { value: 'p', format: 'gemini' } },
            { kind: 'reasoning', text: 'foreign', signature: { value: 'x', format: 'anthropic-messages' } },
            { kind: 'reasoning', text: 'plain' },
            { kind: 'reasoning', signature: { value: 'q', format: 'gemini' } },
            text('So'),
            { kind: 'reasoning', signature: { value: 'r', format: 'gemini' } },
            call('1', 'f', '{}'),
            { kind: 'reasoning', signature: { value: 's', format: 'gemini' } },
          ),
        ],
      }),
    );
    expect(body['contents']).toEqual([
      { role: 'user', parts: [{ text: 'Hi' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true, thoughtSignature: 'p' },
          { text: 'So', thoughtSignature: 'q' },
          { functionCall: { name: 'f', args: {} }, thoughtSignature: 'r' },
          { text: '', thoughtSignature: 's' },
        ],
      },
    ]);
    expect(lost).toEqual(['request.reasoning']);
  });

  it('tells models that ask for signatures where there are none', () => {
    const messages = [
      user(text('Hi')),
      assistant(call('1', 'f', '{}'), call('2', 'f', '{}')),
      result('1', text('a')),
      result('2', text('b')),
    ];
    const parts = (model: string): unknown =>
      (sent(chatRequest({ messages }), { model })['contents'] as { parts: Json[] }[])[1]?.parts.map(
        (part) => part['thoughtSignature'],
      );
    expect(parts('gemini-3-pro-preview')).toEqual(['skip_thought_signature_validator', undefined]);
    expect(parts('gemini-2.5-pro')).toEqual([undefined, undefined]);
  });

  it('has media as bytes or by an address of known type', () => {
    const { contents } = sent(
      chatRequest({
        messages: [
          user(
            { kind: 'image', url: 'https://x.example/a.JPG?x=1' },
            { kind: 'image', url: 'data:image/webp;base64,AAAA' },
            { kind: 'file', url: 'gs://bucket/doc', mediaType: 'application/pdf', name: 'doc.pdf' },
            { kind: 'file', url: 'https://www.youtube.com/watch?v=1' },
            { kind: 'audio', mediaType: 'audio/wav', base64: 'BBBB' },
          ),
        ],
      }),
    );
    expect(contents).toEqual([
      {
        role: 'user',
        parts: [
          { fileData: { fileUri: 'https://x.example/a.JPG?x=1', mimeType: 'image/jpeg' } },
          { inlineData: { mimeType: 'image/webp', data: 'AAAA' } },
          { fileData: { fileUri: 'gs://bucket/doc', mimeType: 'application/pdf' } },
          { fileData: { fileUri: 'https://www.youtube.com/watch?v=1' } },
          { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
        ],
      },
    ]);
  });

  it.each<[string, ChatRequest['settings'], Json]>([
    [
      'numbers',
      {
        maxOutputTokens: 5,
        temperature: 2,
        topP: 0.1,
        topK: 2,
        stop: ['a'],
        seed: 1,
        choices: 2,
        presencePenalty: 1,
        frequencyPenalty: 2,
      },
      {
        generationConfig: {
          temperature: 2,
          topP: 0.1,
          topK: 2,
          candidateCount: 2,
          maxOutputTokens: 5,
          stopSequences: ['a'],
          seed: 1,
          presencePenalty: 1,
          frequencyPenalty: 2,
        },
      },
    ],
    ['text', { responseFormat: { type: 'text' } }, { generationConfig: { responseMimeType: 'text/plain' } }],
    ['json', { responseFormat: { type: 'json' } }, { generationConfig: { responseMimeType: 'application/json' } }],
    [
      'a schema',
      { responseFormat: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true } },
      { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: { type: 'object' } } },
    ],
  ])('settings: %s', (_name, settings, expected) => {
    const { body, lost } = send(chatRequest({ settings }));
    const { contents: _contents, ...rest } = body;
    expect(rest).toEqual(expected);
    expect(lost).toEqual([]);
  });

  const tools = [{ name: 'f', description: 'd', parameters: { type: 'object' } }];
  it.each<[ChatRequest['settings']['toolChoice'], Json]>([
    ['auto', { mode: 'AUTO' }],
    ['none', { mode: 'NONE' }],
    ['required', { mode: 'ANY' }],
    [{ name: 'f' }, { mode: 'ANY', allowedFunctionNames: ['f'] }],
    [
      { allowed: ['f', 'g'], mode: 'required' },
      { mode: 'ANY', allowedFunctionNames: ['f', 'g'] },
    ],
    [
      { allowed: ['f'], mode: 'auto' },
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
    ],
  ])('the choice %j', (toolChoice, functionCallingConfig) => {
    expect(sent(chatRequest({ tools, settings: toolChoice === undefined ? {} : { toolChoice } }))).toMatchObject({
      tools: [{ functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: { type: 'object' } }] }],
      toolConfig: { functionCallingConfig },
    });
  });

  it('safety settings are those of the definition', () => {
    const safetySettings = [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }];
    expect(sent(chatRequest(), { safetySettings })).toMatchObject({ safetySettings });
    const own = parse({ contents: [{ parts: [{ text: 'a' }] }], safetySettings: [] });
    expect(sent(own, { safetySettings })).toMatchObject({ safetySettings: [] });
  });
});

describe('reasoning', () => {
  it.each<[string, ChatRequest['settings'], Json | undefined, readonly string[]]>([
    ['gemini-2.5-flash', { reasoningBudget: 100 }, { thinkingBudget: 100 }, []],
    ['gemini-2.5-flash', { reasoningBudget: 0 }, { thinkingBudget: 0 }, []],
    ['gemini-2.5-flash', { reasoningBudget: 90_000 }, { thinkingBudget: 24_576 }, ['request.reasoning_budget']],
    ['gemini-2.5-flash-lite', { reasoningBudget: 100 }, { thinkingBudget: 512 }, ['request.reasoning_budget']],
    ['models/gemini-2.5-pro', { reasoningBudget: 0 }, { thinkingBudget: 128 }, ['request.reasoning_budget']],
    ['gemini-2.5-flash', { reasoningEffort: 'low' }, { thinkingBudget: 2_048 }, []],
    ['gemini-2.5-flash', { reasoningEffort: 'none' }, { thinkingBudget: 0 }, []],
    ['gemini-2.5-flash', { reasoningEffort: 'turbo' }, undefined, ['request.reasoning_effort']],
    ['gemini-2.5-flash', { showReasoning: true }, { includeThoughts: true }, []],
    [
      'gemini-3-pro-preview',
      { reasoningEffort: 'low', showReasoning: true },
      { includeThoughts: true, thinkingLevel: 'LOW' },
      [],
    ],
    ['gemini-3-pro-preview', { reasoningEffort: 'none' }, { thinkingLevel: 'LOW' }, ['request.reasoning_effort']],
    ['gemini-3-pro-preview', { reasoningEffort: 'medium' }, { thinkingLevel: 'HIGH' }, ['request.reasoning_effort']],
    ['gemini-3.1-pro-preview', { reasoningEffort: 'medium' }, { thinkingLevel: 'MEDIUM' }, []],
    ['gemini-2.5-flash-image', { reasoningEffort: 'low' }, undefined, ['request.reasoning_effort']],
    ['gemini-3-flash', { reasoningEffort: 'minimal' }, { thinkingLevel: 'MINIMAL' }, []],
    ['gemini-3-flash', { reasoningEffort: 'xhigh' }, { thinkingLevel: 'HIGH' }, ['request.reasoning_effort']],
    ['gemini-3-flash', { reasoningBudget: 500 }, { thinkingBudget: 500 }, []],
    ['gemini-3-flash', { reasoningEffort: 'high', reasoningBudget: 500 }, { thinkingLevel: 'HIGH' }, []],
    ['gemini-2.0-flash', { reasoningEffort: 'high' }, undefined, ['request.reasoning_effort']],
    ['gemini-2.0-flash', { reasoningEffort: 'none', showReasoning: false }, undefined, []],
    ['gemma-3-27b-it', { reasoningBudget: 100 }, undefined, ['request.reasoning_budget']],
    ['my-tuned-model', { reasoningEffort: 'xhigh' }, { thinkingBudget: 49_152 }, []],
  ])('%s, %j', (model, settings, thinkingConfig, losses) => {
    const { body, lost } = send(chatRequest({ settings }), { model });
    expect((body['generationConfig'] as Json | undefined)?.['thinkingConfig']).toEqual(thinkingConfig);
    expect(lost).toEqual(losses);
  });
});

describe('what is left out is named', () => {
  const searchTool = { name: 'web_search', ext: { 'anthropic-messages': { type: 'web_search_20250305' } } };
  it.each<[string, Partial<ChatRequest>]>([
    ['request.user', { settings: { user: 'u' } }],
    ['request.parallel_tool_calls', { settings: { parallelToolCalls: false } }],
    ['request.tool_choice', { settings: { toolChoice: 'required' } }],
    ['request.metadata', { metadata: { a: 1 } }],
    ['request.field.logit_bias', { ext: { 'openai-chat': { logit_bias: { 1: 1 }, store: null } } }],
    ['request.tools.strict', { tools: [{ name: 'f', strict: true }] }],
    ['request.cache', { tools: [{ name: 'f', cache: {} }] }],
    ['request.cache', { messages: [user({ ...text('a'), cache: { ttl: '5m' } })] }],
    ['request.server_tools', { tools: [searchTool] }],
    [
      'request.server_tools',
      { messages: [user(text('a')), assistant({ kind: 'server_tool_call', name: 'x', initial: {} }, text('b'))] },
    ],
    ['request.compaction', { messages: [user(text('a')), assistant({ kind: 'compaction', initial: {} }, text('b'))] }],
    ['request.citations', { messages: [user(text('a')), assistant({ ...text('b'), annotations: [{}] })] }],
    ['request.name', { messages: [{ ...user(text('a')), name: 'Ann' }] }],
    [
      'request.image_detail',
      {
        messages: [
          user({
            kind: 'image',
            mediaType: 'image/png',
            base64: 'AAAA',
            ext: { 'openai-chat': { image_url: { detail: 'low' } } },
          }),
        ],
      },
    ],
    [
      'request.response_format.description',
      { settings: { responseFormat: { type: 'json_schema', name: 'n', description: 'd' } } },
    ],
    ['request.tool_arguments', { messages: [user(text('a')), assistant(call('1', 'f', '{"a":'))] }],
    [
      'request.tool_arguments',
      { messages: [user(text('a')), assistant({ kind: 'custom_tool_call', callId: '1', name: 'f', arguments: 'x' })] },
    ],
  ])('%s', (name, overrides) => {
    expect(send(chatRequest(overrides)).lost).toEqual([name]);
  });

  it('and nothing else is', () => {
    expect(
      send(
        chatRequest({
          dialect: 'native',
          metadata: { a: 1 },
          settings: { parallelToolCalls: true, includeUsage: true, toolChoice: 'auto' },
        }),
      ).lost,
    ).toEqual([]);
  });
});

describe("what can't be said is refused", () => {
  it.each<[string, Partial<ChatRequest>]>([
    ['messages[0].content[0]', { messages: [user({ kind: 'image', url: 'https://x.example/image' })] }],
    ['where[1]', { messages: [user({ kind: 'image', mediaType: 'image/gif', base64: 'AAAA', place: 'where[1]' })] }],
    ['messages[0].content[0]', { messages: [user({ kind: 'image', mediaType: 'image/png', base64: '???' })] }],
    ['messages[0].content[1]', { messages: [user(text('a'), { kind: 'file', fileId: 'file-1' })] }],
    ['messages[0].content[0]', { messages: [user({ kind: 'audio' })] }],
    ['messages[0].content[0]', { messages: [user({ kind: 'unknown', initial: {} })] }],
    ['messages[0].content[0]', { messages: [assistant({ kind: 'tool_call', arguments: '{}' })] }],
    ['messages[1]', { messages: [user(text('a')), result('nobody', text('b'))] }],
    ['messages[1].content[0]', { messages: [assistant(call('1', 'f', '{}')), result('1', { kind: 'unknown' })] }],
    [
      'messages[0].content[0]',
      {
        messages: [
          { role: 'system', content: [{ kind: 'image', base64: 'AAAA', mediaType: 'image/png' }] },
          user(text('a')),
        ],
      },
    ],
    ['tools[0]', { tools: [{ name: 'f', ext: { 'openai-chat': { type: 'custom', custom: {} } } }] }],
  ])('%s', (field, overrides) => {
    const attempt = (): unknown => sent(chatRequest(overrides));
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ field }) as unknown }),
    );
  });
});

describe('any request', () => {
  const word = fc.constantFrom('', 'a', '{"a":1}', '[', 'c1', 'image/png', 'https://x.example/a.png');
  const ext = fc.constantFrom<ContentBlock['ext']>(
    { gemini: { thought: true, functionCall: { id: 1 }, contents: 3 } },
    { gemini: { functionCall: null, functionResponse: [], role: 7 } },
    { 'openai-chat': { image_url: { detail: 'low' }, type: 'custom' } },
  );
  const block = fc.record(
    {
      kind: fc.constantFrom(...blockKinds),
      text: word,
      name: word,
      callId: word,
      arguments: word,
      mediaType: word,
      base64: word,
      url: word,
      fileId: word,
      initial: fc.constantFrom<unknown>({}, null, { thoughtSignature: 'x' }, 'x'),
      signature: fc.constantFrom({ value: 's', format: 'gemini' }, { value: 's' }, { value: 's', format: 'cohere' }),
      ext,
    },
    { requiredKeys: ['kind'] },
  );
  const message = fc.record(
    { role: fc.constantFrom(...roles), callId: word, content: fc.array(block, { maxLength: 4 }), ext },
    { requiredKeys: ['role', 'content'] },
  );

  it('is sent or refused, and never fails in another way', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('gemini', 'openai-chat'),
        fc.array(message, { maxLength: 5 }),
        fc.constantFrom('gemini-3-pro', 'gemini-2.5-flash'),
        (dialect, messages, model) => {
          try {
            const { contents } = sent(chatRequest({ dialect, messages: messages as ChatRequest['messages'] }), {
              model,
            });
            for (const { parts } of contents as { parts: unknown[] }[]) expect(parts.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toMatchObject({ name: 'SluiceError', code: 'REQUEST_INVALID' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
