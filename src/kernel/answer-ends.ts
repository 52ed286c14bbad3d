import type { AnswerEnding } from './component.ts';
import type { AnswerEvent } from './event.ts';

export interface AnswerEndsOwner {
  /** How many answers the client asked for. */
  readonly choices: number;
  emit(event: AnswerEvent): void;
  /** No choice goes on, so the provider need not be read any further. Called before the last events leave. */
  onEnded(): void;
}

/** What has ended an answer before its provider did. */
export interface EarlyEnd {
  /** Name of the step. */
  readonly by: string;
  readonly ending: AnswerEnding;
  readonly choice: number;
}

/**
 * Ends choices of an answer at one place of a chain: closes what is open there, says why the choice ended, and refuses
 * what still comes for it. When no choice is left, the whole stream ends.
 */
export class AnswerEnds {
  readonly #owner: AnswerEndsOwner;
  /** The blocks that left and have not ended, with their choices. */
  readonly #left = new Map<string, number>();
  readonly #finished = new Set<number>();
  #stopped: Set<number> | undefined;
  #blocked = false;
  #isEnding = false;
  #isOver = false;

  constructor(owner: AnswerEndsOwner) {
    this.#owner = owner;
  }

  /** True where no choice goes on. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True for an event of a choice that was ended here: it must not leave any more. */
  refuses(event: AnswerEvent): boolean {
    if (this.#stopped === undefined || this.#isEnding) return false;
    if (this.#isOver) return true;
    const { type, choice = 0 } = event;
    if (type === 'block.start' || type === 'finish' || type === 'safety') return this.#stopped.has(choice);
    return 'blockId' in event && !this.#left.has(event.blockId);
  }

  /** Takes note of an event that leaves. */
  left(event: AnswerEvent): void {
    if (event.type === 'block.start') this.#left.set(event.blockId, event.choice ?? 0);
    else if (event.type === 'block.end') this.#left.delete(event.blockId);
    else if (event.type === 'finish') this.#finished.add(event.choice ?? 0);
  }

  /** True where the choice was ended here. */
  hasStopped(choice: number): boolean {
    return this.#isOver || this.#stopped?.has(choice) === true;
  }

  /** Ends a choice that goes on. `message` is shown as a text of its own, behind what was open. */
  end(early: EarlyEnd, message = ''): void {
    const { ending, choice } = early;
    if (this.hasStopped(choice) || this.#finished.has(choice)) return;
    this.#stopped ??= new Set();
    this.#stopped.add(choice);
    this.#blocked ||= ending.reason === 'content_filter';
    const isLast = new Set([...this.#stopped, ...this.#finished]).size >= this.#owner.choices;
    if (isLast) this.#owner.onEnded();
    this.#isOver = isLast;
    this.#isEnding = true;
    for (const event of this.#lastEvents(early, message)) this.#owner.emit(event);
    if (isLast) this.#owner.emit({ type: 'stream.end', outcome: this.#blocked ? 'blocked' : 'ok' });
    this.#isEnding = false;
  }

  #lastEvents({ by, ending, choice }: EarlyEnd, message: string): AnswerEvent[] {
    const about = { ...(choice > 0 && { choice }), synthetic: true, source: `modifier:${by}` };
    const open = [...this.#left].filter(([, blockChoice]) => blockChoice === choice);
    const { reason, stopSequence } = ending;
    return [
      ...open.map(([blockId]): AnswerEvent => ({ type: 'block.end', blockId, ...about, incomplete: true })),
      ...(message === '' ? [] : messageBlock(by, choice, message)),
      { type: 'finish', ...about, reason: { unified: reason }, ...(stopSequence !== undefined && { stopSequence }) },
    ];
  }
}

/** The message of an ending as a text block. */
function messageBlock(by: string, choice: number, text: string): AnswerEvent[] {
  const about = { blockId: `${by}-message-${choice}`, ...(choice > 0 && { choice }), source: `modifier:${by}` };
  return [
    { type: 'block.start', ...about, kind: 'text', role: 'assistant', synthetic: true },
    { type: 'text.delta', ...about, role: 'assistant', text, synthetic: true },
    { type: 'block.end', ...about, synthetic: true },
  ];
}
