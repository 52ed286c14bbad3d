import { AnswerFold, type UsageFold } from './answer.ts';
import { AnswerSink, type SinkOptions } from './answer-sink.ts';
import type { EncodeContext, Encoder } from './component.ts';
import type { AnswerEvent } from './event.ts';
import type { FrameSink } from './frame-sink.ts';

export interface BodyOptions extends SinkOptions {
  readonly encoder: Encoder;
  readonly context: EncodeContext;
  readonly output: SinkOptions['output'] & {
    /** The answer is complete; `body` is the JSON document. */
    json(body: string): void;
  };
}

/**
 * One answer for a client that wants it in one piece. It takes frames as well as a whole body, because a provider
 * may stream or not whatever it was asked. A body that no modifier changed goes out with its own bytes.
 */
export class AnswerBody extends AnswerSink implements FrameSink {
  readonly lane = undefined;
  readonly #options: BodyOptions;
  readonly #fold = new AnswerFold();
  #left: AnswerEvent[] = [];
  #given: readonly AnswerEvent[] = [];
  #original: string | undefined;

  constructor(options: BodyOptions) {
    super(options);
    this.#options = options;
  }

  get usage(): UsageFold | undefined {
    return this.#fold.answer.usage;
  }

  /** The document leaves whole or not at all. */
  get hasLeft(): boolean {
    return this.ended;
  }

  frame(event: string, data: string): void {
    const { decoder } = this;
    if (this.ended || decoder === undefined || decoder.terminated) return;
    const { events, transparent } = this.readFrame(decoder, event, data);
    if (transparent) this.push(events);
    else this.pushUnread(events);
  }

  textFrame(): boolean {
    return false;
  }

  override takeBody(body: string, decode: (body: string) => readonly AnswerEvent[]): void {
    super.takeBody(body, (text) => {
      this.#original = text;
      this.#given = decode(text);
      return this.#given;
    });
  }

  protected writeLate(): void {
    // Nothing is written before the end.
  }

  protected take(event: AnswerEvent): void {
    this.#left.push(event);
    this.#fold.push(event);
  }

  protected finish(): void {
    const { encoder, context, output, sameDialect } = this.#options;
    this.ended = true;
    const left = this.#left;
    const untouched = left.length === this.#given.length && left.every((event, index) => event === this.#given[index]);
    const copies = untouched && sameDialect && encoder.repeatsRequest !== true;
    if (copies && this.#original !== undefined) output.json(this.#original);
    else output.json(JSON.stringify(encoder.encodeAnswer(this.#fold.answer, context)));
  }
}
