import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientAnswer, ClientListener } from '../kernel/client-answer.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ErrorBody } from '../kernel/component.ts';
import type { SluiceError } from '../kernel/errors.ts';

/** A document is written in pieces of this size, so that a client that reads slowly is told from one that does not. */
const bodyPieceBytes = 65_536;

const eventStream = 'text/event-stream; charset=utf-8';
const streamHeaders = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** What a reply needs of the encoder of its dialect. */
export interface ReplyEncoder {
  readonly streamType?: string | undefined;
  encodeError(error: SluiceError): ErrorBody;
}

/**
 * Writes one answer on the hijacked reply of Node's HTTP server. The head leaves in one segment with the first frames;
 * frames then go to the socket as one latin1 string in a chunk of our own, which costs half of `response.write`. That is
 * only right while the response is the current one of its socket and chunked; otherwise `response.write` is used.
 */
export class ClientReply implements ClientAnswer {
  headCommitted = false;
  lastWrite: number;
  stalledSince: number | undefined;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #encoder: ReplyEncoder;
  #readHeaders: () => Readonly<Record<string, string>> = () => ({});
  #listener: ClientListener | undefined;
  #opening = '';
  #awaitsTurn = false;
  #ended = false;

  /** `socket` is that of the request: a pipelined response has none of its own yet. */
  constructor(response: ServerResponse, socket: Socket, clock: Clock, encoder: ReplyEncoder) {
    this.#response = response;
    this.#socket = socket;
    this.#clock = clock;
    this.#encoder = encoder;
    this.lastWrite = clock.now();
  }

  setHeaders(read: () => Readonly<Record<string, string>>): void {
    this.#readHeaders = read;
  }

  listen(listener: ClientListener): void {
    this.#listener = listener;
    // A client that half-closes has left, so `end` counts as well as `close`.
    this.#socket.on('end', this.#onClose);
    this.#socket.on('close', this.#onClose);
    this.#socket.on('drain', this.#onSocketDrain);
    this.#response.on('drain', this.#onDrain);
    if (this.#socket.destroyed || this.#socket.readableEnded) queueMicrotask(this.#onClose);
  }

  open(frames: string): void {
    this.#opening = frames;
  }

  write(frames: string): boolean {
    return this.#ended ? true : this.#send(frames);
  }

  end(frames: string): void {
    if (!this.#ended) this.#sendLast(frames);
  }

  endWithJson(body: string): void {
    this.#endWithBody(200, 'application/json; charset=utf-8', body, {});
  }

  fail(error: SluiceError, frame: string): void {
    if (this.#ended) return;
    if (error.kind === 'client') {
      this.drop();
      return;
    }
    if (this.headCommitted) {
      this.#sendLast(frame);
      return;
    }
    const { contentType, body, status = error.status } = this.#encoder.encodeError(error);
    const retryAfter =
      error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) };
    this.#endWithBody(status, contentType, JSON.stringify(body), retryAfter);
  }

  whenSent(callback: () => void): void {
    const [response, socket] = [this.#response, this.#socket];
    if (socket.destroyed || (response.writableEnded && response.socket !== null && socket.writableLength === 0)) {
      callback();
      return;
    }
    this.#stall();
    const onSent = (): void => {
      response.off('finish', onSent);
      socket.off('close', onSent);
      this.stalledSince = undefined;
      callback();
    };
    response.on('finish', onSent);
    socket.on('close', onSent);
  }

  drop(): void {
    this.#close();
    // What waits in the system would otherwise stay there until the client reads it, perhaps never. An answer that waits
    // behind another one must not take that one with it.
    if (this.#response.socket === null) this.#response.once('socket', (socket: Socket) => socket.destroy());
    else this.#socket.resetAndDestroy();
  }

  /** Frames and the end of the chunked body leave in one write. */
  #sendLast(frames: string): void {
    this.#socket.cork();
    try {
      this.#send(frames);
      this.#close();
      this.#response.end();
    } finally {
      this.#socket.uncork();
    }
  }

  #send(frames: string): boolean {
    this.lastWrite = this.#clock.now();
    if (this.headCommitted) return this.#writeFrames(frames);
    this.headCommitted = true;
    this.#socket.cork();
    try {
      const contentType = this.#encoder.streamType ?? eventStream;
      this.#response.writeHead(200, { 'content-type': contentType, ...streamHeaders, ...this.#readHeaders() });
      this.#response.flushHeaders();
      return this.#writeFrames(this.#opening + frames);
    } finally {
      this.#socket.uncork();
    }
  }

  #writeFrames(frames: string): boolean {
    if (frames === '') return true;
    const socket = this.#socket;
    const direct = this.#response.chunkedEncoding && this.#response.socket === socket && socket.writable;
    const readsOn = direct
      ? socket.write(`${frames.length.toString(16)}\r\n${frames}\r\n`, 'latin1')
      : this.#response.write(frames, 'latin1');
    if (!readsOn) this.#stall();
    return readsOn;
  }

  /** The client's time to read begins; behind an earlier answer of its connection only when that one is over. */
  #stall(): void {
    if (this.#response.socket !== null) {
      this.stalledSince ??= this.#clock.now();
      return;
    }
    if (this.#awaitsTurn) return;
    this.#awaitsTurn = true;
    this.#response.once('socket', () => this.#stall());
  }

  #endWithBody(status: number, contentType: string, body: string, headers: Readonly<Record<string, string>>): void {
    if (this.#ended) return;
    this.headCommitted = true;
    this.#close();
    const length = Buffer.byteLength(body);
    this.#response.writeHead(status, {
      'content-type': contentType,
      'content-length': String(length),
      'cache-control': 'no-store',
      ...this.#readHeaders(),
      ...headers,
    });
    // A short text leaves in one write with its head.
    if (length <= bodyPieceBytes) this.#endShort(body);
    else this.#writePieces(Buffer.from(body), 0);
  }

  #endShort(body: string): void {
    this.stalledSince = undefined;
    this.#stall();
    this.#response.end(body);
  }

  #writePieces(bytes: Buffer, from: number): void {
    let start = from;
    this.stalledSince = undefined;
    this.#stall();
    for (; bytes.length - start > bodyPieceBytes; start += bodyPieceBytes) {
      if (this.#response.write(bytes.subarray(start, start + bodyPieceBytes))) continue;
      this.#response.once('drain', () => this.#writePieces(bytes, start + bodyPieceBytes));
      return;
    }
    this.#response.end(bytes.subarray(start));
  }

  /** From here on nothing is told to the run any more, so the connection can serve its next request. */
  #close(): void {
    this.#ended = true;
    this.#listener = undefined;
    this.stalledSince = undefined;
    this.#socket.off('end', this.#onClose);
    this.#socket.off('close', this.#onClose);
    this.#socket.off('drain', this.#onSocketDrain);
    this.#response.off('drain', this.#onDrain);
  }

  /** What an earlier answer of the connection has sent does not concern one that waits for its turn. */
  readonly #onSocketDrain = (): void => {
    if (this.#response.socket === this.#socket) this.#onDrain();
  };

  readonly #onDrain = (): void => {
    this.stalledSince = undefined;
    this.#listener?.onDrain();
  };

  readonly #onClose = (): void => {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#close();
    listener.onGone();
    this.#socket.destroy();
  };
}
