import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeEvent, encodeException, encodeMessage } from '../support/aws-event-stream.ts';
import { signatureMistake } from '../support/aws-signature.ts';
import { probe, type ProbeResponse } from '../support/probe-client.ts';
import { startSluice, type Sluice } from '../support/sluice.ts';

const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const sessionToken = 'IQoJb3JpZ2luX2VjEXAMPLE/TOKEN+0==';
const environment = {
  SLUICE_ENV_ALLOW: 'AWS_*',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: sessionToken,
};
const usage = { inputTokens: 12, outputTokens: 5, totalTokens: 17, cacheReadInputTokens: 4 };
const begin = encodeEvent('messageStart', { role: 'assistant', p: 'abcdef' });
const end = (stopReason: string): Buffer[] => [
  encodeEvent('messageStop', { stopReason, p: 'abc' }),
  encodeEvent('metadata', { usage, metrics: { latencyMs: 3 }, p: 'a' }),
];
const say = (text: string, index = 0): Buffer[] => [
  encodeEvent('contentBlockDelta', { contentBlockIndex: index, delta: { text }, p: 'abcd' }),
  encodeEvent('contentBlockStop', { contentBlockIndex: index, p: 'ab' }),
];

interface Seen {
  readonly target: string;
  readonly body: Record<string, unknown>;
  readonly mistake: string;
}

/** A provider that answers nothing that is not signed as it must be. */
class FakeBedrock {
  readonly seen: Seen[] = [];
  answer: (response: ServerResponse) => void = () => undefined;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => void this.#server.close(resolve));
  }

  /** Answers with binary messages, sent in pieces that no message ends with. */
  stream(messages: readonly Buffer[], cut = 50): void {
    this.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
      const bytes = Buffer.concat(messages);
      for (let at = 0; at < bytes.length; at += cut) response.write(bytes.subarray(at, at + cut));
      response.end();
    };
  }

  json(status: number, body: object, headers: Record<string, string> = {}): void {
    this.answer = (response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString('utf8');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const target = request.url ?? '';
    const mistake = signatureMistake({ method: request.method ?? '', target, headers, body }, secretAccessKey);
    this.seen.push({ target, body: JSON.parse(body) as Record<string, unknown>, mistake });
    if (mistake === '' && headers['x-amz-security-token'] === sessionToken) {
      this.answer(response);
      return;
    }
    response.writeHead(403, { 'x-amzn-errortype': 'InvalidSignatureException' });
    response.end(JSON.stringify({ message: mistake }));
  }
}

const tools = [
  {
    type: 'function',
    function: { name: 'weather', description: 'Looks out', parameters: { type: 'object', properties: {} } },
  },
];

describe('a pipeline to Amazon Bedrock', () => {
  const bedrock = new FakeBedrock();
  let sluice: Sluice;

  beforeAll(async () => {
    const origin = await bedrock.listen();
    const key = (name: string): object => ({ $env: name });
    const backend = (extra: object = {}): object => ({
      type: 'bedrock-converse',
      config: {
        baseUrl: origin,
        model: 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0',
        ...extra,
      },
      network: 'private',
      token: 'aws',
    });
    const keys = {
      from: 'keys',
      accessKeyId: key('AWS_ACCESS_KEY_ID'),
      secretAccessKey: key('AWS_SECRET_ACCESS_KEY'),
      sessionToken: key('AWS_SESSION_TOKEN'),
    };
    const tokenProviders = {
      aws: {
        type: 'aws',
        config: { region: 'us-east-1', credentials: keys },
      },
    };
    sluice = await startSluice({
      environment,
      pipelines: {
        plain: { tokenProviders, backends: { claude: backend() } },
        masked: {
          tokenProviders,
          backends: { claude: backend() },
          modifiers: [{ type: 'mask-words', config: { words: ['secret'] } }],
        },
        wrong: {
          tokenProviders: {
            aws: {
              type: 'aws',
              config: { region: 'us-east-1', credentials: { ...keys, secretAccessKey: key('AWS_SESSION_TOKEN') } },
            },
          },
          backends: { claude: backend() },
        },
      },
    });
  });
  afterEach(() => {
    bedrock.seen.length = 0;
    expect(sluice.log.text()).not.toContain(secretAccessKey);
    expect(sluice.log.text()).not.toContain(sessionToken);
  });
  afterAll(async () => {
    await sluice.close();
    await bedrock.close();
  });

  async function ask(body: object, path = '/pipelines/plain/v1/chat/completions'): Promise<ProbeResponse> {
    const client = await probe(
      { port: sluice.port },
      { path, body: { messages: [{ role: 'user', content: 'Weather in Zürich?' }], ...body } },
    );
    await client.end();
    const response = await client.response();
    client.destroy();
    return response;
  }

  interface Chunk {
    readonly choices?: readonly {
      readonly delta: { readonly content?: string };
      readonly finish_reason?: string | null;
    }[];
    readonly usage?: object | null;
    readonly error?: object;
  }

  const chunksOf = ({ text }: ProbeResponse): Chunk[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)) as Chunk);
  const contentOf = (response: ProbeResponse): string =>
    chunksOf(response)
      .map(({ choices }) => choices?.[0]?.delta.content ?? '')
      .join('');

  it('streams text, from requests that are signed as they are sent', async () => {
    bedrock.stream([begin, ...say('Grüße, 世界 😀'), ...end('end_turn')]);
    const response = await ask({ stream: true, stream_options: { include_usage: true }, temperature: 0.5 });
    expect(response.status).toBe(200);
    expect(contentOf(response)).toBe('Grüße, 世界 😀');
    expect(response.text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(chunksOf(response).findLast(({ usage: counts }) => counts)?.usage).toMatchObject({
      prompt_tokens: 16,
      completion_tokens: 5,
      total_tokens: 21,
      prompt_tokens_details: { cached_tokens: 4 },
    });
    expect(bedrock.seen).toEqual([
      {
        target:
          '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-x-v1%3A0/converse-stream',
        mistake: '',
        body: {
          messages: [{ role: 'user', content: [{ text: 'Weather in Zürich?' }] }],
          inferenceConfig: { temperature: 0.5 },
        },
      },
    ]);
  });

  it('streams calls of tools, byte by byte', async () => {
    const call = (index: number, id: string, parts: readonly string[]): Buffer[] => [
      encodeEvent('contentBlockStart', {
        contentBlockIndex: index,
        start: { toolUse: { toolUseId: id, name: 'weather' } },
      }),
      ...parts.map((input) =>
        encodeEvent('contentBlockDelta', { contentBlockIndex: index, delta: { toolUse: { input } } }),
      ),
      encodeEvent('contentBlockStop', { contentBlockIndex: index }),
    ];
    bedrock.stream(
      [begin, ...call(0, 'tooluse_1', ['{"city":', '"Zürich"}']), ...call(1, 'tooluse_2', []), ...end('tool_use')],
      1,
    );
    const response = await ask({ stream: true, tools });
    expect(chunksOf(response).flatMap(({ choices }) => choices?.[0]?.finish_reason ?? [])).toEqual(['tool_calls']);
    expect(response.text).toContain('tooluse_1');
    expect(response.text).toContain('{}');
    expect(bedrock.seen[0]?.body['toolConfig']).toBeDefined();
  });

  it('answers in one piece', async () => {
    bedrock.json(200, {
      output: { message: { role: 'assistant', content: [{ text: 'Sunny.' }] } },
      stopReason: 'max_tokens',
      usage,
      metrics: { latencyMs: 1 },
    });
    const response = await ask({ stream: false });
    expect(response.json()).toMatchObject({
      choices: [{ message: { role: 'assistant', content: 'Sunny.' }, finish_reason: 'length' }],
      usage: { prompt_tokens: 16, completion_tokens: 5 },
    });
    expect(bedrock.seen[0]).toMatchObject({ mistake: '', target: expect.stringMatching(/\/converse$/) });
  });

  it('masks what the provider says in pieces', async () => {
    const pieces = ['the sec', 'ret is out'].map((text) =>
      encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text }, p: 'ab' }),
    );
    bedrock.stream([begin, ...pieces, encodeEvent('contentBlockStop', { contentBlockIndex: 0 }), ...end('end_turn')]);
    const response = await ask({ stream: true }, '/pipelines/masked/v1/chat/completions');
    expect(contentOf(response)).toBe('the *** is out');
  });

  it('has its own form for clients of the native dialect', async () => {
    bedrock.stream([begin, ...say('Sunny.'), ...end('end_turn')]);
    const response = await ask({ stream: true }, '/pipelines/plain/chat');
    expect(response.text).toContain('Sunny.');
    expect(response.text).toContain('"outcome":"ok"');
  });

  it.each([
    [
      'an exception before content',
      [begin, encodeException('throttlingException', { message: 'slow' })],
      429,
      'rate_limit_exceeded',
    ],
    [
      'an error before content',
      [encodeMessage({ ':message-type': 'error', ':error-code': 'InternalFailure' }, '')],
      502,
      'UPSTREAM_5XX',
    ],
    ['a refusal of the request', [encodeException('validationException', { message: 'too long' })], 400, 'too long'],
    ['a broken message', [Buffer.from(begin).fill(0, 20, 24)], 502, 'UPSTREAM_BAD_FRAME'],
    [
      'a message that is too large',
      [Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])],
      502,
      'FRAME_TOO_LARGE',
    ],
    ['nothing', [], 502, 'UPSTREAM_TRUNCATED'],
  ] as const)('fails with its status for %s', async (_title, messages, status, words) => {
    bedrock.stream(messages.map((message) => Buffer.from(message)));
    const response = await ask({ stream: true });
    expect(response.status).toBe(status);
    expect(response.text).toContain(words);
  });

  const opening = encodeEvent('messageStart', { role: 'assistant' });

  it.each([
    [
      'an exception',
      [encodeException('modelStreamErrorException', { message: 'broke', originalStatusCode: 500 })],
      'UPSTREAM_5XX',
    ],
    [
      'a cut',
      [encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'lost' } }).subarray(0, 40)],
      'UPSTREAM_TRUNCATED',
    ],
  ])(
    'ends with an error frame after %s in the middle, and never with the terminator',
    async (_title, messages, code) => {
      bedrock.stream([opening, ...say('Sun'), ...messages]);
      const response = await ask({ stream: true });
      expect(response.status).toBe(200);
      expect(contentOf(response)).toBe('Sun');
      expect(response.text).toContain(code);
      expect(response.text).not.toContain('[DONE]');
    },
  );

  it('is complete without usage', async () => {
    bedrock.stream([opening, ...say('Sun'), encodeEvent('messageStop', { stopReason: 'end_turn' })]);
    const response = await ask({ stream: true });
    expect(contentOf(response)).toBe('Sun');
    expect(response.text).toContain('[DONE]');
  });

  it.each([
    [429, 'ThrottlingException', 429, 'rate_limit_exceeded'],
    [400, 'ValidationException', 400, 'no such model'],
    [403, 'AccessDeniedException', 502, 'UPSTREAM_AUTH'],
  ])('maps a %d with %s', async (status, type, shown, words) => {
    bedrock.json(status, { message: 'no such model' }, { 'x-amzn-errortype': `${type}:http://internal/` });
    const response = await ask({ stream: true });
    expect([response.status, response.text]).toEqual([shown, expect.stringContaining(words)]);
  });

  it('is refused with another key, and does not tell the key', async () => {
    bedrock.stream([opening]);
    const response = await ask({ stream: true }, '/pipelines/wrong/v1/chat/completions');
    expect(bedrock.seen[0]?.mistake).toBe('the signature is another one');
    expect(response.status).toBe(502);
    expect(response.text).toContain('UPSTREAM_AUTH');
    expect(response.text).not.toContain(sessionToken);
  });
});
