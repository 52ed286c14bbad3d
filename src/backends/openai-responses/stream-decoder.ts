import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent } from '../../kernel/event.ts';
import { filledString, isObject, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiResponses, readEnd } from '../../kernel/dialects/openai-responses-fields.ts';
import { readUsage } from '../../kernel/dialects/openai-responses-usage.ts';
import { badContent, badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { BlockHost, extended, type FrameFields } from './block-host.ts';
import { CallItem } from './call-item.ts';
import { isTransparent, unknownOfFrame, unknownOfResponse, type ReadFrame } from './frame-shape.ts';
import { isIndex } from './item-shape.ts';
import { OutputItems } from './output-items.ts';
import { errorOfFrame, failureOf, readMeta, readSafety, type Meta } from './read-response.ts';
import { kindOfPart, TextItem, type PartPlace } from './text-item.ts';

const nothing: DecodedFrame = { events: [], transparent: true };

interface TextFrames {
  readonly kind: PartPlace['kind'];
  readonly item: string;
  readonly index: 'content_index' | 'summary_index';
}

/** Frames of a piece of a text, with the item that they belong to. */
const textFrames: ReadonlyMap<string, TextFrames> = new Map([
  ['response.output_text', { kind: 'text', item: 'message', index: 'content_index' }],
  ['response.refusal', { kind: 'refusal', item: 'message', index: 'content_index' }],
  ['response.reasoning_text', { kind: 'reasoning', item: 'reasoning', index: 'content_index' }],
  ['response.reasoning_summary_text', { kind: 'reasoning_summary', item: 'reasoning', index: 'summary_index' }],
]);
/** Frames of a piece of the arguments of a call, with the field of the frame that holds the whole at the end. */
const argumentFrames: ReadonlyMap<string, { readonly whole: string; readonly item: string }> = new Map([
  ['response.function_call_arguments', { whole: 'arguments', item: 'function_call' }],
  ['response.custom_tool_call_input', { whole: 'input', item: 'custom_tool_call' }],
  ['response.mcp_call_arguments', { whole: 'arguments', item: 'mcp_call' }],
  ['response.code_interpreter_call_code', { whole: 'code', item: 'code_interpreter_call' }],
]);
/** Frames that are harmless and say nothing, or repeat what others say. */
const silentFrames: ReadonlySet<string> = new Set(['keepalive', 'ping']);

/**
 * Decodes the events of a streamed response, with the deviations of the compatible servers. A part of a message or of
 * reasoning is a block, and so is every other item. No text has a template: each frame has a number of its own.
 */
export class ResponsesStreamDecoder implements AnswerDecoder {
  terminated = false;
  readonly #host: BlockHost;
  readonly #items: OutputItems;
  #meta: Meta = {};
  #metaSent = false;
  #complete = false;
  #audio: string | undefined;

  /** `own` says that the client speaks the format too. */
  constructor(own = false) {
    this.#host = new BlockHost(own);
    this.#items = new OutputItems(this.#host);
  }

  frame(event: string, data: string): DecodedFrame {
    if (this.terminated) return nothing;
    const text = data.trim();
    if (text === '') return nothing;
    if (text === '[DONE]') {
      // Not the terminator of the format: an answer without one is not complete.
      this.terminated = true;
      return nothing;
    }
    if (event === 'error') throw errorOfFrame(text);
    const { document, strings } = parseFrame(text);
    const type = filledString(document['type']) ?? event;
    if (type === 'error' || type === 'response.error') throw errorOfFrame(text);
    const events: AnswerEvent[] = [];
    this.#read({ type, event, document, data, strings }, events);
    const item = this.#items.find(document['item_id'], document['output_index']);
    const transparent =
      item !== undefined && events.length > 0
        ? events.every(isPiece) && isTransparent({ type, event, document, data, strings }, item.id)
        : silentFrames.has(type);
    return { events, transparent };
  }

  /** The events of a response that came as one document. Throws where it failed or is none. */
  document(response: JsonObject): AnswerEvent[] {
    const isResponse = response['object'] === 'response' || Array.isArray(response['output']);
    if (!isResponse) throw errorInDocument(response) ?? badContent('it is no response');
    const events: AnswerEvent[] = [];
    this.#finish(response, {}, events);
    return events;
  }

  /** A response says itself that it is complete. */
  end(): readonly AnswerEvent[] {
    if (!this.#complete) throw new SluiceError('UPSTREAM_TRUNCATED');
    return [];
  }

  #read(frame: ReadFrame, events: AnswerEvent[]): void {
    const { type, document } = frame;
    const stem = type.slice(0, type.lastIndexOf('.'));
    const place = placeOf(document);
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#readMeta(responseOf(document), place, events);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        return this.#terminate(type, document, place, events);
      case 'response.output_item.added':
        this.#ensureMeta(events);
        return this.#items.add(objectIn(document, 'item'), document['output_index'], place, events);
      case 'response.output_item.done':
        this.#ensureMeta(events);
        return this.#items.complete(objectIn(document, 'item'), document['output_index'], place, events);
      case 'response.content_part.added':
      case 'response.content_part.done':
      case 'response.reasoning_summary_part.added':
      case 'response.reasoning_summary_part.done':
        return this.#part(frame, type.endsWith('.done'), place, events);
      case 'response.output_text.annotation.added':
        return this.#annotation(frame, place, events);
      case 'response.image_generation_call.partial_image':
        return this.#preview(frame, events);
      case 'response.audio.delta':
        return this.#audioDelta(frame, events);
      default:
        if (textFrames.has(stem)) return this.#text(stem, frame, place, events);
        if (argumentFrames.has(stem)) return this.#arguments(stem, frame, place, events);
        if (!silentFrames.has(type)) this.#unknown(frame, events);
    }
  }

  /** Frames of built-in tools, and types that are not known: for clients of the same format. */
  #unknown({ type, event, document, data }: ReadFrame, events: AnswerEvent[]): void {
    const error = document['type'] === undefined ? errorInDocument(document) : undefined;
    if (error !== undefined) throw error;
    this.#ensureMeta(events);
    const name = event === '' ? type : event;
    events.push({ type: 'raw', dialect: openaiResponses, ...(name !== '' && { event: name }), data });
  }

  #text(stem: string, frame: ReadFrame, place: FrameFields, events: AnswerEvent[]): void {
    const { type, document } = frame;
    const known = textFrames.get(stem);
    const isDelta = type.endsWith('.delta');
    const said: unknown = isDelta ? document['delta'] : (document['text'] ?? document['refusal']);
    if (known === undefined || typeof said !== 'string') return this.#unknown(frame, events);
    this.#ensureMeta(events);
    const item = this.#textItem(document, known.item);
    if (item === undefined || item.done) return this.#unknown(frame, events);
    const part = { kind: known.kind, index: indexIn(document) };
    if (isDelta) {
      const named = document[known.index] === part.index;
      const extension = { ...unknownOfFrame(type, document, item.id), ...this.#numberOf(document, item, named) };
      item.text(part, said, document['logprobs'], extension, place, events);
    } else {
      item.partDone(part, { text: said, logprobs: document['logprobs'] }, place, events);
    }
  }

  /** The number of a frame that says where it belongs exactly as its block does: a client of the format may get it as it is. */
  #numberOf(document: JsonObject, item: TextItem | CallItem, namesPart: boolean): FrameFields {
    const { item_id: id, output_index: index } = document;
    const isExact = namesPart && item.id !== undefined && id === item.id && index === item.outputIndex;
    return this.#host.own && isExact ? placeOf(document) : {};
  }

  #part(frame: ReadFrame, isDone: boolean, place: FrameFields, events: AnswerEvent[]): void {
    const { document } = frame;
    const part = objectIn(document, 'part');
    const kind = kindOfPart(part['type']);
    if (kind === undefined) return this.#unknown(frame, events);
    this.#ensureMeta(events);
    const isReasoning = kind === 'reasoning' || kind === 'reasoning_summary';
    const item = this.#textItem(document, isReasoning ? 'reasoning' : 'message');
    if (item === undefined || item.done) return this.#unknown(frame, events);
    const where = { kind, index: indexIn(document) };
    if (isDone) item.partDone(where, part, place, events);
    else item.use(where, part, place, events);
  }

  #annotation(frame: ReadFrame, place: FrameFields, events: AnswerEvent[]): void {
    const { type, document } = frame;
    this.#ensureMeta(events);
    const item = this.#textItem(document, 'message');
    const part: PartPlace = { kind: 'text', index: indexIn(document) };
    const extension = unknownOfFrame(type, document, item?.id);
    if (item === undefined || item.done || !item.annotate(part, document['annotation'], extension, place, events))
      this.#unknown(frame, events);
  }

  #arguments(stem: string, frame: ReadFrame, place: FrameFields, events: AnswerEvent[]): void {
    const { type, document } = frame;
    const known = argumentFrames.get(stem);
    const isDelta = type.endsWith('.delta');
    const said: unknown = isDelta ? document['delta'] : document[known?.whole ?? ''];
    if (known === undefined || typeof said !== 'string') return this.#unknown(frame, events);
    this.#ensureMeta(events);
    const { item_id: id, name } = document;
    const item = this.#items.use(known.item, document);
    if (!(item instanceof CallItem) || item.done) return this.#unknown(frame, events);
    if (name !== undefined) item.start({ type: item.type, id, name }, place, events);
    if (!isDelta) return item.argumentsDone(said, events);
    const extension = { ...unknownOfFrame(type, document, item.id), ...this.#numberOf(document, item, true) };
    item.arguments(said, extension, events);
  }

  #preview(frame: ReadFrame, events: AnswerEvent[]): void {
    const { type, document } = frame;
    const { item_id: id, output_index: index, partial_image_b64: base64, partial_image_index: preview } = document;
    const item = this.#items.find(id, index);
    if (!(item instanceof CallItem) || item.kind !== 'image' || item.done || typeof base64 !== 'string')
      return this.#unknown(frame, events);
    const extension = unknownOfFrame(type, document, item.id);
    item.media(base64, document['output_format'], isIndex(preview) ? preview : 0, extension, events);
  }

  /** Audio belongs to no item. */
  #audioDelta(frame: ReadFrame, events: AnswerEvent[]): void {
    const { type, document } = frame;
    const { delta } = document;
    if (typeof delta !== 'string') return this.#unknown(frame, events);
    this.#ensureMeta(events);
    this.#audio ??= this.#host.open({ kind: 'audio' }, events);
    const extension = unknownOfFrame(type, document, undefined);
    events.push({ type: 'media.delta', blockId: this.#audio, base64: delta, ...extended(extension) });
  }

  #textItem(document: JsonObject, type: string): TextItem | undefined {
    const item = this.#items.use(type, document);
    return item instanceof TextItem ? item : undefined;
  }

  #terminate(type: string, document: JsonObject, place: FrameFields, events: AnswerEvent[]): void {
    const status = type.slice('response.'.length);
    const isFailure = status === 'failed' || status === 'cancelled';
    const response = isFailure && !isObject(document['response']) ? document : responseOf(document);
    this.#finish({ ...response, status: isFailure ? status : (response['status'] ?? status) }, place, events);
    this.terminated = true;
  }

  /** Completes what the frames said with the whole response. */
  #finish(response: JsonObject, place: FrameFields, events: AnswerEvent[]): void {
    const failure = failureOf(response);
    if (failure !== undefined) throw failure;
    this.#readMeta(response, place, events);
    const isCut = response['status'] === 'incomplete';
    this.#items.finish(response['output'], isCut, events);
    if (this.#audio !== undefined) events.push({ type: 'block.end', blockId: this.#audio });
    events.push(...readSafety(response));
    events.push({ type: 'finish', reason: this.#reason(response) });
    const { usage } = response;
    if (isObject(usage)) events.push(readUsage(usage, true));
    this.#complete = true;
  }

  #reason(response: JsonObject): ReturnType<typeof readEnd> {
    const items = this.#items.all;
    const end = readEnd(
      response,
      items.some((item) => item instanceof CallItem && item.calls),
    );
    if (end.unified !== 'stop') return end;
    // A response that works on in the background.
    if (end.raw === 'queued' || end.raw === 'in_progress') return { ...end, unified: 'pause' };
    return items.some((item) => item instanceof TextItem && item.refused) ? { ...end, unified: 'refusal' } : end;
  }

  /** Says what the response object tells. The id and the date are those that came first, whatever later frames say. */
  #readMeta(response: JsonObject, place: FrameFields, events: AnswerEvent[]): void {
    const { serviceTier: _latest, ...first } = this.#meta;
    const meta = { ...readMeta(response), ...first };
    const isNew = !this.#metaSent || !sameJson(meta, this.#meta);
    this.#meta = meta;
    if (this.#host.own) this.#pushMeta({ ...place, response: unknownOfResponse(response, meta.responseId) }, events);
    else if (isNew) this.#pushMeta({}, events);
  }

  #ensureMeta(events: AnswerEvent[]): void {
    if (!this.#metaSent) this.#pushMeta({}, events);
  }

  #pushMeta(extension: JsonObject, events: AnswerEvent[]): void {
    this.#metaSent = true;
    events.push({
      type: 'response.meta',
      ...this.#meta,
      provider: openaiResponses,
      role: 'assistant',
      ...extended(extension),
    });
  }
}

/** True for what stands in its own frame; a block that begins late tells what earlier frames said. */
function isPiece({ type }: AnswerEvent): boolean {
  return type === 'text.delta' || type === 'toolArgs.delta';
}

function placeOf({ sequence_number: number }: JsonObject): FrameFields {
  return typeof number === 'number' ? { sequence_number: number } : {};
}

function indexIn({ content_index: content, summary_index: summary }: JsonObject): number {
  if (isIndex(content)) return content;
  return isIndex(summary) ? summary : 0;
}

function responseOf(document: JsonObject): JsonObject {
  return objectIn(document, 'response');
}

function objectIn(document: JsonObject, name: string): JsonObject {
  const value = document[name];
  return isObject(value) ? value : badObject(name);
}

function badObject(name: string): never {
  throw badFrame(`${name} is no object`);
}
