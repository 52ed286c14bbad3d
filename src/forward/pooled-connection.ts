import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { connectionHeaders } from '../kernel/connection-headers.ts';
import { SluiceError } from '../kernel/errors.ts';
import type { UpstreamRequest } from '../kernel/upstream.ts';
import type { GuardedConnector } from './egress-guard.ts';

/** Below what servers usually keep (5 s and more), so that it is we who close an idle connection. */
const keepAliveMilliseconds = 4_000;
/** The whole head of an answer. */
const maxHeadBytes = 32_768;
/** What the owner of connections wants to know of one. */
export interface ConnectionOwner {
  /** The socket was closed while no request used it. */
  onIdleClose(connection: PooledConnection): void;
  /** Everything of the connection is closed. */
  onGone(connection: PooledConnection): void;
}

/**
 * One undici client that carries one request at a time, so at most one socket. (Were the clients pooled by undici, a
 * request that waits for its connection could not be given up, and a reused socket could not be told from a new one.)
 */
export class PooledConnection {
  readonly origin: string;
  inUse = true;
  /** Requests written on the present socket. */
  requests = 0;
  readonly #client: Client;
  readonly #owner: ConnectionOwner;
  #connecting: Socket | undefined;
  #socket: Socket | undefined;
  #brokenBy: unknown;
  #discarded: Promise<void> | undefined;

  constructor(origin: string, connect: GuardedConnector, owner: ConnectionOwner) {
    this.origin = origin;
    this.#owner = owner;
    this.#client = new Client(origin, {
      connect: (target, callback) => {
        this.#beginConnecting();
        this.#connecting = connect(target, (...result) => {
          this.#connecting = undefined;
          if (result[1] !== null) this.#adopt(result[1]);
          callback(...result);
        });
      },
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMilliseconds,
      keepAliveMaxTimeout: keepAliveMilliseconds,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: maxHeadBytes,
    });
    this.#client.on('disconnect', () => {
      if (!this.inUse) this.#owner.onIdleClose(this);
    });
  }

  get isUsable(): boolean {
    return (
      this.#discarded === undefined &&
      this.#socket !== undefined &&
      !this.#socket.destroyed &&
      !this.#socket.readableEnded
    );
  }

  /** Bytes received on the present or last socket. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** What broke the socket first; undici sometimes reports a consequence of it. */
  get brokenBy(): unknown {
    return this.#brokenBy;
  }

  dispatch(request: UpstreamRequest, handler: Dispatcher.DispatchHandler): void {
    this.inUse = true;
    const { path, method, body } = request;
    this.#client.dispatch(
      { path, method, headers: ownedHeaders(request.headers), body: body === '' ? null : body },
      handler,
    );
  }

  /** Closes the socket at once, in whatever state it is; resolves when it is closed. */
  discard(): Promise<void> {
    if (this.#discarded !== undefined) return this.#discarded;
    this.#connecting?.destroy();
    this.#socket?.destroy();
    // Not yet: undici can't be destroyed from inside its own callbacks.
    this.#discarded = Promise.resolve()
      .then(() => this.#client.destroy())
      .then(() => this.#owner.onGone(this));
    return this.#discarded;
  }

  #beginConnecting(): void {
    // undici reconnects by itself when a socket closed before its request was written.
    if (this.#discarded !== undefined) throw new SluiceError('UPSTREAM_CONNECT');
    this.#socket = undefined;
    this.#brokenBy = undefined;
    this.requests = 0;
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    socket.once('error', (error) => {
      this.#brokenBy = error;
    });
  }
}

function ownedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  // Content is not decoded here, so none but plain is asked for.
  const sent: Record<string, string> = { 'accept-encoding': 'identity' };
  for (const [name, value] of Object.entries(headers)) {
    if (!connectionHeaders.has(name.toLowerCase())) sent[name.toLowerCase()] = value;
  }
  return sent;
}
