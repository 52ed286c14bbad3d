import { connect, type Socket } from 'node:net';
import { AnswerReader, type AnswerListener, type AnswerSummary } from './answer-reader.ts';
import { errorMessage } from './error-message.ts';

/** One read of the generator; shared by all connections, since a read is handled before the next one comes. */
const readBufferBytes = 65_536;
const readBuffer = Buffer.allocUnsafe(readBufferBytes);

export interface ConnectionListener extends AnswerListener {
  /** Milliseconds from the request's write to the first byte of the body. */
  firstByte(milliseconds: number): void;
  /** The connection is gone; `inAnswer` when an answer was asked for and not complete. */
  closed(reason: string, inAnswer: boolean): void;
}

/** One keep-alive connection: a request, its answer, the next request when its owner says so. */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #listener: ConnectionListener;
  readonly #reader: AnswerReader;
  #sentAt = 0;
  #waitsForFirstByte = false;
  #waitsForAnswer = false;
  #reason = 'closed by the server';

  constructor(port: number, request: Buffer, listener: ConnectionListener) {
    this.#request = request;
    this.#listener = listener;
    this.#reader = new AnswerReader({ body: (...piece) => this.#body(...piece), end: (summary) => this.#end(summary) });
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length) => this.#read(length) },
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => (this.#reason = error.code ?? error.message));
    this.#socket.on('close', () => this.#listener.closed(this.#reason, this.#waitsForAnswer));
  }

  get busy(): boolean {
    return this.#waitsForAnswer;
  }

  send(): void {
    this.#waitsForFirstByte = true;
    this.#waitsForAnswer = true;
    this.#sentAt = performance.now();
    this.#socket.write(this.#request);
  }

  /** Closes without a further word to the listener. */
  destroy(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #read(length: number): boolean {
    try {
      this.#reader.read(readBuffer, length);
    } catch (error) {
      this.#reason = errorMessage(error);
      this.#socket.destroy();
    }
    return true;
  }

  #body(bytes: Buffer, start: number, end: number): void {
    if (this.#waitsForFirstByte) {
      this.#waitsForFirstByte = false;
      this.#listener.firstByte(performance.now() - this.#sentAt);
    }
    this.#listener.body(bytes, start, end);
  }

  #end(summary: AnswerSummary): void {
    this.#waitsForAnswer = false;
    this.#listener.end(summary);
  }
}
