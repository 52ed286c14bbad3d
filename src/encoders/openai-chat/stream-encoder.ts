import { mergeUsage, type UsageFold } from '../../kernel/answer.ts';
import type { DecodedFrame, EncodeContext, StreamEncoder } from '../../kernel/component.ts';
import type { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType, TextTemplate } from '../../kernel/event.ts';
import { escapeJsonText, unescapeJsonText } from '../../kernel/json/json-text.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import type { AnswerLoss } from '../../kernel/losses.ts';
import { extensionOf, openaiChat, writeFinishReason } from '../../kernel/dialects/openai-chat-fields.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { audioDelta, isReasoning, lossesOfFinish, lossOf, writeCitation, writeImage } from './foreign-parts.ts';
import { ReasoningEntries } from './reasoning-entries.ts';
import type { ChoiceState, OpenBlock } from './stream-state.ts';
import {
  argumentsDelta,
  fillDetails,
  hasOtherIdentity,
  isCall,
  isOnlyMarker,
  rawName,
  readRaw,
  signatureDetail,
  textField,
  toolStart,
  usageFields,
} from './chunk-parts.ts';

/** Characters of one block of reasoning, JSON-escaped, that are kept for the entry of its proof. */
const maxReasoning = 8_388_608;
/** Stands for the text while the own frame of a block is made; JSON leaves it as it is. */
const place = '~text~';

/**
 * Writes chunks as the official clients demand them: the role in the first delta of each choice, one id, model and date
 * for all chunks, an index in every tool call, and usage once, only for a client that asked for it.
 */
export class ChatStreamEncoder implements StreamEncoder {
  readonly heartbeat = ': hb\n\n';
  readonly #context: EncodeContext;
  readonly #writeError: (error: SluiceError) => JsonObject;
  readonly #chunks: ChunkWriter;
  readonly #choices = new Map<number, ChoiceState>();
  readonly #blocks = new Map<string, OpenBlock>();
  #usage: UsageFold | undefined;

  constructor(context: EncodeContext, writeError: (error: SluiceError) => JsonObject) {
    this.#context = context;
    this.#chunks = new ChunkWriter(context);
    this.#writeError = writeError;
  }

  encode(event: AnswerEvent): string {
    switch (event.type) {
      case 'response.meta':
        this.#chunks.learn(event);
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
        return this.#safety(event);
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event);
        return '';
      case 'finish':
        return this.#finish(event);
      case 'raw':
        return event.dialect === openaiChat ? this.#raw(event) : '';
      default:
        return '';
    }
  }

  accepts(_blockId: string, template: TextTemplate): boolean {
    return template.dialect === openaiChat && this.#chunks.isIdentityOfProvider();
  }

  encodeText(blockId: string, template: TextTemplate, json: string): string {
    if (json === '') return '';
    if (this.accepts(blockId, template)) return template.before + json + template.after + (template.tail ?? '');
    const block = this.#blocks.get(blockId);
    if (block === undefined || block.field === undefined) return '';
    this.#keepReasoning(block, json);
    const { before, after } = this.#frameOf(block, block.field);
    return before + json + after;
  }

  /**
   * A frame that says more than the client asked for (usage), or that an official client would refuse (no role, another
   * id, a tool call under another index), is written anew, and so is the one that fields of an earlier one go out with.
   */
  copies(frame: DecodedFrame): boolean {
    const { events, opens } = frame;
    if (this.#chunks.pending !== undefined) return false;
    if (!events.every((event) => this.#copies(event, opens))) return false;
    if (!this.#chunks.hasIdentity ? !this.#isNamedBy(events) : !this.#chunks.isIdentityOfProvider()) return false;
    for (const event of events) if (event.type === 'response.meta' || event.type === 'block.start') this.encode(event);
    if (opens !== undefined) this.#choice(opens).started = true;
    // They went out with the frame.
    this.#chunks.pending = undefined;
    this.#chunks.fixIdentity();
    return true;
  }

  /** The provider's id is known here too: a step may hold the event that tells it while a frame without events passes. */
  #isNamedBy(events: readonly AnswerEvent[]): boolean {
    return this.#chunks.responseId !== undefined || events.some((event) => event.type === 'response.meta');
  }

  #copies(event: AnswerEvent, opens: number | undefined): boolean {
    switch (event.type) {
      case 'response.meta':
        return (
          this.#chunks.hasIdentity ||
          (opens !== undefined && event.responseId !== undefined && event.model !== undefined)
        );
      case 'block.start':
        return (
          textField(event.kind, undefined) !== undefined &&
          (opens === (event.choice ?? 0) || this.#choice(event.choice).started)
        );
      case 'usage':
      case 'raw':
        return false;
      case 'toolArgs.delta':
        return this.#blocks.get(event.blockId)?.sameIndex === true;
      default:
        return !hasOtherIdentity(extensionOf(event));
    }
  }

  fail(error: SluiceError): string {
    return sseFrame(JSON.stringify({ error: this.#writeError(error) }));
  }

  end(): string {
    const { settings } = this.#context.request;
    const usage = settings.includeUsage === true ? usageFields(this.#usage, this.#chunks.isOwn) : undefined;
    const last = usage === undefined && this.#chunks.pending === undefined ? '' : this.#chunks.chunk([], usage ?? {});
    return `${last}${sseFrame('[DONE]')}`;
  }

  /** A chunk with one delta. `extension` is what the provider said beside it, in its places. */
  #delta(
    choice: ChoiceState,
    delta: JsonObject,
    extension: JsonObject | undefined,
    reason: string | null = null,
    logprobs?: unknown,
  ): string {
    const { choices, id: _id, model: _model, ...ofChunk } = extension ?? {};
    const { delta: unknownDelta, ...ofChoice } = isObject(choices) ? choices : {};
    const role = this.#takeRole(choice, delta);
    const {
      reasoning: _reasoning,
      reasoning_details: _details,
      tool_calls: _calls,
      function_call: _call,
      audio: _audio,
      ...ofDelta
    } = isObject(unknownDelta) ? unknownDelta : {};
    const entry = {
      index: choice.index,
      delta: { ...role, ...ofDelta, ...delta },
      ...(logprobs !== undefined && { logprobs }),
      finish_reason: reason,
      ...ofChoice,
    };
    return this.#chunks.chunk([entry], ofChunk);
  }

  #takeRole(choice: ChoiceState, delta: JsonObject): JsonObject {
    if (choice.started) return {};
    choice.started = true;
    const isText = Object.keys(delta).length === 0 || delta['content'] !== undefined;
    return { role: 'assistant', content: isText ? '' : null };
  }

  #choice(index = 0): ChoiceState {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = { index, started: false, toolCalls: 0, hasRefusal: false, reasoning: new ReasoningEntries() };
      this.#choices.set(index, choice);
    }
    return choice;
  }

  #ofBlock(event: { readonly blockId: string } & Pick<AnswerEvent, 'ext'>, delta: JsonObject): string {
    const block = this.#blocks.get(event.blockId);
    return block === undefined ? '' : this.#delta(block.choice, delta, extensionOf(event));
  }

  #startBlock(event: EventOfType<'block.start'>): string {
    const choice = this.#choice(event.choice);
    const delta = level(level(extensionOf(event), 'choices'), 'delta');
    const isTool = isCall(event.kind);
    choice.hasRefusal ||= event.kind === 'refusal';
    const isLegacy = isTool && delta?.['function_call'] !== undefined;
    // Counted here: other formats count all blocks, as some servers of this one do, and official clients take no gaps.
    const toolIndex = isTool && !isLegacy ? choice.toolCalls : undefined;
    if (isTool) choice.toolCalls += 1;
    const sameIndex = isLegacy || toolIndex === event.nativeIndex;
    const fallbackId = `call_${this.#context.run.id}_${choice.toolCalls - 1}`;
    const proof = isReasoning(event.kind)
      ? []
      : choice.reasoning.before(isTool ? (event.callId ?? fallbackId) : undefined);
    this.#blocks.set(event.blockId, {
      choice,
      kind: event.kind,
      field: textField(event.kind, delta),
      toolIndex,
      sameIndex,
      frame: undefined,
      hasArguments: false,
      reasoning: '',
      media: [],
    });
    return this.#details(choice, proof) + this.#beginBlock(event, choice, toolIndex, fallbackId);
  }

  #beginBlock(
    event: EventOfType<'block.start'>,
    choice: ChoiceState,
    toolIndex: number | undefined,
    fallbackId: string,
  ): string {
    const extension = extensionOf(event);
    const delta = level(level(extension, 'choices'), 'delta');
    if (toolIndex !== undefined)
      return this.#delta(choice, { tool_calls: [toolStart(event, toolIndex, delta, fallbackId)] }, extension);
    if (isCall(event.kind))
      return this.#delta(choice, { function_call: { name: event.name ?? '', arguments: '' } }, extension);
    if (event.kind === 'image' && this.#chunks.isOwn && isObject(event.initial))
      return this.#delta(choice, { images: [event.initial] }, extension);
    const loss = lossOf(event.kind);
    if (loss !== undefined) this.#lose(loss);
    // A text says nothing yet, but the role and the provider's fields go ahead of it.
    if (textField(event.kind, delta) === undefined || (choice.started && extension === undefined)) return '';
    return choice.started && isOnlyMarker(extension) ? '' : this.#delta(choice, {}, extension);
  }

  #keepReasoning(block: OpenBlock, json: string): void {
    if (!this.#chunks.isOwn && isReasoning(block.kind) && block.reasoning.length <= maxReasoning)
      block.reasoning += json;
  }

  #details(choice: ChoiceState, details: readonly JsonObject[]): string {
    return details.length === 0 ? '' : this.#delta(choice, { reasoning_details: details }, undefined);
  }

  #text(event: EventOfType<'text.delta'>): string {
    const block = this.#blocks.get(event.blockId);
    if (block?.field === undefined || event.text === '') return '';
    const { template, text, logprobs } = event;
    if (template !== undefined) return this.encodeText(event.blockId, template, escapeJsonText(text));
    this.#keepReasoning(block, escapeJsonText(text));
    const extension = extensionOf(event);
    if (extension === undefined && logprobs === undefined && this.#chunks.pending === undefined) {
      const { before, after } = this.#frameOf(block, block.field);
      return before + escapeJsonText(text) + after;
    }
    const details: unknown = level(level(extension, 'choices'), 'delta')?.['reasoning_details'];
    return this.#delta(
      block.choice,
      { [block.field]: text, ...(Array.isArray(details) && { reasoning_details: fillDetails(details, text) }) },
      extension,
      null,
      logprobs,
    );
  }

  /** The own frame around a piece of text. The role has been written before: a block can't hold text before it starts. */
  #frameOf(block: OpenBlock, field: string): { readonly before: string; readonly after: string } {
    if (block.frame === undefined) {
      const pending = this.#chunks.pending;
      this.#chunks.pending = undefined;
      const frame = this.#delta(block.choice, { [field]: place }, undefined);
      this.#chunks.pending = pending;
      const at = frame.lastIndexOf(place);
      block.frame = { before: frame.slice(0, at), after: frame.slice(at + place.length) };
    }
    return block.frame;
  }

  #arguments(event: EventOfType<'toolArgs.delta'>): string {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined || event.json === undefined || event.json === '' || !isCall(block.kind)) return '';
    block.hasArguments = true;
    const unknown = level(level(level(extensionOf(event), 'choices'), 'delta'), 'tool_calls') ?? {};
    return this.#ofBlock(event, argumentsDelta(block.kind, block.toolIndex, event.json, unknown));
  }

  #media(event: EventOfType<'media.delta'>): string {
    const block = this.#blocks.get(event.blockId);
    if (block?.kind === 'image' && !this.#chunks.isOwn) block.media.push(event);
    if (block?.kind !== 'audio') return '';
    if (!this.#chunks.isOwn && event.base64 === undefined) this.#lose('media');
    if (event.base64 === undefined) return '';
    if (!this.#chunks.isOwn) return this.#ofBlock(event, audioDelta(event, this.#context.run.id));
    const further = level(level(level(extensionOf(event), 'choices'), 'delta'), 'audio') ?? {};
    return this.#ofBlock(event, { audio: { ...further, ...(event.base64 && { data: event.base64 }) } });
  }

  #signature(event: EventOfType<'reasoning.signature'>): string {
    if (this.#chunks.isOwn) return this.#ofBlock(event, { reasoning_details: [signatureDetail(event)] });
    const block = this.#blocks.get(event.blockId);
    if (block !== undefined) block.signature = event;
    return '';
  }

  /** Of another dialect: the whole block goes into one entry. */
  #endReasoning({ choice, kind, reasoning, signature }: OpenBlock): string {
    if (reasoning.length <= maxReasoning)
      return this.#details(choice, choice.reasoning.add({ kind, text: unescapeJsonText(reasoning), signature }));
    if (signature !== undefined) this.#lose('signature');
    return '';
  }

  #annotation(event: EventOfType<'annotation'>): string {
    if (this.#chunks.isOwn && (event.dialect ?? openaiChat) === openaiChat)
      return this.#ofBlock(event, { annotations: [event.annotation] });
    const citation = writeCitation(event);
    if (citation !== undefined) return this.#ofBlock(event, { annotations: [citation] });
    this.#lose('citations');
    return '';
  }

  #lose(what: AnswerLoss): void {
    this.#context.run.lose(`answer.${what}`);
  }

  /** Arguments that came in a form without fragments (values by path) go out whole. */
  #endBlock(event: EventOfType<'block.end'>): string {
    const block = this.#blocks.get(event.blockId);
    this.#blocks.delete(event.blockId);
    if (block !== undefined && isReasoning(block.kind)) return this.#chunks.isOwn ? '' : this.#endReasoning(block);
    const image = block === undefined ? undefined : writeImage(block.media);
    if (block !== undefined && image !== undefined) return this.#delta(block.choice, { images: [image] }, undefined);
    if (block === undefined || !isCall(block.kind) || block.hasArguments || event.final === undefined) return '';
    const json = typeof event.final === 'string' ? event.final : JSON.stringify(event.final);
    return json === ''
      ? ''
      : this.#delta(block.choice, argumentsDelta(block.kind, block.toolIndex, json, {}), undefined);
  }

  /** The verdicts of a provider of this format, where it put them. */
  #safety(event: EventOfType<'safety'>): string {
    const extension = extensionOf(event);
    if (extension === undefined) {
      this.#lose('safety');
      return '';
    }
    const { choices, ...ofChunk } = extension;
    if (choices !== undefined) return this.#delta(this.#choice(event.choice), {}, extension);
    // Verdicts on the prompt may come before the provider has told its id: then they go out with the first chunk.
    if (this.#chunks.hasIdentity) return this.#chunks.chunk([], ofChunk);
    this.#chunks.pending = { ...this.#chunks.pending, ...ofChunk };
    return '';
  }

  #finish(event: EventOfType<'finish'>): string {
    const { unified, raw } = event.reason;
    for (const loss of lossesOfFinish(event)) this.#lose(loss);
    const choice = this.#choice(event.choice);
    const words = choice.hasRefusal || unified !== 'refusal' ? undefined : event.refusal?.explanation;
    const proof = this.#details(choice, choice.reasoning.before());
    const refusal = words === undefined ? '' : this.#delta(choice, { refusal: words }, undefined);
    const said = { called: choice.toolCalls > 0, refused: choice.hasRefusal || words !== undefined };
    const reason = this.#chunks.isOwn && raw !== undefined ? raw : writeFinishReason(unified, said);
    return proof + refusal + this.#delta(choice, {}, extensionOf(event), reason);
  }

  /**
   * An event that nobody here knows. Official clients read `choices` of every chunk, the role in the first delta of
   * each, and the same id in all of them, so it gets those.
   */
  #raw(event: EventOfType<'raw'>): string {
    const document = readRaw(event);
    if (document === undefined) return sseFrame(event.data, rawName(event));
    const listed = Array.isArray(document['choices']) ? (document['choices'] as unknown[]) : [];
    const choices = listed.filter(isObject).map((choice) => {
      const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
      const role = this.#takeRole(this.#choice(index), {});
      return { ...choice, index, delta: { ...role, ...(isObject(choice['delta']) && choice['delta']) } };
    });
    const identity = document['id'] === undefined && listed.length === 0 ? {} : this.#chunks.fixIdentity();
    return sseFrame(JSON.stringify({ ...document, ...identity, choices }), rawName(event));
  }
}
