import { isHighSurrogate, isLowSurrogate, isSurrogate, joinSurrogates } from './words/text-folding.ts';

/*
 * Characters as readers see them: the grapheme clusters of Unicode, as `Intl.Segmenter` finds them. Most text consists
 * of units that never join with their like; those are counted in a plain loop, and only the surroundings of all others
 * are handed to the segmenter.
 *
 * A cluster counts again with every further 32 code points. No script needs so many; a pile of accents without end does.
 */

const maxClusterCodePoints = 32;
/** Code units that are handed to the segmenter at a time, besides the cluster that is read. */
const stride = 256;

const unknownUnit = 0;
const simpleUnit = 1;
const joiningUnit = 2;
const pageSize = 256;
const unitKinds = new Uint8Array(0x10000);
/** Finds grapheme clusters; one is enough for all. */
export const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Counts the characters of one text. The second half of a pair is awaited before the pair is counted. */
export class GraphemeCounter {
  /** Characters that have begun so far. */
  count: number;
  /** The last cluster as far as it was read, '' before the first. */
  #cluster = '';
  /** The text so far ends with a code point that joins with no simple one behind it, or is empty. */
  #isSimple = true;
  /** A high surrogate whose other half may come; 0 for none. */
  #high = 0;

  /** `count` is what was counted before this text. */
  constructor(count = 0) {
    this.count = count;
  }

  /** The text so far ends with half of a pair, which is not counted. */
  get awaitsHalf(): boolean {
    return this.#high !== 0;
  }

  /**
   * Reads the units from `from` to before `to`, which is not between the halves of a pair. Returns `to`, or the index at
   * which character `limit + 1` begins; after that nothing more can be read. The index is `from - 1` where that character
   * begins with the half that was awaited.
   */
  read(chunk: string, from: number, to: number, limit = Number.POSITIVE_INFINITY): number {
    let index = from;
    if (this.#high !== 0 && (from < to || isOther(chunk, from))) {
      index = this.#readHigh(chunk, from, limit);
      if (index < from) return index;
    }
    while (index < to) {
      const end = this.#readSimple(chunk, index, to, limit);
      if (end === to || this.count > limit) return end;
      index = this.#readJoining(chunk, end, to, limit);
      if (this.count > limit) return index;
    }
    return to;
  }

  /** Judges the half that was awaited. Returns the index to go on from, or `from - 1` at the limit. */
  #readHigh(chunk: string, from: number, limit: number): number {
    const isPair = isLowSurrogate(chunk.charCodeAt(from));
    const text = String.fromCharCode(this.#high) + (isPair ? chunk.charAt(from) : '');
    this.#high = 0;
    this.#segment(text, limit);
    this.#isSimple = false;
    if (this.count > limit) return from - 1;
    return isPair ? from + 1 : from;
  }

  /** Counts code points that join with nothing before them and with none of their kind. */
  #readSimple(chunk: string, from: number, to: number, limit: number): number {
    if (!this.#isSimple) return from;
    let index = from;
    let last = from;
    let { count } = this;
    while (index < to) {
      const units = simpleUnits(chunk, index, to);
      if (units === 0) break;
      count += 1;
      if (count > limit) break;
      last = index;
      index += units;
    }
    this.count = count;
    if (index > from) this.#cluster = chunk.slice(last, index);
    return index;
  }

  /** Reads at least one unit through the segmenter, up to where simple units follow each other again. */
  #readJoining(chunk: string, from: number, to: number, limit: number): number {
    const last = Math.min(to, from + stride);
    let end = from + 1;
    while (end < last && !(isSimpleAt(chunk, end - 1) && isSimpleAt(chunk, end))) end += 1;
    if (isHighSurrogate(chunk.charCodeAt(end - 1))) {
      if (end < to) {
        if (!isOther(chunk, end)) end += 1;
      } else if (!isOther(chunk, end)) {
        end -= 1;
        this.#high = chunk.charCodeAt(end);
      }
    }
    const beyond = this.#segment(chunk.slice(from, end), limit);
    this.#isSimple = isSimpleAt(chunk, end - 1);
    if (this.count > limit) return from + beyond;
    return this.#high === 0 ? end : to;
  }

  /** Reads whole code points. Returns the index in `text` at which the character behind the limit begins, or its length. */
  #segment(text: string, limit: number): number {
    if (text === '') return 0;
    const before = this.#cluster.length;
    let start = 0;
    let isKnown = before > 0;
    const all = this.#cluster + text;
    while (start < all.length) {
      for (const { segment } of segmenter.segment(start === 0 ? all : all.slice(start))) {
        if (!isKnown) this.count += 1;
        if (this.count > limit) return start - before;
        isKnown = false;
        this.#cluster = shortened(segment);
        start += this.#cluster.length;
        // What is beyond the most of one cluster is segmented anew.
        if (this.#cluster !== segment) break;
      }
    }
    return text.length;
  }
}

/** At most so many code points of a cluster as count once. */
function shortened(cluster: string): string {
  if (cluster.length <= maxClusterCodePoints) return cluster;
  let end = 0;
  for (let points = 0; points < maxClusterCodePoints && end < cluster.length; points += 1) {
    end += (cluster.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return cluster.slice(0, end);
}

/** How many units the simple code point at an index takes; 0 where it is none or goes beyond `to`. */
function simpleUnits(text: string, index: number, to: number): number {
  const unit = text.charCodeAt(index);
  if (kindOf(unit) === simpleUnit) return 1;
  if (!isHighSurrogate(unit) || index + 1 >= to) return 0;
  const low = text.charCodeAt(index + 1);
  return isLowSurrogate(low) && isSimplePair(joinSurrogates(unit, low)) ? 2 : 0;
}

/** Pictographs, without flags and skin tones, and the ideographs beyond the basic plane. */
function isSimplePair(codePoint: number): boolean {
  if (codePoint < 0x1f400) return codePoint >= 0x1f300 && codePoint < 0x1f3fb;
  return codePoint < 0x1fb00 || (codePoint >= 0x20000 && codePoint < 0x3fffe);
}

/** There is a unit, and it is no second half of a pair. */
function isOther(chunk: string, index: number): boolean {
  return index < chunk.length && !isLowSurrogate(chunk.charCodeAt(index));
}

function isSimpleAt(text: string, index: number): boolean {
  return kindOf(text.charCodeAt(index)) === simpleUnit;
}

function kindOf(unit: number): number {
  const kind = unitKinds[unit] ?? joiningUnit;
  return kind === unknownUnit ? learnPage(unit) : kind;
}

/** Asks the segmenter about all units of a page: which of them join with a letter before or behind them. */
function learnPage(unit: number): number {
  const first = unit - (unit % pageSize);
  const units = Array.from({ length: pageSize }, (_nothing, index) => first + index);
  const starts = new Set<number>();
  const text = `${units.map((one) => `a${String.fromCharCode(one)}`).join('')}a`;
  for (const { index } of segmenter.segment(text)) starts.add(index);
  for (const [place, one] of units.entries()) {
    const isAlone = starts.has(2 * place + 1) && starts.has(2 * place + 2);
    unitKinds[one] = isAlone && !joinsWithItsLike(one) ? simpleUnit : joiningUnit;
  }
  return unitKinds[unit] ?? joiningUnit;
}

/** Halves of pairs, the carriage return, and the letters that Korean syllables are put together from. */
function joinsWithItsLike(unit: number): boolean {
  if (isSurrogate(unit) || unit === 0x0d) return true;
  return (unit >= 0x1100 && unit <= 0x11ff) || (unit >= 0xa960 && unit <= 0xa97f) || (unit >= 0xd7b0 && unit <= 0xd7ff);
}
