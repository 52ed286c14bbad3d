import { joinsSurrogates, type WordAlphabet } from './word-alphabet.ts';
import type { WordLinks } from './word-links.ts';
import { endsWord, insideState, rootState, type WordTrie } from './word-trie.ts';

/** A node of `nodes`: the set of its children's labels (modulo 32), the place of the first child, the place of the rest. */
export const nodeSize = 3;

/**
 * Where reading goes on from a state. States are given as places: that of a row in `rows`, below `rowLimit`, or one
 * beyond `rowLimit` for a state that has only a node.
 */
export interface WordRows {
  /** Places by row and class; -1 where a match may have to be told or surrogates to be joined. */
  readonly rows: Int32Array;
  readonly rowLimit: number;
  /** States that have a row: those before this one. */
  readonly rowStates: number;
  /** By state, `nodeSize` numbers each. The place of the rest is -1 where giving up may tell a match. */
  readonly nodes: Int32Array;
}

interface Parts {
  readonly trie: WordTrie;
  readonly alphabet: WordAlphabet;
  readonly links: WordLinks;
  readonly wholeWords: boolean;
}

type Layout = Pick<WordRows, 'rowLimit' | 'rowStates'> & Pick<WordAlphabet, 'width'>;

/** Rows for as many states near the root as fit into `rowBytes`, and nodes for all. */
export function buildWordRows(parts: Parts, rowBytes: number): WordRows {
  const { stateCount } = parts.trie;
  const { width } = parts.alphabet;
  const affordable = Math.floor(rowBytes / Int32Array.BYTES_PER_ELEMENT / width);
  const rowStates = Math.max(insideState + 1, Math.min(stateCount, affordable));
  const layout = { rowStates, rowLimit: rowStates * width, width };
  const rows = new Int32Array(layout.rowLimit);
  for (let state = 0; state < rowStates; state += 1) fillRow(rows, state, parts, layout);
  return { rows, rowLimit: layout.rowLimit, rowStates, nodes: packNodes(parts, layout) };
}

/** The place of a state in `rows`, or beyond them. */
export function placeOf({ rowStates, rowLimit, width }: Layout, state: number): number {
  return state < rowStates ? state * width : rowLimit + state - rowStates;
}

export function stateAt({ rowStates, rowLimit, width }: Layout, place: number): number {
  return place < rowLimit ? place / width : place - rowLimit + rowStates;
}

/** What a class leads to: a child, or else what it leads to from the rest, whose row is filled already. */
function fillRow(rows: Int32Array, state: number, { trie, alphabet, links, wholeWords }: Parts, layout: Layout): void {
  const { width, letters } = alphabet;
  const row = state * width;
  const isWord = ((trie.flags[state] ?? 0) & endsWord) !== 0;
  if (state <= insideState) {
    for (let label = 0; label < width; label += 1) {
      rows[row + label] = wholeWords && letters[label] === 1 ? insideState * width : rootState;
    }
  } else if (links.lastCells[state] !== 0 || (isWord && !wholeWords)) {
    rows.fill(-1, row, row + width);
  } else {
    const rest = (links.rests[state] ?? 0) * width;
    rows.copyWithin(row, rest, rest + width);
  }
  const end = trie.children[state + 1] ?? 0;
  // A whole word matches before all that is no letter; before a letter it gives up like any other beginning.
  if (isWord) for (let label = 0; label < width; label += 1) if (letters[label] === 0) rows[row + label] = -1;
  for (let child = trie.children[state] ?? 0; child < end; child += 1) {
    rows[row + (trie.labels[child] ?? 0)] = placeOf(layout, child);
  }
  if (!wholeWords) return;
  for (let label = 0; label < width; label += 1) if (joinsSurrogates(alphabet, label)) rows[row + label] = -1;
}

function packNodes({ trie, links }: Parts, layout: Layout): Int32Array {
  const nodes = new Int32Array(trie.stateCount * nodeSize);
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    const node = state * nodeSize;
    const first = trie.children[state] ?? 0;
    const end = trie.children[state + 1] ?? 0;
    let labels = 0;
    for (let child = first; child < end; child += 1) labels |= 1 << (trie.labels[child] ?? 0);
    const isQuiet = ((trie.flags[state] ?? 0) & endsWord) === 0 && links.lastCells[state] === 0;
    nodes[node] = labels;
    nodes[node + 1] = placeOf(layout, first);
    nodes[node + 2] = isQuiet ? placeOf(layout, links.rests[state] ?? 0) : -1;
  }
  return nodes;
}
