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

/** What is held before the first content, in characters; more of it is sent, and then it can't be taken back. */
const maxHeldCharacters = 1_048_576;
/** What an event counts beside the frame that it came in. */
const eventCharacters = 256;

export interface PipeOptions extends SinkOptions {
  readonly encoder: StreamEncoder;
  readonly counters: FrameCounters;
  readonly output: SinkOptions['output'] & {
    /** Frames, as latin1, none before the first content: from then on the answer can't be taken back. */
    write(frames: string): void;
    /** The stream is complete. `frames` are its last ones, the terminator among them. */
    complete(frames: string): void;
  };
}

/** A frame that may go out with its own bytes. */
interface Copy {
  readonly frame: DecodedFrame;
  readonly bytes: string;
}

/** What has left the modifiers at once. */
interface Piece {
  readonly events: readonly AnswerEvent[];
  readonly copy: Copy | undefined;
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
 *
 * Before the first content nothing is encoded: what comes until then is held as it left the modifiers, so that an attempt
 * which fails there can be thrown away, and the encoder has seen nothing of it.
 */
export class AnswerPipe extends AnswerSink implements FrameSink {
  lane: ActiveLane | undefined;
  usage: UsageFold | undefined;
  readonly #options: PipeOptions;
  /** Collects what leaves the modifiers while one frame passes; undefined in between. */
  #left: AnswerEvent[] | undefined;
  #out = '';
  #held: Piece[] = [];
  #heldCharacters = 0;
  #hasContent = false;
  #rangeSource = '';
  #rangeStart = 0;
  #rangeEnd = -1;

  constructor(options: PipeOptions) {
    super(options);
    this.#options = options;
  }

  get hasLeft(): boolean {
    return this.#hasContent;
  }

  frame(event: string, data: string, bytes: string): void {
    const { decoder } = this;
    if (this.ended || decoder === undefined || decoder.terminated) return;
    this.#options.counters.slow += 1;
    const decoded = this.readFrame(decoder, event, data);
    if (decoder.terminated) this.lane = undefined;
    if (decoded.events.length === 0 && decoded.opens === undefined) return;
    this.#passFrame(decoded, data.length, bytes);
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
    if (!this.hasBegun) this.begin();
    const changed = lane.text === undefined ? text : lane.text.push(text);
    if (changed !== text) {
      counters.splice += 1;
      if (changed !== '') {
        this.#open();
        this.#append(encoder.encodeText(lane.blockId, lane.template, escapeJsonText(changed)));
      }
      this.#stopLane(lane);
      return true;
    }
    this.#open();
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
    this.#held = [];
    this.#rangeEnd = -1;
  }

  /** Hands over what the last read made. Called once per read. */
  flush(): void {
    this.#closeRange();
    if (this.#out === '') return;
    const frames = this.#out;
    this.#out = '';
    this.#options.output.write(frames);
  }

  protected writeLate(): void {
    this.flush();
  }

  protected take(event: AnswerEvent): void {
    if (event.type === 'usage') this.usage = mergeUsage(this.usage, event);
    if (isContent(event)) this.#hasContent = true;
    if (this.#left === undefined) this.#write([event], 0);
    else this.#left.push(event);
  }

  protected finish(): void {
    this.#writeLeft(0);
    this.#open();
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

  #passFrame(frame: DecodedFrame, characters: number, bytes: string): void {
    const chain = this.chainFor(frame.events);
    const unread = chain.hasGuard && !frame.transparent;
    const events = unread ? guardedEvents(frame.events) : frame.events;
    const left: AnswerEvent[] = [];
    this.#left = left;
    try {
      this.push(events);
    } catch (error) {
      // What left before the failure belongs to the client.
      this.#writeLeft(characters);
      throw error;
    }
    // The answer has ended meanwhile.
    if (this.#left === undefined) return;
    const { sameDialect } = this.#options;
    const mayCopy = sameDialect && !unread && frame.irregular !== true && !chain.waiting && isUntouched(events, left);
    this.#writeLeft(characters, mayCopy ? { frame, bytes } : undefined);
  }

  /** Writes what has left the modifiers so far, of a frame of so many characters. */
  #writeLeft(characters: number, copy?: Copy): void {
    const events = this.#left ?? [];
    this.#left = undefined;
    this.#write(events, characters, copy);
  }

  /** Encodes it, or holds it where there is no content yet. */
  #write(events: readonly AnswerEvent[], characters: number, copy?: Copy): void {
    if (!this.#hasContent) {
      this.#held.push({ events, copy });
      this.#heldCharacters += characters + eventCharacters * events.length;
      if (this.#heldCharacters > maxHeldCharacters) this.#open();
      return;
    }
    this.#release();
    this.#encode(events, copy);
  }

  #encode(events: readonly AnswerEvent[], copy: Copy | undefined): void {
    const { encoder } = this.#options;
    if (copy !== undefined && encoder.copies(copy.frame)) this.#append(copy.bytes);
    else for (const event of events) this.#append(encoder.encode(event));
  }

  /** Nothing is held any more. */
  #open(): void {
    if (this.#hasContent && this.#held.length === 0) return;
    this.#hasContent = true;
    this.#release();
    if (this.lane !== undefined) this.#checkCopies(this.lane);
  }

  #release(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    for (const { events, copy } of held) this.#encode(events, copy);
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
    this.#checkCopies(lane);
  }

  #checkCopies(lane: ActiveLane): void {
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
