import { mergeUsage, type UsageFold } from './answer.ts';
import { AnswerSink, type SinkOptions } from './answer-sink.ts';
import type { DecodedFrame, StreamEncoder } from './component.ts';
import { isContent, type AnswerEvent, type TextTemplate } from './event.ts';
import type { FrameSink, Lane } from './frame-sink.ts';
import { guardedEvents } from './guarded-events.ts';
import { escapeJsonText, unescapeJsonText } from './json/json-text.ts';
import type { BlockText } from './text-row.ts';

/** How many frames went which way, over all runs. The benchmark prints them: a fast way with 0 % does not exist. */
export interface FrameCounters {
  pass: number;
  scan: number;
  splice: number;
  slow: number;
}

export interface PipeOptions extends SinkOptions {
  readonly encoder: StreamEncoder;
  readonly counters: FrameCounters;
  readonly output: SinkOptions['output'] & {
    /** Frames, as latin1. `content` is true from the first content on: then the answer can't be taken back. */
    write(frames: string, content: boolean): void;
    /** The stream is complete. `frames` are its last ones, the terminator among them. */
    complete(frames: string): void;
  };
}

/** The block whose frames currently take the fast lane. */
interface ActiveLane extends Lane {
  readonly blockId: string;
  readonly template: TextTemplate;
  /** Undefined where no modifier reads the block. */
  readonly text: BlockText | undefined;
  /** Frames that nobody changed may go out with their own bytes. */
  copies: boolean;
}

/**
 * One streamed answer on its way from decoder to client. What one read of the upstream brings passes all stages in one
 * synchronous pass, and `flush` hands the result over as one string.
 *
 * Every frame can take the slow way: decode, modifiers, encode. A frame whose events left the modifiers as they were goes
 * out with its own bytes. Frames that only carry text and look like the one before take the fast lane: their text
 * goes through the same modifiers, but no event is made and no JSON is parsed.
 */
export class AnswerPipe extends AnswerSink implements FrameSink {
  lane: ActiveLane | undefined;
  usage: UsageFold | undefined;
  readonly #options: PipeOptions;
  /** Collects what leaves the modifiers while one frame passes; undefined in between. */
  #left: AnswerEvent[] | undefined;
  #out = '';
  #hasContent = false;
  #rangeSource = '';
  #rangeStart = 0;
  #rangeEnd = -1;

  constructor(options: PipeOptions) {
    super(options);
    this.#options = options;
  }

  frame(event: string, data: string, bytes: string): void {
    const { decoder } = this;
    if (this.ended || decoder === undefined || decoder.terminated) return;
    this.#options.counters.slow += 1;
    const decoded = decoder.frame(event, data);
    if (decoder.terminated) this.lane = undefined;
    if (decoded.events.length === 0 && decoded.opens === undefined) return;
    this.#passFrame(decoded, bytes);
    this.#learn(decoded);
    this.#checkLane();
  }

  textFrame(source: string, start: number, textStart: number, textEnd: number, end: number, plain: boolean): boolean {
    const { lane } = this;
    if (lane === undefined || textStart === textEnd || this.ended) return false;
    const json = source.slice(textStart, textEnd);
    const text = plain ? json : unescapeJsonText(json);
    if (text === undefined) return false;
    const { counters, encoder } = this.#options;
    this.progress += 1;
    const changed = lane.text === undefined ? text : lane.text.push(text);
    if (changed !== text) {
      counters.splice += 1;
      if (changed !== '') {
        this.#hasContent = true;
        this.#append(encoder.encodeText(lane.blockId, lane.template, escapeJsonText(changed)));
      }
      this.#stopLane(lane);
      return true;
    }
    this.#hasContent = true;
    if (lane.text === undefined) counters.pass += 1;
    else counters.scan += 1;
    if (lane.copies) this.#appendRange(source, start, end);
    else this.#append(encoder.encodeText(lane.blockId, lane.template, plain ? json : escapeJsonText(text)));
    this.#stopLane(lane);
    return true;
  }

  override close(): void {
    super.close();
    this.lane = undefined;
    this.#out = '';
    this.#rangeEnd = -1;
  }

  /** Hands over what the last read made. Called once per read. */
  flush(): void {
    this.#closeRange();
    if (this.#out === '') return;
    const frames = this.#out;
    this.#out = '';
    this.#options.output.write(frames, this.#hasContent);
  }

  protected writeLate(): void {
    this.flush();
  }

  protected take(event: AnswerEvent): void {
    if (event.type === 'usage') this.usage = mergeUsage(this.usage, event);
    if (isContent(event)) this.#hasContent = true;
    if (this.#left === undefined) this.#append(this.#options.encoder.encode(event));
    else this.#left.push(event);
  }

  protected finish(): void {
    this.#writeLeft();
    this.#append(this.#options.encoder.end(this.outcome));
    const frames = this.#out;
    this.close();
    this.#options.output.complete(frames);
  }

  /** Ends the answer where a modifier has ended it in the piece of text that has just left. */
  #stopLane({ text, blockId }: ActiveLane): void {
    if (text?.ending === undefined) return;
    this.lane = undefined;
    this.textStage?.stopAt(blockId);
  }

  #passFrame(frame: DecodedFrame, bytes: string): void {
    const chain = this.chainFor(frame.events);
    const unread = chain.hasGuard && !frame.transparent;
    const events = unread ? guardedEvents(frame.events) : frame.events;
    const left: AnswerEvent[] = [];
    this.#left = left;
    try {
      this.push(events);
    } catch (error) {
      // What left before the failure belongs to the client.
      this.#writeLeft();
      throw error;
    }
    const { encoder, sameDialect } = this.#options;
    const mayCopy = sameDialect && !unread && frame.irregular !== true && !chain.waiting && isUntouched(events, left);
    if (mayCopy && encoder.copies(frame)) {
      this.#left = undefined;
      this.#append(bytes);
    } else {
      this.#writeLeft();
    }
  }

  /** Encodes what has left the modifiers so far. */
  #writeLeft(): void {
    const left = this.#left ?? [];
    this.#left = undefined;
    for (const event of left) this.#append(this.#options.encoder.encode(event));
  }

  /** Lets the frames that follow take the fast lane, where the last one was nothing but text. */
  #learn({ events, transparent }: DecodedFrame): void {
    const chain = this.chainFor(events);
    const event = events.at(-1);
    const template = event?.type === 'text.delta' && (transparent || !chain.hasGuard) ? event.template : undefined;
    if (event?.type !== 'text.delta' || template === undefined || chain.mode === 'events' || this.terminated) {
      // The decoder has to see what comes next in a block beside which another begins or ends.
      if (events.some(({ type }) => type === 'block.start' || type === 'block.end')) this.lane = undefined;
      return;
    }
    const { blockId } = event;
    if (chain.textStage?.refusesBlock(blockId) === true) return;
    if (this.lane?.template === template && this.lane.blockId === blockId) return;
    this.lane = {
      before: template.before,
      after: template.after,
      tail: template.tail,
      blockId,
      template,
      text: chain.textStage?.textOf(blockId),
      copies: false,
    };
  }

  /** What a frame on the slow way said may have moved the block of the lane. */
  #checkLane(): void {
    const { lane } = this;
    if (lane === undefined) return;
    if (this.textStage?.refusesBlock(lane.blockId) === true) {
      this.lane = undefined;
      return;
    }
    const { sameDialect, encoder } = this.#options;
    lane.copies = sameDialect && encoder.accepts?.(lane.blockId, lane.template) === true;
  }

  #append(frames: string): void {
    this.#closeRange();
    this.#out += frames;
  }

  /** Untouched frames in a row leave as one slice. */
  #appendRange(source: string, start: number, end: number): void {
    if (this.#rangeEnd === start && this.#rangeSource === source) {
      this.#rangeEnd = end;
      return;
    }
    this.#closeRange();
    this.#rangeSource = source;
    this.#rangeStart = start;
    this.#rangeEnd = end;
  }

  #closeRange(): void {
    if (this.#rangeEnd === -1) return;
    this.#out += this.#rangeSource.slice(this.#rangeStart, this.#rangeEnd);
    this.#rangeSource = '';
    this.#rangeEnd = -1;
  }
}

function isUntouched(events: readonly AnswerEvent[], left: readonly AnswerEvent[]): boolean {
  return events.length === left.length && events.every((event, index) => event === left[index]);
}
