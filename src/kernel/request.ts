import type { BlockKind, EventOfType, InternalStreamEvent, RequestEvent, Role } from './event.ts';

/** Fields of a dialect without a name here, by dialect. They survive to a backend of the same dialect. */
export type Extensions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Unified settings. Units and ranges are those of the dialects: temperature 0 to 2, tokens as counts. */
export interface ChatSettings {
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** How many answers (`n`). */
  readonly choices?: number;
  readonly responseFormat?:
    | { readonly type: 'text' | 'json' }
    | {
        readonly type: 'json_schema';
        readonly name: string;
        readonly schema?: unknown;
        readonly strict?: boolean;
        readonly description?: string;
      };
  /** `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, or a word of one provider. */
  readonly reasoningEffort?: string;
  /** Tokens that may be spent on reasoning; 0 is none. */
  readonly reasoningBudget?: number;
  /** The client wants to see the reasoning, or a summary of it. */
  readonly showReasoning?: boolean;
  readonly toolChoice?:
    | 'auto'
    | 'none'
    | 'required'
    | { readonly name: string }
    | { readonly allowed: readonly string[]; readonly mode: 'auto' | 'required' };
  readonly parallelToolCalls?: boolean;
  readonly user?: string;
  /** The client wants usage in the stream. A JSON answer always has it. */
  readonly includeUsage?: boolean;
}

export interface ToolDefinition {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: unknown;
  readonly strict?: boolean;
  /** The provider runs it itself, such as a web search: `ext` says how its dialect wrote it. Other dialects can't have it. */
  readonly providerExecuted?: boolean;
  readonly cache?: CacheMark;
  readonly ext?: Extensions;
}

/** The provider may cache the prompt up to here. `ttl` is in its own words, such as `5m` or `1h`. */
export interface CacheMark {
  readonly ttl?: string;
}

/** One block of a message: the fold of the events from `block.start` to `block.end`. */
export interface ContentBlock {
  readonly kind: BlockKind;
  readonly text?: string;
  /** Name of the tool, or of the file. Tool calls also have an id, and their arguments as JSON text. */
  readonly name?: string;
  readonly callId?: string;
  readonly arguments?: string;
  /** Images, audio, files: one of base64, url, fileId. */
  readonly mediaType?: string;
  readonly base64?: string;
  readonly url?: string;
  readonly fileId?: string;
  readonly annotations?: readonly unknown[];
  /** Proof of a reasoning block. One whose block has no text belongs to the block that follows it. `format` is the dialect that made it. */
  readonly signature?: { readonly value: string; readonly format?: string; readonly encrypted?: boolean };
  /** The whole block as its dialect wrote it, for kinds without a form here. */
  readonly initial?: unknown;
  readonly cache?: CacheMark;
  /** Where the block stood in the body of the client, such as `messages[0].content[1]`; for errors about it. */
  readonly place?: string;
  readonly ext?: Extensions;
}

export interface Message {
  readonly role: Role;
  readonly name?: string;
  /** The tool call that a tool message answers. */
  readonly callId?: string;
  /** The tool failed, and the message says how. */
  readonly isError?: boolean;
  readonly content: readonly ContentBlock[];
  /** Where the message stood in the body of the client, such as `messages[0]`; for errors about it. */
  readonly place?: string;
  readonly ext?: Extensions;
}

/** A request, whole: the lossless fold of its events. Never changed in place; a step makes a new one. */
export interface ChatRequest {
  readonly dialect: string;
  readonly model?: string;
  readonly stream: boolean;
  readonly settings: ChatSettings;
  readonly tools: readonly ToolDefinition[];
  readonly messages: readonly Message[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, unknown>>;
  readonly ext?: Extensions;
}

/** The text of the last user message; what most conditions look at. */
export function lastUserText(request: ChatRequest): string {
  const message = request.messages.findLast((candidate) => candidate.role === 'user');
  return message === undefined ? '' : messageText(message);
}

export function messageText(message: Message): string {
  return message.content.map((block) => (block.kind === 'text' ? (block.text ?? '') : '')).join('');
}

/** The events of a request, in order. `foldRequest` makes the same request of them again. */
export function* unfoldRequest(request: ChatRequest): Generator<RequestEvent> {
  const { messages, ext, ...start } = request;
  yield { type: 'request.start', ...start, tools: [...start.tools], ...(ext && { ext }) } as RequestEvent;
  let serial = 0;
  for (const message of messages) {
    const { content, ...head } = message;
    yield { type: 'message.start', ...head } as RequestEvent;
    for (const [index, block] of content.entries()) yield* unfoldBlock(block, message.role, `b${serial++}`, index);
    yield { type: 'message.end' };
  }
  yield { type: 'request.end' };
}

function* unfoldBlock(block: ContentBlock, role: Role, blockId: string, index: number): Generator<RequestEvent> {
  const { kind, text, arguments: json, base64, url, fileId, annotations, signature, ...head } = block;
  yield { type: 'block.start', blockId, kind, role, index, ...head } as RequestEvent;
  if (text !== undefined) yield { type: 'text.delta', blockId, role, text };
  if (json !== undefined) yield { type: 'toolArgs.delta', blockId, json };
  if (base64 !== undefined || url !== undefined || fileId !== undefined) {
    yield {
      type: 'media.delta',
      blockId,
      ...(base64 !== undefined && { base64 }),
      ...(url !== undefined && { url }),
      ...(fileId !== undefined && { fileId }),
    };
  }
  for (const annotation of annotations ?? []) yield { type: 'annotation', blockId, annotation };
  if (signature !== undefined) yield { type: 'reasoning.signature', blockId, ...signature } as RequestEvent;
  yield { type: 'block.end', blockId };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenBlock = Mutable<ContentBlock> & { annotations?: unknown[] };

/**
 * Collects request events into a ChatRequest. `push` throws a TypeError that names the event where the order is wrong:
 * the caller knows which step pushed it.
 */
export class RequestFold {
  #start: EventOfType<'request.start'> | undefined;
  #messages: Message[] = [];
  #message: (Mutable<Message> & { content: ContentBlock[] }) | undefined;
  #open = new Map<string, OpenBlock>();
  #complete = false;

  push(event: InternalStreamEvent): void {
    if (this.#complete) throw new TypeError(`${event.type} after request.end`);
    switch (event.type) {
      case 'request.start':
        if (this.#start !== undefined) throw new TypeError('a second request.start');
        this.#start = event;
        return;
      case 'message.start': {
        if (this.#start === undefined || this.#message !== undefined)
          throw new TypeError('message.start outside of a request, or inside a message');
        const { type: _type, ...head } = event;
        this.#message = { ...head, content: [] };
        return;
      }
      case 'message.end':
        if (this.#message === undefined || this.#open.size > 0)
          throw new TypeError('message.end without a message, or with an open block');
        this.#messages.push(this.#message);
        this.#message = undefined;
        return;
      case 'request.end':
        if (this.#start === undefined || this.#message !== undefined)
          throw new TypeError('request.end without request.start, or inside a message');
        this.#complete = true;
        return;
      default:
        this.#pushBlockEvent(event);
    }
  }

  /** The request. Throws a TypeError while `request.end` is missing. */
  get request(): ChatRequest {
    if (!this.#complete || this.#start === undefined) throw new TypeError('the events end before request.end');
    const { type: _type, ...start } = this.#start;
    return { ...start, messages: this.#messages } as ChatRequest;
  }

  #pushBlockEvent(event: InternalStreamEvent): void {
    if (this.#message === undefined) throw new TypeError(`${event.type} outside of a message`);
    if (event.type === 'block.start') {
      const { type: _type, blockId, role: _role, index: _index, ...head } = event;
      if (this.#open.has(blockId)) throw new TypeError(`a second block.start for block ${blockId}`);
      const block = head as OpenBlock;
      this.#open.set(blockId, block);
      this.#message.content.push(block);
      return;
    }
    if (event.type === 'raw') return;
    const block = 'blockId' in event ? this.#open.get(event.blockId) : undefined;
    if (block === undefined) throw new TypeError(`${event.type} without an open block`);
    appendToBlock(block, event);
    if (event.type === 'block.end') this.#open.delete(event.blockId);
  }
}

function appendToBlock(block: OpenBlock, event: InternalStreamEvent): void {
  switch (event.type) {
    case 'text.delta':
      block.text = (block.text ?? '') + event.text;
      return;
    case 'toolArgs.delta':
      block.arguments = (block.arguments ?? '') + (event.json ?? '');
      return;
    case 'media.delta':
      if (event.mediaType !== undefined) block.mediaType = event.mediaType;
      if (event.base64 !== undefined) block.base64 = (block.base64 ?? '') + event.base64;
      if (event.url !== undefined) block.url = event.url;
      if (event.fileId !== undefined) block.fileId = event.fileId;
      return;
    case 'annotation':
      (block.annotations ??= []).push(event.annotation);
      return;
    case 'reasoning.signature': {
      const { value, format, encrypted } = event;
      block.signature = {
        value,
        ...(format !== undefined && { format }),
        ...(encrypted !== undefined && { encrypted }),
      };
      return;
    }
    case 'block.end':
      return;
    default:
      throw new TypeError(`${event.type} inside a block`);
  }
}

export function foldRequest(events: Iterable<InternalStreamEvent>): ChatRequest {
  const fold = new RequestFold();
  for (const event of events) fold.push(event);
  return fold.request;
}
