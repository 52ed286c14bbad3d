import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { imageTypeOf, ollama, readDoneReason } from '../../kernel/dialects/ollama-fields.ts';
import { readUsage } from '../../kernel/dialects/ollama-usage.ts';
import { badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { errorFromComplaint, errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { TemplateLearner } from '../../kernel/text-template.ts';
import { isTransparent, unknownOfCall, unknownOfLine } from './line-shape.ts';

/** Blocks of one answer; a server that never stops calling tools is stopped here. */
const maxBlocks = 4_096;
const nothing: DecodedFrame = { events: [], transparent: true };
const role = 'assistant' as const;

interface TextBlock {
  readonly blockId: string;
  readonly learner: TemplateLearner;
}

/**
 * Decodes the lines of an answer of Ollama. Its blocks: thinking, which ends when something else begins; one text until the
 * end; one per tool call and per image, each of which comes whole in one line.
 */
export class LineDecoder implements AnswerDecoder {
  terminated = false;
  #model: string | undefined;
  #metaSent = false;
  #blocks = 0;
  #calledTools = false;
  #text: TextBlock | undefined;
  #thinking: TextBlock | undefined;
  #createdAt: unknown;

  frame(_event: string, data: string): DecodedFrame {
    if (this.terminated) return nothing;
    const text = data.trim();
    if (text === '') return nothing;
    const { document: line, strings } = parseFrame(text);
    const events = this.line(line, text);
    const transparent = isTransparent(line, text, strings, this.#model);
    const isAnswer = isObject(line['message']);
    const sameTime = line['created_at'] === this.#createdAt;
    this.#createdAt = line['created_at'];
    return {
      events: transparent && sameTime ? this.#withTemplate(events, line, text) : events,
      transparent,
      ...(isAnswer && { opens: 0 }),
    };
  }

  /** The events of one line. Throws where it reports an error. */
  line(line: JsonObject, data: string): AnswerEvent[] {
    const error = errorOfLine(line);
    if (error !== undefined) throw error;
    const { message, done } = line;
    if (message !== undefined && message !== null && !isObject(message)) throw badFrame('message is no object');
    if (!isObject(message) && done !== true) return [{ type: 'raw', dialect: ollama, data }];
    const events: AnswerEvent[] = [];
    this.#readMeta(line, events);
    if (isObject(message)) this.#readMessage(message, line['logprobs'], events);
    if (done === true) this.#readDone(line, events);
    this.#keepUnknown(line, events);
    return events;
  }

  /** A line that says `done` is the only end that the format has. */
  end(): readonly AnswerEvent[] {
    if (!this.terminated) throw new SluiceError('UPSTREAM_TRUNCATED');
    return [];
  }

  /** The events that are missing in an answer that came whole. */
  complete(): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    if (!this.terminated) this.#finish(undefined, events);
    return events;
  }

  #readMeta(line: JsonObject, events: AnswerEvent[]): void {
    const model = filledString(line['model']);
    if (this.#metaSent && (this.#model !== undefined || model === undefined)) return;
    const isFirst = !this.#metaSent;
    this.#model ??= model;
    this.#metaSent = true;
    const created = typeof line['created_at'] === 'string' ? Date.parse(line['created_at']) / 1_000 : Number.NaN;
    events.push({
      type: 'response.meta',
      provider: ollama,
      ...(model !== undefined && { model }),
      ...(created > 0 && isFirst && { created: Math.floor(created) }),
      ...(isFirst && { role }),
    });
  }

  #readMessage(message: JsonObject, logprobs: unknown, events: AnswerEvent[]): void {
    const { content, thinking, images, tool_calls: calls } = message;
    const probabilities = Array.isArray(logprobs) && logprobs.length > 0 ? { logprobs: { content: logprobs } } : {};
    const thought = filledString(thinking);
    const text = filledString(content);
    if (thought !== undefined) {
      this.#thinking ??= this.#openText('reasoning', 'thinking', events);
      const { blockId } = this.#thinking;
      events.push({ type: 'text.delta', blockId, role, text: thought, ...(text === undefined && probabilities) });
    }
    if (text !== undefined) {
      this.#closeThinking(events);
      // One block until the end: clients join the pieces, whatever came between them, and so must a word mask.
      this.#text ??= this.#openText('text', 'content', events);
      events.push({ type: 'text.delta', blockId: this.#text.blockId, role, text, ...probabilities });
    }
    if (Array.isArray(images)) for (const image of images as unknown[]) this.#readImage(image, events);
    if (!Array.isArray(calls)) return;
    for (const call of calls as unknown[]) {
      if (!isObject(call)) throw badFrame('an entry of tool_calls is no object');
      this.#readCall(call, events);
    }
  }

  #readImage(image: unknown, events: AnswerEvent[]): void {
    const base64 = filledString(image);
    if (base64 === undefined) return;
    this.#closeThinking(events);
    const mediaType = imageTypeOf(base64);
    const ofType = mediaType === undefined ? {} : { mediaType };
    const blockId = this.#openBlock({ kind: 'image', ...ofType }, events);
    events.push({ type: 'media.delta', blockId, ...ofType, base64 }, { type: 'block.end', blockId });
  }

  #readCall(call: JsonObject, events: AnswerEvent[]): void {
    this.#closeThinking(events);
    this.#calledTools = true;
    const inner = isObject(call['function']) ? call['function'] : {};
    const { index, arguments: args } = inner;
    const name = filledString(inner['name']);
    const callId = filledString(call['id']);
    const unknown = unknownOfCall(call);
    const blockId = this.#openBlock(
      {
        kind: 'tool_call',
        ...(typeof index === 'number' && Number.isInteger(index) && index >= 0 && { nativeIndex: index }),
        ...(name !== undefined && { name }),
        ...(callId !== undefined && { callId }),
        ...(unknown && { ext: { [ollama]: { message: { tool_calls: unknown } } } }),
      },
      events,
    );
    const json = typeof args === 'string' ? args : JSON.stringify(args ?? {});
    events.push({ type: 'toolArgs.delta', blockId, json }, { type: 'block.end', blockId });
  }

  #readDone(line: JsonObject, events: AnswerEvent[]): void {
    this.#finish(filledString(line['done_reason']), events);
    const usage = readUsage(line);
    if (usage !== undefined) events.push(usage);
  }

  #finish(word: string | undefined, events: AnswerEvent[]): void {
    this.#closeThinking(events);
    if (this.#blocks === 0) this.#text = this.#openText('text', 'content', events);
    if (this.#text !== undefined) events.push({ type: 'block.end', blockId: this.#text.blockId });
    this.#text = undefined;
    const unified = readDoneReason(word ?? 'stop', this.#calledTools);
    events.push({
      type: 'finish',
      reason: { unified, ...(word !== undefined && { raw: word }) },
      ...(word === undefined && { synthetic: true }),
    });
    this.terminated = true;
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

  #openText(kind: 'text' | 'reasoning', field: string, events: AnswerEvent[]): TextBlock {
    const learner = new TemplateLearner({
      dialect: ollama,
      read: (document) => textOf(document, field),
      lead: '',
      end: '\n',
    });
    return { blockId: this.#openBlock({ kind }, events), learner };
  }

  #closeThinking(events: AnswerEvent[]): void {
    if (this.#thinking === undefined) return;
    events.push({ type: 'block.end', blockId: this.#thinking.blockId });
    this.#thinking = undefined;
  }

  /** What no event names goes with the event that is written as the line, so that its own dialect writes it again. */
  #keepUnknown(line: JsonObject, events: AnswerEvent[]): void {
    const createdAt = filledString(line['created_at']);
    const own = { ...(createdAt !== undefined && { created_at: createdAt }), ...unknownOfLine(line) };
    if (orNothing(own) === undefined) return;
    const at = carrierOf(events);
    const carrier = events[at];
    if (carrier !== undefined) events[at] = extended(carrier, own);
    const [first] = events;
    if (at > 0 && first?.type === 'response.meta' && createdAt !== undefined)
      events[0] = extended(first, { created_at: createdAt });
  }

  /**
   * Gives the line's template to a piece of text that is all that the line says. Ollama dates every line to the nanosecond,
   * so its lines are never alike and none is learned; servers that date them to the second, or not at all, have the lane.
   */
  #withTemplate(events: readonly AnswerEvent[], line: JsonObject, data: string): readonly AnswerEvent[] {
    const [event] = events;
    if (events.length !== 1 || event?.type !== 'text.delta') return events;
    const block = event.blockId === this.#text?.blockId ? this.#text : this.#thinking;
    const template = block?.learner.templateOf({ data, document: line, text: event.text });
    if (template === undefined) return events;
    // The template holds the other fields too; kept twice they would show in other dialects for some lines only.
    const { ext: _inTemplate, ...rest } = event;
    return [{ ...rest, template }];
  }
}

/** The event that a client of the format sees as the line: its end, else its first text, call or image. */
function carrierOf(events: readonly AnswerEvent[]): number {
  const end = events.findIndex(({ type }) => type === 'finish');
  if (end !== -1) return end;
  const content = events.findIndex(
    (event) =>
      event.type === 'text.delta' ||
      (event.type === 'block.start' && (event.kind === 'tool_call' || event.kind === 'image')),
  );
  return Math.max(0, content);
}

function extended(event: AnswerEvent, fields: JsonObject): AnswerEvent {
  const before = event.ext?.[ollama];
  const [ofMessage, known] = [fields['message'], before?.['message']];
  const message = { ...(isObject(known) && known), ...(isObject(ofMessage) && ofMessage) };
  return {
    ...event,
    ext: { ...event.ext, [ollama]: { ...before, ...fields, ...(orNothing(message) && { message }) } },
  };
}

/** In a stream the server repeats what it was told itself in the words of HTTP, such as `401 Unauthorized: no key`. */
function statusInWords(message = ''): number | undefined {
  const [, status] = /^([45]\d\d) [A-Z][A-Za-z -]*(?::|$)/.exec(message) ?? [];
  if (status !== undefined) return Number(status);
  return message === 'unauthorized' ? 401 : undefined;
}

/** Errors are strings, some with a status beside them. */
function errorOfLine(line: JsonObject): SluiceError | undefined {
  const message = filledString(line['error']);
  const status =
    [line['status_code'], line['status']].find(
      (value) => typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599,
    ) ?? statusInWords(message);
  if (message === undefined || typeof status !== 'number') return errorInDocument(line);
  return errorFromComplaint({ message, words: '', status });
}

/** The text of the one block in a line, for the verification of templates. */
function textOf(document: unknown, field: string): string | undefined {
  const message: unknown = isObject(document) && document['done'] !== true ? document['message'] : undefined;
  return isObject(message) ? filledString(message[field]) : undefined;
}
