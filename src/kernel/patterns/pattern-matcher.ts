import type { PatternAutomaton } from './pattern-automaton.ts';
import type { PatternState } from './pattern-states.ts';
import { PatternThreads, type MatchListener } from './pattern-threads.ts';
import { stepsAside, type PatternWalk } from './pattern-walk.ts';
import { isHighSurrogate, isLowSurrogate, joinSurrogates } from '../words/text-folding.ts';

export type { MatchListener } from './pattern-threads.ts';

/** Finds the matches in one text that comes in chunks. It keeps no text: who owns it holds what is not decided. */
export class PatternMatcher {
  readonly #automaton: PatternAutomaton;
  readonly #listener: MatchListener;
  #walk: PatternWalk;
  /** Place in the rows of the walk; 0 while there are threads that rows don't tell. */
  #place: number;
  /** Start of the one thread, where the place has one. */
  #start = 0;
  /** Made when they are needed. */
  #threads: PatternThreads | undefined;
  #context = 0;
  #reading = '';
  /** A high surrogate whose other half has not come; 0 for none. */
  #high = 0;
  #holdsHigh = false;

  constructor(automaton: PatternAutomaton, listener: MatchListener) {
    this.#automaton = automaton;
    this.#listener = listener;
    this.#walk = automaton.walk;
    this.#place = this.#walk.opening;
  }

  /**
   * Reads `chunk`, which follows `held` units that are not decided; `reading` is both. Returns how many units at its end
   * are not decided now. All before them is let go.
   */
  read(chunk: string, held: number, reading: string): number {
    if (this.#threads !== undefined) this.#threads.reading = reading;
    this.#reading = reading;
    const { length } = chunk;
    let index = this.#high === 0 ? 0 : this.#joinHigh(chunk, held);
    while (index < length) {
      if (this.#place !== 0) index = this.#glide(chunk, index, held);
      if (index < length) index = this.#readOne(chunk, index, held);
    }
    const end = held + length;
    const undecided = this.#undecided(end);
    this.#start -= end - undecided;
    this.#threads?.shift(end - undecided);
    this.#forget();
    return undecided;
  }

  /** The text ends behind `held`, which is all that is not decided. Afterwards the matcher is as new. */
  end(held: string): void {
    const { length } = held;
    this.#reading = held;
    if (this.#place === 0) {
      const threads = this.#openThreads();
      threads.reading = held;
      if (this.#high !== 0) this.#advance(this.#automaton.alphabet.labelOf(this.#high), length - 1, length);
      threads.end(length);
    }
    this.#high = 0;
    this.#context = 0;
    this.#walk = this.#automaton.walk;
    this.#place = this.#walk.opening;
    this.#forget();
  }

  /** Between chunks it keeps no text alive that its owner lets go, and no threads where there are none. */
  #forget(): void {
    this.#reading = '';
    if (this.#place !== 0) this.#threads = undefined;
    else if (this.#threads !== undefined) this.#threads.reading = '';
  }

  #undecided(end: number): number {
    if (this.#place !== 0) {
      const { state } = this.#walk.nodeAt(this.#place);
      return state !== null && end - this.#start <= state.most ? end - this.#start : 0;
    }
    const front = this.#threads?.front;
    if (front !== undefined) return end - front;
    return this.#high !== 0 && this.#holdsHigh ? 1 : 0;
  }

  #openThreads(): PatternThreads {
    if (this.#threads !== undefined) return this.#threads;
    this.#threads = new PatternThreads(this.#automaton, this.#listener);
    this.#threads.reading = this.#reading;
    return this.#threads;
  }

  /** The hot loop. Stops before a character that is not ordinary. */
  #glide(chunk: string, first: number, held: number): number {
    const walk = this.#walk;
    const { unitLabels } = this.#automaton.alphabet;
    const { length } = chunk;
    let { rows } = walk;
    let place = this.#place;
    let index = first;
    while (index < length) {
      const label = unitLabels[chunk.charCodeAt(index)] ?? 0;
      const next = rows[place + label] ?? 0;
      if (next > 0) {
        place = next;
        index += 1;
      } else if (next === 0) {
        walk.learn(place, label);
        rows = walk.rows;
      } else if (next === stepsAside) {
        break;
      } else {
        this.#start = held + index;
        place = -next;
        index += 1;
      }
    }
    this.#place = place;
    return index;
  }

  /** Reads one character whatever it is. Returns the index after it. */
  #readOne(chunk: string, index: number, held: number): number {
    const { alphabet } = this.#automaton;
    const unit = chunk.charCodeAt(index);
    const isHigh = isHighSurrogate(unit);
    if (isHigh && index + 1 === chunk.length) {
      this.#awaitLow(unit, held + index);
      return index + 1;
    }
    const low = isHigh ? chunk.charCodeAt(index + 1) : 0;
    const isPair = isHigh && isLowSurrogate(low);
    this.#readLabel(alphabet.labelOf(isPair ? joinSurrogates(unit, low) : unit), held + index, isPair ? 2 : 1);
    return index + (isPair ? 2 : 1);
  }

  #readLabel(label: number, position: number, units: number): void {
    if (this.#place !== 0) {
      if (this.#walk.rows[this.#place + label] === 0) this.#walk.learn(this.#place, label);
      const next = this.#walk.rows[this.#place + label] ?? stepsAside;
      if (next !== stepsAside) {
        if (next < 0) this.#start = position;
        this.#place = Math.abs(next);
        return;
      }
    }
    this.#unfold(position);
    this.#advance(label, position, position + units);
    this.#fold();
  }

  /** From a place to threads. */
  #unfold(position: number): void {
    if (this.#place === 0) return;
    const { context, state } = this.#walk.nodeAt(this.#place);
    this.#place = 0;
    this.#context = context;
    const threads = this.#openThreads();
    if (state !== null && position - this.#start <= state.most) threads.begin(this.#start, state);
  }

  /** From threads to a place, where there is one for them. */
  #fold(): void {
    const threads = this.#openThreads();
    const { front } = threads;
    const state = front === undefined ? null : threads.only();
    if (state === undefined) return;
    this.#place = this.#findPlace(state);
    this.#start = front ?? 0;
    threads.clear();
  }

  #findPlace(state: PatternState | null): number {
    const automaton = this.#automaton;
    const place = automaton.walk.placeOf(this.#context, state);
    if (place === 0) automaton.walk = automaton.walk.renewed();
    this.#walk = automaton.walk;
    return place === 0 ? this.#walk.placeOf(this.#context, state) : place;
  }

  #advance(label: number, from: number, to: number): void {
    this.#openThreads().advance(label, this.#context, from, to);
    this.#context = this.#automaton.contexts[label] ?? 0;
  }

  /** The chunk ends between the halves of a pair: decides what does not depend on the other half. */
  #awaitLow(high: number, position: number): void {
    this.#unfold(position);
    const threads = this.#openThreads();
    const labels = this.#automaton.alphabet.labelsOfHigh(high);
    threads.foresee(labels, position);
    const start = this.#automaton.starts[this.#context];
    this.#holdsHigh = start !== undefined && threads.mayFollow(start, labels, 0);
    this.#high = high;
  }

  /** Reads the high surrogate that ended the last chunk with the first unit of this one. Returns how many units were read. */
  #joinHigh(chunk: string, held: number): number {
    const { alphabet } = this.#automaton;
    const high = this.#high;
    const first = chunk.charCodeAt(0);
    this.#high = 0;
    const isPair = isLowSurrogate(first);
    this.#readLabel(alphabet.labelOf(isPair ? joinSurrogates(high, first) : high), held - 1, isPair ? 2 : 1);
    return isPair ? 1 : 0;
  }
}
