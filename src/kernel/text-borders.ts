import { isHighSurrogate, isLowSurrogate } from './text-folding.ts';
import { isSpace } from './white-space.ts';

/*
 * Where a text may be cut so that a reader sees whole words or sentences. A border lies
 * - behind every line feed;
 * - by `word`, between two characters of which the first is no white space, and the second is, or one of the two belongs
 *   to a script that writes no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese);
 * - by `sentence`, where a sentence has ended and white space follows, or anything but a closing mark after the full stop
 *   of a script without spaces. A sentence ends with a full stop or the like, also with closing marks behind it; a full
 *   stop behind nothing but digits is the number of an item.
 * White space so goes with what follows it. No border lies before a line feed or inside of a grapheme cluster; clusters
 * are those of Unicode, as seen in up to 32 units before the border and inside of the same piece.
 */

export type Pace = 'word' | 'sentence' | 'line';

const lineFeed = 0x0a;
const window = 32;
const maxRemembered = 4096;
/** Whether a cluster that ends with this code point goes on with one that is simple. */
const joins = new Map<number, boolean>();
const hangul = 0xac00;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Full stops that end a sentence where white space follows. */
const stops: ReadonlySet<number> = codePoints('.!?…‼⁇⁈⁉؟۔।॥።၊။');
/** Full stops of scripts without spaces. */
const wideStops: ReadonlySet<number> = codePoints('。！？｡．︒');
const closers: ReadonlySet<number> = codePoints('"\')]}»”’」』）】》〉］｝*_`~');

/** Scripts without spaces, as pairs of the first and last code point. */
const spaceless: readonly (readonly [number, number])[] = [
  [0x0e00, 0x0eff],
  [0x1000, 0x109f],
  [0x1780, 0x17ff],
  [0x2e80, 0x312f],
  [0x31a0, 0x31ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xf900, 0xfaff],
  [0xff00, 0xff9f],
  [0x20000, 0x3ffff],
];
/** Code points between any two of which lies the border of a cluster. */
const simple: readonly (readonly [number, number])[] = [
  [0x0e, 0xa8],
  [0xaa, 0xac],
  [0xaf, 0x2ff],
  [0x370, 0x482],
  [0x48a, 0x58a],
  [0x2010, 0x2027],
  [0x2030, 0x203b],
  [0x3001, 0x3029],
  [0x3041, 0x3096],
  [0x309b, 0x30ff],
  [0x3400, 0x9fff],
  [0xac00, 0xd7a3],
  [0xff01, 0xff9d],
];

/** Finds the borders of one text, a code point at a time. */
export class BorderFinder {
  readonly #pace: Pace;
  /** Before the first character: white space, so that no border lies there. */
  #previous = 0x20;
  #previousIsSpaceless = false;
  /** 0 inside of a sentence, 1 behind a full stop, 2 behind one of a script without spaces. */
  #ended = 0;
  /** What the sentence has had: 0 nothing, 1 digits only, 2 more. */
  #content = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** Reads the code point at `index` of a text whose piece began at `start`. True where a border lies before it. */
  read(text: string, start: number, index: number, codePoint: number): boolean {
    const mayEnd = this.#mayEnd(codePoint);
    const isBorder = mayEnd && isClusterBorder(text, start, index, this.#previous, codePoint);
    if (isBorder || this.#previous === lineFeed) this.#begin();
    if (this.#pace === 'sentence') this.#note(codePoint);
    this.#previous = codePoint;
    return isBorder;
  }

  #mayEnd(codePoint: number): boolean {
    if (this.#pace === 'line') return false;
    const isSpaceless = this.#pace === 'word' && codePoint > 0xe00 && isIn(spaceless, codePoint);
    const wasSpaceless = this.#previousIsSpaceless;
    this.#previousIsSpaceless = isSpaceless;
    if (codePoint === lineFeed || isSpace(this.#previous)) return false;
    const isWhite = codePoint < 0x10000 && isSpace(codePoint);
    if (this.#pace === 'word') return isWhite || isSpaceless || wasSpaceless;
    if (isWhite) return this.#ended > 0;
    return this.#ended === 2 && !closers.has(codePoint) && !stops.has(codePoint) && !wideStops.has(codePoint);
  }

  #begin(): void {
    this.#ended = 0;
    this.#content = 0;
  }

  #note(codePoint: number): void {
    if (isSpace(codePoint)) {
      this.#ended = 0;
    } else if (wideStops.has(codePoint)) {
      this.#ended = 2;
    } else if (stops.has(codePoint)) {
      if (this.#content !== 1 || codePoint !== 0x2e) this.#ended = Math.max(1, this.#ended);
    } else if (!closers.has(codePoint)) {
      this.#ended = 0;
    }
    if (codePoint >= 0x30 && codePoint <= 0x39) this.#content = Math.max(1, this.#content);
    else if (!isSpace(codePoint) && (codePoint !== 0x2e || this.#content !== 1)) this.#content = 2;
  }
}

/** Whether a cluster ends before `index`, where `previous` comes before it and `codePoint` is at it. */
export function isClusterBorder(
  text: string,
  start: number,
  index: number,
  previous: number,
  codePoint: number,
): boolean {
  if (isSimple(codePoint)) {
    if (isSimple(previous)) return true;
    // But for syllables of Hangul, what comes before the last code point makes no difference.
    if (codePoint < hangul) return !joinsSimple(previous);
  }
  let from = Math.max(start, index - window);
  if (from > start && isLowSurrogate(text.charCodeAt(from)) && isHighSurrogate(text.charCodeAt(from - 1))) from += 1;
  const seen = text.slice(from, index + (codePoint > 0xffff ? 2 : 1));
  return segmenter.segment(seen).containing(index - from)?.index === index - from;
}

/** The last place in `text` behind which no cluster of it goes on, or `otherwise` where it is one cluster. */
export function lastClusterBorder(text: string, otherwise: number): number {
  let last = 0;
  for (const { index } of segmenter.segment(text)) last = index;
  return last === 0 ? otherwise : last;
}

function joinsSimple(codePoint: number): boolean {
  const known = joins.get(codePoint);
  if (known !== undefined) return known;
  if (joins.size >= maxRemembered) joins.clear();
  const first = segmenter.segment(`${String.fromCodePoint(codePoint)}a`).containing(0);
  const isJoined = first !== undefined && first.segment.endsWith('a');
  joins.set(codePoint, isJoined);
  return isJoined;
}

function isSimple(codePoint: number): boolean {
  return isIn(simple, codePoint);
}

function isIn(ranges: readonly (readonly [number, number])[], codePoint: number): boolean {
  for (const [first, last] of ranges) {
    if (codePoint < first) return false;
    if (codePoint <= last) return true;
  }
  return false;
}

function codePoints(text: string): ReadonlySet<number> {
  return new Set([...text].map((character) => character.codePointAt(0) ?? 0));
}
