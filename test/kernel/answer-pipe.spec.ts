import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import { AnswerPipe, type FrameCounters } from '../../src/kernel/answer-pipe.ts';
import type { Backend, Encoder, StreamEncoder } from '../../src/kernel/component.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import type { FrameSink } from '../../src/kernel/frame-sink.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { testRun } from '../support/test-run.ts';
import { productRegistry } from '../support/sluice.ts';
import { chunkFrame, type ChunkOptions } from '../support/openai-chunks.ts';

const registry = await productRegistry();
const backend = registry
  .get('backend', 'openai-chat')
  ?.create(
    { baseUrl: 'https://provider.invalid/v1', model: 'm', includeUsage: true, maxTokensField: 'max_tokens' },
    testRun().capabilities,
  ) as Backend;
const encoderOf = (dialect: string): Encoder =>
  registry.get('encoder', dialect)?.create({}, testRun().capabilities) as Encoder;
const request: ChatRequest = {
  dialect: 'openai-chat',
  stream: true,
  settings: { includeUsage: true },
  tools: [],
  messages: [],
  metadata: {},
  params: {},
};

function mask(words: readonly string[], extra: object = {}): Bound<Modifier> {
  const component = registry.get('modifier', 'mask-words');
  const config = {
    words,
    match: 'substring',
    caseSensitive: false,
    channels: ['text', 'reasoning', 'refusal'],
    ...extra,
  };
  return { name: 'mask', guard: true, onError: 'fail', modifier: component?.create(config, {} as never) as Modifier };
}

interface Passed {
  readonly bytes: string;
  readonly error: string | undefined;
  readonly counters: FrameCounters;
}

/** Sends the bytes of a provider through decoder, modifiers and encoder, with or without the fast lane. */
function pass(
  chunks: readonly Buffer[],
  dialect: string,
  modifiers: readonly Bound<Modifier>[],
  lane: boolean,
): Passed {
  let bytes = '';
  let error: string | undefined;
  const counters: FrameCounters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const { run } = testRun();
  const encoder: StreamEncoder = encoderOf(dialect).open({ run, request, created: 1_700_000_000 });
  const pipe = new AnswerPipe({
    run,
    encoder,
    choices: 1,
    sameDialect: dialect === 'openai-chat',
    modifiers: () => modifiers,
    counters,
    output: {
      write: (frames) => void (bytes += frames),
      complete: (frames) => void (bytes += frames),
      pause: () => undefined,
      began: () => undefined,
      ended: () => undefined,
      fail: (failure) => void (error = failure.code),
    },
  });
  pipe.attach(backend.decode(request));
  const slowSink: FrameSink = {
    lane: undefined,
    frame: (event, data, raw) => pipe.frame(event, data, raw),
    textFrame: () => false,
  };
  const framing = new SseFraming(lane ? pipe : slowSink, 1_048_576);
  try {
    for (const chunk of chunks) {
      framing.push(chunk.toString('latin1'));
      pipe.flush();
    }
    pipe.end();
  } catch (thrown) {
    pipe.flush();
    error = (thrown as { code?: string }).code ?? String(thrown);
  }
  return { bytes, error, counters };
}

const words = ['secret', 'sec', 'aba', '日本', '"q"', '\\n', '😀b'];
const textPiece = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'ab',
    'sec',
    'ret',
    'secret',
    ' ',
    '"',
    '\\',
    '\n',
    '日',
    '本',
    '日本語',
    '😀',
    'é',
    'S\u0045cret',
    '\u0001',
    '\u2028',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const extra = fc.constantFrom<ChunkOptions>(
  {},
  { fields: { system_fingerprint: 'fp_1' } },
  { fields: { obfuscation: 'x"secret' } },
  { padding: 'xyz' },
  { padding: 'x' },
  { fields: { vendor: { note: 'secret' } } },
  { choice: { logprobs: { content: [{ token: 'sec' }] } } },
  { spaces: true },
  { escapeUnicode: true },
);
const frames = fc
  .array(fc.tuple(textPiece, extra), { maxLength: 30 })
  .chain((pieces) =>
    fc.constant([
      chunkFrame({ delta: { role: 'assistant', content: '' } }),
      ...pieces.map(([text, options]) => chunkFrame({ ...options, delta: { content: text } })),
      chunkFrame({ delta: {}, choice: { finish_reason: 'stop' } }),
      'data: [DONE]\n\n',
    ]),
  );

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('the fast lane writes the same bytes as the slow way', () => {
  const chains = {
    'no modifier': [],
    'one mask': [mask(words)],
    'three masks': [mask(words, { with: '#' }), mask(['#', 'x']), mask(['b'], { perCharacter: '*' })],
  };
  for (const dialect of ['openai-chat', 'native']) {
    it.each(Object.entries(chains))(`${dialect}, %s`, (_name, modifiers) => {
      fc.assert(
        fc.property(frames, fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 5 }), (stream, sizes) => {
          const chunks = cut(Buffer.from(stream.join('')), sizes);
          const { counters: _fast, ...fast } = pass(chunks, dialect, modifiers, true);
          const { counters: _slow, ...slow } = pass(chunks, dialect, modifiers, false);
          expect(fast).toEqual(slow);
        }),
      );
    });
  }

  it('also for bytes that are no UTF-8, escapes that are none, and control characters', () => {
    const shape = chunkFrame({ delta: { content: '@' } });
    const bad = [
      '\xff',
      '\xe6\x97',
      '\\x',
      '\\u12',
      '\u0001',
      '"',
      'a","role":"tool',
      '\xc3\xa9',
      '\\ud83d',
      '\\ud83d\\ude00',
    ];
    for (const text of bad) {
      const bytes = Buffer.from(
        chunkFrame({ delta: { content: 'ok' } }) +
          shape.replace('@', () => text) +
          chunkFrame({ delta: {}, choice: { finish_reason: 'stop' } }) +
          'data: [DONE]\n\n',
        'latin1',
      );
      for (const dialect of ['openai-chat', 'native']) {
        const { counters: _fast, ...fast } = pass([bytes], dialect, [mask(words)], true);
        const { counters: _slow, ...slow } = pass([bytes], dialect, [mask(words)], false);
        expect({ text, ...fast }).toEqual({ text, ...slow });
      }
    }
  });
});

describe('which way frames take', () => {
  const stream = Buffer.from(
    [
      chunkFrame({ delta: { role: 'assistant', content: '' } }),
      ...['the ', 'se', 'cret', ' plan', ' on', ' hold'].map((content) => chunkFrame({ delta: { content } })),
      chunkFrame({ delta: {}, choice: { finish_reason: 'stop' } }),
      'data: [DONE]\n\n',
    ].join(''),
  );

  it('passes what nobody reads, with its own bytes', () => {
    const { bytes, counters } = pass([stream], 'openai-chat', [], true);
    expect(bytes).toBe(stream.toString('latin1'));
    expect(counters).toEqual({ pass: 4, scan: 0, splice: 0, slow: 5 });
  });

  it('scans what stays and splices what changes', () => {
    const { bytes, counters } = pass([stream], 'openai-chat', [mask(['secret'])], true);
    expect(bytes).toContain('"content":"***"');
    expect(bytes).not.toMatch(/"content":"(se|cret)"/);
    expect(counters).toEqual({ pass: 0, scan: 3, splice: 1, slow: 5 });
  });
});

describe('a frame of a form that official clients do not read', () => {
  it('is written anew, though nobody changes it', () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'Hi' },
    ];
    const stream = [
      chunkFrame({ delta: { role: 'assistant', content: '' } }),
      chunkFrame({ delta: { content: parts } }),
      chunkFrame({ delta: { content: ' there' } }),
      chunkFrame({ delta: {}, choice: { finish_reason: 'stop' } }),
      'data: [DONE]\n\n',
    ];
    const { bytes } = pass([Buffer.from(stream.join(''))], 'openai-chat', [], true);
    expect(bytes).toContain('"delta":{"reasoning_content":"hm"}');
    expect(bytes).toContain('"delta":{"content":"Hi"}');
    expect(bytes).not.toContain('[{"type"');
    expect(bytes.endsWith(stream.slice(2).join(''))).toBe(true);
  });
});

describe('what a guard is to hide', () => {
  const leak = 'the secret word';
  it.each([
    ['an unknown field beside the text', chunkFrame({ delta: { content: 'x' }, fields: { transcript: leak } })],
    [
      'an unknown field of the choice',
      chunkFrame({ delta: { content: 'x' }, choice: { message: { role: 'assistant', content: leak } } }),
    ],
    ['an unknown field of the delta', chunkFrame({ delta: { content: 'x', note: leak } })],
    [
      'log probabilities',
      chunkFrame({ delta: { content: leak }, choice: { logprobs: { content: [{ token: 'secret', logprob: -1 }] } } }),
    ],
    ['an unknown frame', `data: {"note":"${leak}"}\n\n`],
    ['an unknown event', `event: note\ndata: {"note":"${leak}"}\n\n`],
    [
      'a text with the reason of the finish',
      chunkFrame({ delta: { content: leak }, choice: { finish_reason: 'stop' } }),
    ],
    ['a refusal', chunkFrame({ delta: { refusal: leak } })],
    ['reasoning', chunkFrame({ delta: { reasoning_content: leak } })],
  ])('does not leave by %s', (_name, frame) => {
    const bytes = Buffer.from(
      [
        chunkFrame({ delta: { role: 'assistant', content: 'a' } }),
        frame,
        chunkFrame({ delta: {}, choice: { finish_reason: 'stop' } }),
        'data: [DONE]\n\n',
      ].join(''),
    );
    for (const dialect of ['openai-chat', 'native'])
      expect(pass([bytes], dialect, [mask(['secret'])], true).bytes).not.toContain('secret');
  });
});
