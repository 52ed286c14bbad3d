import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import type { ReasoningEntries } from './reasoning-entries.ts';

/** A block that has begun and not ended. */
export interface OpenBlock {
  readonly choice: ChoiceState;
  readonly kind: BlockKind;
  /** Field of the delta that carries the text. */
  readonly field: string | undefined;
  /** Place in `tool_calls`; undefined for a legacy `function_call`. */
  readonly toolIndex: number | undefined;
  /** False where the provider's own frames name the call in another way than ours do. */
  readonly sameIndex: boolean;
  /** The own frame around a piece of text, made when it is first needed. */
  frame: { readonly before: string; readonly after: string } | undefined;
  hasArguments: boolean;
  /** The reasoning so far, JSON-escaped, for the entry of its proof; empty where the provider writes entries itself. */
  reasoning: string;
  /** The proof of reasoning of another dialect. */
  signature?: EventOfType<'reasoning.signature'>;
  /** Pieces of a picture, which goes out whole. */
  readonly media: EventOfType<'media.delta'>[];
}

/** What has been written of one choice. */
export interface ChoiceState {
  readonly index: number;
  started: boolean;
  /** How many calls have begun. */
  toolCalls: number;
  hasRefusal: boolean;
  /** The entries for reasoning of another dialect. */
  readonly reasoning: ReasoningEntries;
}
