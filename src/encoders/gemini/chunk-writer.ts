import { mergeUsage, type UsageFold } from '../../kernel/answer.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { writeUsage } from '../../kernel/dialects/gemini-usage.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';
import { levelsOf, textPart } from './parts.ts';
import type { ChoiceState, Frame, Identity } from './stream-state.ts';

/** Stands for the text while a frame is made around it; JSON leaves it as it is. */
const place = '~text~';

/** Makes the chunks of one stream, and keeps what goes with the next one: usage, and fields without a place of their own. */
export class ChunkWriter {
  readonly #context: EncodeContext;
  #meta: Partial<EventOfType<'response.meta'>> = {};
  #identity: Identity | undefined;
  #pending: JsonObject = {};
  #usage: UsageFold | undefined;
  /** The usage has changed since it was last written. */
  #hasNewUsage = false;
  /** The provider refused the prompt, and there may be no candidates. */
  promptBlocked = false;

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The provider speaks this format too. */
  get isOwn(): boolean {
    return this.#meta.provider === gemini;
  }

  /** Something waits that only a chunk can carry. */
  get hasNews(): boolean {
    return this.#hasNewUsage || orNothing(this.#pending) !== undefined;
  }

  readMeta(event: EventOfType<'response.meta'>): void {
    this.#meta = { ...this.#meta, ...event };
  }

  /** `written` where it went out in a frame of the provider. */
  readUsage(event: EventOfType<'usage'>, written: boolean): void {
    this.#usage = mergeUsage(this.#usage, event);
    this.#hasNewUsage = !written;
  }

  /** Has the usage written once more. */
  restateUsage(): void {
    this.#hasNewUsage = this.#usage !== undefined;
  }

  blockPrompt(feedback: JsonObject): void {
    this.promptBlocked = true;
    this.#pending = { ...this.#pending, promptFeedback: feedback };
  }

  /** Keeps what stands beside the known fields for the next chunk. Returns that of the part. */
  keep(event: AnswerEvent, choiceOf: () => ChoiceState): JsonObject | undefined {
    const levels = levelsOf(event);
    if (levels === undefined) return undefined;
    const { responseId: _id, modelVersion: _model, ...ofChunk } = levels.chunk;
    this.#pending = { ...this.#pending, ...ofChunk };
    const feedback = ofChunk['promptFeedback'];
    if (isObject(feedback) && feedback['blockReason'] !== undefined) this.promptBlocked = true;
    if (orNothing(levels.candidate) ?? orNothing(levels.content)) {
      const { index: _index, ...fields } = levels.candidate;
      const choice = choiceOf();
      choice.fields = { ...choice.fields, ...fields };
      choice.contentFields = { ...choice.contentFields, ...levels.content };
      choice.cites ||= fields['groundingMetadata'] !== undefined || fields['citationMetadata'] !== undefined;
    }
    return orNothing(levels.part);
  }

  /** The identity is fixed by the first chunk that is written, whatever another attempt says later. */
  fixIdentity(): Identity {
    const { run, request } = this.#context;
    this.#identity ??= {
      responseId: this.#meta.responseId ?? run.id,
      modelVersion: this.#meta.model ?? request.model ?? run.pipeline,
      source: this.isOwn ? this.#meta.responseId : undefined,
    };
    return this.#identity;
  }

  /** True where the chunks that went out are of the answer that frames of the provider with this id are of. */
  isOfProvider(responseId: string | undefined = this.#meta.responseId): boolean {
    return this.#identity === undefined || this.#identity.source === responseId;
  }

  /** A chunk of these candidates, with everything that waits. */
  chunk(candidates: readonly JsonObject[]): string {
    const { responseId, modelVersion } = this.fixIdentity();
    const pending = this.#pending;
    const usage = this.#hasNewUsage ? this.#usage : undefined;
    this.#pending = {};
    this.#hasNewUsage = false;
    return sseFrame(
      JSON.stringify({
        ...(candidates.length > 0 && { candidates }),
        ...pending,
        ...(usage !== undefined && { usageMetadata: writeUsage(usage, this.isOwn) }),
        modelVersion,
        responseId,
      }),
    );
  }

  candidate(choice: ChoiceState, parts: readonly JsonObject[], reason?: string): JsonObject {
    const { index, fields, contentFields } = choice;
    choice.started = true;
    choice.fields = {};
    choice.contentFields = {};
    return {
      content: { parts, role: 'model', ...contentFields },
      ...(reason !== undefined && { finishReason: reason }),
      index,
      ...fields,
    };
  }

  /** A chunk with one part, which also carries the signature that waits for a part. */
  part(choice: ChoiceState, part: JsonObject): string {
    const { proof } = choice;
    choice.proof = undefined;
    return this.chunk([this.candidate(choice, [proof === undefined ? part : { ...part, thoughtSignature: proof }])]);
  }

  /** A chunk with a piece of text, which is given JSON-escaped. */
  text(choice: ChoiceState, json: string, isThought: boolean, further: JsonObject | undefined): string {
    const { before, after } = cutOut(this.part(choice, textPart(place, isThought, further)));
    return before + json + after;
  }

  /** The frame around a piece of text. Nothing that waits goes with it. */
  frameOfText(index: number, isThought: boolean): Frame {
    const { responseId, modelVersion } = this.fixIdentity();
    const content = { parts: [textPart(place, isThought)], role: 'model' };
    return cutOut(sseFrame(JSON.stringify({ candidates: [{ content, index }], modelVersion, responseId })));
  }
}

/** Nothing that somebody else wrote stands before the text. */
function cutOut(frame: string): Frame {
  const at = frame.indexOf(place);
  return { before: frame.slice(0, at), after: frame.slice(at + place.length) };
}
