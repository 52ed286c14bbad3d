import type { TObject, TProperties, TSchema } from 'typebox';
import type { Capabilities, CapabilityName } from './capability.ts';
import type { SluiceError } from './errors.ts';
import type { AnswerEvent, RequestEvent, TextTemplate } from './event.ts';
import type { ChatAnswer } from './answer.ts';
import type { Modifier, ModifierExample, ModifierPhase } from './modifier.ts';
import type { RateLimits } from './dialects/rate-limits.ts';
import type { ChatRequest } from './request.ts';
import type { Run } from './run.ts';
import type { Configured } from './schema.ts';
import type { TokenProvider } from './tokens/token-provider.ts';
import type { UpstreamHead, UpstreamRequest } from './upstream.ts';

/*
 * A component is one file with one exported object. The file name is its `type`; discovery reads the folder, so nothing
 * else is edited to add one. From the object follow the schema, editor completion, the documentation page and the tests
 * of its examples.
 *
 * `create` is called once per pipeline generation and may throw: the definition is then refused and the old generation
 * goes on. What it returns is shared by all runs of the generation, so it holds compiled configuration only; what
 * belongs to one stream is made by `open`. `dispose` is called when the last run of the generation has ended.
 */

export type ComponentKind = 'parser' | 'processor' | 'token-provider' | 'backend' | 'modifier' | 'encoder';

interface ComponentBase<K extends ComponentKind, S extends TObject<TProperties>, N extends CapabilityName, I, X> {
  /** Lower kebab case; equals the file name. */
  readonly type: string;
  /** One sentence for the catalogue and for the editor. */
  readonly summary: string;
  readonly config: S;
  readonly needs: readonly N[];
  /** Each is shown in the documentation and run as a test. */
  readonly examples: readonly X[];
  /** `phase` is what the definition says of a modifier; other kinds have no phases. */
  create(config: Configured<S>, capabilities: Pick<Capabilities, N>, phase?: ModifierPhase): I;
  readonly kind: K;
}

interface Disposable {
  /** Ends timers, files, sockets. Called once, after the last run. */
  dispose?(): void | Promise<void>;
}

// ---- processors ----------------------------------------------------------------------------------------------------

/** Where a processor puts what it makes. `push` is synchronous and throws PROCESSOR_FLOOD beyond the caps. */
export interface ProcessorOutput {
  /** Sends an event on. Not pushing an event deletes it; pushing more inserts. */
  push(event: RequestEvent): void;
  /** Answers in place of a backend. The rest of the request is dropped. */
  answer(events: readonly AnswerEvent[]): void;
}

/**
 * Works on the request before the backend is called. It implements one of the two methods: `process` for one event at
 * a time, `processRequest` when it needs the whole. Either may return a promise; until it is settled the run waits,
 * heartbeats go on, and `run.progress` is shown to the client. Whatever it waits for must end with `run.signal`.
 */
export interface Processor extends Disposable {
  process?(event: RequestEvent, output: ProcessorOutput, run: Run): void | Promise<void>;
  processRequest?(
    request: ChatRequest,
    output: ProcessorOutput,
    run: Run,
  ): ChatRequest | undefined | Promise<ChatRequest | undefined>;
}

export interface ProcessorExample<C> {
  readonly title: string;
  readonly config: C;
  /** Text of the one user message that goes in. */
  readonly given: string;
  /** Text of it afterwards, or the code of the error it ends with. */
  readonly expect: string | { readonly error: string };
}

export interface ProcessorComponent<
  S extends TObject<TProperties> = TObject<TProperties>,
  N extends CapabilityName = CapabilityName,
> extends ComponentBase<'processor', S, N, Processor, ProcessorExample<Record<string, unknown>>> {
  /** True for a rule that protects: then it can't be skipped on failure, and a condition that fails counts as true. */
  readonly guard: boolean;
}

// ---- token providers -----------------------------------------------------------------------------------------------

export interface TokenProviderComponent<
  S extends TObject<TProperties> = TObject<TProperties>,
  N extends CapabilityName = CapabilityName,
> extends ComponentBase<
  'token-provider',
  S,
  N,
  TokenProvider,
  { readonly title: string; readonly config: Record<string, unknown> }
> {
  /**
   * `asks`: with this config every `getToken` asks somebody, so it belongs under a cache. `remembers`: it asks once for many.
   * `chooses`: every `getToken` may choose another account, so it belongs above a cache.
   */
  fetching?(config: Configured<S>): 'asks' | 'remembers' | 'chooses' | undefined;
}

// ---- backends ------------------------------------------------------------------------------------------------------

/** What a decoder makes of one frame. */
export interface DecodedFrame {
  readonly events: readonly AnswerEvent[];
  /** Nothing in the frame can carry text that its events do not show, so its bytes may go out as they are. */
  readonly transparent: boolean;
  /** The frame is not of the form that official clients of its dialect read: it is always written anew. */
  readonly irregular?: boolean;
  /** The choice that the frame opens with all that its dialect asks of a first frame: id, model and role. */
  readonly opens?: number;
}

/** Turns the frames of one streamed answer into events. One per attempt. */
export interface AnswerDecoder {
  /** `data` is decoded text. Throws a SluiceError for a frame that is an error or is not valid. */
  frame(event: string, data: string): DecodedFrame;
  /**
   * The connection ended cleanly. Returns the events that complete the answer, marked synthetic, or throws
   * UPSTREAM_TRUNCATED where the provider never said that it was done.
   */
  end(): readonly AnswerEvent[];
  /** True after the terminator of the format: what follows is dropped. */
  readonly terminated: boolean;
  /** The format has no terminator: the end of the connection is the end. */
  readonly endsWithConnection?: boolean;
}

/** One wire format of one upstream. Never sees a socket. */
export interface Backend extends Disposable {
  readonly origin: string;
  /** The model that is asked for when the request names none; also what `/v1/models` lists. */
  readonly model: string;
  encode(request: ChatRequest, run: Run): UpstreamRequest;
  decode(request: ChatRequest): AnswerDecoder;
  /** Decodes an answer that came as one JSON document. */
  decodeBody(body: string, request: ChatRequest): readonly AnswerEvent[];
  /** Maps an answer with a status of 400 or more. `body` is at most 64 KiB and may be anything. */
  decodeError(head: UpstreamHead, body: string): SluiceError;
}

export type BackendComponent<
  S extends TObject<TProperties> = TObject<TProperties>,
  N extends CapabilityName = CapabilityName,
> = ComponentBase<'backend', S, N, Backend, { readonly title: string; readonly config: Record<string, unknown> }>;

// ---- modifiers -----------------------------------------------------------------------------------------------------

export interface ModifierComponent<
  S extends TObject<TProperties> = TObject<TProperties>,
  N extends CapabilityName = CapabilityName,
> extends ComponentBase<'modifier', S, N, Modifier, ModifierExample<Record<string, unknown>>> {
  readonly guard: boolean;
  /** What `phase` of a step may be; only `stream` when absent. */
  readonly phases?: readonly ModifierPhase[];
}

// ---- parsers and encoders ------------------------------------------------------------------------------------------

/** What a dialect says in the path of a request in place of the body. */
export interface PathFields {
  readonly model?: string;
  readonly stream?: boolean;
}

/** Reads the body of a request in one dialect. Throws REQUEST_INVALID with the field that is wrong. */
export interface Parser {
  parse(body: unknown, path?: PathFields): ChatRequest;
}

export interface ParserComponent<
  S extends TObject<TProperties> = TObject<TProperties>,
  N extends CapabilityName = CapabilityName,
> extends ComponentBase<'parser', S, N, Parser, { readonly title: string; readonly body: Record<string, unknown> }> {
  /** Schema of the bodies that `parse` takes, where the dialect is our own; it is published. */
  readonly body?: TSchema;
  /** The fields of a body that the dialect documents; any other is unknown (`inbound.unknownFields`). Absent where `parse` itself refuses unknown ones. */
  readonly fields?: ReadonlySet<string>;
}

export interface EncodeContext {
  readonly run: Pick<Run, 'id' | 'pipeline' | 'revision' | 'clock' | 'lose'>;
  readonly request: ChatRequest;
  /** Seconds since 1970, for dialects that date an answer which its provider did not date. */
  readonly created: number;
}

/** How an answer was complete: as its provider or a modifier meant it, or blocked by a modifier. */
export type AnswerOutcome = 'ok' | 'blocked';

/**
 * Writes one stream in a client's dialect. All strings are latin1 of UTF-8 bytes, ready for the socket; every frame
 * is complete: an event with its blank line, or a line. Nothing may be written after `end` or `fail`.
 */
export interface StreamEncoder {
  /** The frames of an event; empty where the dialect has no form for it. */
  encode(event: AnswerEvent): string;
  /**
   * The frame of a piece of text of an open block, given as JSON-escaped text; the fast way, equal to `encode` of the
   * `text.delta`. `template` is the provider's own frame where it said nothing else.
   */
  encodeText(blockId: string, template: TextTemplate, json: string): string;
  /**
   * Asked after every frame that went the slow way, for the text frames of the same dialect behind it: true where the
   * provider's own frame of this block is what `encodeText` would write, so that its bytes may go out. Absent means never.
   */
  accepts?(blockId: string, template: TextTemplate): boolean;
  /**
   * Asked for a frame of the provider whose events were left as they are. True lets its bytes go out, and then its events
   * count as written; false, where the client did not ask for what is in it or would not accept it, has them encoded.
   */
  copies(frame: DecodedFrame): boolean;
  /** Harmless to every client of the dialect. */
  readonly heartbeat: string;
  /** The error frame of the dialect: the only end of a stream that failed. */
  fail(error: SluiceError): string;
  /** The success terminator of the dialect. */
  end(outcome?: AnswerOutcome): string;
}

export interface ErrorBody {
  readonly contentType: string;
  /** The status of the dialect, where clients know the failure by another one than that of the error. */
  readonly status?: number;
  readonly body: unknown;
}

export interface Encoder {
  /** Frames of a backend of this dialect may go out as they came. */
  readonly dialect: string;
  /**
   * Documents of the dialect repeat parts of the request. One of the provider would tell the client what a step has added,
   * so none goes out as it came.
   */
  readonly repeatsRequest?: boolean;
  /** Media type of a stream; server-sent events when absent. */
  readonly streamType?: string;
  open(context: EncodeContext): StreamEncoder;
  /** The one JSON document of an answer that is not streamed. */
  encodeAnswer(answer: ChatAnswer, context: EncodeContext): unknown;
  encodeError(error: SluiceError, requestId: string): ErrorBody;
  /** Headers for the limits of the provider, where clients of the dialect know other ones than `x-ratelimit-*`. */
  encodeRateLimits?(limits: RateLimits, wallTime: number): Record<string, string>;
  /** The list of models, in the shape that clients of the dialect read. */
  encodeModels?(
    models: readonly { readonly id: string; readonly created: number; readonly ownedBy: string }[],
  ): unknown;
}

export type EncoderComponent<
  S extends TObject<TProperties> = TObject<TProperties>,
  N extends CapabilityName = CapabilityName,
> = ComponentBase<'encoder', S, N, Encoder, { readonly title: string }>;

export type AnyComponent =
  | ProcessorComponent
  | TokenProviderComponent
  | BackendComponent
  | ModifierComponent
  | ParserComponent
  | EncoderComponent;

type Definable<C> = Omit<C, 'kind'>;

export function defineProcessor<S extends TObject<TProperties>, N extends CapabilityName = never>(
  component: Definable<ProcessorComponent<S, N>>,
): ProcessorComponent<S, N> {
  return { ...component, kind: 'processor' };
}
export function defineTokenProvider<S extends TObject<TProperties>, N extends CapabilityName = never>(
  component: Definable<TokenProviderComponent<S, N>>,
): TokenProviderComponent<S, N> {
  return { ...component, kind: 'token-provider' };
}
export function defineBackend<S extends TObject<TProperties>, N extends CapabilityName = never>(
  component: Definable<BackendComponent<S, N>>,
): BackendComponent<S, N> {
  return { ...component, kind: 'backend' };
}
export function defineModifier<S extends TObject<TProperties>, N extends CapabilityName = never>(
  component: Definable<ModifierComponent<S, N>>,
): ModifierComponent<S, N> {
  return { ...component, kind: 'modifier' };
}
export function defineParser<S extends TObject<TProperties>, N extends CapabilityName = never>(
  component: Definable<ParserComponent<S, N>>,
): ParserComponent<S, N> {
  return { ...component, kind: 'parser' };
}
export function defineEncoder<S extends TObject<TProperties>, N extends CapabilityName = never>(
  component: Definable<EncoderComponent<S, N>>,
): EncoderComponent<S, N> {
  return { ...component, kind: 'encoder' };
}
