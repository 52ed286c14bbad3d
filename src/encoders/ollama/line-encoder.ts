import { mergeUsage, type UsageFold } from '../../kernel/answer.ts';
import type { DecodedFrame, EncodeContext, StreamEncoder } from '../../kernel/component.ts';
import { isCutCall } from '../../kernel/cut-call.ts';
import type { SluiceError } from '../../kernel/errors.ts';
import type { AnswerEvent, EventOfType, TextTemplate } from '../../kernel/event.ts';
import { escapeJsonText, toLatin1 } from '../../kernel/json/json-text.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import type { LossName } from '../../kernel/losses.ts';
import { extensionOf, ollama } from '../../kernel/dialects/ollama-fields.ts';
import { writeUsage } from '../../kernel/dialects/ollama-usage.ts';
import { callEntry, doneReason, logprobsOf, loseCounts, loseUnsaid, textField, timeOf } from './line-parts.ts';

/** A block that has begun and not ended. */
interface OpenBlock {
  readonly start: EventOfType<'block.start'>;
  readonly field: 'content' | 'thinking' | undefined;
  /** Place among the tool calls. */
  readonly callIndex: number;
  /** Arguments or bytes that have come: both are written whole. */
  readonly pieces: string[];
}

/**
 * Writes lines: text piece by piece, tool calls and images whole, and one last line that says why and how much. That line
 * is held until `end`: clients read no further than a line that is done.
 */
export class LineEncoder implements StreamEncoder {
  readonly #context: EncodeContext;
  readonly #writeError: (error: SluiceError) => JsonObject;
  readonly #blocks = new Map<string, OpenBlock>();
  readonly #openedAt: number;
  #contentAt: number | undefined;
  #calls = 0;
  #meta: Partial<EventOfType<'response.meta'>> = {};
  #finish: EventOfType<'finish'> | undefined;
  #usage: UsageFold | undefined;
  /** Fields that the provider sent with its metadata, for the next line. */
  #pending: JsonObject | undefined;
  #wallTime = Number.NaN;
  #now = '';
  #model = '';
  #modelJson = '';

  constructor(context: EncodeContext, writeError: (error: SluiceError) => JsonObject) {
    this.#context = context;
    this.#writeError = writeError;
    this.#openedAt = context.run.clock.now();
  }

  /** A line without text: what a server sends, too, while a model has nothing to say. */
  get heartbeat(): string {
    return `${this.#head(this.#time())}"content":""},"done":false}\n`;
  }

  encode(event: AnswerEvent): string {
    if ('choice' in event && event.choice !== undefined && event.choice > 0) return this.#lose('answer.choices');
    switch (event.type) {
      case 'response.meta':
        return this.#readMeta(event);
      case 'block.start':
        return this.#startBlock(event);
      case 'text.delta':
        return this.#text(event);
      case 'toolArgs.delta':
        this.#blocks.get(event.blockId)?.pieces.push(event.json ?? '');
        return '';
      case 'media.delta':
        this.#blocks.get(event.blockId)?.pieces.push(event.base64 ?? '');
        return '';
      case 'block.end':
        return this.#endBlock(event);
      case 'annotation':
        return this.#lose('answer.citations');
      case 'reasoning.signature':
        return this.#lose('answer.signature');
      case 'safety':
        return this.#isOwn ? '' : this.#lose('answer.safety');
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event);
        return '';
      case 'finish':
        loseUnsaid(event, this.#context.run);
        this.#finish = event;
        return '';
      case 'raw':
        return event.dialect === ollama ? rawLine(event.data) : '';
      default:
        return '';
    }
  }

  encodeText(blockId: string, template: TextTemplate, json: string): string {
    if (json === '') return '';
    this.#contentAt ??= this.#context.run.clock.now();
    if (this.accepts(blockId, template)) return template.before + json + template.after + (template.tail ?? '');
    const field = this.#blocks.get(blockId)?.field;
    return field === undefined ? '' : this.#textLine(field, json, this.#time());
  }

  /** A line names no block and no place, so one of the provider says what ours would say. */
  accepts(_blockId: string, template: TextTemplate): boolean {
    return template.dialect === ollama;
  }

  /** The last line is always our own, and calls and images are copied only where the whole of them is in the line. */
  copies({ events, opens }: DecodedFrame): boolean {
    if (opens === undefined || !events.every((event) => this.#isCopied(event, events))) return false;
    for (const event of events) {
      if (event.type === 'response.meta') this.#meta = { ...this.#meta, ...event };
      if (event.type === 'block.start') this.#startBlock(event);
      if (event.type === 'block.end') this.#blocks.delete(event.blockId);
    }
    if (events.length > 0) this.#contentAt ??= this.#context.run.clock.now();
    return true;
  }

  #isCopied(event: AnswerEvent, line: readonly AnswerEvent[]): boolean {
    switch (event.type) {
      case 'response.meta':
      case 'block.start':
      case 'text.delta':
        return true;
      case 'block.end':
        if (this.#blocks.get(event.blockId)?.field !== undefined) return true;
        break;
      case 'toolArgs.delta':
      case 'media.delta':
        break;
      default:
        return false;
    }
    return line.some((other) => other.type === 'block.start' && other.blockId === event.blockId);
  }

  fail(error: SluiceError): string {
    return toLatin1(`${JSON.stringify(this.#writeError(error))}\n`);
  }

  end(): string {
    const { clock } = this.#context.run;
    const total = nanoseconds(clock.now() - this.#openedAt);
    const untilContent = this.#contentAt === undefined ? total : nanoseconds(this.#contentAt - this.#openedAt);
    const finish = this.#finish;
    loseCounts(this.#usage, this.#context.run);
    return this.#line({}, finish && extensionOf(finish), {
      done: true,
      done_reason: doneReason(finish, this.#isOwn),
      ...writeUsage(this.#usage, this.#isOwn, { total, untilContent }),
    });
  }

  get #isOwn(): boolean {
    return this.#meta.provider === ollama;
  }

  #lose(what: LossName): string {
    this.#context.run.lose(what);
    return '';
  }

  #readMeta(event: EventOfType<'response.meta'>): string {
    this.#meta = { ...this.#meta, ...event };
    const { created_at: _time, message: _message, ...further } = extensionOf(event) ?? {};
    this.#pending = orNothing({ ...this.#pending, ...further });
    return '';
  }

  #startBlock(event: EventOfType<'block.start'>): string {
    const isCall = event.kind === 'tool_call' || event.kind === 'custom_tool_call';
    loseUnsaid(event, this.#context.run);
    this.#blocks.set(event.blockId, {
      start: event,
      field: textField(event.kind),
      callIndex: this.#calls,
      pieces: [],
    });
    if (isCall) this.#calls += 1;
    return '';
  }

  #text(event: EventOfType<'text.delta'>): string {
    const { blockId, text, template, logprobs } = event;
    const field = this.#blocks.get(blockId)?.field;
    if (field === undefined || text === '') return '';
    if (template !== undefined) return this.encodeText(blockId, template, escapeJsonText(text));
    this.#contentAt ??= this.#context.run.clock.now();
    const tokens = logprobsOf(logprobs);
    if (logprobs !== undefined && tokens === undefined) this.#lose('answer.logprobs');
    const extension = extensionOf(event);
    const { created_at: createdAt, ...further } = extension ?? {};
    if (tokens === undefined && this.#pending === undefined && orNothing(further) === undefined)
      return this.#textLine(field, escapeJsonText(text), typeof createdAt === 'string' ? createdAt : this.#time());
    const fields = { done: false, ...(tokens !== undefined && { logprobs: tokens }) };
    return this.#line({ [field]: text }, extension, fields);
  }

  #endBlock(event: EventOfType<'block.end'>): string {
    const block = this.#blocks.get(event.blockId);
    this.#blocks.delete(event.blockId);
    if (block === undefined) return '';
    const { start, callIndex } = block;
    const whole = block.pieces.join('');
    const context = { isOwn: this.#isOwn, run: this.#context.run };
    if (start.kind === 'tool_call' || start.kind === 'custom_tool_call') {
      if (isCutCall(event, whole)) return '';
      return this.#whole(start, { tool_calls: [callEntry(start, whole, event.final, callIndex, context)] });
    }
    if (start.kind !== 'image') return '';
    return whole === '' ? this.#lose('answer.media') : this.#whole(start, { images: [whole] });
  }

  /** The line of a block that the format writes at once. */
  #whole(start: EventOfType<'block.start'>, message: JsonObject): string {
    this.#contentAt ??= this.#context.run.clock.now();
    const { message: ofMessage, ...ofLine } = extensionOf(start) ?? {};
    const { tool_calls: _call, ...further } = isObject(ofMessage) ? ofMessage : {};
    return this.#line(message, { ...ofLine, message: further }, { done: false });
  }

  /** A line of our own, with what the provider said beside the event in its places. */
  #line(message: JsonObject, extension: JsonObject | undefined, fields: JsonObject): string {
    const { created_at: createdAt, message: ofMessage, ...ofLine } = extension ?? {};
    const pending = this.#pending;
    this.#pending = undefined;
    const line = {
      model: this.#modelName,
      created_at: createdAt ?? this.#time(),
      message: { role: 'assistant', content: '', ...message, ...(isObject(ofMessage) && ofMessage) },
      ...fields,
      ...pending,
      ...ofLine,
    };
    return toLatin1(`${JSON.stringify(line)}\n`);
  }

  #textLine(field: 'content' | 'thinking', json: string, time: string): string {
    const place = field === 'content' ? '"content":"' : '"content":"","thinking":"';
    return `${this.#head(time)}${place}${json}"},"done":false}\n`;
  }

  /** The beginning of a line, up to the role. */
  #head(time: string): string {
    const model = this.#modelName;
    if (model !== this.#model || this.#modelJson === '') {
      this.#model = model;
      this.#modelJson = toLatin1(JSON.stringify(model));
    }
    return `{"model":${this.#modelJson},"created_at":"${escapeJsonText(time)}","message":{"role":"assistant",`;
  }

  get #modelName(): string {
    const { request, run } = this.#context;
    return this.#meta.model ?? request.model ?? run.pipeline;
  }

  #time(): string {
    const now = this.#context.run.clock.wallTime();
    if (now !== this.#wallTime) {
      this.#wallTime = now;
      this.#now = timeOf(now);
    }
    return this.#now;
  }
}

function nanoseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1e6));
}

/** A line that nobody here knows, on one line whatever it holds; nothing where it is no JSON object. */
function rawLine(data: string): string {
  try {
    const document: unknown = JSON.parse(data);
    return isObject(document) ? toLatin1(`${JSON.stringify(document)}\n`) : '';
  } catch {
    return '';
  }
}
