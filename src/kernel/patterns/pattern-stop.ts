import type { AnswerEnding, TextBlock, TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import type { PatternAutomaton } from './pattern-automaton.ts';
import { PatternMatcher, type MatchListener } from './pattern-matcher.ts';

/** A longer text is not kept alive for the few characters held back of it. */
const detachAbove = 256;

/** Lets a text pass up to the first match, and ends the answer there. Nothing of the match leaves, nor of what is behind it. */
export class PatternStop implements TextRewriter, MatchListener {
  readonly #matcher: PatternMatcher;
  readonly #block: TextBlock;
  readonly #ending: AnswerEnding;
  /** Text that came and did not go out. */
  #held = '';
  /** How much of it is one string and not a chain of pieces. */
  #flat = 0;
  /** Where the first match begins in what is being read; -1 for none. */
  #match = -1;
  #stopped = false;

  constructor(automaton: PatternAutomaton, block: TextBlock, ending: AnswerEnding) {
    this.#matcher = new PatternMatcher(automaton, this);
    this.#block = block;
    this.#ending = ending;
  }

  get matches(): number {
    return this.#stopped ? 1 : 0;
  }

  text(chunk: string): string {
    if (this.#stopped) return '';
    const reading = this.#held === '' ? chunk : this.#held + chunk;
    const holds = this.#matcher.read(chunk, this.#held.length, reading);
    if (this.#match >= 0) return this.#stop(reading);
    this.#hold(reading, reading.length - holds);
    return holds === 0 ? reading : reading.slice(0, reading.length - holds);
  }

  flush(): string {
    if (this.#stopped) return '';
    const held = this.#held;
    this.#matcher.end(held);
    if (this.#match >= 0) return this.#stop(held);
    this.#held = '';
    this.#flat = 0;
    return held;
  }

  found(start: number): void {
    if (this.#match < 0) this.#match = start;
  }

  #stop(reading: string): string {
    this.#stopped = true;
    this.#held = '';
    this.#block.stop(this.#ending);
    return reading.slice(0, this.#match);
  }

  /** Copies what would keep a longer text alive, or has become a long chain of pieces. */
  #hold(reading: string, from: number): void {
    const held = from === 0 ? reading : reading.slice(from);
    const flat = from === 0 ? this.#flat : 0;
    const isCopied = held !== '' && reading.length > detachAbove && held.length >= 2 * flat;
    this.#held = isCopied ? detach(held) : held;
    this.#flat = isCopied || flat === 0 ? held.length : flat;
  }
}
