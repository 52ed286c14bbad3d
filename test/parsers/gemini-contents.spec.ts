import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ChatRequest } from '../../src/kernel/request.ts';
import { geminiParser } from '../../src/parsers/gemini.ts';

type Json = Record<string, unknown>;
const parse = (body: unknown): ChatRequest => geminiParser.create({}, {}).parse(body);
const hello = [{ role: 'user', parts: [{ text: 'Hi' }] }];
const blocksOf = (parts: readonly unknown[], role = 'user'): unknown =>
  parse({ contents: [...(role === 'user' ? [] : hello), { role, parts }] }).messages.at(-1)?.content;

describe('parts', () => {
  it.each<readonly [string, Json, readonly unknown[]]>([
    ['text', { text: 'a' }, [{ kind: 'text', text: 'a' }]],
    [
      'text with further fields',
      { text: 'a', partMetadata: { x: 1 } },
      [{ kind: 'text', text: 'a', ext: { gemini: { partMetadata: { x: 1 } } } }],
    ],
    [
      'a thought',
      { text: 'hm', thought: true, thoughtSignature: 's' },
      [{ kind: 'reasoning', text: 'hm', signature: { value: 's', format: 'gemini' } }],
    ],
    [
      'a thought without text',
      { text: '', thought: true, thoughtSignature: 's' },
      [{ kind: 'reasoning', signature: { value: 's', format: 'gemini' }, ext: { gemini: { thought: true } } }],
    ],
    [
      'text with a signature',
      { text: 'a', thoughtSignature: 's' },
      [
        { kind: 'reasoning', signature: { value: 's', format: 'gemini' } },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'a signature alone',
      { text: '', thoughtSignature: 's' },
      [{ kind: 'reasoning', signature: { value: 's', format: 'gemini' } }],
    ],
    [
      'a signature without any text',
      { thoughtSignature: 's' },
      [{ kind: 'reasoning', signature: { value: 's', format: 'gemini' } }],
    ],
    [
      'a call with a signature of another provider',
      { functionCall: { name: 'f', args: { a: 1 }, id: 'x' }, thoughtSignature: 'sluice1.anthropic-messages.s.U0lH' },
      [
        { kind: 'reasoning', signature: { value: 'SIG', format: 'anthropic-messages' } },
        {
          kind: 'tool_call',
          name: 'f',
          callId: 'x',
          arguments: '{"a":1}',
          ext: { gemini: { functionCall: { id: 'x' } } },
        },
      ],
    ],
    [
      'encrypted reasoning of another provider',
      { text: '', thought: true, thoughtSignature: 'sluice1.anthropic-messages.e.U0lH' },
      [
        {
          kind: 'reasoning_redacted',
          signature: { value: 'SIG', format: 'anthropic-messages', encrypted: true },
          ext: { gemini: { thought: true } },
        },
      ],
    ],
    [
      'code that Google ran',
      { executableCode: { language: 'PYTHON', code: '1' }, thoughtSignature: 's' },
      [
        { kind: 'reasoning', signature: { value: 's', format: 'gemini' } },
        {
          kind: 'server_tool_call',
          name: 'code_execution',
          initial: { executableCode: { language: 'PYTHON', code: '1' } },
        },
      ],
    ],
    [
      'its result',
      { codeExecutionResult: { outcome: 'OUTCOME_OK' } },
      [
        {
          kind: 'server_tool_result',
          name: 'code_execution',
          initial: { codeExecutionResult: { outcome: 'OUTCOME_OK' } },
        },
      ],
    ],
    [
      'a call of a tool of Google',
      { toolCall: { id: 't', toolType: 'GOOGLE_SEARCH_WEB' } },
      [
        {
          kind: 'server_tool_call',
          name: 'GOOGLE_SEARCH_WEB',
          callId: 't',
          initial: { toolCall: { id: 't', toolType: 'GOOGLE_SEARCH_WEB' } },
        },
      ],
    ],
    [
      'a kind that nobody knows',
      { hologram: { a: 1 } },
      [{ kind: 'unknown', initial: { hologram: { a: 1 } }, place: 'contents[1].parts[0]' }],
    ],
    [
      'a thought that is a picture',
      { inlineData: { mimeType: 'image/png', data: 'AA' }, thought: true },
      [
        {
          kind: 'image',
          mediaType: 'image/png',
          base64: 'AA',
          place: 'contents[1].parts[0]',
          ext: { gemini: { thought: true } },
        },
      ],
    ],
  ])('of the model: %s', (_name, part, expected) => {
    expect(blocksOf([part], 'model')).toEqual(expected);
  });

  it.each<readonly [Json, Json]>([
    [
      { inlineData: { mimeType: 'image/png', data: 'AA', displayName: 'a.png' } },
      { kind: 'image', name: 'a.png', mediaType: 'image/png', base64: 'AA' },
    ],
    [{ inlineData: { mimeType: 'audio/wav', data: 'AA' } }, { kind: 'audio', mediaType: 'audio/wav', base64: 'AA' }],
    [
      { inlineData: { mimeType: 'application/pdf', data: 'AA' } },
      { kind: 'file', mediaType: 'application/pdf', base64: 'AA' },
    ],
    [
      { fileData: { fileUri: 'https://example.com/a.png', mimeType: 'image/png' } },
      { kind: 'image', mediaType: 'image/png', url: 'https://example.com/a.png' },
    ],
    [
      { fileData: { fileUri: 'https://youtu.be/x' }, videoMetadata: { fps: 1 } },
      { kind: 'file', url: 'https://youtu.be/x', ext: { gemini: { videoMetadata: { fps: 1 } } } },
    ],
    [
      { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1' } },
      { kind: 'file', fileId: 'https://generativelanguage.googleapis.com/v1beta/files/1' },
    ],
    [
      { fileData: { fileUri: 'gs://bucket/a.wav', mimeType: 'audio/wav' } },
      { kind: 'audio', mediaType: 'audio/wav', fileId: 'gs://bucket/a.wav' },
    ],
  ])('of the user: %j', (part, expected) => {
    expect(blocksOf([part])).toEqual([{ ...expected, place: 'contents[0].parts[0]' }]);
  });
});

describe('calls and their results', () => {
  const call = (name: string, id?: string) => ({ functionCall: { name, args: {}, ...(id !== undefined && { id }) } });
  const result = (name: string, output: string, id?: string) => ({
    functionResponse: { name, response: { output }, ...(id !== undefined && { id }) },
  });
  const answers = (calls: readonly unknown[], results: readonly unknown[]): unknown =>
    parse({ contents: [...hello, { role: 'model', parts: calls }, { role: 'user', parts: results }] })
      .messages.filter(({ role }) => role === 'tool')
      .map(({ callId, content }) => [callId, content[0]?.text]);

  it.each<readonly [string, readonly unknown[], readonly unknown[], unknown]>([
    [
      'by id',
      [call('f', 'a'), call('f', 'b')],
      [result('f', '2', 'b'), result('f', '1', 'a')],
      [
        ['b', '2'],
        ['a', '1'],
      ],
    ],
    [
      'by name, the earliest first',
      [call('f'), call('g'), call('f')],
      [result('g', 'g'), result('f', '1'), result('f', '2')],
      [
        ['call_2', 'g'],
        ['call_1', '1'],
        ['call_3', '2'],
      ],
    ],
    [
      'by name where the client invented an id',
      [call('f'), call('g')],
      [result('g', 'g', 'x'), result('f', 'f', 'y')],
      [
        ['call_2', 'g'],
        ['call_1', 'f'],
      ],
    ],
    [
      'with ids that no client took',
      [call('f'), call('f', 'call_1')],
      [result('f', '2', 'call_1'), result('f', '1')],
      [
        ['call_1', '2'],
        ['call_2', '1'],
      ],
    ],
  ])('are matched %s', (_name, calls, results, expected) => {
    expect(answers(calls, results)).toEqual(expected);
  });

  it('of a turn are one message each, in the order in which they stood', () => {
    const parts = [result('f', '1'), { text: 'and' }, result('g', '2')];
    const { messages } = parse({
      contents: [...hello, { role: 'model', parts: [call('f'), call('g')] }, { role: 'function', parts }],
    });
    expect(messages.slice(2)).toEqual([
      {
        role: 'tool',
        callId: 'call_1',
        content: [{ kind: 'text', text: '1' }],
        place: 'contents[2].parts[0]',
        ext: { gemini: { contents: 2, role: 'function' } },
      },
      { role: 'user', content: [{ kind: 'text', text: 'and' }], ext: { gemini: { contents: 2, role: 'function' } } },
      {
        role: 'tool',
        callId: 'call_2',
        content: [{ kind: 'text', text: '2' }],
        place: 'contents[2].parts[2]',
        ext: { gemini: { contents: 2, role: 'function' } },
      },
    ]);
  });

  it.each<readonly [Json, Json]>([
    [{ response: { error: 'no' } }, { isError: true, content: [{ kind: 'text', text: 'no' }] }],
    [{ response: { temperature: 5 } }, { content: [{ kind: 'text', text: '{"temperature":5}' }] }],
    [{}, { content: [{ kind: 'text', text: '{}' }] }],
    [
      { response: { output: 'ok' }, willContinue: true, scheduling: 'SILENT' },
      { ext: { gemini: { contents: 2, functionResponse: { willContinue: true, scheduling: 'SILENT' } } } },
    ],
    [
      { response: { output: 'ok' }, parts: [{ inlineData: { mimeType: 'image/png', data: 'AA' } }] },
      {
        content: [
          { kind: 'text', text: 'ok' },
          {
            kind: 'image',
            mediaType: 'image/png',
            base64: 'AA',
            place: 'contents[2].parts[0].functionResponse.parts[0]',
          },
        ],
      },
    ],
  ])('can be %j', (fields, expected) => {
    const contents = [
      ...hello,
      { role: 'model', parts: [call('f')] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', ...fields } }] },
    ];
    expect(parse({ contents }).messages.at(-1)).toMatchObject(expected);
  });
});

describe('a streamed answer that a client sends back chunk by chunk', () => {
  const back = (...chunks: readonly Json[][]): unknown =>
    parse({ contents: [...hello, ...chunks.map((parts) => ({ role: 'model', parts })), ...hello] }).messages.slice(
      1,
      -1,
    );

  it('is one message, and its text one text', () => {
    expect(back([{ text: 'Hel' }], [{ text: 'lo' }], [{ text: '' }])).toEqual([
      { role: 'assistant', content: [{ kind: 'text', text: 'Hello' }], ext: { gemini: { contents: 1 } } },
    ]);
  });

  it('has the signature that another provider gave at the end of a thought', () => {
    const signature = 'sluice1.anthropic-messages.s.U0lH';
    const chunks = [
      [{ text: 'Let me ', thought: true }],
      [{ text: 'see', thought: true }],
      [{ text: '', thought: true, thoughtSignature: signature }],
      [{ functionCall: { name: 'f', args: {} } }],
      [{ text: '' }],
    ];
    expect(back(...chunks)).toMatchObject([
      {
        content: [
          { kind: 'reasoning', text: 'Let me see', signature: { value: 'SIG', format: 'anthropic-messages' } },
          { kind: 'tool_call', name: 'f' },
        ],
      },
    ]);
  });

  it('keeps apart what has a signature of Gemini', () => {
    expect(back([{ text: 'a' }], [{ text: 'b', thoughtSignature: 's' }], [{ text: 'c' }])).toMatchObject([
      { content: [{ text: 'a' }, { signature: { value: 's' } }, { text: 'b' }, { text: 'c' }] },
    ]);
  });

  it('is the same message however its text was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }), (pieces) => {
        expect(back(...pieces.map((text) => [{ text }]))).toEqual(back([{ text: pieces.join('') }]));
      }),
    );
  });
});
