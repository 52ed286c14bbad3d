import { AnswerChain, type ChainOwner } from './answer-chain.ts';
import { mergeUsage, type UsageFold } from './answer.ts';
import type { AnswerDecoder, DecodedFrame, Modifier, StreamEncoder } from './component.ts';
import type { SluiceError } from './errors.ts';
import { isContent, type AnswerEvent, type TextTemplate } from './event.ts';
import { EventOrder } from './event-order.ts';
import type { FrameSink, Lane } from './frame-sink.ts';
import { escapeJsonText, unescapeJsonText } from './json-text.ts';
import type { Run } from './run.ts';
import type { BlockText, Bound } from './text-stage.ts';

/** How many frames went which way, over all runs. The benchmark prints them: a fast way with 0 % does not exist. */
export interface FrameCounters {
  pass: number;
  scan: number;
  splice: number;
  slow: number;
}

/** Where a pipe puts what is ready for the client. */
export interface PipeOutput {
  /** Frames, as latin1. `content` is true from the first content on: then the answer can't be taken back. */
  write(frames: string, content: boolean): void;
  /** The stream is complete. `frames` are its last ones, the terminator among them. */
  complete(frames: string): void;
  pause(paused: boolean): void;
  fail(error: SluiceError): void;
}

export interface PipeOptions {
  readonly run: Run;
  readonly encoder: StreamEncoder;
  /** Frames of the backend may go out as they came: client and backend speak the same dialect. */
  readonly sameDialect: boolean;
  /** The modifiers of this run; asked once, before the first content, with the model that answers. */
  readonly modifiers: (responseModel: string | undefined) => readonly Bound<Modifier>[];
  readonly counters: FrameCounters;
  readonly output: PipeOutput;
}

/** The block whose frames currently take the fast lane. */
interface ActiveLane extends Lane {
  readonly blockId: string;
  readonly template: TextTemplate;
  /** Undefined where no modifier reads the block. */
  readonly text: BlockText | undefined;
}

/**
 * One streamed answer on its way from decoder to client. What one read of the upstream brings passes all stages in one
 * synchronous pass, and `flush` hands the result over as one string.
 *
 * Every frame can take the slow way: decode, modifiers, encode. A frame whose events left the modifiers as they were goes
 * out with its own bytes. Frames that only carry text and look like the one before take the fast lane: their text
 * goes through the same modifiers, but no event is made and no JSON is parsed.
 */
export class AnswerPipe implements FrameSink, ChainOwner {
  lane: ActiveLane | undefined;
  /** Counts pieces of content, so that a timer can tell progress from pings. */
  progress = 0;
  usage: UsageFold | undefined;
  readonly #options: PipeOptions;
  readonly #order = new EventOrder();
  #decoder: AnswerDecoder | undefined;
  #chain: AnswerChain | undefined;
  #left: AnswerEvent[] | undefined;
  #out = '';
  #hasContent = false;
  #rangeSource = '';
  #rangeStart = 0;
  #rangeEnd = -1;
  #ended = false;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  attach(decoder: AnswerDecoder): void {
    this.#decoder = decoder;
  }

  /** What each modifier of the run changed. */
  matches(): ReadonlyMap<string, number | undefined> {
    return this.#chain?.matches() ?? new Map<string, number | undefined>();
  }

  /** True when the provider has said that it is done. */
  get terminated(): boolean {
    return this.#decoder?.terminated === true;
  }

  frame(event: string, data: string, bytes: string): void {
    const decoder = this.#decoder;
    if (this.#ended || decoder === undefined || decoder.terminated) return;
    this.#options.counters.slow += 1;
    const decoded = decoder.frame(event, data);
    this.#passFrame(decoded, bytes);
    this.#learn(decoded);
  }

  textFrame(source: string, start: number, textStart: number, textEnd: number, end: number, plain: boolean): boolean {
    const { lane } = this;
    if (lane === undefined || textStart === textEnd || this.#ended) return false;
    const json = source.slice(textStart, textEnd);
    const text = plain ? json : unescapeJsonText(json);
    if (text === undefined) return false;
    const { counters, sameDialect, encoder } = this.#options;
    this.progress += 1;
    const changed = lane.text === undefined ? text : lane.text.push(text);
    if (changed === '') {
      counters.splice += 1;
      return true;
    }
    this.#hasContent = true;
    if (changed !== text) {
      counters.splice += 1;
      this.#append(encoder.encodeText(lane.blockId, lane.template, escapeJsonText(changed)));
      return true;
    }
    if (lane.text === undefined) counters.pass += 1;
    else counters.scan += 1;
    if (sameDialect) this.#appendRange(source, start, end);
    else this.#append(encoder.encodeText(lane.blockId, lane.template, plain ? json : escapeJsonText(text)));
    return true;
  }

  /** Sends an event that no provider's frame brought: `stream.start`, an early answer, a completing event. */
  push(event: AnswerEvent): void {
    if (this.#ended) return;
    this.#passFrame({ events: [event], transparent: false }, undefined);
  }


  /** The provider's stream ended cleanly. Throws UPSTREAM_TRUNCATED where it was not complete. */
  end(): void {
    if (this.#ended) return;
    const completing = this.#decoder?.end() ?? [];
    this.#passFrame({ events: completing, transparent: true }, undefined);
    this.#passFrame({ events: [{ type: 'stream.end', outcome: 'ok' }], transparent: true }, undefined);
    this.flush();
  }

  /** Nothing more leaves; what is held is dropped. */
  close(): void {
    this.#ended = true;
    this.lane = undefined;
    this.#out = '';
    this.#rangeEnd = -1;
    this.#chain?.close();
  }

  /** Hands over what the last read made. Called once per read. */
  flush(): void {
    this.#closeRange();
    if (this.#out === '') return;
    const frames = this.#out;
    this.#out = '';
    this.#options.output.write(frames, this.#hasContent);
  }

  onPause(paused: boolean): void {
    this.#options.output.pause(paused);
  }

  onResumed(): void {
    this.flush();
  }

  onFailure(error: SluiceError): void {
    this.#options.output.fail(error);
  }

  #passFrame(frame: DecodedFrame, bytes: string | undefined): void {
    const { events } = frame;
    if (events.length === 0 && frame.opens === undefined) return;
    const chain = (this.#chain ??= this.#openChain(events));
    const left: AnswerEvent[] = [];
    this.#left = left;
    for (const event of events) chain.push(event);
    this.#left = undefined;
    const mayCopy = bytes !== undefined && this.#options.sameDialect && (frame.transparent || !chain.hasGuard);
    if (mayCopy && isUntouched(events, left) && this.#options.encoder.copies(frame)) {
      for (const event of left) this.#account(event);
      this.#append(bytes);
      return;
    }
    const strip = chain.hasGuard && !frame.transparent && bytes !== undefined;
    for (const event of left) this.#encode(strip ? withoutUnknown(event) : event);
  }

  #openChain(events: readonly AnswerEvent[]): AnswerChain {
    const meta = events.find((event) => event.type === 'response.meta');
    return new AnswerChain(this.#options.modifiers(meta?.model), this.#options.run, (event) => this.#leave(event), this);
  }

  /** An event has passed all modifiers. */
  #leave(event: AnswerEvent): void {
    this.#order.accept(event);
    if (this.#left === undefined) this.#encode(event);
    else this.#left.push(event);
  }

  #account(event: AnswerEvent): void {
    if (event.type === 'usage') this.usage = mergeUsage(this.usage, event);
    if (!isContent(event)) return;
    this.progress += 1;
    this.#hasContent = true;
  }

  #encode(event: AnswerEvent | undefined): void {
    if (event === undefined) return;
    if (event.type === 'stream.end') {
      this.#append(this.#options.encoder.end());
      const frames = this.#out;
      this.close();
      this.#options.output.complete(frames);
      return;
    }
    this.#account(event);
    this.#append(this.#options.encoder.encode(event));
  }

  /** Lets the frames that follow take the fast lane, where the last one was nothing but text. */
  #learn(frame: DecodedFrame): void {
    const chain = this.#chain;
    const event = frame.events.at(-1);
    const learnable = event?.type === 'text.delta' && event.template !== undefined && (frame.transparent || chain?.hasGuard !== true);
    if (!learnable || chain === undefined || chain.mode === 'events') {
      if (frame.events.some((candidate) => candidate.type === 'block.end')) this.lane = undefined;
      return;
    }
    const { blockId, template } = event;
    if (template === undefined || (this.lane?.template === template && this.lane.blockId === blockId)) return;
    this.lane = { before: template.before, after: template.after, tail: template.tail, blockId, template, text: chain.textStage?.block(blockId) };
  }

  #append(frames: string): void {
    this.#closeRange();
    this.#out += frames;
  }

  /** Untouched frames in a row leave as one slice. */
  #appendRange(source: string, start: number, end: number): void {
    if (this.#rangeEnd === start && this.#rangeSource.length === source.length) {
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

/** Fields that nobody has read could carry what a guard is to hide, so they stay behind. */
function withoutUnknown(event: AnswerEvent): AnswerEvent | undefined {
  if (event.type === 'raw') return undefined;
  if (event.ext === undefined && event.template === undefined) return event;
  const { ext: _unknown, template: _frame, ...known } = event;
  return known as AnswerEvent;
}
