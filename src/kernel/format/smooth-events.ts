import { sleep, type Clock } from '../clock.ts';
import type { Channel, EventControl, EventRewriter } from '../modifier.ts';
import type { AnswerEvent, EventOfType } from '../event.ts';
import type { Run } from '../run.ts';
import { changesText, formatText, type TextFormat, type TextFormatOptions } from './text-format.ts';

export interface SmoothOptions {
  readonly format: TextFormatOptions;
  readonly channels: readonly Channel[];
  /** Milliseconds between two pieces. */
  readonly delay: number;
  /** Most milliseconds that a piece may be late because of it. */
  readonly maxLag: number;
}

type Emit = (event: AnswerEvent) => void;

/** The text of an open block. */
interface SmoothBlock {
  readonly start: EventOfType<'block.start'>;
  format: TextFormat;
  /** Text left that had not come so: then signatures, which prove the text that came, prove nothing any more. */
  changed: boolean;
  /** Text that came and did not leave as it came; only while nothing is changed. */
  owed: string;
  readonly signatures: AnswerEvent[];
}

/**
 * Formats texts and lets their pieces go one by one, `delay` apart. While a piece waits the stream is paused, so nothing
 * overtakes it and the provider is read no faster than the client sees it. `lag` is what all waits have added up to since
 * the provider was last waited for; the nearer it is to `maxLag`, the shorter the waits get, so it stays below. A run
 * that is over waits no longer.
 */
export function smoothEvents(run: Run, control: EventControl, clock: Clock, options: SmoothOptions): EventRewriter {
  return new SmoothEvents(run, control, clock, options);
}

class SmoothEvents implements EventRewriter {
  readonly #run: Run;
  readonly #control: EventControl;
  readonly #clock: Clock;
  readonly #options: SmoothOptions;
  readonly #mayChange: boolean;
  readonly #blocks = new Map<string, SmoothBlock>();
  #lag = 0;
  /** When the last piece left, and when the last call was done. */
  #lastPiece = Number.NEGATIVE_INFINITY;
  #lastCall: number;

  constructor(run: Run, control: EventControl, clock: Clock, options: SmoothOptions) {
    this.#run = run;
    this.#control = control;
    this.#clock = clock;
    this.#options = options;
    this.#mayChange = changesText(options.format);
    this.#lastCall = clock.now();
  }

  modify(event: AnswerEvent, emit: Emit): void | Promise<void> {
    const events = this.#rewrite(event);
    const now = this.#clock.now();
    this.#lag = Math.max(0, this.#lag - (now - this.#lastCall));
    this.#lastCall = now;
    if (this.#waitBefore(events, now) === 0 && events.filter(isPiece).length <= 1) {
      for (const rewritten of events) emit(rewritten);
      if (events.some(isPiece)) this.#lastPiece = now;
      return undefined;
    }
    return this.#release(events);
  }

  flush(emit: Emit): void {
    for (const block of this.#blocks.values()) for (const event of this.#end(block)) emit(event);
    this.#blocks.clear();
  }

  fail(emit: Emit): void {
    this.flush(emit);
  }

  async #release(events: readonly AnswerEvent[]): Promise<void> {
    // What is emitted during the call itself would leave when all has.
    await Promise.resolve();
    for (const event of events) {
      const now = this.#clock.now();
      const wait = this.#waitBefore([event], now);
      if (wait > 0) await this.#pause(wait);
      if (isPiece(event)) this.#lastPiece = this.#clock.now();
      this.#control.emit(event);
    }
    this.#lastCall = this.#clock.now();
  }

  async #pause(milliseconds: number): Promise<void> {
    this.#lag += milliseconds;
    try {
      await sleep(this.#clock, milliseconds, this.#run.signal);
    } catch {
      // The run is over: nobody sees a pause any more.
    }
  }

  /** Whole milliseconds before the first of the events may leave. */
  #waitBefore(events: readonly AnswerEvent[], now: number): number {
    const { delay, maxLag } = this.#options;
    const [first] = events;
    if (first === undefined || !isPiece(first) || this.#run.signal.aborted) return 0;
    const apart = delay * Math.max(0, 1 - this.#lag / maxLag);
    return Math.max(0, Math.min(Math.ceil(this.#lastPiece + apart - now), Math.floor(maxLag - this.#lag)));
  }

  #rewrite(event: AnswerEvent): AnswerEvent[] {
    switch (event.type) {
      case 'block.start':
        return [...this.#endBefore(event), event];
      case 'text.delta': {
        const block = this.#blocks.get(event.blockId);
        return block === undefined ? [event] : this.#text(block, event);
      }
      case 'reasoning.signature': {
        const block = this.#blocks.get(event.blockId);
        if (block === undefined) return [event];
        block.signatures.push(event);
        return [];
      }
      case 'block.end':
        return this.#close(event);
      default:
        return [event];
    }
  }

  /** A new block is opened; a tool call ends the open texts of its choice, and what comes of them later begins anew. */
  #endBefore(event: EventOfType<'block.start'>): AnswerEvent[] {
    if (this.#options.channels.some((channel) => channel === event.kind)) {
      const format = formatText(this.#options.format);
      this.#blocks.set(event.blockId, { start: event, format, changed: false, owed: '', signatures: [] });
      return [];
    }
    if (event.kind !== 'tool_call' && event.kind !== 'custom_tool_call') return [];
    const texts = [...this.#blocks.values()].filter(({ start }) => (start.choice ?? 0) === (event.choice ?? 0));
    return texts.flatMap((block) => {
      const pieces = this.#lastPieces(block);
      block.format = formatText(this.#options.format);
      return pieces;
    });
  }

  #text(block: SmoothBlock, event: EventOfType<'text.delta'>): AnswerEvent[] {
    const pieces = block.format.pieces(event.text);
    this.#compare(block, event.text, pieces);
    if (pieces.length === 1 && pieces[0] === event.text) return [event];
    const { logprobs: _dropped, template: _frame, ...rest } = event;
    return pieces.map((text) => ({ ...rest, text }));
  }

  #close(event: EventOfType<'block.end'>): AnswerEvent[] {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) return [event];
    this.#blocks.delete(event.blockId);
    const events = this.#end(block);
    if (!block.changed) return [...events, event];
    const { final: _stale, ...rest } = event;
    return [...events, rest];
  }

  #end(block: SmoothBlock): AnswerEvent[] {
    const pieces = this.#lastPieces(block);
    if (block.owed !== '') block.changed = true;
    return block.changed ? pieces : [...pieces, ...block.signatures];
  }

  #lastPieces(block: SmoothBlock): AnswerEvent[] {
    const { blockId, role, choice } = block.start;
    const pieces = block.format.lastPieces();
    this.#compare(block, '', pieces);
    return pieces.map((text) => ({
      type: 'text.delta',
      blockId,
      role,
      text,
      ...(choice !== undefined && { choice }),
    }));
  }

  #compare(block: SmoothBlock, came: string, left: readonly string[]): void {
    if (!this.#mayChange || block.changed) return;
    const text = left.join('');
    const owed = block.owed + came;
    block.changed = !owed.startsWith(text);
    block.owed = block.changed ? '' : owed.slice(text.length);
  }
}

function isPiece(event: AnswerEvent): boolean {
  return event.type === 'text.delta' && event.text !== '';
}
