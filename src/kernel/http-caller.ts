import type { Run } from './run.ts';
import type { Secret } from './schema.ts';

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Absolute, `http:` or `https:`. Redirects are not followed. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * Where the address may be; `private` is the operator's word in the definition. `metadata` is the fixed list of addresses
   * at which clouds answer to their own machines, and nothing else. `platform` is for an address that the platform itself
   * gave to this process: this machine, the own network or link-local, never the public internet, and never the word of
   * a definition.
   */
  readonly network: 'public' | 'private' | 'metadata' | 'platform';
  /** What the client shows of itself in the TLS handshake. The same object means the same connections. */
  readonly identity?: ClientIdentity;
  /** The whole exchange. */
  readonly timeoutMilliseconds: number;
  /** Of the body of the answer. */
  readonly maxBytes: number;
}

/** A client certificate for mutual TLS, both in PEM. Read at each handshake, so that rotated files count. */
export interface ClientIdentity {
  readonly certificate: Secret;
  readonly key: Secret;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The way out for components that ask somebody beside the model: the same guard, limits and timers as for providers.
 * Rejects with a SluiceError where no whole answer came; any status is an answer. Ends with `run.signal`.
 */
export interface HttpCaller {
  call(request: HttpCall, run: Pick<Run, 'signal'>): Promise<HttpAnswer>;
  /** False where a handshake would be refused for this identity as it is now. Whoever can't tell doesn't have it. */
  canShow?(identity: ClientIdentity): boolean;
}
