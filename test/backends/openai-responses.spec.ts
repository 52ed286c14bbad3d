import { describe, expect, it } from '@jest/globals';
import { foldRequest, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { openaiResponsesParser } from '../../src/parsers/openai-responses.ts';
import { chatRequest, fakeRun } from '../support/chat-run.ts';
import type { Json } from './openai-responses/frames.ts';
import { build, image, send, sent, text } from './openai-responses/requests.ts';

const parse = (body: Json): ChatRequest => openaiResponsesParser.create({}, {}).parse(body);

describe('the address', () => {
  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com', '/v1/responses'],
    ['https://api.openai.com/v1/', 'https://api.openai.com', '/v1/responses'],
    [
      'https://x.example/openai/v1?api-version=preview',
      'https://x.example',
      '/openai/v1/responses?api-version=preview',
    ],
  ])('%s', (baseUrl, origin, path) => {
    expect(build({ baseUrl }).encode(chatRequest(), fakeRun())).toMatchObject({ method: 'POST', origin, path });
  });

  it.each([
    [true, 'text/event-stream'],
    [false, 'application/json'],
  ])('a stream: %s', (stream, accept) => {
    const { headers } = build({ headers: { 'X-Team': 'a' } }).encode(chatRequest({ stream }), fakeRun());
    expect(headers).toMatchObject({ accept, 'content-type': 'application/json', 'x-team': 'a' });
  });
});

const untouched: readonly (readonly [string, Json])[] = [
  ['a string', { input: 'Hi' }],
  ['a message', { input: [{ role: 'user', content: 'Hi' }], stream: false }],
  [
    'typed messages',
    { input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }], stream: true },
  ],
  ['instructions', { instructions: 'Be brief.', input: 'Hi' }],
  ['no instructions', { instructions: null, input: 'Hi', tools: [], metadata: {} }],
  [
    'system and developer messages',
    {
      instructions: 'a',
      input: [
        { role: 'system', content: 'b' },
        { role: 'developer', content: [{ type: 'input_text', text: 'c' }] },
        { role: 'user', content: 'd' },
        { role: 'system', content: 'e' },
      ],
    },
  ],
  [
    'media',
    {
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_image', image_url: image, detail: 'low' },
            { type: 'input_image', image_url: 'https://a.example/a.png', detail: 'auto', file_id: null },
            { type: 'input_image', file_id: 'file_1' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
            { type: 'input_file', file_url: 'https://a.example/a.pdf' },
            { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
            { type: 'input_novel', thing: 1 },
          ],
        },
      ],
    },
  ],
  [
    'a whole turn',
    {
      input: [
        { role: 'user', content: 'Hi' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [
            { type: 'summary_text', text: 'a' },
            { type: 'summary_text', text: 'b' },
          ],
          encrypted_content: 'xyz',
          status: 'completed',
        },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          phase: 'commentary',
          content: [
            {
              type: 'output_text',
              text: 'x',
              annotations: [{ type: 'file_path', file_id: 'f', index: 1 }],
              logprobs: [],
            },
            { type: 'refusal', refusal: 'no' },
          ],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'look', arguments: '{"a": 1}', status: 'completed' },
        { type: 'function_call', call_id: 'c2', name: 'look', arguments: '' },
        { type: 'custom_tool_call', id: 'ct_1', call_id: 'c3', name: 'exec', input: 'ls' },
        { type: 'function_call_output', call_id: 'c1', output: '1' },
        {
          type: 'function_call_output',
          call_id: 'c2',
          output: [
            { type: 'input_text', text: '2' },
            { type: 'input_image', image_url: image },
          ],
        },
        { type: 'custom_tool_call_output', id: 'o', call_id: 'c3', output: 'ok' },
        { role: 'assistant', content: 'done' },
      ],
    },
  ],
  [
    'reasoning by its id, and as it is',
    {
      input: [
        { role: 'user', content: 'Hi' },
        { type: 'reasoning', id: 'rs_1', summary: [] },
        {
          type: 'reasoning',
          id: 'rs_2',
          summary: [],
          content: [{ type: 'reasoning_text', text: 'hm' }],
          encrypted_content: null,
        },
        { type: 'reasoning', id: 'rs_3', encrypted_content: 'x', summary: [] },
        { type: 'reasoning', id: 'rs_4', encrypted_content: 'y', summary: [] },
      ],
    },
  ],
  [
    'items of built-in tools',
    {
      input: [
        { role: 'user', content: 'Hi' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
        { type: 'item_reference', id: 'msg_9' },
        {
          type: 'local_shell_call',
          id: 'l',
          call_id: 'c',
          action: { type: 'exec', command: ['ls'], env: {} },
          status: 'completed',
        },
        { type: 'local_shell_call_output', id: 'lo', call_id: 'c', output: '{}' },
        { type: 'compaction', id: 'cm', encrypted_content: 'x' },
        { type: 'mcp_approval_response', approval_request_id: 'a', approve: true },
      ],
    },
  ],
  [
    'tools',
    {
      input: 'Hi',
      tools: [
        { type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' }, strict: true },
        { type: 'function', name: 'find', parameters: null, strict: null, defer_loading: true },
        { type: 'custom', name: 'exec', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
        { type: 'web_search', user_location: { type: 'approximate', country: 'NO' } },
        { type: 'mcp', server_label: 's', server_url: 'https://a.example' },
      ],
      tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'look' }] },
      parallel_tool_calls: false,
    },
  ],
  [
    'a tool of its own by choice',
    { input: 'Hi', tool_choice: { type: 'web_search' }, tools: [{ type: 'web_search' }] },
  ],
  [
    'settings',
    {
      input: 'Hi',
      max_output_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'low', summary: 'detailed' },
      user: 'u',
      safety_identifier: 's',
      metadata: { a: 'b' },
      store: true,
      include: ['web_search_call.action.sources'],
      truncation: 'auto',
      service_tier: 'flex',
      prompt_cache_key: 'k',
      background: false,
      novel: { a: [1] },
    },
  ],
  [
    'one that goes on',
    { previous_response_id: 'resp_1', input: [{ type: 'function_call_output', call_id: 'c', output: '' }] },
  ],
  ['one without input', { conversation: 'conv_1' }],
];

describe('a request of the format', () => {
  it.each(untouched)('%s: goes out as it came', (_title, body) => {
    const { body: written, lost } = send(parse(body));
    expect(written).toEqual({ ...body, model: 'm-1' });
    expect(lost).toEqual([]);
  });

  it.each(untouched)('%s: survives the events of processors', (_title, body) => {
    expect(sent(foldRequest(unfoldRequest(parse(body))))).toEqual({ ...body, model: 'm-1' });
  });

  it('says what a processor changed', () => {
    const request = parse({ instructions: 'a', input: 'Hi', text: { verbosity: 'low' }, max_output_tokens: 5 });
    const changed: ChatRequest = {
      ...request,
      settings: { ...request.settings, maxOutputTokens: 50, responseFormat: { type: 'json' } },
      messages: [
        { role: 'system', content: [text('first')] },
        ...request.messages.map((message) => ({
          ...message,
          content: message.content.map((block) => ({ ...block, text: `${block.text}!` })),
        })),
      ],
    };
    expect(sent(changed)).toEqual({
      model: 'm-1',
      instructions: 'first\n\na!',
      input: 'Hi!',
      max_output_tokens: 50,
      text: { verbosity: 'low', format: { type: 'json_object' } },
    });
  });

  it('does not send reasoning that another provider made', () => {
    const input = [
      { role: 'user', content: 'Hi' },
      {
        type: 'reasoning',
        id: 'r',
        summary: [{ type: 'summary_text', text: 'a' }],
        encrypted_content: 'sluice1.anthropic-messages.s.eHl6',
      },
      { role: 'assistant', content: 'Ho' },
    ];
    const { body, lost } = send(parse({ input }));
    expect(body['input']).toEqual([input[0], input[2]]);
    expect(lost).toEqual(['request.reasoning']);
  });
});

describe('errors of the provider', () => {
  it('are known by status and by words', () => {
    const body = '{"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found"}}';
    const error = build().decodeError({ status: 400, headers: {} }, body);
    expect(error).toMatchObject({ code: 'UPSTREAM_REJECTED', status: 400 });
  });
});
