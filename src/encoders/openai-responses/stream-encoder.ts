import type { DecodedFrame, EncodeContext, StreamEncoder } from '../../kernel/component.ts';
import type { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType, TextTemplate } from '../../kernel/event.ts';
import { escapeJsonText } from '../../kernel/json/json-text.ts';
import { filledString, isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { lossOfBlock, type LossName } from '../../kernel/losses.ts';
import { extensionOf, openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import { wrapSignature } from '../../kernel/dialects/signature-envelope.ts';
import { EventWriter } from './event-writer.ts';
import { logprobsOf, pictureIn, pictureItem, writeAnnotation } from './foreign-parts.ts';
import { lateInput, takeFinal, takeFurther } from './item-end.ts';
import {
  furtherOfItem,
  furtherOfPart,
  grownText,
  inputFormOf,
  type OutputItem,
  type OutputPart,
  type PartType,
} from './output-item.ts';
import { OutputList } from './output-list.ts';
import { rewriteRaw } from './raw-event.ts';
import { ResponseState } from './response-state.ts';

/** A block that has begun and not ended. */
interface OpenBlock {
  readonly start: EventOfType<'block.start'>;
  /** Undefined for a block without a form here, and for a picture that is still coming. */
  readonly item: OutputItem | undefined;
  readonly part: OutputPart | undefined;
  /** Bytes of a picture, in base64. */
  picture: string;
  mediaType: string | undefined;
}

/** Fields of a provider's delta that are written anew. */
const addressFields: ReadonlySet<string> = new Set([
  'type',
  'sequence_number',
  'item_id',
  'output_index',
  'content_index',
  'summary_index',
  'delta',
  'logprobs',
]);

/**
 * Writes the events of a response as the official clients demand them: one id, every item and part announced before its
 * text, and all that is repeated at the end (`.done`, the items, the response) made of what has left, never of what the
 * provider repeats.
 */
export class ResponsesStreamEncoder implements StreamEncoder {
  readonly heartbeat = ': hb\n\n';
  readonly #run: EncodeContext['run'];
  readonly #state: ResponseState;
  readonly #writeError: (error: SluiceError) => JsonObject;
  readonly #writer = new EventWriter();
  readonly #list: OutputList;
  readonly #blocks = new Map<string, OpenBlock>();

  constructor(context: EncodeContext, writeError: (error: SluiceError) => JsonObject) {
    this.#run = context.run;
    this.#state = new ResponseState(context);
    this.#writeError = writeError;
    this.#list = new OutputList(this.#writer, context.run.id);
  }

  encode(event: AnswerEvent): string {
    switch (event.type) {
      case 'response.meta':
        this.#state.takeMeta(event);
        return '';
      case 'block.start':
        return this.#startBlock(event);
      case 'text.delta':
        return this.#text(event);
      case 'toolArgs.delta':
        return this.#arguments(event);
      case 'media.delta':
        return this.#media(event);
      case 'annotation':
        return this.#annotation(event);
      case 'reasoning.signature':
        return this.#signature(event);
      case 'block.end':
        return this.#endBlock(event);
      case 'safety':
        if (!this.#isOwn && (event.verdicts.length > 0 || event.blocked === true)) this.#lose('answer.safety');
        return '';
      case 'usage':
        this.#state.takeUsage(event);
        return '';
      case 'finish':
        return this.#takeFinish(event);
      case 'raw':
        return event.dialect === openaiResponses ? this.#raw(event) : '';
      default:
        return '';
    }
  }

  encodeText(blockId: string, _template: TextTemplate, json: string): string {
    const { item, part } = this.#blocks.get(blockId) ?? {};
    return json === '' || item === undefined || part === undefined ? '' : this.#list.text(item, part, json, [], {});
  }

  /**
   * Of the frames of a provider only pieces of text and of arguments are copied, while their number and their address are
   * those that they have here. Everything else tells again what has left, and is written.
   */
  copies({ events }: DecodedFrame): boolean {
    const [event] = events;
    if (event === undefined || events.length > 1 || !this.#isOwn) return false;
    if (event.type !== 'text.delta' && event.type !== 'toolArgs.delta') return false;
    const block = this.#blocks.get(event.blockId);
    const number = extensionOf(event)?.['sequence_number'];
    if (block?.item === undefined || !hasNativeAddress(block.item, block) || !this.#writer.isNext(number)) return false;
    if (event.type === 'toolArgs.delta') {
      if (event.json === undefined || inputFormOf(block.item) === undefined) return false;
      block.item.input.json += escapeJsonText(event.json);
    } else {
      if (block.part?.added !== true) return false;
      block.part.json += escapeJsonText(event.text);
      this.#list.addLogprobs(block.part, logprobsOf(event.logprobs));
    }
    this.#writer.skip();
    return true;
  }

  /** In the order of the provider itself: the event at which the official clients throw, then the whole response as failed. */
  fail(error: SluiceError): string {
    const { message, type, param, code } = this.#writeError(error);
    const begun = this.#begin();
    // The documentation has the fields on top, the provider itself writes them under `error`.
    const thrown = this.#writer.event('error', { code, message, param, error: { type, code, message, param } });
    const response = { ...this.#state.write('failed', this.#list.output()), error: { code, message } };
    return begun + thrown + this.#writer.event('response.failed', { response });
  }

  end(): string {
    const frames = this.#begin() + this.#close();
    const response = this.#finalResponse();
    return frames + this.#writer.event(`response.${String(response['status'])}`, { response });
  }

  /** The response of an answer of which all events were encoded. */
  complete(): JsonObject {
    this.#begin();
    this.#close();
    return this.#finalResponse();
  }

  get #isOwn(): boolean {
    return this.#state.isOwn;
  }

  #lose(what: LossName): void {
    this.#run.lose(what);
  }

  // ---- the response ----

  #begin(): string {
    if (this.#state.begun) return '';
    this.#state.begin();
    const response = this.#state.write('in_progress');
    return (
      this.#writer.event('response.created', { response }) + this.#writer.event('response.in_progress', { response })
    );
  }

  #finalResponse(): JsonObject {
    return this.#state.writeFinal(this.#list.output(), this.#list.hasRefusal);
  }

  /** Ends what is open. */
  #close(): string {
    let frames = '';
    for (const blockId of [...this.#blocks.keys()]) frames += this.#endBlock({ type: 'block.end', blockId });
    return frames + this.#list.settle();
  }

  #takeFinish(event: EventOfType<'finish'>): string {
    if ((event.choice ?? 0) !== 0) return '';
    this.#state.takeFinish(event);
    if (event.stopSequence !== undefined) this.#lose('answer.stop_sequence');
    const { unified } = event.reason;
    if (unified === 'pause') this.#lose('answer.pause');
    const words = event.refusal?.explanation;
    const refusal = unified === 'refusal' && words !== undefined && !this.#list.hasRefusal ? this.#refuse(words) : '';
    return this.#begin() + refusal + this.#list.settle(undefined, unified === 'length' || unified === 'content_filter');
  }

  #refuse(words: string): string {
    const blockId = 'refusal of the finish';
    return (
      this.#startBlock({ type: 'block.start', blockId, kind: 'refusal', role: 'assistant' }) +
      this.#text({ type: 'text.delta', blockId, role: 'assistant', text: words }) +
      this.#endBlock({ type: 'block.end', blockId })
    );
  }

  #raw(event: EventOfType<'raw'>): string {
    const begun = this.#begin();
    const raw = rewriteRaw(event, this.#list, () => this.#state.write('in_progress'));
    return raw === undefined ? begun : begun + this.#writer.event(raw.type, raw.fields);
  }

  // ---- blocks ----

  #startBlock(event: EventOfType<'block.start'>): string {
    if ((event.choice ?? 0) !== 0) {
      this.#lose('answer.choices');
      return '';
    }
    const begun = this.#begin();
    switch (event.kind) {
      case 'text':
        return begun + this.#startPart(event, 'message', 'output_text');
      case 'refusal':
        return begun + this.#startPart(event, 'message', 'refusal');
      case 'reasoning':
      case 'reasoning_summary':
      case 'reasoning_redacted':
        return begun + this.#startPart(event, 'reasoning', this.#reasoningPart(event));
      case 'tool_call':
        return begun + this.#startItem(event, 'function_call', this.#furtherOf(event));
      case 'custom_tool_call':
        return begun + this.#startItem(event, 'custom_tool_call', this.#furtherOf(event));
      default:
        return begun + this.#startOther(event);
    }
  }

  /** Most clients show summaries only, so that is where the reasoning of other providers goes. */
  #reasoningPart({ kind }: EventOfType<'block.start'>): PartType | undefined {
    if (kind === 'reasoning_redacted') return undefined;
    return this.#isOwn && kind === 'reasoning' ? 'reasoning_text' : 'summary_text';
  }

  /** What a provider of this format says in the item. */
  #furtherOf(event: EventOfType<'block.start'>): JsonObject {
    const item = level(extensionOf(event), 'item') ?? event.initial;
    return this.#isOwn && isObject(item) ? furtherOfItem(item) : {};
  }

  #startPart(event: EventOfType<'block.start'>, type: 'message' | 'reasoning', partType: PartType | undefined): string {
    const nativeId = this.#isOwn ? filledString(event.itemId) : undefined;
    // Reasoning of another provider has its own proof for each block, and an item has only one.
    const mayJoin = type === 'message' || nativeId !== undefined;
    const joined = mayJoin ? this.#list.joinable(type, nativeId) : undefined;
    const settled = this.#list.settle(joined);
    const item =
      joined ?? this.#list.create({ type, nativeId, nativeIndex: event.nativeIndex, further: this.#furtherOf(event) });
    const announced = joined === undefined ? this.#list.announce(item) : '';
    const further = this.#isOwn ? furtherOfPart(level(extensionOf(event), 'part') ?? {}) : {};
    const part = partType === undefined ? undefined : this.#list.createPart(partType, further);
    this.#openBlock(event, item, part);
    const isShown = part !== undefined && type === 'message';
    return settled + announced + (isShown ? this.#list.announcePart(item, part) : '');
  }

  #startItem(event: EventOfType<'block.start'>, type: OutputItem['type'], further: JsonObject): string {
    const settled = this.#list.settle();
    const item = this.#list.create({
      type,
      nativeId: this.#isOwn ? (filledString(event.itemId) ?? filledString(further['id'])) : undefined,
      nativeIndex: event.nativeIndex,
      further,
      name: event.name ?? '',
      callId: event.callId,
    });
    this.#openBlock(event, item, undefined);
    return settled + this.#list.announce(item);
  }

  #startOther(event: EventOfType<'block.start'>): string {
    const { kind, initial } = event;
    if (this.#isOwn && isObject(initial) && typeof initial['type'] === 'string')
      return this.#startItem(event, 'whole', initial);
    this.#openBlock(event, undefined, undefined);
    if (kind !== 'image' && !(kind === 'audio' && this.#isOwn)) this.#lose(lossOfBlock(kind));
    return '';
  }

  #openBlock(start: EventOfType<'block.start'>, item: OutputItem | undefined, part: OutputPart | undefined): void {
    if (item !== undefined) item.openBlocks += 1;
    this.#blocks.set(start.blockId, { start, item, part, picture: '', mediaType: start.mediaType });
  }

  #text(event: EventOfType<'text.delta'>): string {
    const { item, part } = this.#blocks.get(event.blockId) ?? {};
    if (item === undefined || part === undefined || event.text === '') return '';
    const logprobs = logprobsOf(event.logprobs);
    return this.#list.text(item, part, escapeJsonText(event.text), logprobs, this.#furtherOfDelta(event));
  }

  /** What a provider of this format says beside a piece, such as its padding. */
  #furtherOfDelta(event: AnswerEvent): JsonObject {
    const extension = this.#isOwn ? extensionOf(event) : undefined;
    if (extension === undefined) return {};
    return Object.fromEntries(Object.entries(extension).filter(([name]) => !addressFields.has(name)));
  }

  #arguments(event: EventOfType<'toolArgs.delta'>): string {
    const { item } = this.#blocks.get(event.blockId) ?? {};
    return item === undefined ? '' : this.#list.input(item, event.json ?? '', this.#furtherOfDelta(event));
  }

  #media(event: EventOfType<'media.delta'>): string {
    const block = this.#blocks.get(event.blockId);
    const { base64, partialImageIndex: preview } = event;
    if (block === undefined || base64 === undefined) return '';
    block.mediaType = event.mediaType ?? block.mediaType;
    const { item, start } = block;
    if (item !== undefined && preview !== undefined)
      return this.#list.preview(item, preview, base64, this.#furtherOfDelta(event));
    if (start.kind === 'image' && preview === undefined) block.picture += base64;
    const isSound = start.kind === 'audio' && this.#isOwn;
    return isSound ? this.#writer.event('response.audio.delta', { delta: base64, ...this.#furtherOfDelta(event) }) : '';
  }

  #annotation(event: EventOfType<'annotation'>): string {
    const { item, part } = this.#blocks.get(event.blockId) ?? {};
    if (item === undefined || part?.type !== 'output_text') return '';
    const annotation = writeAnnotation(event, () => grownText(part));
    if (annotation !== undefined) return this.#list.annotation(item, part, annotation);
    this.#lose('answer.citations');
    return '';
  }

  #signature(event: EventOfType<'reasoning.signature'>): string {
    const { item } = this.#blocks.get(event.blockId) ?? {};
    const { value, format = this.#state.provider, encrypted } = event;
    if (item?.type !== 'reasoning') {
      this.#lose('answer.signature');
      return '';
    }
    item.signature = wrapSignature(
      { value, ...(format !== undefined && { format }), ...(encrypted !== undefined && { encrypted }) },
      openaiResponses,
    );
    return '';
  }

  #endBlock(event: EventOfType<'block.end'>): string {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) return '';
    this.#blocks.delete(event.blockId);
    const { item, part, start, picture } = block;
    if (item === undefined) return start.kind === 'image' ? this.#endPicture(block) : this.#endSound(block);
    item.openBlocks -= 1;
    item.incomplete ||= event.incomplete === true;
    if (this.#isOwn) takeFurther(item, level(extensionOf(event), 'item'));
    if (part !== undefined) return this.#list.endPart(item, part);
    if (item.type === 'reasoning') return '';
    const late = lateInput(item, event.final, this.#isOwn);
    if (this.#isOwn) takeFinal(item, event.final, picture);
    return this.#list.input(item, late, {}) + this.#list.endInput(item);
  }

  #endSound({ start }: OpenBlock): string {
    return this.#isOwn && start.kind === 'audio' ? this.#writer.event('response.audio.done', {}) : '';
  }

  #endPicture({ start, picture, mediaType }: OpenBlock): string {
    const image = picture === '' ? pictureIn(start.initial) : { base64: picture, mediaType };
    if (image === undefined) {
      this.#lose('answer.media');
      return '';
    }
    const settled = this.#list.settle();
    const item = this.#list.create({ type: 'whole', further: pictureItem(image.base64, image.mediaType) });
    return settled + this.#list.announce(item);
  }
}

/** True where the provider's frames name the item and the part as ours do. */
function hasNativeAddress({ id, index, nativeId, nativeIndex }: OutputItem, { part, start }: OpenBlock): boolean {
  return id === nativeId && index === nativeIndex && (part === undefined || part.index === start.index);
}
