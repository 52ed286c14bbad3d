import { extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { writeUsage } from '../../kernel/dialects/anthropic-messages-usage.ts';
import { mergeUsage, type UsageFold } from '../../kernel/answer.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { EventOfType } from '../../kernel/event.ts';
import { level, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { isOwnAnswer, messageEnd, messageFrame, messageHead, type Meta, type Said } from './message-parts.ts';

/** What is known of the message around its blocks, and what of it has been told. */
export class MessageState {
  started = false;
  /** The reason and the usage have been told, and nothing has come since. */
  endTold = false;
  readonly said: Said = { called: false, refused: false };
  readonly #context: EncodeContext;
  #meta: Meta = {};
  #usage: UsageFold | undefined;
  #finish: EventOfType<'finish'> | undefined;
  /** What the provider said beside the reason and the usage. */
  #endFields: JsonObject | undefined;

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The provider speaks this format. */
  get isOwn(): boolean {
    return isOwnAnswer(this.#meta);
  }

  get provider(): string | undefined {
    return this.#meta.provider;
  }

  /** Something is to be told at the end. */
  get isEnding(): boolean {
    return this.#finish !== undefined || this.#endFields !== undefined;
  }

  takeMeta(event: EventOfType<'response.meta'>): void {
    this.#meta = { ...this.#meta, ...event };
  }

  takeUsage(event: EventOfType<'usage'>): void {
    this.#usage = mergeUsage(this.#usage, event);
    this.keepEnd(extensionOf(event));
  }

  takeFinish(event: EventOfType<'finish'>): void {
    this.#finish = event;
    this.keepEnd(extensionOf(event));
  }

  keepEnd(extension: JsonObject | undefined): void {
    this.endTold = false;
    if (extension === undefined) return;
    const delta = orNothing({ ...level(this.#endFields, 'delta'), ...level(extension, 'delta') });
    this.#endFields = orNothing({ ...this.#endFields, ...extension, ...(delta && { delta }) });
  }

  /** The first frame, once. It tells the usage that is known by now; the last one tells all. */
  start(): string {
    if (this.started) return '';
    this.started = true;
    const { message: _message, ...further } = extensionOf(this.#meta) ?? {};
    const message = { ...messageHead(this.#meta, this.#context, []), usage: this.#startUsage() };
    return messageFrame('message_start', { message, ...further });
  }

  /** The reason and the usage, where there is something of them that has not been told. */
  end(): string {
    if (this.endTold) return '';
    this.endTold = true;
    const { delta: _delta, ...further } = this.#endFields ?? {};
    return messageFrame('message_delta', {
      delta: messageEnd(this.#finish, this.said, this.isOwn, this.#endFields),
      usage: writeUsage(this.#usage, this.isOwn),
      ...further,
    });
  }

  /** Some clients add the output of the start to that of the end, so only what the provider itself said there is told. */
  #startUsage(): JsonObject {
    const usage = writeUsage(this.#usage, this.isOwn);
    if (this.isOwn && this.#finish === undefined) return usage;
    const { output_tokens_details: _details, ...rest } = usage;
    return { ...rest, output_tokens: 0 };
  }
}
