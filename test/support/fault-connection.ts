import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../src/kernel/clock.ts';
import type { Gates } from './gates.ts';
import { HttpMessageReader, type MessageHead } from './http-message-reader.ts';
import type { Scenario } from './scenario.ts';
import { playScenario, type Stage } from './scenario-player.ts';

/** A request as it came. */
export interface RequestRecord {
  /** Place in `requests` of the upstream. */
  readonly index: number;
  readonly connectionId: number;
  /** True when the connection had served a request before. */
  readonly reused: boolean;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawHeaders: MessageHead['rawHeaders'];
  /** The test's clock when the head was complete; real milliseconds where there is none. */
  readonly at: number;
  /** What has arrived of the body. */
  readonly body: Buffer;
  readonly bodyText: string;
  /** The whole body has arrived. */
  readonly complete: boolean;
  /** `open` until the answer is complete or was cut; `cut` says that this side ended it, `aborted` that the other did. */
  readonly outcome: 'open' | 'answered' | 'cut' | 'aborted';
}

/** What the server gives to its connections. */
export interface ConnectionHost {
  readonly gates: Gates;
  /** Time for waits; a scenario that needs one where there is none is a mistake. */
  readonly clock: Clock | undefined;
  readonly problems: string[];
  onHead(request: RequestRecord): void;
  /** The scenario of a request, to be played now; undefined where it waits for the rest of the body. */
  take(request: RequestRecord): Scenario | undefined;
  onClosed(connection: FaultConnection): void;
  requestCount(): number;
}

interface MutableRequest extends RequestRecord {
  complete: boolean;
  outcome: RequestRecord['outcome'];
  readonly pieces: Buffer[];
  size: number;
}

/** A request is recorded up to this size; what is longer is a mistake of the test. */
export const MAX_BODY_BYTES = 256 * 1_048_576;

/** One accepted connection: reads requests, plays their scenarios one after another, and notes who ended it. */
export class FaultConnection {
  readonly id: number;
  readonly openedAt: number;
  /** Undefined while it is open. */
  closedBy: 'client' | 'upstream' | undefined;
  /** How the side that closed did it. */
  closedHow: 'fin' | 'reset' | 'destroy' | undefined;
  state: 'open' | 'closed' = 'open';
  /** The other side left while a request was being sent or answered. */
  aborted = false;
  requestCount = 0;
  /** Resolves when `state` becomes `closed`. */
  readonly closed: Promise<void>;
  readonly #closed = Promise.withResolvers<void>();
  readonly #socket: Socket;
  readonly #raw: Socket;
  readonly #host: ConnectionHost;
  readonly #reader: HttpMessageReader;
  readonly #queue: MutableRequest[] = [];
  readonly #gone = Promise.withResolvers<void>();
  readonly #timers = new Set<Timer>();
  #receiving: MutableRequest | undefined;
  #playing: MutableRequest | undefined;
  #greeting = false;
  #deaf = false;
  #busy = false;
  #blocked = false;
  #left = false;

  /** `raw` is the TCP socket below `socket`; the same where there is no TLS. */
  constructor(id: number, socket: Socket, raw: Socket, host: ConnectionHost) {
    this.id = id;
    this.#socket = socket;
    this.#raw = raw;
    this.#host = host;
    this.closed = this.#closed.promise;
    this.openedAt = host.clock?.now() ?? performance.now();
    this.#reader = new HttpMessageReader('request', {
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: () => this.#onRequestEnd(),
    });
    socket.on('data', (bytes: unknown) => this.#read(bytes as Buffer));
    socket.on('end', () => this.#onClientEnd('fin'));
    socket.on('error', () => this.#onClientEnd('reset'));
    socket.on('close', () => this.#onClosed());
    if (raw !== socket) raw.on('error', () => this.#onClientEnd('reset')).on('close', () => this.#onClosed());
  }

  get bytesIn(): number {
    return this.#socket.bytesRead;
  }

  /** Bytes that the system has taken; what waits in this process does not count. */
  get bytesOut(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** True while the other side does not read and the scenario waits for it. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** A request is under way, or none has come yet. False: it is open only to be used again. */
  get active(): boolean {
    return this.state === 'open' && (this.requestCount === 0 || this.#busy || this.#reader.isOpen);
  }

  /** Plays a scenario that does not wait for a request; requests wait for its end. */
  accept(scenario: Scenario): void {
    this.#greeting = true;
    void this.#play(scenario).then(() => {
      this.#greeting = false;
      this.#playNext();
    });
  }

  /** Reads what comes and never says anything. */
  ignore(): void {
    this.#deaf = true;
  }

  /** Closes from this side, whatever is under way. */
  destroy(how: 'fin' | 'reset' | 'destroy' = 'destroy'): void {
    this.#close(how);
  }

  #read(bytes: Buffer): void {
    if (this.#deaf) return;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#host.problems.push(`connection ${this.id}: ${String(error)}`);
      this.#close('destroy');
    }
  }

  #onHead({ startLine, headers, rawHeaders }: MessageHead): undefined {
    const [method = '', path = ''] = startLine.split(' ');
    const pieces: Buffer[] = [];
    const request: MutableRequest = {
      index: this.#host.requestCount(),
      connectionId: this.id,
      reused: this.requestCount > 0,
      method,
      path,
      headers,
      rawHeaders,
      at: this.#host.clock?.now() ?? performance.now(),
      pieces,
      size: 0,
      complete: false,
      outcome: this.closedBy === undefined ? 'open' : 'cut',
      get body() {
        return Buffer.concat(pieces);
      },
      get bodyText() {
        return Buffer.concat(pieces).toString('utf8');
      },
    };
    this.requestCount += 1;
    this.#busy = true;
    this.#receiving = request;
    this.#host.onHead(request);
    this.#queue.push(request);
    this.#playNext();
  }

  #onBody(bytes: Buffer): void {
    const request = this.#receiving;
    if (request === undefined) return;
    request.pieces.push(bytes);
    request.size += bytes.length;
    if (request.size > MAX_BODY_BYTES) throw new Error('The body is too large.');
  }

  #onRequestEnd(): void {
    if (this.#receiving !== undefined) this.#receiving.complete = true;
    this.#receiving = undefined;
    this.#playNext();
  }

  #playNext(): void {
    const request = this.#queue[0];
    if (this.#greeting || this.#playing !== undefined || request === undefined || this.closedBy !== undefined) return;
    const scenario = this.#host.take(request);
    if (scenario === undefined) return;
    this.#queue.shift();
    this.#playing = request;
    this.#busy = true;
    void this.#play(scenario).then(() => {
      this.#playing = undefined;
      this.#playNext();
    });
  }

  async #play(scenario: Scenario): Promise<void> {
    try {
      await playScenario(scenario.steps, this.#stage());
    } catch (error) {
      this.#host.problems.push(`connection ${this.id}: ${String(error)}`);
      this.#close('destroy');
    }
  }

  #stage(): Stage {
    const isLeft = (): boolean => this.#left;
    return {
      write: (bytes) => this.#write(bytes),
      flushed: () => this.#flushed(),
      fin: () => this.#close('fin'),
      reset: () => this.#close('reset'),
      destroy: () => this.#close('destroy'),
      pass: (gate) => Promise.race([this.#host.gates.pass(gate), this.#gone.promise]),
      sleep: (milliseconds) => Promise.race([this.#sleep(milliseconds), this.#gone.promise]),
      answered: () => this.#answered(),
      gone: this.#gone.promise,
      get left() {
        return isLeft();
      },
    };
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#left || !this.#socket.writable || this.#socket.write(bytes)) return;
    this.#blocked = true;
    const drained = new Promise<void>((resolve) => this.#socket.once('drain', resolve));
    await Promise.race([drained, this.#gone.promise]);
    this.#blocked = false;
  }

  async #flushed(): Promise<void> {
    if (this.#left || this.#socket.writableLength === 0) return;
    const written = new Promise<void>((resolve) => this.#socket.write('', () => resolve()));
    await Promise.race([written, this.#gone.promise]);
  }

  #sleep(milliseconds: number): Promise<void> {
    const clock = this.#host.clock;
    if (clock === undefined) throw new Error('A scenario waits for a time, but the upstream was given no clock.');
    return new Promise((resolve) => {
      const timer = clock.after(milliseconds, () => {
        this.#timers.delete(timer);
        resolve();
      });
      this.#timers.add(timer);
    });
  }

  #answered(): void {
    if (this.#playing !== undefined) this.#playing.outcome = 'answered';
    this.#busy = this.#queue.length > 0;
  }

  #close(how: 'fin' | 'reset' | 'destroy'): void {
    if (this.state === 'closed') return;
    this.#note('upstream', how);
    if (how === 'fin') return void this.#socket.end();
    if (how === 'reset') this.#raw.resetAndDestroy();
    this.#socket.destroy();
  }

  #onClientEnd(how: 'fin' | 'reset'): void {
    this.#note('client', how);
    this.#leave();
    if (how === 'fin') this.#socket.end();
    else this.#socket.destroy();
  }

  #note(side: 'client' | 'upstream', how: 'fin' | 'reset' | 'destroy'): void {
    if (this.closedBy !== undefined) return;
    this.closedBy = side;
    this.closedHow = how;
    const cut = this.#busy || this.#reader.isOpen;
    this.aborted = side === 'client' && cut;
    if (cut) for (const request of [this.#playing, this.#receiving, ...this.#queue]) this.#mark(request, side);
    this.#busy = side === 'upstream' && how === 'fin' && this.#busy;
  }

  #mark(request: MutableRequest | undefined, side: 'client' | 'upstream'): void {
    if (request?.outcome === 'open') request.outcome = side === 'client' ? 'aborted' : 'cut';
  }

  #leave(): void {
    this.#left = true;
    this.#gone.resolve();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #onClosed(): void {
    if (this.state === 'closed') return;
    // A close with neither FIN nor reset seen is the other side's destroy, told by the TLS layer only.
    this.#note('client', 'destroy');
    this.#leave();
    this.#busy = false;
    this.state = 'closed';
    this.#host.onClosed(this);
    this.#closed.resolve();
  }
}
