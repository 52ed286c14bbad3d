import type { TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import { isHighSurrogate, isLowSurrogate, isSurrogate, isWordCodePoint, joinSurrogates } from './text-folding.ts';
import type { WordAutomaton } from './word-automaton.ts';
import { nodeSize, placeOf, stateAt } from './word-rows.ts';
import { endsInside, endsWord, findChild, findPair, insideState, rootState, waits } from './word-trie.ts';

/**
 * What becomes of a match: one fixed text, one text for each code point of the match, or a text that depends on the
 * match stand in its place; or the text ends where the first match begins, which `end` is told once.
 */
export type WordMask =
  | { readonly with: string }
  | { readonly perCharacter: string }
  | { readonly replace: (match: string) => string }
  | { readonly end: () => void };

/** Masks the words in the text of one block. */
export interface WordMasker extends TextRewriter {
  /** Words found so far. */
  readonly matches: number;
}

/** `containsWord` looks at the text in steps of this many units, and stops after the first with a match. */
const searchStep = 16 * 1024;
/** With so many classes, the set of labels in a node is exact and tells which child it is. */
const exactWidth = 32;
/** A longer text is not kept alive for the few characters held back of it. */
const detachAbove = 256;

/**
 * Opens a masker for the text of one block. `text` gives back the very string that it was given when nothing in it
 * matched and nothing is held; held is only what can still become a match or part of one. After `flush` the masker is
 * as new, but goes on counting matches.
 */
export function createWordMasker(automaton: WordAutomaton, mask: WordMask): WordMasker {
  return new StreamMasker(automaton, mask);
}

/** Masks a whole text; gives back the same string when no word is in it. */
export function maskText(automaton: WordAutomaton, mask: WordMask, text: string): string {
  const masker = new StreamMasker(automaton, mask);
  const decided = masker.text(text);
  const masked = decided + masker.flush();
  return masker.matches === 0 ? text : masked;
}

export function containsWord(automaton: WordAutomaton, text: string): boolean {
  const masker = new StreamMasker(automaton, { with: '' });
  for (let start = 0; start < text.length && masker.matches === 0; start += searchStep) {
    masker.text(text.length <= searchStep ? text : text.slice(start, start + searchStep));
  }
  masker.flush();
  return masker.matches > 0;
}

class StreamMasker implements WordMasker {
  readonly #automaton: WordAutomaton;
  readonly #mask: WordMask;
  #matches = 0;
  /** The mask is one that ends the text, and a match was found: nothing goes out any more. */
  #ended = false;
  /** Place of the state in the automaton's rows. */
  #place = 0;
  /** Text that came and did not go out: all of the undecided text. */
  #held = '';
  /** A high surrogate whose other half has not come; whole words only. 0 for none. */
  #high = 0;
  /** What is being read: the held text and the chunk. Its part before `#copied` is in `#output`. */
  #reading = '';
  #copied = 0;
  #output = '';

  constructor(automaton: WordAutomaton, mask: WordMask) {
    this.#automaton = automaton;
    this.#mask = mask;
  }

  get matches(): number {
    return this.#matches;
  }

  text(chunk: string): string {
    if (chunk === '' || this.#ended) return '';
    const wasHeld = this.#held.length;
    const matchesBefore = this.#matches;
    this.#reading = wasHeld === 0 ? chunk : this.#held + chunk;
    this.#read(chunk, this.#high === 0 ? 0 : this.#joinHigh(chunk, wasHeld), wasHeld);
    const holds = this.#settle(wasHeld + chunk.length);
    if (holds > 0 || wasHeld > 0 || matchesBefore !== this.#matches) return this.#release(this.#reading.length - holds);
    this.#reading = '';
    return chunk;
  }

  flush(): string {
    const end = this.#held.length;
    if (end === 0) {
      this.#place = rootState;
      this.#high = 0;
      return '';
    }
    this.#reading = this.#held;
    if (this.#high !== 0) this.#stepOther(end - 1, false);
    let state = stateAt(this.#automaton, this.#place);
    while (state > insideState) state = this.#giveUp(state, end, false);
    this.#place = rootState;
    return this.#release(end);
  }

  /** Lets everything before `end` go and holds the rest. */
  #release(end: number): string {
    const reading = this.#reading;
    const output = this.#ended ? this.#output : this.#output + reading.slice(this.#copied, end);
    const held = this.#ended ? '' : reading.slice(end);
    this.#held = reading.length > detachAbove ? detach(held) : held;
    this.#reading = '';
    this.#output = '';
    this.#copied = 0;
    return output;
  }

  /** The hot loop: goes on by rows and nodes, and steps aside for what may tell a match. */
  #read(chunk: string, first: number, wasHeld: number): void {
    const { rows, rowLimit, classes, nodes, wholeWords, width, rowStates } = this.#automaton;
    const searchesFrom = rowLimit - rowStates;
    const { length } = chunk;
    let place = this.#place;
    let index = first;
    while (index < length) {
      const unit = chunk.charCodeAt(index);
      const label = classes[unit] ?? 0;
      let next = -1;
      if (place < rowLimit) {
        next = rows[place + label] ?? -1;
      } else if (!wholeWords || !isSurrogate(unit)) {
        const state = place - searchesFrom;
        const node = state * nodeSize;
        const labels = nodes[node] ?? 0;
        if (((labels >>> label) & 1) !== 0) {
          next =
            width <= exactWidth
              ? (nodes[node + 1] ?? 0) + countBits(labels & ((1 << label) - 1))
              : (findChild(this.#automaton, state, label) || -1 - searchesFrom) + searchesFrom;
        }
        const rest = nodes[node + 2] ?? -1;
        if (next < 0 && rest >= 0) {
          place = rest;
          continue;
        }
      }
      if (next >= 0) {
        place = next;
        index += 1;
        continue;
      }
      this.#place = place;
      index = this.#step(chunk, index, wasHeld);
      if (this.#ended) return;
      place = this.#place;
    }
    this.#place = place;
  }

  /** The chunk is read up to `end`: decides what needs no next character. Returns how many units are not decided. */
  #settle(end: number): number {
    const { flags, depths } = this.#automaton;
    let state = stateAt(this.#automaton, this.#place);
    if (state > insideState && ((flags[state] ?? 0) & waits) === 0) {
      state = this.#giveUp(state, end, false);
      this.#place = placeOf(this.#automaton, state);
    }
    if (this.#high === 0) return depths[state] ?? 0;
    const mayGoOn = state > insideState || (state === rootState && this.#follow(state, this.#high) !== 0);
    return mayGoOn ? (depths[state] ?? 0) + 1 : 0;
  }

  /** Reads what rows can't decide, one code point. Returns the index after it. */
  #step(chunk: string, index: number, wasHeld: number): number {
    const automaton = this.#automaton;
    const unit = chunk.charCodeAt(index);
    const position = wasHeld + index;
    if (!automaton.wholeWords || !isSurrogate(unit)) {
      this.#stepUnit(automaton.classes[unit] ?? 0, position);
      return index + 1;
    }
    if (isHighSurrogate(unit)) {
      if (index + 1 === chunk.length) {
        this.#awaitLow(unit, position);
        return index + 1;
      }
      const low = chunk.charCodeAt(index + 1);
      if (isLowSurrogate(low)) {
        this.#stepPair(unit, low, position);
        return index + 2;
      }
    }
    this.#stepOther(position, false);
    return index + 1;
  }

  #stepUnit(label: number, position: number): void {
    const automaton = this.#automaton;
    const { letters } = automaton;
    const isLetter = automaton.wholeWords && letters[label] === 1;
    let state = stateAt(automaton, this.#place);
    for (;;) {
      const child = findChild(automaton, state, label);
      if (child !== 0) {
        state = child;
        break;
      }
      if (state <= insideState) {
        this.#place = this.#idlePlace(isLetter);
        return;
      }
      state = this.#giveUp(state, position, isLetter);
    }
    this.#place = placeOf(automaton, state);
  }

  #stepPair(high: number, low: number, position: number): void {
    const automaton = this.#automaton;
    const { classes } = automaton;
    const isLetter = isWordCodePoint(joinSurrogates(high, low));
    let state = stateAt(automaton, this.#place);
    for (;;) {
      const next = findPair(automaton, state, classes[high] ?? 0, classes[low] ?? 0);
      if (next !== 0) {
        this.#place = placeOf(automaton, next);
        return;
      }
      if (state <= insideState) {
        this.#place = this.#idlePlace(isLetter);
        return;
      }
      state = this.#giveUp(state, position, isLetter);
    }
  }

  /** Reads a code point that no word holds. */
  #stepOther(position: number, isLetter: boolean): void {
    let state = stateAt(this.#automaton, this.#place);
    while (state > insideState) state = this.#giveUp(state, position, isLetter);
    this.#place = this.#idlePlace(isLetter);
  }

  /** The chunk ends between the halves of a pair: decides what does not depend on the other half. */
  #awaitLow(high: number, position: number): void {
    let state = stateAt(this.#automaton, this.#place);
    const { flags } = this.#automaton;
    while (state > insideState && ((flags[state] ?? 0) & endsWord) === 0 && this.#follow(state, high) === 0) {
      state = this.#giveUp(state, position, false);
    }
    this.#place = placeOf(this.#automaton, state);
    this.#high = high;
  }

  /** Reads the high surrogate that ended the last chunk with the first unit of this one. Returns how many units were read. */
  #joinHigh(chunk: string, wasHeld: number): number {
    const high = this.#high;
    this.#high = 0;
    const first = chunk.charCodeAt(0);
    if (!isLowSurrogate(first)) {
      this.#stepOther(wasHeld - 1, false);
      return 0;
    }
    this.#stepPair(high, first, wasHeld - 1);
    return 1;
  }

  #follow(state: number, unit: number): number {
    return findChild(this.#automaton, state, this.#automaton.classes[unit] ?? 0);
  }

  #idlePlace(isLetter: boolean): number {
    return isLetter ? insideState * this.#automaton.width : rootState;
  }

  /** Decides the front of the undecided text, which ends before `end`; returns the state of what is left. */
  #giveUp(state: number, end: number, isLetterNext: boolean): number {
    const { flags, depths, rests, lastCells } = this.#automaton;
    const start = end - (depths[state] ?? 0);
    const bits = flags[state] ?? 0;
    if ((bits & endsWord) !== 0 && !isLetterNext) {
      this.#replace(start, end);
      return (bits & endsInside) === 0 ? rootState : insideState;
    }
    this.#replaceCells(lastCells[state] ?? 0, start);
    return rests[state] ?? 0;
  }

  #replaceCells(cell: number, start: number): void {
    if (cell === 0) return;
    const { cells } = this.#automaton;
    this.#replaceCells(cells[cell] ?? 0, start);
    const from = start + (cells[cell + 1] ?? 0);
    this.#replace(from, from + (cells[cell + 2] ?? 0));
  }

  #replace(start: number, end: number): void {
    if (this.#ended) return;
    this.#output += this.#reading.slice(this.#copied, start) + this.#maskOf(start, end);
    this.#copied = end;
    this.#matches += 1;
  }

  #maskOf(start: number, end: number): string {
    const mask = this.#mask;
    if ('with' in mask) return mask.with;
    if ('replace' in mask) return mask.replace(this.#reading.slice(start, end));
    if ('perCharacter' in mask) return mask.perCharacter.repeat(this.#codePoints(start, end));
    this.#ended = true;
    mask.end();
    return '';
  }

  #codePoints(start: number, end: number): number {
    let count = end - start;
    for (let index = start; index < end; index += 1) if (isLowSurrogate(this.#reading.charCodeAt(index))) count -= 1;
    return count;
  }
}

function countBits(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
