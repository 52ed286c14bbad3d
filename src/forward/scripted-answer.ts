import { parseDuration } from '../kernel/clock.ts';
import type { SayStep, StatusStep, UpstreamScript, UpstreamStep, UsageStep } from '../kernel/upstream-script.ts';
import type { UpstreamHead } from '../kernel/upstream.ts';

/** What a scripted connection does next. `milliseconds` and `bytes` in the units of their names. */
export type ScriptMove =
  | { readonly type: 'head'; readonly head: UpstreamHead }
  | { readonly type: 'bytes'; readonly bytes: Buffer }
  | { readonly type: 'wait'; readonly milliseconds: number }
  | { readonly type: 'reset' }
  | { readonly type: 'end' };

/** What of a request shapes the answer. */
export interface ScriptedRequest {
  readonly isStreamed: boolean;
  readonly wantsUsage: boolean;
  readonly model: string;
  readonly lastUserText: string;
}

export interface AnswerIdentity {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
}

/** Reads the body of a request in any of the common dialects. A body that is no JSON object counts as an empty one. */
export function readScriptedRequest(body: string): ScriptedRequest {
  const request = parseObject(body);
  const streamOptions = asObject(request['stream_options']);
  return {
    isStreamed: request['stream'] === true,
    wantsUsage: streamOptions['include_usage'] === true,
    model: typeof request['model'] === 'string' ? request['model'] : 'scripted',
    lastUserText: lastUserText(request['messages'] ?? request['contents'] ?? request['input']),
  };
}

/**
 * The moves of one answer, made while they are played. A streamed request gets the steps as they are, any other one
 * document of the same text; the waits are kept in both. Ends with exactly one `end` or `reset`.
 */
export function* playScript(
  script: UpstreamScript,
  request: ScriptedRequest,
  identity: AnswerIdentity,
): Generator<ScriptMove> {
  const writer = new AnswerWriter(request, identity);
  const steps = request.isStreamed ? completed(script.script, request) : script.script;
  const moves = request.isStreamed ? streamMoves(steps, writer) : documentMoves(steps, writer);
  yield* withHead(script.chunkBytes === undefined ? moves : recut(moves, script.chunkBytes), steps[0], request);
}

/** Stands for the usage that the writer counts itself. */
const countedUsage: UsageStep = { usage: {} };

/** What every answer needs is added where the author said nothing about the end of it. */
function completed(steps: readonly UpstreamStep[], request: ScriptedRequest): readonly UpstreamStep[] {
  const lastSay = steps.findLastIndex((step) => 'say' in step);
  const isOpen =
    lastSay >= 0 &&
    !steps.slice(lastSay).some((step) => 'finish' in step || 'done' in step || 'end' in step || 'reset' in step);
  if (!isOpen) return steps;
  const usage: readonly UpstreamStep[] = request.wantsUsage ? [countedUsage] : [];
  return [...steps, { finish: 'stop' }, ...usage, { done: true }, { end: true }];
}

function* streamMoves(steps: readonly UpstreamStep[], writer: AnswerWriter): Generator<ScriptMove> {
  for (const step of steps) {
    if ('status' in step) continue;
    if ('reset' in step || 'end' in step) {
      yield { type: 'reset' in step ? 'reset' : 'end' };
      return;
    }
    if ('wait' in step) yield waitFor(step.wait);
    else if ('say' in step) yield* sayMoves(step, writer);
    else yield bytes(streamText(step, writer));
  }
  yield { type: 'end' };
}

type PlainStep = Exclude<UpstreamStep, StatusStep | SayStep | { wait: string } | { reset: true } | { end: true }>;

function streamText(step: PlainStep, writer: AnswerWriter): string {
  if ('raw' in step) return step.raw;
  if ('data' in step) return frame(step.data);
  if ('done' in step) return frame('[DONE]');
  if ('finish' in step) return writer.role() + writer.finish(step.finish);
  if ('usage' in step) return writer.usageFrame(step === countedUsage ? undefined : step.usage);
  return frame(JSON.stringify(step.sse));
}

function* sayMoves(step: SayStep, writer: AnswerWriter): Generator<ScriptMove> {
  const role = writer.role();
  if (role !== '') yield bytes(role);
  let isFirst = true;
  for (const delta of deltas(writer.fill(step.say), step.deltaCharacters)) {
    if (!isFirst && step.delay !== undefined) yield waitFor(step.delay);
    isFirst = false;
    yield bytes(writer.text(delta));
  }
}

/** The steps for a request that is not streamed: text and usage are collected, all else happens where it stands. */
function* documentMoves(steps: readonly UpstreamStep[], writer: AnswerWriter): Generator<ScriptMove> {
  for (const step of steps) {
    if ('reset' in step) {
      yield { type: 'reset' };
      return;
    }
    if ('end' in step) break;
    if ('wait' in step) yield waitFor(step.wait);
    else if ('say' in step) yield* collectSay(step, writer);
    else if ('finish' in step) writer.finish(step.finish);
    else if ('usage' in step) writer.usageFrame(step.usage);
    else if ('raw' in step || 'data' in step) yield bytes('raw' in step ? step.raw : step.data);
    else if ('sse' in step) yield bytes(JSON.stringify(step.sse));
  }
  if (writer.hasAnswer) yield bytes(writer.document());
  yield { type: 'end' };
}

function* collectSay(step: SayStep, writer: AnswerWriter): Generator<ScriptMove> {
  const pieces = deltas(writer.fill(step.say), step.deltaCharacters);
  for (const delta of pieces) writer.text(delta);
  if (step.delay !== undefined && pieces.length > 1)
    yield { type: 'wait', milliseconds: parseDuration(step.delay) * (pieces.length - 1) };
}

/** Puts the head before the first byte, or where the author set a status; a connection may also break before it. */
function* withHead(
  moves: Iterable<ScriptMove>,
  first: UpstreamStep | undefined,
  request: ScriptedRequest,
): Generator<ScriptMove> {
  const status = first !== undefined && 'status' in first ? first : undefined;
  const head = headOf(status, request);
  if (status !== undefined) yield head;
  let isDue = status === undefined;
  for (const move of moves) {
    if (isDue && (move.type === 'bytes' || move.type === 'end')) {
      isDue = false;
      yield head;
    }
    yield move;
  }
}

function headOf(step: StatusStep | undefined, request: ScriptedRequest): ScriptMove {
  const status = step?.status ?? 200;
  const isStream = request.isStreamed && status < 400;
  const headers: Record<string, string> = {
    'content-type': isStream ? 'text/event-stream; charset=utf-8' : 'application/json',
  };
  for (const [name, value] of Object.entries(step?.headers ?? {})) headers[name.toLowerCase()] = value;
  return { type: 'head', head: { status, headers } };
}

/** Cuts the bytes into pieces of `size` without regard to frames; only a wait or the end lets a shorter piece go. */
function* recut(moves: Iterable<ScriptMove>, size: number): Generator<ScriptMove> {
  let held: Buffer = Buffer.alloc(0);
  for (const move of moves) {
    if (move.type !== 'bytes') {
      if (held.length > 0) yield { type: 'bytes', bytes: held };
      held = Buffer.alloc(0);
      yield move;
      continue;
    }
    const whole = held.length === 0 ? move.bytes : Buffer.concat([held, move.bytes]);
    let start = 0;
    for (; start + size <= whole.length; start += size)
      yield { type: 'bytes', bytes: whole.subarray(start, start + size) };
    held = whole.subarray(start);
  }
}

/** Writes the frames and the document as the chat completions API of OpenAI does. */
class AnswerWriter {
  readonly #request: ScriptedRequest;
  readonly #identity: AnswerIdentity;
  #isRoleSent = false;
  #text = '';
  #deltaCount = 0;
  #finishReason: string | undefined;
  #usage: Readonly<Record<string, unknown>> | undefined;

  constructor(request: ScriptedRequest, identity: AnswerIdentity) {
    this.#request = request;
    this.#identity = identity;
  }

  get hasAnswer(): boolean {
    return this.#deltaCount > 0 || this.#finishReason !== undefined || this.#usage !== undefined;
  }

  fill(text: string): string {
    return text.replaceAll(/\{\{\s*lastUserText\s*\}\}/g, () => this.#request.lastUserText);
  }

  /** The frame that opens the message, the first time. */
  role(): string {
    if (this.#isRoleSent) return '';
    this.#isRoleSent = true;
    return this.#chunk({ role: 'assistant', content: '', refusal: null }, null);
  }

  text(delta: string): string {
    this.#text += delta;
    this.#deltaCount += 1;
    return this.#chunk({ content: delta }, null);
  }

  finish(reason: string): string {
    this.#finishReason = reason;
    return this.#chunk({}, reason);
  }

  usageFrame(usage?: Readonly<Record<string, unknown>>): string {
    this.#usage = usage ?? this.#countedUsage();
    return frame(JSON.stringify({ ...this.#envelope('chat.completion.chunk'), choices: [], usage: this.#usage }));
  }

  document(): string {
    const message = { role: 'assistant', content: this.#text, refusal: null, annotations: [] };
    const choice = { index: 0, message, logprobs: null, finish_reason: this.#finishReason ?? 'stop' };
    const { service_tier, system_fingerprint, ...head } = this.#envelope('chat.completion');
    return JSON.stringify({
      ...head,
      choices: [choice],
      usage: this.#usage ?? this.#countedUsage(),
      service_tier,
      system_fingerprint,
    });
  }

  #chunk(delta: Readonly<Record<string, unknown>>, finishReason: string | null): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    const usage = this.#request.wantsUsage ? { usage: null } : {};
    return frame(JSON.stringify({ ...this.#envelope('chat.completion.chunk'), choices, ...usage }));
  }

  #envelope(object: string) {
    const { id, created } = this.#identity;
    return { id, object, created, model: this.#request.model, service_tier: 'default', system_fingerprint: null };
  }

  /** A delta counts as a token, and so do four characters of the last message. */
  #countedUsage(): Readonly<Record<string, unknown>> {
    const prompt = Math.ceil(this.#request.lastUserText.length / 4);
    return { prompt_tokens: prompt, completion_tokens: this.#deltaCount, total_tokens: prompt + this.#deltaCount };
  }
}

/** One word with the space before it each, or `characters` code points each. Joined they are the text. */
function deltas(text: string, characters: number | undefined): readonly string[] {
  if (characters === undefined) return text.match(/\s*\S+|\s+/g) ?? [];
  const points = [...text];
  return Array.from({ length: Math.ceil(points.length / characters) }, (_, place) =>
    points.slice(place * characters, (place + 1) * characters).join(''),
  );
}

/** A frame of one `data` field; text of several lines becomes several fields, as the format asks. */
function frame(data: string): string {
  return `data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;
}

function bytes(text: string): ScriptMove {
  return { type: 'bytes', bytes: Buffer.from(text, 'utf8') };
}

function waitFor(duration: string): ScriptMove {
  return { type: 'wait', milliseconds: parseDuration(duration) };
}

function lastUserText(messages: unknown): string {
  if (typeof messages === 'string') return messages;
  if (!Array.isArray(messages)) return '';
  const message = asObject(messages.findLast((one: unknown) => (asObject(one)['role'] ?? 'user') === 'user'));
  const content = message['content'] ?? message['parts'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => asObject(part)['text'])
    .filter((text) => typeof text === 'string')
    .join('');
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {};
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
