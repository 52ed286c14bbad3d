import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import { roles, type AnswerEvent } from '../../kernel/event.ts';
import { filledString, isObject, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { BlockList } from './block-list.ts';
import { bedrockConverse, readStopReason } from './converse-fields.ts';
import { isTransparent } from './frame-shape.ts';
import { errorFromException } from './provider-exception.ts';
import { readMetadata } from './read-metadata.ts';

const nothing: DecodedFrame = { events: [], transparent: true };
const failure = /^(?:exception|error):/;
const knownEvents: ReadonlySet<string> = new Set([
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'contentBlockStop',
  'messageStop',
  'metadata',
]);
const startFields: ReadonlySet<string> = new Set(['role', 'p']);
const stopFields: ReadonlySet<string> = new Set(['stopReason', 'p']);
const deltaMembers: ReadonlySet<string> = new Set([
  'text',
  'toolUse',
  'reasoningContent',
  'citation',
  'image',
  'toolResult',
]);

/** What a decoder knows beside the frames: the model that was asked, and tools whose names were changed for it. */
export interface DecoderOptions {
  readonly model: string;
  readonly toolNames: ReadonlyMap<string, string>;
}

/**
 * Decodes the events of a streamed answer. Blocks come by their index; a text begins with its first piece. The reason of
 * the end comes before the usage, and the answer is over when both were there, in whatever order.
 */
export class ConverseStreamDecoder implements AnswerDecoder {
  readonly #model: string;
  readonly #blocks: BlockList;
  #started = false;
  #stopped = false;
  #measured = false;

  constructor({ model, toolNames }: DecoderOptions) {
    this.#model = model;
    this.#blocks = new BlockList(toolNames);
  }

  get terminated(): boolean {
    return this.#stopped && this.#measured;
  }

  frame(event: string, data: string): DecodedFrame {
    if (this.terminated) return nothing;
    if (failure.test(event)) throw errorFromException(event.slice(event.indexOf(':') + 1), data);
    if (!knownEvents.has(event)) return { events: [rawEvent(event, data)], transparent: false };
    const { document, strings } = parseFrame(data);
    const events: AnswerEvent[] = [];
    const isKnown = this.#read(event, document, events);
    if (!isKnown) events.push(rawEvent(event, data));
    const transparent = isKnown && isTransparent(event, document, data, strings) && !events.some(tellsResult);
    return { events, transparent };
  }

  /** The usage may be missing; an answer that did not say why it ended is cut off. */
  end(): readonly AnswerEvent[] {
    if (!this.#stopped) throw new SluiceError('UPSTREAM_TRUNCATED');
    return [];
  }

  /** False: there is something in the event that no other event can say. */
  #read(event: string, document: JsonObject, events: AnswerEvent[]): boolean {
    if (event === 'messageStart') return this.#readStart(document, events);
    this.#ensureStarted(events);
    switch (event) {
      case 'contentBlockStart':
        return this.#readBlockStart(document, events);
      case 'contentBlockDelta':
        return this.#readDelta(document, events);
      case 'contentBlockStop':
        this.#blocks.end(indexOf(document), events);
        return true;
      case 'messageStop':
        this.#readStop(document, events);
        return true;
      default:
        this.#measured = true;
        events.push(...readMetadata(document));
        return true;
    }
  }

  #readStart(document: JsonObject, events: AnswerEvent[]): boolean {
    if (this.#started) return true;
    const role = roles.find((candidate) => candidate === document['role']) ?? 'assistant';
    const unknown = otherFields(document, startFields);
    this.#started = true;
    events.push({
      type: 'response.meta',
      provider: bedrockConverse,
      model: this.#model,
      role,
      ...(unknown && { ext: { [bedrockConverse]: unknown } }),
    });
    return true;
  }

  #readBlockStart(document: JsonObject, events: AnswerEvent[]): boolean {
    if (this.#stopped) return false;
    const { start } = document;
    this.#blocks.start(indexOf(document), isObject(start) ? start : {}, events);
    return true;
  }

  #readDelta(document: JsonObject, events: AnswerEvent[]): boolean {
    const { delta } = document;
    if (this.#stopped || !isObject(delta)) return false;
    const index = indexOf(document);
    const { text, toolUse, reasoningContent, citation, image, toolResult } = delta;
    if (isObject(reasoningContent)) this.#blocks.reasoning(index, reasoningContent, events);
    if (isObject(citation)) this.#blocks.annotation(index, citation, events);
    if (typeof text === 'string') this.#blocks.text(index, text, events);
    if (isObject(toolUse)) this.#blocks.arguments(index, toolUse['input'], events);
    if (isObject(image)) this.#blocks.image(index, image, events);
    if (Array.isArray(toolResult)) this.#blocks.result(index, toolResult);
    return Object.keys(delta).every((name) => deltaMembers.has(name));
  }

  #readStop(document: JsonObject, events: AnswerEvent[]): void {
    if (this.#stopped) return;
    this.#blocks.endAll(events);
    this.#stopped = true;
    const raw = filledString(document['stopReason']);
    const unified = raw === undefined ? (this.#blocks.calledTools ? 'tool_calls' : 'stop') : readStopReason(raw);
    const stopSequence = stopSequenceOf(document['additionalModelResponseFields']);
    const unknown = otherFields(document, stopFields);
    events.push({
      type: 'finish',
      reason: { unified, ...(raw !== undefined && { raw }) },
      ...(raw === undefined && { synthetic: true }),
      ...(stopSequence !== undefined && { stopSequence }),
      ...(unknown && { ext: { [bedrockConverse]: unknown } }),
    });
  }

  #ensureStarted(events: AnswerEvent[]): void {
    if (this.#started) return;
    this.#started = true;
    events.push({
      type: 'response.meta',
      provider: bedrockConverse,
      model: this.#model,
      role: 'assistant',
      synthetic: true,
    });
  }
}

/** True for a result of the provider's own tool: it is told with its end, and nobody has read its pieces. */
function tellsResult(event: AnswerEvent): boolean {
  return event.type === 'block.start' && event.kind === 'server_tool_result';
}

function rawEvent(event: string, data: string): AnswerEvent {
  return { type: 'raw', dialect: bedrockConverse, ...(event !== '' && { event }), data };
}

function indexOf({ contentBlockIndex: index }: JsonObject): number {
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0)
    throw badFrame('contentBlockIndex is no index');
  return index;
}

/** Only there where it was asked for, in a stream one level deeper. */
function stopSequenceOf(fields: unknown): string | undefined {
  if (!isObject(fields)) return undefined;
  const { delta, stop_sequence: sequence } = fields;
  return filledString(sequence) ?? (isObject(delta) ? filledString(delta['stop_sequence']) : undefined);
}
