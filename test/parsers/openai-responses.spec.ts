import { describe, expect, it } from '@jest/globals';
import { wrapSignature } from '../../src/kernel/dialects/signature-envelope.ts';
import { openaiResponsesParser } from '../../src/parsers/openai-responses.ts';

type Json = Record<string, unknown>;
const parse = (body: unknown) => openaiResponsesParser.create({}, {}).parse(body);
const own = (fields: Json) => ({ ext: { 'openai-responses': fields } });
const messagesOf = (input: unknown, more: Json = {}) => parse({ input, ...more }).messages;
const call = (id: string, name = 'f') => ({ type: 'function_call', call_id: id, name, arguments: '{}' });

describe('a request', () => {
  it.each(openaiResponsesParser.examples.map(({ title, body }) => [title, body] as const))('%s', (_title, body) => {
    expect(parse(body)).toMatchObject({ dialect: 'openai-responses' });
  });

  it('has unified settings, and everything else in ext', () => {
    const body = {
      model: 'm',
      input: 'Hi',
      instructions: 'Be brief.',
      stream: true,
      max_output_tokens: 5,
      temperature: 1.5,
      reasoning: { effort: 'low' },
      text: { verbosity: 'low' },
      previous_response_id: 'resp_0',
      store: false,
      include: ['reasoning.encrypted_content'],
      background: null,
      metadata: { a: 'b' },
      brand_new: 1,
    };
    expect(parse(body)).toEqual({
      dialect: 'openai-responses',
      model: 'm',
      stream: true,
      params: {},
      tools: [],
      metadata: { a: 'b' },
      settings: { maxOutputTokens: 5, temperature: 1.5, reasoningEffort: 'low', includeUsage: true },
      messages: [
        { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }], ...own({ instructions: true }) },
        { role: 'user', content: [{ kind: 'text', text: 'Hi' }] },
      ],
      ...own({
        input: '',
        text: { verbosity: 'low' },
        previous_response_id: 'resp_0',
        store: false,
        include: ['reasoning.encrypted_content'],
        background: null,
        brand_new: 1,
      }),
    });
  });

  it('is not streamed unless it says so, and keeps how it said it', () => {
    expect(parse({ input: 'x' }).stream).toBe(false);
    expect(parse({ input: 'x', stream: false, instructions: null, tools: [], metadata: null }).ext).toEqual({
      'openai-responses': { input: '', stream: false, instructions: null, tools: [], metadata: null },
    });
  });

  it.each([['previous_response_id'], ['conversation'], ['prompt']])('that goes on from %s needs no input', (field) => {
    expect(parse({ [field]: 'x' }).messages).toEqual([]);
  });

  it('documents all fields that it reads', () => {
    const { fields } = openaiResponsesParser;
    for (const name of ['input', 'instructions', 'text', 'reasoning', 'store', 'prompt', 'tools'])
      expect(fields?.has(name)).toBe(true);
  });
});

describe('messages', () => {
  it('in the easy form have no marks', () => {
    expect(
      messagesOf([
        { role: 'developer', content: 'D' },
        { role: 'user', content: 'U' },
      ]),
    ).toEqual([
      { role: 'developer', content: [{ kind: 'text', text: 'D' }] },
      { role: 'user', content: [{ kind: 'text', text: 'U' }] },
    ]);
  });

  it('have parts of all kinds', () => {
    const content = [
      { type: 'input_text', text: 'What?', prompt_cache_breakpoint: { mode: 'explicit' } },
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
      { type: 'input_image', image_url: 'https://example.com/a.png', file_id: null },
      { type: 'input_image', file_id: 'file_1' },
      { type: 'input_file', file_data: 'data:application/pdf;base64,BBBB', filename: 'a.pdf' },
      { type: 'input_file', file_url: 'https://example.com/a.pdf' },
      { type: 'input_audio', input_audio: { data: 'CCCC', format: 'mp3' } },
      { type: 'hologram', beam: 1 },
    ];
    const part = (fields: Json) => own({ part: fields });
    expect(messagesOf([{ type: 'message', role: 'user', status: 'completed', content }])).toEqual([
      {
        role: 'user',
        content: [
          {
            kind: 'text',
            text: 'What?',
            cache: {},
            ...part({ type: 'input_text', prompt_cache_breakpoint: { mode: 'explicit' } }),
          },
          {
            kind: 'image',
            mediaType: 'image/png',
            base64: 'AAAA',
            place: 'input[0].content[1]',
            ...part({ type: 'input_image', detail: 'low' }),
          },
          {
            kind: 'image',
            url: 'https://example.com/a.png',
            place: 'input[0].content[2]',
            ...part({ type: 'input_image', file_id: null }),
          },
          { kind: 'image', fileId: 'file_1', place: 'input[0].content[3]', ...part({ type: 'input_image' }) },
          {
            kind: 'file',
            name: 'a.pdf',
            mediaType: 'application/pdf',
            base64: 'BBBB',
            place: 'input[0].content[4]',
            ...part({ type: 'input_file' }),
          },
          {
            kind: 'file',
            url: 'https://example.com/a.pdf',
            place: 'input[0].content[5]',
            ...part({ type: 'input_file' }),
          },
          {
            kind: 'audio',
            mediaType: 'audio/mpeg',
            base64: 'CCCC',
            place: 'input[0].content[6]',
            ...part({ type: 'input_audio' }),
          },
          { kind: 'unknown', initial: { type: 'hologram', beam: 1 }, place: 'input[0].content[7]' },
        ],
        ...own({ item: { type: 'message', status: 'completed' } }),
      },
    ]);
  });

  it('of the assistant in a row are one message, and each item is marked', () => {
    const annotation = { type: 'url_citation', url: 'https://example.com', title: 't', start_index: 0, end_index: 1 };
    const [message, ...others] = messagesOf([
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'S' }], encrypted_content: 'E' },
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [
          { type: 'output_text', text: 'A', annotations: [annotation] },
          { type: 'refusal', refusal: 'R' },
        ],
      },
      { role: 'assistant', content: 'B' },
      { ...call('call_1'), id: 'fc_1', status: 'completed' },
      { type: 'custom_tool_call', call_id: 'call_2', name: 'sql', input: 'select 1' },
    ]);
    expect(others).toEqual([]);
    expect(message).toEqual({
      role: 'assistant',
      content: [
        {
          kind: 'reasoning_summary',
          text: 'S',
          signature: { value: 'E', format: 'openai-responses', encrypted: true },
          ...own({ item: { id: 'rs_1' }, part: { type: 'summary_text' } }),
        },
        {
          kind: 'text',
          text: 'A',
          annotations: [annotation],
          ...own({ item: { type: 'message', id: 'msg_1', status: 'completed' }, part: { type: 'output_text' } }),
        },
        { kind: 'refusal', text: 'R', ...own({ part: { type: 'refusal' } }) },
        { kind: 'text', text: 'B', ...own({ item: {} }) },
        {
          kind: 'tool_call',
          name: 'f',
          callId: 'call_1',
          arguments: '{}',
          place: 'input[3]',
          ...own({ item: { id: 'fc_1', status: 'completed' } }),
        },
        {
          kind: 'custom_tool_call',
          name: 'sql',
          callId: 'call_2',
          arguments: 'select 1',
          place: 'input[4]',
          ...own({ item: {} }),
        },
      ],
    });
  });

  it('with results of tools', () => {
    const output = [
      { type: 'input_text', text: 'see' },
      { type: 'input_image', image_url: 'https://example.com/a.png' },
    ];
    const [, first, second, third] = messagesOf([
      call('a'),
      { type: 'custom_tool_call', call_id: 'b', name: 'g', input: '' },
      { type: 'function_call_output', call_id: 'a', output: 'four' },
      { type: 'function_call_output', call_id: 'a', output, id: 'fco_1' },
      { type: 'custom_tool_call_output', call_id: 'b', output: [] },
    ]);
    expect(first).toEqual({ role: 'tool', callId: 'a', content: [{ kind: 'text', text: 'four' }], place: 'input[2]' });
    expect(second).toMatchObject({
      role: 'tool',
      callId: 'a',
      content: [
        { kind: 'text', text: 'see' },
        { kind: 'image', url: 'https://example.com/a.png', place: 'input[3].output[1]' },
      ],
      ...own({ item: { id: 'fco_1' } }),
    });
    expect(third).toEqual({
      role: 'tool',
      callId: 'b',
      content: [],
      place: 'input[4]',
      ...own({ item: { type: 'custom_tool_call_output', output: [] } }),
    });
  });
});

describe('reasoning', () => {
  const blocksOf = (item: Json) => messagesOf([{ type: 'reasoning', ...item }])[0]?.content;

  it('without text is redacted', () => {
    expect(blocksOf({ id: 'rs_1', summary: [], encrypted_content: 'E' })).toEqual([
      {
        kind: 'reasoning_redacted',
        signature: { value: 'E', format: 'openai-responses', encrypted: true },
        ...own({ item: { id: 'rs_1', summary: [] } }),
      },
    ]);
    expect(blocksOf({ id: 'rs_1', summary: [], encrypted_content: null })).toEqual([
      { kind: 'reasoning_redacted', ...own({ item: { id: 'rs_1', summary: [], encrypted_content: null } }) },
    ]);
  });

  it('has its proof on the last of several texts', () => {
    const blocks = blocksOf({
      summary: [{ type: 'summary_text', text: 'S' }],
      content: [{ type: 'reasoning_text', text: 'T' }],
      encrypted_content: 'E',
    });
    expect(blocks?.map(({ kind, text, signature }) => [kind, text, signature?.value])).toEqual([
      ['reasoning_summary', 'S', undefined],
      ['reasoning', 'T', 'E'],
    ]);
  });

  it.each([
    ['with text', [{ type: 'summary_text', text: 'T' }], { value: 'sig', format: 'anthropic-messages' }, 'reasoning'],
    ['without text', [], { value: 'sig', format: 'gemini' }, 'reasoning'],
    ['that is redacted', [], { value: 'x', format: 'anthropic-messages', encrypted: true }, 'reasoning_redacted'],
  ] as const)('of another provider %s comes out of its envelope', (_name, summary, signature, kind) => {
    const [block] = blocksOf({ summary, encrypted_content: wrapSignature(signature, 'openai-responses') }) ?? [];
    expect(block).toMatchObject({ kind, signature });
  });
});

describe('items without a form here', () => {
  it.each([
    [{ type: 'item_reference', id: 'msg_1' }, 'assistant', { kind: 'unknown' }],
    [{ id: 'msg_1' }, 'assistant', { kind: 'unknown' }],
    [
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      'assistant',
      { kind: 'server_tool_call', name: 'web_search', callId: 'ws_1' },
    ],
    [{ type: 'mcp_call', id: 'm', name: 'ask' }, 'assistant', { kind: 'server_tool_call', name: 'ask', callId: 'm' }],
    [{ type: 'compaction', encrypted_content: 'E' }, 'assistant', { kind: 'compaction' }],
    [{ type: 'computer_call_output', call_id: 'c', output: {} }, 'tool', { kind: 'unknown' }],
    [{ type: 'mcp_approval_response', approval_request_id: 'a', approve: true }, 'tool', { kind: 'unknown' }],
    [{ type: 'configuration_update' }, 'user', { kind: 'unknown' }],
  ] as const)('%j stay whole', (item, role, block) => {
    expect(messagesOf([item])).toMatchObject([{ role, content: [{ ...block, initial: item }] }]);
  });
});

describe('tools', () => {
  it('that are functions are flat; all others are kept', () => {
    const parameters = { type: 'object' };
    const custom = { type: 'custom', name: 'sql', description: 'd', format: { type: 'text' } };
    const tools = [
      { type: 'function', name: 'f', description: null, parameters, strict: true, defer_loading: true },
      { type: 'function', name: 'g', parameters: null, strict: null },
      custom,
      { type: 'web_search', search_context_size: 'low' },
    ];
    expect(parse({ input: 'x', tools }).tools).toMatchObject([
      { name: 'f', parameters, strict: true, ...own({ description: null, defer_loading: true }) },
      { name: 'g', ...own({ parameters: null, strict: null }) },
      { name: 'sql', description: 'd', ...own(custom) },
      { name: 'web_search', ...own({ type: 'web_search', search_context_size: 'low' }) },
    ]);
  });
});
