const maxHeadBytes = 16_384;
const maxSizeLineBytes = 64;
/** Last bytes of the body that are kept, to see the terminator. */
const tailBytes = 64;

/** What a finished answer was. `tail` is the end of the body as latin1. */
export interface AnswerSummary {
  readonly status: number;
  readonly bodyBytes: number;
  readonly tail: string;
}

export interface AnswerListener {
  /** A piece of the body, without the chunked framing. Valid only during the call. */
  body(bytes: Buffer, start: number, end: number): void;
  end(summary: AnswerSummary): void;
}

type Step = 'head' | 'fixed' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer';

/**
 * Reads the answers of one keep-alive connection, cut at any byte: content-length or chunked. Throws where the bytes
 * are no HTTP/1.1 answer or the body ends only with the connection.
 */
export class AnswerReader {
  readonly #listener: AnswerListener;
  readonly #tail = Buffer.alloc(tailBytes);
  #step: Step = 'head';
  /** Text that waits for the rest of its line or head. */
  #pending = '';
  #left = 0;
  #status = 0;
  #bodyBytes = 0;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  /** True between two answers. */
  get idle(): boolean {
    return this.#step === 'head' && this.#pending === '';
  }

  read(bytes: Buffer, length: number): void {
    let position = 0;
    while (position < length) position = this.#advance(bytes, position, length);
  }

  #advance(bytes: Buffer, position: number, length: number): number {
    switch (this.#step) {
      case 'head':
        return this.#readHead(bytes, position, length);
      case 'fixed':
      case 'chunk':
        return this.#readBody(bytes, position, length);
      case 'chunk-size':
      case 'chunk-end':
      case 'trailer':
        return this.#readLine(bytes, position, length);
    }
  }

  #readHead(bytes: Buffer, position: number, length: number): number {
    const known = this.#pending.length;
    const text = this.#pending + bytes.toString('latin1', position, Math.min(length, position + maxHeadBytes + 1));
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (text.length > maxHeadBytes) throw new Error('the answer head is too long');
      this.#pending = text;
      return length;
    }
    this.#pending = '';
    this.#begin(text.slice(0, end));
    return position + end + 4 - known;
  }

  #begin(head: string): void {
    if (!head.startsWith('HTTP/1.1 ')) throw new Error('not an HTTP/1.1 answer');
    this.#status = Number(head.slice(9, 12));
    this.#bodyBytes = 0;
    this.#tail.fill(0);
    const contentLength = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (contentLength !== null) {
      this.#step = 'fixed';
      this.#left = Number(contentLength[1]);
      if (this.#left === 0) this.#finish();
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#step = 'chunk-size';
    } else {
      throw new Error('the answer has neither content-length nor chunked framing');
    }
  }

  #readBody(bytes: Buffer, position: number, length: number): number {
    const end = Math.min(length, position + this.#left);
    this.#left -= end - position;
    this.#bodyBytes += end - position;
    this.#keepTail(bytes, position, end);
    this.#listener.body(bytes, position, end);
    if (this.#left > 0) return end;
    if (this.#step === 'fixed') this.#finish();
    else this.#step = 'chunk-end';
    return end;
  }

  #keepTail(bytes: Buffer, start: number, end: number): void {
    const size = Math.min(tailBytes, end - start);
    if (size < tailBytes) this.#tail.copy(this.#tail, 0, size);
    bytes.copy(this.#tail, tailBytes - size, end - size, end);
  }

  /** Most lines lie whole in one read; only a cut one is kept as text. */
  #readLine(bytes: Buffer, position: number, length: number): number {
    const newline = bytes.indexOf(10, position);
    const end = newline < 0 || newline >= length ? length : newline + 1;
    const line = this.#pending + bytes.toString('latin1', position, end);
    if (!line.endsWith('\n')) {
      if (line.length > maxSizeLineBytes) throw new Error('a line of the chunked framing is too long');
      this.#pending = line;
      return end;
    }
    this.#pending = '';
    this.#handleLine(line.trim());
    return end;
  }

  #handleLine(line: string): void {
    if (this.#step === 'chunk-end') {
      if (line !== '') throw new Error('a chunk is longer than its size');
      this.#step = 'chunk-size';
    } else if (this.#step === 'trailer') {
      if (line === '') this.#finish();
    } else {
      this.#left = Number.parseInt(line, 16);
      if (!/^[0-9a-f]+(;.*)?$/i.test(line)) throw new Error('not a chunk size');
      this.#step = this.#left === 0 ? 'trailer' : 'chunk';
    }
  }

  #finish(): void {
    this.#step = 'head';
    this.#listener.end({
      status: this.#status,
      bodyBytes: this.#bodyBytes,
      tail: this.#tail.toString('latin1', 0, tailBytes),
    });
  }
}
