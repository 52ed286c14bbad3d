import { anthropicMessages, readStopReason } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { overlayUsage, readUsage } from '../../kernel/dialects/anthropic-messages-usage.ts';
import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import { roles, type AnswerEvent, type EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { errorFromEvent, errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { BlockDecoder } from './block-decoder.ts';
import { isCount, isTransparent, unknownOfFrame, unknownOfMessage, unknownOfStop } from './frame-shape.ts';

/** Blocks of one answer; a provider that never stops opening them is stopped here. */
const maxBlocks = 4_096;
const nothing: DecodedFrame = { events: [], transparent: true };

/** Decodes the events of a streamed message. Blocks are kept by their index until they stop. */
export class MessageStreamDecoder implements AnswerDecoder {
  terminated = false;
  readonly #open = new Map<number, BlockDecoder>();
  #blocks = 0;
  #started = false;
  #responseId: string | undefined;
  #calledTools = false;
  #finished = false;
  /** Why the message ended, where its start says so already. */
  #stop: JsonObject | undefined;
  #usage: JsonObject | undefined;

  frame(event: string, data: string): DecodedFrame {
    if (this.terminated) return nothing;
    const text = data.trim();
    if (text === '') return nothing;
    if (text === '[DONE]') {
      // Not of this format, but some servers end every stream with it.
      this.terminated = this.#finished;
      return nothing;
    }
    if (event === 'error') throw errorFromEvent(text);
    const { document, strings } = parseFrame(text);
    const type = filledString(document['type']) ?? event;
    const wasFinished = this.#finished;
    const events = this.read(type, document, data);
    // Official clients go by the name of the event, so a frame without its own is no frame that they know.
    const transparent =
      event === type &&
      isTransparent(type, document, data, strings) &&
      !(wasFinished && type === 'message_delta') &&
      !events.some(tellsWhole);
    return {
      events: transparent ? this.#withTemplate(type, events, document, data) : events,
      transparent,
      ...(isOpening(type, document) && { opens: 0 }),
    };
  }

  /** The events of one frame of a type. Throws where it reports an error. */
  read(type: string, document: JsonObject, data: string): AnswerEvent[] {
    if (type === 'error') throw errorFromEvent(data);
    const error = errorInDocument(document);
    if (error !== undefined) throw error;
    const events: AnswerEvent[] = [];
    switch (type) {
      case 'message_start':
        this.#startMessage(document, events);
        return events;
      case 'content_block_start':
        this.#startBlock(document, events);
        return events;
      case 'content_block_delta':
        this.#readDelta(document, data, events);
        return events;
      case 'content_block_stop':
        this.#stopBlock(document, events);
        return events;
      case 'message_delta':
        this.#readEnd(document, data, events);
        return events;
      case 'message_stop':
        this.terminated = true;
        return events;
      case 'ping':
        return events;
      default:
        return [raw(type, data)];
    }
  }

  /** Completes the answer after its terminator, or where it has said why it ended. */
  end(): readonly AnswerEvent[] {
    if (!this.terminated && !this.#finished) throw new SluiceError('UPSTREAM_TRUNCATED');
    return this.complete();
  }

  /** The events that are missing in an answer whose provider has said that it is done. */
  complete(): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    this.#requireStart(events);
    if (this.#finished) return events;
    const word = filledString(this.#stop?.['stop_reason']);
    if (word !== undefined) this.#finish(word, this.#stop ?? {}, {}, events);
    else {
      this.#endBlocks(false, events);
      const unified = this.#calledTools ? 'tool_calls' : 'stop';
      events.push({ type: 'finish', reason: { unified }, synthetic: true });
    }
    this.#finished = true;
    return events;
  }

  #startMessage(document: JsonObject, events: AnswerEvent[]): void {
    const { message } = document;
    if (!isObject(message)) throw badFrame('a message_start without a message');
    const responseId = filledString(message['id']);
    if (this.#started) {
      // Some servers say their start twice. Another message in the place of this one is another answer.
      if (this.#blocks === 0 && !this.#finished && responseId !== undefined && responseId === this.#responseId) return;
      throw badFrame('a second message_start');
    }
    this.#started = true;
    this.#responseId = responseId;
    const { usage, content } = message;
    const counts = isObject(usage) ? usage : undefined;
    const unknown = unknownOfMessage(message);
    events.push({
      type: 'response.meta',
      provider: anthropicMessages,
      ...keep('responseId', responseId),
      ...keep('model', filledString(message['model'])),
      ...keep('serviceTier', filledString(counts?.['service_tier'])),
      role: roles.find((candidate) => candidate === message['role']) ?? 'assistant',
      ...extended({ ...unknownOfFrame('message_start', document), ...(unknown && { message: unknown }) }),
    });
    if (counts !== undefined) events.push(this.#readUsage(counts, false));
    if (filledString(message['stop_reason']) !== undefined) this.#stop = message;
    if (!Array.isArray(content)) return;
    for (const [index, block] of (content as unknown[]).entries()) {
      if (!isObject(block)) throw badFrame('an entry of content is no object');
      this.#openBlock(index, block, {}, events).end({}, events);
    }
  }

  /** An answer begins with its metadata, also where the provider never sent them. */
  #requireStart(events: AnswerEvent[]): void {
    if (this.#started) return;
    this.#started = true;
    events.push({ type: 'response.meta', provider: anthropicMessages, role: 'assistant', synthetic: true });
  }

  #startBlock(document: JsonObject, events: AnswerEvent[]): void {
    const { content_block: block } = document;
    if (!isObject(block)) throw badFrame('a content_block_start without a block');
    if (this.#finished) throw badFrame('a content block after the stop reason');
    const index = indexOf(document);
    this.#requireStart(events);
    this.#open.get(index)?.end({}, events, true);
    const further = unknownOfFrame('content_block_start', document) ?? {};
    this.#open.set(index, this.#openBlock(index, block, further, events));
  }

  #openBlock(nativeIndex: number, block: JsonObject, further: JsonObject, events: AnswerEvent[]): BlockDecoder {
    if (this.#blocks >= maxBlocks) throw badFrame(`more than ${maxBlocks} blocks in one answer`);
    const place = { blockId: `b${this.#blocks}`, index: this.#blocks, nativeIndex };
    this.#blocks += 1;
    const decoder = new BlockDecoder(place, block, further, events);
    this.#calledTools ||= decoder.kind === 'tool_call';
    return decoder;
  }

  #readDelta(document: JsonObject, data: string, events: AnswerEvent[]): void {
    const { delta } = document;
    if (!isObject(delta)) throw badFrame('a content_block_delta without a delta');
    const block = this.#open.get(indexOf(document));
    if (block === undefined) throw badFrame('a delta outside of an open block');
    const further = unknownOfFrame('content_block_delta', document) ?? {};
    if (!block.delta(delta, further, events)) events.push(raw('content_block_delta', data));
  }

  #stopBlock(document: JsonObject, events: AnswerEvent[]): void {
    const index = indexOf(document);
    this.#open.get(index)?.end(unknownOfFrame('content_block_stop', document) ?? {}, events);
    this.#open.delete(index);
  }

  #endBlocks(incomplete: boolean, events: AnswerEvent[]): void {
    for (const block of this.#open.values()) block.end({}, events, true, incomplete);
    this.#open.clear();
  }

  /** A message_delta: why the message ended, and all counts so far. */
  #readEnd(document: JsonObject, data: string, events: AnswerEvent[]): void {
    this.#requireStart(events);
    const delta = isObject(document['delta']) ? document['delta'] : {};
    const unknown = unknownOfStop(delta);
    const ext = { ...unknownOfFrame('message_delta', document), ...(unknown && { delta: unknown }) };
    const word = filledString(delta['stop_reason']);
    const isFirst = word !== undefined && !this.#finished;
    if (isFirst) this.#finish(word, delta, ext, events);
    const left = isFirst ? {} : ext;
    if (isObject(document['usage'])) events.push({ ...this.#readUsage(document['usage'], true), ...extended(left) });
    else if (orNothing(left) !== undefined) events.push(raw('message_delta', data));
  }

  #finish(word: string, delta: JsonObject, ext: JsonObject, events: AnswerEvent[]): void {
    const unified = readStopReason(word);
    this.#endBlocks(unified === 'length', events);
    this.#finished = true;
    const details = isObject(delta['stop_details']) ? delta['stop_details'] : undefined;
    const { refusal, further } = readDetails(details);
    const ofDelta = { ...(isObject(ext['delta']) && ext['delta']), ...(further && { stop_details: further }) };
    events.push({
      type: 'finish',
      reason: { unified, raw: word },
      ...keep('stopSequence', filledString(delta['stop_sequence'])),
      ...keep('refusal', refusal),
      ...extended({ ...ext, ...(orNothing(ofDelta) && { delta: ofDelta }) }),
    });
  }

  /** A frame restates some of the counts; what it does not name, or names as null, stays. */
  #readUsage(counts: JsonObject, final: boolean): EventOfType<'usage'> {
    this.#usage = overlayUsage(this.#usage, counts);
    return readUsage(this.#usage, final);
  }

  #withTemplate(
    type: string,
    events: readonly AnswerEvent[],
    document: JsonObject,
    data: string,
  ): readonly AnswerEvent[] {
    if (type !== 'content_block_delta') return events;
    return this.#open.get(indexOf(document))?.withTemplate(events, document, data) ?? events;
  }
}

/** What a refusal can say, and what is left of its details. */
function readDetails(details: JsonObject | undefined): {
  readonly refusal: EventOfType<'finish'>['refusal'];
  readonly further: JsonObject | undefined;
} {
  if (details === undefined) return { refusal: undefined, further: undefined };
  if (details['type'] !== 'refusal') return { refusal: undefined, further: details };
  const { type: _type, category, explanation, ...further } = details;
  return {
    refusal: {
      ...keep('category', filledString(category)),
      ...keep('explanation', filledString(explanation)),
    },
    further: orNothing(further),
  };
}

/** True for an event that says again what stood in earlier frames, and what perhaps nobody has read there. */
function tellsWhole(event: AnswerEvent): boolean {
  if (event.type === 'usage') return !isCount(event.raw);
  return event.type === 'block.end' && event.final !== undefined;
}

/** A start with all that official clients ask of it: id, model, role, usage, and no content yet. */
function isOpening(type: string, { message }: JsonObject): boolean {
  if (type !== 'message_start' || !isObject(message)) return false;
  const { id, model, role, content, usage } = message;
  const isNamed = filledString(id) !== undefined && filledString(model) !== undefined && role === 'assistant';
  return isNamed && Array.isArray(content) && content.length === 0 && isObject(usage);
}

function indexOf({ index }: JsonObject): number {
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0) throw badFrame('index is no number');
  return index;
}

function raw(event: string, data: string): AnswerEvent {
  return { type: 'raw', dialect: anthropicMessages, ...(event !== '' && { event }), data };
}

function keep<N extends string, V>(name: N, value: V | undefined): { readonly [K in N]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: V };
}

function extended(fields: JsonObject): { readonly ext?: Record<string, Record<string, unknown>> } {
  return orNothing(fields) === undefined ? {} : { ext: { [anthropicMessages]: { ...fields } } };
}
