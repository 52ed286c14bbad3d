import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cohereBackend } from '../../src/backends/cohere.ts';
import type { Backend } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { ChatRequest, ChatSettings, ContentBlock } from '../../src/kernel/request.ts';
import { chatRequest } from '../support/chat-run.ts';
import { chatRequests } from '../support/chat-requests.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

type Json = Record<string, unknown>;

const build = (config: Json = {}): Backend =>
  cohereBackend.create(
    { baseUrl: 'https://api.cohere.com', model: 'command-a', ...config },
    { clock: new TestClock() },
  );

function send(fields: Partial<ChatRequest> = {}): { body: Json; lost: readonly string[] } {
  const { run, lost } = testRun();
  return { body: JSON.parse(build().encode(chatRequest(fields), run).body) as Json, lost };
}

const png = 'iVBORw0KGgo=';
const text: ContentBlock = { kind: 'text', text: 'Hi' };
const image: ContentBlock = { kind: 'image', base64: png, mediaType: 'image/png' };
const user = (...content: ContentBlock[]): Partial<ChatRequest> => ({ messages: [{ role: 'user', content }] });
const assistant = (...content: ContentBlock[]): Partial<ChatRequest> => ({
  messages: [{ role: 'assistant', content }],
});

describe('the request', () => {
  it('goes to /v2/chat below the base URL, with the headers of the definition', () => {
    const { run } = testRun();
    const backend = build({ baseUrl: 'https://host.example/cohere/?a=1', headers: { 'X-Client-Name': 'care' } });
    expect(backend.encode(chatRequest(), run)).toMatchObject({
      method: 'POST',
      origin: 'https://host.example',
      path: '/cohere/v2/chat?a=1',
      headers: { 'x-client-name': 'care', 'content-type': 'application/json', accept: 'text/event-stream' },
    });
    expect(build().encode(chatRequest({ stream: false }), run).headers['accept']).toBe('application/json');
  });

  it('says a whole conversation', () => {
    const { body, lost } = send({
      model: 'theirs',
      settings: {
        maxOutputTokens: 10,
        temperature: 0.5,
        topP: 0.5,
        topK: 5,
        stop: ['x'],
        seed: 1,
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        responseFormat: { type: 'json_schema', name: 'n', schema: { type: 'object' } },
        reasoningBudget: 500,
      },
      tools: [{ name: 'f', description: 'F', parameters: { type: 'object' }, strict: true }],
      messages: [
        { role: 'developer', content: [{ kind: 'text', text: 'Rules' }] },
        { role: 'user', content: [text, image, { kind: 'image', url: 'https://e.example/a.png' }] },
        {
          role: 'assistant',
          content: [
            { kind: 'reasoning', text: 'I will call f.' },
            { kind: 'tool_call', name: 'f', callId: 'c1', arguments: '{"a":1}' },
            { kind: 'tool_call', name: 'f', callId: 'c2', arguments: '' },
          ],
        },
        { role: 'tool', callId: 'c1', name: 'f', content: [{ kind: 'text', text: '5' }] },
        { role: 'tool', callId: 'c2', content: [text, text] },
        { role: 'assistant', content: [{ kind: 'reasoning', text: 'Hm.' }, text] },
        { role: 'user', content: [text] },
      ],
    });
    expect(lost).toEqual([]);
    expect(body).toEqual({
      model: 'command-a',
      messages: [
        { role: 'system', content: 'Rules' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
            { type: 'image_url', image_url: { url: 'https://e.example/a.png' } },
          ],
        },
        {
          role: 'assistant',
          tool_plan: 'I will call f.',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
            { id: 'c2', type: 'function', function: { name: 'f', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: '5' },
        {
          role: 'tool',
          tool_call_id: 'c2',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'text', text: 'Hi' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.' },
            { type: 'text', text: 'Hi' },
          ],
        },
        { role: 'user', content: 'Hi' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'F', parameters: { type: 'object' } } }],
      strict_tools: true,
      max_tokens: 10,
      temperature: 0.5,
      p: 0.5,
      k: 5,
      stop_sequences: ['x'],
      seed: 1,
      frequency_penalty: 0.2,
      presence_penalty: 0.1,
      response_format: { type: 'json_object', json_schema: { type: 'object' } },
      thinking: { type: 'enabled', token_budget: 500 },
      stream: true,
    });
  });

  it.each<readonly [ChatSettings, Json, readonly string[]]>([
    [{}, {}, []],
    [{ temperature: 1.5 }, { temperature: 1 }, ['request.temperature']],
    [{ topP: 1 }, { p: 0.99 }, ['request.top_p']],
    [{ topP: 0 }, { p: 0.01 }, ['request.top_p']],
    [{ topK: 900 }, { k: 500 }, ['request.top_k']],
    [{ presencePenalty: 2 }, { presence_penalty: 1 }, ['request.presence_penalty']],
    [{ frequencyPenalty: -1 }, {}, ['request.frequency_penalty']],
    [{ seed: -1 }, {}, ['request.seed']],
    [{ stop: [] }, {}, []],
    [{ stop: ['1', '2', '3', '4', '5', '6'] }, { stop_sequences: ['1', '2', '3', '4', '5'] }, ['request.stop']],
    [{ responseFormat: { type: 'text' } }, { response_format: { type: 'text' } }, []],
    [{ responseFormat: { type: 'json' } }, { response_format: { type: 'json_object' } }, []],
    [{ showReasoning: true }, { thinking: { type: 'enabled' } }, []],
    [{ reasoningEffort: 'none' }, { thinking: { type: 'disabled' } }, []],
    [{ reasoningBudget: 0 }, { thinking: { type: 'disabled' } }, []],
    [{ reasoningEffort: 'low' }, { thinking: { type: 'enabled', token_budget: 2_048 } }, []],
    [{ reasoningEffort: 'xhigh' }, { thinking: { type: 'enabled', token_budget: 31_000 } }, []],
    [{ reasoningEffort: 'turbo' }, { thinking: { type: 'enabled' } }, ['request.reasoning_effort']],
    [{ choices: 2 }, {}, ['request.choices']],
    [{ parallelToolCalls: false }, {}, ['request.parallel_tool_calls']],
    [{ user: 'u' }, {}, ['request.user']],
  ])('with the settings %j', (settings, fields, lost) => {
    const sent = send({ settings });
    const { model: _model, messages: _messages, stream: _stream, ...rest } = sent.body;
    expect(rest).toEqual(fields);
    expect(sent.lost).toEqual(lost);
  });

  const f = { name: 'f', parameters: {} };
  const g = { name: 'g', parameters: {} };
  it.each<readonly [NonNullable<ChatSettings['toolChoice']>, readonly string[], string | undefined]>([
    ['auto', ['f', 'g'], undefined],
    ['none', ['f', 'g'], 'NONE'],
    ['required', ['f', 'g'], 'REQUIRED'],
    [{ name: 'g' }, ['g'], 'REQUIRED'],
    [{ allowed: ['f'], mode: 'auto' }, ['f'], undefined],
    [{ allowed: ['f'], mode: 'required' }, ['f'], 'REQUIRED'],
  ])('lets the model choose as %j says', (toolChoice, names, choice) => {
    const { body, lost } = send({ tools: [f, g], settings: { toolChoice } });
    const tools = body['tools'] as { function: { name: string } }[];
    expect(tools.map((tool) => tool.function.name)).toEqual(names);
    expect(body['tool_choice']).toBe(choice);
    expect(lost).toEqual([]);
  });

  it.each<readonly [string, Partial<ChatRequest>]>([
    ['request.tools.strict', { tools: [f, { ...g, strict: true }] }],
    ['request.cache', { tools: [{ ...f, cache: {} }] }],
    ['request.cache', user({ ...text, cache: {} })],
    ['request.server_tools', { tools: [{ name: 'web', ext: { 'openai-chat': { type: 'web_search' } } }] }],
    ['request.server_tools', assistant(text, { kind: 'server_tool_result', callId: 'c', initial: {} })],
    ['request.metadata', { metadata: { team: 'care' } }],
    ['request.field.logit_bias', { ext: { 'openai-chat': { logit_bias: { 5: 1 }, stop: null, tools: [] } } }],
    ['request.name', { messages: [{ role: 'user', name: 'ann', content: [text] }] }],
    ['request.is_error', { messages: [{ role: 'tool', callId: 'c', isError: true, content: [text] }] }],
    ['request.signature', assistant({ kind: 'reasoning', text: 'r', signature: { value: 's', format: 'x' } }, text)],
    ['request.reasoning', assistant({ kind: 'reasoning_redacted', signature: { value: 's', encrypted: true } }, text)],
    ['request.citations', assistant({ ...text, annotations: [{}] })],
    ['request.image_detail', user({ ...image, ext: { 'openai-chat': { image_url: { detail: 'low' } } } })],
    [
      'request.response_format.description',
      { settings: { responseFormat: { type: 'json_schema', name: 'n', description: 'd' } } },
    ],
  ])('names %s as lost, and nothing else', (what, fields) => {
    expect(send(fields).lost).toEqual([what]);
  });

  it.each<readonly [string, string, Partial<ChatRequest>]>([
    ['messages[0].content[0]', 'by URL', user({ kind: 'image', fileId: 'f' })],
    ['body.pic', 'no base64', user({ kind: 'image', base64: '***', mediaType: 'image/png', place: 'body.pic' })],
    ['messages[0].content[0]', 'image/tiff', user({ kind: 'image', base64: 'AAAA', mediaType: 'image/tiff' })],
    ['messages[0].content[1]', 'audio', user(text, { kind: 'audio', base64: 'AAAA', mediaType: 'audio/wav' })],
    ['messages[0].content[0]', 'file', user({ kind: 'file', base64: 'AAAA', mediaType: 'application/pdf' })],
    ['messages[0].content[0]', 'unknown', user({ kind: 'unknown', initial: {} })],
    ['messages[0].content[0]', 'image', assistant(image)],
    ['messages[0].content[0]', 'custom_tool_call', assistant({ kind: 'custom_tool_call', name: 'f', arguments: 'x' })],
    ['messages[0].content[0]', 'name', assistant({ kind: 'tool_call', callId: 'c' })],
    ['messages[0].content[0]', 'id', assistant({ kind: 'tool_call', name: 'f' })],
    ['messages[0]', 'id of the call', { messages: [{ role: 'tool', content: [text] }] }],
    ['messages[0].content[0]', 'image', { messages: [{ role: 'tool', callId: 'c', content: [image] }] }],
    ['tools[0]', 'custom', { tools: [{ name: 'f', ext: { 'openai-chat': { type: 'custom' } } }] }],
  ])('is refused at %s: %s', (field, reason, fields) => {
    expect(() => send(fields)).toThrow(
      expect.objectContaining({
        code: 'REQUEST_INVALID',
        details: { field, reason: expect.stringContaining(reason) as unknown },
      }),
    );
  });

  it('of any form is sent or refused, and never ends in another error', () => {
    fc.assert(
      fc.property(chatRequests, (request) => {
        try {
          send(request);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).toBe('REQUEST_INVALID');
        }
      }),
    );
  });
});

describe('an error status', () => {
  it.each([
    [
      400,
      '{"error_type":"TOO_MANY_TOKENS","id":"x","message":"too many tokens"}',
      'UPSTREAM_REJECTED',
      'too many tokens',
    ],
    [404, '{"id":"x","message":"model \'m\' not found"}', 'UPSTREAM_REJECTED', "model 'm' not found"],
    [422, '{"message":"invalid tools"}', 'UPSTREAM_REJECTED', 'invalid tools'],
    [498, '{"message":"a word is denied"}', 'UPSTREAM_REJECTED', 'a word is denied'],
    [401, '{"message":"invalid api token"}', 'UPSTREAM_AUTH', undefined],
    [429, '{"message":"trial key limit"}', 'UPSTREAM_RATE_LIMITED', undefined],
    [499, '{"message":"closed"}', 'UPSTREAM_ERROR', undefined],
    [500, '{"message":"internal"}', 'UPSTREAM_5XX', undefined],
    [503, '', 'UPSTREAM_OVERLOADED', undefined],
  ])('%i %s', (status, body, code, reason) => {
    const error = build().decodeError({ status, headers: {} }, body);
    expect(error.code).toBe(code);
    expect(error.details['reason']).toBe(reason);
  });
});
