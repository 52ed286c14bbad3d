import { segmenter } from '../grapheme-counter.ts';
import { SentenceEnds } from '../sentence-ends.ts';
import { isSpace } from '../unit-classes.ts';
import { isHighSurrogate, isLowSurrogate } from '../words/text-folding.ts';

/*
 * Where a text may be cut so that a reader sees whole words or sentences. A border lies
 * - behind every line feed;
 * - by `word`, between two characters of which the first is no white space, and the second is, or one of the two belongs
 *   to a script that writes no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese);
 * - by `sentence`, where one ends (see `sentence-ends.ts`).
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
  readonly #sentences: SentenceEnds | undefined;
  /** Before the first character: white space, so that no border lies there. */
  #previous = 0x20;
  #previousIsSpaceless = false;

  constructor(pace: Pace) {
    this.#pace = pace;
    if (pace === 'sentence') this.#sentences = new SentenceEnds();
  }

  /** Reads the code point at `index` of a text whose piece began at `start`. True where a border lies before it. */
  read(text: string, start: number, index: number, codePoint: number): boolean {
    if (this.#pace === 'line') return false;
    const isEnd = this.#sentences === undefined ? this.#endsWord(codePoint) : this.#sentences.read(text, index);
    const previous = this.#previous;
    this.#previous = codePoint;
    return isEnd && codePoint !== lineFeed && isClusterBorder(text, start, index, previous, codePoint);
  }

  /** The next text begins at `start` of this one. */
  leave(text: string, start: number): void {
    this.#sentences?.leave(text, start);
  }

  #endsWord(codePoint: number): boolean {
    const isSpaceless = codePoint > 0xe00 && isIn(spaceless, codePoint);
    const wasSpaceless = this.#previousIsSpaceless;
    this.#previousIsSpaceless = isSpaceless;
    if (isSpace(this.#previous)) return false;
    return isSpaceless || wasSpaceless || (codePoint < 0x10000 && isSpace(codePoint));
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
