import type { FinishReason } from './event.ts';
import type { ChatRequest } from './request.ts';
import type { Caller } from './run.ts';

/** When a condition is decided: before the backend is called, when an answer has begun, or when it is known why it ends. */
export type ConditionPhase = 'request' | 'response' | 'end';

/** What a condition can read, by the names that an author writes. Text that is absent reads as `''`. */
export interface ConditionContext {
  readonly request: {
    readonly model: string;
    readonly stream: boolean;
    /** Number of messages, system messages included. */
    readonly messages: number;
    readonly lastUserText: string;
    /** An estimate; see `estimateTokens`. */
    readonly inputTokens: number;
    readonly hasImages: boolean;
    readonly toolNames: readonly string[];
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  readonly caller: Caller;
  readonly params: Readonly<Record<string, unknown>>;
  /** Not in the phase `request`; `finishReason` in the phase `end` only. */
  readonly response: { readonly model: string; readonly finishReason: FinishReason | '' };
}

/** What a condition is decided on. Only what an expression really reads is computed from it. */
export interface ConditionSource {
  readonly request: ChatRequest;
  readonly caller: Caller;
  readonly params: Readonly<Record<string, unknown>>;
  readonly response?: { readonly model?: string; readonly finishReason?: FinishReason };
}

/** A compiled condition. Synchronous, never throws, changes nothing. */
export type Condition = (context: ConditionSource) => boolean;
