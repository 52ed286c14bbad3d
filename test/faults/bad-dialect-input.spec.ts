import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../src/kernel/error-table.ts';
import { askWith, dialectNames, expectDialectError, questionOf, type DialectName } from '../support/dialect-clients.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { answerBody } from '../support/openai-stream.ts';
import { probe, type ProbeRequest } from '../support/probe-client.ts';
import { answering } from '../support/scenario.ts';
import { startSluice, type Sluice } from '../support/sluice.ts';
import { parserMistakes, placedElsewhere, prototypeWords } from './dialect-mistakes.ts';
import { speakers } from './dialect-speakers.ts';

/*
 * Bodies of every dialect that are JSON, and wrong: refused in the form of the dialect, with the path of the client's own
 * body, and nothing is sent. One pipeline has a backend of each kind; a request names the one that it wants.
 */

const model = 'test-model';
/** What is configured beside the address and the model. */
const backends: Readonly<
  Record<string, { readonly type: DialectName | 'bedrock-converse' | 'cohere'; readonly path?: string }>
> = {
  chat: { type: 'openai-chat', path: '/v1' },
  responses: { type: 'openai-responses', path: '/v1' },
  claude: { type: 'anthropic-messages' },
  gemini: { type: 'gemini' },
  bedrock: { type: 'bedrock-converse' },
  ollama: { type: 'ollama' },
  cohere: { type: 'cohere' },
};
const backendNames = Object.keys(backends);

let upstream: FaultUpstream;
let sluice: Sluice;
beforeAll(async () => {
  upstream = await startFaultUpstream(answering(200, answerBody({ text: ['Hello'] })));
  const definition = {
    backends: Object.fromEntries(
      Object.entries(backends).map(([name, { type, path = '' }]) => [
        name,
        { type, config: { baseUrl: upstream.origin + path, model: `${model}-${name}` }, network: 'private' },
      ]),
    ),
    routing: { default: { to: ['chat'] } },
  };
  sluice = await startSluice({ pipelines: { support: definition } });
});
afterAll(async () => {
  await sluice.close();
  await upstream.close();
});

/** Sends what is to be refused; gives the message. */
async function expectRefused(
  request: ProbeRequest,
  dialect: DialectName,
  code: ErrorCode,
  field?: string,
): Promise<string> {
  const before = upstream.requests.length;
  const client = await probe({ port: sluice.port }, request);
  await client.end();
  const response = await client.response();
  client.destroy();
  expect(upstream.requests.length - before).toBe(0);
  return expectDialectError(response, dialect, code, field);
}

const isOwn = (dialect: DialectName, backend: string): boolean => backends[backend]?.type === dialect;

describe('a body that is wrong', () => {
  it.each(parserMistakes.map((mistake) => [mistake.dialect, mistake.name, mistake.field, mistake] as const))(
    '%s: %s is refused at %s',
    async (dialect, _name, field, { body }) => {
      for (const stream of [false, true])
        await expectRefused(askWith(dialect, body, { stream }), dialect, 'REQUEST_INVALID', field);
    },
  );
});

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const tiff = 'SUkqAAgAAAAAAAAA';
const bigImage = (mebibytes: number): string =>
  png.slice(0, 16) + 'A'.repeat(Math.ceil((mebibytes * 1_048_576) / 3) * 4);

interface PartCase {
  readonly name: string;
  /** Undefined where the dialect can't say it. */
  readonly part: (dialect: DialectName) => unknown;
  readonly to: readonly string[];
  /** Also to the backend that speaks as the client does. */
  readonly own?: boolean;
}

const partCases: readonly PartCase[] = [
  {
    name: 'an image that is no base64',
    part: (dialect) => speakers[dialect].image('image/png', '%%%%'),
    to: backendNames,
    own: true,
  },
  {
    name: 'an image of a type that is not taken',
    part: (dialect) => speakers[dialect].image('image/tiff', tiff),
    to: backendNames.filter((name) => name !== 'ollama'),
  },
  {
    name: 'an image at an address',
    part: (dialect) => speakers[dialect].imageUrl?.('https://example.com/cat.png'),
    to: ['ollama', 'bedrock'],
  },
  {
    name: 'a file by the id of another provider',
    part: (dialect) => speakers[dialect].fileId?.('file-abc123'),
    to: backendNames,
  },
  { name: 'audio', part: (dialect) => speakers[dialect].audio?.('UklGRg=='), to: ['claude', 'ollama', 'cohere'] },
  { name: 'a part of a kind that nobody knows', part: (dialect) => speakers[dialect].unknownPart, to: backendNames },
];

describe('a part that the backend does not take', () => {
  const table = partCases.flatMap(({ name, part, to, own = false }) =>
    dialectNames.flatMap((dialect) =>
      to
        .filter((backend) => (own || !isOwn(dialect, backend)) && part(dialect) !== undefined)
        .map((backend) => [name, dialect, backend, part(dialect)] as const),
    ),
  );

  it.each(table)('is refused where it stands: %s (%s to %s)', async (_name, dialect, backend, part) => {
    const { user, parts, text } = speakers[dialect];
    const body = dialect === 'ollama' ? user(png, part) : user(text('Look.'), part);
    await expectRefused(askWith(dialect, body, { model: backend }), dialect, 'REQUEST_INVALID', `${parts}[1]`);
  });

  /** What a tool gave; some formats have no media there at all, and say so. */
  it.each(table.filter(([, dialect]) => speakers[dialect].result !== undefined))(
    'is refused in the result of a tool: %s (%s to %s)',
    async (_name, dialect, backend, part) => {
      const { result, resultParts, text } = speakers[dialect];
      const isMediaOnly = dialect === 'gemini';
      const body = isMediaOnly ? result?.(part) : result?.(text('Look.'), part);
      const field = `${resultParts}[${isMediaOnly ? 0 : 1}]`;
      await expectRefused(askWith(dialect, body ?? {}, { model: backend }), dialect, 'REQUEST_INVALID', field);
    },
  );

  it.each(dialectNames)('is refused where it is too large (%s)', async (dialect) => {
    const { user, parts, image, text } = speakers[dialect];
    const first = dialect === 'ollama' ? png : text('Look.');
    for (const [backend, mebibytes] of [
      ['claude', 6],
      ['bedrock', 19],
    ] as const) {
      const body = user(first, image('image/png', bigImage(mebibytes)));
      const message = await expectRefused(
        askWith(dialect, body, { model: backend }),
        dialect,
        'REQUEST_INVALID',
        `${parts}[1]`,
      );
      expect(message).toContain('bytes are more than');
    }
  });
});

describe('what a backend needs, and the client left out', () => {
  it.each(placedElsewhere)('%s is refused at %s (%s to %s)', async (_name, field, dialect, to, body) => {
    for (const backend of to.split(' '))
      await expectRefused(askWith(dialect, body, { model: backend }), dialect, 'REQUEST_INVALID', field);
  });
});

describe('a document that is a danger', () => {
  /** A body with something at every level. */
  const rich: Readonly<Record<DialectName, object>> = {
    'openai-chat': {
      ...speakers['openai-chat'].result?.(speakers['openai-chat'].text('a')),
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } },
      metadata: {},
    },
    'openai-responses': {
      ...speakers['openai-responses'].result?.(speakers['openai-responses'].text('a')),
      tools: [{ type: 'function', name: 'look', parameters: { type: 'object', properties: {} } }],
      text: { format: { type: 'text' } },
      reasoning: {},
      metadata: {},
    },
    'anthropic-messages': {
      ...speakers['anthropic-messages'].result?.(speakers['anthropic-messages'].text('a')),
      tools: [{ name: 'look', input_schema: { type: 'object', properties: {} } }],
      tool_choice: { type: 'auto' },
      thinking: { type: 'disabled' },
      metadata: {},
    },
    gemini: {
      ...speakers.gemini.result?.(speakers.gemini.image('image/png', png)),
      tools: [{ functionDeclarations: [{ name: 'look', parameters: { type: 'OBJECT', properties: {} } }] }],
      toolConfig: { functionCallingConfig: { mode: 'AUTO' } },
      generationConfig: { thinkingConfig: {} },
      labels: {},
    },
    ollama: {
      ...speakers.ollama.user(png),
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
      options: {},
    },
    native: {
      ...speakers.native.result?.(speakers.native.text('a')),
      tools: [{ name: 'look', parameters: { type: 'object', properties: {} } }],
      settings: { toolChoice: { name: 'look' } },
      metadata: {},
    },
  };

  /** The text of a document with `member` put into each of its objects in turn. */
  function withMember(document: object, member: string): readonly string[] {
    const text = JSON.stringify(document);
    const places = [...text.matchAll(/(?<!")\{(\}?)/g)];
    return places.map(({ index, 1: closes }) => {
      const rest = text.slice(index + 1);
      return `${text.slice(0, index + 1)}${member}${closes === '}' ? '' : ','}${rest}`;
    });
  }

  const poison = ['"__proto__":{"polluted":1}', '"constructor":{"prototype":{"polluted":1}}', '"__pr\\u006fto__":1'];
  it.each(dialectNames)('has a key of the prototype, in any of its objects (%s)', async (dialect) => {
    for (const member of poison)
      for (const body of withMember(rich[dialect], member))
        await expectRefused({ ...askWith(dialect, {}), body }, dialect, 'BODY_INVALID');
    expect('polluted' in {}).toBe(false);
  });

  it.each(dialectNames)('may have a key "constructor", which is a name like any other (%s)', async (dialect) => {
    for (const member of ['"constructor":1', '"constructor":{"type":"string"}', '"toString":"x"']) {
      for (const body of withMember(rich[dialect], member)) {
        const client = await probe({ port: sluice.port }, { ...askWith(dialect, {}), body });
        await client.end();
        const { status, text } = await client.response();
        client.destroy();
        expect([200, 400]).toContain(status);
        if (status === 400) expect(text).toMatch(/REQUEST_INVALID|INVALID_ARGUMENT/);
      }
    }
    expect('polluted' in {}).toBe(false);
  });

  it.each(prototypeWords.map((mistake) => [mistake.name, mistake.dialect, mistake.field, mistake] as const))(
    'has the word %s in a place of words (%s, %s)',
    async (_name, dialect, field, { body }) => {
      await expectRefused(askWith(dialect, body), dialect, 'REQUEST_INVALID', field);
    },
  );

  it.each(dialectNames)('is nested too deep, wherever (%s)', async (dialect) => {
    const deep = `"x":${'[{"a":'.repeat(40)}1${'}]'.repeat(40)}`;
    for (const body of withMember(questionOf(dialect), deep))
      await expectRefused({ ...askWith(dialect, {}), body }, dialect, 'JSON_TOO_DEEP');
  });
});
