import type { Clock } from '../kernel/clock.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import type { HttpAnswer, HttpCall, HttpCaller } from '../kernel/http-caller.ts';
import type { Run } from '../kernel/run.ts';
import type { Transport, UpstreamCall, UpstreamHead, UpstreamListener } from '../kernel/upstream.ts';
import { createUndiciTransport } from './undici-transport.ts';

const connectTimeoutMilliseconds = 5_000;
type Network = HttpCall['network'];

/** Exchanges of components with somebody beside the model, over the guarded way out. One for the process. */
export class HttpCalls implements HttpCaller {
  readonly #clock: Clock;
  readonly #transports = new Map<Network, Transport>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async call(request: HttpCall, run: Pick<Run, 'signal'>): Promise<HttpAnswer> {
    const { origin, host, pathname, search } = readUrl(request.url);
    if (this.#isClosed) throw new SluiceError('DRAINING');
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, host, this.#clock, run.signal, { resolve, reject });
      exchange.begin(() =>
        this.#transport(request.network).send(
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

  /** What is on its way fails with DRAINING, and so does whatever is asked later. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const transports = [...this.#transports.values()];
    this.#transports.clear();
    await Promise.all(transports.map((transport) => transport.close()));
  }

  #transport(network: Network): Transport {
    const known = this.#transports.get(network);
    if (known !== undefined) return known;
    const transport = createUndiciTransport({ profile: network, connectTimeoutMilliseconds, clock: this.#clock });
    this.#transports.set(network, transport);
    return transport;
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
    const timer = this.#clock.after(this.#request.timeoutMilliseconds, () =>
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
