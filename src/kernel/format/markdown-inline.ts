import {
  maxSpan,
  maxTarget,
  maxTicks,
  readAutolink,
  readCodeSpan,
  readTarget,
  type Ahead,
} from './markdown-lookahead.ts';
import { isWordCodePoint } from '../words/text-folding.ts';
import { isSpace } from '../unit-classes.ts';

/*
 * Markdown inside a line, taken away. The rule, on the text of a whole line from the left; all that is not named stays:
 *
 * - `\` before ASCII punctuation goes, and what follows it is text; at the end of a line that is not the last it goes too.
 * - A code span (`readCodeSpan`) is its text. A run of more than eight backticks is text.
 * - `<address>` (`readAutolink`) is the address.
 * - `*` and `_` in runs of one to three, and `~` in runs of two, are marks of emphasis; longer runs are text. A run opens
 *   where no white space follows it, and closes where none comes before it; a run of `_` opens only where no letter or
 *   digit comes before it, and closes only where none follows. A run that can close takes marks away, its own and as many
 *   of the nearest open run of its character, until it has none left or there is no open run that begins at most
 *   `maxSpan` before it; open runs in between are text then. What is left of it opens, where it can.
 * - `[text](target)` (`readTarget`) is the text, and behind it ` (address)` where links show their address and it is not
 *   the text; `![text](target)` is the text. The closing bracket goes with the nearest open one, at most `maxSpan` before
 *   it; without a target both are text. Open marks inside of a link are text.
 * - In the row of a table: `|`, with up to 32 blanks on either side, is a tab, and at the end of the line it is nothing.
 *   Marks that are open there are text.
 */

export interface InlineOptions {
  /** The address of a link is shown behind its text. */
  readonly showsAddresses: boolean;
}

/** The most that is undecided at the end of what was read: a mark, what may follow it, and a target behind that. */
export const maxInline = maxSpan + maxTarget + 16;

const backslash = 0x5c;
const tick = 0x60;
const star = 0x2a;
const underscore = 0x5f;
const tilde = 0x7e;
const bracket = 0x5b;
const closingBracket = 0x5d;
const bang = 0x21;
const angle = 0x3c;
const pipe = 0x7c;
const maxRun = 3;
const maxCellBlanks = 32;
/** Stands for a character that is text whatever it looks like. */
const plainUnit = 0x2e;

/** 1 for the units that may be a mark: anything else is text wherever it stands. */
const marks = new Uint8Array(128);
for (const unit of [backslash, tick, star, underscore, tilde, bracket, closingBracket, bang, angle]) marks[unit] = 1;

/** Where the first unit stands that may be a mark, or `end`. */
export function findMark(text: string, from: number, end: number, isRow: boolean): number {
  for (let index = from; index < end; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 128 && (marks[unit] === 1 || (isRow && (unit === pipe || isCellBlank(unit))))) return index;
  }
  return end;
}

interface OpenMark {
  /** Unit of the mark; `!` for the bracket of an image. */
  readonly unit: number;
  /** Its place in the line. */
  readonly at: number;
  /** Its place in the parts, counted over the whole line. */
  readonly part: number;
  count: number;
}

/** Reads the text of one line as it comes. */
export class InlineReader {
  readonly #isRow: boolean;
  readonly #options: InlineOptions;
  #text = '';
  #end = 0;
  #isComplete = false;
  /** Place in the line of the first unit of the text. */
  #offset = 0;
  /** How much of the line was read. */
  #place = 0;
  /** What was read and has not left, behind a little that has. */
  #parts: string[] = [];
  /** How many of the parts have left, and how many that are no longer kept. */
  #left = 0;
  #gone = 0;
  /** Open marks, the nearest last; those before `#oldest` are too far away. */
  #open: OpenMark[] = [];
  #oldest = 0;
  /** Code unit before what is read next, as the marks see it; 0 at the beginning of the line. */
  #before = 0;

  constructor(isRow: boolean, options: InlineOptions) {
    this.#isRow = isRow;
    this.#options = options;
  }

  /** Reads a piece of the line that is nothing but text, where nothing is held. False for any other. */
  pass(text: string): boolean {
    if (this.#parts.length > 0 || findMark(text, 0, text.length, this.#isRow) < text.length) return false;
    this.#before = text.charCodeAt(text.length - 1);
    this.#place += text.length;
    return true;
  }

  /**
   * Reads the text from `from` to `end`, which is the end of the line when `isComplete`; `next` is the place from which the
   * text is to be given again, with what follows.
   */
  read(text: string, from: number, end: number, isComplete: boolean): { readonly text: string; readonly next: number } {
    this.#text = text;
    this.#end = end;
    this.#isComplete = isComplete;
    this.#offset = this.#place - from;
    let at = from;
    while (at < end) {
      const mark = findMark(text, at, end, this.#isRow);
      if (mark > at) this.#put(text.slice(at, mark), text.charCodeAt(mark - 1));
      at = mark;
      if (at === end) break;
      const next = this.#step(at);
      if (next === -1) break;
      at = next;
    }
    this.#text = '';
    this.#place = at + this.#offset;
    return { text: this.#release(at), next: at };
  }

  /** What is decided when everything before `at` was read. */
  #release(at: number): string {
    this.#forget(at);
    const oldest = this.#isComplete ? undefined : this.#open[this.#oldest];
    const count = oldest === undefined ? this.#parts.length : oldest.part - this.#gone;
    if (count === this.#left) return '';
    const text = this.#parts.slice(this.#left, count).join('');
    this.#left = count;
    if (count === this.#parts.length || count >= maxSpan) this.#forgetParts();
    return text;
  }

  /** Not at every step, because arrays are dear to cut. */
  #forgetParts(): void {
    this.#gone += this.#left;
    this.#parts = this.#parts.slice(this.#left);
    this.#left = 0;
    this.#open = this.#open.slice(this.#oldest);
    this.#oldest = 0;
  }

  #put(text: string, before: number): void {
    this.#parts.push(text);
    this.#before = before;
  }

  /** Reads the mark at `at`. Returns the place behind it, or -1 where it is not known yet what it is. */
  #step(at: number): number {
    const unit = this.#text.charCodeAt(at);
    switch (unit) {
      case backslash:
        return this.#escape(at);
      case tick:
        return this.#code(at);
      case angle:
        return this.#ahead(at, readAutolink(this.#text, at, this.#end, this.#isComplete));
      case bang:
        return this.#image(at);
      case bracket:
        return this.#openMark(at, bracket, 1);
      case closingBracket:
        return this.#closeBracket(at);
      case star:
      case underscore:
      case tilde:
        return this.#emphasis(at, unit);
      default:
        return this.#cell(at);
    }
  }

  #literal(at: number, length: number): number {
    const next = at + length;
    this.#put(this.#text.slice(at, next), this.#text.charCodeAt(next - 1));
    return next;
  }

  #escape(at: number): number {
    if (at + 1 < this.#end) {
      if (!isPunctuation(this.#text.charCodeAt(at + 1))) return this.#literal(at, 1);
      this.#put(this.#text.slice(at + 1, at + 2), plainUnit);
      return at + 2;
    }
    if (!this.#isComplete) return -1;
    return this.#end < this.#text.length ? at + 1 : this.#literal(at, 1);
  }

  #code(at: number): number {
    const length = this.#runLength(at, tick, maxTicks);
    if (this.#isPartOfRun(tick) || length > maxTicks) return this.#literal(at, length);
    if (at + length === this.#end && !this.#isComplete) return -1;
    const found = readCodeSpan(this.#text, at, length, this.#end, this.#isComplete);
    if (found === 'none') {
      this.#put(this.#text.slice(at, at + length), plainUnit);
      return at + length;
    }
    return this.#ahead(at, found);
  }

  #ahead(at: number, found: Ahead): number {
    if (found === 'unknown') return -1;
    if (found === 'none') return this.#literal(at, 1);
    this.#put(found.text, plainUnit);
    return found.next;
  }

  #image(at: number): number {
    if (at + 1 === this.#end) return this.#isComplete ? this.#literal(at, 1) : -1;
    if (this.#text.charCodeAt(at + 1) !== bracket) return this.#literal(at, 1);
    return this.#openMark(at, bang, 2);
  }

  #openMark(at: number, unit: number, length: number): number {
    this.#open.push({ unit, at: at + this.#offset, part: this.#gone + this.#parts.length, count: length });
    return this.#literal(at, length);
  }

  #closeBracket(at: number): number {
    const opened = this.#nearest(at, (unit) => unit === bracket || unit === bang);
    if (opened === -1) return this.#literal(at, 1);
    if (at + 1 === this.#end && !this.#isComplete) return -1;
    const hasTarget = at + 1 < this.#end && this.#text[at + 1] === '(';
    const found = hasTarget ? readTarget(this.#text, at + 2, this.#end, this.#isComplete) : 'none';
    if (found === 'unknown') return -1;
    const mark = this.#open[opened];
    if (found === 'none' || mark === undefined) {
      this.#open.splice(opened, 1);
      return this.#literal(at, 1);
    }
    this.#open.length = opened;
    this.#parts[mark.part - this.#gone] = '';
    if (mark.unit === bracket && this.#options.showsAddresses && found.text !== '') {
      const shown = this.#parts.slice(mark.part - this.#gone).join('');
      if (shown !== found.text) this.#parts.push(shown === '' ? found.text : ` (${found.text})`);
    }
    this.#before = plainUnit;
    return found.next;
  }

  #emphasis(at: number, unit: number): number {
    const most = unit === tilde ? 2 : maxRun;
    const length = this.#runLength(at, unit, most);
    if (this.#isPartOfRun(unit) || length > most) return this.#literal(at, length);
    const next = at + length;
    if (next === this.#end && !this.#isComplete) return -1;
    if (unit === tilde && length !== 2) {
      this.#put(this.#text.slice(at, next), plainUnit);
      return next;
    }
    const after = next < this.#end ? this.#text.charCodeAt(next) : 0;
    const before = this.#before;
    let left = length;
    if (canClose(unit, before, after)) left = this.#closeEmphasis(at, unit, length);
    const opens = left > 0 && canOpen(unit, before, after);
    if (opens)
      this.#open.push({ unit, at: next - left + this.#offset, part: this.#gone + this.#parts.length, count: left });
    this.#put(this.#text.slice(at, at + left), plainUnit);
    return next;
  }

  /** Takes marks away; returns how many of its own are left. */
  #closeEmphasis(at: number, unit: number, length: number): number {
    let left = length;
    while (left > 0) {
      const opened = this.#nearest(at, (candidate) => candidate === unit);
      const mark = this.#open[opened];
      if (mark === undefined) return left;
      const used = Math.min(left, mark.count);
      left -= used;
      mark.count -= used;
      this.#parts[mark.part - this.#gone] = String.fromCharCode(unit).repeat(mark.count);
      this.#open.length = mark.count === 0 ? opened : opened + 1;
    }
    return left;
  }

  /** Blanks in a row, and the border between two cells. */
  #cell(at: number): number {
    let bar = at;
    while (bar < this.#end && bar - at <= maxCellBlanks && isCellBlank(this.#text.charCodeAt(bar))) bar += 1;
    if (bar - at > maxCellBlanks || (bar > at && isCellBlank(this.#before))) return this.#literal(at, bar - at);
    if (bar === this.#end) return this.#isComplete ? this.#literal(at, bar - at) : -1;
    if (this.#text.charCodeAt(bar) !== pipe) return this.#literal(at, bar - at);
    let next = bar + 1;
    const last = Math.min(this.#end, next + maxCellBlanks);
    while (next < last && isCellBlank(this.#text.charCodeAt(next))) next += 1;
    if (next === this.#end && !this.#isComplete) return -1;
    this.#open.length = 0;
    this.#oldest = 0;
    this.#put(next === this.#end ? '' : '\t', next - bar > maxCellBlanks ? 0x20 : plainUnit);
    return next;
  }

  /** Index of the nearest open mark that `fits` and is near enough, or -1. */
  #nearest(at: number, fits: (unit: number) => boolean): number {
    this.#forget(at);
    for (let index = this.#open.length - 1; index >= this.#oldest; index -= 1) {
      if (fits(this.#open[index]?.unit ?? 0)) return index;
    }
    return -1;
  }

  #forget(at: number): void {
    this.#oldest = Math.min(this.#oldest, this.#open.length);
    const place = at + this.#offset;
    while (place - (this.#open[this.#oldest]?.at ?? place) > maxSpan) this.#oldest += 1;
  }

  /** Length of the run at `at`, not counted beyond one more than `most`. */
  #runLength(at: number, unit: number, most: number): number {
    let length = 1;
    while (length <= most && at + length < this.#end && this.#text.charCodeAt(at + length) === unit) length += 1;
    return length;
  }

  /** The run began before and is longer than a mark can be. */
  #isPartOfRun(unit: number): boolean {
    return this.#before === unit;
  }
}

function canOpen(unit: number, before: number, after: number): boolean {
  return after !== 0 && !isSpace(after) && (unit !== underscore || !isWordUnit(before));
}

function canClose(unit: number, before: number, after: number): boolean {
  return before !== 0 && !isSpace(before) && (unit !== underscore || !isWordUnit(after));
}

function isWordUnit(unit: number): boolean {
  return unit !== 0 && unit !== underscore && isWordCodePoint(unit);
}

function isCellBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0x0d;
}

function isPunctuation(unit: number): boolean {
  if (unit <= 0x40) return (unit >= 0x21 && unit <= 0x2f) || unit >= 0x3a;
  return (unit >= 0x5b && unit <= 0x60) || (unit >= 0x7b && unit <= 0x7e);
}
