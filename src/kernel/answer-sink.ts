import { AnswerChain, type ChainOwner } from './answer-chain.ts';
import type { EarlyEnd } from './answer-ends.ts';
import type { Bound } from './bound-modifier.ts';
import type { AnswerDecoder, AnswerOutcome, DecodedFrame } from './component.ts';
import type { Modifier } from './modifier.ts';
import { SluiceError } from './errors.ts';
import { EventOrder } from './event-order.ts';
import { isContent, type AnswerEvent } from './event.ts';
import { guardedEvents } from './guarded-events.ts';
import type { Run } from './run.ts';
import type { TextStage } from './text-stage.ts';

export interface SinkOptions {
  readonly run: Run;
  /** How many answers the client asked for. */
  readonly choices: number;
  /** Client and backend speak the same dialect, so bytes of the backend may go out as they came. */
  readonly sameDialect: boolean;
  /** The modifiers of this run; asked once, before the first content, with the model that answers. */
  readonly modifiers: (responseModel: string | undefined) => readonly Bound<Modifier>[];
  readonly output: {
    pause(paused: boolean): void;
    fail(error: SluiceError): void;
    /** The provider has sent its first content, or has ended without any: it takes the request. Called once at most. */
    began(): void;
    /** The answer has been ended before its provider did, and its last events follow: nothing more is to be read. */
    ended(): void;
  };
}

/**
 * What the two ways of an answer have in common, as a stream (`AnswerPipe`) and in one piece (`AnswerBody`): the decoder,
 * the chain of modifiers, the order of what leaves it, and the two ends.
 */
export abstract class AnswerSink implements ChainOwner {
  /** Counts pieces of content, so that a timer can tell progress from pings. */
  progress = 0;
  /** How the answer was complete, when it is. */
  outcome: AnswerOutcome = 'ok';
  protected readonly sink: SinkOptions;
  protected decoder: AnswerDecoder | undefined;
  protected ended = false;
  protected hasBegun = false;
  /** `stream.end` has been given to the chain. */
  #ending = false;
  /** What the decoder has thrown. */
  #failure: unknown;
  readonly #order = new EventOrder();
  #chain: AnswerChain | undefined;
  #matches: ReadonlyMap<string, number | undefined> | undefined;

  constructor(options: SinkOptions) {
    this.sink = options;
  }

  /** An event has passed all modifiers and keeps the order. */
  protected abstract take(event: AnswerEvent): void;
  /** `stream.end` has passed all modifiers: the answer is complete. */
  protected abstract finish(): void;
  /** Writes what has left outside of a `push`, or before a failure. */
  protected abstract writeLate(): void;

  /** True where a part of the answer is on its way to the client: then it can't be taken back. */
  abstract get hasLeft(): boolean;

  attach(decoder: AnswerDecoder): void {
    this.decoder = decoder;
  }

  /** True when the provider has said that it is done. */
  get terminated(): boolean {
    return this.decoder?.terminated === true;
  }

  /** The format has a terminator, and it did not come. */
  get lacksTerminator(): boolean {
    return this.decoder !== undefined && !this.decoder.terminated && this.decoder.endsWithConnection !== true;
  }

  /** What each modifier of the run changed. Throws MODIFIER_FAILED where a count can't be read, but not of a complete answer. */
  matches(): ReadonlyMap<string, number | undefined> {
    return this.#matches ?? this.#chain?.matches() ?? new Map<string, number | undefined>();
  }

  /** What modifiers have ended before the provider did. */
  get earlyEnds(): readonly EarlyEnd[] {
    return this.#chain?.earlyEnds ?? [];
  }

  /** Sends events through the modifiers that no frame of the provider brought: an early answer, completing events. */
  push(events: readonly AnswerEvent[]): void {
    if (this.ended || events.length === 0) return;
    if (!this.hasBegun && events.some(isBeginning)) this.begin();
    const chain = this.chainFor(events);
    for (const event of events) chain.push(event);
    this.#ending ||= events.at(-1)?.type === 'stream.end';
    this.#requireEnd();
  }

  /** The same for events of the provider, of whose source not everything was read. */
  pushUnread(events: readonly AnswerEvent[]): void {
    if (this.ended || events.length === 0) return;
    this.push(this.chainFor(events).hasGuard ? guardedEvents(events) : events);
  }

  /** Takes an answer that came as one document. */
  takeBody(body: string, decode: (body: string) => readonly AnswerEvent[]): void {
    let events: readonly AnswerEvent[];
    try {
      events = decode(body);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.pushUnread(events);
    this.push([{ type: 'stream.end', outcome: 'ok' }]);
  }

  /** True, once, for the failure that the provider itself has told or has sent: a step that fails is not the provider. */
  isFailure(error: unknown): boolean {
    const isOwn = this.#failure !== undefined && error === this.#failure;
    this.#failure = undefined;
    return isOwn;
  }

  /** The provider's stream ended cleanly. Throws UPSTREAM_TRUNCATED where it was not complete. */
  end(): void {
    if (this.ended || this.#ending) return;
    try {
      this.push(this.decoder?.end() ?? []);
      this.push([{ type: 'stream.end', outcome: 'ok' }]);
    } catch (error) {
      // What left before the failure belongs to the client.
      this.writeLate();
      throw error;
    }
  }

  /** The stream failed after something had left: what is held leaves as it is decided now. Never throws. */
  fail(): void {
    if (this.ended || this.#chain === undefined) return;
    try {
      this.#chain.fail();
      this.writeLate();
    } catch {
      // It fails anyway, and a modifier that fails lets nothing go.
    }
  }

  /** Nothing more leaves; what is held is dropped. */
  close(): void {
    this.ended = true;
    this.#chain?.close();
  }

  get choices(): number {
    return this.sink.choices;
  }

  onEnded(): void {
    this.#ending = true;
    this.sink.output.ended();
  }

  onPause(paused: boolean): void {
    this.sink.output.pause(paused);
  }

  onResumed(): void {
    this.writeLate();
    this.#requireEnd();
  }

  onFailure(error: SluiceError): void {
    this.writeLate();
    this.sink.output.fail(error);
  }

  protected begin(): void {
    this.hasBegun = true;
    this.sink.output.began();
  }

  protected readFrame(decoder: AnswerDecoder, event: string, data: string): DecodedFrame {
    try {
      return decoder.frame(event, data);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  protected get textStage(): TextStage | undefined {
    return this.#chain?.textStage;
  }

  protected chainFor(events: readonly AnswerEvent[]): AnswerChain {
    if (this.#chain !== undefined) return this.#chain;
    const meta = events.find((event) => event.type === 'response.meta');
    this.#chain = new AnswerChain(this.sink.modifiers(meta?.model), this.sink.run, (event) => this.#leave(event), this);
    return this.#chain;
  }

  /** Nothing comes after `stream.end`, so a component that has kept it would keep the client waiting for ever. */
  #requireEnd(): void {
    if (!this.#ending || this.ended || this.#chain?.waiting === true) return;
    throw new SluiceError('EVENT_ORDER', { details: { reason: 'stream.end was kept back' } });
  }

  /** A modifier has blocked the answer, by way of the chain. */
  get #isBlocked(): boolean {
    return this.earlyEnds.some(({ ending }) => ending.reason === 'content_filter');
  }

  #leave(event: AnswerEvent): void {
    if (this.ended) return;
    this.#order.accept(event);
    switch (event.type) {
      case 'stream.start':
        throw new SluiceError('EVENT_ORDER', { details: { reason: 'stream.start belongs to the engine' } });
      case 'error':
        throw new SluiceError('MODIFIER_FAILED', {
          context: { reason: `a component ended the stream with ${event.code}` },
        });
      case 'stream.end':
        if (event.outcome !== 'ok' && !(event.outcome === 'blocked' && this.#isBlocked))
          throw new SluiceError('MODIFIER_FAILED', {
            context: { reason: `a component ended the stream as ${event.outcome}` },
          });
        // A count that can't be read fails the run: nothing has said yet that the answer is complete.
        this.#matches = this.matches();
        // A step may have made the answer, or have taken its end away; clients wait for one.
        for (const finish of this.#order.missingFinishes) this.take(finish);
        this.outcome = event.outcome;
        this.finish();
        return;
      default:
        if (isContent(event)) this.progress += 1;
        this.take(event);
    }
  }
}

/** From here on the provider answers; an end without any content is an answer too. */
function isBeginning(event: AnswerEvent): boolean {
  return isContent(event) || event.type === 'stream.end';
}
