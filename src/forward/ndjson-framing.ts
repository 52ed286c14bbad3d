import { isUtf8 } from 'node:buffer';
import { SluiceError } from '../kernel/errors.ts';
import type { FrameSink } from '../kernel/frame-sink.ts';
import { closingQuote } from '../kernel/json/json-text.ts';
import type { Framing } from './framing.ts';

const notPlain = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/;
const beyondAscii = /[\x80-\xff]/;
/** White space of JSON only: other bytes that a text counts as space are the halves of characters here. */
const empty = /^[ \t\r]*$/;
const byteOrderMark = '\xef\xbb\xbf';

/**
 * Cuts newline-delimited JSON into lines. Works on latin1 strings of the raw bytes; a line that looks exactly like the
 * sink's lane is handed over without being taken apart. Empty lines are dropped, and so are a CR before the LF and a
 * leading byte order mark; bytes that are no UTF-8 become U+FFFD.
 */
export class NdjsonFraming implements Framing {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  /** Pieces of an unfinished line: joined only when its end arrives, else a long line costs its square. */
  #unfinished: string[] = [];
  #unfinishedBytes = 0;
  #firstLine = true;

  constructor(sink: FrameSink, maxFrameBytes: number) {
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
  }

  push(chunk: string): void {
    if (chunk.indexOf('\n') === -1) {
      this.#keep(chunk);
      return;
    }
    const text = this.#takeUnfinished() + chunk;
    let position = 0;
    while (position < text.length) {
      const laneEnd = this.#readLane(text, position);
      if (laneEnd > position) {
        position = laneEnd;
        continue;
      }
      const lineFeed = text.indexOf('\n', position);
      if (lineFeed === -1) {
        this.#keep(text.slice(position));
        return;
      }
      this.#readLine(text.slice(position, lineFeed));
      position = lineFeed + 1;
    }
  }

  /** A last line needs no line end. One that was cut off is no JSON, and is dropped. */
  end(): void {
    const line = this.#takeUnfinished();
    if (isJson(this.#firstLine ? withoutMark(line) : line)) this.#readLine(line);
  }

  #readLine(rawLine: string): void {
    let line = rawLine.endsWith('\r') ? rawLine.slice(0, -1) : rawLine;
    this.#check(line.length);
    if (this.#firstLine) line = withoutMark(line);
    this.#firstLine = false;
    if (empty.test(line)) return;
    if (!beyondAscii.test(line)) {
      this.#sink.frame('', line, `${line}\n`);
      return;
    }
    const bytes = Buffer.from(line, 'latin1');
    const data = bytes.toString('utf8');
    this.#sink.frame('', data, `${isUtf8(bytes) ? line : Buffer.from(data).toString('latin1')}\n`);
  }

  /** Returns the position after the line, or the same position when it does not have the lane's shape. */
  #readLane(text: string, position: number): number {
    const { lane } = this.#sink;
    if (lane === undefined || lane.tail !== undefined) return position;
    const textStart = position + lane.before.length;
    if (text.slice(position, textStart) !== lane.before) return position;
    const textEnd = closingQuote(text, textStart);
    if (textEnd === -1) return position;
    const end = textEnd + lane.after.length;
    if (text.slice(textEnd, end) !== lane.after || end - position > this.#maxFrameBytes) return position;
    const plain = !notPlain.test(text.slice(textStart, textEnd));
    return this.#sink.textFrame(text, position, textStart, textEnd, end, plain) ? end : position;
  }

  #takeUnfinished(): string {
    const text = this.#unfinished.length === 0 ? '' : this.#unfinished.join('');
    this.#unfinished = [];
    this.#unfinishedBytes = 0;
    return text;
  }

  #keep(text: string): void {
    if (text === '') return;
    this.#unfinished.push(text);
    this.#unfinishedBytes += text.length;
    // A CR at the end is not of the line, if an LF follows.
    this.#check(text.endsWith('\r') ? this.#unfinishedBytes - 1 : this.#unfinishedBytes);
  }

  #check(bytes: number): void {
    if (bytes > this.#maxFrameBytes)
      throw new SluiceError('FRAME_TOO_LARGE', { details: { limit: this.#maxFrameBytes } });
  }
}

function withoutMark(line: string): string {
  return line.startsWith(byteOrderMark) ? line.slice(byteOrderMark.length) : line;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
