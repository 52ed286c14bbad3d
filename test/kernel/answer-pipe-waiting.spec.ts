import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import { AnswerPipe, type FrameCounters } from '../../src/kernel/answer-pipe.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { eventStep, maskStep, modifying } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import { readNativeStream } from '../support/native-reader.ts';
import { chunkFrame, type ChunkOptions } from '../support/openai-chunks.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { testRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

/*
 * The whole way of a stream through a chain in which some step waits or holds: what leaves late is written another way
 * than what leaves with its frame, and both must make one stream.
 */

type Dialect = 'openai-chat' | 'native';
const encoders = { 'openai-chat': openaiChatEncoder, native: nativeEncoder };
const request = chatRequest({ settings: { includeUsage: true } });
const config = {
  baseUrl: 'https://provider.invalid/v1',
  model: 'm',
  includeUsage: true,
  maxTokensField: 'max_tokens',
} as const;

interface Passed {
  readonly bytes: string;
  readonly completed: boolean;
  readonly error: string | undefined;
  readonly counters: FrameCounters;
}

/** More than any of the streams here needs. */
const maxTurns = 1_000;

/** Sends the reads of a provider through decoder, steps and encoder, and lets the loop go round between two of them. */
async function pass(reads: readonly string[], dialect: Dialect, steps: readonly Bound<Modifier>[]): Promise<Passed> {
  const { run, capabilities } = testRun();
  const counters: FrameCounters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  let bytes = '';
  let completed = false;
  let error: string | undefined;
  const pipe = new AnswerPipe({
    run,
    encoder: encoders[dialect].create({}, capabilities).open({ run, request, created: 1_700_000_000 }),
    choices: 1,
    sameDialect: dialect === 'openai-chat',
    modifiers: () => steps,
    counters,
    output: {
      write: (frames) => void (bytes += frames),
      complete: (frames) => {
        bytes += frames;
        completed = true;
      },
      pause: () => undefined,
      began: () => undefined,
      ended: () => undefined,
      fail: (failure) => void (error = failure.code),
    },
  });
  pipe.attach(openaiChatBackend.create(config, capabilities).decode(request));
  const framing = new SseFraming(pipe, 1_048_576);
  for (const read of reads) {
    framing.push(Buffer.from(read).toString('latin1'));
    pipe.flush();
    await turn();
  }
  pipe.end();
  const isOver = (): boolean => completed || error !== undefined;
  for (let turns = 0; turns < maxTurns && !isOver(); turns += 1) await turn();
  return { bytes, completed, error, counters };
}

const slow = modifying('slow', async (event, emit) => {
  await turn();
  emit(event);
});
const quick = modifying('quick', (event, emit) => emit(event));

/** Holds everything until a reason to finish comes. */
function holdingStep(): Bound<Modifier> {
  return eventStep('holds', () => {
    const held: AnswerEvent[] = [];
    return {
      modify(event, emit) {
        held.push(event);
        if (event.type !== 'finish' && event.type !== 'stream.end') return;
        for (const one of held.splice(0)) emit(one);
      },
    };
  });
}

const ofChoice = (index: number, delta: ChunkOptions['delta'] = {}, more: ChunkOptions = {}): string =>
  chunkFrame({ ...more, delta, choice: { index, ...more.choice } });
const opening = (index: number): string => ofChoice(index, { role: 'assistant', content: '' });
const closing = (index: number): string => ofChoice(index, {}, { choice: { finish_reason: 'stop' } });
const done = 'data: [DONE]\n\n';

const idsIn = (bytes: string): readonly string[] => [
  ...new Set([...bytes.matchAll(/"id":"([^"]*)"/g)].map(([, id]) => id ?? '')),
];

/** The deltas of each choice, in order: first the role, once. */
function rolesIn(bytes: string): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const [, index = ''] of bytes.matchAll(/"index":(\d+),"delta":\{"role":"assistant"/g))
    counts[Number(index)] = (counts[Number(index)] ?? 0) + 1;
  return counts;
}

describe('two choices of which one opens with its role only', () => {
  const frames = [
    opening(0),
    ofChoice(0, { content: 'one' }),
    opening(1),
    ofChoice(1, { content: 'two' }),
    ofChoice(0, { content: ' more' }),
    closing(0),
    closing(1),
    done,
  ];
  const chains: Readonly<Record<string, () => readonly Bound<Modifier>[]>> = {
    'no step': () => [],
    'a step that waits': () => [slow],
    'a step that does not wait': () => [quick],
    'a step that holds': () => [holdingStep()],
    'one that waits behind one that holds': () => [holdingStep(), slow],
    'a mask behind one that waits': () => [slow, maskStep(['secret'])],
  };

  for (const [reading, reads] of [
    ['in one read', [frames.join('')]],
    ['in a read each', frames],
    ['with the second role first', [[opening(1), opening(0), ...frames.slice(1, 2), ...frames.slice(3)].join('')]],
  ] as const) {
    it.each(Object.keys(chains))(`have one id, and each its role before its text: ${reading}, %s`, async (chain) => {
      const { bytes, completed } = await pass(reads, 'openai-chat', chains[chain]?.() ?? []);
      const { texts, terminals, malformed, afterTerminal } = readOpenAiStream(Buffer.from(bytes, 'latin1'));
      expect({ completed, ids: idsIn(bytes), roles: rolesIn(bytes), terminals, malformed, afterTerminal }).toEqual({
        completed: true,
        ids: ['chatcmpl-1'],
        roles: { 0: 1, 1: 1 },
        terminals: ['done'],
        malformed: [],
        afterTerminal: 0,
      });
      expect(Object.fromEntries(texts)).toEqual({ 0: 'one more', 1: 'two' });
      const firstOf = (index: number): number => bytes.search(new RegExp(`"index":${index},"delta"`));
      expect(bytes.indexOf('"role":"assistant"', firstOf(1))).toBeLessThan(bytes.indexOf('"two"'));
    });
  }
});

const textPiece = fc.constantFrom('sec', 'ret', 'secret', 'a', ' ', '日', '"', '\\', '😀');
const frame = fc.record({
  index: fc.constantFrom(0, 1),
  delta: fc.oneof(
    fc.record({ content: textPiece }),
    fc.record({ reasoning_content: textPiece }),
    fc.record({ refusal: textPiece }),
    fc.constant({}),
  ),
  more: fc.constantFrom<ChunkOptions>(
    {},
    { padding: 'xyz' },
    { padding: 'abc' },
    { fields: { system_fingerprint: 'fp' } },
    { fields: { vendor: 'v' } },
    { spaces: true },
    { escapeUnicode: true },
  ),
});
const chains = fc.array(fc.constantFrom('slow', 'quick', 'holds', 'mask'), { minLength: 1, maxLength: 4 });

describe('a chain that waits', () => {
  const stepsOf = (names: readonly string[], waits: boolean): readonly Bound<Modifier>[] =>
    names.map((name) => {
      if (name === 'mask') return maskStep(['secret']);
      if (name === 'holds') return holdingStep();
      return name === 'slow' && waits ? slow : quick;
    });

  it.each(['openai-chat', 'native'] as const)('tells %s the same as one that does not', async (dialect) => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 10 }), chains, fc.nat({ max: 4 }), async (list, names, group) => {
        const frames = [
          opening(0),
          ...list.map(({ index, delta, more }) => ofChoice(index, delta, more)),
          closing(0),
          closing(1),
          done,
        ];
        const reads = group === 0 ? [frames.join('')] : grouped(frames, group);
        const waiting = await pass(reads, dialect, stepsOf(names, true));
        const direct = await pass(reads, dialect, stepsOf(names, false));
        expect([waiting.completed, waiting.error, direct.completed]).toEqual([true, undefined, true]);
        expect(toldBy(waiting.bytes, dialect)).toEqual(toldBy(direct.bytes, dialect));
        if (dialect === 'openai-chat') expect(idsIn(waiting.bytes)).toEqual(['chatcmpl-1']);
      }),
    );
  });
});

function grouped(frames: readonly string[], size: number): readonly string[] {
  return Array.from({ length: Math.ceil(frames.length / size) }, (_, index) =>
    frames.slice(index * size, (index + 1) * size).join(''),
  );
}

function toldBy(bytes: string, dialect: Dialect): unknown {
  const body = Buffer.from(bytes, 'latin1');
  if (dialect === 'native') return readNativeStream(body).events.map(({ seq: _seq, t: _time, ...event }) => event);
  const { texts, reasoning, refusal, finishReason, terminals, afterTerminal, malformed } = readOpenAiStream(body);
  return {
    texts: Object.fromEntries(texts),
    reasoning,
    refusal,
    finishReason,
    terminals,
    afterTerminal,
    malformed,
    roles: rolesIn(bytes),
  };
}

describe('what follows the terminator in its own read', () => {
  const learned = [
    opening(0),
    ofChoice(0, { content: 'a' }),
    ofChoice(0, { content: 'b' }),
    ofChoice(0, { content: 'c' }),
  ];
  const late = [
    ofChoice(0, { content: 'late' }),
    ofChoice(0, { content: 'later' }),
    `data: {"error":{"message":"too late"}}\n\n`,
    ': comment\n\n',
    done,
  ];

  for (const [what, steps] of [
    ['nobody', []],
    ['a mask', [maskStep(['secret'])]],
    ['a step that waits', [slow]],
  ] as const) {
    it.each(['openai-chat', 'native'] as const)(
      `never leaves, though its frames had the fast lane (%s, read by ${what})`,
      async (dialect) => {
        const { bytes, completed, error, counters } = await pass(
          [[...learned, closing(0), done, ...late].join('')],
          dialect,
          steps,
        );
        expect([completed, error, bytes.includes('late')]).toEqual([true, undefined, false]);
        // The lane was on: otherwise this proves nothing.
        if (what !== 'a step that waits') expect(counters.pass + counters.scan).toBeGreaterThan(0);
      },
    );

    it.each(['openai-chat', 'native'] as const)(
      `never leaves either where no reason to finish came (%s, read by ${what})`,
      async (dialect) => {
        const { bytes, completed } = await pass([[...learned, done, ...late].join('')], dialect, steps);
        expect([completed, bytes.includes('late')]).toEqual([true, false]);
      },
    );
  }
});

describe('a filler that says something', () => {
  const words = 'the secret plan';
  const long = 'x'.repeat(300);
  const padded = (text: string, padding: string): string => chunkFrame({ delta: { content: text }, padding });
  const framesWith = (padding: string): string =>
    [
      opening(0),
      ...['a', 'b', 'c', 'd'].map((text) => padded(text, 'xyz')),
      padded('e', padding),
      padded('f', 'xyz'),
      closing(0),
      done,
    ].join('');

  it('takes the lane where it says nothing', async () => {
    for (const steps of [[], [maskStep(['secret'])]]) {
      const { counters } = await pass([framesWith('pqr_-9')], 'openai-chat', steps);
      expect(counters.pass + counters.scan).toBe(4);
    }
  });

  it.each([
    ['words', words],
    ['300 characters', long],
    ['nothing but a blank', ' '],
  ])('does not take the lane: %s', async (_what, padding) => {
    for (const steps of [[], [maskStep(['zebra'])]]) {
      const { counters } = await pass([framesWith(padding)], 'openai-chat', steps);
      expect(counters.pass + counters.scan).toBe(3);
    }
  });

  it.each([
    ['words', words],
    ['300 characters', long],
  ])('never leaves past a guard: %s', async (_what, padding) => {
    const frames = [
      opening(0),
      padded('', padding),
      padded('a', padding),
      padded('b', padding),
      padded('c', padding),
      closing(0),
      done,
    ];
    for (const reads of [[framesWith(padding)], frames]) {
      for (const dialect of ['openai-chat', 'native'] as const) {
        const { bytes, completed } = await pass(reads, dialect, [maskStep(['secret'])]);
        expect([completed, bytes.includes(padding)]).toEqual([true, false]);
      }
    }
  });
});
