import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AnswerChain, chainMode } from '../../src/kernel/answer-chain.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { answerEvents } from '../support/answer-events.ts';
import { eventStep, maskStep, modifying, readStep, textStep } from '../support/bound-modifiers.ts';
import { testRun, type TestRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

interface Played extends TestRun {
  readonly chain: AnswerChain;
  readonly left: AnswerEvent[];
  /** Every call of `onPause`. */
  readonly pauses: boolean[];
  readonly failures: SluiceError[];
  /** Events that had left when the owner was last told to write what left late. */
  readonly told: () => number;
}

function open(modifiers: readonly Bound<Modifier>[]): Played {
  const run = testRun();
  const left: AnswerEvent[] = [];
  const pauses: boolean[] = [];
  const failures: SluiceError[] = [];
  let told = 0;
  const chain = new AnswerChain(modifiers, run.run, (event) => void left.push(event), {
    choices: 1,
    onEnded: () => undefined,
    onPause: (paused) => void pauses.push(paused),
    onResumed: () => {
      told = left.length;
    },
    onFailure: (error) => void failures.push(error),
  });
  return { ...run, chain, left, pauses, failures, told: () => told };
}

function runThrough(modifiers: readonly Bound<Modifier>[], events: readonly AnswerEvent[]): readonly AnswerEvent[] {
  const { chain, left } = open(modifiers);
  for (const event of events) chain.push(event);
  return left;
}

/** Waits that the test lets go on one by one, in an order of its own. */
class HeldCalls {
  readonly #waiting: (() => void)[] = [];

  get pending(): number {
    return this.#waiting.length;
  }

  hold(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(which: number): void {
    const [resolve] = this.#waiting.splice(which % this.#waiting.length, 1);
    resolve?.();
  }
}

/** What a step does at one event: it waits or not, emits before or after it, fails or not. */
interface Habit {
  readonly waits: boolean;
  readonly emits: 'before' | 'after';
}
type Plan =
  | { readonly kind: 'passes'; readonly habits: readonly Habit[] }
  | { readonly kind: 'fails'; readonly habits: readonly Habit[]; readonly at: number }
  | { readonly kind: 'mask' | 'reads' | 'dash' };

const habits = fc.array(
  fc.record({ waits: fc.boolean(), emits: fc.constantFrom('before' as const, 'after' as const) }),
  {
    minLength: 1,
    maxLength: 4,
  },
);
const plans: fc.Arbitrary<readonly Plan[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('passes' as const), habits }),
    fc.record({ kind: fc.constant('fails' as const), habits, at: fc.nat({ max: 12 }) }),
    fc.record({ kind: fc.constantFrom('mask' as const, 'reads' as const, 'dash' as const) }),
  ),
  { maxLength: 5 },
);

function stepOf(plan: Plan, index: number, calls: HeldCalls | undefined): Bound<Modifier> {
  const name = `${plan.kind}${index}`;
  switch (plan.kind) {
    case 'mask':
      return maskStep(['secret', 'plan'], name);
    case 'reads':
      return readStep(name, () => ({ read: () => undefined }));
    case 'dash':
      return textStep(name, dashes);
    case 'passes':
    case 'fails':
      return passing(name, plan.habits, plan.kind === 'fails' ? plan.at : -1, calls);
  }
}

/** Hands every event on, at once where there are no `calls`; at the event `failsAt` it fails and is left out. */
function passing(name: string, list: readonly Habit[], failsAt: number, calls: HeldCalls | undefined): Bound<Modifier> {
  const openOne = (): ReturnType<Parameters<typeof eventStep>[1]> => {
    let count = 0;
    return {
      modify(event, emit) {
        const { waits, emits } = list[count % list.length] ?? { waits: false, emits: 'before' };
        const fails = count === failsAt;
        count += 1;
        if (emits === 'before') emit(event);
        const finish = (): void => {
          if (fails) throw new Error('It fails as planned.');
          if (emits === 'after') emit(event);
        };
        return waits && calls !== undefined ? calls.hold().then(finish) : finish();
      },
    };
  };
  return eventStep(name, openOne, { onError: 'skip' });
}

/** Turns "--" into a dash, and holds one hyphen for it. */
function dashes(): { text(chunk: string): string; flush(): string } {
  let held = '';
  return {
    text(chunk) {
      const whole = (held + chunk).replaceAll('--', '–');
      held = whole.endsWith('-') ? '-' : '';
      return whole.slice(0, whole.length - held.length);
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

describe('a chain in which some steps wait', () => {
  it('gives what the same chain gives without waiting, in its order, and pauses exactly while something waits', async () => {
    const turns = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 7 })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(answerEvents, plans, turns, async (events, steps, order) => {
        const calls = new HeldCalls();
        const waiting = open(steps.map((plan, index) => stepOf(plan, index, calls)));
        const direct = open(steps.map((plan, index) => stepOf(plan, index, undefined)));
        const check = (): void => {
          expect(waiting.failures).toEqual([]);
          expect(direct.left.slice(0, waiting.left.length)).toEqual(waiting.left);
          if (waiting.left.length < direct.left.length) expect(waiting.chain.waiting).toBe(true);
          expect(waiting.pauses.at(-1) ?? false).toBe(waiting.chain.waiting);
        };
        const release = async (which: number): Promise<void> => {
          const before = waiting.left.length;
          calls.release(which);
          await settled();
          if (waiting.left.length > before) expect(waiting.told()).toBe(waiting.left.length);
          check();
        };
        const todo = [...events];
        for (const [pushes, which] of order) {
          const event = pushes || calls.pending === 0 ? todo.shift() : undefined;
          if (event === undefined && calls.pending > 0) await release(which);
          if (event === undefined) continue;
          direct.chain.push(event);
          waiting.chain.push(event);
          check();
        }
        for (const event of todo) {
          direct.chain.push(event);
          waiting.chain.push(event);
        }
        check();
        for (let which = 0; calls.pending > 0; which += 1) await release(which);
        expect(waiting.left).toEqual(direct.left);
        expect(waiting.chain.waiting).toBe(false);
        expect([...waiting.chain.matches()]).toEqual([...direct.chain.matches()]);
      }),
    );
  });

  it('hands on what is ready, though the next event makes it wait again', async () => {
    const calls = new HeldCalls();
    const { chain, left, told, pauses } = open([
      modifying('slow', (event, emit) => calls.hold().then(() => emit(event))),
    ]);
    const events = runThrough([], [piece('a'), piece('b'), piece('c')]);
    for (const event of events) chain.push(event);
    for (let count = 1; count <= events.length; count += 1) {
      calls.release(0);
      await settled();
      expect([left.length, told()]).toEqual([count, count]);
    }
    expect([pauses.at(0), pauses.at(-1)]).toEqual([true, false]);
  });

  it('lets nothing leave once it is closed, and takes no later event', async () => {
    await fc.assert(
      fc.asyncProperty(answerEvents, plans, fc.nat({ max: 30 }), async (events, steps, closesAt) => {
        const calls = new HeldCalls();
        const { chain, left } = open(steps.map((plan, index) => stepOf(plan, index, calls)));
        for (const event of events.slice(0, closesAt)) chain.push(event);
        chain.close();
        const before = left.length;
        while (calls.pending > 0) calls.release(0);
        await settled();
        expect(left.length).toBe(before);
      }),
    );
  });
});

/** Everything that follows from promises that were settled has happened. */
async function settled(): Promise<void> {
  await turn();
}

const piece = (text: string): AnswerEvent => ({ type: 'text.delta', blockId: 'b0', role: 'assistant', text });
const start: AnswerEvent = { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant' };

describe('what a chain is', () => {
  const events = modifying('events', (event, emit) => emit(event));
  const rewrites = textStep('text', dashes);
  const reads = readStep('read', () => ({ read: () => undefined }));

  it.each<readonly [string, readonly Bound<Modifier>[]]>([
    ['pass', []],
    ['scan', [reads]],
    ['splice', [reads, rewrites]],
    ['events', [rewrites, events, reads]],
  ])('%s, by its strongest step', (mode, steps) => {
    expect(chainMode(steps)).toBe(mode);
    expect(open(steps).chain.textStage !== undefined).toBe(mode === 'scan' || mode === 'splice');
  });

  it.each<readonly [string, Bound<Modifier>, boolean]>([
    ['a mask', maskStep(['secret']), true],
    ['a reader that guards', readStep('r', () => ({ read: () => undefined }), { guard: true }), true],
    ['a step on events that guards', modifying('e', () => undefined, { guard: true }), true],
    ['a reader', reads, false],
    ['a step on events', events, false],
  ])('guarded by %s is %p', (_what, step, guarded) => {
    expect(open([events, step]).chain.hasGuard).toBe(guarded);
  });
});

describe('a guard behind a step that may be left out', () => {
  const broken = new Error('broken');
  const guard = textStep(
    'guard',
    () => ({
      text: () => {
        throw broken;
      },
      flush: () => '',
    }),
    { guard: true },
  );
  const failsAsGuard = expect.objectContaining({ code: 'MODIFIER_FAILED', context: { modifier: 'guard' } });

  it('fails the run when it fails itself', () => {
    const { chain, left, meter } = open([modifying('front', (event, emit) => emit(event), { onError: 'skip' }), guard]);
    chain.push(start);
    expect(() => chain.push(piece('a'))).toThrow(SluiceError);
    expect([left, meter.value('modifiers_skipped')]).toEqual([[start], 0]);
  });

  it('fails the run also where the step in front had waited', async () => {
    const front = modifying(
      'front',
      async (event, emit) => {
        await turn();
        emit(event);
      },
      { onError: 'skip' },
    );
    const { chain, left, failures, meter } = open([front, guard]);
    chain.push(start);
    chain.push(piece('a'));
    chain.push(piece('b'));
    await turn(8);
    expect([left, failures, meter.value('modifiers_skipped')]).toEqual([[start], [failsAsGuard], 0]);
  });
});
