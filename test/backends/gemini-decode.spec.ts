import { describe, expect, it } from '@jest/globals';
import { blocksOf, call, chunk, decode, ofType, signed, stop, text, thought } from '../support/gemini-chunks.ts';

type Json = Record<string, unknown>;

describe('text', () => {
  it('is one block over all chunks, between the identity and the reason', () => {
    expect(
      decode(chunk([text('Hel')], {}, { createTime: '2026-01-02T03:04:05.678Z' }), chunk([text('lo')]), stop),
    ).toEqual([
      {
        type: 'response.meta',
        responseId: 'r-1',
        model: 'gemini-x',
        created: 1_767_323_045,
        provider: 'gemini',
        role: 'assistant',
        ext: { gemini: { createTime: '2026-01-02T03:04:05.678Z' } },
      },
      { type: 'block.start', blockId: 'b0', role: 'assistant', index: 0, kind: 'text' },
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'Hel' },
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'lo' },
      { type: 'block.end', blockId: 'b0' },
      { type: 'finish', reason: { unified: 'stop', raw: 'STOP' } },
    ]);
  });

  it('with log probabilities has them by token, and as they came', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'Hi', tokenId: 7, logProbability: -0.5 }],
      topCandidates: [
        {
          candidates: [
            { token: 'Hi', logProbability: -0.5 },
            { token: 'Ho', logProbability: -2 },
          ],
        },
      ],
    };
    const [delta] = ofType(decode(chunk([text('Hi')], { logprobsResult, finishReason: 'STOP' })), 'text.delta');
    const top = (token: string, logprob: number): Json => ({ token, logprob, bytes: null });
    expect(delta?.logprobs).toEqual({
      content: [{ ...top('Hi', -0.5), top_logprobs: [top('Hi', -0.5), top('Ho', -2)] }],
      logprobsResult,
    });
  });

  it('of several candidates is told apart', () => {
    const both = JSON.stringify({
      candidates: [
        { index: 0, content: { parts: [text('a')] }, finishReason: 'STOP' },
        { index: 1, content: { parts: [text('b')] }, finishReason: 'MAX_TOKENS' },
      ],
    });
    const events = decode(both);
    expect(blocksOf(events, 1)).toEqual([['text', 'b']]);
    expect(ofType(events, 'finish')).toMatchObject([
      { reason: { unified: 'stop' } },
      { choice: 1, reason: { unified: 'length' } },
    ]);
  });
});

describe('signatures', () => {
  const cases: [string, Json[][], (readonly unknown[])[]][] = [
    [
      'of a thought',
      [[thought('a')], [thought('b', signed('s'))], [text('c')]],
      [
        ['reasoning', 'ab', 's'],
        ['text', 'c'],
      ],
    ],
    [
      'of a thought without text that follows one',
      [[thought('a'), thought('', signed('s'))], [text('c')]],
      [
        ['reasoning', 'a', 's'],
        ['text', 'c'],
      ],
    ],
    [
      'of a thought without text',
      [[thought('', signed('s')), text('c')]],
      [
        ['reasoning', '', 's'],
        ['text', 'c'],
      ],
    ],
    [
      'of a call',
      [[call('f', { a: 1 }, signed('s')), call('g', {})]],
      [
        ['reasoning', '', 's'],
        ['tool_call', 'f {"a":1}'],
        ['tool_call', 'g {}'],
      ],
    ],
    [
      'of a text after thoughts',
      [[thought('a')], [text('b', signed('s'))], [text('c')]],
      [
        ['reasoning', 'a'],
        ['reasoning', '', 's'],
        ['text', 'bc'],
      ],
    ],
    [
      'in the middle of a text',
      [[text('a')], [text('b', signed('s'))]],
      [
        ['text', 'a'],
        ['reasoning', '', 's'],
        ['text', 'b'],
      ],
    ],
    [
      'on an empty text at the end',
      [[text('a')], [text('', signed('s'))]],
      [
        ['text', 'a'],
        ['reasoning', '', 's'],
      ],
    ],
    [
      'on no part at all',
      [[text('a'), signed('s')]],
      [
        ['text', 'a'],
        ['reasoning', '', 's'],
      ],
    ],
    [
      'on an empty text before a call, which is not that of the call',
      [[text('a'), text('', signed('s'))], [call('f', {})]],
      [
        ['text', 'a'],
        ['reasoning', '', 's'],
        ['text', ''],
        ['tool_call', 'f {}'],
      ],
    ],
    [
      'on an empty text and on the call after it',
      [[text('', signed('s')), call('f', {}, signed('t'))]],
      [
        ['reasoning', '', 's'],
        ['reasoning', '', 't'],
        ['tool_call', 'f {}'],
      ],
    ],
  ];
  it.each(cases)('%s', (_name, chunks, blocks) => {
    const events = decode(...chunks.map((parts) => chunk(parts)), stop);
    expect(blocksOf(events)).toEqual(blocks);
    expect(ofType(events, 'reasoning.signature').every(({ format }) => format === 'gemini')).toBe(true);
  });

  it('of a thought without text is marked, so that it is not given to the next part', () => {
    const [start] = ofType(decode(chunk([thought('', signed('s')), call('f', {})]), stop), 'block.start');
    expect(start?.ext).toEqual({ gemini: { candidates: { content: { parts: { thought: true } } } } });
  });
});

describe('calls', () => {
  it('keep their ids, and end with tool_calls', () => {
    const events = decode(
      chunk([{ functionCall: { id: 'c1', name: 'f', args: { a: 1 } } }, call('f', { a: 2 })], { finishReason: 'STOP' }),
    );
    expect(ofType(events, 'block.start')).toMatchObject([{ name: 'f', callId: 'c1' }, { name: 'f' }]);
    expect(ofType(events, 'block.start')[1]).not.toHaveProperty('callId');
    expect(ofType(events, 'finish')).toMatchObject([{ reason: { unified: 'tool_calls', raw: 'STOP' } }]);
  });

  it('whose arguments come in pieces stream', () => {
    const events = decode(
      chunk([{ functionCall: { name: 'f', willContinue: true }, ...signed('s') }]),
      chunk([
        {
          functionCall: {
            partialArgs: [{ jsonPath: '$.city', stringValue: 'Bos', willContinue: true }],
            willContinue: true,
          },
        },
      ]),
      chunk([
        {
          functionCall: {
            partialArgs: [
              { jsonPath: '$.city', stringValue: 'ton' },
              { jsonPath: '$.n', numberValue: 2 },
            ],
            willContinue: true,
          },
        },
      ]),
      chunk([{ functionCall: {} }]),
      chunk([{ functionCall: { name: 'f', willContinue: true } }]),
      chunk([
        {
          functionCall: {
            partialArgs: [
              { jsonPath: '$.ok', boolValue: true },
              { jsonPath: '$.no', nullValue: 'NULL_VALUE' },
            ],
          },
        },
      ]),
      stop,
    );
    expect(ofType(events, 'toolArgs.delta').map(({ json }) => json)).toEqual([
      '{"city":"Bos',
      'ton","n":2',
      '}',
      '{"ok":true,"no":null}',
    ]);
    expect(blocksOf(events)).toEqual([
      ['reasoning', '', 's'],
      ['tool_call', 'f {"city":"Boston","n":2}'],
      ['tool_call', 'f {"ok":true,"no":null}'],
    ]);
  });

  it.each<[string, Json[]]>([
    ['by the end', []],
    ['by text', [text('x')]],
    ['by another call', [call('g', {})]],
  ])('that never end are completed %s', (_name, parts) => {
    const events = decode(
      chunk([
        {
          functionCall: {
            name: 'f',
            willContinue: true,
            partialArgs: [{ jsonPath: '$.a', stringValue: 'x', willContinue: true }],
          },
        },
      ]),
      chunk(parts, { finishReason: 'STOP' }),
    );
    expect(blocksOf(events)[0]).toEqual(['tool_call', 'f {"a":"x"}']);
  });

  it('may be signed by a later piece', () => {
    const events = decode(
      chunk([{ functionCall: { name: 'f', willContinue: true } }]),
      chunk([{ functionCall: { willContinue: true }, ...signed('s') }]),
      chunk([{ functionCall: {} }]),
      chunk([text('a')]),
      stop,
    );
    expect(blocksOf(events)).toEqual([
      ['tool_call', 'f {}'],
      ['reasoning', '', 's'],
      ['text', ''],
      ['text', 'a'],
    ]);
  });

  it('without arguments have an empty object', () => {
    expect(blocksOf(decode(chunk([{ functionCall: { name: 'f' } }]), stop))).toEqual([['tool_call', 'f {}']]);
  });
});

describe('media and the tools that Google runs', () => {
  it('an image comes as bytes, a file by address', () => {
    const events = decode(
      chunk([
        { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
        { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
        { fileData: { mimeType: 'video/mp4', fileUri: 'https://x.example/v' } },
      ]),
      stop,
    );
    expect(ofType(events, 'block.start').map(({ kind, mediaType }) => [kind, mediaType])).toEqual([
      ['image', 'image/png'],
      ['audio', 'audio/wav'],
      ['file', 'video/mp4'],
    ]);
    expect(ofType(events, 'media.delta')).toMatchObject([
      { base64: 'AAAA', mediaType: 'image/png' },
      { base64: 'BBBB' },
      { url: 'https://x.example/v' },
    ]);
  });

  it('that is a thought is marked', () => {
    const events = decode(chunk([{ inlineData: { mimeType: 'image/png', data: 'AAAA' }, thought: true }]), stop);
    expect(ofType(events, 'block.start')[0]?.ext).toEqual({
      gemini: { candidates: { content: { parts: { thought: true } } } },
    });
  });

  it('code and its result are a call and a result, whole, without the signature', () => {
    const code = { executableCode: { language: 'PYTHON', code: 'print(1)', id: 'e1' } };
    const result = { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1\n' } };
    const events = decode(chunk([{ ...code, ...signed('s') }, result]), stop);
    expect(ofType(events, 'block.start')).toMatchObject([
      { kind: 'reasoning' },
      { kind: 'server_tool_call', name: 'code_execution', callId: 'e1', providerExecuted: true, initial: code },
      { kind: 'server_tool_result', callId: 'e1', initial: result },
    ]);
    expect(ofType(events, 'block.start')[1]?.initial).toEqual(code);
    expect(ofType(events, 'toolArgs.delta')).toMatchObject([{ json: JSON.stringify(code.executableCode) }]);
  });

  it('a search is named by its type', () => {
    const toolCall = { toolType: 'GOOGLE_SEARCH_WEB', id: 't1', args: { queries: ['q'] } };
    const events = decode(chunk([{ toolCall }, { toolResponse: { toolType: 'GOOGLE_SEARCH_WEB', id: 't1' } }]), stop);
    expect(ofType(events, 'block.start')).toMatchObject([
      { kind: 'server_tool_call', name: 'GOOGLE_SEARCH_WEB', callId: 't1', initial: { toolCall } },
      { kind: 'server_tool_result', callId: 't1' },
    ]);
  });

  it('a part that nobody knows is a block of its own', () => {
    expect(ofType(decode(chunk([{ hologram: { a: 1 } }]), stop), 'block.start')).toMatchObject([
      { kind: 'unknown', initial: { hologram: { a: 1 } } },
    ]);
  });
});
