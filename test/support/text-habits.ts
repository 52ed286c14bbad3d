import * as fc from 'fast-check';
import type { BoundText } from '../../src/kernel/bound-modifier.ts';
import type { AnswerEnding, TextBlock, TextRewriter } from '../../src/kernel/modifier.ts';

/*
 * Text modifiers of every habit, each with its rule on the whole text. They hold, insert, delete, wait for the end and
 * end the answer; none protects anything.
 */

/** The new text of a whole text, and how the answer ends where it does. */
export interface Ruled {
  readonly text: string;
  readonly ending?: AnswerEnding | undefined;
}

export interface Habit {
  readonly name: string;
  open(block: TextBlock): TextRewriter;
  rule(text: string): Ruled;
}

const live = (name: string, change: (text: string) => string): Habit => ({
  name,
  open: () => ({ text: change, flush: () => '' }),
  rule: (text) => ({ text: change(text) }),
});

/** Holds the last characters, whatever they are. */
const holds = (count: number): Habit => ({
  name: `holds ${count}`,
  open: () =>
    keeping(
      (all) => Math.max(0, all.length - count),
      (text) => text,
    ),
  rule: (text) => ({ text }),
});

/** Makes a dash of two hyphens, and waits for the second. */
const dashes: Habit = {
  name: 'dashes',
  open: () => {
    let held = '';
    return {
      text(chunk) {
        const all = (held + chunk).replaceAll('--', '–');
        held = all.endsWith('-') ? '-' : '';
        return all.slice(0, all.length - held.length);
      },
      flush() {
        const rest = held;
        held = '';
        return rest;
      },
    };
  },
  rule: (text) => ({ text: text.replaceAll('--', '–') }),
};

const backwards = (text: string): string => [...text].reverse().join('');
const buffers: Habit = {
  name: 'buffers',
  open: () => keeping(() => 0, backwards),
  rule: (text) => ({ text: backwards(text) }),
};

const tails: Habit = {
  name: 'tails',
  open: () => ({ text: (chunk) => chunk, flush: () => '!' }),
  rule: (text) => ({ text: `${text}!` }),
};

/** Ends the answer at a character; `late` sees it only at the end of the text. */
const stops = (at: string, ending: AnswerEnding, late: boolean): Habit => ({
  name: `stops at ${at} ${ending.reason} ${late ? 'late' : 'at once'}`,
  open(block) {
    const cut = (text: string): string => {
      const found = text.indexOf(at);
      if (found === -1) return text;
      block.stop(ending);
      return text.slice(0, found);
    };
    return late ? keeping(() => 0, cut) : { text: cut, flush: () => '' };
  },
  rule(text) {
    const [before = '', ...rest] = text.split(at);
    return rest.length === 0 ? { text } : { text: before, ending };
  },
});

function keeping(leaves: (held: string) => number, last: (text: string) => string): TextRewriter {
  let held = '';
  return {
    text(chunk) {
      held += chunk;
      const left = held.slice(0, leaves(held));
      held = held.slice(left.length);
      return left;
    },
    flush() {
      const rest = last(held);
      held = '';
      return rest;
    },
  };
}

const going: readonly Habit[] = [
  live('raises a', (text) => text.replaceAll('a', 'A')),
  live('doubles e', (text) => text.replaceAll('e', 'ee')),
  live('drops s', (text) => text.replaceAll('s', '')),
  holds(1),
  holds(3),
  dashes,
  buffers,
  tails,
];
const message = fc.constantFrom(undefined, 'cut', ' a se#');
const ending: fc.Arbitrary<AnswerEnding> = fc
  .record({ reason: fc.constantFrom('stop' as const, 'length' as const, 'content_filter' as const), message })
  .map(({ reason, message: words }) => ({ reason, ...(words !== undefined && { message: words }) }));
const stopping = fc.tuple(fc.constantFrom('#', 'r', '-'), ending, fc.boolean()).map((how) => stops(...how));

/** Chains that never end an answer. */
export const goingHabits: fc.Arbitrary<readonly Habit[]> = fc.array(fc.constantFrom(...going), { maxLength: 5 });
/** Chains of which most may. */
export const anyHabits: fc.Arbitrary<readonly Habit[]> = fc.array(
  fc.oneof({ arbitrary: fc.constantFrom(...going), weight: 2 }, { arbitrary: stopping, weight: 1 }),
  { maxLength: 5 },
);

/** What a chain makes of a whole text. `tells` where messages are told in it. */
export function ruled(habits: readonly Habit[], text: string, tells: boolean): Ruled {
  let current: Ruled = { text };
  for (const habit of habits) {
    const { text: left, ending: ended } = habit.rule(current.text);
    const words = tells ? (ended?.message ?? '') : '';
    current = { text: left + words, ending: ended ?? current.ending };
  }
  return current;
}

export function habitStep(habit: Habit, index: number, more: Partial<BoundText> = {}): BoundText {
  return {
    name: `s${index}`,
    guard: false,
    onError: 'fail',
    modifier: {
      effect: 'text',
      channels: ['text', 'reasoning', 'refusal', 'toolArguments'],
      policy: { mode: 'live' },
      open: (_run, block) => habit.open(block),
    },
    ...more,
  };
}
