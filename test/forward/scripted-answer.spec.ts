import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createScriptedTransport } from '../../src/forward/scripted-transport.ts';
import { TestClock } from '../support/test-clock.ts';
import { hastyClock, play, start, type Steps } from './scripted-probe.ts';

const envelope =
  '"id":"chatcmpl-scripted00000000000000000001","object":"chat.completion.chunk","created":1700000000,"model":"m","service_tier":"default","system_fingerprint":null';
const chunk = (delta: string, finish = 'null', usage = ''): string =>
  `data: {${envelope},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${usage}}\n\n`;
const roleChunk = chunk('{"role":"assistant","content":"","refusal":null}');

describe('a streamed answer', () => {
  it.each<[string, Steps, Record<string, unknown>, string]>([
    [
      'text, with all that an answer needs',
      [{ say: 'Hello big  world' }],
      {},
      `${roleChunk}${chunk('{"content":"Hello"}')}${chunk('{"content":" big"}')}${chunk('{"content":"  world"}')}${chunk('{}', '"stop"')}data: [DONE]\n\n`,
    ],
    [
      'usage, when it is asked for',
      [{ say: 'a b' }],
      { stream_options: { include_usage: true } },
      `${chunk('{"role":"assistant","content":"","refusal":null}', 'null', ',"usage":null')}${chunk('{"content":"a"}', 'null', ',"usage":null')}` +
        `${chunk('{"content":" b"}', 'null', ',"usage":null')}${chunk('{}', '"stop"', ',"usage":null')}` +
        `data: {${envelope},"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\ndata: [DONE]\n\n`,
    ],
    [
      'deltas of code points',
      [{ say: 'a👍漢', deltaCharacters: 2 }, { end: true }],
      {},
      `${roleChunk}${chunk('{"content":"a👍"}')}${chunk('{"content":"漢"}')}`,
    ],
    [
      'the user’s words, which are no template',
      [{ say: '>{{lastUserText}}<', deltaCharacters: 99 }, { end: true }],
      { messages: [{ role: 'user', content: '$& {{lastUserText}}' }] },
      `${roleChunk}${chunk('{"content":">$& {{lastUserText}}<"}')}`,
    ],
    [
      'several texts as one message',
      [{ say: 'a' }, { say: 'b' }, { finish: 'length' }],
      {},
      `${roleChunk}${chunk('{"content":"a"}')}${chunk('{"content":"b"}')}${chunk('{}', '"length"')}`,
    ],
    [
      'what the author ends: nothing is added',
      [{ say: 'a' }, { finish: 'stop' }, { usage: { total_tokens: 7 } }, { done: true }],
      {},
      `${roleChunk}${chunk('{"content":"a"}')}${chunk('{}', '"stop"')}data: {${envelope},"choices":[],"usage":{"total_tokens":7}}\n\ndata: [DONE]\n\n`,
    ],
    [
      'a finish before the last text does not end it',
      [{ finish: 'length' }, { say: 'a' }],
      {},
      `${roleChunk}${chunk('{}', '"length"')}${chunk('{"content":"a"}')}${chunk('{}', '"stop"')}data: [DONE]\n\n`,
    ],
    [
      'an end in the middle',
      [{ say: 'a' }, { end: true }, { say: 'b' }, { done: true }],
      {},
      `${roleChunk}${chunk('{"content":"a"}')}`,
    ],
    [
      'other frames',
      [{ sse: { error: { message: 'x' } } }, { data: '{broken' }, { data: 'two\nlines' }, { raw: ': ping\r\n\r\n' }],
      {},
      'data: {"error":{"message":"x"}}\n\ndata: {broken\n\ndata: two\ndata: lines\n\n: ping\r\n\r\n',
    ],
    ['nothing', [{ say: '' }, { end: true }], {}, roleChunk],
  ])('%s', async (_title, script, request, expected) => {
    const { text, events } = await play(
      { script },
      { stream: true, model: 'm', messages: [{ role: 'user', content: 'hi' }], ...request },
    );
    expect(text).toBe(expected);
    expect(events.at(-1)).toBe('end');
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a string',
      {
        messages: [
          { role: 'user', content: 'one' },
          { role: 'assistant', content: 'two' },
        ],
      },
      'one',
    ],
    [
      'parts',
      {
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url' }, { type: 'text', text: 'b' }] },
        ],
      },
      'ab',
    ],
    [
      'contents',
      {
        contents: [
          { role: 'user', parts: [{ text: 'g' }] },
          { role: 'model', parts: [{ text: 'no' }] },
        ],
      },
      'g',
    ],
    ['input text', { input: 'i' }, 'i'],
    ['nothing at all', {}, ''],
    ['nonsense', { messages: [null, 7, { role: 'user', content: 9 }] }, ''],
  ])('finds the last user text in %s', async (_title, request, expected) => {
    const { text } = await play(
      { script: [{ say: '[{{ lastUserText }}]', deltaCharacters: 100 }] },
      { ...request, stream: true },
    );
    expect(text).toContain(`"content":"[${expected}]"`);
  });

  it('has a new id for each request, and the time of the clock', async () => {
    const transport = createScriptedTransport({ script: [{ say: 'a' }] }, { clock: hastyClock });
    const ids = [];
    for (let round = 0; round < 2; round += 1) {
      const { text } = await play(transport, { stream: true });
      const { id, created } = JSON.parse(text.slice(6, text.indexOf('\n'))) as { id: string; created: number };
      ids.push(id, created);
    }
    expect(ids).toEqual([
      'chatcmpl-scripted00000000000000000001',
      1_700_000_000,
      'chatcmpl-scripted00000000000000000002',
      1_700_000_000,
    ]);
  });
});

describe('an answer that is not streamed', () => {
  const document = (text: string, finish: string, usage: string): string =>
    `{"id":"chatcmpl-scripted00000000000000000001","object":"chat.completion","created":1700000000,"model":"m",` +
    `"choices":[{"index":0,"message":{"role":"assistant","content":"${text}","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"${finish}"}],` +
    `"usage":${usage},"service_tier":"default","system_fingerprint":null}`;

  it.each<[string, Steps, string]>([
    [
      'is the whole text',
      [{ say: 'Hello world' }],
      document('Hello world', 'stop', '{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}'),
    ],
    [
      'has the finish and the usage of the author',
      [{ say: 'a' }, { say: ' b' }, { finish: 'length' }, { usage: { total_tokens: 9 } }, { done: true }],
      document('a b', 'length', '{"total_tokens":9}'),
    ],
    ['is what the author wrote', [{ status: 200 }, { raw: '{"a":1}' }], '{"a":1}'],
    ['may be broken', [{ data: '<html>' }], '<html>'],
  ])('%s', async (_title, script, expected) => {
    for (const stream of [false, undefined]) {
      const { text, head } = await play(
        { script },
        { stream, model: 'm', messages: [{ role: 'user', content: 'hi' }] },
      );
      expect([text, head]).toEqual([expected, { status: 200, headers: { 'content-type': 'application/json' } }]);
    }
  });

  it('takes as long as the streamed one, and breaks where that breaks', async () => {
    const clock = new TestClock();
    const transport = createScriptedTransport(
      { script: [{ say: 'a b c', delay: '1s' }, { wait: '3s' }, { reset: true }] },
      { clock },
    );
    const { done, events } = start(transport, { stream: false });
    await clock.advance(4_999);
    expect(events).toEqual(['sent', 'connected']);
    await clock.advance(1);
    expect((await done).events).toEqual(['sent', 'connected', 'UPSTREAM_RESET']);
  });
});

describe('chunkBytes', () => {
  const script: Steps = [
    { say: 'Grüße, 漢字 👍 {{lastUserText}}' },
    { wait: '1ms' },
    { raw: ': ping\n\n' },
    { finish: 'stop' },
    { done: true },
  ];

  it('cuts the same bytes into pieces of that size, shorter ones only before a wait and at the end', async () => {
    const request = { stream: true, model: 'm', messages: [{ role: 'user', content: 'ab' }] };
    const { text } = await play({ script }, request);
    const whole = Buffer.from(text, 'utf8');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2_000 }), async (chunkBytes) => {
        const { pieces } = await play({ script, chunkBytes }, request);
        expect(Buffer.concat(pieces).equals(whole)).toBe(true);
        expect(pieces.filter((piece) => piece.length !== chunkBytes).length).toBeLessThanOrEqual(2);
        expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(chunkBytes);
      }),
      { numRuns: 60 },
    );
  });

  it('loses no text, whatever is said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.option(fc.integer({ min: 1, max: 9 })),
        async (said, deltaCharacters) => {
          const say = said.replaceAll('{{', '');
          const { text } = await play(
            { script: [deltaCharacters === null ? { say } : { say, deltaCharacters }] },
            { stream: true },
          );
          const deltas = text
            .split('\n\n')
            .filter((frame) => frame.startsWith('data: {'))
            .map((frame) => JSON.parse(frame.slice(6)) as { choices: { delta: { content?: string } }[] });
          expect(deltas.map((delta) => delta.choices[0]?.delta.content ?? '').join('')).toBe(say);
        },
      ),
      { numRuns: 100 },
    );
  });
});
