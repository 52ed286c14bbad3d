import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { errorFromComplaint, errorFromEvent, errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { TemplateLearner } from '../../kernel/text-template.ts';
import { cohere, readCitation, readFinishReason, readUsage } from './answer-parts.ts';
import { isTransparent } from './frame-shape.ts';

/** Blocks of one answer; a provider that never stops opening them is stopped here. */
const maxBlocks = 4_096;
const nothing: DecodedFrame = { events: [], transparent: true };
const role = 'assistant' as const;

interface TextBlock {
  readonly blockId: string;
  readonly field: 'text' | 'thinking' | 'tool_plan';
  readonly index: number;
  /** Made for the second piece: learning costs as much as ten frames, and many blocks are one piece. */
  learner: TemplateLearner | undefined;
  pieces: number;
}

interface ToolCall {
  readonly blockId: string;
  hasArguments: boolean;
}

/**
 * Decodes the events of a streamed answer of Cohere's v2 chat API. The plan that a model makes before it calls tools, and
 * its thinking, are reasoning. A text block stays open behind its `content-end`, for the citations that may follow.
 */
export class CohereStreamDecoder implements AnswerDecoder {
  terminated = false;
  readonly #model: string;
  readonly #calls = new Map<number, ToolCall>();
  #text: TextBlock | undefined;
  #blocks = 0;
  #metaSent = false;
  #calledTools = false;
  #finished = false;

  /** `model` is what was asked for: the answer does not name one. */
  constructor(model: string) {
    this.#model = model;
  }

  frame(event: string, data: string): DecodedFrame {
    if (this.terminated) return nothing;
    const text = data.trim();
    if (text === '') return nothing;
    if (text === '[DONE]') return this.#terminate();
    if (event === 'error') throw errorFromEvent(text);
    const { document: frame, strings } = parseFrame(text);
    const type = filledString(frame['type']) ?? event;
    const events = this.read(frame, type, event, text);
    const transparent = isTransparent(frame, type, text, strings) && (event === '' || event === type);
    return { events: transparent ? this.#withTemplate(events, frame, event, data) : events, transparent };
  }

  /** The events of one frame. Throws where it reports an error. */
  read(frame: JsonObject, type: string, event: string, data: string): AnswerEvent[] {
    const error = errorOfFrame(frame, type);
    if (error !== undefined) throw error;
    const events: AnswerEvent[] = [];
    const delta = isObject(frame['delta']) ? frame['delta'] : {};
    const message = isObject(delta['message']) ? delta['message'] : {};
    const index = indexOf(frame);
    if (!isKnown(type)) return [{ type: 'raw', dialect: cohere, ...(event !== '' && { event }), data }];
    if (this.#finished) return [];
    if (!this.#metaSent) this.#sendMeta(filledString(frame['id']), events);
    switch (type) {
      case 'content-start':
      case 'content-delta':
        this.content(message['content'], index, type === 'content-start', events);
        break;
      case 'tool-plan-delta':
        this.text('tool_plan', -1, filledString(message['tool_plan']) ?? '', events);
        break;
      case 'tool-call-start':
        this.startCall(first(message['tool_calls']), index, events);
        break;
      case 'tool-call-delta':
        this.#continueCall(first(message['tool_calls']), index, events);
        break;
      case 'tool-call-end':
        this.endCall(index, events);
        break;
      case 'citation-start':
        if (!this.cite(first(message['citations']), events))
          events.push({ type: 'raw', dialect: cohere, ...(event !== '' && { event }), data });
        break;
      case 'message-end':
        this.finish(filledString(delta['finish_reason']), delta['usage'], events);
        break;
      default:
    }
    return events;
  }

  /** Completes the answer where the provider had said why it ended, or that it did. */
  end(): readonly AnswerEvent[] {
    if (!this.terminated && !this.#finished) throw new SluiceError('UPSTREAM_TRUNCATED');
    const events: AnswerEvent[] = [];
    this.finish(undefined, undefined, events);
    return events;
  }

  /** An entry of `content`: the beginning of one, or a piece of it. */
  content(content: unknown, index: number, begins: boolean, events: AnswerEvent[]): void {
    if (!isObject(content)) {
      if (begins) throw badFrame('content-start holds no content');
      return;
    }
    const { type, text, thinking } = content;
    const field = type === 'thinking' || (type === undefined && typeof thinking === 'string') ? 'thinking' : 'text';
    if (begins) this.#openText(field, index, events);
    for (const [name, piece] of [
      ['thinking', filledString(thinking)],
      ['text', filledString(text)],
    ] as const)
      if (piece !== undefined) this.text(name, index, piece, events);
  }

  text(field: TextBlock['field'], index: number, text: string, events: AnswerEvent[]): void {
    if (text === '') return;
    const isOpen = this.#text?.field === field && this.#text.index === index;
    const block = isOpen && this.#text !== undefined ? this.#text : this.#openText(field, index, events);
    block.pieces += 1;
    events.push({ type: 'text.delta', blockId: block.blockId, role, text });
  }

  startCall(call: JsonObject, index: number, events: AnswerEvent[]): void {
    this.#closeText(events);
    this.endCall(index, events);
    this.#calledTools = true;
    const inner = isObject(call['function']) ? call['function'] : {};
    const name = filledString(inner['name']);
    const callId = filledString(call['id']);
    const blockId = this.#openBlock(
      {
        kind: 'tool_call',
        nativeIndex: index,
        ...(name !== undefined && { name }),
        ...(callId !== undefined && { callId }),
      },
      events,
    );
    const entry = { blockId, hasArguments: false };
    this.#calls.set(index, entry);
    this.#pushArguments(entry, inner['arguments'], events);
  }

  endCall(index: number, events: AnswerEvent[]): void {
    const call = this.#calls.get(index);
    if (call === undefined) return;
    this.#calls.delete(index);
    const { blockId } = call;
    // A call of a tool without parameters comes without a character of JSON, which no client can parse.
    if (!call.hasArguments) events.push({ type: 'toolArgs.delta', blockId, json: '{}', synthetic: true });
    events.push({ type: 'block.end', blockId });
  }

  /** False where the text that is cited is not open. */
  cite(citation: JsonObject, events: AnswerEvent[]): boolean {
    const block = this.#text;
    const { content_index: index, type } = citation;
    const isOfBlock =
      block !== undefined &&
      (block.field === 'tool_plan') === (type === 'PLAN') &&
      (typeof index !== 'number' || block.field === 'tool_plan' || block.index === index);
    if (isOfBlock) events.push({ type: 'annotation', blockId: block.blockId, ...readCitation(citation) });
    return isOfBlock;
  }

  finish(word: string | undefined, usage: unknown, events: AnswerEvent[]): void {
    if (!this.#metaSent) this.#sendMeta(undefined, events);
    if (this.#finished) return;
    this.#finished = true;
    const unified = word === undefined ? (this.#calledTools ? 'tool_calls' : 'stop') : readFinishReason(word);
    // With nothing said before it, it is no end of an answer: another attempt may have one.
    if (unified === 'error' && this.#blocks === 0)
      throw errorFromComplaint({ message: `finish_reason ${word ?? ''}`, words: '', status: undefined });
    for (const index of this.#calls.keys()) this.endCall(index, events);
    if (this.#blocks === 0) this.#openText('text', 0, events);
    this.#closeText(events);
    events.push({
      type: 'finish',
      reason: { unified, ...(word !== undefined && { raw: word }) },
      ...(word === undefined && { synthetic: true }),
    });
    if (isObject(usage)) events.push(readUsage(usage));
  }

  #terminate(): DecodedFrame {
    this.terminated = true;
    return nothing;
  }

  #sendMeta(responseId: string | undefined, events: AnswerEvent[]): void {
    this.#metaSent = true;
    events.push({
      type: 'response.meta',
      provider: cohere,
      model: this.#model,
      role,
      ...(responseId !== undefined && { responseId }),
    });
  }

  #continueCall(call: JsonObject, index: number, events: AnswerEvent[]): void {
    const entry = this.#calls.get(index);
    if (entry === undefined) throw badFrame('arguments of a call that has not begun');
    if (isObject(call['function'])) this.#pushArguments(entry, call['function']['arguments'], events);
  }

  #pushArguments(call: ToolCall, value: unknown, events: AnswerEvent[]): void {
    const json = isObject(value) ? JSON.stringify(value) : filledString(value);
    if (json === undefined) return;
    call.hasArguments = true;
    events.push({ type: 'toolArgs.delta', blockId: call.blockId, json });
  }

  #openText(field: TextBlock['field'], index: number, events: AnswerEvent[]): TextBlock {
    this.#closeText(events);
    const blockId = this.#openBlock({ kind: field === 'text' ? 'text' : 'reasoning' }, events);
    this.#text = { blockId, field, index, learner: undefined, pieces: 0 };
    return this.#text;
  }

  #closeText(events: AnswerEvent[]): void {
    if (this.#text !== undefined) events.push({ type: 'block.end', blockId: this.#text.blockId });
    this.#text = undefined;
  }

  #openBlock(
    start: Omit<EventOfType<'block.start'>, 'type' | 'blockId' | 'role' | 'index'>,
    events: AnswerEvent[],
  ): string {
    if (this.#blocks >= maxBlocks) throw badFrame(`more than ${maxBlocks} blocks in one answer`);
    const blockId = `b${this.#blocks}`;
    events.push({ type: 'block.start', blockId, role, index: this.#blocks, ...start });
    this.#blocks += 1;
    return blockId;
  }

  /** Gives the frame's template to a piece of text that is all that the frame says. */
  #withTemplate(
    events: readonly AnswerEvent[],
    document: JsonObject,
    event: string,
    data: string,
  ): readonly AnswerEvent[] {
    const [delta] = events;
    const block = this.#text;
    if (events.length !== 1 || delta?.type !== 'text.delta' || block === undefined || block.pieces < 2) return events;
    block.learner ??= new TemplateLearner({
      dialect: cohere,
      read: (frame) => textOf(frame, block),
      lead: event === '' ? 'data: ' : `event: ${event}\ndata: `,
    });
    const template = block.learner.templateOf({ data, document, text: delta.text });
    return template === undefined ? events : [{ ...delta, template }];
  }
}

const types: ReadonlySet<string> = new Set([
  'message-start',
  'content-start',
  'content-delta',
  'content-end',
  'tool-plan-delta',
  'tool-call-start',
  'tool-call-delta',
  'tool-call-end',
  'citation-start',
  'citation-end',
  'message-end',
]);

function isKnown(type: string): boolean {
  return types.has(type);
}

/** An error in the place of a frame, or beside the reason of the end. */
function errorOfFrame(frame: JsonObject, type: string): SluiceError | undefined {
  const { delta, message, error_type: errorType } = frame;
  const reported = isObject(delta) ? filledString(delta['error']) : undefined;
  if (reported !== undefined) return errorFromComplaint({ message: reported, words: '', status: undefined });
  const words = filledString(message);
  if (type === '' && words !== undefined)
    return errorFromComplaint({
      message: words,
      words: (filledString(errorType) ?? '').toLowerCase(),
      status: undefined,
    });
  return errorInDocument(frame);
}

/** The text of the one block in a frame, for the verification of templates. */
function textOf(frame: unknown, { field, index }: TextBlock): string | undefined {
  const delta: unknown =
    isObject(frame) && (field === 'tool_plan' || indexOf(frame) === index) ? frame['delta'] : undefined;
  const message: unknown = isObject(delta) ? delta['message'] : undefined;
  if (!isObject(message)) return undefined;
  if (field === 'tool_plan') return filledString(message['tool_plan']);
  return isObject(message['content']) ? filledString(message['content'][field]) : undefined;
}

function indexOf(frame: JsonObject): number {
  const { index } = frame;
  return typeof index === 'number' && Number.isInteger(index) && index >= 0 ? index : 0;
}

/** The API writes one object where another version of it writes a list. */
function first(value: unknown): JsonObject {
  const item: unknown = Array.isArray(value) ? value[0] : value;
  return isObject(item) ? item : {};
}
