import type { Clock } from '../kernel/clock.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import type { ClientIdentity, HttpAnswer, HttpCall, HttpCaller } from '../kernel/http-caller.ts';
import type { Run } from '../kernel/run.ts';
import type { UpstreamCall, UpstreamHead, UpstreamListener } from '../kernel/upstream.ts';
import { canShowIdentity } from './client-identity.ts';
import type { EgressLookup } from './egress-guard.ts';
import { createUndiciTransport, type UndiciTransport } from './undici-transport.ts';

const connectTimeoutMilliseconds = 5_000;
/** An hour. Timers of the platform take a time of more than 24 days for none. */
const longestTimeout = 3_600_000;
type Network = HttpCall['network'];

/** Connections of one identity, or of nobody, by where they may go. */
type Transports = Map<Network, UndiciTransport>;

/**
 * Exchanges of components with somebody beside the model, over the guarded way out. One for the process. Connections are
 * kept for the next call, and never shared between networks or between identities. Nothing of a call is logged, and its
 * errors hold the host of its address only.
 */
export class HttpCalls implements HttpCaller {
  readonly #clock: Clock;
  readonly #lookup: EgressLookup | undefined;
  readonly #anonymous: Transports = new Map();
  /** Those that are in use: an identity is as old as the definition that made it. */
  readonly #identified = new Map<ClientIdentity, Transports>();
  #isClosed = false;

  /** `lookup` is the system resolver when absent. */
  constructor(clock: Clock, lookup?: EgressLookup) {
    this.#clock = clock;
    this.#lookup = lookup;
  }

  async call(request: HttpCall, run: Pick<Run, 'signal'>): Promise<HttpAnswer> {
    const { origin, host, pathname, search } = readUrl(request.url);
    if (this.#isClosed) throw new SluiceError('DRAINING');
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, host, this.#clock, run.signal, { resolve, reject });
      exchange.begin(() =>
        this.#transport(request.network, request.identity).send(
          {
            method: request.method,
            origin,
            path: pathname + search,
            headers: { ...request.headers },
            body: request.body ?? '',
          },
          exchange,
        ),
      );
    });
  }

  canShow(identity: ClientIdentity): boolean {
    return canShowIdentity(identity);
  }

  /** What is on its way fails with DRAINING, and so does whatever is asked later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [this.#anonymous, ...this.#identified.values()].flatMap((transports) => [...transports.values()]);
    this.#anonymous.clear();
    this.#identified.clear();
    await Promise.all(all.map((transport) => transport.close()));
  }

  #transport(network: Network, identity: ClientIdentity | undefined): UndiciTransport {
    const transports = identity === undefined ? this.#anonymous : this.#transportsOf(identity);
    const known = transports.get(network);
    if (known !== undefined) return known;
    const transport = createUndiciTransport({
      profile: network,
      connectTimeoutMilliseconds,
      clock: this.#clock,
      ...(this.#lookup !== undefined && { lookup: this.#lookup }),
      ...(identity !== undefined && { identity }),
    });
    transports.set(network, transport);
    return transport;
  }

  #transportsOf(identity: ClientIdentity): Transports {
    const known = this.#identified.get(identity);
    if (known !== undefined) return known;
    this.#forgetIdle();
    const transports: Transports = new Map();
    this.#identified.set(identity, transports);
    return transports;
  }

  /** A transport without a call and without a connection has nothing to keep. */
  #forgetIdle(): void {
    for (const [identity, transports] of this.#identified) {
      const isIdle = [...transports.values()].every(
        ({ liveCalls, openConnections }) => liveCalls === 0 && openConnections === 0,
      );
      if (isIdle) this.#identified.delete(identity);
    }
  }
}

/** User and password in an address would be left out unseen, and in the log if it were shown. */
function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new SluiceError('EGRESS_BLOCKED', { context: { reason: 'not a URL' } });
  if (url.username !== '' || url.password !== '')
    throw new SluiceError('EGRESS_BLOCKED', { context: { host: url.host, reason: 'a URL with a user in it' } });
  return url;
}

interface Settle {
  resolve(answer: HttpAnswer): void;
  reject(error: SluiceError): void;
}

/** One request and its whole answer, which ends in time, within its size, and with the run. */
class Exchange implements UpstreamListener {
  readonly #request: HttpCall;
  readonly #host: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #settle: Settle;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: UpstreamHead | undefined;
  #call: UpstreamCall | undefined;
  #end: (() => void) | undefined;

  constructor(request: HttpCall, host: string, clock: Clock, signal: AbortSignal, settle: Settle) {
    this.#request = request;
    this.#host = host;
    this.#clock = clock;
    this.#signal = signal;
    this.#settle = settle;
  }

  begin(send: () => UpstreamCall): void {
    if (this.#signal.aborted) {
      this.#settle.reject(asSluiceError(this.#signal.reason));
      return;
    }
    const onAbort = (): void => this.#fail(asSluiceError(this.#signal.reason));
    const timer = this.#clock.after(Math.min(this.#request.timeoutMilliseconds, longestTimeout), () =>
      this.#fail(new SluiceError('UPSTREAM_HEADERS_TIMEOUT', { context: { host: this.#host } })),
    );
    this.#signal.addEventListener('abort', onAbort, { once: true });
    this.#end = () => {
      timer.cancel();
      this.#signal.removeEventListener('abort', onAbort);
      this.#end = undefined;
    };
    try {
      this.#call = send();
    } catch (error) {
      this.#fail(asSluiceError(error));
    }
  }

  onHead(head: UpstreamHead): void {
    this.#head = head;
  }

  onData(chunk: Buffer): void {
    if (this.#end === undefined) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#request.maxBytes)
      this.#fail(new SluiceError('ANSWER_TOO_LARGE', { details: { limit: this.#request.maxBytes } }));
    else this.#chunks.push(Buffer.from(chunk));
  }

  onEnd(): void {
    if (this.#end === undefined) return;
    this.#end();
    const { status = 0, headers = {} } = this.#head ?? {};
    this.#settle.resolve({ status, headers, body: Buffer.concat(this.#chunks).toString('utf8') });
  }

  onError(error: unknown): void {
    this.#fail(asSluiceError(error));
  }

  #fail(error: SluiceError): void {
    if (this.#end === undefined) return;
    this.#end();
    this.#call?.abort();
    this.#settle.reject(error);
  }
}
