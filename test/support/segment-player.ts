import type { AnswerEnding, Channel } from '../../src/kernel/modifier.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { channelOf } from '../../src/kernel/block-channel.ts';
import type { SegmentOutcome } from '../../src/kernel/segments/segment-lane.ts';
import { SegmentStage, type SegmentOptions, type SegmentTask } from '../../src/kernel/segments/segment-stage.ts';
import { testRun, type TestRun } from './test-run.ts';

/** Lets promises go on that wait for nothing else. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

interface Pending {
  readonly task: SegmentTask;
  resolve(outcome: SegmentOutcome): void;
}

/** What a call of `modify` came to. */
export interface Call {
  readonly paused: boolean;
  done: boolean;
  error: unknown;
}

/**
 * A stage whose work is settled by the test, in any order. It watches all the time that what leaves keeps the order of
 * events, that no text leaves without its verdict, and that no choice holds more than it may.
 */
export class SegmentPlayer {
  readonly left: AnswerEvent[] = [];
  readonly stops: { readonly ending: AnswerEnding; readonly choice: number }[] = [];
  readonly pending: Pending[] = [];
  readonly test: TestRun = testRun();
  readonly stage: SegmentStage;
  closed = false;
  readonly #options: Omit<SegmentOptions, 'work'>;
  readonly #outcome: (task: SegmentTask) => SegmentOutcome;
  readonly #order = new EventOrder();
  readonly #blocks = new Map<string, { readonly choice: number; readonly isRead: boolean }>();
  readonly #came = new Map<number, number>();
  readonly #gone = new Map<number, number>();
  readonly #open = new Set<string>();
  /** Characters that a verdict has let pass, or that need none. */
  #allowed = 0;
  #passed = 0;
  #inCall = false;

  constructor(options: Omit<SegmentOptions, 'work'>, outcome: (task: SegmentTask) => SegmentOutcome) {
    this.#options = options;
    this.#outcome = outcome;
    this.stage = new SegmentStage(
      {
        ...options,
        work: (task) =>
          new Promise((resolve) => {
            this.pending.push({ task, resolve });
          }),
      },
      this.test.run,
      { emit: (event) => this.#leave(event), stop: (ending, choice) => this.#stop(ending, choice) },
    );
  }

  call(event: AnswerEvent): Call {
    if (event.type === 'block.start') {
      const channel = channelOf(event.kind);
      const isRead = channel !== undefined && this.#options.channels.includes(channel);
      this.#blocks.set(event.blockId, { choice: event.choice ?? 0, isRead });
    }
    const choice = this.#readIn(event);
    if (choice !== undefined && event.type === 'text.delta') this.#add(this.#came, choice, event.text.length);
    this.#inCall = true;
    const result = this.stage.modify(event);
    this.#inCall = false;
    const call: Call = { paused: result !== undefined, done: result === undefined, error: undefined };
    void result?.then(
      () => void (call.done = true),
      (error: unknown) => void (call.error = error),
    );
    return call;
  }

  get ahead(): number {
    return this.#options.ahead;
  }

  /** Characters of a choice that came and have not left. */
  held(choice: number): number {
    return (this.#came.get(choice) ?? 0) - (this.#gone.get(choice) ?? 0);
  }

  /** Settles the work that is `nth` in line; false where there is none. */
  settleOne(nth: number): boolean {
    const [settled] = this.pending.splice(nth % Math.max(1, this.pending.length), 1);
    if (settled === undefined) return false;
    const outcome = this.#outcome(settled.task);
    if (outcome.action === 'pass') this.#allowed += settled.task.text.length;
    if (outcome.action === 'replace') this.#allowed += outcome.text.length;
    settled.resolve(outcome);
    return true;
  }

  /** The text of every block that has left. */
  texts(): Map<string, string> {
    const texts = new Map<string, string>();
    for (const event of this.left)
      if (event.type === 'text.delta') texts.set(event.blockId, (texts.get(event.blockId) ?? '') + event.text);
    return texts;
  }

  /** As the engine does it: what is open ends. */
  #stop(ending: AnswerEnding, choice = 0): void {
    this.stops.push({ ending, choice });
    for (const blockId of this.#open) {
      if (this.#blocks.get(blockId)?.choice !== choice) continue;
      this.#open.delete(blockId);
      this.#order.accept({ type: 'block.end', blockId });
    }
    this.#order.accept({ type: 'finish', choice, reason: { unified: ending.reason } });
  }

  #leave(event: AnswerEvent): void {
    if (this.closed) throw new Error('something left behind the end');
    this.left.push(event);
    this.#order.accept(event);
    if (event.type === 'block.start') this.#open.add(event.blockId);
    if (event.type === 'block.end') this.#open.delete(event.blockId);
    if (event.type !== 'text.delta') return;
    const choice = this.#readIn(event);
    if (choice === undefined) return;
    this.#passed += event.text.trim() === '' ? 0 : event.text.length;
    if (this.#passed > this.#allowed) throw new Error(`text left without a verdict: ${JSON.stringify(event.text)}`);
    this.#add(this.#gone, choice, event.text.length);
    if (this.#inCall && event.text.trim() !== '') throw new Error('text left in the call that brought it');
  }

  #readIn(event: AnswerEvent): number | undefined {
    const block = 'blockId' in event ? this.#blocks.get(event.blockId) : undefined;
    return block?.isRead === true ? block.choice : undefined;
  }

  #add(counts: Map<number, number>, choice: number, amount: number): void {
    counts.set(choice, (counts.get(choice) ?? 0) + amount);
  }
}

/**
 * The texts of each block as a stage reads them: one ends with its block, and where another block of its choice begins
 * or goes on, or the choice finishes.
 */
export function textRuns(events: readonly AnswerEvent[], channels: readonly Channel[]): Map<string, string[]> {
  const runs = new Map<string, string[]>();
  const choices = new Map<string, number>();
  const open = new Map<number, string | undefined>();
  for (const event of events) {
    if (event.type === 'block.start') {
      const channel = channelOf(event.kind);
      if (channel !== undefined && channels.includes(channel)) choices.set(event.blockId, event.choice ?? 0);
      open.set(event.choice ?? 0, undefined);
    } else if (event.type === 'block.end') {
      for (const [choice, blockId] of open) if (blockId === event.blockId) open.set(choice, undefined);
    } else if (event.type === 'finish') {
      open.set(event.choice ?? 0, undefined);
    } else if (event.type === 'text.delta' || event.type === 'toolArgs.delta') {
      const choice = choices.get(event.blockId);
      if (choice === undefined) continue;
      const text = event.type === 'text.delta' ? event.text : '';
      if (text === '' && event.type === 'text.delta') continue;
      const texts = runs.get(event.blockId) ?? [];
      if (open.get(choice) !== event.blockId || texts.length === 0) texts.push('');
      texts[texts.length - 1] += text;
      runs.set(event.blockId, texts);
      open.set(choice, event.blockId);
    }
  }
  return runs;
}
