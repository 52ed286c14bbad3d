import type { AnswerEvent } from '../../kernel/event.ts';
import type { BlockState } from './stream-state.ts';

/** True while a block has the place in the client's message that its provider gave it. */
export function followsNative({ index, start }: BlockState): boolean {
  return index !== undefined && index === start.nativeIndex;
}

/**
 * True when a client that got the frame of these events as it came would know the same as one that got the events
 * written. `current` is the block that is open there, `nextIndex` the place of the next one.
 */
export function isCopyable(
  events: readonly AnswerEvent[],
  current: BlockState | undefined,
  nextIndex: number,
): boolean {
  let open = current !== undefined && followsNative(current) ? current.start.blockId : undefined;
  let isClosed = current === undefined;
  let isLast = false;
  for (const event of events) {
    if (event.synthetic === true || (event.choice ?? 0) > 0 || isLast) return false;
    switch (event.type) {
      case 'response.meta':
        break;
      case 'usage':
        // Alone it restates counts, and says no reason where clients look for one.
        if (!events.some(({ type }) => type === 'response.meta' || type === 'finish')) return false;
        break;
      case 'block.start':
        if (!isClosed || event.nativeIndex !== nextIndex) return false;
        open = event.blockId;
        isClosed = false;
        break;
      case 'text.delta':
      case 'toolArgs.delta':
      case 'annotation':
      case 'reasoning.signature':
        if (event.blockId !== open) return false;
        break;
      case 'block.end':
        if (event.blockId !== open) return false;
        open = undefined;
        isClosed = true;
        break;
      case 'finish':
        if (!isClosed) return false;
        break;
      default:
        return false;
    }
    isLast = event.type === 'block.end';
  }
  return true;
}
