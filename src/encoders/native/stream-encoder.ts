import type { AnswerOutcome, EncodeContext, StreamEncoder } from '../../kernel/component.ts';
import type { SluiceError } from '../../kernel/errors.ts';
import { isContent, type AnswerEvent, type EventOfType, type TextTemplate } from '../../kernel/event.ts';
import { escapeJsonText, toLatin1 } from '../../kernel/json/json-text.ts';
import { callIdOf } from './call-id.ts';

/**
 * Writes every event under its name: `id` is its number, counted from 1, `t` in the data are the milliseconds since the
 * stream was opened. Number and time are given here, because modifiers insert events.
 */
export class NativeStreamEncoder implements StreamEncoder {
  readonly heartbeat = ': hb\n\n';
  readonly #context: EncodeContext;
  readonly #openedAt: number;
  /** Of each open block, what follows `t` in the frame of a piece of text, up to the text. */
  readonly #blocks = new Map<string, string>();
  #seq = 0;
  #ended = false;
  #hasContent = false;

  constructor(context: EncodeContext) {
    this.#context = context;
    this.#openedAt = context.run.clock.now();
  }

  encode(event: AnswerEvent): string {
    if (this.#ended) return '';
    const start = this.#seq === 0 && event.type !== 'stream.start' ? this.#frame(this.#streamStart()) : '';
    this.#hasContent ||= isContent(event);
    switch (event.type) {
      case 'block.start':
        this.#blocks.set(event.blockId, textFields(event.blockId, event.role, event.choice));
        if (isCall(event)) return start + this.#frame({ ...event, callId: callIdOf(event, this.#context.run.id) });
        break;
      case 'block.end':
        this.#blocks.delete(event.blockId);
        break;
      case 'text.delta':
        if (isPlain(event))
          return (
            start + this.#textFrame(textFields(event.blockId, event.role, event.choice), escapeJsonText(event.text))
          );
        break;
      case 'raw':
        // Words of another dialect: they pass to clients of that dialect only.
        return start;
      case 'stream.end':
        this.#ended = true;
        break;
      default:
    }
    return start + this.#frame(event);
  }

  encodeText(blockId: string, _template: TextTemplate, json: string): string {
    const fields = this.#blocks.get(blockId);
    if (fields === undefined || this.#ended) return '';
    this.#hasContent ||= json !== '';
    return this.#textFrame(fields, json);
  }

  copies(): boolean {
    return false;
  }

  fail(error: SluiceError): string {
    if (this.#ended) return '';
    const { code, message, status, retryable, retryAfterSeconds } = error;
    const event: EventOfType<'error'> = {
      type: 'error',
      code,
      message,
      status,
      retryable,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      phase: this.#hasContent ? 'mid-stream' : 'first-byte',
      partial: this.#hasContent,
    };
    return this.encode(event) + this.encode({ type: 'stream.end', outcome: 'error' });
  }

  end(outcome: AnswerOutcome = 'ok'): string {
    return this.encode({ type: 'stream.end', outcome });
  }

  #streamStart(): EventOfType<'stream.start'> {
    const { run, request } = this.#context;
    return {
      type: 'stream.start',
      requestId: run.id,
      pipeline: run.pipeline,
      revision: run.revision,
      dialect: request.dialect,
      ...(request.model !== undefined && { requestedModel: request.model }),
    };
  }

  #frame(event: AnswerEvent): string {
    const { type, template: _inMemoryOnly, ...rest } = event;
    const fields = JSON.stringify(rest).slice(1);
    return `${this.#head(type)}${fields === '}' ? '' : ','}${toLatin1(fields)}\n\n`;
  }

  #textFrame(fields: string, json: string): string {
    return `${this.#head('text.delta')},${fields}${json}"}\n\n`;
  }

  /** The frame up to the value of `t`. */
  #head(type: string): string {
    this.#seq += 1;
    const time = Math.max(0, Math.round(this.#context.run.clock.now() - this.#openedAt));
    return `id: ${this.#seq}\nevent: ${type}\ndata: {"type":"${type}","seq":${this.#seq},"t":${time}`;
  }
}

function textFields(blockId: string, role: string, choice: number | undefined): string {
  const fields = JSON.stringify({ blockId, ...(choice !== undefined && { choice }), role });
  return `${toLatin1(fields.slice(1, -1))},"text":"`;
}

function isCall({ kind }: EventOfType<'block.start'>): boolean {
  return kind === 'tool_call' || kind === 'custom_tool_call';
}

/** A piece of text that says nothing beside its text has one form, whichever way it comes. */
function isPlain(event: EventOfType<'text.delta'>): boolean {
  return (
    event.ext === undefined &&
    event.logprobs === undefined &&
    event.source === undefined &&
    event.synthetic === undefined
  );
}
