import type { Clock } from '../kernel/clock.ts';
import type { ForwardCall, Forwarder, ForwardOptions, TransportOptions } from '../kernel/forward.ts';
import type { Ticker } from '../kernel/ticker.ts';
import type { Transport } from '../kernel/upstream.ts';
import type { UpstreamScript } from '../kernel/upstream-script.ts';
import { Attempt } from './attempt.ts';
import { createScriptedTransport } from './scripted-transport.ts';
import { createUndiciTransport } from './undici-transport.ts';

/** The one way out of the process: every connection to a provider is made here. */
export class HttpForwarder implements Forwarder {
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  #live = 0;

  constructor(clock: Clock, ticker: Ticker) {
    this.#clock = clock;
    this.#ticker = ticker;
  }

  /** Attempts that have not ended. */
  get live(): number {
    return this.#live;
  }

  createTransport({ profile, connectTimeout, script }: TransportOptions): Transport {
    if (script !== undefined) return createScriptedTransport(script as UpstreamScript, { clock: this.#clock });
    return createUndiciTransport({ profile, connectTimeoutMilliseconds: connectTimeout, clock: this.#clock });
  }

  send(options: ForwardOptions): ForwardCall {
    this.#live += 1;
    return new Attempt(options, this.#ticker, () => {
      this.#live -= 1;
    });
  }
}
