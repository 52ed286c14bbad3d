import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import type { ChatRequest, ContentBlock, Message, ToolDefinition } from '../../src/kernel/request.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { chatRequest } from '../support/chat-run.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

/* Requests of other formats, as their parsers hand them on. The vendor is OpenAI itself, the strictest reader. */

type Json = Record<string, unknown>;

interface Sent {
  readonly body: Json;
  readonly lost: readonly string[];
}

function send(overrides: Partial<ChatRequest>, vendor = 'openai' as const): Sent {
  const { run, lost } = testRun();
  const request = chatRequest({ dialect: 'anthropic-messages', stream: false, ...overrides });
  const config = { baseUrl: 'https://api.example/v1', model: 'm-1', vendor };
  const backend = openaiChatBackend.create(config, { clock: new TestClock() });
  return { body: JSON.parse(backend.encode(request, run).body) as Json, lost };
}

const text = (words: string, more: Partial<ContentBlock> = {}): ContentBlock => ({
  kind: 'text',
  text: words,
  ...more,
});
const user = (...content: readonly ContentBlock[]): Message => ({ role: 'user', content });
const assistant = (...content: readonly ContentBlock[]): Message => ({ role: 'assistant', content });
const call = (callId: string, more: Partial<ContentBlock> = {}): ContentBlock => ({
  kind: 'tool_call',
  name: 'f',
  callId,
  arguments: '{"a":1}',
  ...more,
});
const result = (callId: string, content: readonly ContentBlock[], isError = false): Message => ({
  role: 'tool',
  callId,
  content,
  ...(isError && { isError }),
});
const png: ContentBlock = { kind: 'image', mediaType: 'image/png', base64: 'iVBORw0KGgo=' };
const pngPart = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
const base64 = (words: string): string => Buffer.from(words).toString('base64');
const wireCall = (id: string, json = '{"a":1}'): Json => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: json },
});

describe('messages of another format', () => {
  it.each<readonly [string, readonly Message[], readonly Json[], readonly string[]]>([
    [
      'system prompts in a row',
      [
        { role: 'system', content: [text('a')] },
        { role: 'system', content: [text('b'), text('c')] },
        { role: 'developer', content: [text('d')] },
        user(text('e')),
        { role: 'system', content: [text('f')] },
      ],
      [
        { role: 'system', content: 'a' },
        {
          role: 'system',
          content: [
            { type: 'text', text: 'b' },
            { type: 'text', text: 'c' },
          ],
        },
        { role: 'developer', content: 'd' },
        { role: 'user', content: 'e' },
        { role: 'system', content: 'f' },
      ],
      [],
    ],
    ['a name', [{ ...user(text('a')), name: 'ann' }], [{ role: 'user', content: 'a', name: 'ann' }], []],
    [
      'parallel calls and their results, one of them an error',
      [
        user(text('q')),
        assistant(text('t'), call('c1'), call('c2', { arguments: '' })),
        result('c1', [text('r1'), text('r2')]),
        result('c2', [], true),
        user(text('n')),
      ],
      [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 't', tool_calls: [wireCall('c1'), wireCall('c2', '{}')] },
        { role: 'tool', content: 'r1r2', tool_call_id: 'c1' },
        { role: 'tool', content: '', tool_call_id: 'c2' },
        { role: 'user', content: 'n' },
      ],
      ['request.is_error'],
    ],
    [
      'results with pictures, which the user shows behind the last of them',
      [
        assistant(call('c1'), call('c2')),
        result('c1', [text('r1'), png]),
        result('c2', [png, { kind: 'file', mediaType: 'text/plain', base64: base64('words'), name: 'a.txt' }]),
        user(text('n')),
      ],
      [
        { role: 'assistant', tool_calls: [wireCall('c1'), wireCall('c2')] },
        { role: 'tool', content: 'r1', tool_call_id: 'c1' },
        { role: 'tool', content: 'a.txt\n\nwords', tool_call_id: 'c2' },
        { role: 'user', content: [pngPart, pngPart] },
        { role: 'user', content: 'n' },
      ],
      ['request.tool_result_media'],
    ],
    [
      'results with pictures at the end',
      [assistant(call('c1')), result('c1', [png])],
      [
        { role: 'assistant', tool_calls: [wireCall('c1')] },
        { role: 'tool', content: '', tool_call_id: 'c1' },
        { role: 'user', content: [pngPart] },
      ],
      ['request.tool_result_media'],
    ],
    [
      'reasoning with the proof of another provider, and redacted',
      [
        assistant(
          { kind: 'reasoning', text: 'r', signature: { value: 's', format: 'anthropic-messages' } },
          { kind: 'reasoning_redacted', signature: { value: 'x', format: 'anthropic-messages', encrypted: true } },
          text('a'),
        ),
      ],
      [{ role: 'assistant', content: 'a' }],
      ['request.reasoning'],
    ],
    [
      'tools that a provider ran',
      [
        assistant(
          { kind: 'server_tool_call', name: 'web_search', initial: {} },
          { kind: 'server_tool_result', initial: {} },
          { kind: 'compaction', initial: {} },
          text('a', { annotations: [{ url: 'https://e.example' }] }),
        ),
      ],
      [{ role: 'assistant', content: 'a' }],
      ['request.server_tools', 'request.compaction', 'request.citations'],
    ],
    [
      'a custom tool call of the Responses format',
      [
        assistant({ kind: 'custom_tool_call', name: 'g', callId: 'c1', arguments: 'free text' }),
        result('c1', [text('r')]),
      ],
      [
        { role: 'assistant', tool_calls: [{ id: 'c1', type: 'custom', custom: { name: 'g', input: 'free text' } }] },
        { role: 'tool', content: 'r', tool_call_id: 'c1' },
      ],
      [],
    ],
    [
      'a refusal',
      [assistant({ kind: 'refusal', text: 'no' })],
      [{ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }],
      [],
    ],
    [
      'marks for the cache, also on a call',
      [
        assistant(text('a', { cache: {} }), call('c1', { cache: {} })),
        result('c1', [text('r', { cache: { ttl: '1h' } })]),
      ],
      [
        { role: 'assistant', content: 'a', tool_calls: [wireCall('c1')] },
        { role: 'tool', content: 'r', tool_call_id: 'c1' },
      ],
      ['request.cache'],
    ],
  ])('%s', (_title, messages, written, left) => {
    const { body, lost } = send({ messages });
    expect(body['messages']).toEqual(written);
    expect([...new Set(lost)]).toEqual(left);
  });
});

describe('content of another format', () => {
  const pdf = { kind: 'file', mediaType: 'application/pdf', base64: 'JVBERi0=' } as const;

  it.each<readonly [string, ContentBlock, unknown]>([
    ['a picture', png, pngPart],
    [
      'a picture of a type with another name',
      { ...png, mediaType: 'image/jpg' },
      {
        type: 'image_url',
        image_url: { url: 'data:image/jpeg;base64,iVBORw0KGgo=' },
      },
    ],
    ['a picture that was sent as a file', { ...png, kind: 'file' }, pngPart],
    [
      'a picture by address, with its detail',
      { kind: 'image', url: 'https://e.example/a.png', ext: { 'openai-responses': { part: { detail: 'low' } } } },
      { type: 'image_url', image_url: { detail: 'low', url: 'https://e.example/a.png' } },
    ],
    [
      'audio',
      { kind: 'audio', mediaType: 'audio/mpeg', base64: 'AAAA' },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
    ],
    [
      'a PDF',
      { ...pdf, name: 'report.pdf' },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'report.pdf' } },
    ],
    [
      'a PDF without a name',
      pdf,
      { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'file.pdf' } },
    ],
    [
      'a document of text',
      { kind: 'file', mediaType: 'text/markdown', base64: base64('# Ü'), name: 'a.md' },
      { type: 'text', text: 'a.md\n\n# Ü' },
    ],
    [
      'JSON as a document',
      { kind: 'file', mediaType: 'application/json', base64: base64('{}') },
      { type: 'text', text: '{}' },
    ],
  ])('%s', (_title, block, part) => {
    expect(send({ messages: [user(text('q'), block)] })).toEqual({
      body: { model: 'm-1', messages: [{ role: 'user', content: [{ type: 'text', text: 'q' }, part] }] },
      lost: [],
    });
  });

  it.each<readonly [ContentBlock, string]>([
    [
      { kind: 'file', fileId: 'file_1' },
      'a file that was uploaded for anthropic-messages is not known to this backend',
    ],
    [{ kind: 'image', fileId: 'file_1' }, 'a file that was uploaded for anthropic-messages'],
    [{ kind: 'file', url: 'https://e.example/a.pdf' }, 'this backend takes files as base64 only'],
    [{ kind: 'audio', url: 'https://e.example/a.mp3' }, 'this backend takes audio as base64 only'],
    [{ kind: 'audio', mediaType: 'audio/flac', base64: 'AAAA' }, 'expected one of wav, mp3, got "flac"'],
    [{ kind: 'audio', mediaType: 'audio/wav', base64: '***' }, 'the data is no base64'],
    [{ ...pdf, base64: '***' }, 'the data is no base64'],
    [{ kind: 'unknown', initial: { type: 'video' } }, 'a block of the kind unknown of anthropic-messages'],
  ])('%j is refused where the client put it', (block, reason) => {
    expect(() => send({ messages: [user(text('q'), block)] })).toThrow(`messages[0].content[1]: ${reason}`);
    const placed = { ...block, place: 'messages[0].content[3].source' };
    expect(() => send({ messages: [user(text('q'), placed)] })).toThrow(`messages[0].content[3].source: ${reason}`);
    expect(() => send({ messages: [assistant(call('c')), result('c', [block])] })).toThrow('messages[1].content[0]');
  });

  it('a call without the name of its tool is refused', () => {
    const { name: _name, ...nameless } = call('c');
    expect(() => send({ messages: [assistant(nameless)] })).toThrow('messages[0].tool_calls[0]');
  });
});

describe('tools of another format', () => {
  it.each<readonly [string, ToolDefinition, Json | undefined, readonly string[]]>([
    [
      'a function',
      {
        name: 'f',
        description: 'd',
        parameters: { type: 'object' },
        strict: true,
        ext: { 'anthropic-messages': { x: 1 } },
      },
      { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
      [],
    ],
    [
      'one that the provider runs',
      { name: 'web_search', providerExecuted: true, ext: { 'anthropic-messages': { type: 'web_search_20250305' } } },
      undefined,
      ['request.server_tools'],
    ],
    [
      'a custom tool of the Responses format',
      {
        name: 'g',
        description: 'd',
        ext: { 'openai-responses': { type: 'custom', format: { type: 'grammar', syntax: 'lark', definition: 'x' } } },
      },
      {
        type: 'custom',
        custom: {
          name: 'g',
          description: 'd',
          format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } },
        },
      },
      [],
    ],
    [
      'a custom tool of plain text',
      { name: 'g', ext: { 'openai-responses': { type: 'custom', format: { type: 'text' } } } },
      { type: 'custom', custom: { name: 'g', format: { type: 'text' } } },
      [],
    ],
    [
      'one with a mark for the cache',
      { name: 'f', cache: {} },
      { type: 'function', function: { name: 'f' } },
      ['request.cache'],
    ],
  ])('%s', (_title, tool, written, left) => {
    const { body, lost } = send({ tools: [tool] });
    expect(body['tools']).toEqual(written === undefined ? undefined : [written]);
    expect(lost).toEqual(left);
  });

  it.each([
    [{ name: 'f' }, { type: 'function', function: { name: 'f' } }],
    [
      { allowed: ['f'], mode: 'required' },
      {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }] },
      },
    ],
    ['none', 'none'],
  ] as const)('are chosen by %j', (toolChoice, written) => {
    expect(send({ tools: [{ name: 'f' }], settings: { toolChoice } }).body['tool_choice']).toEqual(written);
  });
});

describe('further fields of another format', () => {
  it('are named, and so is metadata', () => {
    const { body, lost } = send({
      dialect: 'openai-responses',
      metadata: { a: 'b' },
      ext: { 'openai-responses': { truncation: 'auto', background: null } },
    });
    expect(body).toEqual({ model: 'm-1', messages: [{ role: 'user', content: 'Hello' }] });
    expect([...lost].sort()).toEqual(['request.field.truncation', 'request.metadata']);
  });
});

describe('whatever a step makes of a request', () => {
  const odd = fc.record(
    {
      kind: fc.constantFrom('text', 'image', 'audio', 'file', 'reasoning', 'tool_call', 'refusal', 'unknown', 'code'),
      text: fc.string(),
      base64: fc.string(),
      url: fc.string(),
      fileId: fc.string(),
      mediaType: fc.constantFrom('image/png', 'text/plain', 'audio/wav', ''),
      name: fc.string(),
      callId: fc.string(),
      arguments: fc.string(),
      initial: fc.jsonValue(),
      signature: fc.record({ value: fc.string(), format: fc.constantFrom('openai-chat', 'gemini') }),
      cache: fc.constant({}),
      ext: fc.dictionary(fc.constantFrom('openai-chat', 'gemini'), fc.dictionary(fc.string(), fc.jsonValue())),
    },
    { requiredKeys: ['kind'] },
  );

  it('it is sent, or refused with the place', () => {
    fc.assert(
      fc.property(
        fc.array(odd, { maxLength: 4 }),
        fc.constantFrom('user', 'assistant', 'tool', 'system'),
        fc.constantFrom('openai-chat', 'gemini'),
        fc.constantFrom('openai', 'mistral', 'deepseek', 'openrouter', 'compatible'),
        (content, role, dialect, vendor) => {
          try {
            send({ dialect, messages: [{ role, content } as Message] }, vendor as 'openai');
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError);
            expect((error as SluiceError).details).toMatchObject({ field: expect.stringContaining('messages[0]') });
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
