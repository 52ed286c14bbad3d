import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import { AnswerPipe, type FrameCounters } from '../../src/kernel/answer-pipe.ts';
import type { BoundText } from '../../src/kernel/bound-modifier.ts';
import type { FrameSink } from '../../src/kernel/frame-sink.ts';
import { chatRequest } from '../support/chat-run.ts';
import { cut, lawCases } from '../support/law.ts';
import { chunkFrame } from '../support/openai-chunks.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { testRun } from '../support/test-run.ts';
import { anyHabits, habitStep } from '../support/text-habits.ts';

/* Answers that a modifier ends: frames on the fast lane and on the slow way must come to the same end. */

const encoders = { 'openai-chat': openaiChatEncoder, native: nativeEncoder };
const config = {
  baseUrl: 'https://provider.invalid/v1',
  model: 'm',
  includeUsage: true,
  maxTokensField: 'max_tokens',
} as const;

interface Passed {
  readonly bytes: string;
  readonly error: string | undefined;
  /** How often the provider was no longer to be read. */
  readonly ended: number;
  readonly completed: number;
  readonly endedBy: readonly string[];
}

function pass(
  reads: readonly string[],
  dialect: keyof typeof encoders,
  steps: readonly BoundText[],
  choices: number,
  lane: boolean,
): Passed {
  const { run, capabilities } = testRun();
  const request = chatRequest({ settings: { includeUsage: true, choices } });
  const counters: FrameCounters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  let bytes = '';
  let error: string | undefined;
  let ended = 0;
  let completed = 0;
  let endedBy: readonly string[] = [];
  const pipe: AnswerPipe = new AnswerPipe({
    run,
    encoder: encoders[dialect].create({}, capabilities).open({ run, request, created: 1_700_000_000 }),
    choices,
    sameDialect: dialect === 'openai-chat',
    modifiers: () => steps,
    counters,
    output: {
      write: (frames) => void (bytes += frames),
      complete: (frames) => {
        bytes += frames;
        completed += 1;
        endedBy = pipe.earlyEnds.map(({ by, choice, ending }) => `${choice} ${by} ${ending.reason}`);
      },
      pause: () => undefined,
      began: () => undefined,
      ended: () => void (ended += 1),
      fail: (failure) => void (error = failure.code),
    },
  });
  pipe.attach(openaiChatBackend.create(config, capabilities).decode(request));
  const slowSink: FrameSink = {
    lane: undefined,
    frame: (event, data, raw) => pipe.frame(event, data, raw),
    textFrame: () => false,
  };
  const framing = new SseFraming(lane ? pipe : slowSink, 1_048_576);
  try {
    for (const read of reads) {
      framing.push(Buffer.from(read).toString('latin1'));
      pipe.flush();
    }
    pipe.end();
  } catch (thrown) {
    pipe.flush();
    error = String((thrown as { code?: string }).code ?? thrown);
  }
  return { bytes, error, ended, completed, endedBy };
}

const frame = (index: number, delta: Readonly<Record<string, unknown>>, more = {}): string =>
  chunkFrame({ delta, choice: { index, ...more } });
const opening = (index: number): string => frame(index, { role: 'assistant', content: '' });
const says = (index: number, content: string): string => frame(index, { content });
const closing = (index: number): string => frame(index, {}, { finish_reason: 'stop' });
const done = 'data: [DONE]\n\n';

const piece = fc.constantFrom('a', 'se', '-', '--', 'tea ', '#', 'r', 'o', '😀', 'well well', '"');
const delta = fc.oneof(
  { arbitrary: piece.map((content) => ({ content })), weight: 6 },
  { arbitrary: piece.map((refusal) => ({ refusal })), weight: 1 },
  { arbitrary: piece.map((reasoning_content) => ({ reasoning_content })), weight: 1 },
  {
    arbitrary: piece.map((value) => ({
      tool_calls: [
        { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: JSON.stringify({ a: value }) } },
      ],
    })),
    weight: 1,
  },
);
const streams = fc.record({
  choices: fc.integer({ min: 1, max: 2 }),
  deltas: fc.array(fc.tuple(fc.nat({ max: 1 }), delta), { maxLength: 24 }),
  sizes: fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 4 }),
});

describe('an answer that a modifier may end', () => {
  it.each(['openai-chat', 'native'] as const)('is the same on the fast lane as on the slow way: %s', (dialect) => {
    fc.assert(
      fc.property(streams, anyHabits, ({ choices, deltas, sizes }, habits) => {
        const indexes = Array.from({ length: choices }, (_, index) => index);
        const frames = [
          ...indexes.map(opening),
          ...deltas.map(([index, one]) => frame(index % choices, one)),
          ...indexes.map(closing),
          done,
        ];
        const reads = cut(frames.join(''), sizes);
        const steps = habits.map((habit, index) => habitStep(habit, index));
        const fast = pass(reads, dialect, steps, choices, true);
        expect(fast).toEqual(pass(reads, dialect, steps, choices, false));
        expect([fast.error, fast.completed]).toEqual([undefined, 1]);
        expect(fast.ended).toBeLessThanOrEqual(1);
        if (choices === 1) expect(fast.ended).toBe(fast.endedBy.length);
      }),
      { numRuns: Math.ceil(lawCases / 100) },
    );
  });
});

describe('one of two choices', () => {
  const guard = (channels: readonly ('text' | 'reasoning')[]): BoundText => ({
    name: 'guard',
    guard: true,
    onError: 'fail',
    modifier: {
      effect: 'text',
      channels,
      policy: { mode: 'live' },
      open: (_run, block) => ({
        text(chunk) {
          const at = chunk.indexOf('#');
          if (at === -1) return chunk;
          block.stop({ reason: 'content_filter' });
          return chunk.slice(0, at);
        },
        flush: () => '',
      }),
    },
  });

  const textsOf = (bytes: string, index: number): string =>
    [...bytes.matchAll(/"index":(\d+),"delta":\{[^}]*"content":"([^"]*)"/g)]
      .map(([, of, text]) => (Number(of) === index ? text : ''))
      .join('');

  it('that a guard has ended stays ended, however the frames of both come', () => {
    const after = ['secret', ' plan', ' of', ' all'];
    const frames = [
      opening(0),
      opening(1),
      says(0, 'one '),
      says(1, 'uno '),
      says(0, 'two#'),
      says(0, 'secret'),
      says(1, 'dos '),
      ...after.flatMap((word) => [says(0, word), says(0, word), says(1, 'x')]),
      closing(0),
      closing(1),
      done,
    ];
    for (const reads of [[frames.join('')], frames]) {
      const { bytes, error, ended } = pass(reads, 'openai-chat', [guard(['text'])], 2, true);
      expect([error, ended, bytes.includes('secret')]).toEqual([undefined, 0, false]);
      expect([textsOf(bytes, 0), textsOf(bytes, 1)]).toEqual(['one two', 'uno dos xxxx']);
      expect(bytes.match(/"finish_reason":"[a-z_]+"/g)).toEqual([
        '"finish_reason":"content_filter"',
        '"finish_reason":"stop"',
      ]);
    }
  });

  it('is ended in a channel that nobody else reads too', () => {
    const frames = [
      opening(0),
      opening(1),
      says(0, 'one '),
      says(0, 'two '),
      frame(0, { reasoning_content: 'why#' }),
      says(0, 'secret'),
      says(0, 'secret'),
      says(0, 'secret'),
      says(1, 'uno'),
      says(1, 'dos'),
      closing(0),
      closing(1),
      done,
    ];
    const { bytes, error } = pass([frames.join('')], 'openai-chat', [guard(['reasoning'])], 2, true);
    expect([error, bytes.includes('secret'), textsOf(bytes, 1)]).toEqual([undefined, false, 'unodos']);
    expect(readOpenAiStream(Buffer.from(bytes, 'latin1')).text).toContain('one two');
  });
});
