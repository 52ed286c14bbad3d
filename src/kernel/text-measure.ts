/*
 * Counts words, sentences and lines of running text, and finds the places at which one of them has ended. A place lies
 * before a code unit, and nothing behind that unit decides it:
 *
 * - word: before white space that follows something else. A word is what stands between white space; in scripts without
 *   spaces that is a whole sentence.
 * - sentence: before white space that follows one of . ! ? … and perhaps closing quotes and brackets; or behind one of
 *   。！？｡ with what closes it, whatever follows. It is the end of a word too.
 * - line: before a line feed.
 */

/** Bits of `TextMeasure.ends`. */
export const wordEnd = 1;
export const sentenceEnd = 2;
export const lineEnd = 4;

/** What was counted so far; shared by the texts of one channel of an answer. */
export interface TextCounts {
  /** Characters as readers see them. */
  characters: number;
  words: number;
  sentences: number;
  /** The line that is written, from 1. */
  lines: number;
}

const plain = 0;
const space = 1;
const terminator = 2;
const wideTerminator = 3;
const closer = 4;
const lineFeed = 0x0a;
const kinds = kindTable({
  [space]:
    '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff',
  [terminator]: '.!?…',
  [wideTerminator]: '。！？｡',
  [closer]: '"\')]}*_»”’」』）】》',
});

/** Reads one text. */
export class TextMeasure {
  readonly #counts: TextCounts;
  #isInWord = false;
  /** The terminator that only closing characters have followed, or 0. */
  #terminator = 0;
  /** The unit behind the last place was a line feed, which is counted when that place is left. */
  #isAtFeed = false;

  /** Adds to `counts`; at a place they tell of the text before it. */
  constructor(counts: TextCounts) {
    this.#counts = counts;
  }

  /** Bits for what has ended at the place that was found last. */
  ends = 0;

  /** The index of the next place before a unit from `from` on and before `to`, or -1. Each unit is read once. */
  next(chunk: string, from: number, to: number): number {
    this.#leaveFeed();
    for (let index = from; index < to; index += 1) {
      const unit = chunk.charCodeAt(index);
      const kind = kinds[unit] ?? plain;
      if (kind === plain && this.#isInWord && this.#terminator === plain) continue;
      this.ends = this.#endsBefore(unit, kind);
      this.#read(kind);
      this.#isAtFeed = unit === lineFeed;
      if (this.ends !== 0) return index;
    }
    return -1;
  }

  /** The text is over; what follows is no part of its last word or sentence. */
  end(): void {
    this.#leaveFeed();
    if (this.#terminator !== plain) this.#counts.sentences += 1;
    this.#isInWord = false;
    this.#terminator = plain;
  }

  #leaveFeed(): void {
    if (this.#isAtFeed) this.#counts.lines += 1;
    this.#isAtFeed = false;
  }

  #endsBefore(unit: number, kind: number): number {
    const isSentence =
      this.#terminator !== plain && (kind === space || (kind === plain && this.#terminator === wideTerminator));
    if (isSentence) this.#counts.sentences += 1;
    const isWord = isSentence || (kind === space && this.#isInWord);
    return (isWord ? wordEnd : 0) | (isSentence ? sentenceEnd : 0) | (unit === lineFeed ? lineEnd : 0);
  }

  #read(kind: number): void {
    if (kind !== space && !this.#isInWord) this.#counts.words += 1;
    this.#isInWord = kind !== space;
    if (kind === plain || kind === space) this.#terminator = plain;
    else if (kind !== closer) this.#terminator = Math.max(this.#terminator, kind);
  }
}

function kindTable(characters: Readonly<Record<number, string>>): Uint8Array {
  const table = new Uint8Array(0x10000);
  for (const [kind, all] of Object.entries(characters)) {
    for (const character of all) table[character.charCodeAt(0)] = Number(kind);
  }
  return table;
}
