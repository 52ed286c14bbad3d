import { isHighSurrogate, isLowSurrogate } from './text-folding.ts';
import type { WordAlphabet } from './word-alphabet.ts';
import { endsInside, endsWord, findChild, findPair, insideState, rootState, type WordTrie } from './word-trie.ts';

/** A cell: the cell before it, where its match begins (units after the start of the state), the length of the match. */
const cellSize = 3;

/** Tables of what happens when a state gives up. */
export interface WordLinks {
  /** What is left undecided. */
  readonly rests: Int32Array;
  /** The last cell of what has matched, or 0. */
  readonly lastCells: Int32Array;
  readonly cells: Int32Array;
}

/** Links all states, those near the root first: every state uses what is known of its parent and of shorter ones. */
export function linkStates(trie: WordTrie, alphabet: WordAlphabet, wholeWords: boolean): WordLinks {
  const rests = new Int32Array(trie.stateCount);
  const lastCells = new Int32Array(trie.stateCount);
  const store = new CellStore();
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    const label = trie.labels[state] ?? 0;
    const unit = alphabet.units[label] ?? 0;
    // Whole-word matching reads code points, so it never rests between the halves of one.
    if (wholeWords && isHighSurrogate(unit)) continue;
    const isPair = wholeWords && isLowSurrogate(unit);
    const parent = trie.parents[state] ?? 0;
    const isLetter = wholeWords && ((trie.flags[state] ?? 0) & endsInside) !== 0;
    const plain = isLetter ? insideState : rootState;
    let rest = isPair ? (trie.parents[parent] ?? 0) : parent;
    const origin = trie.depths[rest] ?? 0;
    let chain = 0;
    let next = 0;
    while (next === 0 && rest > insideState) {
      const depth = trie.depths[rest] ?? 0;
      const flags = trie.flags[rest] ?? 0;
      if ((flags & endsWord) !== 0 && !isLetter) {
        chain = store.append(chain, origin - depth, depth);
        rest = (flags & endsInside) === 0 ? rootState : insideState;
      } else {
        chain = store.appendAll(chain, lastCells[rest] ?? 0, origin - depth);
        rest = rests[rest] ?? 0;
      }
      next =
        rest === insideState
          ? 0
          : isPair
            ? findPair(trie, rest, trie.labels[parent] ?? 0, label)
            : findChild(trie, rest, label);
    }
    rests[state] = next === 0 ? plain : next;
    lastCells[state] = chain;
  }
  return { rests, lastCells, cells: store.finish() };
}

/** Chains of matches while they are made; cell 0 is the empty chain. */
class CellStore {
  #cells = new Int32Array(cellSize * 1024);
  #end = cellSize;

  append(chain: number, offset: number, length: number): number {
    if (this.#end + cellSize > this.#cells.length) this.#grow();
    const cell = this.#end;
    this.#cells[cell] = chain;
    this.#cells[cell + 1] = offset;
    this.#cells[cell + 2] = length;
    this.#end += cellSize;
    return cell;
  }

  /** Appends a copy of `other`, whose offsets count from `shift`. */
  appendAll(chain: number, other: number, shift: number): number {
    if (other === 0) return chain;
    if (chain === 0 && shift === 0) return other;
    const before = this.appendAll(chain, this.#cells[other] ?? 0, shift);
    return this.append(before, shift + (this.#cells[other + 1] ?? 0), this.#cells[other + 2] ?? 0);
  }

  finish(): Int32Array {
    return this.#cells.slice(0, this.#end);
  }

  #grow(): void {
    const larger = new Int32Array(this.#cells.length * 2);
    larger.set(this.#cells);
    this.#cells = larger;
  }
}
