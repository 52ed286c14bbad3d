import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../src/kernel/clock.ts';
import { HttpMessageReader, type MessageHead } from './http-message-reader.ts';
import { turn, within } from './turn.ts';

export interface ProbeOptions {
  readonly port: number;
  readonly host?: string;
  /** Dates the pieces; real milliseconds where there is none. */
  readonly clock?: Clock;
  /** PEM of the authority to trust; the probe then speaks TLS. "" means none, so an upstream can be given as it is. */
  readonly authority?: string;
}

export interface ProbeRequest {
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text and bytes as they are, anything else as JSON. `content-length` is set unless a header says how long it is. */
  readonly body?: unknown;
}

export interface SendOptions {
  /** Bytes per packet, one packet a turn. */
  readonly slice?: number;
  /** Sends only so many bytes of the request, head included; `write` can send the rest. */
  readonly only?: number;
}

/**
 * How a response ended: `complete` by its own framing, `fin` and `reset` by the server before that, `left` because the
 * probe itself dropped the connection. A body without length or chunks is complete with FIN.
 */
export type ProbeEnd = 'complete' | 'fin' | 'reset' | 'left';

export interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** A response, read as far as it has come. */
export interface ProbeResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawHeaders: MessageHead['rawHeaders'];
  /** Without chunk sizes, one entry per read. */
  readonly pieces: readonly Piece[];
  readonly body: Buffer;
  readonly text: string;
  /** Undefined while it goes on. */
  readonly end: ProbeEnd | undefined;
  json(): unknown;
}

/** More than this is kept of no connection. */
export const MAX_RECORDED_BYTES = 512 * 1_048_576;

/** Connects. Rejects where no connection comes about. */
export async function openProbe(options: ProbeOptions): Promise<ProbeClient> {
  const { port, host = '127.0.0.1', authority = '' } = options;
  const socket = authority === '' ? connect({ port, host, noDelay: true }) : connectTls({ port, host, ca: authority });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once(authority === '' ? 'connect' : 'secureConnect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
  return new ProbeClient(socket, options.clock);
}

/** Opens a connection, sends one request and gives the probe. */
export async function probe(options: ProbeOptions, request: ProbeRequest, sending?: SendOptions): Promise<ProbeClient> {
  const client = await openProbe(options);
  await client.send(request, sending);
  return client;
}

/** A client on a bare socket, which can misbehave in every way and keeps every byte it got. */
export class ProbeClient {
  /** All reads as they came, heads and chunk sizes included. */
  readonly pieces: Piece[] = [];
  /** Responses in order; one to a pipelined request stands behind its forerunner. */
  readonly responses: Response[] = [];
  /** What the server sent is no HTTP. */
  malformed: string | undefined;
  /** Requests that were sent as a whole. */
  sent = 0;
  /** How the probe dropped the connection, if it did. */
  leftBy: 'fin' | 'reset' | 'destroy' | undefined;
  /** How the connection ended; undefined while it is open. */
  closed: Exclude<ProbeEnd, 'complete'> | undefined;
  readonly #socket: Socket;
  readonly #clock: Clock | undefined;
  readonly #reader: HttpMessageReader;
  readonly #methods: string[] = [];
  readonly #watchers = new Set<() => void>();
  #recorded = 0;

  constructor(socket: Socket, clock?: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#reader = new HttpMessageReader('response', {
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.responses.at(-1)?.add({ at: this.#time(), bytes: Buffer.from(bytes) }),
      onEnd: () => this.#onResponseEnd(),
    });
    socket.on('data', (bytes: unknown) => this.#onData(bytes as Buffer));
    socket.on('end', () => this.#onEnd('fin'));
    socket.on('error', () => this.#onEnd('reset'));
    socket.on('close', () => this.#onEnd('left'));
  }

  /** Sends a request; a second call while the first is unanswered pipelines it. */
  async send(request: ProbeRequest, { slice, only }: SendOptions = {}): Promise<void> {
    const bytes = requestBytes(request);
    this.#methods.push(methodOf(request));
    await this.write(bytes.subarray(0, only ?? bytes.length), slice);
    if (only === undefined || only >= bytes.length) this.sent += 1;
  }

  /** Writes bytes as they are. Stops when the server has closed. */
  async write(bytes: Uint8Array | string, slice?: number): Promise<void> {
    const whole = Buffer.from(bytes);
    const size = slice ?? Math.max(1, whole.length);
    for (let start = 0; start < whole.length && this.#socket.writable; start += size) {
      this.#socket.write(whole.subarray(start, start + size));
      if (slice !== undefined) await turn();
    }
  }

  /** All bytes that came, as they came. */
  get received(): Buffer {
    return Buffer.concat(this.pieces.map(({ bytes }) => bytes));
  }

  get bytesReceived(): number {
    return this.#recorded;
  }

  /** Resolves with the head of a response; its body goes on growing. Rejects when the connection ends without it. */
  response(index = 0): Promise<ProbeResponse> {
    return this.#when(`response ${index}`, () => this.responses[index]);
  }

  /**
   * Resolves with the body so far of the newest response, as soon as it holds `wanted` (a text, or a predicate).
   * Rejects when it ends without.
   */
  until(wanted: string | ((text: string) => boolean)): Promise<string> {
    const holds = typeof wanted === 'string' ? (text: string): boolean => text.includes(wanted) : wanted;
    return this.#when(typeof wanted === 'string' ? JSON.stringify(wanted) : 'the condition', () => {
      const text = this.responses.at(-1)?.text;
      return text !== undefined && holds(text) ? text : undefined;
    });
  }

  /** Resolves when a response has ended, also one whose head never came. */
  end(index = 0): Promise<ProbeEnd> {
    return this.#when(`the end of response ${index}`, () => this.responses[index]?.end ?? this.closed);
  }

  /** Resolves when the connection is closed, by whomever. */
  close(): Promise<Exclude<ProbeEnd, 'complete'>> {
    return this.#when('the close of the connection', () => this.closed);
  }

  /** Reads no more, so that the server comes to feel it. Some data may still come: the system holds megabytes. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that nothing more will be sent, and goes on reading. */
  fin(): void {
    this.leftBy ??= 'fin';
    this.#socket.end();
  }

  reset(): void {
    this.leftBy ??= 'reset';
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.leftBy ??= 'destroy';
    this.#socket.destroy();
  }

  #time(): number {
    return this.#clock?.now() ?? performance.now();
  }

  #onData(bytes: Buffer): void {
    this.#recorded += bytes.length;
    if (this.#recorded > MAX_RECORDED_BYTES) throw new Error(`The probe got more than ${MAX_RECORDED_BYTES} bytes.`);
    this.pieces.push({ at: this.#time(), bytes });
    if (this.malformed === undefined) this.#parse(bytes);
    this.#notify();
  }

  #parse(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.malformed = String(error);
    }
  }

  #onHead(head: MessageHead): 'no-body' | undefined {
    const response = new Response(head);
    const isInterim = response.status < 200;
    const method = isInterim ? undefined : this.#methods.shift();
    if (!isInterim) this.responses.push(response);
    return isInterim || method === 'HEAD' || response.status === 204 || response.status === 304 ? 'no-body' : undefined;
  }

  #onResponseEnd(): void {
    const response = this.responses.at(-1);
    if (response !== undefined) response.end ??= 'complete';
  }

  #onEnd(how: Exclude<ProbeEnd, 'complete'>): void {
    if (this.closed !== undefined) return;
    if (how === 'fin') this.#reader.end();
    this.closed = this.leftBy === 'reset' || this.leftBy === 'destroy' ? 'left' : how;
    const response = this.responses.at(-1);
    if (response !== undefined) response.end ??= this.closed;
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async #when<T>(what: string, look: () => T | undefined): Promise<T> {
    const found = Promise.withResolvers<T>();
    const watcher = (): void => {
      const value = look();
      if (value !== undefined) return found.resolve(value);
      if (this.closed !== undefined)
        found.reject(new Error(`The connection ended (${this.closed}) before ${what} came. ${this.#account()}`));
    };
    this.#watchers.add(watcher);
    try {
      watcher();
      return await within(found.promise, `${what} at the probe`);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  #account(): string {
    return `Received: ${JSON.stringify(this.received.toString('utf8').slice(-500))}`;
  }
}

class Response implements ProbeResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawHeaders: MessageHead['rawHeaders'];
  readonly pieces: Piece[] = [];
  end: ProbeEnd | undefined;
  text = '';
  readonly #decoder = new TextDecoder();

  constructor({ startLine, headers, rawHeaders }: MessageHead) {
    const [, status = '', reason = ''] = /^\S+ (\d{3}) ?(.*)$/.exec(startLine) ?? [];
    this.status = Number(status);
    this.reason = reason;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces.map(({ bytes }) => bytes));
  }

  json(): unknown {
    return JSON.parse(this.body.toString('utf8'));
  }

  add(piece: Piece): void {
    this.pieces.push(piece);
    this.text += this.#decoder.decode(piece.bytes, { stream: true });
  }
}

function methodOf({ method, body }: ProbeRequest): string {
  return method ?? (body === undefined ? 'GET' : 'POST');
}

/** The request as bytes, for those who want to cut it themselves. */
export function requestBytes(request: ProbeRequest): Buffer {
  const { path, headers = {}, body } = request;
  const content =
    body === undefined
      ? Buffer.alloc(0)
      : Buffer.isBuffer(body)
        ? body
        : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const lines = [`${methodOf(request)} ${path} HTTP/1.1`];
  if (!names.includes('host')) lines.push('host: sluice.test');
  if (body !== undefined && !names.includes('content-type')) lines.push('content-type: application/json');
  const saysLength = names.includes('content-length') || names.includes('transfer-encoding');
  if (body !== undefined && !saysLength) lines.push(`content-length: ${content.length}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content]);
}
