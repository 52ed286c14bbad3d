import { AnswerChain, type ChainOwner } from './answer-chain.ts';
import { AnswerFold, type UsageFold } from './answer.ts';
import type { AnswerDecoder, EncodeContext, Encoder, Modifier } from './component.ts';
import type { SluiceError } from './errors.ts';
import { EventOrder } from './event-order.ts';
import { isContent, type AnswerEvent } from './event.ts';
import type { FrameSink } from './frame-sink.ts';
import type { Run } from './run.ts';
import type { Bound } from './text-stage.ts';

export interface BodyOutput {
  /** The answer is complete; `body` is the JSON document. */
  json(body: string): void;
  pause(paused: boolean): void;
  fail(error: SluiceError): void;
}

export interface BodyOptions {
  readonly run: Run;
  readonly encoder: Encoder;
  readonly context: EncodeContext;
  readonly sameDialect: boolean;
  readonly modifiers: (responseModel: string | undefined) => readonly Bound<Modifier>[];
  readonly output: BodyOutput;
}

/**
 * One answer for a client that wants it in one piece. It takes frames as well as a whole body, because a provider
 * may stream or not whatever it was asked. A body that no modifier changed goes out with its own bytes.
 */
export class AnswerBody implements FrameSink, ChainOwner {
  readonly lane = undefined;
  progress = 0;
  readonly #options: BodyOptions;
  readonly #order = new EventOrder();
  readonly #fold = new AnswerFold();
  #chain: AnswerChain | undefined;
  #decoder: AnswerDecoder | undefined;
  #left: AnswerEvent[] = [];
  #given: AnswerEvent[] = [];
  #original: string | undefined;
  #ended = false;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  attach(decoder: AnswerDecoder): void {
    this.#decoder = decoder;
  }

  /** What each modifier of the run changed. */
  matches(): ReadonlyMap<string, number | undefined> {
    return this.#chain?.matches() ?? new Map<string, number | undefined>();
  }

  get terminated(): boolean {
    return this.#decoder?.terminated === true;
  }

  get usage(): UsageFold | undefined {
    return this.#fold.answer.usage;
  }

  frame(event: string, data: string): void {
    if (this.#ended || this.#decoder === undefined || this.#decoder.terminated) return;
    const decoded = this.#decoder.frame(event, data);
    for (const answerEvent of decoded.events) this.push(answerEvent);
  }

  textFrame(): boolean {
    return false;
  }

  push(event: AnswerEvent): void {
    if (this.#ended) return;
    if (this.#chain === undefined) {
      const model = event.type === 'response.meta' ? event.model : undefined;
      this.#chain = new AnswerChain(this.#options.modifiers(model), this.#options.run, (left) => this.#leave(left), this);
    }
    this.#given.push(event);
    this.#chain.push(event);
  }

  /** The provider's stream ended cleanly. Throws UPSTREAM_TRUNCATED where it was not complete. */
  end(): void {
    for (const event of this.#decoder?.end() ?? []) this.push(event);
    this.push({ type: 'stream.end', outcome: 'ok' });
  }

  /** Takes the events of a whole body. */
  complete(events: readonly AnswerEvent[], original: string | undefined): void {
    this.#original = original;
    for (const event of events) this.push(event);
    this.push({ type: 'stream.end', outcome: 'ok' });
  }

  close(): void {
    this.#ended = true;
    this.#chain?.close();
  }

  onPause(paused: boolean): void {
    this.#options.output.pause(paused);
  }

  onResumed(): void {}

  onFailure(error: SluiceError): void {
    this.#options.output.fail(error);
  }

  #leave(event: AnswerEvent): void {
    this.#order.accept(event);
    if (event.type === 'stream.end') {
      this.#finish();
      return;
    }
    if (isContent(event)) this.progress += 1;
    this.#left.push(event);
  }

  #finish(): void {
    const { encoder, context, sameDialect, output } = this.#options;
    this.#ended = true;
    const given = this.#given.filter((event) => event.type !== 'stream.end');
    const untouched = given.length === this.#left.length && given.every((event, index) => event === this.#left[index]);
    const guarded = this.#chain?.hasGuard === true;
    for (const event of this.#left) this.#fold.push(guarded ? withoutExtension(event) : event);
    if (untouched && sameDialect && this.#original !== undefined && !guarded) {
      output.json(this.#original);
      return;
    }
    output.json(JSON.stringify(encoder.encodeAnswer(this.#fold.answer, context)));
  }
}

/** Fields that nobody has read could carry what a guard is to hide, so they stay behind. */
function withoutExtension(event: AnswerEvent): AnswerEvent {
  if (event.ext === undefined) return event;
  const { ext: _unknown, ...known } = event;
  return known as AnswerEvent;
}
