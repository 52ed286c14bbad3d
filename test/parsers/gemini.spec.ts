import { describe, expect, it } from '@jest/globals';
import type { PathFields } from '../../src/kernel/component.ts';
import { type ChatRequest } from '../../src/kernel/request.ts';
import { geminiParser } from '../../src/parsers/gemini.ts';

type Json = Record<string, unknown>;
const parse = (body: unknown, path?: PathFields): ChatRequest => geminiParser.create({}, {}).parse(body, path);
const hello = [{ role: 'user', parts: [{ text: 'Hi' }] }];
const settingsOf = (generationConfig: unknown, toolConfig?: unknown): ChatRequest =>
  parse({ contents: hello, generationConfig, toolConfig });

describe('a request', () => {
  it('has its model and whether it streams from the path', () => {
    expect(parse({ contents: hello }, { model: 'models/gemini-x', stream: true })).toEqual({
      dialect: 'gemini',
      model: 'gemini-x',
      stream: true,
      settings: { includeUsage: true },
      tools: [],
      messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hi' }], ext: { gemini: { contents: 0 } } }],
      metadata: {},
      params: {},
    });
  });

  it('is not streamed, and has no model, where the path says nothing', () => {
    expect(parse({ contents: hello })).toMatchObject({ stream: false });
    expect(parse({ contents: hello }).model).toBeUndefined();
    expect(parse({ contents: hello, model: 'models/m' }).model).toBe('m');
  });

  it('keeps what has no unified name', () => {
    const safetySettings = [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }];
    const body = {
      contents: hello,
      safetySettings,
      cached_content: 'cachedContents/1',
      vendor: { a_b: 1 },
      labels: { team: 'x' },
    };
    const request = parse(body);
    expect(request.ext).toEqual({
      gemini: { safetySettings, cachedContent: 'cachedContents/1', vendor: { a_b: 1 }, labels: { team: 'x' } },
    });
    expect(request.metadata).toEqual({ team: 'x' });
  });

  it('is the same in both spellings of its fields', () => {
    const camel = {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        {
          role: 'user',
          parts: [
            { inlineData: { mimeType: 'image/png', data: 'AAEC' } },
            { fileData: { fileUri: 'gs://b/f', mimeType: 'video/mp4' }, videoMetadata: { fps: 2 } },
          ],
        },
        {
          role: 'model',
          parts: [
            { thought: true, text: 'hm', thoughtSignature: 's' },
            { functionCall: { name: 'f', args: { a_b: 1 } } },
          ],
        },
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: { output: 'x' } } }] },
      ],
      tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object' } }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
      generationConfig: {
        maxOutputTokens: 5,
        stopSequences: ['x'],
        thinkingConfig: { includeThoughts: true, thinkingBudget: 9 },
        responseMimeType: 'application/json',
      },
      safetySettings: [],
    };
    const snake = {
      system_instruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        {
          role: 'user',
          parts: [
            { inline_data: { mime_type: 'image/png', data: 'AAEC' } },
            { file_data: { file_uri: 'gs://b/f', mime_type: 'video/mp4' }, video_metadata: { fps: 2 } },
          ],
        },
        {
          role: 'model',
          parts: [
            { thought: true, text: 'hm', thought_signature: 's' },
            { function_call: { name: 'f', args: { a_b: 1 } } },
          ],
        },
        { role: 'user', parts: [{ function_response: { name: 'f', response: { output: 'x' } } }] },
      ],
      tools: [{ function_declarations: [{ name: 'f', parameters_json_schema: { type: 'object' } }] }],
      tool_config: { function_calling_config: { mode: 'ANY', allowed_function_names: ['f'] } },
      generation_config: {
        max_output_tokens: 5,
        stop_sequences: ['x'],
        thinking_config: { include_thoughts: true, thinking_budget: 9 },
        response_mime_type: 'application/json',
      },
      safety_settings: [],
    };
    expect(parse(snake)).toEqual(parse(camel));
    expect(Object.keys(camel).every((name) => geminiParser.fields?.has(name))).toBe(true);
    expect(Object.keys(snake).every((name) => geminiParser.fields?.has(name))).toBe(true);
  });

  it('takes one value for a list of one, and null for nothing', () => {
    const request = parse({
      contents: { parts: { text: 'Hi' } },
      systemInstruction: null,
      tools: { googleSearch: {} },
      generationConfig: { temperature: null },
    });
    expect(request.messages).toEqual(parse({ contents: hello }).messages);
    expect(request.tools).toEqual([
      { name: 'googleSearch', providerExecuted: true, ext: { gemini: { googleSearch: {} } } },
    ]);
    expect(request.settings).toEqual({});
  });

  it.each<readonly [string, unknown, unknown]>([
    ['a string', 'Be brief.', [{ role: 'system', content: [{ kind: 'text', text: 'Be brief.' }] }]],
    [
      'a content',
      { role: 'user', parts: [{ text: 'Be' }, { text: 'brief' }] },
      [
        {
          role: 'system',
          content: [
            { kind: 'text', text: 'Be' },
            { kind: 'text', text: 'brief' },
          ],
          ext: { gemini: { role: 'user' } },
        },
      ],
    ],
    ['an empty content', { parts: [] }, []],
  ])('has a system prompt that is %s', (_name, systemInstruction, expected) => {
    expect(parse({ contents: hello, systemInstruction }).messages.slice(0, -1)).toEqual(expected);
  });
});

describe('settings', () => {
  it('have unified names', () => {
    const config = {
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      candidateCount: 2,
      maxOutputTokens: 100,
      stopSequences: ['END'],
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      thinkingConfig: { includeThoughts: true, thinkingLevel: 'LOW' },
      responseModalities: ['TEXT'],
    };
    const request = settingsOf(config);
    expect(request.settings).toEqual({
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      choices: 2,
      maxOutputTokens: 100,
      stop: ['END'],
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      showReasoning: true,
      reasoningEffort: 'low',
    });
    expect(request.ext).toEqual({ gemini: { generationConfig: { responseModalities: ['TEXT'] } } });
  });

  it.each<readonly [Json, Json, Json | undefined]>([
    [{ responseMimeType: 'text/plain' }, { responseFormat: { type: 'text' } }, undefined],
    [{ responseMimeType: 'application/json' }, { responseFormat: { type: 'json' } }, undefined],
    [
      { responseMimeType: 'application/json', responseJsonSchema: { type: 'object' } },
      { responseFormat: { type: 'json_schema', name: 'response', schema: { type: 'object' } } },
      undefined,
    ],
    [
      { responseMimeType: 'application/json', responseSchema: { type: 'STRING', nullable: true } },
      { responseFormat: { type: 'json_schema', name: 'response', schema: { type: ['string', 'null'] } } },
      { responseMimeType: 'application/json', responseSchema: { type: 'STRING', nullable: true } },
    ],
    [
      { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a'] } },
      {},
      { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a'] } },
    ],
    [{ thinkingConfig: { thinkingBudget: -1 } }, {}, { thinkingConfig: { thinkingBudget: -1 } }],
    [{ thinkingConfig: { thinkingBudget: 0 } }, { reasoningBudget: 0 }, undefined],
    [
      { thinkingConfig: { thinkingLevel: 'high', later: 1 } },
      { reasoningEffort: 'high' },
      { thinkingConfig: { thinkingLevel: 'high', later: 1 } },
    ],
  ])('%j', (config, settings, kept) => {
    const request = settingsOf(config);
    expect(request.settings).toEqual(settings);
    expect(request.ext?.['gemini']?.['generationConfig']).toEqual(kept);
  });

  it.each<readonly [Json, unknown, Json | undefined]>([
    [{ mode: 'AUTO' }, 'auto', undefined],
    [{ mode: 'NONE' }, 'none', undefined],
    [{ mode: 'ANY' }, 'required', undefined],
    [{ mode: 'ANY', allowedFunctionNames: ['f'] }, { name: 'f' }, undefined],
    [{ mode: 'ANY', allowedFunctionNames: ['f', 'g'] }, { allowed: ['f', 'g'], mode: 'required' }, undefined],
    [{ mode: 'VALIDATED' }, 'auto', { mode: 'VALIDATED' }],
    [
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
      { allowed: ['f'], mode: 'auto' },
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
    ],
    [{ mode: 'MODE_UNSPECIFIED' }, undefined, { mode: 'MODE_UNSPECIFIED' }],
    [{ mode: 'ANY', streamFunctionCallArguments: true }, 'required', { streamFunctionCallArguments: true }],
  ])('choose among functions: %j', (functionCallingConfig, choice, kept) => {
    const request = settingsOf({}, { functionCallingConfig });
    expect(request.settings.toolChoice).toEqual(choice);
    expect(request.ext?.['gemini']?.['toolConfig']).toEqual(kept && { functionCallingConfig: kept });
  });
});

describe('tools', () => {
  const toolsOf = (tools: unknown): unknown => parse({ contents: hello, tools }).tools;

  it('are functions, and tools that Google runs', () => {
    const fields = {
      name: 'f',
      description: 'Does it.',
      parametersJsonSchema: { type: 'object' },
      behavior: 'BLOCKING',
    };
    expect(
      toolsOf([{ functionDeclarations: [fields, { name: 'g' }] }, { googleSearch: {}, urlContext: { a: 1 } }]),
    ).toEqual([
      {
        name: 'f',
        description: 'Does it.',
        parameters: { type: 'object' },
        ext: { gemini: { functionDeclarations: { behavior: 'BLOCKING' } } },
      },
      { name: 'g' },
      { name: 'googleSearch', providerExecuted: true, ext: { gemini: { googleSearch: {} } } },
      { name: 'urlContext', providerExecuted: true, ext: { gemini: { urlContext: { a: 1 } } } },
    ]);
  });

  it('have their schema as JSON Schema, and as it was', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        type: { type: 'STRING', format: 'enum', enum: ['a'], nullable: true, example: 'a' },
        list: {
          type: 'ARRAY',
          items: { any_of: [{ type: 'NUMBER' }, { type: 'BOOLEAN' }] },
          minItems: '1',
          max_items: '3',
        },
      },
      propertyOrdering: ['list', 'type'],
      required: ['type'],
    };
    expect(toolsOf([{ functionDeclarations: [{ name: 'f', parameters }] }])).toEqual([
      {
        name: 'f',
        parameters: {
          type: 'object',
          properties: {
            type: { type: ['string', 'null'], enum: ['a', null], examples: ['a'] },
            list: {
              type: 'array',
              items: { anyOf: [{ type: 'number' }, { type: 'boolean' }] },
              minItems: 1,
              maxItems: 3,
            },
          },
          required: ['type'],
        },
        ext: { gemini: { functionDeclarations: { parameters } } },
      },
    ]);
  });
});
