import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ollamaBackend } from '../../src/backends/ollama.ts';
import { ollamaEncoder } from '../../src/encoders/ollama.ts';
import { NdjsonFraming } from '../../src/forward/ndjson-framing.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { ollamaParser } from '../../src/parsers/ollama.ts';
import { chatRequest } from '../support/chat-run.ts';
import { readLines } from '../support/ollama-lines.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

const folder = new URL('../../../shared/fixtures/ollama/', import.meta.url);
const isThere = existsSync(folder);
const title = isThere ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

interface Line {
  readonly message?: {
    readonly content?: string;
    readonly thinking?: string;
    readonly tool_calls?: readonly unknown[];
  };
  readonly done?: boolean;
  readonly done_reason?: string;
  readonly prompt_eval_count?: number;
  readonly eval_count?: number;
}

/** Streams of /api/chat; those of /api/generate have no messages. */
const recordings = isThere
  ? readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }))
      .filter(({ bytes }) => bytes.includes('"message"'))
      .map(({ name, bytes }) => [name, bytes] as const)
  : [];

const backend = ollamaBackend.create(
  { baseUrl: 'http://127.0.0.1:11434', model: 'm', thinkLevels: true },
  { clock: new TestClock() },
);

function decode(bytes: Buffer, size: number): readonly AnswerEvent[] {
  const decoder = backend.decode(chatRequest());
  const events: AnswerEvent[] = [];
  const framing = new NdjsonFraming(
    {
      lane: undefined,
      frame: (event, data) => void events.push(...decoder.frame(event, data).events),
      textFrame: () => false,
    },
    1_048_576,
  );
  for (let start = 0; start < bytes.length; start += size)
    framing.push(bytes.toString('latin1', start, Math.min(bytes.length, start + size)));
  framing.end();
  return [...events, ...decoder.end()];
}

function fold(events: readonly AnswerEvent[]): ChatAnswer {
  const answer = new AnswerFold();
  for (const event of events) answer.push(event);
  return answer.answer;
}

/** The answer, read without any of our code. */
function naive(bytes: Buffer): unknown {
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  const last = lines.at(-1);
  return {
    text: lines.map(({ message }) => message?.content ?? '').join(''),
    thinking: lines.map(({ message }) => message?.thinking ?? '').join(''),
    calls: lines.flatMap(({ message }) => message?.tool_calls ?? []).length,
    reason: last?.done_reason,
    tokens: [last?.prompt_eval_count, last?.eval_count],
  };
}

function essence({ choices, usage }: ChatAnswer): unknown {
  const blocks = choices[0]?.blocks ?? [];
  const textOf = (kind: string): string =>
    blocks
      .filter((block) => block.kind === kind)
      .map(({ text }) => text)
      .join('');
  return {
    text: textOf('text'),
    thinking: textOf('reasoning'),
    calls: blocks.filter(({ kind }) => kind === 'tool_call').length,
    reason: choices[0]?.finish?.reason.raw,
    tokens: [usage?.input?.total, usage?.output?.total],
  };
}

(isThere ? describe : describe.skip)(title, () => {
  it.each(recordings)('%s: the answer is what it says', (_name, bytes) => {
    const events = decode(bytes, bytes.length);
    const order = new EventOrder();
    for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
    expect(essence(fold(events))).toEqual(naive(bytes));
    expect(decode(bytes, 13)).toEqual(events);
  });

  it.each(recordings)('%s: written again it is the same stream', (_name, bytes) => {
    const { run } = testRun();
    const stream = ollamaEncoder.create({}, {}).open({ run, request: chatRequest(), created: 0 });
    const written =
      decode(bytes, bytes.length)
        .map((event) => stream.encode(event))
        .join('') + stream.end();
    const original = readLines(bytes.toString('latin1'));
    expect(readLines(written)).toEqual(original);
  });

  it.each(recordings)('%s: the request is said as it was', (name) => {
    const body = JSON.parse(readFileSync(new URL(name.replace('.ndjson', '.request.json'), folder), 'utf8')) as Record<
      string,
      unknown
    >;
    const { run } = testRun();
    const sent = backend.encode(ollamaParser.create({}, {}).parse(body), run).body;
    expect(JSON.parse(sent)).toEqual({ ...body, model: 'm' });
  });

  it('are some', () => {
    expect(recordings.length).toBeGreaterThan(0);
  });
});
