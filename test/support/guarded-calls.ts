import type { AnswerEnding, EventModifier } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { toolGuard } from '../../src/modifiers/tool-guard.ts';
import { createInstance } from './component-instance.ts';
import { testRun } from './test-run.ts';

export interface Shown {
  readonly kind: string;
  readonly name: string | undefined;
  text: string;
  ended: boolean;
}

/** What a client would see of an answer that went through a guard, event by event. */
export class GuardedAnswer {
  readonly events: AnswerEvent[] = [];
  readonly endings: (AnswerEnding & { readonly choice: number })[] = [];
  readonly blocks = new Map<string, Shown>();
  readonly finishes = new Map<number, string>();
  readonly test = testRun();
  readonly #choices = new Map<string, number>();
  readonly rewriter;

  constructor(modifier: EventModifier) {
    this.rewriter = modifier.open(this.test.run, {
      emit: this.#emit,
      stop: (ending, choice = 0) => void this.endings.push({ ...ending, choice }),
    });
  }

  push(event: AnswerEvent): void {
    void this.rewriter.modify(event, this.#emit, this.test.run);
  }

  fail(): void {
    this.rewriter.fail?.(this.#emit, this.test.run);
  }

  /** As the kernel does, events of a choice that has ended are dropped. */
  readonly #emit = (event: AnswerEvent): void => {
    if (event.type === 'block.start') this.#choices.set(event.blockId, event.choice ?? 0);
    const choice = 'blockId' in event ? this.#choices.get(event.blockId) : event.choice;
    if (this.endings.some((ending) => ending.choice === (choice ?? 0)) && event.type !== 'stream.end') return;
    this.events.push(event);
    if (event.type === 'block.start')
      this.blocks.set(event.blockId, { kind: event.kind, name: event.name, text: '', ended: false });
    else if (event.type === 'finish') this.finishes.set(choice ?? 0, event.reason.unified);
    const block = 'blockId' in event ? this.blocks.get(event.blockId) : undefined;
    if (block === undefined) return;
    if (event.type === 'text.delta') block.text += event.text;
    else if (event.type === 'toolArgs.delta') block.text += event.json ?? '';
    else if (event.type === 'block.end') block.ended = true;
  };
}

export function guardOf(config: Record<string, unknown>): EventModifier {
  const modifier = createInstance(toolGuard, config, testRun().capabilities);
  if (modifier.effect !== 'events') throw new TypeError('tool-guard works on events');
  return modifier;
}

export function guard(config: Record<string, unknown>, events: readonly AnswerEvent[]): GuardedAnswer {
  const answer = new GuardedAnswer(guardOf(config));
  for (const event of events) answer.push(event);
  return answer;
}

/** The events of one tool call, its arguments in pieces. */
export function callEvents(
  blockId: string,
  name: string,
  pieces: readonly string[],
  more: Partial<Extract<AnswerEvent, { type: 'block.start' }>> = {},
): AnswerEvent[] {
  const choice = more.choice === undefined ? {} : { choice: more.choice };
  return [
    { type: 'block.start', blockId, kind: 'tool_call', role: 'assistant', name, callId: `call-${blockId}`, ...more },
    ...pieces.map((json): AnswerEvent => ({ type: 'toolArgs.delta', blockId, ...choice, json })),
    { type: 'block.end', blockId, ...choice },
  ];
}

export function textEvents(blockId: string, pieces: readonly string[], choice?: number): AnswerEvent[] {
  const about = { blockId, role: 'assistant', ...(choice !== undefined && { choice }) } as const;
  return [
    { type: 'block.start', kind: 'text', ...about },
    ...pieces.map((text): AnswerEvent => ({ type: 'text.delta', ...about, text })),
    { type: 'block.end', blockId, ...(choice !== undefined && { choice }) },
  ];
}

export const finished = (choice?: number): AnswerEvent => ({
  type: 'finish',
  ...(choice !== undefined && { choice }),
  reason: { unified: 'tool_calls', raw: 'tool_calls' },
});
