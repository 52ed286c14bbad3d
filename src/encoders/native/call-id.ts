import type { EventOfType } from '../../kernel/event.ts';

/**
 * The id of a tool call. Where the provider gave none, one of the run: a result names it, and in a conversation the calls of
 * several answers stand beside each other.
 */
export function callIdOf({ callId, blockId }: EventOfType<'block.start'>, run: string): string {
  return callId ?? `call_${run}_${blockId}`;
}
