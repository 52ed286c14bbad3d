import { describe, expect, it } from '@jest/globals';
import { AnswerChain } from '../../src/kernel/answer-chain.ts';
import type { EarlyEnd } from '../../src/kernel/answer-ends.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import type { EventControl, EventRewriter, Modifier } from '../../src/kernel/modifier.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { eventStep, maskStep, modifying, textStep } from '../support/bound-modifiers.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

/* Steps on events that end an answer, at every time at which they may, and what they let go of one that fails. */

const start = (blockId: string, choice?: number): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind: 'text',
  role: 'assistant',
  ...(choice !== undefined && { choice }),
});
const text = (piece: string, blockId = 't', choice?: number): AnswerEvent => ({
  type: 'text.delta',
  blockId,
  role: 'assistant',
  text: piece,
  ...(choice !== undefined && { choice }),
});
const end = (blockId = 't'): AnswerEvent => ({ type: 'block.end', blockId });
const finish: AnswerEvent = { type: 'finish', reason: { unified: 'stop' } };
const streamEnd: AnswerEvent = { type: 'stream.end', outcome: 'ok' };
const answer = [start('t'), text('a'), text('b'), end(), finish, streamEnd];
const blocked = { reason: 'content_filter' } as const;
const broken = new Error('broken');

interface Played extends TestRun {
  readonly chain: AnswerChain;
  readonly left: AnswerEvent[];
  readonly failures: SluiceError[];
  readonly ended: () => number;
  /** What had ended the answer when its last event left. */
  readonly known: readonly EarlyEnd[];
}

function open(steps: readonly Bound<Modifier>[], choices = 1): Played {
  const run = testRun();
  const left: AnswerEvent[] = [];
  const failures: SluiceError[] = [];
  const known: EarlyEnd[] = [];
  const order = new EventOrder();
  let ended = 0;
  const chain: AnswerChain = new AnswerChain(
    steps,
    run.run,
    (event) => {
      order.accept(event);
      left.push(event);
      if (event.type === 'stream.end') known.push(...chain.earlyEnds);
    },
    {
      choices,
      onEnded: () => void (ended += 1),
      onPause: () => undefined,
      onResumed: () => undefined,
      onFailure: (error) => void failures.push(error),
    },
  );
  return { ...run, chain, left, failures, ended: () => ended, known };
}

const told = (left: readonly AnswerEvent[]): string[] =>
  left.map((event) => {
    if (event.type === 'text.delta') return event.text;
    if (event.type === 'finish') return `finish ${event.reason.unified}`;
    if (event.type === 'stream.end') return event.outcome;
    return 'blockId' in event ? `${event.type.replace('block.', '')} ${event.blockId}` : event.type;
  });

/** A step that passes all on, with what it may do outside of its calls. */
function controlled(more: Partial<EventRewriter> = {}): { step: Bound<Modifier>; control: () => EventControl } {
  let kept: EventControl | undefined;
  const step = eventStep('mine', (_run, control) => {
    kept = control;
    return { modify: (event, emit) => emit(event), ...more };
  });
  return {
    step,
    control: () => {
      if (kept === undefined) throw new Error('It has not been opened.');
      return kept;
    },
  };
}

describe('a step on events ends the answer', () => {
  it('during a call, behind what it emits there', () => {
    const { step, control } = controlled({
      modify: (event, emit) => {
        if (event.type === 'text.delta' && event.text === 'b') control().stop({ ...blocked, message: 'no' });
        emit(event);
      },
    });
    const { chain, left, ended, known } = open([step]);
    for (const event of answer) chain.push(event);
    expect(told(left)).toEqual([
      'start t',
      'a',
      'b',
      'end t',
      'start mine-message-0',
      'no',
      'end mine-message-0',
      'finish content_filter',
      'blocked',
    ]);
    expect([ended(), known]).toEqual([1, [{ by: 'mine', choice: 0, ending: { ...blocked, message: 'no' } }]]);
  });

  it('while a call of it waits, behind what that has emitted', async () => {
    const gate = Promise.withResolvers<void>();
    const { step, control } = controlled({
      modify: async (event, emit) => {
        emit(event);
        if (event.type !== 'text.delta') return;
        await turn();
        control().stop(blocked);
        emit(text('late'));
        await gate.promise;
        emit(text('later'));
      },
    });
    const { chain, left, ended, failures } = open([step]);
    for (const event of answer) chain.push(event);
    await turn(8);
    const expected = ['start t', 'a', 'end t', 'finish content_filter', 'blocked'];
    expect([told(left), ended()]).toEqual([expected, 1]);
    gate.resolve();
    await turn(4);
    expect([told(left), failures, chain.waiting]).toEqual([expected, [], false]);
  });

  it('outside of calls, and only once', () => {
    const { step, control } = controlled();
    const { chain, left, known } = open([step]);
    chain.push(start('t'));
    control().stop({ reason: 'length' });
    control().stop(blocked);
    control().emit(text('late'));
    for (const event of answer.slice(1)) chain.push(event);
    expect(told(left)).toEqual(['start t', 'end t', 'finish length', 'ok']);
    expect(known).toHaveLength(1);
    expect(chain.earlyEnds).toHaveLength(1);
  });

  it('that has ended already: then nothing happens, and nobody is told', () => {
    const { step, control } = controlled();
    const { chain, left, ended } = open([step]);
    for (const event of answer.slice(0, -1)) chain.push(event);
    control().stop(blocked);
    chain.push(streamEnd);
    expect([told(left).slice(-2), chain.earlyEnds, ended()]).toEqual([['finish stop', 'ok'], [], 0]);
  });

  it('after the run has ended: then nothing happens', () => {
    const { step, control } = controlled();
    const { chain, left, meter } = open([step]);
    for (const event of answer) chain.push(event);
    chain.close();
    control().stop(blocked);
    control().emit(text('late'));
    expect([left, chain.earlyEnds, meter.value('events_after_end')]).toEqual([answer, [], 1]);
  });

  it('while a later step waits, which then gives the end', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = modifying('slow', async (event, emit) => {
      await gate.promise;
      emit(event);
    });
    const { step, control } = controlled();
    const { chain, left, ended, failures } = open([step, slow, maskStep(['secret'])]);
    chain.push(start('t'));
    chain.push(text('a sec'));
    control().stop(blocked);
    for (const event of answer.slice(1)) chain.push(event);
    expect([left, ended(), chain.waiting]).toEqual([[], 1, true]);
    gate.resolve();
    await turn(16);
    expect([told(left), failures]).toEqual([['start t', 'a ', 'sec', 'end t', 'finish content_filter', 'blocked'], []]);
  });

  it('of one choice, and leaves what a waiting call has of another', async () => {
    const { step, control } = controlled({
      modify: async (event, emit) => {
        emit(event);
        if (event.type !== 'text.delta') return;
        await turn();
        control().stop(blocked, 0);
      },
    });
    const { chain, left, failures } = open([step], 2);
    for (const event of [start('t'), start('u', 1), text('one', 'u', 1), text('no')]) chain.push(event);
    await turn(24);
    expect([told(left), failures]).toEqual([['start t', 'start u', 'end t', 'finish content_filter', 'one'], []]);
  });
});

describe('a step that fails and may be left out', () => {
  const skip = { onError: 'skip' } as const;

  it.each([
    [
      'throws',
      (): void => {
        throw broken;
      },
    ],
    [
      'rejects',
      async (): Promise<void> => {
        await turn();
        throw broken;
      },
    ],
  ])('has not ended the answer in the call in which it %s', async (_how, fail) => {
    const step = eventStep(
      'mine',
      (_run, control) => ({
        modify: (event, emit) => {
          emit(event);
          if (event.type !== 'text.delta') return undefined;
          control.stop(blocked);
          return fail();
        },
      }),
      skip,
    );
    const { chain, left, ended } = open([step]);
    for (const event of answer) chain.push(event);
    await turn(8);
    expect([told(left), ended()]).toEqual([told(answer), 0]);
  });

  it('after it has ended a choice lets nothing of that pass', () => {
    const step = eventStep(
      'mine',
      (_run, control) => ({
        modify: (event, emit) => {
          if (event.type === 'text.delta' && event.text === 'b') control.stop(blocked, 0);
          if (event.type === 'text.delta' && event.choice === 1) throw broken;
          emit(event);
        },
      }),
      skip,
    );
    const { chain, left, meter } = open([step], 2);
    const events = [
      start('t'),
      start('u', 1),
      text('a'),
      text('b'),
      text('one', 'u', 1),
      text('no'),
      text('two', 'u', 1),
      end(),
      end('u'),
    ];
    for (const event of events) chain.push(event);
    expect(told(left)).toEqual([
      'start t',
      'start u',
      'a',
      'b',
      'end t',
      'finish content_filter',
      'one',
      'two',
      'end u',
    ]);
    expect(meter.value('modifiers_skipped')).toBe(1);
  });

  it('keeps the end for which its last words asked', () => {
    const step = eventStep(
      'mine',
      (_run, control) => ({
        modify: (event, emit) => {
          if (event.type === 'stream.end') throw broken;
          if (event.type !== 'finish') emit(event);
        },
        flush: () => control.stop(blocked),
      }),
      skip,
    );
    const { chain, left } = open([step]);
    for (const event of answer) chain.push(event);
    expect(told(left).slice(-2)).toEqual(['finish content_filter', 'blocked']);
  });
});

describe('a stream that fails', () => {
  const holding = (fail: EventRewriter['fail'], step = {}): Bound<Modifier> =>
    eventStep(
      'holds',
      () => ({
        modify: (event, emit) => (event.type === 'text.delta' ? undefined : emit(event)),
        ...(fail && { fail }),
      }),
      step,
    );

  it('lets a step give what it has decided, and those behind it filter that', () => {
    const { chain, left } = open([holding((emit) => emit(text('a secret sec'))), maskStep(['secret'])]);
    chain.push(start('t'));
    chain.fail();
    expect(told(left)).toEqual(['start t', 'a *** ', 'sec']);
  });

  it.each([[{}], [{ onError: 'skip' }], [{ guard: true }]])(
    'drops all of a step that fails in this, and goes on behind it: %j',
    (step) => {
      const failing = holding((emit) => {
        emit(text('undecided'));
        throw broken;
      }, step);
      const { chain, left, log } = open([
        failing,
        textStep('tail', () => ({ text: (chunk) => chunk, flush: () => '.' })),
      ]);
      chain.push(start('t'));
      chain.fail();
      expect(told(left)).toEqual(['start t', '.']);
      expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
    },
  );

  it('takes what is emitted by the way for calls outside, and no end', () => {
    const { step, control } = controlled({
      fail: () => {
        control().emit(text('decided'));
        control().stop(blocked);
      },
    });
    const { chain, left, ended } = open([step]);
    chain.push(start('t'));
    chain.fail();
    expect([told(left), ended(), chain.earlyEnds]).toEqual([['start t', 'decided'], 0, []]);
  });

  it('while a step waits: what it has decided leaves, and nothing when its call settles', async () => {
    const gate = Promise.withResolvers<void>();
    const { step } = controlled({
      modify: async (event, emit) => {
        if (event.type === 'text.delta') await gate.promise;
        emit(event);
      },
      fail: (emit) => emit(text('decided')),
    });
    const { chain, left, meter } = open([step]);
    for (const event of answer) chain.push(event);
    await turn(4);
    chain.fail();
    chain.close();
    gate.resolve();
    await turn(4);
    expect([told(left), meter.value('orphans_settled_late')]).toEqual([['start t', 'decided'], 1]);
  });

  it('by a guard on events: what those before it hold stops at it', () => {
    const upstream = new SluiceError('UPSTREAM_RESET');
    const guard = modifying(
      'guard',
      (event, emit) => {
        if (event.type === 'text.delta' && event.text === 'a') throw upstream;
        emit(event);
      },
      { guard: true },
    );
    const { chain, left } = open([textStep('tail', () => ({ text: (chunk) => chunk, flush: () => 'secret' })), guard]);
    chain.push(start('t'));
    expect(() => chain.push(text('a'))).toThrow(upstream);
    chain.fail();
    expect(told(left)).toEqual(['start t']);
  });
});
