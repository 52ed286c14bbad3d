import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../../src/kernel/event.ts';
import { smoothEvents, type SmoothOptions } from '../../../src/kernel/format/smooth-events.ts';
import { testRun } from '../../support/test-run.ts';

const options: SmoothOptions = {
  format: {
    markdown: 'keep',
    links: 'address',
    closeFences: false,
    whitespace: 'keep',
    pace: 'word',
    maxHeldCharacters: 64,
  },
  channels: ['text', 'reasoning'],
  delay: 10,
  maxLag: 1_000,
};
const block = { blockId: 'b', role: 'assistant' } as const;
const delta = (text: string): AnswerEvent => ({ type: 'text.delta', ...block, text });
const start: AnswerEvent = { type: 'block.start', kind: 'text', ...block };
const end: AnswerEvent = { type: 'block.end', blockId: 'b' };

function setUp(given: Partial<SmoothOptions> = {}) {
  const test = testRun();
  const left: (readonly [number, string])[] = [];
  const began = test.clock.now();
  const events: AnswerEvent[] = [];
  const emit = (event: AnswerEvent): void => {
    events.push(event);
    left.push([test.clock.now() - began, event.type === 'text.delta' ? event.text : event.type]);
  };
  // As the kernel does: what leaves during a call waits for its end, what leaves outside of it does not.
  let isInCall = false;
  const control = {
    emit(event: AnswerEvent): void {
      if (isInCall) throw new Error('This would leave when the call is done.');
      emit(event);
    },
    stop: () => undefined,
  };
  const rewriter = smoothEvents(test.run, control, test.clock, { ...options, ...given });
  const push = async (...all: AnswerEvent[]): Promise<void> => {
    for (const event of all) {
      isInCall = true;
      const pending = rewriter.modify(event, emit, test.run);
      isInCall = false;
      await pending;
    }
  };
  return { ...test, left, events, rewriter, emit, push };
}

describe('smooth streaming', () => {
  it('lets pieces go one by one, and nothing overtakes them', async () => {
    const { clock, left, push } = setUp();
    const done = push(start, delta('One two three'), end, { type: 'finish', reason: { unified: 'stop' } });
    await clock.advance(100);
    await done;
    expect(left).toEqual([
      [0, 'block.start'],
      [0, 'One'],
      [10, ' two'],
      [20, ' three'],
      [20, 'block.end'],
      [20, 'finish'],
    ]);
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('makes nothing wait that comes slowly enough', () => {
    const { rewriter, emit, run, left } = setUp({ format: { ...options.format, pace: 'line' } });
    for (const event of [start, delta('a\n')]) expect(rewriter.modify(event, emit, run)).toBeUndefined();
    expect(left.map(([, text]) => text)).toEqual(['block.start', 'a\n']);
  });

  it.each([[100], [20], [1]])('is late by %i ms at most', async (maxLag) => {
    const { clock, left, push } = setUp({ maxLag });
    const done = push(start, delta('word '.repeat(200)), delta('word '.repeat(200)), end);
    await clock.advance(1_000);
    await done;
    expect(Math.max(...left.map(([at]) => at))).toBeLessThanOrEqual(maxLag);
    expect(left.filter(([, text]) => text.includes('word'))).toHaveLength(400);
  });

  it('waits no longer when the run is over', async () => {
    const { clock, abort, left, push } = setUp();
    const done = push(start, delta('a b c d '), end);
    await clock.advance(10);
    abort.abort(new Error('gone'));
    await done;
    expect(left.map(([, text]) => text).join('')).toBe('block.starta b c d block.end');
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('lets out what is held where the stream fails, and before a tool call', async () => {
    const { rewriter, emit, push, left } = setUp();
    await push(start, delta('half'));
    const call: AnswerEvent = { type: 'block.start', kind: 'tool_call', blockId: 't', role: 'assistant', name: 'f' };
    await push(call, delta('rest'));
    rewriter.fail?.(emit, testRun().run);
    expect(left.map(([, text]) => text)).toEqual(['block.start', 'half', 'block.start', 'rest']);
  });

  it('drops what no longer fits a text that was changed', async () => {
    const signature: AnswerEvent = { type: 'reasoning.signature', blockId: 'b', value: 's' };
    const thoughts: AnswerEvent = { type: 'block.start', kind: 'reasoning', ...block };
    const ended: AnswerEvent = { type: 'block.end', blockId: 'b', final: 'whole' };
    const events = [thoughts, delta('**a**'), signature, ended];
    const format = { ...options.format, pace: 'none' } as const;
    const same = setUp({ format });
    await same.push(...events);
    expect(same.events).toEqual([thoughts, delta('**a**'), signature, ended]);
    const plain = setUp({ format: { ...format, markdown: 'plain' } });
    await plain.push(...events);
    expect(plain.events).toEqual([thoughts, delta('a'), end]);
  });
});
