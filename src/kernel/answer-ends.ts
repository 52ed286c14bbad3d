import type { AnswerEnding } from './modifier.ts';
import type { AnswerEvent, EventOfType } from './event.ts';

export interface AnswerEndsOwner {
  /** How many answers the client asked for. */
  readonly choices: number;
  emit(event: AnswerEvent): void;
  /** A modifier has ended a choice. Called before the last events of it leave. */
  onStop(early: EarlyEnd): void;
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
    // Nobody knows of which choice it tells.
    if (type === 'raw') return true;
    return 'blockId' in event && this.refusesBlock(event.blockId);
  }

  /** True for a block of a choice that was ended here. */
  refusesBlock(blockId: string): boolean {
    return this.#isOver || (this.#stopped !== undefined && !this.#left.has(blockId));
  }

  /** Takes note of an event that leaves. */
  left(event: AnswerEvent): void {
    if (event.type === 'block.start') this.#left.set(event.blockId, event.choice ?? 0);
    else if (event.type === 'block.end') this.#left.delete(event.blockId);
    else if (event.type === 'finish') this.#finished.add(event.choice ?? 0);
    else if (event.type === 'stream.end') this.#isOver = true;
  }

  /** True where the choice was ended here. */
  hasStopped(choice: number): boolean {
    return this.#isOver || this.#stopped?.has(choice) === true;
  }

  /** The end of the stream as it leaves: blocked where one of its choices was. */
  endOf(event: EventOfType<'stream.end'>): EventOfType<'stream.end'> {
    return this.#blocked && event.outcome === 'ok' ? { ...event, outcome: 'blocked' } : event;
  }

  /** Ends a choice that goes on. `message` is shown as a text of its own, behind what was open. */
  end(early: EarlyEnd, message = ''): void {
    const { ending, choice } = early;
    if (this.hasStopped(choice) || this.#isDone(choice)) return;
    this.#stopped ??= new Set();
    this.#stopped.add(choice);
    this.#blocked ||= ending.reason === 'content_filter';
    const done = [...this.#finished].filter((finished) => this.#isDone(finished));
    const isLast = new Set([...this.#stopped, ...done]).size >= this.#owner.choices;
    this.#owner.onStop(early);
    if (isLast) this.#owner.onEnded();
    this.#isOver = isLast;
    this.#isEnding = true;
    for (const event of this.#lastEvents(early, message, isLast)) this.#owner.emit(event);
    this.#isEnding = false;
  }

  /** The provider has ended it, and nothing of it is open. */
  #isDone(choice: number): boolean {
    return this.#finished.has(choice) && ![...this.#left.values()].includes(choice);
  }

  #lastEvents(early: EarlyEnd, message: string, isLast: boolean): AnswerEvent[] {
    const { by, ending, choice } = early;
    const about = { synthetic: true, source: `modifier:${by}` };
    const ofChoice = choice > 0 ? { choice } : {};
    const { reason, stopSequence } = ending;
    const ends = (of: (choice: number) => boolean): AnswerEvent[] =>
      [...this.#left]
        .filter(([, ofBlock]) => of(ofBlock))
        .map(([blockId, ofBlock]) => ({
          type: 'block.end',
          blockId,
          ...(ofBlock > 0 && { choice: ofBlock }),
          ...about,
          incomplete: true,
        }));
    const finish: AnswerEvent = {
      type: 'finish',
      ...ofChoice,
      ...about,
      reason: { unified: reason },
      ...(stopSequence !== undefined && { stopSequence }),
    };
    return [
      ...ends((ofBlock) => ofBlock === choice),
      ...(message === '' || this.#finished.has(choice) ? [] : messageBlock(by, choice, message)),
      ...(this.#finished.has(choice) ? [] : [finish]),
      // A provider may have begun more choices than were asked for.
      ...(isLast ? ends((ofBlock) => ofBlock !== choice) : []),
      ...(isLast ? [{ type: 'stream.end', outcome: this.#blocked ? 'blocked' : 'ok' } as const] : []),
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
