import type { AnswerEvent, FinishReason } from './event.ts';
import type { Run } from './run.ts';

/*
 * What a modifier is to the chain that runs it. The component that makes one is described in component.ts.
 */

/** Text that a modifier may read. The text of `toolArguments` is each string in the arguments of a tool call, decoded. */
export type Channel = 'text' | 'reasoning' | 'refusal' | 'toolArguments';
export const channels: readonly Channel[] = ['text', 'reasoning', 'refusal', 'toolArguments'];

/**
 * The most that a modifier holds back: nothing (`live`), at most `maxHeldCharacters` that may still become something
 * else (`window`), or the whole answer (`buffer`).
 */
export type StreamPolicy =
  | { readonly mode: 'live' }
  | { readonly mode: 'window'; readonly maxHeldCharacters: number }
  | { readonly mode: 'buffer' };

/** When a modifier acts: on all that streams, or only where an answer ends, when it is known why. */
export type ModifierPhase = 'stream' | 'end';

/** How a modifier ends an answer of which its provider would say more. */
export interface AnswerEnding {
  /** `stop` and `length` are good ends; `content_filter` tells the client that the answer was blocked. */
  readonly reason: 'stop' | 'length' | 'content_filter';
  /** Words for the client, behind what has left: at the end of the open text, or as a text of their own. */
  readonly message?: string;
  /** The stop sequence that was met, for dialects that name it. */
  readonly stopSequence?: string;
}

/** The text that a reader or a rewriter is opened for: a block, or one string in the arguments of a tool call. */
export interface TextBlock {
  readonly channel: Channel;
  /** Which of several answers (n > 1). */
  readonly choice: number;
  /** It is the first text of its channel in this choice. */
  readonly first: boolean;
  /** In `toolArguments`: the name of the tool, where it is known. */
  readonly tool?: string;
  /**
   * Ends the answer of this choice behind what the current call returns: the tail that later modifiers hold is let go,
   * open blocks end, and `finish` says why. The rewriter is not called again, and the provider is read no further.
   */
  stop(ending: AnswerEnding): void;
}

/** Reads one text and changes nothing. */
export interface TextReader {
  read(chunk: string): void;
  end?(): void;
}

/**
 * Rewrites one text. `text` returns what can go out now, `flush` what is left at its end; joined, they are the new text.
 * Both are synchronous; a throw from a guard ends the stream with nothing unmasked. A text ends with its block, before a
 * tool call of the same choice begins, and where the stream fails; what comes afterwards has a rewriter of its own.
 */
export interface TextRewriter {
  text(chunk: string): string;
  flush(): string;
  /**
   * Only where the modifier acts at the end: called behind `flush` for the last text of a choice, when it is known why the
   * choice ended. What it returns is put behind the text.
   */
  close?(finish: FinishReason): string;
  /** Things changed so far, where the modifier counts them; shown in the record of the run. */
  readonly matches?: number;
}

/** What an event modifier may do outside of its calls. */
export interface EventControl {
  /** Sends an event on now: for a modifier whose outside work goes on while the stream flows. Ignored after the end. */
  emit(event: AnswerEvent): void;
  /**
   * Ends the answer of a choice (0 when absent) behind what was emitted so far: open blocks end, and `finish` says why.
   * Events of that choice are dropped from here on.
   */
  stop(ending: AnswerEnding, choice?: number): void;
}

/** Works on whole events of one stream. A promise pauses the stream until it is settled, and only then. */
export interface EventRewriter {
  modify(event: AnswerEvent, emit: (event: AnswerEvent) => void, run: Run): void | Promise<void>;
  flush?(emit: (event: AnswerEvent) => void, run: Run): void | Promise<void>;
  /** The stream failed after content had left: emits what is held and decided. What is not emitted here is dropped. */
  fail?(emit: (event: AnswerEvent) => void, run: Run): void;
  /** Things changed so far, where the modifier counts them; shown in the record of the run. */
  readonly matches?: number;
}

/** What the plan of a pipeline needs to know of a modifier to find steps that work against each other. */
export interface RewriteNote {
  /** Short texts that the modifier would change, a few of each sort; none of them is a secret. */
  readonly samples: readonly string[];
  /** It puts hidden text back, which modifiers before it don't see. */
  readonly restores?: boolean;
}

interface ModifierBase {
  /** Ends timers, files, sockets. Called once, after the last run. */
  dispose?(): void | Promise<void>;
  readonly policy: StreamPolicy;
  readonly rewrites?: RewriteNote;
}
export interface ReadModifier extends ModifierBase {
  readonly effect: 'read';
  readonly channels: readonly Channel[];
  open(run: Run, block: TextBlock): TextReader;
}
export interface TextModifier extends ModifierBase {
  readonly effect: 'text';
  readonly channels: readonly Channel[];
  /** Its rewriters have `close`: the last text of a choice stays open until it is known why the choice ends. */
  readonly actsAtEnd?: boolean;
  open(run: Run, block: TextBlock): TextRewriter;
}
export interface EventModifier extends ModifierBase {
  readonly effect: 'events';
  /** Channels whose text it reads, for the plan. */
  readonly channels?: readonly Channel[];
  open(run: Run, control: EventControl): EventRewriter;
}

/** Works on the answer while it streams. The strongest `effect` of a chain decides how fast the chain can be. */
export type Modifier = ReadModifier | TextModifier | EventModifier;

export interface ModifierExample<C> {
  readonly title: string;
  readonly config: C;
  /** The pieces in which the text arrives. */
  readonly given: readonly string[];
  /** The whole text that leaves. */
  readonly expect: string;
}
