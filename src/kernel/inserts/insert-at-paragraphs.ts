import type { TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import { PlaceCount, type Recurrence } from './insert-count.ts';
import { isSpace } from '../unit-classes.ts';

/*
 * A paragraph is text that is more than white space, up to the line break before a blank line or to the end of the text.
 * A line is blank that holds at most so many spaces and tabs and nothing else; a line break is LF or CR LF. The white
 * space that ends a text (one line break and what would be the beginning of a blank line) is behind the last paragraph.
 */

const maxBlanks = 32;
/** CR LF, the blanks, and CR. */
export const maxHeldOfParagraphs = maxBlanks + 3;

export interface ParagraphPlaces extends Recurrence {
  readonly text: string;
}

/** Puts a text behind paragraphs. Held is the white space that may end one, and only where a text is due. */
export function insertAtParagraphs(places: ParagraphPlaces): () => TextRewriter {
  return () => new ParagraphInsertion(places);
}

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;

// What has come of the end of a paragraph.
const nothing = 0;
const firstReturn = 1;
const lineBreak = 2;
const secondReturn = 3;

class ParagraphInsertion implements TextRewriter {
  readonly #text: string;
  readonly #count: PlaceCount;
  #state = nothing;
  #blanks = 0;
  #hasContent = false;
  /** From the line break on that may end the paragraph. */
  #held = '';

  constructor(places: ParagraphPlaces) {
    this.#text = places.text;
    this.#count = new PlaceCount(places);
  }

  get matches(): number {
    return this.#count.taken;
  }

  text(chunk: string): string {
    if (chunk === '' || this.#count.isOver) return chunk;
    const wasHeld = this.#held.length;
    const reading = this.#held + chunk;
    let output = '';
    let copied = 0;
    let place = 0;
    for (let index = this.#next(reading, wasHeld); index < reading.length; index = this.#next(reading, index + 1)) {
      const unit = reading.charCodeAt(index);
      if (this.#state === nothing || (this.#state !== lineBreak && unit === carriageReturn)) place = index;
      if (!this.#endsParagraph(unit) || !this.#count.take()) continue;
      output += reading.slice(copied, place) + this.#text;
      copied = place;
    }
    const mayEnd = this.#state !== nothing && this.#hasContent && this.#count.isDue;
    const end = mayEnd ? place : reading.length;
    this.#held = mayEnd ? detach(reading.slice(end)) : '';
    return output === '' && wasHeld === 0 && !mayEnd ? chunk : output + reading.slice(copied, end);
  }

  flush(): string {
    const held = this.#held;
    this.#held = '';
    const isEnd = this.#hasContent && this.#count.take();
    this.#hasContent = false;
    this.#state = nothing;
    return isEnd ? this.#text + held : held;
  }

  /** The index of the next unit that matters: within a paragraph, only what may end it. */
  #next(reading: string, from: number): number {
    let index = from;
    if (this.#state !== nothing || !this.#hasContent) return index;
    while (index < reading.length && reading.charCodeAt(index) > carriageReturn) index += 1;
    return index;
  }

  /** Reads a unit. True where it is the line feed of a blank line behind a paragraph. */
  #endsParagraph(unit: number): boolean {
    switch (unit) {
      case lineFeed:
        if (this.#state === nothing || this.#state === firstReturn) {
          this.#state = lineBreak;
          this.#blanks = 0;
          return false;
        }
        return this.#endParagraph();
      case carriageReturn:
        this.#state = this.#state === lineBreak ? secondReturn : firstReturn;
        return false;
      case space:
      case tab:
        this.#blanks += 1;
        if (this.#state !== lineBreak || this.#blanks > maxBlanks) this.#state = nothing;
        return false;
      default:
        this.#state = nothing;
        this.#hasContent ||= !isSpace(unit);
        return false;
    }
  }

  #endParagraph(): boolean {
    const { state, hasContent } = { state: this.#state, hasContent: this.#hasContent };
    this.#state = nothing;
    this.#hasContent = false;
    return state !== nothing && hasContent;
  }
}
