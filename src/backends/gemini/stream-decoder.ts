import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { mergeMetadata, readUsage } from '../../kernel/dialects/gemini-usage.ts';
import { filledString, isObject, orNothing, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { CandidateDecoder } from './candidate-decoder.ts';
import { isTransparent, unknownOfChunk } from './chunk-shape.ts';
import { failureFromEvent, failureInDocument, failureInList } from './provider-failure.ts';

/** Candidates of one answer. The API allows 8. */
const maxCandidates = 128;
const nothing: DecodedFrame = { events: [], transparent: true };

type Meta = Omit<EventOfType<'response.meta'>, 'type'>;

/**
 * Decodes the chunks of a streamed answer, each of them a whole `GenerateContentResponse`. The format has no terminator:
 * the answer is complete when every candidate has said why it ended and the connection ends cleanly.
 */
export class GeminiStreamDecoder implements AnswerDecoder {
  readonly terminated = false;
  readonly endsWithConnection = true;
  readonly #candidates = new Map<number, CandidateDecoder>();
  #blockSerial = 0;
  #meta: Meta = {};
  #metaSent = false;
  /** Unknown fields of the chunk as they were last said: most are repeated in every chunk. */
  #said: JsonObject = {};
  #usage: JsonObject = {};

  frame(event: string, data: string): DecodedFrame {
    const text = data.trim();
    // Some servers that speak the format end it like OpenAI does.
    if (text === '' || text === '[DONE]') return nothing;
    if (event === 'error') throw failureFromEvent(text);
    const listed = failureInList(text);
    if (listed !== undefined) throw listed;
    const { document: chunk, strings } = parseFrame(text);
    const events = this.chunk(chunk, data, event);
    const { responseId, model } = this.#meta;
    const transparent =
      (event === '' || event === 'message') && isTransparent(chunk, data, strings, { responseId, model });
    const opens = openedCandidate(chunk);
    return { events, transparent, ...(opens !== undefined && { opens }) };
  }

  /** The events of one chunk. Throws where it reports an error. */
  chunk(chunk: JsonObject, data: string, event = ''): AnswerEvent[] {
    const failure = failureInDocument(chunk);
    if (failure !== undefined) throw failure;
    const { candidates = null, usageMetadata, promptFeedback } = chunk;
    if (candidates === null && !isObject(usageMetadata) && !isObject(promptFeedback))
      return [{ type: 'raw', dialect: gemini, ...(event !== '' && { event }), data }];
    if (candidates !== null && !Array.isArray(candidates)) throw badFrame('candidates is no list');
    const events: AnswerEvent[] = [];
    this.#readMeta(chunk, events);
    const left = this.#readCandidates((candidates as unknown[] | null) ?? [], events);
    if (isObject(promptFeedback)) this.#readFeedback(promptFeedback, events);
    if (isObject(usageMetadata)) {
      events.push(readUsage(usageMetadata, this.#allFinished, this.#usage));
      this.#usage = mergeMetadata(this.#usage, usageMetadata);
    }
    this.#keepUnknown(chunk, left, events);
    return events;
  }

  /** The connection ended cleanly, which is the end of the format. Throws UPSTREAM_TRUNCATED where a candidate did not end. */
  end(): readonly AnswerEvent[] {
    if (!this.#allFinished) throw new SluiceError('UPSTREAM_TRUNCATED');
    return this.complete();
  }

  /** The events that are missing in an answer whose provider has said that it is done. */
  complete(): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    for (const candidate of this.#candidates.values())
      if (candidate.finished) candidate.close(events);
      else candidate.finish('STOP', true, events);
    return events;
  }

  get #allFinished(): boolean {
    if (this.#candidates.size === 0) return false;
    for (const candidate of this.#candidates.values()) if (!candidate.finished) return false;
    return true;
  }

  /** Says what is new about the answer. The id and the model are those that came first, whatever later chunks say. */
  #readMeta(chunk: JsonObject, events: AnswerEvent[]): void {
    const known = this.#meta;
    const responseId = known.responseId ?? filledString(chunk['responseId']);
    const model = known.model ?? filledString(chunk['modelVersion']);
    const created = known.created ?? readTime(chunk['createTime']);
    const saysMore = responseId !== known.responseId || model !== known.model || created !== known.created;
    if (this.#metaSent && !saysMore) return;
    this.#meta = {
      ...(responseId !== undefined && { responseId }),
      ...(model !== undefined && { model }),
      ...(created !== undefined && { created }),
    };
    events.push({
      type: 'response.meta',
      ...this.#meta,
      provider: gemini,
      ...(!this.#metaSent && { role: 'assistant' as const }),
    });
    this.#metaSent = true;
  }

  /** Returns the unknown fields of candidates that no event carries. */
  #readCandidates(candidates: readonly unknown[], events: AnswerEvent[]): JsonObject[] {
    const left: JsonObject[] = [];
    for (const [position, candidate] of candidates.entries()) {
      if (!isObject(candidate)) throw badFrame('an entry of candidates is no object');
      const decoder = this.#candidate(candidate['index'] ?? position);
      const unknown = decoder.read(candidate, events);
      if (unknown !== undefined) left.push({ index: decoder.index, ...unknown });
    }
    return left;
  }

  #candidate(place: unknown): CandidateDecoder {
    const index = typeof place === 'number' && Number.isInteger(place) && place >= 0 ? place : 0;
    let candidate = this.#candidates.get(index);
    if (candidate === undefined) {
      if (this.#candidates.size >= maxCandidates) throw badFrame(`more than ${maxCandidates} candidates`);
      candidate = new CandidateDecoder(index, () => `b${this.#blockSerial++}`);
      this.#candidates.set(index, candidate);
    }
    return candidate;
  }

  /** A prompt that was blocked has no candidates: the reason ends the answer. */
  #readFeedback(feedback: JsonObject, events: AnswerEvent[]): void {
    const { safetyRatings } = feedback;
    const word = filledString(feedback['blockReason']);
    const isBlocked = word !== undefined && word !== 'BLOCK_REASON_UNSPECIFIED';
    const ext = { promptFeedback: feedback };
    events.push({
      type: 'safety',
      scope: 'prompt',
      verdicts: Array.isArray(safetyRatings) ? (safetyRatings as unknown[]) : [],
      blocked: isBlocked,
      ...(word !== undefined && { reason: word }),
      ext: { [gemini]: ext },
    });
    if (!isBlocked) return;
    if (this.#candidates.size === 0) this.#candidate(0);
    for (const candidate of this.#candidates.values()) if (!candidate.finished) candidate.block(word, events, ext);
  }

  /** Unknown fields go with the first event; those of a candidate that made none are passed on to clients of the format. */
  #keepUnknown(chunk: JsonObject, left: readonly JsonObject[], events: AnswerEvent[]): void {
    const all = { ...unknownOfChunk(chunk), ...this.#otherIdentity(chunk) };
    const unknown = orNothing(
      Object.fromEntries(Object.entries(all).filter(([name, value]) => !sameJson(value, this.#said[name]))),
    );
    const [first] = events;
    if (unknown !== undefined && first !== undefined) {
      this.#said = { ...this.#said, ...unknown };
      events[0] = { ...first, ext: { ...first.ext, [gemini]: { ...unknown, ...first.ext?.[gemini] } } };
    }
    if (left.length === 0 && (unknown === undefined || first !== undefined)) return;
    const { responseId, modelVersion } = chunk;
    const data = JSON.stringify({
      ...(left.length > 0 && { candidates: left }),
      ...(!first && unknown),
      modelVersion,
      responseId,
    });
    events.push({ type: 'raw', dialect: gemini, data });
  }

  /** An id or a model that is not the one of the answer. */
  #otherIdentity({ responseId, modelVersion }: JsonObject): JsonObject {
    return {
      ...(typeof responseId === 'string' && responseId !== (this.#meta.responseId ?? '') && { responseId }),
      ...(typeof modelVersion === 'string' && modelVersion !== (this.#meta.model ?? '') && { modelVersion }),
    };
  }
}

/** The one candidate of a chunk with an id and a model. */
function openedCandidate({ responseId, modelVersion, candidates }: JsonObject): number | undefined {
  if (filledString(responseId) === undefined || filledString(modelVersion) === undefined) return undefined;
  if (!Array.isArray(candidates) || candidates.length !== 1) return undefined;
  const [candidate] = candidates as unknown[];
  if (!isObject(candidate)) return undefined;
  return typeof candidate['index'] === 'number' ? candidate['index'] : 0;
}

/** Seconds since 1970 of an RFC 3339 time. */
function readTime(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(milliseconds) || milliseconds < 0 ? undefined : Math.floor(milliseconds / 1_000);
}
