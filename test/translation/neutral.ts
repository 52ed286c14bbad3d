/*
 * What a translation is judged by: a conversation and an answer in words of no dialect. Providers are made to say an answer
 * in their format and read what they were asked; clients ask in theirs and read what they were told. Both are written
 * from the specifications and know nothing of how Sluice translates.
 */

export interface NeutralToolCall {
  readonly id: string;
  readonly name: string;
  /** The arguments, parsed. */
  readonly arguments: unknown;
}

/** Base64 of a PNG of one pixel, the same in all cases. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export type NeutralPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly base64: string }
  | { readonly type: 'image-url'; readonly url: string };

export type NeutralMessage =
  | { readonly role: 'system'; readonly text: string }
  | { readonly role: 'user'; readonly parts: readonly NeutralPart[] }
  | {
      readonly role: 'assistant';
      readonly text?: string;
      readonly reasoning?: { readonly text: string; readonly signature?: string };
      readonly toolCalls?: readonly NeutralToolCall[];
    }
  | { readonly role: 'tool'; readonly callId: string; readonly text: string; readonly isError?: boolean };

/** A request, as far as a provider can be told it. What a side does not know or was not told is absent. */
export interface NeutralRequest {
  readonly messages: readonly NeutralMessage[];
  readonly tools?: readonly {
    readonly name: string;
    readonly description?: string;
    /** JSON Schema; types in lower case. */
    readonly parameters: unknown;
  }[];
  readonly toolChoice?: 'auto' | 'none' | 'required' | { readonly name: string };
  readonly parallelToolCalls?: boolean;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly maxOutputTokens?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  /** The client asks for reasoning, in whatever measure. */
  readonly reasoning?: boolean;
  /** JSON Schema of the answer. */
  readonly schema?: unknown;
}

export type NeutralFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'refusal' | 'pause';

export interface NeutralUsage {
  /** All input, with what a cache gave. */
  readonly input: number;
  /** All output, with reasoning. */
  readonly output: number;
  readonly cacheRead?: number;
  readonly reasoning?: number;
}

/** An answer that a provider is made to give, in pieces; and what a client has read, joined to one piece each. */
export interface NeutralAnswer {
  readonly reasoning?: readonly string[];
  /** Proof of the reasoning. A client's is the one that it would send back. */
  readonly signature?: string;
  readonly text?: readonly string[];
  readonly toolCalls?: readonly NeutralToolCall[];
  readonly finish: NeutralFinish;
  readonly usage: NeutralUsage;
}

/** How a client's stream or document ended, and what it had read by then. */
export interface NeutralReading {
  readonly answer: {
    readonly text: string;
    readonly reasoning: string;
    readonly signature?: string;
    readonly toolCalls: readonly NeutralToolCall[];
    readonly finish?: NeutralFinish;
    readonly usage?: Partial<NeutralUsage>;
  };
  /** `ok`: the dialect's good end. `error`: its error form. `cut`: neither, which is always wrong. */
  readonly end: 'ok' | 'error' | 'cut';
  readonly error?: { readonly message: string; readonly type?: string; readonly code?: string | number };
}

/** What a provider sends back over HTTP. */
export interface ProviderReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body in pieces, such as one per event, so that a test can cut it. */
  readonly pieces: readonly Buffer[];
}

/** Parts of a request that not every upstream format can say. */
export type NeutralAsk =
  | 'choice_required'
  | 'choice_none'
  | 'choice_name'
  | 'parallel'
  | 'top_k'
  | 'seed'
  | 'stop'
  | 'image'
  | 'image_url'
  | 'tool_error'
  | 'schema'
  | 'call_ids';

/** One upstream format. */
export interface NeutralProvider {
  /** Type of the backend. */
  readonly type: string;
  /** What the format can say: cases beyond it are not asked. */
  readonly can: {
    readonly reasoning: boolean;
    readonly signature: boolean;
    /** The finishes that `stream` and `document` can say; they throw for others. */
    readonly finishes?: readonly NeutralFinish[];
    /** The parts of usage that it counts beside all input and all output. */
    readonly usage?: readonly ('cacheRead' | 'reasoning')[];
    /** What a request can say in the format, beside text, tools and the limits that all have. */
    readonly asks?: readonly NeutralAsk[];
  };
  /** The backend of a definition, for a server at this origin. */
  backend(origin: string): Readonly<Record<string, unknown>>;
  /** The whole answer, streamed. */
  stream(answer: NeutralAnswer): ProviderReply;
  /** The whole answer in one document. */
  document(answer: NeutralAnswer): ProviderReply;
  /** The stream of an answer that fails in the middle, in the error form of the format. */
  failing(answer: NeutralAnswer): ProviderReply;
  /** The same stream, ended cleanly before it said that it was done. */
  truncated(answer: NeutralAnswer): ProviderReply;
  /** An HTTP error: its status and its usual body. */
  refusal(status: 400 | 401 | 404 | 429 | 500 | 529): ProviderReply;
  /** What it was asked. `path` and `body` are those of the HTTP request. */
  readRequest(path: string, body: string): NeutralRequest;
  /** True where it was asked to stream. */
  isStream(path: string, body: string): boolean;
}

/** What not every client format can say in a request. */
export type NeutralFeature =
  | 'topK'
  | 'stop'
  | 'seed'
  | 'parallelToolCalls'
  | 'toolChoice'
  | 'schema'
  | 'imageUrl'
  | 'isError'
  /** A temperature above 1. */
  | 'warmth'
  /** Calls and results have no ids: a result is found by the name of its tool. */
  | 'callIds'
  /** A system message between the others. */
  | 'lateSystem';

/** One client format. */
export interface NeutralClient {
  readonly dialect: string;
  readonly can: { readonly reasoning: boolean; readonly signature: boolean };
  /** What a request in this format has no words for: it is not asked, and so it can't be lost. */
  readonly lacks: readonly NeutralFeature[];
  /** The HTTP request, below `/pipelines/NAME/`. */
  request(
    request: NeutralRequest,
    stream: boolean,
  ): {
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
  readStream(bytes: Buffer): NeutralReading;
  readDocument(body: string): NeutralReading;
  /** The body of an HTTP error. */
  readError(body: string): { readonly message: string; readonly type?: string; readonly code?: string | number };
}
