import type { ArgumentsText } from './arguments-text.ts';
import type { Channel } from './modifier.ts';
import type { AnswerEvent, EventOfType } from './event.ts';
import type { BlockText } from './text-row.ts';

/** A block that some modifier reads. */
export interface OpenBlock {
  readonly start: EventOfType<'block.start'>;
  readonly text: BlockText;
  /** The same text, where it is that of a call. */
  readonly call: ArgumentsText | undefined;
  readonly first: boolean;
  /** They prove the text that was signed; whether that leaves is known at the end of the block. */
  readonly signatures: EventOfType<'reasoning.signature'>[];
}

/** A text block that has ended, but not left: it may be the last of its choice. */
export interface WaitingEnd {
  readonly block: OpenBlock;
  readonly event: EventOfType<'block.end'>;
}

/** What is known of a choice. */
export interface Choice {
  /** The channels of which a text came. */
  readonly seen: Set<Channel>;
  /** Its last block is a call. */
  endsInCall: boolean;
  isFinished: boolean;
}

/** A piece of the text of a block, or of the arguments of a call, as an event of its own. */
export function pieceOf({ start, call }: OpenBlock, text: string): AnswerEvent {
  const { blockId, role, choice } = start;
  const of = { blockId, ...(choice !== undefined && { choice }) };
  return call === undefined ? { type: 'text.delta', ...of, role, text } : { type: 'toolArgs.delta', ...of, json: text };
}
