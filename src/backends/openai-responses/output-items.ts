import type { AnswerEvent } from '../../kernel/event.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';
import type { BlockHost, FrameFields } from './block-host.ts';
import { CallItem } from './call-item.ts';
import { isIndex } from './item-shape.ts';
import { TextItem } from './text-item.ts';

/** Items of one answer. Far above what a model makes. */
const maxItems = 4_096;

type OutputItem = TextItem | CallItem;

/**
 * The items of one answer. A frame names its item by index and by id, and servers get either wrong: one index for all
 * items, no ids, other ids in later frames.
 */
export class OutputItems {
  readonly #host: BlockHost;
  readonly #items: OutputItem[] = [];
  readonly #byIndex = new Map<number, OutputItem>();
  readonly #byId = new Map<string, OutputItem>();

  constructor(host: BlockHost) {
    this.#host = host;
  }

  get all(): readonly OutputItem[] {
    return this.#items;
  }

  /** The item that a frame belongs to, or undefined where it was not added. */
  find(id: unknown, index: unknown): OutputItem | undefined {
    const named = typeof id === 'string' && id !== '' ? this.#byId.get(id) : undefined;
    return named ?? (isIndex(index) ? this.#byIndex.get(index) : undefined);
  }

  /** The item of a frame that only an item of this type can have; made where none is open. */
  use(type: string, { item_id: id, output_index: index }: JsonObject): OutputItem {
    const found = this.find(id, index);
    if (found?.type === type) return found;
    return this.#items.findLast((item) => item.type === type && !item.done) ?? this.make({ type, id }, index, false);
  }

  /** Takes in an item that a frame adds. Adding it again changes nothing. */
  add(item: JsonObject, index: unknown, frame: FrameFields, events: AnswerEvent[]): void {
    const id = filledString(item['id']);
    if (id !== undefined && this.#byId.has(id)) return;
    const added = this.make(item, index, true);
    if (added instanceof CallItem) added.start(item, frame, events);
  }

  /** An item that was added, or that is known from its pieces only. */
  make(item: JsonObject, index: unknown, added: boolean): OutputItem {
    if (this.#items.length >= maxItems) throw badFrame(`more than ${maxItems} items in one answer`);
    const { type } = item;
    const outputIndex = isIndex(index) ? index : undefined;
    const made =
      type === 'message' || type === 'reasoning'
        ? new TextItem(this.#host, item, outputIndex)
        : new CallItem(this.#host, item, outputIndex, added);
    this.#items.push(made);
    if (outputIndex !== undefined) this.#byIndex.set(outputIndex, made);
    if (made.id !== undefined) this.#byId.set(made.id, made);
    return made;
  }

  /** Ends an item with its whole. */
  complete(item: JsonObject, index: unknown, frame: FrameFields, events: AnswerEvent[]): void {
    const known = this.find(item['id'], index);
    const isKnown = known !== undefined && known.type === typeOf(item);
    (isKnown ? known : this.make(item, index, true)).end(item, false, frame, events);
  }

  /**
   * Takes in the items of a complete response that did not come in frames, and ends all. Ids and indexes may be others
   * here, so the items of one type are counted.
   */
  finish(output: unknown, cut: boolean, events: AnswerEvent[]): void {
    const seen = new Map<string, OutputItem[]>();
    for (const item of this.#items) seen.set(item.type, [...(seen.get(item.type) ?? []), item]);
    const whole: readonly unknown[] = Array.isArray(output) ? output : [];
    for (const [index, item] of whole.entries()) {
      if (!isObject(item)) continue;
      const known = seen.get(typeOf(item))?.shift() ?? this.make(item, index, true);
      known.end(item, false, {}, events);
    }
    for (const item of this.#items) item.end(undefined, cut, {}, events);
  }
}

function typeOf(item: JsonObject): string {
  return filledString(item['type']) ?? 'unknown';
}
