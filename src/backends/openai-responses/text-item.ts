import type { AnswerEvent, BlockKind } from '../../kernel/event.ts';
import { filledString, isObject, otherFields, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import { extended, type BlockHost, type FrameFields } from './block-host.ts';
import { readAnnotation } from './item-shape.ts';

/** Where a piece of text belongs within its item. */
export interface PartPlace {
  readonly kind: BlockKind;
  /** `content_index` or `summary_index`. */
  readonly index: number;
}

interface Part extends PartPlace {
  readonly blockId: string;
  open: boolean;
  /** The text that was given out. */
  said: string;
  annotations: number;
}

const messageFields = new Set(['id', 'type', 'role', 'content', 'status']);
const reasoningFields = new Set(['id', 'type', 'summary', 'content', 'encrypted_content', 'status']);
const partFields = new Set(['type', 'text', 'refusal', 'annotations', 'logprobs']);

/** The kind of block that a part is; undefined for one that is no text. */
export function kindOfPart(type: unknown): BlockKind | undefined {
  switch (type) {
    case 'output_text':
    case 'text':
      return 'text';
    case 'refusal':
      return 'refusal';
    case 'reasoning_text':
      return 'reasoning';
    case 'summary_text':
      return 'reasoning_summary';
    default:
      return undefined;
  }
}

/** The text of a part that is said as a whole. */
function textOfPart(part: JsonObject): string {
  const { text, refusal } = part;
  return filledString(text) ?? filledString(refusal) ?? '';
}

/**
 * A message or a reasoning item: its parts become blocks one after the other. A block ends when the next one begins, the
 * last one with its item, because what belongs to it may come that late: citations, the proof of the reasoning.
 */
export class TextItem {
  readonly type: 'message' | 'reasoning';
  readonly id: string | undefined;
  readonly outputIndex: number | undefined;
  done = false;
  readonly #host: BlockHost;
  readonly #added: JsonObject;
  readonly #parts: Part[] = [];
  #open: Part | undefined;

  constructor(host: BlockHost, item: JsonObject, outputIndex: number | undefined) {
    this.#host = host;
    this.type = item['type'] === 'reasoning' ? 'reasoning' : 'message';
    this.id = filledString(item['id']);
    this.outputIndex = outputIndex;
    this.#added = this.#otherFields(item);
  }

  get refused(): boolean {
    return this.#parts.some(({ kind }) => kind === 'refusal');
  }

  /** Opens the block of a part, where it is not open. `part` is the part as its frame has it. */
  use(place: PartPlace, part: JsonObject, frame: FrameFields, events: AnswerEvent[]): Part {
    const open = this.#open;
    if (open !== undefined && open.kind === place.kind && open.index === place.index) return open;
    const before = this.#parts.find(({ kind, index }) => kind === place.kind && index === place.index);
    this.#closeOpen({}, events);
    const blockId = this.#host.open(
      {
        kind: place.kind,
        index: place.index,
        ...(this.outputIndex !== undefined && { nativeIndex: this.outputIndex }),
        ...(this.id !== undefined && { itemId: this.id }),
        ...extended(this.#startFields(part, frame)),
      },
      events,
    );
    const opened: Part = { annotations: 0, said: '', ...before, ...place, blockId, open: true };
    if (before === undefined) this.#parts.push(opened);
    else this.#parts[this.#parts.indexOf(before)] = opened;
    this.#open = opened;
    return opened;
  }

  /** A piece of text. `extension` is what the frame says that its block does not. */
  text(
    place: PartPlace,
    text: string,
    logprobs: unknown,
    extension: JsonObject,
    frame: FrameFields,
    events: AnswerEvent[],
  ): void {
    if (text === '') return;
    const part = this.use(place, {}, frame, events);
    part.said += text;
    events.push({
      type: 'text.delta',
      blockId: part.blockId,
      role: 'assistant',
      text,
      ...(Array.isArray(logprobs) && logprobs.length > 0 && { logprobs: logprobs as unknown[] }),
      ...extended(extension),
    });
  }

  /** The whole of a part: gives out what did not come in pieces, be it all or the end. */
  partDone(place: PartPlace, part: JsonObject, frame: FrameFields, events: AnswerEvent[]): void {
    const known = this.#find(place);
    const whole = textOfPart(part);
    const said = known?.said ?? '';
    if (known === undefined || (whole.length > said.length && whole.startsWith(said))) {
      this.use(place, part, frame, events);
      this.text(place, whole.slice(said.length), said === '' ? part['logprobs'] : undefined, {}, frame, events);
    }
    this.#missedAnnotations(place, part['annotations'], events);
  }

  /** Returns false where the block of the citation has ended. */
  annotate(
    place: PartPlace,
    annotation: unknown,
    extension: JsonObject,
    frame: FrameFields,
    events: AnswerEvent[],
  ): boolean {
    const part = this.#find(place) ?? this.use(place, {}, frame, events);
    if (!part.open) return false;
    part.annotations += 1;
    events.push({ ...readAnnotation(part.blockId, annotation), ...extended(extension) });
    return true;
  }

  /** Ends the item. `item` is its whole, where the provider said it. */
  end(item: JsonObject | undefined, cut: boolean, frame: FrameFields, events: AnswerEvent[]): void {
    if (this.done) return;
    if (item !== undefined) this.#catchUp(item, frame, events);
    if (this.type === 'reasoning') this.#sign(item, frame, events);
    this.done = true;
    const fields = item === undefined ? {} : this.#changedFields(item);
    const extension = {
      ...(this.#host.own && frame),
      ...(Object.keys(fields).length > 0 && { item: fields }),
    };
    this.#closeOpen(extension, events, cut || item?.['status'] === 'incomplete');
  }

  #find({ kind, index }: PartPlace): Part | undefined {
    return this.#parts.find((part) => part.kind === kind && part.index === index);
  }

  /** Parts that the item has at its end and of which not all came before. A server may give its parts other indexes there. */
  #catchUp(item: JsonObject, frame: FrameFields, events: AnswerEvent[]): void {
    const whole = [...readParts(item['summary']), ...readParts(item['content'])];
    const given = this.#parts.reduce((sum, part) => sum + part.said.length, 0);
    const said = whole.reduce((sum, { part }) => sum + textOfPart(part).length, 0);
    const isComplete = this.#parts.length > 0 && given >= said;
    for (const { place, part } of whole) {
      if (!isComplete) this.partDone(place, part, frame, events);
      else this.#missedAnnotations(place, part['annotations'], events);
    }
  }

  #missedAnnotations(place: PartPlace, annotations: unknown, events: AnswerEvent[]): void {
    const part = this.#find(place);
    if (!Array.isArray(annotations) || part?.open !== true) return;
    for (const annotation of (annotations as unknown[]).slice(part.annotations)) {
      part.annotations += 1;
      events.push(readAnnotation(part.blockId, annotation));
    }
  }

  /** The encrypted content goes to the last block of the item; an item without any text is a block of its own. */
  #sign(item: JsonObject | undefined, frame: FrameFields, events: AnswerEvent[]): void {
    const value = filledString(item?.['encrypted_content']);
    // Without text and proof it only has an id, which a client of the format sends back.
    if (value === undefined && (this.#parts.length > 0 || !this.#host.own)) return;
    const part = this.#open ?? this.use({ kind: 'reasoning', index: 0 }, {}, frame, events);
    if (value === undefined) return;
    events.push({
      type: 'reasoning.signature',
      blockId: part.blockId,
      value,
      format: openaiResponses,
      encrypted: true,
      ...extended(this.id === undefined ? {} : { item: { id: this.id } }),
    });
  }

  #closeOpen(extension: JsonObject, events: AnswerEvent[], cut = false): void {
    const part = this.#open;
    if (part === undefined) return;
    part.open = false;
    this.#open = undefined;
    events.push({ type: 'block.end', blockId: part.blockId, ...(cut && { incomplete: true }), ...extended(extension) });
  }

  #startFields(part: JsonObject, frame: FrameFields): JsonObject {
    const isFirst = this.#parts.length === 0;
    const unknownPart = otherFields(part, partFields);
    return {
      ...(this.#host.own && frame),
      ...(isFirst && (this.#host.own || Object.keys(this.#added).length > 0) && { item: this.#added }),
      ...(unknownPart && { part: unknownPart }),
    };
  }

  #otherFields(item: JsonObject): JsonObject {
    return otherFields(item, this.type === 'reasoning' ? reasoningFields : messageFields) ?? {};
  }

  #changedFields(item: JsonObject): JsonObject {
    const fields = Object.entries(this.#otherFields(item));
    return Object.fromEntries(fields.filter(([name, value]) => !sameJson(value, this.#added[name])));
  }
}

function readParts(list: unknown): { readonly place: PartPlace; readonly part: JsonObject }[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((part: unknown, index) => {
    const kind = isObject(part) ? kindOfPart(part['type']) : undefined;
    return !isObject(part) || kind === undefined ? [] : [{ place: { kind, index }, part }];
  });
}
