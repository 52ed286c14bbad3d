import { isCallKind } from '../../kernel/block-channel.ts';
import type { AnswerEvent, BlockKind } from '../../kernel/event.ts';
import { filledString, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';
import { extended, type BlockHost, type FrameFields } from './block-host.ts';
import { argumentsOfItem, isClientCall, kindOfItem, nameOfItem, repeats } from './item-shape.ts';

/** Characters of arguments that are kept while the name of their tool has not come. */
const maxArgumentsBeforeName = 65_536;

/** An item without parts of text: a call, its result, a picture, or what is not known here. It is one block. */
export class CallItem {
  readonly type: string;
  readonly id: string | undefined;
  readonly outputIndex: number | undefined;
  done = false;
  blockId: string | undefined;
  readonly kind: BlockKind;
  readonly #host: BlockHost;
  readonly #added: JsonObject | undefined;
  #waiting = '';
  #length = 0;
  #isClientCall: boolean;

  /** `added` is false for an item that is known from its pieces only. */
  constructor(host: BlockHost, item: JsonObject, outputIndex: number | undefined, added = true) {
    this.#host = host;
    this.type = filledString(item['type']) ?? 'unknown';
    this.id = filledString(item['id']);
    this.outputIndex = outputIndex;
    this.kind = kindOfItem(this.type);
    this.#added = added ? item : undefined;
    this.#isClientCall = isClientCall(item);
  }

  /** True where the client has to act. */
  get calls(): boolean {
    return this.#isClientCall;
  }

  /** Opens the block. A function whose name is not known yet waits for it. */
  start(item: JsonObject, frame: FrameFields, events: AnswerEvent[], mustOpen = false): void {
    if (this.blockId !== undefined) return;
    const name = nameOfItem(item, this.kind);
    const isNamed = this.kind !== 'tool_call' && this.kind !== 'custom_tool_call';
    if (name === undefined && !isNamed && !mustOpen) return;
    this.#isClientCall ||= isClientCall(item);
    const itemId = this.id ?? filledString(item['id']);
    const callId = filledString(item['call_id']) ?? itemId;
    this.blockId = this.#host.open(
      {
        kind: this.kind,
        ...(this.outputIndex !== undefined && { nativeIndex: this.outputIndex }),
        ...(name !== undefined && { name }),
        ...(callId !== undefined && this.kind !== 'unknown' && this.kind !== 'compaction' && { callId }),
        ...(itemId !== undefined && { itemId }),
        ...((this.kind === 'server_tool_call' || this.kind === 'image') &&
          !this.#isClientCall && { providerExecuted: true }),
        initial: this.#added ?? item,
        ...extended({ ...(this.#host.own && frame) }),
      },
      events,
    );
    this.#push(this.#waiting, {}, events);
    this.#waiting = '';
  }

  /** A fragment of the arguments. */
  arguments(fragment: string, extension: JsonObject, events: AnswerEvent[]): void {
    if (this.done) return;
    if (this.blockId !== undefined) {
      this.#push(fragment, extension, events);
      return;
    }
    this.#waiting += fragment;
    if (this.#waiting.length > maxArgumentsBeforeName) throw badFrame('a tool call without a name');
  }

  /** The whole arguments: they are given out where no fragment came before. */
  argumentsDone(whole: unknown, events: AnswerEvent[]): void {
    if (typeof whole !== 'string' || this.done || this.#length + this.#waiting.length > 0) return;
    this.arguments(whole, {}, events);
  }

  /** A picture, or a preview of it. */
  media(
    base64: string,
    format: unknown,
    preview: number | undefined,
    extension: JsonObject,
    events: AnswerEvent[],
  ): void {
    if (this.blockId === undefined || this.done) return;
    events.push({
      type: 'media.delta',
      blockId: this.blockId,
      mediaType: `image/${filledString(format) ?? 'png'}`,
      base64,
      ...(preview !== undefined && { partialImageIndex: preview }),
      ...extended(extension),
    });
  }

  /** Ends the item. `item` is its whole, where the provider said it. */
  end(item: JsonObject | undefined, cut: boolean, frame: FrameFields, events: AnswerEvent[]): void {
    if (this.done) return;
    const whole = item ?? this.#added ?? {};
    this.start(whole, frame, events, true);
    if (this.blockId === undefined) return;
    if (isCallKind(this.kind)) this.argumentsDone(argumentsOfItem(whole), events);
    const { result, ...rest } = whole;
    const isImage = this.kind === 'image';
    if (isImage && filledString(result) !== undefined)
      this.media(String(result), whole['output_format'], undefined, {}, events);
    this.done = true;
    const final = item === undefined || repeats(this.#added ?? item, item) ? undefined : isImage ? rest : item;
    events.push({
      type: 'block.end',
      blockId: this.blockId,
      ...(final !== undefined && { final }),
      ...((cut || whole['status'] === 'incomplete') && { incomplete: true }),
      ...extended({ ...(this.#host.own && item !== undefined && frame) }),
    });
  }

  #push(json: string, extension: JsonObject, events: AnswerEvent[]): void {
    if (json === '' || this.blockId === undefined) return;
    this.#length += json.length;
    events.push({ type: 'toolArgs.delta', blockId: this.blockId, json, ...extended(extension) });
  }
}
