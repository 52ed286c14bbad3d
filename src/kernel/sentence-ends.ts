import { detach } from './detach.ts';
import { isWordCodePoint, wordUnits } from './words/text-folding.ts';
import { isDigit, isSpace } from './unit-classes.ts';

/*
 * A sentence ends behind an end mark and what belongs to it: further marks, and quotes, brackets, signs of emphasis and
 * accents that follow. The unit behind decides, so an end is known when that one is there:
 * - behind `. ! ? …` and their like there must be white space, or the end of the text;
 * - behind `。！？` and their like, which are written without spaces, anything may be that is none of the above.
 * The quotes “ and ‘ close behind the first sort of marks („So.“) and open behind the second (他说。“好。”).
 *
 * A full stop with no mark before it ends nothing behind
 * - an abbreviation, in whatever case, with no letter or digit before it;
 * - a single letter that has a case, as in "J. Bach" and "e.g.";
 * - the number of a list: up to 9 digits, with nothing before them on their line but up to 12 spaces, tabs and
 *   `> # * _ -`.
 */

/** Words whose full stop ends no sentence, without it. */
export const commonAbbreviations: readonly string[] =
  'mr mrs ms dr prof sr jr st vs etc fig eq approx al inc ltd co nr ca bzw usw'.split(' ');
/** The longest abbreviation, in UTF-16 units. */
export const maxAbbreviation = 20;

/** What a unit is to sentences. Only those from `softMark` on can begin the end of one. */
export const sentenceUnit = { other: 0, space: 1, closer: 2, quote: 3, softMark: 4, hardMark: 5 } as const;
const { other, space, closer, quote, softMark, hardMark } = sentenceUnit;

const maxListDigits = 9;
const maxIndent = 12;
/** Units in front of a full stop that are looked at: more than an abbreviation, or an indented number of a list, has. */
const lookBack = 24;
/** A longer text is not kept alive for its last units. */
const detachAbove = 256;
const fullStop = 0x2e;
/** What belongs to the character before it; of what lies beyond the basic plane nothing is taken for a part of a mark. */
const accent = /[\p{M}\p{Grapheme_Extend}\u200d\u0e33\u0eb3]/u;
const casedLetter = /^[\p{Lu}\p{Ll}]$/u;
const common: ReadonlySet<string> = new Set(commonAbbreviations);
let unitTable: Uint8Array | undefined;

/** The `sentenceUnit` of each code unit. Made once, at the first use. */
export function sentenceUnits(): Uint8Array {
  unitTable ??= makeUnits();
  return unitTable;
}

/** Finds the ends of the sentences of one text, a unit at a time. */
export class SentenceEnds {
  readonly #abbreviations: ReadonlySet<string>;
  readonly #units = sentenceUnits();
  /** `softMark` or `hardMark` where the text so far ends with the end of a sentence, if what follows allows it. */
  #pending: number = other;
  /** The last units before the text that is read, at most `lookBack`. */
  #before = '';

  /** `abbreviations` in lower case, at most `maxAbbreviation` units each. */
  constructor(abbreviations: ReadonlySet<string> = common) {
    this.#abbreviations = abbreviations;
  }

  /** The next unit may have the end of a sentence before it. */
  get isPending(): boolean {
    return this.#pending !== other;
  }

  /** Reads the unit at `index`. True where a sentence ends before it. */
  read(text: string, index: number): boolean {
    const unit = text.charCodeAt(index);
    const kind = this.#units[unit] ?? other;
    const pending = this.#pending;
    if (kind >= softMark) {
      const isNone = pending === other && unit === fullStop && this.#isNoEnd(text, index);
      if (!isNone && kind > pending) this.#pending = kind;
      return false;
    }
    if (pending === other || kind === closer || (kind === quote && pending === softMark)) return false;
    this.#pending = other;
    return kind === space || pending === hardMark;
  }

  /** Reads from `from` on. The index before which the next sentence ends, or -1. */
  next(text: string, from: number): number {
    const units = this.#units;
    for (let index = from; index < text.length; index += 1) {
      if (this.#pending === other && (units[text.charCodeAt(index)] ?? other) < softMark) continue;
      if (this.read(text, index)) return index;
    }
    return -1;
  }

  /** The next text that is given begins at `index` of this one. */
  leave(text: string, index: number): void {
    if (index > 0) this.#before = this.#lastUnits(text, index);
  }

  /** The text is over. True where a sentence ends there. */
  end(): boolean {
    const { isPending } = this;
    this.#pending = other;
    this.#before = '';
    return isPending;
  }

  #isNoEnd(text: string, index: number): boolean {
    const context = this.#lastUnits(text, index);
    return endsWithNumber(context) || this.#endsAbbreviated(context);
  }

  #endsAbbreviated(context: string): boolean {
    const letters = wordUnits();
    let start = context.length;
    while (start > 0 && context[start - 1] !== '_' && letters[context.charCodeAt(start - 1)] === 1) start -= 1;
    // There may be more of a word that is as long.
    if (start === 0 && context.length === lookBack) return false;
    const word = context.slice(start);
    const beyond = context.codePointAt(start - 2) ?? 0;
    if (beyond > 0xffff && isWordCodePoint(beyond)) return false;
    return this.#abbreviations.has(word.toLowerCase()) || casedLetter.test(word);
  }

  /** The units before an index, in a string that keeps no long one alive. */
  #lastUnits(text: string, index: number): string {
    if (index < lookBack) return (this.#before + text.slice(0, index)).slice(-lookBack);
    const last = text.slice(index - lookBack, index);
    return text.length > detachAbove ? detach(last) : last;
  }
}

/** Whether a text ends with the number of a list. Shorter than `lookBack` it is all that stands before. */
function endsWithNumber(context: string): boolean {
  let index = context.length;
  while (index > 0 && isDigit(context.charCodeAt(index - 1))) index -= 1;
  const digits = context.length - index;
  if (digits === 0 || digits > maxListDigits) return false;
  const indentEnd = index;
  while (index > 0 && ' \t>#*_-'.includes(context.charAt(index - 1))) index -= 1;
  if (indentEnd - index > maxIndent) return false;
  return index === 0 || context[index - 1] === '\n' || context[index - 1] === '\r';
}

function makeUnits(): Uint8Array {
  const table = Uint8Array.from({ length: 0x10000 }, (_nothing, unit) => {
    if (isSpace(unit)) return space;
    return accent.test(String.fromCharCode(unit)) ? closer : other;
  });
  const setAll = (characters: string, kind: number): void => {
    for (const character of characters) table[character.charCodeAt(0)] = kind;
  };
  setAll('"\'”’»›)]}*_`~」』）】》〉〕］｝｣＂＇', closer);
  setAll('“‘', quote);
  setAll('.!?…‼⁇⁈⁉．։؟۔।॥။።', softMark);
  setAll('。！？｡︒', hardMark);
  return table;
}
