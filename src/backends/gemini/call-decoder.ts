import type { AnswerEvent } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { ArgumentWriter } from './argument-writer.ts';
import type { BlockWriter } from './block-writer.ts';
import { unknownOfCall } from './chunk-shape.ts';
import { readJsonPath } from './json-path.ts';

/** A call whose arguments still come. */
interface OpenCall {
  readonly blockId: string;
  readonly name: string | undefined;
  readonly callId: string | undefined;
  readonly writer: ArgumentWriter;
}

/** The function calls of one candidate. One is open at a time. */
export class CallDecoder {
  readonly #blocks: BlockWriter;
  #open: OpenCall | undefined;
  /** True when a function was called. */
  called = false;

  constructor(blocks: BlockWriter) {
    this.#blocks = blocks;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** True for a part that goes on with the call that is open. `isSigned`: it has a signature, as a rule the first of a call. */
  continues(call: JsonObject, isSigned: boolean): boolean {
    if (this.#open === undefined) return false;
    const id = filledString(call['id']);
    if (id !== undefined && this.#open.callId !== undefined) return id === this.#open.callId;
    const name = filledString(call['name']);
    if (isSigned && name !== undefined) return false;
    return name === undefined || (name === this.#open.name && call['args'] === undefined);
  }

  read(call: JsonObject, isContinued: boolean, events: AnswerEvent[]): void {
    if (!isContinued) {
      // What closes a call that nobody knows says nothing.
      if (Object.keys(call).length === 0) return;
      this.#start(call, events);
    }
    const goesOn = call['willContinue'] === true;
    const pieces = call['partialArgs'];
    if (!goesOn && pieces === undefined && isObject(call['args'])) {
      this.#closeWith(JSON.stringify(call['args']), events);
      return;
    }
    const json = this.#takeArguments(call['args']) + this.#takePieces(pieces);
    if (goesOn) this.#push(json, events);
    else this.#closeWith(json + (this.#open?.writer.close() ?? ''), events);
  }

  /** Completes the call that is open. */
  close(events: AnswerEvent[]): void {
    if (this.#open !== undefined) this.#closeWith(this.#open.writer.close(), events);
  }

  #start(call: JsonObject, events: AnswerEvent[]): void {
    this.close(events);
    const name = filledString(call['name']);
    const callId = filledString(call['id']);
    const unknown = unknownOfCall(call);
    const ext = unknown && { [gemini]: { candidates: { content: { parts: { functionCall: unknown } } } } };
    const blockId = this.#blocks.start(
      {
        kind: 'tool_call',
        ...(name !== undefined && { name }),
        ...(callId !== undefined && { callId }),
        ...(ext && { ext }),
      },
      events,
    );
    this.called = true;
    this.#open = { blockId, name, callId, writer: new ArgumentWriter() };
  }

  #takeArguments(args: unknown): string {
    if (!isObject(args)) return '';
    return Object.entries(args)
      .map(([key, value]) => this.#open?.writer.push({ path: [key], value, more: false }) ?? '')
      .join('');
  }

  #takePieces(pieces: unknown): string {
    if (!Array.isArray(pieces)) return '';
    return pieces
      .filter(isObject)
      .map((piece) => {
        const path = readJsonPath(filledString(piece['jsonPath']) ?? '');
        return this.#open?.writer.push({ path, value: readValue(piece), more: piece['willContinue'] === true }) ?? '';
      })
      .join('');
  }

  #push(json: string, events: AnswerEvent[]): void {
    if (json === '' || this.#open === undefined) return;
    events.push({ type: 'toolArgs.delta', ...this.#blocks.choice, blockId: this.#open.blockId, json });
  }

  #closeWith(json: string, events: AnswerEvent[]): void {
    this.#push(json, events);
    this.#open = undefined;
    this.#blocks.close(events);
  }
}

function readValue(piece: JsonObject): unknown {
  const { stringValue, numberValue, boolValue, nullValue } = piece;
  if (typeof stringValue === 'string') return stringValue;
  if (numberValue !== undefined) return numberValue;
  if (boolValue !== undefined) return boolValue;
  return nullValue === undefined ? '' : null;
}
