import type { TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import type { PatternAutomaton } from './pattern-automaton.ts';
import { PatternMatcher } from './pattern-matcher.ts';
import type { MatchListener } from './pattern-threads.ts';

/** What stands in place of a match. `pattern` is its index in the automaton's list. */
export type PatternReplace = (match: string, pattern: number) => string;

export interface PatternReplacer extends TextRewriter {
  /** Matches replaced so far. */
  readonly matches: number;
}

export interface FoundPattern {
  readonly pattern: number;
  readonly start: number;
  readonly end: number;
}

/** A longer text is not kept alive for the few characters held back of it. */
const detachAbove = 256;

/**
 * Opens a replacer for one text. `text` gives back the very string that it was given when nothing in it matched and
 * nothing is held; held is only what can still become a match or part of one. After `flush` the replacer is as new, but
 * goes on counting matches.
 */
export function createPatternReplacer(automaton: PatternAutomaton, replace: PatternReplace): PatternReplacer {
  return new StreamReplacer(automaton, replace);
}

/** Replaces all matches in a whole text; gives back the same string when there is none. */
export function replacePatterns(automaton: PatternAutomaton, replace: PatternReplace, text: string): string {
  const replacer = new StreamReplacer(automaton, replace);
  const decided = replacer.text(text);
  const replaced = decided + replacer.flush();
  return replacer.matches === 0 ? text : replaced;
}

/** The matches in a whole text, in order. */
export function findPatterns(automaton: PatternAutomaton, text: string): Iterable<FoundPattern> {
  const all: FoundPattern[] = [];
  let before = 0;
  const matcher = new PatternMatcher(automaton, {
    found: (start, end, pattern) => void all.push({ pattern, start: before + start, end: before + end }),
  });
  const held = matcher.read(text, 0, text);
  before = text.length - held;
  matcher.end(text.slice(before));
  return all;
}

class StreamReplacer implements PatternReplacer, MatchListener {
  readonly #replace: PatternReplace;
  readonly #matcher: PatternMatcher;
  #matches = 0;
  /** Text that came and did not go out: all of the undecided text. */
  #held = '';
  /** How much of it is one string and not a chain of pieces. */
  #flat = 0;
  /** What is being read: the held text and the chunk. Its part before `#copied` is in `#output`. */
  #reading = '';
  #copied = 0;
  #output = '';

  constructor(automaton: PatternAutomaton, replace: PatternReplace) {
    this.#replace = replace;
    this.#matcher = new PatternMatcher(automaton, this);
  }

  get matches(): number {
    return this.#matches;
  }

  text(chunk: string): string {
    if (chunk === '') return chunk;
    const wasHeld = this.#held.length;
    const matchesBefore = this.#matches;
    this.#reading = wasHeld === 0 ? chunk : this.#held + chunk;
    const holds = this.#matcher.read(chunk, wasHeld, this.#reading);
    if (holds > 0 || wasHeld > 0 || matchesBefore !== this.#matches) return this.#release(this.#reading.length - holds);
    this.#reading = '';
    return chunk;
  }

  flush(): string {
    this.#reading = this.#held;
    this.#matcher.end(this.#held);
    return this.#release(this.#held.length);
  }

  found(start: number, end: number, pattern: number): void {
    const reading = this.#reading;
    this.#output += reading.slice(this.#copied, start) + this.#replace(reading.slice(start, end), pattern);
    this.#copied = end;
    this.#matches += 1;
  }

  /** Lets everything before `end` go and holds the rest. */
  #release(end: number): string {
    const reading = this.#reading;
    const output = this.#output + reading.slice(this.#copied, end);
    this.#hold(end === 0 ? reading : reading.slice(end), end === 0 ? this.#flat : 0, reading.length);
    this.#reading = '';
    this.#output = '';
    this.#copied = 0;
    return output;
  }

  /** Copies what would keep a longer text alive, or has become a long chain of pieces. */
  #hold(held: string, flat: number, length: number): void {
    const isChain = held.length >= 2 * flat;
    this.#held = length > detachAbove && isChain ? detach(held) : held;
    this.#flat = length > detachAbove && !isChain ? flat : held.length;
  }
}
