import { isUtf8 } from 'node:buffer';
import { SluiceError } from '../kernel/errors.ts';
import { isPadding, type FrameSink } from '../kernel/frame-sink.ts';
import { closingQuote } from '../kernel/json/json-text.ts';
import type { Framing } from './framing.ts';

const notPlain = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/;
const beyondAscii = /[\x80-\xff]/;
const byteOrderMark = '\xef\xbb\xbf';

/**
 * Cuts the bytes of a server-sent event stream into frames, by the rules of the HTML standard ("event stream
 * interpretation"): any line end, fields with or without a space, comments, sticky ids, a leading BOM, invalid UTF-8 as
 * U+FFFD. It works on latin1 strings of the raw bytes, because all of the syntax is ASCII and V8 searches such strings
 * fastest; only the values are decoded. A frame that looks exactly like the sink's lane is handed over without being
 * taken apart.
 */
export class SseFraming implements Framing {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  /** Pieces of an unfinished line: joined only when its end arrives, else a long line costs its square. */
  #unfinished: string[] = [];
  #frameBytes = 0;
  #skipLineFeed = false;
  #firstLine = true;
  #inFrame = false;
  #event = '';
  #data: string[] = [];
  #lines: string[] = [];
  #idBuffer = '';

  /** The `id` that a reconnecting client would send, and the `retry` in milliseconds that the stream asked for. */
  lastEventId = '';
  retry: number | undefined;

  constructor(sink: FrameSink, maxFrameBytes: number) {
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Takes the next bytes, as latin1. Throws FRAME_TOO_LARGE, and whatever the sink throws. */
  push(chunk: string): void {
    let position = 0;
    if (this.#skipLineFeed && chunk.length > 0) {
      if (chunk.charCodeAt(0) === 10) position = 1;
      this.#skipLineFeed = false;
    }
    if (chunk.indexOf('\n', position) === -1 && chunk.indexOf('\r', position) === -1) {
      this.#keep(position === 0 ? chunk : chunk.slice(position));
      return;
    }
    const text = this.#unfinished.length === 0 ? chunk : this.#join(chunk.slice(position));
    if (text !== chunk) position = 0;
    this.#readLines(text, position);
  }

  /** By the standard an event without its blank line is dropped. */
  end(): void {
    this.#unfinished = [];
  }

  #readLines(text: string, from: number): void {
    let position = from;
    let carriageReturn = text.indexOf('\r', position);
    while (position < text.length) {
      if (!this.#inFrame && this.#sink.lane !== undefined) {
        const end = this.#readLaneFrame(text, position);
        if (end > position) {
          position = end;
          continue;
        }
      }
      const lineFeed = text.indexOf('\n', position);
      if (carriageReturn !== -1 && carriageReturn < position) carriageReturn = text.indexOf('\r', position);
      const lineEnd =
        carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed) ? carriageReturn : lineFeed;
      if (lineEnd === -1) {
        this.#keep(text.slice(position));
        return;
      }
      let next = lineEnd + 1;
      if (lineEnd === carriageReturn) {
        if (next === text.length) this.#skipLineFeed = true;
        else if (text.charCodeAt(next) === 10) next += 1;
      }
      this.#readLine(text.slice(position, lineEnd));
      position = next;
    }
  }

  /** Returns the position after the frame, or the same position when the frame does not have the lane's shape. */
  #readLaneFrame(text: string, position: number): number {
    const { lane } = this.#sink;
    if (lane === undefined) return position;
    const textStart = position + lane.before.length;
    if (text.slice(position, textStart) !== lane.before) return position;
    const textEnd = closingQuote(text, textStart);
    if (textEnd === -1) return position;
    const afterEnd = textEnd + lane.after.length;
    if (text.slice(textEnd, afterEnd) !== lane.after) return position;
    const end = lane.tail === undefined ? afterEnd : endOfFiller(text, afterEnd, lane.tail);
    if (end === -1) return position;
    if (end - position > this.#maxFrameBytes) return position;
    const plain = !notPlain.test(text.slice(textStart, textEnd));
    return this.#sink.textFrame(text, position, textStart, textEnd, end, plain) ? end : position;
  }

  #readLine(rawLine: string): void {
    let line = rawLine;
    if (this.#firstLine) {
      this.#firstLine = false;
      if (line.startsWith(byteOrderMark)) line = line.slice(byteOrderMark.length);
    }
    if (line === '') {
      this.#dispatch();
      return;
    }
    this.#inFrame = true;
    this.#count(line.length);
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    this.#readField(name, value, line);
  }

  #readField(name: string, value: string, line: string): void {
    switch (name) {
      case 'data':
        this.#data.push(value);
        this.#lines.push(line);
        return;
      case 'event':
        this.#event = value;
        this.#lines.push(line);
        return;
      case 'id':
        if (!value.includes('\0')) this.#idBuffer = decodeUtf8(value);
        return;
      case 'retry':
        if (/^\d+$/.test(value)) this.retry = Number(value);
        return;
      default:
    }
  }

  #dispatch(): void {
    this.lastEventId = this.#idBuffer;
    const data = this.#data;
    const event = this.#event;
    const lines = this.#lines;
    this.#inFrame = false;
    this.#frameBytes = 0;
    if (lines.length > 0) {
      this.#event = '';
      this.#data = [];
      this.#lines = [];
    }
    if (data.length === 0) return;
    const bytes = lines.length === 1 ? `${lines[0] ?? ''}\n\n` : `${lines.join('\n')}\n\n`;
    const value = data.length === 1 ? (data[0] ?? '') : data.join('\n');
    if (beyondAscii.test(bytes)) this.#sink.frame(decodeUtf8(event), decodeUtf8(value), validUtf8(bytes));
    else this.#sink.frame(event, value, bytes);
  }

  #keep(text: string): void {
    if (text === '') return;
    this.#unfinished.push(text);
    this.#count(text.length);
  }

  #join(chunk: string): string {
    const text = this.#unfinished.join('') + chunk;
    for (const piece of this.#unfinished) this.#frameBytes -= piece.length;
    this.#unfinished = [];
    return text;
  }

  #count(bytes: number): void {
    this.#frameBytes += bytes;
    if (this.#frameBytes > this.#maxFrameBytes)
      throw new SluiceError('FRAME_TOO_LARGE', { details: { limit: this.#maxFrameBytes } });
  }
}

/** The position after the filler and the tail, or -1 where something else stands there. */
function endOfFiller(text: string, start: number, tail: string): number {
  const at = text.indexOf(tail.charAt(0), start);
  if (at === -1 || !isPadding(text.slice(start, at), tail)) return -1;
  const end = at + tail.length;
  return text.slice(at, end) === tail ? end : -1;
}

/** The same bytes, with U+FFFD for those that are no UTF-8: what is copied to a client is as valid as what is written. */
function validUtf8(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? latin1 : Buffer.from(bytes.toString('utf8')).toString('latin1');
}

function decodeUtf8(latin1: string): string {
  return beyondAscii.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1;
}
