import { describe, expect, it } from '@jest/globals';
import { ollamaBackend } from '../../src/backends/ollama.ts';
import { ollamaEncoder } from '../../src/encoders/ollama.ts';
import { NdjsonFraming } from '../../src/forward/ndjson-framing.ts';
import { AnswerPipe } from '../../src/kernel/answer-pipe.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { maskStep, modifying } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import { lastOllamaLine, ollamaLine, readLines } from '../support/ollama-lines.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

/* Lines of an Ollama server on their way to clients of the same format, through all stages. */

type Json = Readonly<Record<string, unknown>>;

const request = chatRequest({ dialect: 'ollama', model: 'alias' });
const encoder = ollamaEncoder.create({}, {});
const message = (fields: Json = {}): Json => ({ role: 'assistant', content: '', ...fields });
const backend = ollamaBackend.create(
  { baseUrl: 'http://127.0.0.1:11434', model: 'm', thinkLevels: true },
  { clock: new TestClock() },
);
interface Passed {
  readonly bytes: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly error: string | undefined;
}

/** Sends lines through decoder, modifiers and encoder, in pieces of `size` bytes, with or without the fast lane. */
function pass(lines: readonly Json[], modifiers: readonly Bound<Modifier>[] = [], lane = true, size = 1_000): Passed {
  const { run } = testRun();
  let bytes = '';
  let error: string | undefined;
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const pipe = new AnswerPipe({
    run,
    encoder: encoder.open({ run, request, created: 0 }),
    choices: 1,
    sameDialect: true,
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
  const slow = { lane: undefined, frame: pipe.frame.bind(pipe), textFrame: () => false };
  const framing = new NdjsonFraming(lane ? pipe : slow, 65_536);
  const input = Buffer.from(lines.map((document) => `${JSON.stringify(document)}\n`).join('')).toString('latin1');
  for (let start = 0; start < input.length; start += size) {
    framing.push(input.slice(start, start + size));
    pipe.flush();
  }
  framing.end();
  pipe.end();
  return { bytes, counters, error };
}

const postscript: readonly AnswerEvent[] = [
  { type: 'block.start', blockId: 'late', kind: 'text', role: 'assistant' },
  { type: 'text.delta', blockId: 'late', role: 'assistant', text: 'P.S.' },
  { type: 'block.end', blockId: 'late' },
];

describe('lines of Ollama', () => {
  const answer = [
    ollamaLine(1, { thinking: 'Grüße' }),
    ollamaLine(2, { content: '' }),
    ollamaLine(3, { content: 'the sec' }),
    ollamaLine(4, { content: 'ret' }, { logprobs: [{ token: 'ret', logprob: -1 }] }),
    ollamaLine(5, { content: ' ok 😀', mood: 'calm' }, { remote_host: 'h' }),
    ollamaLine(6, {
      tool_calls: [{ id: 'c', type: 'function', function: { index: 3, name: 'f', arguments: { a: 1 }, n: 1 } }],
    }),
    ollamaLine(7, { tool_calls: [{ function: { index: 0, name: 'g', arguments: {} } }, { function: { name: 'h' } }] }),
    ollamaLine(8, { images: ['AAAA'] }),
    lastOllamaLine(9, { vendor: { x: 1 } }),
  ];
  const joined = (lines: readonly Json[], field: string): string =>
    lines.map((entry) => (entry['message'] as Record<string, string>)[field] ?? '').join('');

  it('reach its clients as they were', () => {
    for (const size of [1, 7, 1_000]) expect(readLines(pass(answer, [], true, size).bytes)).toEqual(answer);
  });

  it('are the same lines when each of them is written anew', () => {
    const rewritten = pass(answer, [modifying('copy', (event, emit) => emit({ ...event }))]);
    const expected = answer.flatMap((entry) => {
      const { tool_calls: calls } = entry['message'] as { tool_calls?: Json[] };
      return calls === undefined || calls.length < 2
        ? [entry]
        : calls.map((each) => ({ ...entry, message: message({ tool_calls: [each] }) }));
    });
    const written = readLines(rewritten.bytes);
    expect(written.map((entry) => entry['message'])).toMatchObject(expected.map((entry) => entry['message']) as Json[]);
    expect(written.at(-1)).toEqual(answer.at(-1));
    expect(written.slice(0, 5)).toEqual(answer.slice(0, 5));
  });

  it('lose to a mask what it hides, and nothing is told twice', () => {
    const { bytes } = pass(answer, [maskStep(['secret'])]);
    const lines = readLines(bytes);
    expect(joined(lines, 'content')).toBe('the *** ok 😀');
    expect(joined(lines, 'thinking')).toBe('Grüße');
    expect(bytes).not.toMatch(/secret|logprob|mood/);
    expect(lines.flatMap((entry) => (entry['message'] as { tool_calls?: Json[] }).tool_calls ?? [])).toHaveLength(3);
    expect(lines.filter(({ done }) => done)).toEqual([lines.at(-1)]);
    expect(lines.at(-1)).toMatchObject({ done_reason: 'stop', prompt_eval_count: 17, eval_count: 5 });
  });

  it('of one date take the fast lane, and say the same there', () => {
    const words = ['the ', 'sec', 'ret ', 'is ', '"42"', ' 😀', 'sec', 'x'];
    const lines = [...words.map((content) => ollamaLine(1, { content })), lastOllamaLine(2)];
    expect(pass(lines).counters).toMatchObject({ pass: 6 });
    for (const modifiers of [[], [maskStep(['secret'])]]) {
      const fast = pass(lines, modifiers);
      const slow = pass(lines, modifiers, false);
      expect(joined(readLines(fast.bytes), 'content')).toBe(joined(readLines(slow.bytes), 'content'));
      expect(readLines(fast.bytes).at(-1)).toEqual(readLines(slow.bytes).at(-1));
    }
  });

  it('dated each for itself never do', () => {
    const lines = [
      ...['a', 'b', 'c', 'd'].map((content, serial) => ollamaLine(serial, { content })),
      lastOllamaLine(9),
    ];
    expect(pass(lines).counters).toEqual({ pass: 0, scan: 0, splice: 0, slow: 5 });
  });

  it('keep the last line back, so that a step may still add text', () => {
    const add = modifying('add', (event, emit) => {
      if (event.type === 'finish') for (const added of postscript) emit(added);
      emit(event);
    });
    const lines = readLines(pass([ollamaLine(1, { content: 'Hi' }), lastOllamaLine(2)], [add]).bytes);
    expect(lines.map((entry) => entry['message'])).toEqual([
      message({ content: 'Hi' }),
      message({ content: 'P.S.' }),
      message(),
    ]);
    expect(lines.map(({ done }) => done)).toEqual([false, false, true]);
  });
});
