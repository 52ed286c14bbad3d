import type { BoundText } from '../../src/kernel/bound-modifier.ts';
import type { AnswerEnding, TextBlock, TextModifier, TextRewriter } from '../../src/kernel/modifier.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { TextStage } from '../../src/kernel/text-stage.ts';
import { stageOutput, type StageOutput } from './stage-owner.ts';
import { testRun, type TestRun } from './test-run.ts';

/* Events and text modifiers in a word each, and a stage of its own to play them through. */

const role = 'assistant' as const;
export const start = (blockId: string, kind: BlockKind = 'text', choice?: number): AnswerEvent => ({
  type: 'block.start',
  blockId,
  kind,
  role,
  ...(choice !== undefined && { choice }),
});
export const text = (blockId: string, piece: string): AnswerEvent => ({
  type: 'text.delta',
  blockId,
  role,
  text: piece,
});
export const json = (blockId: string, piece: string): AnswerEvent => ({ type: 'toolArgs.delta', blockId, json: piece });
export const patch = (jsonPath: string, value: unknown, more?: boolean): AnswerEvent => ({
  type: 'toolArgs.delta',
  blockId: 'c',
  patch: { jsonPath, value, ...(more !== undefined && { more }) },
});
export const proof: AnswerEvent = { type: 'reasoning.signature', blockId: 'c', value: 'proof' };
export const end = (blockId: string): AnswerEvent => ({ type: 'block.end', blockId });
export const finish = (choice?: number): AnswerEvent => ({
  type: 'finish',
  reason: { unified: 'stop' },
  ...(choice !== undefined && { choice }),
});
export const streamEnd: AnswerEvent = { type: 'stream.end', outcome: 'ok' };

export type Step = Partial<TextModifier> & Partial<Pick<BoundText, 'guard' | 'onError'>>;

export function step(name: string, open: (block: TextBlock) => TextRewriter, more: Step = {}): BoundText {
  const { guard = false, onError = 'fail', ...fields } = more;
  const modifier: TextModifier = {
    effect: 'text',
    channels: ['text', 'reasoning', 'refusal', 'toolArguments'],
    policy: { mode: 'live' },
    open: (_run, block) => open(block),
    ...fields,
  };
  return { name, guard, onError, modifier };
}

export const stopsAt = (mark: string, ending: AnswerEnding, name = 'stop', more: Step = {}): BoundText =>
  step(
    name,
    (block) => ({
      text(chunk) {
        const at = chunk.indexOf(mark);
        if (at === -1) return chunk;
        block.stop(ending);
        return chunk.slice(0, at);
      },
      flush: () => '',
    }),
    more,
  );
export const holdsAll = (name = 'holds', more: Step = {}): BoundText =>
  step(
    name,
    () => {
      let held = '';
      return {
        text(chunk) {
          held += chunk;
          return '';
        },
        flush() {
          const rest = held;
          held = '';
          return rest;
        },
      };
    },
    more,
  );
export const footer = (words: string, name = 'footer', more: Step = {}): BoundText =>
  step(name, () => ({ text: (chunk) => chunk, flush: () => '', close: () => words }), {
    actsAtEnd: true,
    channels: ['text'],
    ...more,
  });
export const broken = new Error('broken');
export const breaks = (name: string, place: 'text' | 'flush' | 'open', more: Step = { onError: 'skip' }): BoundText =>
  step(
    name,
    () => {
      const fail = (): never => {
        throw broken;
      };
      if (place === 'open') fail();
      return { text: place === 'text' ? fail : (chunk) => chunk, flush: place === 'flush' ? fail : () => '' };
    },
    more,
  );
export const shout = step('shout', () => ({ text: (chunk) => chunk.toUpperCase(), flush: () => '' }));

export interface Played extends StageOutput {
  readonly run: TestRun;
  readonly stage: TextStage;
}

export function play(steps: readonly BoundText[], events: readonly AnswerEvent[], choices = 1): Played {
  const run = testRun();
  const output = stageOutput(choices);
  const stage = new TextStage(steps, run.run, output);
  for (const event of events) stage.push(event);
  const order = new EventOrder();
  for (const event of output.left) order.accept(event);
  return Object.assign(output, { run, stage });
}

/** Events in a word each. */
export const told = ({ left }: Pick<StageOutput, 'left'>): string[] =>
  left.map((event) => {
    const id = 'blockId' in event ? event.blockId : `${event.choice ?? ''}`;
    if (event.type === 'text.delta') return `${id}:${event.text}`;
    if (event.type === 'toolArgs.delta') return `${id}:${event.json ?? JSON.stringify(event.patch)}`;
    if (event.type === 'finish') return `finish${id} ${event.reason.unified}`;
    if (event.type === 'stream.end') return event.outcome;
    return `${event.type === 'block.end' && event.incomplete === true ? 'cut' : event.type.replace('block.', '')} ${id}`;
  });
