const quote = 0x22;
const backslash = 0x5c;

/**
 * Follows the text of a JSON object while it comes in pieces, to know when it is whole. Not a check: of text that is no
 * JSON it may say either.
 */
export class JsonProgress {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #complete = false;

  /** The braces that were opened are closed: nothing but blanks can follow. */
  get complete(): boolean {
    return this.#complete;
  }

  push(piece: string): void {
    for (let at = 0; at < piece.length && !this.#complete; at += 1) this.#step(piece.charCodeAt(at));
  }

  #step(code: number): void {
    if (this.#escaped) {
      this.#escaped = false;
    } else if (this.#inString) {
      if (code === backslash) this.#escaped = true;
      else if (code === quote) this.#inString = false;
    } else if (code === quote) {
      this.#inString = true;
    } else if (code === 0x7b || code === 0x5b) {
      this.#depth += 1;
    } else if (code === 0x7d || code === 0x5d) {
      this.#depth -= 1;
      this.#complete = this.#depth <= 0;
    }
  }
}
