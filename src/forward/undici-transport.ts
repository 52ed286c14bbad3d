import { AsyncLocalStorage } from 'node:async_hooks';
import type { Dispatcher } from 'undici';
import type { Clock } from '../kernel/clock.ts';
import { SluiceError, asSluiceError } from '../kernel/errors.ts';
import type { ClientIdentity } from '../kernel/http-caller.ts';
import { Roster } from '../kernel/roster.ts';
import type { Transport, UpstreamCall, UpstreamListener, UpstreamRequest } from '../kernel/upstream.ts';
import { guardedConnect, type EgressLookup, type EgressProfile, type GuardedConnector } from './egress-guard.ts';
import { PooledConnection } from './pooled-connection.ts';
import { isConnectionLoss, isReset, mapSocketError, type SocketPhase } from './socket-error.ts';

export interface UndiciTransportOptions {
  readonly profile: EgressProfile;
  /** Bound of name resolution, TCP connect and TLS handshake together. */
  readonly connectTimeoutMilliseconds: number;
  readonly clock: Clock;
  /** The system resolver when absent. */
  readonly lookup?: EgressLookup;
  /** Shown to every server; then nothing leaves without TLS. */
  readonly identity?: ClientIdentity;
}

export interface UndiciTransport extends Transport {
  /** Calls that have neither ended, failed nor been aborted. */
  readonly liveCalls: number;
  /** Connections that are open or being opened, in use or idle. */
  readonly openConnections: number;
}

/** More are closed instead of kept. */
const maxIdleConnectionsPerOrigin = 256;

/**
 * HTTP/1.1 through undici, one request on a connection at a time, idle connections reused. It follows no redirect,
 * decodes no content and has no timer but the one for connecting: the caller sees what came and decides.
 *
 * A request that was written on a reused connection which its server had just closed is sent once more on a new one,
 * unseen, if not a byte of an answer came. All other failures are the caller's, as codes of `mapSocketError`; a
 * transport that is closed answers DRAINING. Callbacks run in no run's async context, since a pooled socket has none.
 */
export function createUndiciTransport(options: UndiciTransportOptions): UndiciTransport {
  return new PoolingTransport(options);
}

class PoolingTransport implements UndiciTransport {
  readonly #connect: GuardedConnector;
  readonly #idle = new Map<string, PooledConnection[]>();
  readonly #connections = new Set<PooledConnection>();
  readonly #calls = new Roster<PooledCall>();
  /** A connection outlives the run that opens it and must not hold its context. */
  readonly #inNoRun = AsyncLocalStorage.snapshot();
  #isClosed = false;

  constructor({ profile, connectTimeoutMilliseconds, ...options }: UndiciTransportOptions) {
    this.#connect = guardedConnect(profile, { ...options, timeoutMilliseconds: connectTimeoutMilliseconds });
  }

  get liveCalls(): number {
    return this.#calls.size;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall {
    const call = new PooledCall(this, request, listener);
    this.#calls.add(call);
    this.#inNoRun(queueMicrotask, () => {
      if (this.#isClosed) call.fail(new SluiceError('DRAINING'));
      else call.start();
    });
    return call;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const call of this.#calls.members()) call.fail(new SluiceError('DRAINING'));
    await Promise.all([...this.#connections].map((connection) => connection.discard()));
  }

  /** The connection that was used last is the one that is least likely to be stale. */
  take(origin: string): PooledConnection {
    const idle = this.#idle.get(origin);
    for (let connection = idle?.pop(); connection !== undefined; connection = idle?.pop()) {
      if (connection.isUsable) return connection;
      void connection.discard();
    }
    return this.open(origin);
  }

  open(origin: string): PooledConnection {
    const connection = new PooledConnection(origin, this.#connect, this);
    this.#connections.add(connection);
    return connection;
  }

  release(connection: PooledConnection): void {
    connection.inUse = false;
    const idle = this.#idle.get(connection.origin) ?? [];
    if (this.#isClosed || !connection.isUsable || idle.length >= maxIdleConnectionsPerOrigin) {
      void connection.discard();
      return;
    }
    idle.push(connection);
    this.#idle.set(connection.origin, idle);
  }

  settled(call: PooledCall): void {
    this.#calls.delete(call);
  }

  onIdleClose(connection: PooledConnection): void {
    const idle = this.#idle.get(connection.origin) ?? [];
    const place = idle.indexOf(connection);
    if (place >= 0) idle.splice(place, 1);
    if (idle.length === 0) this.#idle.delete(connection.origin);
    void connection.discard();
  }

  onGone(connection: PooledConnection): void {
    this.#connections.delete(connection);
  }
}

/** One request, over one connection or, after a stale one, two. Also the handler that undici calls. */
class PooledCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #transport: PoolingTransport;
  readonly #request: UpstreamRequest;
  /** Undefined as soon as the call is over: nothing is told afterwards. */
  #listener: UpstreamListener | undefined;
  #connection: PooledConnection | undefined;
  /** There once the request is being written. */
  #controller: Dispatcher.DispatchController | undefined;
  #bytesReadBefore = 0;
  #isConnectedTold = false;
  #hasHead = false;
  #isRetried = false;
  #isPaused = false;

  constructor(transport: PoolingTransport, request: UpstreamRequest, listener: UpstreamListener) {
    this.#transport = transport;
    this.#request = request;
    this.#listener = listener;
  }

  start(): void {
    if (this.#listener === undefined) return;
    try {
      this.#dispatch(this.#transport.take(originOf(this.#request.origin)));
    } catch (error) {
      this.fail(error);
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // Not at once: undici would deliver what it holds from inside this call.
    queueMicrotask(() => {
      if (!this.#isPaused && this.#listener !== undefined) this.#controller?.resume();
    });
  }

  abort(): void {
    if (this.#settle() !== undefined) this.#closeConnection();
  }

  /** Ends the call with an error; a foreign one is INTERNAL. */
  fail(error: unknown): void {
    const listener = this.#settle();
    if (listener === undefined) return;
    this.#closeConnection();
    this.#tell(() => listener.onError(asSluiceError(error)));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#listener === undefined || this.#connection === undefined) {
      this.#closeConnection();
      return;
    }
    this.#connection.requests += 1;
    this.#bytesReadBefore = this.#connection.bytesRead;
    if (this.#isPaused) controller.pause();
    if (this.#isConnectedTold) return;
    this.#isConnectedTold = true;
    this.#tell(() => this.#listener?.onConnected?.());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: RawHeaders): void {
    // 103 Early Hints and the like come before the head.
    if (status < 200) return;
    this.#hasHead = true;
    this.#tell(() => this.#listener?.onHead({ status, headers: joinedHeaders(headers) }));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    try {
      this.#listener?.onData(chunk);
    } catch (error) {
      this.fail(error);
    }
  }

  onResponseEnd(): void {
    const connection = this.#connection;
    if (this.#listener === undefined || connection === undefined) return;
    // undici takes a reset for the end of a body that has no length.
    if (isReset(connection.brokenBy)) {
      this.#failWith(connection.brokenBy);
      return;
    }
    const listener = this.#settle();
    this.#connection = undefined;
    this.#transport.release(connection);
    this.#tell(() => listener?.onEnd());
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: unknown): void {
    if (this.#listener === undefined) return;
    if (this.#isStale(error)) {
      this.#retryOnNewConnection();
      return;
    }
    const brokenBy = this.#connection?.brokenBy;
    this.#failWith(isReset(brokenBy) ? brokenBy : error);
  }

  #dispatch(connection: PooledConnection): void {
    this.#connection = connection;
    connection.dispatch(this.#request, this);
  }

  /** True for a connection that had served before and was lost before a byte of this request's answer came. */
  #isStale(error: unknown): boolean {
    const connection = this.#connection;
    if (connection === undefined || this.#isRetried || this.#hasHead || !isConnectionLoss(error)) return false;
    // Lost while undici still examined the idle socket: not even written.
    if (this.#controller === undefined) return connection.requests > 0;
    return connection.requests > 1 && connection.bytesRead === this.#bytesReadBefore;
  }

  #retryOnNewConnection(): void {
    const stale = this.#connection;
    this.#isRetried = true;
    this.#controller = undefined;
    if (stale !== undefined) this.#dispatch(this.#transport.open(stale.origin));
    void stale?.discard();
  }

  #failWith(error: unknown): void {
    const reused = (this.#connection?.requests ?? 0) > 1;
    this.fail(mapSocketError(error, this.#phase(), { reused, retried: this.#isRetried }));
  }

  #phase(): SocketPhase {
    if (this.#hasHead) return 'body';
    return this.#controller === undefined ? 'connect' : 'head';
  }

  /** A listener that throws has ended its call; undici would swallow the error or lay it to somebody else. */
  #tell(say: () => void): void {
    try {
      say();
    } catch (error) {
      if (this.#listener !== undefined) this.fail(error);
      else
        queueMicrotask(() => {
          throw error;
        });
    }
  }

  #settle(): UpstreamListener | undefined {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#transport.settled(this);
    return listener;
  }

  #closeConnection(): void {
    // undici first: it may be about to write on the socket.
    this.#controller?.abort(new SluiceError('CLIENT_GONE'));
    void this.#connection?.discard();
    this.#connection = undefined;
  }
}

type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Origins as they stand in requests, and their one form. They come from definitions only, so there are few. */
const knownOrigins = new Map<string, string>();
const maxKnownOrigins = 1_024;

function originOf(text: string): string {
  const known = knownOrigins.get(text);
  if (known !== undefined) return known;
  const origin = readOrigin(text);
  if (knownOrigins.size < maxKnownOrigins) knownOrigins.set(text, origin);
  return origin;
}

/** The origin in the one form that keys the pool. Anything but scheme, host and port is refused. */
function readOrigin(text: string): string {
  const url = URL.parse(text);
  const isOrigin =
    url !== null && url.username === '' && url.password === '' && `${url.pathname}${url.search}${url.hash}` === '/';
  if (!isOrigin || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new SluiceError('EGRESS_BLOCKED', {
      context: { origin: url === null ? 'not a URL' : `${url.protocol}//${url.host}` },
    });
  }
  return url.origin;
}

function joinedHeaders(headers: RawHeaders): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && name !== '__proto__')
      joined[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ');
  }
  return joined;
}
