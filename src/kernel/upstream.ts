/** A request to a provider, as a backend encodes it and a credential completes it. */
export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'PUT';
  /** Scheme, host and port, such as `https://api.openai.com`. Comes from the definition only. */
  readonly origin: string;
  /** Path and query, beginning with a slash. A credential may add to the query. */
  path: string;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
  /** Where the provider takes API keys, in lower case; absent where a key is a bearer token as any other. */
  readonly keyHeader?: string;
  /** The body as text, sent as UTF-8. */
  readonly body: string;
}

/** Head of a provider's answer. Header names are lower case; of a repeated header the values are joined with ", ". */
export interface UpstreamHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What a transport tells of one request. Order: `onHead`, any number of `onData`, then exactly one of `onEnd` and
 * `onError`. All calls come from the loop, never from inside `send`. Data may still come after `pause`.
 */
export interface UpstreamListener {
  onConnected?(): void;
  onHead(head: UpstreamHead): void;
  /** The bytes belong to the transport and are only valid during the call. */
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(error: unknown): void;
}

export interface UpstreamCall {
  pause(): void;
  resume(): void;
  /** Closes the connection at once. Nothing is called back afterwards. */
  abort(): void;
}

/** The seam between the engine and the network. Everything above it can't tell a socket from a script. */
export interface Transport {
  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall;
  close(): Promise<void>;
}
