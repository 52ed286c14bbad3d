import { describe, expect, it } from '@jest/globals';
import type { EventModifier, EventRewriter } from '../../src/kernel/modifier.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventStage } from '../../src/kernel/event-stage.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { eventStep, modifying } from '../support/bound-modifiers.ts';
import { stageOutput } from '../support/stage-owner.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

const start: AnswerEvent = { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant' };
const text = (piece: string): AnswerEvent => ({ type: 'text.delta', blockId: 'b0', role: 'assistant', text: piece });
const end: AnswerEvent = { type: 'stream.end', outcome: 'ok' };
const oneOfEach = [
  start,
  text('a'),
  { type: 'block.end', blockId: 'b0' },
  end,
] as const satisfies readonly AnswerEvent[];
const broken = new Error('broken');

interface Played extends TestRun {
  readonly stage: EventStage;
  readonly left: AnswerEvent[];
  readonly waits: boolean[];
  readonly failures: SluiceError[];
}

/** A stage of its own; `onEmit` is what stands behind it. */
function open(bound: Bound<EventModifier>, onEmit: (event: AnswerEvent) => void = () => undefined): Played {
  const run = testRun();
  const left: AnswerEvent[] = [];
  const waits: boolean[] = [];
  const failures: SluiceError[] = [];
  const stage = new EventStage(bound, run.run, {
    ...stageOutput(),
    emit: (event) => {
      onEmit(event);
      left.push(event);
    },
    onWait: (_stage, waiting) => void waits.push(waiting),
    onResumed: () => undefined,
    onFailure: (error) => void failures.push(error),
  });
  return { ...run, stage, left, waits, failures };
}

function failureOf(call: () => unknown): SluiceError {
  try {
    call();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('It did not fail.');
}

const skip = { onError: 'skip' } as const;
const named = { code: 'MODIFIER_FAILED', context: { modifier: 'mine' } };

describe('what a modifier emits', () => {
  it('goes on in its order, more or less than came', () => {
    const twice = modifying('mine', (event, emit) => {
      if (event.type !== 'text.delta') return;
      emit(event);
      emit(text(event.text.toUpperCase()));
    });
    const { stage, left } = open(twice);
    for (const event of oneOfEach) stage.push(event);
    expect(left).toEqual([text('a'), text('A')]);
  });

  it('is complete with what it held to the end', async () => {
    const held: AnswerEvent[] = [];
    const holding: EventRewriter = {
      modify: (event, emit) => (event.type === 'stream.end' ? emit(event) : void held.push(event)),
      flush: async (emit) => {
        await turn();
        for (const event of held) emit(event);
      },
    };
    const { stage, left } = open(eventStep('mine', () => holding));
    for (const event of oneOfEach) stage.push(event);
    await turn(4);
    expect(left).toEqual(oneOfEach);
  });

  it('is counted and dropped when it comes late', async () => {
    let later: (event: AnswerEvent) => void = () => undefined;
    const keeps = modifying('mine', (event, emit) => {
      later = emit;
      emit(event);
    });
    const { stage, left, meter } = open(keeps);
    stage.push(start);
    later(text('after the call'));
    stage.push(text('a'));
    stage.close();
    later(text('after the end'));
    await turn();
    expect([left, meter.value('events_after_end')]).toEqual([[start, text('a')], 2]);
  });

  it('is counted and dropped when the modifier has been left out', async () => {
    let later: (event: AnswerEvent) => void = () => undefined;
    const rejects = modifying(
      'mine',
      async (_event, emit) => {
        later = emit;
        await turn();
        throw broken;
      },
      skip,
    );
    const { stage, left, meter } = open(rejects);
    stage.push(start);
    await turn(4);
    later(text('late'));
    expect([left, meter.value('events_after_end')]).toEqual([[start], 1]);
  });
});

describe('what is no promise', () => {
  it.each([[true], [1], ['then'], [{}], [{ then: true }], [null], [undefined]])('does not pause: %p', (returned) => {
    const says = { modify: () => returned, flush: () => returned } as unknown as EventRewriter;
    const { stage, waits, failures } = open(eventStep('mine', () => says));
    for (const event of oneOfEach) stage.push(event);
    expect([waits, failures]).toEqual([[], []]);
  });

  it('but a thenable of another library is one, and settles once', async () => {
    const eager: PromiseLike<void> = {
      // A thenable that breaks the rules calls back more than once, and at once.
      then: (resolve, reject) => {
        void resolve?.();
        void resolve?.();
        void reject?.(broken);
        return eager as never;
      },
    };
    const { stage, left, failures } = open(
      modifying('mine', (event, emit) => {
        emit(event);
        return eager as Promise<void>;
      }),
    );
    for (const event of oneOfEach) {
      stage.push(event);
      await turn();
    }
    expect([left, failures]).toEqual([oneOfEach, []]);
  });
});

describe('a modifier that may be left out', () => {
  const throwing = (event: AnswerEvent, emit: (event: AnswerEvent) => void): void => {
    emit(event);
    emit(text('more'));
    throw broken;
  };
  const rejecting = async (event: AnswerEvent, emit: (event: AnswerEvent) => void): Promise<void> => {
    emit(event);
    await turn();
    throw broken;
  };

  for (const [how, modify] of [
    ['throws', throwing],
    ['rejects', rejecting],
  ] as const) {
    it.each(oneOfEach.map((event, index) => [event.type, index] as const))(
      `neither doubles nor loses an event when it ${how} at %s`,
      async (_type, failsAt) => {
        let calls = 0;
        const later = modifying(
          'mine',
          (event, emit) => {
            calls += 1;
            if (calls - 1 === failsAt) return modify(event, emit);
            emit(event);
          },
          skip,
        );
        const { stage, left, meter, log, failures } = open(later);
        for (const event of oneOfEach) stage.push(event);
        await turn(4);
        expect([left, failures, calls]).toEqual([oneOfEach, [], failsAt + 1]);
        expect(meter.value('modifiers_skipped')).toBe(1);
        expect(log.lines.map(({ fields }) => fields['modifier'])).toEqual(['mine']);
      },
    );
  }

  it.each([
    ['throws', () => throwing],
    ['rejects', () => rejecting],
  ] as const)('gives what it flushed well before it %s', async (_how, modify) => {
    const held: AnswerEvent[] = [];
    const rewriter: EventRewriter = {
      modify: (event, emit) => (event.type === 'stream.end' ? modify()(event, emit) : void held.push(event)),
      flush: (emit) => held.forEach((event) => emit(event)),
    };
    const { stage, left } = open(eventStep('mine', () => rewriter, skip));
    for (const event of oneOfEach) stage.push(event);
    await turn(4);
    expect(left).toEqual(oneOfEach);
  });

  it('is left out when it can not even be opened', () => {
    const { stage, left, meter, log } = open(
      eventStep(
        'mine',
        () => {
          throw broken;
        },
        skip,
      ),
    );
    for (const event of oneOfEach) stage.push(event);
    expect([left, meter.value('modifiers_skipped')]).toEqual([oneOfEach, 1]);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ modifier: 'mine' }) }),
    ]);
  });
});

describe('a modifier that may not be left out', () => {
  const steps = { 'fails the run': { onError: 'fail' }, 'is a guard': { guard: true, onError: 'skip' } } as const;

  for (const [what, step] of Object.entries(steps)) {
    it(`is named when it can not be opened, where it ${what}`, () => {
      const bound = eventStep(
        'mine',
        () => {
          throw broken;
        },
        step,
      );
      expect(failureOf(() => open(bound))).toMatchObject({ ...named, cause: broken });
    });

    it(`is named when it throws, and nothing of that event leaves, where it ${what}`, () => {
      const bound = modifying(
        'mine',
        (event, emit) => {
          emit(event);
          if (event.type === 'text.delta') throw broken;
        },
        step,
      );
      const { stage, left } = open(bound);
      stage.push(start);
      expect(failureOf(() => stage.push(text('a')))).toMatchObject({ ...named, cause: broken });
      expect(left).toEqual([start]);
    });

    it(`is named when it rejects, and nothing behind it leaves, where it ${what}`, async () => {
      const bound = modifying(
        'mine',
        async (event, emit) => {
          emit(event);
          await turn();
          if (event.type === 'text.delta') throw broken;
        },
        step,
      );
      const { stage, left, failures } = open(bound);
      for (const event of oneOfEach) stage.push(event);
      await turn(8);
      expect(failures).toEqual([expect.objectContaining({ ...named, cause: broken })]);
      expect(left).toEqual([start]);
    });
  }

  it('keeps the error that it throws itself', () => {
    const own = new SluiceError('REQUEST_BLOCKED', { details: { rule: 'mine' } });
    const { stage } = open(
      modifying('mine', () => {
        throw own;
      }),
    );
    expect(failureOf(() => stage.push(start))).toBe(own);
  });
});

describe('a failure further down', () => {
  const guarded = new SluiceError('MODIFIER_FAILED', { context: { modifier: 'the guard behind' } });
  const guard = (event: AnswerEvent): void => {
    if (event.type === 'text.delta') throw guarded;
  };

  it('is not taken for that of the modifier in front', () => {
    const { stage, meter } = open(
      modifying('mine', (event, emit) => emit(event), skip),
      guard,
    );
    stage.push(start);
    expect(failureOf(() => stage.push(text('a')))).toBe(guarded);
    expect(meter.value('modifiers_skipped')).toBe(0);
  });

  it('is not taken for that of a modifier that had waited', async () => {
    const slow = modifying(
      'mine',
      async (event, emit) => {
        await turn();
        emit(event);
      },
      skip,
    );
    const { stage, left, meter, failures } = open(slow, guard);
    for (const event of oneOfEach) stage.push(event);
    await turn(8);
    expect([left, failures, meter.value('modifiers_skipped')]).toEqual([[start], [guarded], 0]);
  });

  it('is not hidden by leaving out the modifier in front', () => {
    const failing = modifying(
      'mine',
      () => {
        throw broken;
      },
      skip,
    );
    const { stage } = open(failing, guard);
    stage.push(start);
    expect(failureOf(() => stage.push(text('a')))).toBe(guarded);
  });
});

describe('while a modifier waits', () => {
  it('what comes queues up behind it, in its order', async () => {
    const { stage, left, waits } = open(
      modifying('mine', async (event, emit) => {
        await turn(event.type === 'block.start' ? 3 : 0);
        emit(event);
      }),
    );
    for (const event of oneOfEach) stage.push(event);
    expect([left, waits]).toEqual([[], [true]]);
    await turn(16);
    expect(left).toEqual(oneOfEach);
    expect(waits.at(-1)).toBe(false);
  });

  it('and never goes on, the queue is bounded and the run fails', () => {
    const { stage } = open(modifying('mine', () => new Promise<void>(() => undefined)));
    const failure = failureOf(() => {
      for (let count = 0; count < 100_000; count += 1) stage.push(text('x'));
    });
    expect(failure).toMatchObject(named);
  });

  it('and the run ends, nothing leaves any more', async () => {
    const gate = Promise.withResolvers<void>();
    const { stage, left, waits, meter, failures } = open(
      modifying('mine', async (event, emit) => {
        emit(event);
        await gate.promise;
      }),
    );
    for (const event of oneOfEach) stage.push(event);
    stage.close();
    gate.resolve();
    await turn(4);
    expect([left, waits, failures]).toEqual([[], [true], []]);
    expect(meter.value('orphans_settled_late')).toBe(1);
  });
});
