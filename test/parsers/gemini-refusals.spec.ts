import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import { type ChatRequest, foldRequest, unfoldRequest } from '../../src/kernel/request.ts';
import { geminiParser } from '../../src/parsers/gemini.ts';

type Json = Record<string, unknown>;
const parse = (body: unknown): ChatRequest => geminiParser.create({}, {}).parse(body);
const hello = [{ role: 'user', parts: [{ text: 'Hi' }] }];

describe('a wrong request', () => {
  const user = (part: unknown): Json => ({ contents: [{ role: 'user', parts: [part] }] });
  const model = (part: unknown): Json => ({ contents: [...hello, { role: 'model', parts: [part] }] });
  const declare = (declaration: unknown): Json => ({
    contents: hello,
    tools: [{ functionDeclarations: [declaration] }],
  });
  let deep: Json = { type: 'STRING' };
  for (let depth = 0; depth < 100; depth += 1) deep = { any_of: [deep] };

  it.each<readonly [string, unknown, string]>([
    ['no object', [], 'body'],
    ['no contents', {}, 'contents'],
    ['empty contents', { contents: [] }, 'contents'],
    ['contents that are text', { contents: 'Hi' }, 'contents[0]'],
    ['an unknown role', { contents: [{ role: 'assistant', parts: [{ text: 'a' }] }] }, 'contents[0].role'],
    ['no parts', { contents: [{ role: 'user' }] }, 'contents[0].parts'],
    ['empty parts', { contents: [{ role: 'user', parts: [] }] }, 'contents[0].parts'],
    ['a part that is text', user('Hi'), 'contents[0].parts[0]'],
    ['a part without anything', user({}), 'contents[0].parts[0]'],
    ['a part that is two things', user({ text: 'a', inlineData: {} }), 'contents[0].parts[0]'],
    ['text that is no text', user({ text: 5 }), 'contents[0].parts[0].text'],
    ['data without a type', user({ inline_data: { data: 'AA' } }), 'contents[0].parts[0].inline_data.mimeType'],
    ['data without data', user({ inlineData: { mime_type: 'image/png' } }), 'contents[0].parts[0].inlineData.data'],
    ['a file without an address', user({ fileData: {} }), 'contents[0].parts[0].fileData.fileUri'],
    ['a signature that is no text', model({ text: 'a', thoughtSignature: 1 }), 'contents[1].parts[0].thoughtSignature'],
    ['a call by the user', user({ functionCall: { name: 'f' } }), 'contents[0].parts[0]'],
    ['a call without a name', model({ functionCall: {} }), 'contents[1].parts[0].functionCall.name'],
    [
      'a call whose args are no object',
      model({ functionCall: { name: 'f', args: '{}' } }),
      'contents[1].parts[0].functionCall.args',
    ],
    ['a result by the model', model({ functionResponse: { name: 'f' } }), 'contents[1].parts[0]'],
    [
      'a result that answers no call',
      user({ functionResponse: { name: 'f', response: {} } }),
      'contents[0].parts[0].functionResponse',
    ],
    [
      'a result whose response is text',
      {
        contents: [
          ...hello,
          { role: 'model', parts: [{ functionCall: { name: 'f' } }] },
          { parts: [{ functionResponse: { name: 'f', response: 'x' } }] },
        ],
      },
      'contents[2].parts[0].functionResponse.response',
    ],
    [
      'a picture as system prompt',
      { contents: hello, system_instruction: { parts: [{ inlineData: {} }] } },
      'system_instruction.parts[0]',
    ],
    [
      'a temperature that is text',
      { contents: hello, generationConfig: { temperature: 'hot' } },
      'generationConfig.temperature',
    ],
    [
      'no tokens',
      { contents: hello, generation_config: { max_output_tokens: 0 } },
      'generation_config.max_output_tokens',
    ],
    [
      'stop that is text',
      { contents: hello, generationConfig: { stopSequences: 'x' } },
      'generationConfig.stopSequences',
    ],
    [
      'a budget below -1',
      { contents: hello, generationConfig: { thinkingConfig: { thinkingBudget: -2 } } },
      'generationConfig.thinkingConfig.thinkingBudget',
    ],
    [
      'a schema that is none',
      { contents: hello, generationConfig: { responseSchema: { type: 'THING' } } },
      'generationConfig.responseSchema.type',
    ],
    [
      'a JSON schema that is none',
      { contents: hello, generationConfig: { responseJsonSchema: { properties: [] } } },
      'generationConfig.responseJsonSchema.properties',
    ],
    [
      'a mode that is a number',
      { contents: hello, toolConfig: { functionCallingConfig: { mode: 1 } } },
      'toolConfig.functionCallingConfig.mode',
    ],
    ['a function without a name', declare({}), 'tools[0].functionDeclarations[0].name'],
    [
      'parameters that are no schema',
      declare({ name: 'f', parameters: { properties: { a: { type: 'x' } } } }),
      'tools[0].functionDeclarations[0].parameters.properties.a.type',
    ],
    [
      'two schemas',
      declare({ name: 'f', parameters: {}, parametersJsonSchema: {} }),
      'tools[0].functionDeclarations[0].parametersJsonSchema',
    ],
  ])('with %s is refused', (_name, body, field) => {
    expect(() => parse(body)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ field }) }),
    );
  });

  it('with a schema of any depth is refused, not followed', () => {
    expect(() => parse(declare({ name: 'f', parameters: deep }))).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    );
  });

  it('never makes the parser throw anything else, and a good one can be folded again', () => {
    const names = [
      'text',
      'parts',
      'role',
      'contents',
      'functionCall',
      'function_response',
      'name',
      'args',
      'response',
      'thought',
      'thoughtSignature',
      'inlineData',
      'fileData',
      'tools',
      'functionDeclarations',
      'parameters',
      'type',
      'any_of',
      'generationConfig',
      'responseSchema',
      'toolConfig',
      '__proto__',
    ];
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom<unknown>('user', 'model', 'f', '', 'OBJECT', null, 1, true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, value, value, (contents, tools, generationConfig) => {
        try {
          const request = parse({ contents, tools, generationConfig });
          expect(foldRequest(unfoldRequest(request))).toEqual(request);
        } catch (error) {
          if (!(error instanceof SluiceError)) throw error;
          expect(error.code).toBe('REQUEST_INVALID');
        }
      }),
    );
  });
});
