import type { AnswerEvent, BlockKind, EventOfType } from '../../kernel/event.ts';
import { gemini, readFinishReason } from '../../kernel/dialects/gemini-fields.ts';
import { filledString, isObject, orNothing, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { BlockWriter } from './block-writer.ts';
import { CallDecoder } from './call-decoder.ts';
import { unknownOfCandidate, unknownOfContent, unknownOfPart } from './chunk-shape.ts';
import { readCitations, type Citation } from './citations.ts';
import { readLogprobs } from './logprobs.ts';

type Finish = EventOfType<'finish'>;

/** Marks of one candidate that are remembered, so that a repeated one is not shown twice. */
const maxSeen = 4_096;

/** The state of one candidate of a streamed answer: which block is open, and what it has said. */
export class CandidateDecoder {
  readonly index: number;
  readonly #blocks: BlockWriter;
  readonly #calls: CallDecoder;
  /** The last signature stood on an empty part of its own. */
  #signatureStoodAlone = false;
  /** A signature that came with a later piece of a call. */
  #lateSignature: string | undefined;
  /** Marks that came while no text was open. */
  #waiting: Citation[] = [];
  readonly #seen = new Set<string>();
  #ratings: unknown;
  #codeId: string | undefined;
  finished = false;

  constructor(index: number, nextBlockId: () => string) {
    this.index = index;
    this.#blocks = new BlockWriter(index, nextBlockId);
    this.#calls = new CallDecoder(this.#blocks);
  }

  /** Adds the events of one entry of `candidates`. Returns its unknown fields where none of the events carries them. */
  read(candidate: JsonObject, events: AnswerEvent[]): JsonObject | undefined {
    const first = events.length;
    const content = isObject(candidate['content']) ? candidate['content'] : {};
    const parts = Array.isArray(content['parts']) ? content['parts'].filter(isObject) : [];
    const alone = this.#readParts(parts, readLogprobs(candidate['logprobsResult']), events);
    this.#readCitations(readCitations(candidate), events);
    if (alone !== undefined) this.#signAlone(alone, events);
    const word = filledString(candidate['finishReason']);
    this.#readRatings(candidate['safetyRatings'], word, events);
    if (word !== undefined) this.finish(word, false, events);
    const ofContent = unknownOfContent(content);
    const unknown = orNothing({
      ...unknownOfCandidate(candidate),
      ...(ofContent && { content: ofContent }),
      ...(candidate['logprobsResult'] !== undefined &&
        !events.slice(first).some(hasLogprobs) && { logprobsResult: candidate['logprobsResult'] }),
    });
    return unknown && !carry(events, first, unknown) ? unknown : undefined;
  }

  /** Ends the open block and says why the candidate ended; later reasons are ignored. */
  finish(word: string, synthetic: boolean, events: AnswerEvent[]): void {
    this.#endBlocks(synthetic, events);
    if (this.finished) return;
    const unified = readFinishReason(word, this.#calls.called);
    if (synthetic) this.#pushFinish({ unified }, events, { synthetic });
    else this.#pushFinish({ unified, raw: word }, events);
  }

  /** Ends the candidate because its prompt was blocked. */
  block(word: string, events: AnswerEvent[], ext: JsonObject): void {
    this.#endBlocks(false, events);
    this.#pushFinish({ unified: 'content_filter', raw: word }, events, { ext: { [gemini]: ext } });
  }

  /** Ends the blocks that came after the end of the candidate. */
  close(events: AnswerEvent[]): void {
    this.#closeCall(events);
    this.#blocks.close(events, true);
  }

  #pushFinish(reason: Finish['reason'], events: AnswerEvent[], more: Pick<Finish, 'synthetic' | 'ext'> = {}): void {
    this.finished = true;
    events.push({ type: 'finish', ...this.#blocks.choice, reason, ...more });
  }

  #endBlocks(synthetic: boolean, events: AnswerEvent[]): void {
    this.#closeCall(events);
    if (this.#waiting.length > 0) {
      this.#blocks.start({ kind: 'text' }, events);
      this.#writeWaiting(events);
    }
    this.#blocks.close(events, synthetic);
  }

  #closeCall(events: AnswerEvent[]): void {
    this.#calls.close(events);
    const late = this.#lateSignature;
    if (late === undefined) return;
    this.#lateSignature = undefined;
    this.#blocks.signature(late, events);
    this.#signatureStoodAlone = true;
  }

  /** Returns the signature of a last part that holds nothing else. */
  #readParts(parts: readonly JsonObject[], logprobs: unknown, events: AnswerEvent[]): string | undefined {
    let alone: string | undefined;
    let tokens = logprobs;
    for (const part of parts) {
      const signature = filledString(part['thoughtSignature']);
      if (saysNothing(part)) {
        if (signature === undefined) continue;
        if (alone !== undefined) this.#signAlone(alone, events);
        alone = signature;
        continue;
      }
      if (alone !== undefined) this.#signAlone(alone, events);
      alone = undefined;
      const before = events.length;
      this.#readPart(part, signature, tokens, events);
      if (events.slice(before).some(hasLogprobs)) tokens = undefined;
      const isThought = part['thought'] === true && typeof part['text'] !== 'string';
      const unknown = orNothing({ ...unknownOfPart(part), ...(isThought && { thought: true }) });
      if (unknown !== undefined) extendPart(events, before, unknown);
    }
    return alone;
  }

  #signAlone(signature: string, events: AnswerEvent[]): void {
    this.#closeCall(events);
    this.#separateSignature(undefined, events);
    this.#blocks.signature(signature, events);
    this.#signatureStoodAlone = true;
  }

  /** Keeps a signature that stood alone from being taken for that of the next part. */
  #separateSignature(next: string | undefined, events: AnswerEvent[]): void {
    if (this.#signatureStoodAlone && next === undefined) {
      this.#blocks.start({ kind: 'text' }, events);
      this.#writeWaiting(events);
      this.#blocks.close(events);
    }
    this.#signatureStoodAlone = false;
  }

  #readPart(part: JsonObject, signature: string | undefined, logprobs: unknown, events: AnswerEvent[]): void {
    const call = part['functionCall'];
    if (isObject(call) && this.#calls.continues(call, signature !== undefined)) {
      this.#lateSignature ??= signature;
      this.#calls.read(call, true, events);
      if (!this.#calls.isOpen) this.#closeCall(events);
      return;
    }
    this.#closeCall(events);
    this.#separateSignature(signature, events);
    const { text } = part;
    if (part['thought'] === true && typeof text === 'string') {
      this.#readThought(text, signature, events);
      return;
    }
    if (signature !== undefined) this.#blocks.signature(signature, events);
    if (typeof text === 'string') {
      this.#blocks.text('text', text, events, logprobs);
      this.#writeWaiting(events);
    } else if (isObject(call)) this.#calls.read(call, false, events);
    else this.#readOther(part, events);
  }

  #readThought(text: string, signature: string | undefined, events: AnswerEvent[]): void {
    if (text !== '') this.#blocks.text('reasoning', text, events);
    if (signature === undefined) return;
    const { open } = this.#blocks;
    if (open?.kind !== 'reasoning') {
      this.#blocks.signature(signature, events, { thought: true });
      return;
    }
    const { blockId } = open;
    events.push({ type: 'reasoning.signature', ...this.#blocks.choice, blockId, value: signature, format: gemini });
    this.#blocks.close(events);
  }

  #readOther(part: JsonObject, events: AnswerEvent[]): void {
    const { inlineData, fileData, executableCode, codeExecutionResult, toolCall, toolResponse } = part;
    if (isObject(inlineData)) this.#readMedia(inlineData, 'data', events);
    else if (isObject(fileData)) this.#readMedia(fileData, 'fileUri', events);
    else if (isObject(executableCode))
      this.#readServerCall(part, 'code_execution', executableCode, executableCode, events);
    else if (isObject(toolCall))
      this.#readServerCall(part, filledString(toolCall['toolType']) ?? '', toolCall, toolCall['args'] ?? {}, events);
    else if (isObject(codeExecutionResult))
      this.#readServerResult(part, codeExecutionResult['id'] ?? this.#codeId, events);
    else if (isObject(toolResponse)) this.#readServerResult(part, toolResponse['id'], events);
    else this.#blocks.start({ kind: 'unknown', initial: withoutSignature(part) }, events);
    this.#blocks.close(events);
  }

  #readMedia(media: JsonObject, field: 'data' | 'fileUri', events: AnswerEvent[]): void {
    const { mimeType, displayName, [field]: value, ...rest } = media;
    const mediaType = filledString(mimeType);
    const name = filledString(displayName);
    const inner = orNothing(rest);
    const partFields = inner && { [field === 'data' ? 'inlineData' : 'fileData']: inner };
    const blockId = this.#blocks.start(
      {
        kind: kindOf(mediaType),
        ...(name !== undefined && { name }),
        ...(mediaType !== undefined && { mediaType }),
        ...(partFields && { ext: { [gemini]: { candidates: { content: { parts: partFields } } } } }),
      },
      events,
    );
    const content = filledString(value);
    if (content === undefined) return;
    events.push({
      type: 'media.delta',
      ...this.#blocks.choice,
      blockId,
      ...(mediaType !== undefined && { mediaType }),
      ...(field === 'data' ? { base64: content } : { url: content }),
    });
  }

  #readServerCall(part: JsonObject, name: string, call: JsonObject, args: unknown, events: AnswerEvent[]): void {
    const callId = filledString(call['id']);
    if (part['executableCode'] !== undefined) this.#codeId = callId;
    const blockId = this.#blocks.start(
      {
        kind: 'server_tool_call',
        ...(name !== '' && { name }),
        ...(callId !== undefined && { callId }),
        providerExecuted: true,
        initial: withoutSignature(part),
      },
      events,
    );
    events.push({ type: 'toolArgs.delta', ...this.#blocks.choice, blockId, json: JSON.stringify(args) });
  }

  #readServerResult(part: JsonObject, id: unknown, events: AnswerEvent[]): void {
    const callId = filledString(id);
    this.#blocks.start(
      {
        kind: 'server_tool_result',
        ...(callId !== undefined && { callId }),
        providerExecuted: true,
        initial: withoutSignature(part),
      },
      events,
    );
  }

  #readCitations(citations: readonly Citation[], events: AnswerEvent[]): void {
    for (const citation of citations) {
      const key = JSON.stringify(citation.annotation);
      // Grounding is restated as it grows.
      if (this.#seen.has(key) || this.#seen.size >= maxSeen) continue;
      this.#seen.add(key);
      this.#waiting.push(citation);
    }
    if (this.#blocks.open?.kind === 'text') this.#writeWaiting(events);
  }

  #writeWaiting(events: AnswerEvent[]): void {
    const { open, choice } = this.#blocks;
    if (open === undefined) return;
    for (const citation of this.#waiting)
      events.push({ type: 'annotation', ...choice, blockId: open.blockId, ...citation });
    this.#waiting = [];
  }

  /** Ratings come with every chunk; they are shown when they change. */
  #readRatings(ratings: unknown, word: string | undefined, events: AnswerEvent[]): void {
    if (!Array.isArray(ratings) || ratings.length === 0 || sameJson(ratings, this.#ratings)) return;
    this.#ratings = ratings;
    const isBlocked = (ratings as unknown[]).some((rating) => isObject(rating) && rating['blocked'] === true);
    events.push({
      type: 'safety',
      ...this.#blocks.choice,
      scope: 'completion',
      verdicts: ratings as unknown[],
      blocked: isBlocked || (word !== undefined && readFinishReason(word, false) === 'content_filter'),
      ext: { [gemini]: { candidates: { safetyRatings: ratings } } },
    });
  }
}

/** True for a part with nothing in it but a signature perhaps. */
function saysNothing(part: JsonObject): boolean {
  return Object.entries(part).every(
    ([name, value]) =>
      name === 'thoughtSignature' || (name === 'text' && value === '') || (name === 'thought' && value !== true),
  );
}

function hasLogprobs(event: AnswerEvent): boolean {
  return event.type === 'text.delta' && event.logprobs !== undefined;
}

function withoutSignature({ thoughtSignature: _signature, ...rest }: JsonObject): JsonObject {
  return rest;
}

function kindOf(mediaType = ''): BlockKind {
  if (mediaType.startsWith('image/')) return 'image';
  return mediaType.startsWith('audio/') ? 'audio' : 'file';
}

function isPiece({ type }: AnswerEvent): boolean {
  return type === 'text.delta' || type === 'toolArgs.delta' || type === 'media.delta';
}

/** Adds unknown fields of a part to the start of its block, or to what it adds to one. */
function extendPart(events: AnswerEvent[], first: number, fields: JsonObject): void {
  const start = events.findLastIndex(({ type }) => type === 'block.start');
  const at = start >= first ? start : events.findLastIndex(isPiece);
  const event = events[at];
  if (event === undefined || at < first || (event.type === 'block.start' && event.initial !== undefined)) return;
  const content = innerOf(candidateFieldsOf(event), 'content');
  const parts = { ...innerOf(content, 'parts'), ...fields };
  events[at] = withCandidateFields(event, { content: { ...content, parts } });
}

/** Adds unknown fields of a candidate to its finish, or else to its first event. False where there is none. */
function carry(events: AnswerEvent[], first: number, fields: JsonObject): boolean {
  const finish = events.findLastIndex(({ type }) => type === 'finish');
  const at = finish >= first ? finish : first;
  const event = events[at];
  if (event === undefined) return false;
  const known = candidateFieldsOf(event);
  const content = { ...innerOf(known, 'content'), ...innerOf(fields, 'content') };
  events[at] = withCandidateFields(event, { ...fields, ...(orNothing(content) && { content }) });
  return true;
}

function withCandidateFields(event: AnswerEvent, fields: JsonObject): AnswerEvent {
  const own = event.ext?.[gemini];
  return {
    ...event,
    ext: { ...event.ext, [gemini]: { ...own, candidates: { ...candidateFieldsOf(event), ...fields } } },
  };
}

function candidateFieldsOf(event: AnswerEvent): JsonObject {
  return innerOf(event.ext?.[gemini], 'candidates');
}

function innerOf(object: JsonObject | undefined, name: string): JsonObject {
  const inner: unknown = object?.[name];
  return isObject(inner) ? inner : {};
}
