import { isBlank } from '../unit-classes.ts';

const newline = 0x0a;
const backtick = 0x60;
const tilde = 0x7e;

/** What a character means for the fences of Markdown. */
export type FenceStep = 'none' | 'opens' | 'closed';

/**
 * Follows the fenced code of a Markdown text, unit by unit. A fence is a line that begins, behind any indentation, with
 * three or more backticks or tildes; it is closed by a line of at least as many of the same and nothing else. A line of
 * backticks that has another backtick behind them is code by itself.
 */
export class FenceTracker {
  #place: 'indent' | 'marks' | 'info' | 'blank' | 'text' = 'indent';
  #mark = 0;
  #count = 0;
  #openMark = 0;
  #openCount = 0;
  #opensHere = false;
  #onlyThisLine = false;

  /** True from the third mark of a fence to the end of the line that closes it. */
  get inside(): boolean {
    return this.#openMark !== 0;
  }

  /** `opens` at the third mark; `closed` at the line break behind the code. */
  next(code: number): FenceStep {
    if (code === newline) return this.#endLine() ? 'closed' : 'none';
    switch (this.#place) {
      case 'indent':
        if (code === backtick || code === tilde) this.#begin(code);
        else if (!isBlank(code)) this.#place = 'text';
        return 'none';
      case 'marks':
        return this.#goOn(code);
      case 'info':
        if (code === backtick && this.#openMark === backtick) this.#onlyThisLine = true;
        return 'none';
      case 'blank':
        if (!isBlank(code)) this.#place = 'text';
        return 'none';
      case 'text':
        return 'none';
    }
  }

  #begin(mark: number): void {
    this.#place = 'marks';
    this.#mark = mark;
    this.#count = 1;
  }

  #goOn(code: number): FenceStep {
    if (code === this.#mark) {
      this.#count += 1;
      if (this.#opensHere) this.#openCount = this.#count;
      if (this.inside || this.#count < 3) return 'none';
      this.#openMark = code;
      this.#openCount = this.#count;
      this.#opensHere = true;
      return 'opens';
    }
    if (this.#opensHere) this.#place = 'info';
    else this.#place = isBlank(code) ? 'blank' : 'text';
    return 'none';
  }

  #endLine(): boolean {
    const isFence = this.#place === 'marks' || this.#place === 'blank';
    const matches = isFence && this.#mark === this.#openMark && this.#count >= this.#openCount;
    const closed = this.inside && (this.#opensHere ? this.#onlyThisLine : matches);
    if (closed) this.#openMark = 0;
    this.#place = 'indent';
    this.#mark = 0;
    this.#count = 0;
    this.#opensHere = false;
    this.#onlyThisLine = false;
    return closed;
  }
}
