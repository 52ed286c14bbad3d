import type { StreamPolicy } from './modifier.ts';

/** The policy of a modifier that holds at most so many UTF-16 units; `Infinity` where it may be the whole text. */
export function heldAtMost(maxHeldCharacters: number): StreamPolicy {
  if (maxHeldCharacters === 0) return { mode: 'live' };
  return Number.isFinite(maxHeldCharacters) ? { mode: 'window', maxHeldCharacters } : { mode: 'buffer' };
}
