import type { PatternAlphabet } from './pattern-alphabet.ts';
import { ends, splits, type PatternNfa } from './pattern-nfa.ts';

/** What a candidate must hold to, by pattern. */
export interface PatternRule {
  /** Most UTF-16 code units of a match; Infinity where the expression itself has the bound. */
  readonly limit: number;
  readonly accept: ((match: string) => boolean) | undefined;
  /** By label: 1 where a match can't be followed by it. */
  readonly notBefore: Uint8Array | undefined;
}

/** All that may come of one start, as far as the text was read. Shared by all streams. */
export interface PatternState {
  /** States of the nfa: those that read a character and those that end a match, in ascending order. */
  readonly items: readonly number[];
  /** By label, as far as it is known; null where there is no way on. */
  readonly next: (PatternState | null | undefined)[];
  /** Patterns that match what was read, in order. */
  readonly ends: readonly number[];
  /** Some of them depend on the character behind. */
  readonly waits: boolean;
  /** Of a thread that has read more units than this, nothing can come any more. */
  readonly most: number;
  /** A thread that has read more units than this can't go on, though it may end here. */
  readonly reach: number;
  /** What comes of it does not depend on where it began, so of two threads here the earlier one is enough. */
  readonly mergeable: boolean;
  /** The step in which threads came here last, and which of their strands. */
  seenAt: number;
  seenAs: number;
}

/**
 * Numbers that remembered states hold, all together: about 16 MiB. Beyond them all states are forgotten, and made again
 * when they are met.
 */
const maxRememberedNumbers = 2 * 1024 * 1024;

/** Makes the states of a deterministic automaton when they are first met. */
export class PatternStates {
  readonly #nfa: PatternNfa;
  readonly #alphabet: PatternAlphabet;
  readonly #rules: readonly PatternRule[];
  readonly #known = new Map<string, PatternState>();
  #rememberedNumbers = 0;
  /** By state of the nfa: the round in which it was visited. */
  readonly #visited: Float64Array;
  #round = 0;
  /** Counts the steps of all streams that are not ordinary ones. */
  step = 0;
  /** Counts the states that were led on in them: what reading cost. */
  moves = 0;

  constructor(nfa: PatternNfa, alphabet: PatternAlphabet, rules: readonly PatternRule[]) {
    this.#nfa = nfa;
    this.#alphabet = alphabet;
    this.#rules = rules;
    this.#visited = new Float64Array(nfa.sets.length);
  }

  /** The state before the first character, of some of the patterns. */
  start(patterns: readonly number[]): PatternState {
    return this.#remember(this.#close(patterns.map((pattern) => this.#nfa.starts[pattern] ?? 0)));
  }

  next(state: PatternState, label: number): PatternState | null {
    const known = state.next[label];
    if (known !== undefined) return known;
    const { sets, targets } = this.#nfa;
    const { members } = this.#alphabet;
    const reached: number[] = [];
    for (const item of state.items) {
      if (members[sets[item] ?? 0]?.[label] === 1) reached.push(targets[item]?.[0] ?? 0);
    }
    const items = this.#close(reached);
    const next = items.length === 0 ? null : this.#remember(items);
    state.next[label] = next;
    return next;
  }

  /**
   * Which of the states, whose threads began one after the other, can still tell a match that those before them don't.
   * By index: false where all that may come of a state comes of an earlier one.
   */
  findUseful(states: readonly (PatternState | null)[]): boolean[] {
    const round = (this.#round += 1);
    return states.map((state) => {
      if (state?.mergeable !== true) return state !== null;
      let adds = false;
      for (const item of state.items) {
        adds ||= this.#visited[item] !== round;
        this.#visited[item] = round;
      }
      return adds;
    });
  }

  /** What is reached without reading, as far as it can still come to an end. */
  #close(from: readonly number[]): number[] {
    const { sets, targets, distances } = this.#nfa;
    const round = (this.#round += 1);
    const stack = [...from];
    const items: number[] = [];
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (this.#visited[state] === round || distances[state] === Infinity) continue;
      this.#visited[state] = round;
      if (sets[state] !== splits) items.push(state);
      else for (const target of targets[state] ?? []) stack.push(target);
    }
    return items.sort((one, other) => one - other);
  }

  #remember(items: readonly number[]): PatternState {
    const key = items.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const numbers = items.length + this.#alphabet.width;
    if (this.#rememberedNumbers + numbers > maxRememberedNumbers) this.#forget();
    this.#rememberedNumbers += numbers;
    const made = this.#describe(items);
    this.#known.set(key, made);
    return made;
  }

  /** States that some text still needs lead to nothing that they led to before, so that nothing else stays. */
  #forget(): void {
    for (const old of this.#known.values()) old.next.fill(undefined);
    this.#known.clear();
    this.#rememberedNumbers = 0;
  }

  #describe(items: readonly number[]): PatternState {
    const { sets, owners, distances } = this.#nfa;
    const matched = new Set<number>();
    let reach = -1;
    let most = -1;
    let mergeable = true;
    for (const item of items) {
      const owner = owners[item] ?? 0;
      const { limit, accept } = this.#rules[owner] ?? { limit: 0, accept: undefined };
      if (sets[item] === ends) matched.add(owner);
      else reach = Math.max(reach, limit - (distances[item] ?? 0));
      most = Math.max(most, limit - (distances[item] ?? 0));
      mergeable &&= limit === Infinity && accept === undefined;
    }
    return {
      items,
      next: Array.from<PatternState | null | undefined>({ length: this.#alphabet.width }).fill(undefined),
      ends: [...matched].sort((one, other) => one - other),
      waits: [...matched].some((pattern) => this.#rules[pattern]?.notBefore !== undefined),
      most,
      reach,
      mergeable,
      seenAt: 0,
      seenAs: 0,
    };
  }
}
