import { escapeJsonText } from '../../kernel/json/json-text.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { EventWriter } from './event-writer.ts';
import {
  grownText,
  inputFormOf,
  partForms,
  writeItem,
  writePart,
  type OutputItem,
  type OutputPart,
  type PartType,
} from './output-item.ts';

const idPrefixes = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  custom_tool_call: 'ctc',
  whole: 'item',
} as const;

/** What a new item is made of. */
export interface NewItem {
  readonly type: OutputItem['type'];
  /** Id and index that a provider of this format gave it. */
  readonly nativeId?: string | undefined;
  readonly nativeIndex?: number | undefined;
  readonly further?: JsonObject;
  readonly name?: string;
  readonly callId?: string | undefined;
}

/**
 * The items of one response and their events. Items may be open side by side: each has its own index, and clients put
 * the pieces together by it. An item is done when another one begins or the answer ends, so that what cut it short is
 * known by then. Every method returns the frames that it makes.
 */
export class OutputList {
  readonly #writer: EventWriter;
  readonly #runId: string;
  readonly #items: OutputItem[] = [];
  readonly #ids = new Set<string>();
  readonly #callIds = new Set<string>();
  /** Items that are not done: few, while the list may be long. */
  readonly #pending = new Set<OutputItem>();

  constructor(writer: EventWriter, runId: string) {
    this.#writer = writer;
    this.#runId = runId;
  }

  get hasRefusal(): boolean {
    return this.#items.some(({ parts }) => parts.some(({ type }) => type === 'refusal'));
  }

  /** A new item, not yet announced. Ids are never empty and never used twice, whatever providers send. */
  create({ type, nativeId, nativeIndex, further = {}, name = '', callId }: NewItem): OutputItem {
    const index = this.#items.length;
    const item: OutputItem = {
      id: unused(this.#ids, nativeId, `${prefixOf(type, further)}_${this.#runId}_${index}`),
      index,
      type,
      nativeId,
      nativeIndex,
      further,
      name,
      callId:
        type === 'function_call' || type === 'custom_tool_call'
          ? unused(this.#callIds, callId, `call_${this.#runId}_${index}`)
          : '',
      parts: [],
      partCounts: { content_index: 0, summary_index: 0 },
      input: { json: '', frame: undefined },
      signature: undefined,
      openBlocks: 0,
      incomplete: false,
      done: false,
    };
    this.#items.push(item);
    this.#pending.add(item);
    return item;
  }

  /** The item that a block of the same kind may still join. */
  joinable(type: 'message' | 'reasoning', nativeId: string | undefined): OutputItem | undefined {
    const last = this.#items.at(-1);
    return last !== undefined && !last.done && last.type === type && last.nativeId === nativeId ? last : undefined;
  }

  /** The item that a provider of this format means. */
  find(nativeId: unknown, nativeIndex: unknown): OutputItem | undefined {
    return this.#items.findLast((item) =>
      typeof nativeId === 'string' ? item.nativeId === nativeId : item.nativeIndex === nativeIndex,
    );
  }

  announce(item: OutputItem): string {
    return this.#writer.event('response.output_item.added', {
      output_index: item.index,
      item: writeItem(item, 'in_progress'),
    });
  }

  /** Ends the items that nothing is open in, but `except`. `cut` says that the last one was cut short. */
  settle(except?: OutputItem, cut = false): string {
    let frames = '';
    for (const item of this.#pending) {
      if (item === except || item.openBlocks > 0) continue;
      item.incomplete ||= cut && item.index === this.#items.length - 1;
      item.done = true;
      this.#pending.delete(item);
      frames += this.#writer.event('response.output_item.done', {
        output_index: item.index,
        item: writeItem(item, item.incomplete ? 'incomplete' : 'completed'),
      });
    }
    return frames;
  }

  /** All items, for the response. What is not done counts as incomplete. */
  output(): readonly JsonObject[] {
    return this.#items.map((item) => writeItem(item, item.done && !item.incomplete ? 'completed' : 'incomplete'));
  }

  // ---- parts ----

  /** A new part, not yet announced: reasoning may have no text at all. */
  createPart(type: PartType, further: JsonObject): OutputPart {
    return { type, index: -1, further, annotations: [], logprobs: [], json: '', frame: undefined, added: false };
  }

  announcePart(item: OutputItem, part: OutputPart): string {
    if (part.added) return '';
    const { indexField } = partForms[part.type];
    part.index = item.partCounts[indexField];
    item.partCounts[indexField] += 1;
    part.added = true;
    item.parts.push(part);
    return this.#writer.event(`${partForms[part.type].part}.added`, {
      ...partAddress(item, part),
      part: writePart(part),
    });
  }

  /** A piece of text, as it stands in a frame. */
  text(item: OutputItem, part: OutputPart, json: string, logprobs: readonly unknown[], further: JsonObject): string {
    const announced = this.announcePart(item, part);
    this.addLogprobs(part, logprobs);
    const rest = part.type === 'output_text' ? { logprobs, ...further } : further;
    const address = (): JsonObject => partAddress(item, part);
    return announced + this.#writer.delta(`${partForms[part.type].text}.delta`, part, json, address, rest);
  }

  /** One by one: a document may have more of them than a call can have arguments. */
  addLogprobs(part: OutputPart, logprobs: readonly unknown[]): void {
    for (const entry of logprobs) part.logprobs.push(entry);
  }

  annotation(item: OutputItem, part: OutputPart, annotation: unknown): string {
    const announced = this.announcePart(item, part);
    part.annotations.push(annotation);
    return (
      announced +
      this.#writer.event('response.output_text.annotation.added', {
        ...partAddress(item, part),
        annotation_index: part.annotations.length - 1,
        annotation,
      })
    );
  }

  /** A picture as it looks so far. */
  preview(item: OutputItem, preview: number, base64: string, further: JsonObject): string {
    return this.#writer.event('response.image_generation_call.partial_image', {
      item_id: item.id,
      output_index: item.index,
      partial_image_index: preview,
      partial_image_b64: base64,
      ...further,
    });
  }

  endPart(item: OutputItem, part: OutputPart): string {
    if (!part.added) return '';
    const { text, part: name, textField } = partForms[part.type];
    return (
      this.#writer.event(`${text}.done`, {
        ...partAddress(item, part),
        [textField]: grownText(part),
        ...(part.type === 'output_text' && { logprobs: part.logprobs }),
      }) + this.#writer.event(`${name}.done`, { ...partAddress(item, part), part: writePart(part) })
    );
  }

  // ---- arguments ----

  /** A piece of the arguments of a call; nothing for an item that has none. */
  input(item: OutputItem, text: string, further: JsonObject): string {
    const form = inputFormOf(item);
    if (form === undefined || text === '') return '';
    const address = (): JsonObject => ({ item_id: item.id, output_index: item.index });
    return this.#writer.delta(`${form.events}.delta`, item.input, escapeJsonText(text), address, further);
  }

  endInput(item: OutputItem): string {
    const form = inputFormOf(item);
    if (form === undefined || (item.type === 'whole' && item.input.json === '')) return '';
    return this.#writer.event(`${form.events}.done`, {
      item_id: item.id,
      output_index: item.index,
      ...(item.type === 'function_call' && { name: item.name }),
      [form.field]: grownText(item.input),
    });
  }
}

function prefixOf(type: OutputItem['type'], further: JsonObject): string {
  return further['type'] === 'image_generation_call' ? 'ig' : idPrefixes[type];
}

function partAddress(item: OutputItem, part: OutputPart): JsonObject {
  return { item_id: item.id, output_index: item.index, [partForms[part.type].indexField]: part.index };
}

/** `wanted` where it can be used, else `fallback`, which holds the number of the item. */
function unused(taken: Set<string>, wanted: string | undefined, fallback: string): string {
  let id = wanted === undefined || wanted === '' ? fallback : wanted;
  for (let count = 2; taken.has(id); count += 1)
    id = `${wanted === undefined || wanted === '' ? fallback : wanted}_${count}`;
  taken.add(id);
  return id;
}
