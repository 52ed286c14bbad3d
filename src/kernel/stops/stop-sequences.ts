import { foldText } from '../words/text-folding.ts';
import { classifyUnits, type WordAlphabet } from '../words/word-alphabet.ts';
import { buildWordTrie, endsWord, findChild, insideState, rootState, type WordTrie } from '../words/word-trie.ts';

/*
 * Finds the sequence that is complete first. Unlike a mask, which takes the leftmost and longest match, a stop ends the
 * text as soon as any sequence is complete, however long another one could still become; of sequences that end at the
 * same place the longest one counts, so that least of the text leaves.
 */

/** Immutable tables, shared by all streams. */
export interface StopSequences {
  readonly trie: WordTrie;
  readonly classes: WordAlphabet['classes'];
  /** The state after one unit of each class, or 0. */
  readonly firsts: Int32Array;
  /** By state: that of the longest beginning of a sequence that the read text ends with, besides the state itself. */
  readonly shorter: Int32Array;
  /** By state: that of the longest sequence that the read text ends with, or 0. */
  readonly complete: Int32Array;
  /** The sequence as the author wrote it, by the state of its end. */
  readonly spelled: ReadonlyMap<number, string>;
  /** Code units of the longest sequence. */
  readonly longest: number;
}

/** `sequences` are not empty. Throws a TypeError for one that holds half of a surrogate pair. */
export function buildStopSequences(sequences: readonly string[], caseSensitive: boolean): StopSequences {
  const broken = sequences.findIndex((sequence) => sequence === '' || !sequence.isWellFormed());
  if (broken >= 0) throw new TypeError(`sequence ${broken + 1} is empty or holds half of a surrogate pair`);
  const spellings = new Map(sequences.toReversed().map((text) => [caseSensitive ? text : foldText(text), text]));
  const folded = [...spellings.keys()].filter(isReachable).toSorted((one, other) => (one < other ? -1 : 1));
  const { classes, width } = classifyUnits(folded, caseSensitive);
  const trie = buildWordTrie(folded, classes);
  const shorter = new Int32Array(trie.stateCount);
  const complete = new Int32Array(trie.stateCount);
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    const parent = trie.parents[state] ?? 0;
    const label = trie.labels[state] ?? 0;
    const rest = parent === rootState ? rootState : follow(trie, shorter, shorter[parent] ?? 0, label);
    shorter[state] = rest;
    complete[state] = ((trie.flags[state] ?? 0) & endsWord) === 0 ? (complete[rest] ?? 0) : state;
  }
  const spelled = new Map<number, string>();
  for (const key of folded) spelled.set(stateOf(trie, classes, key), spellings.get(key) ?? key);
  const firsts = Int32Array.from({ length: width }, (_nothing, label) => findChild(trie, rootState, label));
  return { trie, classes, firsts, shorter, complete, spelled, longest: trie.longest };
}

/** False for a sequence in which another one is complete before it is; text is not held for it. */
function isReachable(sequence: string, _index: number, all: readonly string[]): boolean {
  return all.every((other) => !sequence.slice(0, -1).includes(other));
}

/** The state after one more unit: the longest beginning of a sequence that the text then ends with. */
function follow(trie: WordTrie, shorter: Int32Array, from: number, label: number): number {
  let state = from;
  for (;;) {
    const child = findChild(trie, state, label);
    if (child !== 0 || state === rootState) return child;
    state = shorter[state] ?? 0;
  }
}

function stateOf(trie: WordTrie, classes: Uint16Array, sequence: string): number {
  let state = rootState;
  for (let index = 0; index < sequence.length; index += 1) {
    state = findChild(trie, state, classes[sequence.charCodeAt(index)] ?? 0);
  }
  return state;
}

/** Reads one text. */
export class SequenceFinder {
  readonly #sequences: StopSequences;
  #state = rootState;

  constructor(sequences: StopSequences) {
    this.#sequences = sequences;
  }

  /** How many units at the end of the text may be the beginning of a sequence. */
  get undecided(): number {
    return this.#sequences.trie.depths[this.#state] ?? 0;
  }

  /** The sequence that was found, as its author wrote it, and how many code units it takes. */
  get found(): { readonly sequence: string; readonly length: number } {
    const { complete, spelled, trie } = this.#sequences;
    const state = complete[this.#state] ?? 0;
    return { sequence: spelled.get(state) ?? '', length: trie.depths[state] ?? 0 };
  }

  /** The index behind the first sequence that is complete, or -1; then the reading goes on with the next chunk. */
  read(chunk: string): number {
    const { trie, classes, firsts, shorter, complete } = this.#sequences;
    const { length } = chunk;
    let state = this.#state;
    for (let index = 0; index < length; index += 1) {
      const label = classes[chunk.charCodeAt(index)] ?? 0;
      if (state === rootState) {
        state = firsts[label] ?? 0;
        if (state === rootState) continue;
      } else {
        state = follow(trie, shorter, state, label);
      }
      if ((complete[state] ?? 0) === 0) continue;
      this.#state = state;
      return index + 1;
    }
    this.#state = state;
    return -1;
  }
}
