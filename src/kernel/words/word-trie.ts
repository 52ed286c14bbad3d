import { isLowSurrogate, isWordCodePoint, joinSurrogates } from './text-folding.ts';
import type { WordAlphabet } from './word-alphabet.ts';

/*
 * The tree of all words, breadth first: the children of a state lie side by side, and states near the root have the
 * smallest numbers. State 0 is the root. State 1 has no children: it is the place "inside of a word that began
 * elsewhere" of whole-word matching, and lies here so that numbers need no translation.
 */

export const rootState = 0;
export const insideState = 1;
/** Bit of `flags`: the path from the root to the state is a word. */
export const endsWord = 1;
/** Bit of `flags`: what comes after the state touches a letter or digit. Whole-word matching only. */
export const endsInside = 2;
/** Bit of `flags`: the next character is needed to decide: a longer word goes on from here, or only whole words count. */
export const waits = 4;

/** Tables indexed by state. */
export interface WordTrie {
  readonly stateCount: number;
  /** The class that a state is reached by. */
  readonly labels: Uint16Array;
  /** Children of state s: from `children[s]` to before `children[s + 1]`; `stateCount + 1` entries. */
  readonly children: Int32Array;
  readonly parents: Int32Array;
  /** Code units from the root. */
  readonly depths: Uint16Array;
  readonly flags: Uint8Array;
  readonly longest: number;
}

/** `words` are sorted by code units and without duplicates; `classes` gives the class of a code unit, in the same order. */
export function buildWordTrie(words: readonly string[], classes: Uint16Array): WordTrie {
  const capacity = words.reduce((sum, word) => sum + word.length, 2);
  const labels = new Uint16Array(capacity);
  const children = new Int32Array(capacity + 1);
  const parents = new Int32Array(capacity);
  const depths = new Uint16Array(capacity);
  const flags = new Uint8Array(capacity);
  // The words below a state are a range of the sorted list.
  const first = new Int32Array(capacity);
  const last = new Int32Array(capacity);
  last[rootState] = words.length;
  let count = 2;
  for (let state = 0; state < count; state += 1) {
    children[state] = count;
    const depth = depths[state] ?? 0;
    let from = first[state] ?? 0;
    const to = last[state] ?? 0;
    if (from < to && words[from]?.length === depth) {
      flags[state] = endsWord;
      from += 1;
    }
    while (from < to) {
      const end = endOfUnit(words, from, to, depth);
      labels[count] = classes[words[from]?.charCodeAt(depth) ?? 0] ?? 0;
      parents[count] = state;
      depths[count] = depth + 1;
      first[count] = from;
      last[count] = end;
      count += 1;
      from = end;
    }
  }
  children[count] = count;
  return {
    stateCount: count,
    labels: labels.slice(0, count),
    children: children.slice(0, count + 1),
    parents: parents.slice(0, count),
    depths: depths.slice(0, count),
    flags: flags.slice(0, count),
    longest: depths[count - 1] ?? 0,
  };
}

/** The child of `state` by `label`, or 0. */
export function findChild(trie: Pick<WordTrie, 'children' | 'labels'>, state: number, label: number): number {
  const { children, labels } = trie;
  let low = children[state] ?? 0;
  const end = children[state + 1] ?? 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((labels[middle] ?? 0) < label) low = middle + 1;
    else high = middle;
  }
  return low < end && labels[low] === label ? low : 0;
}

/** The state after both halves of a surrogate pair, or 0. */
export function findPair(
  trie: Pick<WordTrie, 'children' | 'labels'>,
  state: number,
  high: number,
  low: number,
): number {
  const middle = findChild(trie, state, high);
  return middle === 0 ? 0 : findChild(trie, middle, low);
}

/** Sets `endsInside`. */
export function markInsideEnds(trie: WordTrie, alphabet: WordAlphabet): void {
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    if (isLetterState(trie, alphabet, state)) trie.flags[state] = (trie.flags[state] ?? 0) | endsInside;
  }
}

/** Whether the code point that a state ends with is a letter or digit. */
function isLetterState(trie: WordTrie, alphabet: WordAlphabet, state: number): boolean {
  const label = trie.labels[state] ?? 0;
  const unit = alphabet.units[label] ?? 0;
  if (!isLowSurrogate(unit)) return alphabet.letters[label] === 1;
  const high = alphabet.units[trie.labels[trie.parents[state] ?? 0] ?? 0] ?? 0;
  return isWordCodePoint(joinSurrogates(high, unit));
}

/** Sets `waits`. */
export function markWaiting(trie: WordTrie, wholeWords: boolean): void {
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    const isLeaf = trie.children[state] === trie.children[state + 1];
    if (wholeWords || !isLeaf) trie.flags[state] = (trie.flags[state] ?? 0) | waits;
  }
}

function endOfUnit(words: readonly string[], from: number, to: number, depth: number): number {
  const unit = words[from]?.charCodeAt(depth);
  let end = from + 1;
  while (end < to && words[end]?.charCodeAt(depth) === unit) end += 1;
  return end;
}
