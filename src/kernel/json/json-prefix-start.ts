import { jsonKinds } from './json-prefix-node.ts';
import { kindOf } from './json-prefix-reader.ts';
import { isJsonSpace } from '../unit-classes.ts';

/** Blanks that may stand behind the bracket that opens a document; more of them make it no beginning. */
const maxBlanks = 64;
/** The most that is held back to see whether a document begins. */
export const maxHeldStart = maxBlanks + 6;

const words: ReadonlyMap<number, string> = new Map([
  [jsonKinds.null, 'null'],
  [jsonKinds.true, 'true'],
  [jsonKinds.false, 'false'],
]);
const backtick = 0x60;
const lineEnd = 0x0a;

/**
 * Finds where a JSON document begins in a text with words before it. It begins at the first character where one of these
 * is, of the kinds that are looked for:
 *
 * - `{`, then at most 64 blanks, then `"` or `}`;
 * - `[`, then at most 64 blanks, then `]`, `{`, `[`, `"`, `-`, a digit, `true`, `false` or `null`;
 * - only at a place of its own: `"`, `-`, a digit, `true`, `false` or `null`. Such places are the first character of the
 *   text that is no blank, and the first one behind a line that begins with three backticks, blanks before them aside.
 *
 * Where the text ends within the first or the second one, or within one of the three words, it counts as a beginning.
 */
export class JsonStart {
  readonly #kinds: number;
  /** What was read of a beginning. */
  #candidate = '';
  /** Nothing but blanks since the start of the text, or since the line of a fence. */
  #isOwnPlace = true;
  /** Backticks at the start of the line; 3 is a fence, -1 any other text. */
  #ticks = 0;

  /** `kinds` is a set of `jsonKinds`. */
  constructor(kinds: number) {
    this.#kinds = kinds;
  }

  /** What was read of a beginning that is not certain yet; at the end of the text it is one. */
  get candidate(): string {
    return this.#candidate;
  }

  /**
   * Reads on. Returns the place behind the unit that makes the beginning certain, and then `candidate` is what was read of
   * the document; or -1.
   */
  read(text: string): number {
    for (let index = 0; index < text.length; index += 1) {
      if (this.#candidate === '' && !this.#isOwnPlace && this.#ticks < 0) {
        // Ordinary words: only a bracket or the end of the line matters.
        const unit = text.charCodeAt(index);
        if (unit !== 0x7b && unit !== 0x5b && unit !== lineEnd) continue;
      }
      if (this.#take(text.charAt(index))) return index + 1;
    }
    return -1;
  }

  #take(unit: string): boolean {
    if (this.#candidate === '') return this.#begin(unit);
    const candidate = this.#candidate + unit;
    const state = judge(candidate);
    if (state !== 'no') {
      this.#candidate = candidate;
      return state === 'yes';
    }
    // Its first character is none; what stood behind it may be.
    const [first = '', ...rest] = candidate;
    this.#candidate = '';
    this.#pass(first.charCodeAt(0));
    return rest.some((other) => this.#take(other));
  }

  /** A unit with nothing open before it. */
  #begin(unit: string): boolean {
    const kind = kindOf(unit.charCodeAt(0));
    const isBracket = kind === jsonKinds.object || kind === jsonKinds.array;
    if ((kind & this.#kinds) === 0 || !(isBracket || this.#isOwnPlace)) {
      this.#pass(unit.charCodeAt(0));
      return false;
    }
    this.#candidate = unit;
    return judge(unit) === 'yes';
  }

  /** A unit that is no part of the document. */
  #pass(unit: number): void {
    if (unit === lineEnd) {
      if (this.#ticks === 3) this.#isOwnPlace = true;
      this.#ticks = 0;
    } else if (isJsonSpace(unit)) {
      if (this.#ticks === 1 || this.#ticks === 2) this.#ticks = -1;
    } else {
      this.#isOwnPlace = false;
      if (this.#ticks < 3) this.#ticks = unit === backtick && this.#ticks >= 0 ? this.#ticks + 1 : -1;
    }
  }
}

/** Whether a candidate is a beginning, is none, or may become one. */
function judge(candidate: string): 'yes' | 'no' | 'maybe' {
  const first = candidate.charCodeAt(0);
  if (first !== 0x7b && first !== 0x5b) return judgeScalar(candidate);
  let place = 1;
  while (place < candidate.length && isJsonSpace(candidate.charCodeAt(place))) place += 1;
  if (place - 1 > maxBlanks) return 'no';
  if (place === candidate.length) return 'maybe';
  const next = candidate.charAt(place);
  if (first === 0x7b) return next === '"' || next === '}' ? 'yes' : 'no';
  return next === ']' ? 'yes' : judgeScalar(candidate.slice(place));
}

function judgeScalar(text: string): 'yes' | 'no' | 'maybe' {
  const kind = kindOf(text.charCodeAt(0));
  if (kind === 0) return 'no';
  const word = words.get(kind);
  if (word === undefined || text === word) return 'yes';
  return word.startsWith(text) ? 'maybe' : 'no';
}
