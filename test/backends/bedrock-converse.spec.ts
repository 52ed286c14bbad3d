import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { familyOf } from '../../src/backends/bedrock-converse/model-family.ts';
import { DocumentNames, wireName } from '../../src/backends/bedrock-converse/wire-name.ts';
import type { ChatRequest, ContentBlock, Message } from '../../src/kernel/request.ts';
import { assistant, backendOf, call, encode, png, result, text, tool, user } from './bedrock-converse/encoded.ts';

describe('where a request goes', () => {
  it.each([
    [{}, true, '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream'],
    [{}, false, '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse'],
    [
      { model: 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0' },
      true,
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.amazon.nova-lite-v1%3A0/converse-stream',
    ],
    [
      { baseUrl: 'http://127.0.0.1:8080/aws/?tenant=1', model: "a b'c/d" },
      false,
      '/aws/model/a%20b%27c%2Fd/converse?tenant=1',
    ],
  ])('%j, streamed: %j', (config, stream, path) => {
    expect(encode({ stream }, config).path).toBe(path);
  });

  it.each([
    [{ region: 'eu-central-1' }, 'https://bedrock-runtime.eu-central-1.amazonaws.com'],
    [{ region: 'us-gov-west-1' }, 'https://bedrock-runtime.us-gov-west-1.amazonaws.com'],
    [{ region: 'cn-north-1' }, 'https://bedrock-runtime.cn-north-1.amazonaws.com.cn'],
    [{ region: 'us-east-1', baseUrl: 'https://vpce.example' }, 'https://vpce.example'],
  ])('%j is %s', (config, origin) => {
    expect(backendOf(config).origin).toBe(origin);
  });

  it.each([[{ region: undefined }], [{ model: '..' }], [{ headers: { authorization: 'x' } }]])(
    'refuses %j',
    (config) => {
      expect(() => backendOf(config)).toThrow(TypeError);
    },
  );

  it('asks for what it reads', () => {
    expect(encode({ stream: true }).headers['accept']).toBe('application/vnd.amazon.eventstream');
    expect(encode({ stream: false }).headers['accept']).toBe('application/json');
  });
});

describe('a conversation', () => {
  it.each([
    [false, { toolUseId: 'call_1', content: [] }],
    [true, { toolUseId: 'call_1', content: [{ text: 'error' }], status: 'error' }],
  ])('leaves out the text of an empty result, which would be refused (an error: %s)', (isError, toolResult) => {
    const { body, lost } = encode({
      messages: [user(text('Go')), assistant(call), { role: 'tool', callId: 'call_1', isError, content: [text(' ')] }],
      tools: [tool],
    });
    expect(body['messages']).toMatchObject([{}, {}, { content: [{ toolResult }] }]);
    expect(lost).toEqual([]);
  });

  it('has its system prompt beside it, and results of tools in a turn of the user', () => {
    const { body, lost } = encode({
      messages: [
        { role: 'system', content: [text('Be brief.')] },
        user(text('Weather?')),
        assistant(text('I look.'), call, { ...call, callId: 'call_2', arguments: '' }),
        result,
        { role: 'tool', callId: 'call_2', isError: true, content: [] },
        user(text('Well?')),
      ],
      tools: [tool],
    });
    expect(body).toEqual({
      system: [{ text: 'Be brief.' }],
      messages: [
        { role: 'user', content: [{ text: 'Weather?' }] },
        {
          role: 'assistant',
          content: [
            { text: 'I look.' },
            { toolUse: { toolUseId: 'call_1', name: 'weather', input: { city: 'Rome' } } },
            { toolUse: { toolUseId: 'call_2', name: 'weather', input: {} } },
          ],
        },
        {
          role: 'user',
          content: [
            { toolResult: { toolUseId: 'call_1', content: [{ text: 'sunny' }] } },
            { toolResult: { toolUseId: 'call_2', content: [{ text: 'error' }], status: 'error' } },
            { text: 'Well?' },
          ],
        },
      ],
      toolConfig: {
        tools: [
          {
            toolSpec: {
              name: 'weather',
              description: 'Looks out',
              inputSchema: { json: { type: 'object', properties: {} } },
            },
          },
        ],
      },
    });
    expect(lost).toEqual([]);
  });

  it('alternates, whatever is left out of it', () => {
    const { body, lost } = encode({
      messages: [user(text('a')), assistant({ kind: 'reasoning', text: 'hm' }, text(' ')), user(text('b'), text(''))],
    });
    expect(body['messages']).toEqual([{ role: 'user', content: [{ text: 'a' }, { text: 'b' }] }]);
    expect(lost).toEqual(['request.reasoning']);
  });

  it('takes reasoning back with its own proof only', () => {
    const { body, lost } = encode({
      messages: [
        user(text('a')),
        assistant(
          { kind: 'reasoning', text: 'because', signature: { value: 'sig==', format: 'bedrock-converse' } },
          { kind: 'reasoning_redacted', signature: { value: 'AAEC', format: 'bedrock-converse', encrypted: true } },
          { kind: 'reasoning', text: 'no', signature: { value: 'x', format: 'anthropic-messages' } },
          text('b'),
        ),
        user(text('c')),
      ],
    });
    expect((body['messages'] as { content: unknown }[])[1]?.content).toEqual([
      { reasoningContent: { reasoningText: { text: 'because', signature: 'sig==' } } },
      { reasoningContent: { redactedContent: 'AAEC' } },
      { text: 'b' },
    ]);
    expect(lost).toEqual(['request.reasoning']);
  });

  it('keeps what was no object of arguments as a text', () => {
    const { body, lost } = encode({
      messages: [user(text('a')), assistant({ ...call, arguments: '{"city":' }), result],
      tools: [tool],
    });
    expect(JSON.stringify(body)).toContain('"input":{"input":"{\\"city\\":"}');
    expect(lost).toEqual(['request.tool_arguments']);
  });
});

describe('media', () => {
  const contentOf = (block: ContentBlock): unknown => {
    const [message] = encode({ messages: [user(block)] }).body['messages'] as { content: unknown[] }[];
    return message?.content[0];
  };

  it.each<[ContentBlock, unknown]>([
    [{ kind: 'image', mediaType: 'image/png', base64: png }, { image: { format: 'png', source: { bytes: png } } }],
    [{ kind: 'image', mediaType: 'image/jpg', base64: 'AA' }, { image: { format: 'jpeg', source: { bytes: 'AA==' } } }],
    [
      { kind: 'image', mediaType: 'IMAGE/WEBP', base64: '-_-_' },
      { image: { format: 'webp', source: { bytes: '+/+/' } } },
    ],
    [
      { kind: 'image', url: 's3://b/cat.JPG' },
      { image: { format: 'jpeg', source: { s3Location: { uri: 's3://b/cat.JPG' } } } },
    ],
    [
      { kind: 'file', mediaType: 'application/pdf', base64: png, name: 'Q3 report_v2.final.pdf' },
      { document: { format: 'pdf', name: 'Q3 report-v2-final', source: { bytes: png } } },
    ],
    [
      { kind: 'file', base64: png, name: 'notes.md' },
      { document: { format: 'md', name: 'notes', source: { bytes: png } } },
    ],
    [
      { kind: 'file', mediaType: 'text/csv', base64: png },
      { document: { format: 'csv', name: 'document', source: { bytes: png } } },
    ],
    [{ kind: 'file', mediaType: 'video/mp4', base64: png }, { video: { format: 'mp4', source: { bytes: png } } }],
    [{ kind: 'audio', mediaType: 'audio/mpeg', base64: png }, { audio: { format: 'mp3', source: { bytes: png } } }],
  ])('%j', (block, expected) => {
    expect(contentOf(block)).toEqual(expected);
  });

  it.each<[string, ContentBlock, string]>([
    ['an address', { kind: 'image', url: 'https://example.com/a.png' }, 'base64'],
    ['a file of another provider', { kind: 'file', fileId: 'file-1' }, 'another provider'],
    ['a picture of an unknown type', { kind: 'image', mediaType: 'image/tiff', base64: png }, 'image/png'],
    ['a file without a type', { kind: 'file', base64: png }, 'no type'],
    ['a type that is missing', { kind: 'image', url: 's3://b/cat' }, 'media type'],
    ['no base64', { kind: 'image', mediaType: 'image/png', base64: '%%' }, 'base64'],
    ['a block that nobody knows', { kind: 'unknown', initial: { type: 'x' } }, 'unknown'],
  ])('refuses %s, and says where', (_title, block, reason) => {
    const refused = (place?: string) => () =>
      encode({ messages: [user(text('a'), { ...block, ...(place !== undefined && { place }) })] });
    expect(refused()).toThrow(
      expect.objectContaining({
        code: 'REQUEST_INVALID',
        details: { field: 'messages[0].content[1]', reason: expect.stringContaining(reason) },
      }),
    );
    expect(refused('contents[0].parts[1]')).toThrow(/^contents\[0\]\.parts\[1\]: /);
  });

  it('may be in the result of a tool', () => {
    const picture: Message = {
      ...result,
      content: [text('see'), { kind: 'image', mediaType: 'image/png', base64: png }],
    };
    const { body } = encode({ messages: [user(text('a')), assistant(call), picture], tools: [tool] });
    expect(JSON.stringify(body)).toContain('"content":[{"text":"see"},{"image":{"format":"png","source":{"bytes"');
  });
});

describe('marks of the prompt cache', () => {
  const marked: Partial<ChatRequest> = {
    messages: [
      { role: 'system', content: [text('long', { cache: {} })] },
      user(text('a', { cache: { ttl: '1h' } }), text('b')),
      assistant(call),
      { ...result, content: [text('sunny', { cache: { ttl: '5m' } })] },
    ],
    tools: [{ ...tool, cache: {} }],
  };

  it('become points behind their blocks', () => {
    const { body, lost } = encode(marked);
    expect(body['system']).toEqual([{ text: 'long' }, { cachePoint: { type: 'default' } }]);
    const [first, , last] = body['messages'] as { content: unknown[] }[];
    expect(first?.content).toEqual([{ text: 'a' }, { cachePoint: { type: 'default', ttl: '1h' } }, { text: 'b' }]);
    expect(last?.content[1]).toEqual({ cachePoint: { type: 'default' } });
    expect((body['toolConfig'] as { tools: unknown[] }).tools[1]).toEqual({ cachePoint: { type: 'default' } });
    expect(lost).toEqual([]);
  });

  it.each([
    ['amazon.nova-pro-v1:0', 3],
    ['meta.llama3-70b-instruct-v1:0', 0],
  ])('of %s are %d, and the others are named', (model, count) => {
    const { body, lost } = encode(marked, { model });
    expect(JSON.stringify(body).split('cachePoint').length - 1).toBe(count);
    expect(lost).toEqual(['request.cache']);
  });
});

describe('names', () => {
  it.each([
    ['anthropic.claude-3-haiku-20240307-v1:0', 'anthropic'],
    ['global.anthropic.claude-opus-4-5-v1', 'anthropic'],
    ['us.amazon.nova-2-lite-v1:0', 'nova'],
    ['amazon.titan-text-express-v1', 'other'],
    ['openai.gpt-oss-20b-1:0', 'openai'],
    ['arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2', 'anthropic'],
    ['arn:aws:bedrock:us-east-1:1:application-inference-profile/abc', 'other'],
  ])('of the model %s say that it is of %s', (model, family) => {
    expect(familyOf(model)).toBe(family);
  });

  it('are such as the service takes, and never two of one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 90 }), { maxLength: 20 }), (names) => {
        const written = names.map(wireName);
        for (const name of written) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        expect(new Set(written).size).toBe(names.length);
      }),
    );
  });

  it('of documents are such as the service takes, each once', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 220 }), { maxLength: 12 }), (files) => {
        const names = new DocumentNames();
        const written = files.map((file) => names.add(file, 'pdf'));
        for (const name of written) expect(name).toMatch(/^(?!.*\s\s)[A-Za-z0-9\s()[\]-]{1,200}$/);
        expect(new Set(written).size).toBe(files.length);
      }),
    );
  });
});
