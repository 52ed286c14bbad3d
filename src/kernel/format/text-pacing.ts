import { detach } from '../detach.ts';
import { isHighSurrogate, isLowSurrogate, joinSurrogates } from '../words/text-folding.ts';
import { BorderFinder, isClusterBorder, lastClusterBorder, type Pace } from './text-borders.ts';

const lineFeed = 0x0a;

/**
 * Regroups a text so that it leaves in whole words, sentences or lines. Pieces end at the borders of `text-borders.ts`; one
 * that gets longer than `limit` UTF-16 units ends before that, behind the last whole grapheme cluster that fits, or, when it
 * is a single one, behind the last whole code point. The text itself is never changed.
 */
export class TextPacing {
  readonly #borders: BorderFinder;
  readonly #limit: number;
  readonly #isByLine: boolean;
  #held = '';
  #previous = 0x20;

  /** At most `maxHeld` units are held, of which one may be half of a pair. */
  constructor(pace: Pace, maxHeld: number) {
    this.#borders = new BorderFinder(pace);
    this.#limit = maxHeld - 1;
    this.#isByLine = pace === 'line';
  }

  /** What can leave now. `ends` gets the end of each piece in it, when given. */
  text(chunk: string, ends?: number[]): string {
    if (chunk === '') return '';
    if (this.#held === '' && this.#isWholeLine(chunk) && ends === undefined) return chunk;
    const text = this.#held + chunk;
    const { length } = text;
    let index = this.#firstUnread();
    let start = 0;
    while (index < length) {
      const unit = text.charCodeAt(index);
      if (isHighSurrogate(unit) && index + 1 === length) break;
      const codePoint = isHighSurrogate(unit) ? joined(unit, text.charCodeAt(index + 1)) : unit;
      const next = index + (codePoint > 0xffff ? 2 : 1);
      if (this.#borders.read(text, start, index, codePoint)) {
        ends?.push(index);
        start = index;
      }
      while (next - start > this.#limit) {
        start = this.#cut(text, start, index, next, codePoint);
        ends?.push(start);
      }
      if (unit === lineFeed) {
        ends?.push(next);
        start = next;
      }
      this.#previous = codePoint;
      index = next;
    }
    this.#borders.leave(text, start);
    this.#held = start < length ? detach(text.slice(start)) : '';
    return start === length ? text : text.slice(0, start);
  }

  /** The text is over. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** A line that is short enough leaves as it came. */
  #isWholeLine(chunk: string): boolean {
    return this.#isByLine && chunk.length <= this.#limit && chunk.charCodeAt(chunk.length - 1) === lineFeed;
  }

  /** A high surrogate at the end of what is held is not read yet. */
  #firstUnread(): number {
    const last = this.#held.length - 1;
    return last >= 0 && isHighSurrogate(this.#held.charCodeAt(last)) ? last : last + 1;
  }

  #cut(text: string, start: number, index: number, next: number, codePoint: number): number {
    if (isClusterBorder(text, start, index, this.#previous, codePoint)) return index;
    return start + lastClusterBorder(text.slice(start, next), index - start);
  }
}

function joined(high: number, low: number): number {
  return isLowSurrogate(low) ? joinSurrogates(high, low) : high;
}
