import type { DecodedFrame, EncodeContext, StreamEncoder } from '../../kernel/component.ts';
import { isCutCall } from '../../kernel/cut-call.ts';
import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType, TextTemplate } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { escapeJsonText } from '../../kernel/json/json-text.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { lossOfBlock } from '../../kernel/losses.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { maxCitedLength } from './grounding.ts';
import { lastFields } from './last-fields.ts';
import { writeLogprobs } from './logprobs.ts';
import {
  argumentsOf,
  callPart,
  formOf,
  mediaPart,
  standsAlone,
  textPart,
  writeSignature,
  type PartContext,
} from './parts.ts';
import { repairRaw } from './raw-chunk.ts';
import { newBlock, newChoice, type ChoiceState, type OpenBlock } from './stream-state.ts';
import { writeError } from './write-error.ts';

/** Characters of one call or one image that are held until it is whole. */
const maxHeld = 67_108_864;
/** Citations of one candidate that are held for its last chunk. */
const maxAnnotations = 4_096;

/**
 * Writes chunks, each of them a whole response. Calls and images go out whole, when they are complete; why the candidates
 * ended and the usage go out together, in the last chunk. Every chunk has a part, because the official client forgets an
 * answer that has a chunk without one.
 */
export class GeminiStreamEncoder implements StreamEncoder {
  readonly heartbeat = ': hb\n\n';
  readonly #run: EncodeContext['run'];
  readonly #writer: ChunkWriter;
  readonly #choices = new Map<number, ChoiceState>();
  readonly #blocks = new Map<string, OpenBlock>();
  #calls = 0;

  constructor(context: EncodeContext) {
    this.#run = context.run;
    this.#writer = new ChunkWriter(context);
  }

  encode(event: AnswerEvent): string {
    switch (event.type) {
      case 'response.meta':
        this.#writer.readMeta(event);
        this.#keep(event);
        return '';
      case 'block.start':
        return this.#startBlock(event);
      case 'text.delta':
        return this.#text(event);
      case 'toolArgs.delta':
      case 'media.delta':
      case 'annotation':
      case 'reasoning.signature':
        this.#hold(event);
        return '';
      case 'block.end':
        return this.#endBlock(event);
      case 'safety':
        this.#safety(event);
        return '';
      case 'usage':
        this.#writer.readUsage(event, false);
        this.#keep(event);
        return '';
      case 'finish':
        this.#keep(event);
        this.#choice(event.choice).finish = event;
        return '';
      case 'raw':
        return event.dialect === gemini ? repairRaw(event) : '';
      default:
        return '';
    }
  }

  accepts(blockId: string, template: TextTemplate): boolean {
    const block = this.#blocks.get(blockId);
    return block !== undefined && isText(block) && !waits(block) && this.#isOfProvider(template);
  }

  encodeText(blockId: string, template: TextTemplate, json: string): string {
    const block = this.#blocks.get(blockId);
    if (json === '' || block === undefined || !isText(block)) return '';
    if (waits(block)) return this.#textChunk(block, json);
    if (!this.#isOfProvider(template)) return this.#framed(block, json);
    this.#writer.fixIdentity();
    this.#markText(block, json);
    return template.before + json + template.after + (template.tail ?? '');
  }

  /**
   * True where the chunks that went out are of the same answer, and nothing that was written here waits for its other
   * half: a signature for its part, a call or an image for its end.
   */
  copies({ events }: DecodedFrame): boolean {
    const meta = events.findLast((event) => event.type === 'response.meta');
    // A step may have kept back whose answer it is: then it is written as ours.
    if (meta === undefined && !this.#writer.isOwn) return false;
    if (!this.#writer.isOfProvider(meta?.responseId)) return false;
    for (const choice of this.#choices.values()) if (choice.proof !== undefined) return false;
    if (!events.every((event) => this.#canCopy(event))) return false;
    for (const event of events) this.#track(event);
    this.#writer.fixIdentity();
    return true;
  }

  fail(error: SluiceError): string {
    return sseFrame(JSON.stringify(writeError(error)));
  }

  /** The format has no terminator; what ends a stream is the reason of each candidate. */
  end(): string {
    const writer = this.#writer;
    if (this.#choices.size === 0) this.#choice(0);
    const choices = [...this.#choices.values()].sort((one, other) => one.index - other.index);
    const isRefused = writer.promptBlocked && choices.every(({ started }) => !started);
    const candidates = isRefused ? [] : choices.flatMap((choice) => this.#lastCandidate(choice));
    const isFinished = choices.every(({ finished }) => finished);
    if (candidates.length === 0 && isFinished && !writer.hasNews) return '';
    writer.restateUsage();
    const [first] = choices;
    if (candidates.length > 0 || isRefused || first === undefined) return writer.chunk(candidates);
    return writer.part(first, textPart('', false));
  }

  get #context(): PartContext {
    return { run: this.#run, isOwn: this.#writer.isOwn };
  }

  #isOfProvider({ dialect }: TextTemplate): boolean {
    return dialect === gemini && this.#writer.isOwn && this.#writer.isOfProvider();
  }

  #canCopy(event: AnswerEvent): boolean {
    if (event.type === 'raw') return false;
    if (event.type === 'finish') {
      const choice = this.#choices.get(event.choice ?? 0);
      return choice?.finished !== true && choice?.finish === undefined;
    }
    if (!('blockId' in event) || event.type === 'block.start') return true;
    const block = this.#blocks.get(event.blockId);
    return block === undefined || block.copied || (isText(block) && block.signature === undefined);
  }

  /** Takes the state that the frame's bytes leave behind. */
  #track(event: AnswerEvent): void {
    const block = 'blockId' in event ? this.#blocks.get(event.blockId) : undefined;
    switch (event.type) {
      case 'response.meta':
        this.#writer.readMeta(event);
        return;
      case 'block.start':
        this.#open(event, true).choice.started = true;
        return;
      case 'text.delta':
        if (block !== undefined) block.hasText = true;
        return;
      case 'toolArgs.delta':
        if (block !== undefined) block.json += event.json ?? '';
        return;
      case 'block.end':
        this.#blocks.delete(event.blockId);
        return;
      case 'usage':
        this.#writer.readUsage(event, true);
        return;
      case 'finish':
        this.#choice(event.choice).finished = true;
        return;
      default:
    }
  }

  #choice(index = 0): ChoiceState {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = newChoice(index);
      this.#choices.set(index, choice);
    }
    return choice;
  }

  #keep(event: AnswerEvent): JsonObject | undefined {
    const block = 'blockId' in event ? this.#blocks.get(event.blockId) : undefined;
    return this.#writer.keep(event, () => block?.choice ?? this.#choice(event.choice));
  }

  #lastCandidate(choice: ChoiceState): readonly JsonObject[] {
    const { fields, reason } = lastFields(choice, this.#context);
    if (reason === undefined && choice.proof === undefined && orNothing(fields) === undefined) return [];
    const proof = choice.proof === undefined ? undefined : { thoughtSignature: choice.proof };
    choice.fields = fields;
    return [this.#writer.candidate(choice, [textPart('', false, proof)], reason)];
  }

  #open(event: EventOfType<'block.start'>, copied: boolean): OpenBlock {
    const block = newBlock(event, this.#choice(event.choice), formOf(event, this.#writer.isOwn), copied);
    this.#blocks.set(event.blockId, block);
    return block;
  }

  #startBlock(event: EventOfType<'block.start'>): string {
    const block = this.#open(event, false);
    const { form, choice } = block;
    const partFields = this.#keep(event);
    if (form === 'none') this.#run.lose(lossOfBlock(event.kind));
    if (isText(block) && !standsAlone(event)) block.partFields = partFields;
    if (form !== 'whole') return '';
    return this.#writer.part(choice, { ...(isObject(event.initial) && event.initial), ...partFields });
  }

  #text(event: EventOfType<'text.delta'>): string {
    const block = this.#blocks.get(event.blockId);
    const { template, text, logprobs } = event;
    if (block === undefined || !isText(block)) return '';
    if (template !== undefined) return this.encodeText(event.blockId, template, escapeJsonText(text));
    const partFields = this.#keep(event);
    const tokens = writeLogprobs(logprobs);
    if (partFields !== undefined) block.partFields = { ...block.partFields, ...partFields };
    if (tokens !== undefined) block.choice.fields = { ...block.choice.fields, logprobsResult: tokens };
    else if (logprobs !== undefined && logprobs !== null) this.#run.lose('answer.logprobs');
    if (text === '') return '';
    const isPlain = event.ext?.[gemini] === undefined && tokens === undefined && block.partFields === undefined;
    if (isPlain && block.choice.proof === undefined) return this.#framed(block, escapeJsonText(text));
    return this.#textChunk(block, escapeJsonText(text));
  }

  #textChunk(block: OpenBlock, json: string): string {
    const fields = block.partFields;
    block.partFields = undefined;
    this.#markText(block, json);
    return this.#writer.text(block.choice, json, block.form === 'thought', fields);
  }

  /** A piece of text, JSON-escaped, in the own frame of its block. */
  #framed(block: OpenBlock, json: string): string {
    block.frame ??= this.#writer.frameOfText(block.choice.index, block.form === 'thought');
    this.#markText(block, json);
    return block.frame.before + json + block.frame.after;
  }

  #markText(block: OpenBlock, json: string): void {
    const { choice } = block;
    block.hasText = true;
    choice.started = true;
    if (this.#writer.isOwn || block.form !== 'text') return;
    choice.textLength += json.length;
    if (choice.textLength > maxCitedLength) return;
    const last = choice.texts.at(-1);
    if (last?.blockId === block.start.blockId) last.json += json;
    else choice.texts.push({ blockId: block.start.blockId, json });
  }

  /** Keeps what goes out with the end of its block, or with the last chunk. */
  #hold(event: EventOfType<'toolArgs.delta' | 'media.delta' | 'annotation' | 'reasoning.signature'>): void {
    const block = this.#blocks.get(event.blockId);
    this.#keep(event);
    if (block === undefined) return;
    switch (event.type) {
      case 'toolArgs.delta':
        if (block.form !== 'call') return;
        block.json += event.json ?? '';
        block.late += event.json ?? '';
        return this.#count(block, event.json ?? '');
      case 'media.delta':
        // A preview is replaced by the picture itself.
        if (block.form !== 'media' || event.partialImageIndex !== undefined) return;
        block.media.push(event);
        return this.#count(block, event.base64 ?? event.url ?? '');
      case 'annotation':
        if (block.choice.annotations.length < maxAnnotations) block.choice.annotations.push(event);
        else this.#run.lose('answer.citations');
        return;
      default:
        block.signature = event;
    }
  }

  #count(block: OpenBlock, piece: string): void {
    block.held += piece.length;
    if (block.held > maxHeld) throw new SluiceError('ANSWER_TOO_LARGE', { details: { limit: maxHeld } });
  }

  #safety(event: EventOfType<'safety'>): void {
    this.#keep(event);
    if (event.ext?.[gemini] !== undefined) return;
    if (event.verdicts.length > 0) this.#run.lose('answer.safety');
    if (event.scope === 'prompt' && event.blocked === true) this.#writer.blockPrompt({ blockReason: 'SAFETY' });
  }

  #endBlock(event: EventOfType<'block.end'>): string {
    const block = this.#blocks.get(event.blockId);
    this.#keep(event);
    this.#blocks.delete(event.blockId);
    if (block === undefined) return '';
    const { choice, start } = block;
    switch (block.form) {
      case 'text':
      case 'thought':
      case 'proof':
        return this.#endText(block);
      case 'call': {
        if (isCutCall(event, block.json)) return '';
        // The client has all of a call that came in frames of the provider, but for the brackets that close it.
        if (block.copied && /^["\]}]*$/.test(block.late)) return this.#writer.part(choice, { functionCall: {} });
        const id = `call_${this.#run.id}_${this.#calls++}`;
        return this.#writer.part(choice, callPart(start, argumentsOf(block.json, event.final), id, this.#context));
      }
      case 'media': {
        const part = mediaPart(start, block.media, this.#context);
        return part === undefined ? '' : this.#writer.part(choice, part);
      }
      default:
        return '';
    }
  }

  /** Writes what the text of a block could not carry: a signature, or fields beside a text that was empty. */
  #endText(block: OpenBlock): string {
    const { choice, form, signature, hasText, partFields, start } = block;
    if (signature !== undefined && form === 'thought' && !hasText && !standsAlone(start)) {
      const earlier = choice.proof === undefined ? '' : this.#writer.part(choice, textPart('', false));
      choice.proof = writeSignature(signature);
      return earlier;
    }
    const proof = signature && { thoughtSignature: writeSignature(signature) };
    const takesProof = choice.proof !== undefined && form === 'text' && !hasText;
    if (proof === undefined && partFields === undefined && !takesProof) return '';
    const earlier = takesProof || choice.proof === undefined ? '' : this.#writer.part(choice, textPart('', false));
    return earlier + this.#writer.part(choice, textPart('', form !== 'text', { ...partFields, ...proof }));
  }
}

function isText({ form }: OpenBlock): boolean {
  return form === 'text' || form === 'thought';
}

/** Something goes out with the next piece of the text. */
function waits({ choice, partFields }: OpenBlock): boolean {
  return choice.proof !== undefined || partFields !== undefined;
}
