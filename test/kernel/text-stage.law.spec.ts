import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent, BlockKind, EventOfType } from '../../src/kernel/event.ts';
import { TextStage } from '../../src/kernel/text-stage.ts';
import { lawCases } from '../support/law.ts';
import { stageOutput, type StageOutput } from '../support/stage-owner.ts';
import { testRun } from '../support/test-run.ts';
import { anyHabits, goingHabits, habitStep, ruled, type Habit } from '../support/text-habits.ts';

/*
 * The law of a stage: whatever blocks run side by side, and wherever they are cut, each text leaves as its modifiers,
 * one after another, make the whole of it; and where one of them ends the answer, nothing of its choice leaves behind that.
 */

interface Planned {
  readonly kind: BlockKind;
  readonly choice: number;
  readonly pieces: readonly string[];
}

const words = fc.constantFrom('a', 'se', 's', '-', '--', 'e-', 'tea', '#', 'r', 'o', '😀', '\ud83d', '');
const planned: fc.Arbitrary<Planned> = fc.record({
  kind: fc.constantFrom<BlockKind>(
    'text',
    'text',
    'reasoning',
    'reasoning_summary',
    'refusal',
    'tool_call',
    'custom_tool_call',
  ),
  choice: fc.nat({ max: 1 }),
  pieces: fc.array(words, { maxLength: 6 }),
});
const answers = fc.record({
  blocks: fc.array(planned, { minLength: 1, maxLength: 5 }),
  order: fc.array(fc.nat({ max: 3 }), { maxLength: 16 }),
});

const role = 'assistant' as const;
const isCall = (kind: BlockKind): boolean => kind === 'tool_call' || kind === 'custom_tool_call';

function eventsOf({ kind, choice, pieces }: Planned, index: number): AnswerEvent[] {
  const about = { blockId: `b${index}`, ...(choice > 0 && { choice }) };
  // Arguments are one string here; how they are cut into strings is the law of `JsonLeaves`.
  const parts = kind === 'tool_call' ? ['"', ...pieces, '"'] : pieces;
  return [
    { type: 'block.start', ...about, kind, role },
    ...parts.map((text): AnswerEvent =>
      isCall(kind) ? { type: 'toolArgs.delta', ...about, json: text } : { type: 'text.delta', ...about, role, text },
    ),
    { type: 'block.end', ...about },
  ];
}

function interleaved(blocks: readonly Planned[], order: readonly number[]): AnswerEvent[] {
  const lists = blocks.map((block, index) => eventsOf(block, index));
  const events: AnswerEvent[] = [];
  for (let turn = 0; ; turn += 1) {
    const open = lists.filter((list) => list.length > 0);
    const list = open[(order[turn % Math.max(1, order.length)] ?? 0) % Math.max(1, open.length)];
    const event = list?.shift();
    if (event === undefined) break;
    events.push(event);
  }
  for (const choice of new Set([0, ...blocks.map((block) => block.choice)]))
    events.push({ type: 'finish', reason: { unified: 'stop' }, ...(choice > 0 && { choice }) });
  return [...events, { type: 'stream.end', outcome: 'ok' }];
}

function play(habits: readonly Habit[], events: readonly AnswerEvent[], choices: number): StageOutput {
  const output = stageOutput(choices);
  const stage = new TextStage(
    habits.map((habit, index) => habitStep(habit, index)),
    testRun().run,
    output,
  );
  for (const event of events) stage.push(event);
  return output;
}

function checkOrder(left: readonly AnswerEvent[]): void {
  const order = new EventOrder();
  for (const event of left) order.accept(event);
  expect(order.ended).toBe(true);
}

const textOf = (left: readonly AnswerEvent[], blockId: string): string =>
  left
    .map((event) => (!('blockId' in event) || event.blockId !== blockId ? '' : textIn(event)))
    .join('')
    // Half a pair that is written anew in arguments is escaped.
    .replaceAll(String.raw`\ud83d`, '\ud83d')
    .replaceAll(String.raw`\ude00`, '\ude00');
const textIn = (event: AnswerEvent): string =>
  event.type === 'text.delta' ? event.text : event.type === 'toolArgs.delta' ? (event.json ?? '') : '';

/** The texts of a block: a call of its choice that begins in it cuts it in two. */
function textsOf(events: readonly AnswerEvent[], blockId: string, choice: number): string[] {
  const texts = [''];
  let isOpen = false;
  for (const event of events) {
    if ('blockId' in event && event.blockId === blockId) {
      isOpen = event.type !== 'block.end';
      texts.push((texts.pop() ?? '') + textIn(event));
    } else if (isOpen && event.type === 'block.start' && isCall(event.kind) && (event.choice ?? 0) === choice) {
      texts.push('');
    }
  }
  return texts;
}

/** What the modifiers make of the arguments, which are one string. */
function ruledJson(habits: readonly Habit[], json: string): { text: string; ends: boolean } {
  const isWhole = json.length >= 2 && json.endsWith('"');
  const { text, ending } = ruled(habits, json.slice(1, isWhole ? -1 : undefined), false);
  return { text: `"${text}${isWhole && ending === undefined ? '"' : ''}`, ends: ending !== undefined };
}

function ruledBlock(
  habits: readonly Habit[],
  kind: BlockKind,
  texts: readonly string[],
): { text: string; ends: boolean } {
  if (kind === 'tool_call') return ruledJson(habits, texts[0] ?? '');
  let all = '';
  for (const one of texts) {
    const { text, ending } = ruled(habits, one, kind === 'text');
    all += text;
    if (ending !== undefined) return { text: all, ends: true };
  }
  return { text: all, ends: false };
}

/** Everything that may have come of a block when its choice was ended elsewhere. */
function beginningsOf(texts: readonly string[]): string[][] {
  return texts.flatMap((text, index) =>
    Array.from({ length: text.length + 1 }, (_, length) => [...texts.slice(0, index), text.slice(0, length)]),
  );
}

describe('a stage of text modifiers', () => {
  it('makes of each text what its modifiers make of the whole', () => {
    fc.assert(
      fc.property(answers, goingHabits, ({ blocks, order }, habits) => {
        const events = interleaved(blocks, order);
        const { left, ended } = play(habits, events, 2);
        checkOrder(left);
        expect(ended).toBe(0);
        for (const [index, { kind, choice }] of blocks.entries()) {
          const blockId = `b${index}`;
          const texts = textsOf(events, blockId, choice);
          const expected = isCall(kind) ? [texts.join('')] : texts;
          expect(textOf(left, blockId)).toBe(ruledBlock(habits, kind, expected).text);
        }
      }),
      { numRuns: Math.ceil(lawCases / 20) },
    );
  });

  it('ends a choice where one of them does, once, and lets nothing of it go behind that', () => {
    fc.assert(
      fc.property(answers, anyHabits, fc.integer({ min: 1, max: 2 }), ({ blocks: given, order }, habits, choices) => {
        const blocks = choices === 1 ? given.map((block) => ({ ...block, choice: 0 })) : given;
        const events = interleaved(blocks, order);
        const output = play(habits, events, choices);
        const { left } = output;
        checkOrder(left);
        for (const choice of new Set(blocks.map((block) => block.choice)))
          checkChoice(habits, blocks, events, output, choice);
        const stopped = new Set(output.earlyEnds.map((early) => early.choice));
        expect(stopped.size).toBe(output.earlyEnds.length);
        expect(output.ended).toBeLessThanOrEqual(1);
        if (choices === 1) expect(output.ended).toBe(stopped.size);
        const blocked = output.earlyEnds.some(({ ending }) => ending.reason === 'content_filter');
        expect(left.at(-1)).toEqual({ type: 'stream.end', outcome: blocked ? 'blocked' : 'ok' });
      }),
      { numRuns: Math.ceil(lawCases / 20) },
    );
  });

  it('acts once at the end of a choice, behind all of its text', () => {
    fc.assert(
      fc.property(answers, goingHabits, ({ blocks, order }, habits) => {
        const events = interleaved(blocks, order);
        const output = stageOutput(2);
        const steps = [...habits, undefined].map((habit, index) =>
          habit === undefined ? footer : habitStep(habit, index),
        );
        const stage = new TextStage(steps, testRun().run, output);
        for (const event of events) stage.push(event);
        checkOrder(output.left);
        for (const choice of new Set([0, ...blocks.map((block) => block.choice)])) {
          const ofChoice = output.left.filter((event) => (event.choice ?? 0) === choice);
          const lastStart = events.findLast((event) => event.type === 'block.start' && (event.choice ?? 0) === choice);
          const endsInCall = lastStart?.type === 'block.start' && isCall(lastStart.kind);
          const all = ofChoice.map(textIn).join('');
          expect(all.split('§').length - 1).toBe(endsInCall ? 0 : 1);
          const texts = ofChoice.filter((event) => event.type === 'text.delta');
          if (!endsInCall) expect(texts.at(-1)).toMatchObject({ text: expect.stringMatching(/§$/u) });
        }
      }),
      { numRuns: Math.ceil(lawCases / 50) },
    );
  });
});

const footer = habitStep(
  { name: 'footer', open: () => ({ text: (t) => t, flush: () => '', close: () => '§' }), rule: (text) => ({ text }) },
  99,
  {
    modifier: {
      effect: 'text',
      channels: ['text'],
      policy: { mode: 'live' },
      actsAtEnd: true,
      open: () => ({ text: (chunk) => chunk, flush: () => '', close: () => '§' }),
    },
  },
);

function checkChoice(
  habits: readonly Habit[],
  blocks: readonly Planned[],
  events: readonly AnswerEvent[],
  { left, earlyEnds }: StageOutput,
  choice: number,
): void {
  const ofChoice = left.filter((event) => (event.choice ?? 0) === choice);
  const finishes = ofChoice.filter((event): event is EventOfType<'finish'> => event.type === 'finish');
  expect(finishes).toHaveLength(1);
  const early = earlyEnds.find((end) => end.choice === choice);
  const whole = blocks.flatMap((block, index) => {
    if (block.choice !== choice) return [];
    const all = textsOf(events, `b${index}`, choice);
    const texts = isCall(block.kind) ? [all.join('')] : all;
    return [{ kind: block.kind, texts, left: textOf(left, `b${index}`), ...ruledBlock(habits, block.kind, texts) }];
  });
  if (early === undefined) {
    expect(finishes[0]?.reason.unified).toBe('stop');
    for (const { left: text, text: expected, ends } of whole) expect([text, ends]).toEqual([expected, false]);
    return;
  }
  expect(finishes[0]?.reason.unified).toBe(early.ending.reason);
  // Behind the end nothing of the choice leaves.
  const at = ofChoice.findIndex((event) => event.type === 'finish');
  expect(
    ofChoice
      .slice(at + 1)
      .map(({ type }) => type)
      .filter((type) => type !== 'stream.end'),
  ).toEqual([]);
  for (const { kind, texts, left: text } of whole) {
    const possible = beginningsOf(texts).map((some) => ruledBlock(habits, kind, some).text);
    expect(['', ...possible]).toContain(text);
  }
}
