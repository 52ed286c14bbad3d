import { anthropicMessages, extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import type { DecodedFrame, EncodeContext, StreamEncoder } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType, TextTemplate } from '../../kernel/event.ts';
import { escapeJson, escapeJsonText, fromLatin1, unescapeJson } from '../../kernel/json/json-text.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';
import { contentBlock, formOf, isReopenable, signatureText, toolId } from './block-form.ts';
import { followsNative, isCopyable } from './copyable.ts';
import { messageFrame } from './message-parts.ts';
import { MessageState } from './message-state.ts';
import { readUnknown } from './read-unknown.ts';
import { newBlock, sizeOf, type BlockState } from './stream-state.ts';

/** Characters of other blocks that wait until an open tool call is whole. */
const maxWaiting = 16_777_216;

type OfBlock = Extract<AnswerEvent, { readonly blockId: string }>;

/**
 * Writes the named events of one message. Its blocks stand one after the other: a text that goes on while something else
 * is said becomes several blocks, and what comes while a tool call is not whole waits for it. The reason and the usage go
 * out at the end, when all is known.
 */
export class MessageStreamEncoder implements StreamEncoder {
  readonly heartbeat = sseFrame('{"type":"ping"}', 'ping');
  readonly #context: EncodeContext;
  readonly #writeError: (error: SluiceError, requestId: string) => JsonObject;
  readonly #blocks = new Map<string, BlockState>();
  /** Blocks with something that waits, in the order in which they began to. */
  readonly #queue = new Set<BlockState>();
  #waiting = 0;
  /** The block that is open at the client. */
  #current: BlockState | undefined;
  #nextIndex = 0;
  readonly #message: MessageState;

  constructor(context: EncodeContext, writeError: (error: SluiceError, requestId: string) => JsonObject) {
    this.#context = context;
    this.#message = new MessageState(context);
    this.#writeError = writeError;
  }

  encode(event: AnswerEvent): string {
    const frames = this.#encode(event);
    return this.#queue.size === 0 ? frames : frames + this.#drain();
  }

  accepts(blockId: string, template: TextTemplate): boolean {
    const block = this.#blocks.get(blockId);
    return (
      template.dialect === anthropicMessages &&
      block !== undefined &&
      this.#current === block &&
      isReopenable(block.form) &&
      followsNative(block)
    );
  }

  encodeText(blockId: string, template: TextTemplate, json: string): string {
    const block = this.#blocks.get(blockId);
    if (json === '' || block === undefined || !isReopenable(block.form)) return '';
    if (this.#mustWait(block)) {
      const { role } = block.start;
      return this.#keep(block, { type: 'text.delta', blockId, role, text: unescapeJson(fromLatin1(json)) });
    }
    const lead = this.#open(block);
    if (template.dialect === anthropicMessages && followsNative(block))
      return lead + template.before + json + template.after + (template.tail ?? '');
    return lead + block.before + json + block.after;
  }

  /**
   * A frame goes out as it came while blocks have the places that their provider gave them, and while it is sure that all
   * in it was read: a client skips a frame without its name.
   */
  copies(frame: DecodedFrame): boolean {
    const { events, transparent, opens } = frame;
    if (!transparent || this.#queue.size > 0) return false;
    if (this.#message.started ? opens !== undefined : opens !== 0) return false;
    if (this.#message.isEnding || !isCopyable(events, this.#current, this.#nextIndex)) return false;
    for (const event of events) this.#note(event);
    if (events.some(({ type }) => type === 'finish')) this.#message.endTold = true;
    this.#message.started = true;
    return true;
  }

  fail(error: SluiceError): string {
    return sseFrame(JSON.stringify(this.#writeError(error, this.#context.run.id)), 'error');
  }

  end(): string {
    let frames = this.#message.start();
    while (this.#queue.size > 0) frames += this.#close() + this.#drain();
    return frames + this.#close() + this.#message.end() + messageFrame('message_stop');
  }

  #encode(event: AnswerEvent): string {
    if ('choice' in event && event.choice !== undefined && event.choice > 0) {
      this.#context.run.lose('answer.choices');
      return '';
    }
    switch (event.type) {
      case 'response.meta':
        this.#message.takeMeta(event);
        return '';
      case 'block.start':
        return this.#startBlock(event);
      case 'text.delta':
      case 'toolArgs.delta':
      case 'annotation':
      case 'reasoning.signature':
      case 'block.end': {
        const block = this.#blocks.get(event.blockId);
        return block === undefined ? '' : this.#ofBlock(block, event);
      }
      case 'usage':
        this.#message.takeUsage(event);
        return '';
      case 'finish':
        this.#message.takeFinish(event);
        return '';
      case 'safety':
        this.#context.run.lose('answer.safety');
        return '';
      case 'raw':
        return event.dialect === anthropicMessages ? this.#unknown(event) : '';
      default:
        return '';
    }
  }

  /** An event that nobody here knows. What belongs to a block is told under the place of the block. */
  #unknown(event: EventOfType<'raw'>): string {
    const unknown = readUnknown(event);
    if (unknown === undefined) return '';
    const { name, document } = unknown;
    if (name === 'message_delta') {
      const { type: _type, usage: _usage, ...fields } = document;
      this.#message.keepEnd(fields);
      return '';
    }
    if (document['index'] === undefined) return this.#message.start() + sseFrame(JSON.stringify(document), name);
    const block = this.#current;
    if (block === undefined || block.start.nativeIndex !== document['index']) return '';
    return sseFrame(JSON.stringify({ ...document, index: block.index }), name);
  }

  // ---- blocks ----

  #startBlock(event: EventOfType<'block.start'>): string {
    const form = formOf(event, this.#message.isOwn, this.#context.run);
    if (form === undefined) return '';
    const block = newBlock(form, event);
    this.#blocks.set(event.blockId, block);
    return this.#ofBlock(block, event);
  }

  /** Writes an event of a block, now or when the open tool call is whole. */
  #ofBlock(block: BlockState, event: OfBlock): string {
    if (this.#mustWait(block)) return this.#keep(block, event);
    switch (event.type) {
      case 'block.start':
        return this.#isOpenedAtOnce(block) ? this.#open(block) : '';
      case 'text.delta':
        return this.#text(block, event);
      case 'toolArgs.delta':
        return this.#arguments(block, event.json ?? '', extensionOf(event));
      case 'annotation':
        return this.#citation(block, event);
      case 'reasoning.signature':
        return this.#signature(block, event);
      case 'block.end':
        return this.#endBlock(block, event);
      default:
        return '';
    }
  }

  /**
   * A text begins with its first piece: providers of other formats open blocks in which nothing is said, and an empty
   * text can't be sent back to Anthropic. Blocks of this format keep their places.
   */
  #isOpenedAtOnce({ form, start }: BlockState): boolean {
    if (form === 'redacted') return false;
    return !isReopenable(form) || (this.#message.isOwn && start.nativeIndex !== undefined);
  }

  #mustWait(block: BlockState): boolean {
    const current = this.#current;
    if (current === undefined || current === block) return false;
    return !isReopenable(current.form) && !current.progress.complete;
  }

  #keep(block: BlockState, event: AnswerEvent): string {
    this.#waiting += sizeOf(event);
    if (this.#waiting > maxWaiting) throw new SluiceError('ANSWER_TOO_LARGE', { details: { limit: maxWaiting } });
    block.waiting.push(event);
    this.#queue.add(block);
    return '';
  }

  /** Writes what has waited, block by block, up to the next tool call that is not whole. */
  #drain(): string {
    let frames = '';
    for (const block of this.#queue) {
      if (this.#mustWait(block)) break;
      this.#queue.delete(block);
      const events = block.waiting;
      block.waiting = [];
      for (const event of events) {
        this.#waiting -= sizeOf(event);
        if ('blockId' in event) frames += this.#ofBlock(block, event);
      }
    }
    return frames;
  }

  /** Makes a block the open one. A call that was ended before its provider ended it is not taken up again. */
  #open(block: BlockState, further: JsonObject = {}): string {
    if (this.#current === block) return '';
    const lead = this.#message.start() + this.#close();
    const index = this.#place(block);
    const { form, start, opened } = block;
    block.opened = true;
    this.#message.endTold = false;
    const { content_block: _block, ...ofFrame } = opened ? {} : (extensionOf(start) ?? {});
    const content = { ...contentBlock(form, start, toolId(this.#context.run.id, index), !opened), ...further };
    return lead + messageFrame('content_block_start', { index, content_block: content, ...ofFrame });
  }

  #place(block: BlockState): number {
    const { form, start } = block;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    this.#current = block;
    block.index = index;
    const [type, field] = form === 'thinking' ? ['thinking_delta', 'thinking'] : ['text_delta', 'text'];
    const delta = `{"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${field}":"`;
    block.before = `event: content_block_delta\ndata: ${delta}`;
    block.after = '"}}\n\n';
    this.#message.said.called ||= form === 'tool' || form === 'custom';
    this.#message.said.refused ||= start.kind === 'refusal';
    return index;
  }

  #close(extension: JsonObject = {}): string {
    const block = this.#current;
    if (block === undefined) return '';
    const { index, form } = block;
    const rest = block.hasInput || form !== 'tool' ? '' : this.#arguments(block, '{}', undefined);
    const tail =
      form === 'custom' ? this.#delta(block, { type: 'input_json_delta', partial_json: customEnd(block) }) : '';
    this.#current = undefined;
    block.index = undefined;
    block.closed = !isReopenable(form);
    return rest + tail + messageFrame('content_block_stop', { index, ...extension });
  }

  #endBlock(block: BlockState, event: EventOfType<'block.end'>): string {
    this.#blocks.delete(event.blockId);
    if (this.#current !== block) return '';
    // Arguments that came in a form without fragments (values by path) go out whole.
    const { final } = event;
    const isUnsaid = final !== undefined && !block.hasInput && (block.form === 'tool' || block.form === 'custom');
    const whole = isUnsaid
      ? this.#arguments(block, typeof final === 'string' ? final : JSON.stringify(final), undefined)
      : '';
    return whole + this.#close(extensionOf(event));
  }

  #delta(block: BlockState, delta: JsonObject, extension?: JsonObject): string {
    const { delta: unknown, ...further } = extension ?? {};
    const whole = { ...delta, ...(isObject(unknown) && unknown) };
    return messageFrame('content_block_delta', { index: block.index, delta: whole, ...further });
  }

  #text(block: BlockState, event: EventOfType<'text.delta'>): string {
    const { text, template, logprobs } = event;
    if (logprobs !== undefined) this.#context.run.lose('answer.logprobs');
    if (text === '' || !isReopenable(block.form)) return '';
    if (template !== undefined) return this.encodeText(event.blockId, template, escapeJsonText(text));
    const lead = this.#open(block);
    const extension = extensionOf(event);
    if (extension === undefined) return lead + block.before + escapeJsonText(text) + block.after;
    const delta = block.form === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text };
    return lead + this.#delta(block, delta, extension);
  }

  #arguments(block: BlockState, json: string, extension: JsonObject | undefined): string {
    if (json === '' || block.closed || isReopenable(block.form) || block.form === 'redacted') return '';
    const isFirst = !block.hasInput;
    block.hasInput = true;
    if (block.form === 'tool') block.progress.push(json);
    const piece = block.form === 'custom' ? (isFirst ? customStart : '') + escapeJson(json) : json;
    return this.#delta(block, { type: 'input_json_delta', partial_json: piece }, extension);
  }

  /** Other formats' citations lack what this one demands of each, such as an encrypted index. */
  #citation(block: BlockState, event: EventOfType<'annotation'>): string {
    if (event.dialect !== anthropicMessages || block.form !== 'text') {
      this.#context.run.lose('answer.citations');
      return '';
    }
    const delta = { type: 'citations_delta', citation: event.annotation };
    return this.#open(block) + this.#delta(block, delta, extensionOf(event));
  }

  #signature(block: BlockState, event: EventOfType<'reasoning.signature'>): string {
    const signature = signatureText(event, this.#message.provider);
    // It comes with the start of such a block, and the provider's own fields of the frame stand there.
    if (block.form === 'redacted') return block.opened ? '' : this.#open(block, { data: signature });
    if (block.form !== 'thinking') return '';
    return this.#open(block) + this.#delta(block, { type: 'signature_delta', signature }, extensionOf(event));
  }

  // ---- frames that are copied ----

  /** Takes an event for written. */
  #note(event: AnswerEvent): void {
    switch (event.type) {
      case 'response.meta':
        this.#message.takeMeta(event);
        return;
      case 'usage':
        this.#message.takeUsage(event);
        return;
      case 'block.start': {
        const form = formOf(event, true, this.#context.run);
        if (form === undefined) return;
        const block = newBlock(form, event);
        this.#blocks.set(event.blockId, block);
        this.#place(block);
        block.opened = true;
        return;
      }
      case 'toolArgs.delta':
        if (this.#current !== undefined) this.#current.hasInput = true;
        return;
      case 'block.end':
        this.#blocks.delete(event.blockId);
        this.#current = undefined;
        return;
      case 'finish':
        this.#message.takeFinish(event);
        return;
      default:
    }
  }
}

const customStart = '{"input":"';

/** What makes the free text of a custom tool an object: a tool of this format has nothing else for its input. */
function customEnd({ hasInput }: BlockState): string {
  return hasInput ? '"}' : `${customStart}"}`;
}
