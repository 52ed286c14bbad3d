import { isSpace } from '../unit-classes.ts';

/*
 * White space outside of code, while it streams. The rule, on the whole text without its code (a run is white space in a
 * row, as JavaScript calls it; code on either side ends it):
 *
 * - A carriage return before a line feed goes.
 * - The run at the beginning of the text goes, and the one at its end.
 * - `trim`: of a longer run only the first 256 units stay.
 * - `collapse`: of a run with more than one line feed stays what is before the first and behind the last, and two line
 *   feeds, which is one blank line; with at most one it stays. At most 256 units before the first line feed stay, and at
 *   most 256 behind the last.
 */

export type WhiteSpaceMode = 'trim' | 'collapse';

/** Most units of a run that stay on either side of its line feeds. */
const maxRun = 256;
/** The most that is held. */
export const maxHeldWhiteSpace = 2 * maxRun + 2;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

/** The white space of one text. What is left in it at the end of the text is dropped. */
export class WhiteSpace {
  readonly #collapses: boolean;
  #hasBegun = false;
  /** The run so far, up to its first line feed when it is collapsed. */
  #head = '';
  #feeds = 0;
  /** What is behind the last line feed, when the run is collapsed. */
  #tail = '';
  /** The last unit was a carriage return, and is the last of the run. */
  #isReturn = false;
  /** Something is held, or the text has not begun. */
  #isInRun = true;

  constructor(mode: WhiteSpaceMode) {
    this.#collapses = mode === 'collapse';
  }

  text(chunk: string, isCode: boolean): string {
    if (chunk === '') return '';
    if (isCode) return this.#release() + chunk;
    let output = '';
    let copied = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const unit = chunk.charCodeAt(index);
      if (!isSpace(unit)) {
        if (this.#isInRun) output += this.#release();
      } else if (
        unit !== space ||
        this.#isInRun ||
        index + 1 === chunk.length ||
        isSpace(chunk.charCodeAt(index + 1))
      ) {
        output += chunk.slice(copied, index);
        copied = index + 1;
        this.#add(unit);
      }
    }
    return output === '' && copied === 0 ? chunk : output + chunk.slice(copied);
  }

  #add(unit: number): void {
    const wasReturn = this.#isReturn;
    this.#isReturn = false;
    this.#isInRun = true;
    if (!this.#hasBegun) return;
    if (unit === lineFeed && wasReturn) this.#dropLast();
    if (this.#collapses && unit === lineFeed) {
      this.#feeds = Math.min(2, this.#feeds + 1);
      this.#tail = '';
      return;
    }
    const run = this.#feeds === 0 ? this.#head : this.#tail;
    if (run.length >= maxRun) return;
    this.#isReturn = unit === carriageReturn;
    if (this.#feeds === 0) this.#head += String.fromCharCode(unit);
    else this.#tail += String.fromCharCode(unit);
  }

  #dropLast(): void {
    if (this.#feeds === 0) this.#head = this.#head.slice(0, -1);
    else this.#tail = this.#tail.slice(0, -1);
  }

  /** Something that is no white space follows. */
  #release(): string {
    const run = this.#head + '\n'.repeat(this.#feeds) + this.#tail;
    this.#hasBegun = true;
    this.#isInRun = false;
    this.#head = '';
    this.#feeds = 0;
    this.#tail = '';
    this.#isReturn = false;
    return run;
  }
}
