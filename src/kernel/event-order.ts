import { SluiceError } from './errors.ts';
import type { AnswerEvent, EventOfType } from './event.ts';

/** Blocks of one answer. Far above what a model makes; a component that opens blocks without end is stopped here. */
const maxBlocks = 65_536;

/**
 * Asserts the order of the events of one answer, in this one place:
 * `stream.start` is the first event where there is one; a block starts once and ends once; what belongs to a block comes
 * between its start and its end, and in its choice; a choice finishes at most once; after `error` comes only
 * `stream.end`; `stream.end` comes once, last, and with `ok` only when all blocks have ended.
 */
export class EventOrder {
  readonly #open = new Map<string, number>();
  readonly #ended = new Set<string>();
  readonly #finished = new Set<number>();
  /** The choices that a block was of, and whether the client was asked to run a tool there. */
  readonly #choices = new Map<number, boolean>();
  #state: 'new' | 'running' | 'failed' | 'ended' = 'new';

  /** True after `stream.end`. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** The ends that are missing in an answer that is complete: of its choices, or of the one that has no block. */
  get missingFinishes(): readonly EventOfType<'finish'>[] {
    const choices = this.#choices.size + this.#finished.size === 0 ? new Map([[0, false]]) : this.#choices;
    return [...choices]
      .filter(([choice]) => !this.#finished.has(choice))
      .map(([choice, called]) => ({
        type: 'finish',
        ...(choice > 0 && { choice }),
        reason: { unified: called ? 'tool_calls' : 'stop' },
        synthetic: true,
      }));
  }

  /** Throws EVENT_ORDER, with the rule that is broken as the reason. */
  accept(event: AnswerEvent): void {
    if (this.#state !== 'running') this.#acceptAtEdge(event);
    switch (event.type) {
      case 'text.delta':
      case 'toolArgs.delta':
      case 'media.delta':
      case 'annotation':
      case 'reasoning.signature':
        this.#requireOpen(event.type, event.blockId, event.choice);
        return;
      case 'block.start':
        this.#start(event.blockId, event.choice ?? 0);
        this.#noteChoice(event);
        return;
      case 'block.end':
        this.#requireOpen(event.type, event.blockId, event.choice);
        this.#open.delete(event.blockId);
        this.#ended.add(event.blockId);
        return;
      case 'finish':
        if (this.#finished.has(event.choice ?? 0)) broken('a second finish of one choice');
        this.#finished.add(event.choice ?? 0);
        return;
      case 'stream.start':
        if (this.#state === 'running') broken('stream.start is not the first event');
        break;
      case 'error':
        this.#state = 'failed';
        return;
      case 'stream.end':
        if (event.outcome === 'ok' && this.#open.size > 0) broken('stream.end ok with an open block');
        this.#state = 'ended';
        return;
      default:
    }
    this.#state = 'running';
  }

  #acceptAtEdge(event: AnswerEvent): void {
    if (this.#state === 'ended') broken(`${event.type} after stream.end`);
    if (this.#state === 'failed' && event.type !== 'stream.end') broken(`${event.type} after error`);
    if (this.#state === 'new' && event.type !== 'stream.start') this.#state = 'running';
  }

  #start(blockId: string, choice: number): void {
    if (this.#open.has(blockId) || this.#ended.has(blockId)) broken('a second block.start of one block');
    if (this.#open.size + this.#ended.size >= maxBlocks) broken(`more than ${maxBlocks} blocks`);
    this.#open.set(blockId, choice);
  }

  #noteChoice({ kind, choice = 0 }: EventOfType<'block.start'>): void {
    const calls = kind === 'tool_call' || kind === 'custom_tool_call';
    this.#choices.set(choice, calls || this.#choices.get(choice) === true);
  }

  #requireOpen(type: string, blockId: string, choice: number | undefined): void {
    const opened = this.#open.get(blockId);
    if (opened === undefined) broken(`${type} outside of an open block`);
    if (choice !== undefined && choice !== opened) broken(`${type} in another choice than its block`);
  }
}

function broken(reason: string): never {
  throw new SluiceError('EVENT_ORDER', { details: { reason } });
}
