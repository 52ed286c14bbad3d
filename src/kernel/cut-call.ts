import type { EventOfType } from './event.ts';

/**
 * True where a modifier has ended the answer inside of a call, and what has left of its arguments is no whole JSON text. A
 * client that gets calls in one piece must not get this one: it would be made with arguments that the model never meant.
 */
export function isCutCall({ incomplete, source }: EventOfType<'block.end'>, json: string): boolean {
  if (incomplete !== true || source?.startsWith('modifier:') !== true) return false;
  try {
    JSON.parse(json);
    return false;
  } catch {
    return true;
  }
}
