import { SentenceEnds, sentenceUnit, sentenceUnits } from '../sentence-ends.ts';

/*
 * Counts words, sentences and lines of running text, and finds the places at which one of them has ended. A place lies
 * before a code unit, and nothing behind that unit decides it:
 *
 * - word: before white space that follows something else. A word is what stands between white space; in scripts without
 *   spaces that is a whole sentence.
 * - sentence: where one ends, see `sentence-ends.ts`. It is the end of a word too.
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

const lineFeed = 0x0a;
const { space, softMark } = sentenceUnit;

/** Reads one text. */
export class TextMeasure {
  readonly #counts: TextCounts;
  readonly #sentences = new SentenceEnds();
  readonly #units = sentenceUnits();
  #isInWord = false;
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
    const units = this.#units;
    for (let index = from; index < to; index += 1) {
      const unit = chunk.charCodeAt(index);
      const kind = units[unit] ?? 0;
      if (kind !== space && kind < softMark && this.#isInWord && !this.#sentences.isPending) continue;
      const isSentence = this.#sentences.read(chunk, index);
      this.ends = this.#endsBefore(unit, kind === space, isSentence);
      this.#isAtFeed = unit === lineFeed;
      if (this.ends !== 0) return index;
    }
    this.#sentences.leave(chunk, to);
    return -1;
  }

  /** The text is over; what follows is no part of its last word or sentence. */
  end(): void {
    this.#leaveFeed();
    if (this.#sentences.end()) this.#counts.sentences += 1;
    this.#isInWord = false;
  }

  #leaveFeed(): void {
    if (this.#isAtFeed) this.#counts.lines += 1;
    this.#isAtFeed = false;
  }

  #endsBefore(unit: number, isSpace: boolean, isSentence: boolean): number {
    const isWord = isSentence || (isSpace && this.#isInWord);
    if (isSentence) this.#counts.sentences += 1;
    if (!isSpace && !this.#isInWord) this.#counts.words += 1;
    this.#isInWord = !isSpace;
    return (isWord ? wordEnd : 0) | (isSentence ? sentenceEnd : 0) | (unit === lineFeed ? lineEnd : 0);
  }
}
