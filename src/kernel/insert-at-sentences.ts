import type { TextRewriter } from './component.ts';
import { PlaceCount, type Recurrence } from './insert-count.ts';
import { isSpaceUnit } from './insert-space.ts';
import { isHighSurrogate, isLowSurrogate, wordUnits } from './text-folding.ts';

/*
 * A sentence ends behind an end mark and what belongs to it: further marks, quotes, brackets and signs of emphasis that
 * close. Behind `. ! ? …` white space or the end of the text must follow; behind `。！？` and their like anything may that
 * begins a character of its own. A full stop with no mark before it ends nothing behind
 * - an abbreviation of the list, in whatever case, with no letter or digit before it;
 * - a single letter, as in "J. Bach" and "e.g.";
 * - the number of a list: up to 9 digits, with nothing before them on their line but up to 12 spaces and tabs.
 */

export interface SentencePlaces extends Recurrence {
  readonly text: string;
  /** Without the full stop, at most `maxAbbreviation` units each. */
  readonly abbreviations: readonly string[];
}

export const maxAbbreviation = 20;
const maxListDigits = 9;
const maxIndent = 12;
/** Units in front of a full stop that are looked at: more than an abbreviation, or an indented number of a list, has. */
const lookBack = 24;
/** A longer text is not kept alive for its last units. */
const detachAbove = 256;

/** Puts a text behind sentences. Held is half of a pair, and only behind `。` and its like where a text is due. */
export function insertAtSentences(places: SentencePlaces): () => TextRewriter {
  const abbreviations = new Set(places.abbreviations.map((word) => word.toLowerCase()));
  return () => new SentenceInsertion(places, abbreviations);
}

// Classes of units; those from `softMark` on may stand in the end of a sentence.
const other = 0;
const space = 1;
const closer = 2;
const softMark = 3;
const hardMark = 4;

let classTable: Uint8Array | undefined;

/** Made once. */
function unitClasses(): Uint8Array {
  classTable ??= makeClasses();
  return classTable;
}

function makeClasses(): Uint8Array {
  const table = Uint8Array.from({ length: 0x10000 }, (_nothing, unit) => (isSpaceUnit(unit) ? space : other));
  const setAll = (units: string, label: number): void => {
    for (const unit of units) table[unit.charCodeAt(0)] = label;
  };
  setAll('"\'”’»›)]}*_`~」』）】》〉〕］｝＂＇', closer);
  setAll('.!?…؟۔।', softMark);
  setAll('。！？｡．', hardMark);
  return table;
}

const fullStop = 0x2e;
const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

class SentenceInsertion implements TextRewriter {
  readonly #text: string;
  readonly #abbreviations: ReadonlySet<string>;
  readonly #count: PlaceCount;
  readonly #classes = unitClasses();
  /** `softMark` or `hardMark` where the text so far ends with the end of a sentence, if what follows allows it. */
  #pending = other;
  /** The last units of the text so far, at most `lookBack`. */
  #before = '';
  /** A high surrogate that ended the text so far, behind a hard mark. */
  #half = '';
  #isHeld = false;

  constructor(places: SentencePlaces, abbreviations: ReadonlySet<string>) {
    this.#text = places.text;
    this.#abbreviations = abbreviations;
    this.#count = new PlaceCount(places);
  }

  get matches(): number {
    return this.#count.taken;
  }

  text(chunk: string): string {
    if (chunk === '' || this.#count.isOver) return chunk;
    const wasHeld = this.#isHeld;
    const reading = this.#half + chunk;
    let output = '';
    let copied = wasHeld ? 0 : this.#half.length;
    this.#half = '';
    this.#isHeld = false;
    let end = reading.length;
    for (let index = this.#next(reading, 0); index < reading.length; index = this.#next(reading, index + 1)) {
      if (this.#pending === hardMark && index === reading.length - 1 && isHighSurrogate(reading.charCodeAt(index))) {
        this.#half = reading.charAt(index);
        this.#isHeld = this.#count.isDue;
        end = index;
        break;
      }
      if (!this.#endsBefore(reading, index) || !this.#count.take()) continue;
      output += reading.slice(copied, index) + this.#text;
      copied = index;
    }
    this.#before = lastUnits(this.#before, end === reading.length ? reading : reading.slice(0, end));
    if (output === '' && !wasHeld && !this.#isHeld) return chunk;
    return output + reading.slice(copied, this.#isHeld ? end : reading.length);
  }

  /** The end of the text ends a sentence too. Half of a pair that stays alone is a character of its own. */
  flush(): string {
    const held = this.#isHeld ? this.#half : '';
    const isEnd = this.#pending !== other && this.#count.take();
    this.#pending = other;
    this.#half = '';
    this.#isHeld = false;
    return isEnd ? this.#text + held : held;
  }

  /** The index of the next unit that matters. */
  #next(reading: string, from: number): number {
    if (this.#pending !== other) return from;
    const classes = this.#classes;
    let index = from;
    while (index < reading.length && (classes[reading.charCodeAt(index)] ?? other) < softMark) index += 1;
    return index;
  }

  /** Reads a unit. True where a sentence ends before it. */
  #endsBefore(reading: string, index: number): boolean {
    const unit = reading.charCodeAt(index);
    const label = this.#classes[unit] ?? other;
    const pending = this.#pending;
    if (label >= softMark) {
      const isNone = pending === other && unit === fullStop && this.#isNoEnd(reading, index);
      if (!isNone) this.#pending = Math.max(pending, label);
      return false;
    }
    if (label === closer || pending === other) return false;
    this.#pending = other;
    return label === space || (pending === hardMark && beginsCharacter(reading, index));
  }

  #isNoEnd(reading: string, index: number): boolean {
    const context = lastUnits(this.#before, reading.slice(Math.max(0, index - lookBack), index));
    return endsWithNumber(context) || this.#endsAbbreviated(context);
  }

  #endsAbbreviated(context: string): boolean {
    const letters = wordUnits();
    let start = context.length;
    while (start > 0 && letters[context.charCodeAt(start - 1)] === 1) start -= 1;
    // There may be more of a word that is as long.
    if (start === 0 && context.length === lookBack) return false;
    const word = context.slice(start);
    const small = word.toLowerCase();
    return this.#abbreviations.has(small) || (word.length === 1 && small !== word.toUpperCase());
  }
}

/** Whether a text ends with the number of a list. Shorter than `lookBack` it is all that stands before. */
function endsWithNumber(context: string): boolean {
  let index = context.length;
  while (index > 0 && isDigit(context.charCodeAt(index - 1))) index -= 1;
  const digits = context.length - index;
  if (digits === 0 || digits > maxListDigits) return false;
  const indentEnd = index;
  while (index > 0 && (context[index - 1] === ' ' || context[index - 1] === '\t')) index -= 1;
  if (indentEnd - index > maxIndent) return false;
  return index === 0 || context[index - 1] === '\n' || context[index - 1] === '\r';
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** Whether the code point behind a hard mark begins a character and does not belong to the mark. */
function beginsCharacter(reading: string, index: number): boolean {
  const isPair = isHighSurrogate(reading.charCodeAt(index)) && isLowSurrogate(reading.charCodeAt(index + 1));
  const next = reading.slice(index, isPair ? index + 2 : index + 1);
  return segmenter.segment(`。${next}`).containing(1)?.index === 1;
}

/** The last units of two texts together, in a string that keeps no long one alive. */
function lastUnits(before: string, text: string): string {
  if (text.length < lookBack) return (before + text).slice(-lookBack);
  const last = text.slice(-lookBack);
  return text.length > detachAbove ? ` ${last}`.slice(1) : last;
}
