import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  args,
  block,
  call,
  candidatesOf,
  end,
  finish,
  gemini,
  meta,
  openStream,
  own,
  readChunks,
  say,
  writeChunks,
  type Json,
} from '../support/gemini-stream.ts';

const usage: AnswerEvent = { type: 'usage', input: { total: 5 }, output: { total: 7, reasoning: 3 }, total: 12 };

describe('chunks', () => {
  it('are whole responses; the last one says why it ended, and what it took', () => {
    const identity = { modelVersion: 'm', responseId: 'c1' };
    expect(writeChunks([meta, block('a'), say('a', 'Hé'), say('a', '😀'), end('a'), finish, usage])).toEqual([
      { candidates: [{ content: { parts: [{ text: 'Hé' }], role: 'model' }, index: 0 }], ...identity },
      { candidates: [{ content: { parts: [{ text: '😀' }], role: 'model' }, index: 0 }], ...identity },
      {
        candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 4, totalTokenCount: 12, thoughtsTokenCount: 3 },
        ...identity,
      },
    ]);
  });

  it('of an answer that a step made are complete, with the identity of the run', () => {
    expect(writeChunks([block('a'), say('a', 'x'), end('a')]).at(-1)).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      modelVersion: 'support',
      responseId: 'run-1',
    });
    expect(writeChunks([])).toMatchObject([
      { candidates: [{ finishReason: 'STOP', content: { parts: [{ text: '' }] } }] },
    ]);
  });

  it('keep the identity of the first one after another attempt', () => {
    const chunks = writeChunks([
      meta,
      block('a'),
      say('a', 'x'),
      { ...meta, responseId: 'c2', model: 'n' } as AnswerEvent,
      say('a', 'y'),
    ]);
    expect(
      new Set(chunks.map(({ responseId, modelVersion }) => `${String(responseId)}/${String(modelVersion)}`)),
    ).toEqual(new Set(['c1/m']));
  });

  it('say why each of several candidates ended, once', () => {
    const events: readonly AnswerEvent[] = [
      meta,
      block('a', 'text', { choice: 0 }),
      block('b', 'text', { choice: 1 }),
      { ...say('a', 'x'), choice: 0 },
      { ...say('b', 'y'), choice: 1 },
      end('a'),
      { type: 'finish', choice: 0, reason: { unified: 'length' } },
      end('b'),
      { type: 'finish', choice: 1, reason: { unified: 'content_filter' } },
    ];
    const candidates = writeChunks(events).flatMap(candidatesOf);
    expect(candidates.map(({ index, finishReason }) => [index, finishReason])).toEqual([
      [0, undefined],
      [1, undefined],
      [0, 'MAX_TOKENS'],
      [1, 'SAFETY'],
    ]);
  });

  it.each([
    ['stop', 'STOP'],
    ['tool_calls', 'STOP'],
    ['length', 'MAX_TOKENS'],
    ['content_filter', 'SAFETY'],
    ['refusal', 'SAFETY'],
    ['error', 'OTHER'],
  ] as const)('say %s with %s', (unified, word) => {
    expect(writeChunks([meta, { type: 'finish', reason: { unified } }]).flatMap(candidatesOf)).toMatchObject([
      { finishReason: word },
    ]);
  });

  it('use the own word of the provider only where it is Gemini', () => {
    const events: readonly AnswerEvent[] = [
      { type: 'finish', reason: { unified: 'content_filter', raw: 'RECITATION' } },
    ];
    expect(writeChunks([own, ...events]).flatMap(candidatesOf)).toMatchObject([{ finishReason: 'RECITATION' }]);
    expect(writeChunks([meta, ...events]).flatMap(candidatesOf)).toMatchObject([{ finishReason: 'SAFETY' }]);
  });

  it('tell what a refusal says', () => {
    const refusal = { category: 'x', explanation: 'No.' };
    const chunks = writeChunks([
      meta,
      block('a', 'refusal'),
      say('a', 'I can not'),
      end('a'),
      { type: 'finish', reason: { unified: 'refusal' }, refusal },
    ]);
    expect(chunks.flatMap(candidatesOf).map(({ content: _content, ...rest }) => rest)).toEqual([
      { index: 0 },
      { finishReason: 'SAFETY', index: 0, finishMessage: 'No.' },
    ]);
  });
});

describe('what belongs to the candidate', () => {
  const last = (events: readonly AnswerEvent[]): Json => candidatesOf(writeChunks(events).at(-1) ?? {})[0] ?? {};

  it('has citations of other providers as grounding, with offsets in bytes', () => {
    const cite = (blockId: string, start: number, stop: number, url: string): AnswerEvent => ({
      type: 'annotation',
      blockId,
      annotation: {},
      dialect: 'openai-chat',
      url,
      title: 'T',
      start,
      end: stop,
      unit: 'codepoint',
    });
    const events = [
      meta,
      block('a'),
      say('a', 'é'),
      end('a'),
      block('b'),
      say('b', '😀 is'),
      say('b', ' cited'),
      cite('b', 2, 4, 'https://a.example'),
      cite('b', 5, 10, 'https://a.example'),
      cite('b', 5, 99, 'https://b.example'),
      end('b'),
      finish,
    ];
    expect(last(events)['groundingMetadata']).toEqual({
      groundingChunks: [
        { web: { uri: 'https://a.example', title: 'T' } },
        { web: { uri: 'https://b.example', title: 'T' } },
      ],
      groundingSupports: [
        { segment: { startIndex: 7, endIndex: 9, text: 'is' }, groundingChunkIndices: [0] },
        { segment: { startIndex: 10, endIndex: 15, text: 'cited' }, groundingChunkIndices: [0] },
      ],
    });
  });

  it('has the metadata of Gemini as it was, once', () => {
    const groundingMetadata = { webSearchQueries: ['q'], groundingChunks: [{ web: { uri: 'https://a.example' } }] };
    const annotation: AnswerEvent = {
      type: 'annotation',
      blockId: 'a',
      annotation: {},
      dialect: 'gemini',
      url: 'https://a.example',
      ext: { gemini: { candidates: { groundingMetadata } } },
    };
    const chunks = writeChunks([own, block('a'), say('a', 'x'), annotation, end('a'), finish]);
    expect(chunks.flatMap(candidatesOf).flatMap((candidate) => candidate['groundingMetadata'] ?? [])).toEqual([
      groundingMetadata,
    ]);
  });

  it('has log probabilities in the form of the format', () => {
    const logprobs = {
      content: [{ token: 'x', logprob: -1, bytes: null, top_logprobs: [{ token: 'y', logprob: -2 }] }],
    };
    const result = {
      chosenCandidates: [{ token: 'x', logProbability: -1 }],
      topCandidates: [{ candidates: [{ token: 'y', logProbability: -2 }] }],
    };
    const first = (entry: AnswerEvent): unknown =>
      candidatesOf(writeChunks([meta, block('a'), entry])[0] ?? {})[0]?.['logprobsResult'];
    expect(first({ ...say('a', 'x'), logprobs } as AnswerEvent)).toEqual(result);
    expect(first({ ...say('a', 'x'), logprobs: { ...logprobs, logprobsResult: { a: 1 } } } as AnswerEvent)).toEqual({
      a: 1,
    });
  });

  it('is missing where the prompt was refused', () => {
    const feedback = { blockReason: 'PROHIBITED_CONTENT' };
    const ext = { gemini: { promptFeedback: feedback } };
    const refused: AnswerEvent = {
      type: 'safety',
      scope: 'prompt',
      verdicts: [],
      blocked: true,
      reason: 'PROHIBITED_CONTENT',
      ext,
    };
    const why: AnswerEvent = { type: 'finish', reason: { unified: 'content_filter', raw: 'PROHIBITED_CONTENT' } };
    expect(writeChunks([own, refused, why, usage])).toEqual([
      { promptFeedback: feedback, usageMetadata: expect.anything(), modelVersion: 'gemini-x', responseId: 'g1' },
    ]);
    expect(writeChunks([meta, { type: 'safety', scope: 'prompt', verdicts: [], blocked: true }, why])).toMatchObject([
      { promptFeedback: { blockReason: 'SAFETY' } },
    ]);
  });

  it('gets a part where an unknown chunk has none, and no chunk that is no JSON', () => {
    const raw = (data: string, dialect = 'gemini'): AnswerEvent => ({ type: 'raw', dialect, data });
    const chunks = writeChunks([
      own,
      raw('{"candidates":[{"index":0,"later":1}]}'),
      raw('[DONE]'),
      raw('{}', 'openai-chat'),
      finish,
    ]);
    expect(chunks).toHaveLength(2);
    expect(chunks[0]).toEqual({
      candidates: [{ index: 0, later: 1, content: { parts: [{ text: '' }], role: 'model' } }],
    });
  });
});

describe('failures', () => {
  it.each([
    ['REQUEST_INVALID', 400, 'INVALID_ARGUMENT'],
    ['BODY_TOO_LARGE', 413, 'INVALID_ARGUMENT'],
    ['MODEL_UNKNOWN', 404, 'NOT_FOUND'],
    ['UPSTREAM_REJECTED', 401, 'UNAUTHENTICATED'],
    ['UPSTREAM_REJECTED', 403, 'PERMISSION_DENIED'],
    ['UPSTREAM_RATE_LIMITED', 429, 'RESOURCE_EXHAUSTED'],
    ['INTERNAL', 500, 'INTERNAL'],
    ['UPSTREAM_RESET', 502, 'UNAVAILABLE'],
    ['UPSTREAM_OVERLOADED', 503, 'UNAVAILABLE'],
    ['UPSTREAM_STALLED', 504, 'DEADLINE_EXCEEDED'],
  ] as const)('%s with %i is %s, in a stream and before it', (name, code, status) => {
    const error = new SluiceError(name, { status: code });
    const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: name, domain: 'sluice' };
    const expected = { code, status, message: error.message, details: expect.arrayContaining([info]) };
    expect(gemini.encodeError(error, 'r1')).toMatchObject({
      contentType: 'application/json',
      body: { error: expected },
    });
    // The reason that waits for the last chunk stays behind.
    const stream = openStream();
    const before = stream.encode(finish);
    expect(readChunks(before + stream.fail(error))).toEqual([{ error: expected }]);
  });

  it('say when to try again, and what is wrong', () => {
    const limited = new SluiceError('UPSTREAM_RATE_LIMITED', { retryAfterSeconds: 2.5 });
    expect(JSON.stringify(gemini.encodeError(limited, 'r1').body)).toContain('"retryDelay":"2.5s"');
    const wrong = new SluiceError('REQUEST_INVALID', { details: { field: 'contents', reason: 'missing' } });
    expect(JSON.stringify(gemini.encodeError(wrong, 'r1').body)).toContain('"fieldViolations":[{"field":"contents"');
  });
});

describe('what is held', () => {
  it('has a cap', () => {
    const stream = openStream();
    stream.encode(call('c', 'f', '1'));
    const piece = args('c', ' '.repeat(33_554_432));
    stream.encode(piece);
    stream.encode(piece);
    expect(() => stream.encode(args('c', ' '))).toThrow(expect.objectContaining({ code: 'ANSWER_TOO_LARGE' }));
  });
});

it('lists models as the format does', () => {
  expect(gemini.encodeModels?.([{ id: 'gpt', created: 1, ownedBy: 'x' }])).toEqual({
    models: [
      {
        name: 'models/gpt',
        baseModelId: 'gpt',
        displayName: 'gpt',
        supportedGenerationMethods: ['generateContent', 'streamGenerateContent'],
      },
    ],
  });
});
