import { describe, expect, it } from '@jest/globals';
import { foldRequest, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { chatRequest, fakeRun } from '../support/chat-run.ts';
import { build, parse, send, sent, vertex, type Config, type Json } from '../support/gemini-requests.ts';

describe('the address', () => {
  it.each<[Partial<Config>, boolean, string]>([
    [{}, true, '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
    [{}, false, '/v1beta/models/gemini-2.5-flash:generateContent'],
    [{ apiVersion: 'v1' }, false, '/v1/models/gemini-2.5-flash:generateContent'],
    [{ model: 'models/gemini-2.5-pro' }, false, '/v1beta/models/gemini-2.5-pro:generateContent'],
    [{ model: 'tunedModels/mine' }, false, '/v1beta/tunedModels/mine:generateContent'],
    [{ model: 'a b?c#d%' }, false, '/v1beta/models/a%20b%3Fc%23d%25:generateContent'],
    [{ baseUrl: 'https://x.example/v1beta' }, false, '/v1beta/models/gemini-2.5-flash:generateContent'],
    [
      { baseUrl: 'https://x.example/proxy/?k=1' },
      true,
      '/proxy/v1beta/models/gemini-2.5-flash:streamGenerateContent?k=1&alt=sse',
    ],
    [
      { vertex },
      true,
      '/v1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    ],
    [
      { vertex, apiVersion: 'v1beta1', model: 'models/m' },
      false,
      '/v1beta1/projects/p-1/locations/europe-west4/publishers/google/models/m:generateContent',
    ],
    [
      { vertex, model: 'publishers/meta/models/l' },
      false,
      '/v1/projects/p-1/locations/europe-west4/publishers/meta/models/l:generateContent',
    ],
    [{ vertex, model: 'endpoints/7' }, false, '/v1/projects/p-1/locations/europe-west4/endpoints/7:generateContent'],
    [
      { vertex, model: 'projects/q/locations/us/endpoints/7' },
      false,
      '/v1/projects/q/locations/us/endpoints/7:generateContent',
    ],
  ])('%j, streamed %j', (config, stream, path) => {
    expect(build(config).encode(chatRequest({ stream }), fakeRun())).toMatchObject({ method: 'POST', path });
  });

  it.each(['..', 'a/../b', '/', 'models/.'])('the model %j is refused', (model) => {
    expect(() => build({ model })).toThrow('model');
  });

  it('goes with the headers of its answer', () => {
    const accept = (stream: boolean): unknown => build().encode(chatRequest({ stream }), fakeRun()).headers['accept'];
    expect([accept(true), accept(false)]).toEqual(['text/event-stream', 'application/json']);
  });
});

describe('a request of the same format says what its client said', () => {
  it.each<[string, Json]>([
    ['one question', { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }],
    [
      'all settings',
      {
        systemInstruction: { role: 'user', parts: [{ text: 'Be' }, { text: 'brief' }] },
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        toolConfig: {
          functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'], streamFunctionCallArguments: true },
        },
        tools: [{ functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: { type: 'object' } }] }],
        safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' }],
        generationConfig: {
          temperature: 1.5,
          topP: 0.5,
          topK: 3,
          candidateCount: 2,
          maxOutputTokens: 5,
          stopSequences: ['x'],
          seed: 7,
          presencePenalty: 0.1,
          frequencyPenalty: 0.2,
          responseMimeType: 'application/json',
          responseJsonSchema: { type: 'object' },
          responseModalities: ['TEXT'],
          thinkingConfig: { includeThoughts: true, thinkingBudget: -1 },
          mediaResolution: 'MEDIA_RESOLUTION_LOW',
        },
        cachedContent: 'cachedContents/1',
        labels: { team: 'care' },
      },
    ],
    [
      'schemas of its own kind, tools of Google, a validated choice',
      {
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        toolConfig: { functionCallingConfig: { mode: 'VALIDATED' }, includeServerSideToolInvocations: true },
        tools: [
          {
            functionDeclarations: [
              {
                name: 'f',
                parameters: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } },
                behavior: 'BLOCKING',
              },
              { name: 'g' },
            ],
          },
          { googleSearch: {} },
          { codeExecution: {} },
        ],
        generationConfig: {
          responseMimeType: 'application/json',
          responseSchema: { type: 'ARRAY', items: { type: 'STRING' }, minItems: '1' },
          thinkingConfig: { thinkingLevel: 'LOW' },
        },
      },
    ],
    [
      'thoughts, calls and results',
      {
        contents: [
          { role: 'user', parts: [{ text: 'Hi' }] },
          {
            role: 'model',
            parts: [
              { text: 'hm', thought: true, thoughtSignature: 'c2ln' },
              { text: 'So', thoughtSignature: 'c2lo' },
              { functionCall: { id: 'c1', name: 'f', args: { a: 1 } }, thoughtSignature: 'c2lp' },
              { functionCall: { name: 'f', args: {} } },
            ],
          },
          {
            role: 'user',
            parts: [
              { functionResponse: { id: 'c1', name: 'f', response: { output: 'x' } } },
              { functionResponse: { name: 'f', response: { error: 'no' }, scheduling: 'SILENT' } },
              { text: 'and now?' },
            ],
          },
          {
            role: 'model',
            parts: [{ text: '', thought: true, thoughtSignature: 'c2lq' }, { functionCall: { name: 'f', args: {} } }],
          },
          { role: 'function', parts: [{ functionResponse: { name: 'f', response: { a: [1] } } }] },
        ],
      },
    ],
    [
      'media, files and parts of other kinds',
      {
        contents: [
          {
            role: 'user',
            parts: [
              { inlineData: { mimeType: 'image/gif', data: 'AAAA' } },
              {
                fileData: {
                  fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1',
                  mimeType: 'video/mp4',
                },
                videoMetadata: { fps: 1 },
              },
              { fileData: { fileUri: 'https://youtu.be/x' } },
            ],
          },
          {
            role: 'model',
            parts: [
              { executableCode: { language: 'PYTHON', code: '1' }, thoughtSignature: 'c2ln' },
              { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
              { toolCall: { toolType: 'X', id: '1' } },
              { hologram: {} },
            ],
          },
          { role: 'user', parts: [{ text: 'one' }] },
          { role: 'user', parts: [{ text: 'two' }] },
        ],
      },
    ],
    [
      'images in a result',
      {
        contents: [
          { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
          {
            role: 'user',
            parts: [
              {
                functionResponse: {
                  name: 'f',
                  response: { output: 'see' },
                  parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }],
                },
              },
            ],
          },
        ],
      },
    ],
  ])('%s', (_name, body) => {
    const request = parse(body);
    expect(send(request)).toEqual({ body, lost: [] });
    expect(sent(foldRequest(unfoldRequest(request)))).toEqual(body);
  });

  it('a changed setting wins over the form in which the client said it', () => {
    const request = parse({
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT' } }] }],
      toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } },
      generationConfig: {
        responseMimeType: 'application/json',
        responseSchema: { type: 'STRING' },
        thinkingConfig: { thinkingBudget: -1 },
      },
    });
    const changed: ChatRequest = {
      ...request,
      tools: request.tools.map((tool) => ({ ...tool, parameters: { type: 'object', required: ['a'] } })),
      settings: { ...request.settings, responseFormat: { type: 'json' }, toolChoice: 'none', reasoningBudget: 5 },
    };
    expect(sent(changed)).toMatchObject({
      tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object', required: ['a'] } }] }],
      toolConfig: { functionCallingConfig: { mode: 'NONE' } },
      generationConfig: { responseMimeType: 'application/json', thinkingConfig: { thinkingBudget: 5 } },
    });
    expect(sent(changed)['generationConfig']).not.toHaveProperty('responseSchema');
  });

  it('equal requests give equal bytes', () => {
    const one = parse({
      contents: [{ parts: [{ text: 'a' }] }],
      generationConfig: { seed: 1, topK: 2, responseModalities: [], audioTimestamp: true },
    });
    const other = parse({
      generationConfig: { audioTimestamp: true, responseModalities: [], topK: 2, seed: 1 },
      contents: [{ parts: [{ text: 'a' }] }],
    });
    expect(JSON.stringify(sent(one))).toBe(JSON.stringify(sent(other)));
  });
});
