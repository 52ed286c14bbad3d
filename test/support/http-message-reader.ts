export interface MessageHead {
  /** `POST /v1/chat/completions HTTP/1.1` or `HTTP/1.1 200 OK`. */
  readonly startLine: string;
  /** Lower-case names; of a repeated header the values are joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** As sent, in order. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
}

export interface MessageListener {
  /** Returns `no-body` for an answer that has none whatever its headers say (to HEAD, 204, 304, 1xx). */
  onHead(head: MessageHead): 'no-body' | undefined;
  onBody(bytes: Buffer): void;
  onEnd(): void;
}

type State =
  | 'start-line'
  | 'headers'
  | 'fixed-body'
  | 'chunk-size'
  | 'chunk-body'
  | 'chunk-end'
  | 'trailers'
  | 'until-close';

export const MAX_LINE_BYTES = 1_048_576;
const LINE_END = '\r\n';

/**
 * Reads HTTP/1.1 messages one after another from bytes that are cut anywhere. It is strict, because it judges what
 * the gateway writes: a bare LF, a bad chunk size, both lengths at once and a missing colon are errors.
 */
export class HttpMessageReader {
  readonly #kind: 'request' | 'response';
  readonly #listener: MessageListener;
  #rest: Buffer = Buffer.alloc(0);
  #state: State = 'start-line';
  #startLine = '';
  #headers: (readonly [string, string])[] = [];
  #remaining = 0;

  constructor(kind: 'request' | 'response', listener: MessageListener) {
    this.#kind = kind;
    this.#listener = listener;
  }

  /** True inside a message: what has begun is not complete. */
  get isOpen(): boolean {
    return this.#state !== 'start-line' || this.#rest.length > 0;
  }

  /** Throws an error that names the first byte sequence that is no HTTP. */
  push(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length > 0 && this.#step());
  }

  /** The other side sent FIN. A body that lasts until then is complete now. */
  end(): void {
    if (this.#state === 'until-close') this.#finish();
  }

  #step(): boolean {
    switch (this.#state) {
      case 'fixed-body':
        return this.#takeBody(() => this.#finish());
      case 'chunk-body':
        return this.#takeBody(() => this.#go('chunk-end'));
      case 'until-close':
        this.#listener.onBody(this.#rest);
        this.#rest = Buffer.alloc(0);
        return true;
      default:
        return this.#takeLine();
    }
  }

  #takeBody(then: () => void): boolean {
    const piece = this.#rest.subarray(0, this.#remaining);
    this.#rest = this.#rest.subarray(piece.length);
    this.#remaining -= piece.length;
    this.#listener.onBody(piece);
    if (this.#remaining === 0) then();
    return true;
  }

  #takeLine(): boolean {
    const end = this.#rest.indexOf('\n');
    if (end < 0) {
      if (this.#rest.length > MAX_LINE_BYTES) throw new Error(`A line of more than ${MAX_LINE_BYTES} bytes.`);
      return false;
    }
    const line = this.#rest.toString('latin1', 0, end + 1);
    if (!line.endsWith(LINE_END)) throw new Error(`A line that does not end with CR LF: ${JSON.stringify(line)}.`);
    this.#rest = this.#rest.subarray(end + 1);
    this.#line(line.slice(0, -LINE_END.length));
    return true;
  }

  #line(line: string): void {
    switch (this.#state) {
      case 'start-line':
        return this.#readStartLine(line);
      case 'headers':
        return line === '' ? this.#readHead() : void this.#headers.push(headerOf(line));
      case 'chunk-size':
        return this.#readChunkSize(line);
      case 'chunk-end':
        if (line !== '') throw new Error(`A chunk that is longer than its size: ${JSON.stringify(line)}.`);
        return this.#go('chunk-size');
      default:
        return line === '' ? this.#finish() : void headerOf(line);
    }
  }

  #readStartLine(line: string): void {
    const pattern = this.#kind === 'request' ? /^[A-Z]+ \S+ HTTP\/1\.[01]$/ : /^HTTP\/1\.[01] \d{3}(?: .*)?$/;
    if (!pattern.test(line))
      throw new Error(`No start line of a ${this.#kind}: ${JSON.stringify(line.slice(0, 200))}.`);
    this.#startLine = line;
    this.#headers = [];
    this.#go('headers');
  }

  #readHead(): void {
    const headers = joinHeaders(this.#headers);
    const rule = this.#listener.onHead({ startLine: this.#startLine, headers, rawHeaders: this.#headers });
    if (rule === 'no-body') return this.#finish();
    const length = headers['content-length'];
    const chunked = headers['transfer-encoding']?.toLowerCase() === 'chunked';
    if (chunked && length !== undefined) throw new Error('Both content-length and transfer-encoding.');
    if (chunked) return this.#go('chunk-size');
    if (length !== undefined) return this.#openFixedBody(length);
    return this.#kind === 'request' ? this.#finish() : this.#go('until-close');
  }

  #openFixedBody(length: string): void {
    if (!/^\d{1,15}$/.test(length)) throw new Error(`No content-length: ${JSON.stringify(length)}.`);
    this.#remaining = Number(length);
    return this.#remaining === 0 ? this.#finish() : this.#go('fixed-body');
  }

  #readChunkSize(line: string): void {
    const size = /^([0-9a-fA-F]{1,8})(?:;.*)?$/.exec(line)?.[1];
    if (size === undefined) throw new Error(`No chunk size: ${JSON.stringify(line.slice(0, 200))}.`);
    this.#remaining = Number.parseInt(size, 16);
    this.#go(this.#remaining === 0 ? 'trailers' : 'chunk-body');
  }

  #finish(): void {
    this.#go('start-line');
    this.#listener.onEnd();
  }

  #go(state: State): void {
    this.#state = state;
  }
}

function headerOf(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line);
  if (match === null) throw new Error(`No header: ${JSON.stringify(line.slice(0, 200))}.`);
  return [match[1] ?? '', match[2] ?? ''];
}

function joinHeaders(raw: readonly (readonly [string, string])[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of raw) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return headers;
}
