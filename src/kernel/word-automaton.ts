import { foldedUnits, foldText, isHighSurrogate, isLowSurrogate, isSurrogate, isWordCodePoint, joinSurrogates, wordUnits } from './text-folding.ts';
import { buildWordTrie, endsWord, findChild, insideState, rootState, type WordTrie } from './word-trie.ts';

/*
 * Finds the words of a list in running text, the leftmost first and of those the longest, without looking back.
 *
 * A state stands for text that is not decided yet: the beginning of a word, read since the last decision. While the
 * text goes on as some word does, the state moves to a child. Otherwise the state gives up: the front of the undecided
 * text is decided (some of it matches, the rest is plain), and what is left is again a state, `rests[state]`. That a
 * front always leaves a state is what makes this linear: no character is read twice, whatever the words.
 *
 * The matches inside a decided front are a chain of cells, shared between states. States near the root also have a row
 * in `rows` with the outcome for every class; a row needs no search and no loop.
 */

/** Bit of `flags`: the character before the place after this word is a letter or digit. Whole-word matching only. */
export const endsInside = 2;
/** Bit of `flags`: a longer word goes on from here, or the next character is needed to decide. */
export const waits = 4;

/** A cell of `cells`: the cell before it, where its match begins (units after the start of the state), its length. */
export const cellSize = 3;

/** A node of `nodes`: the set of its children's labels (modulo 32), the place of the first child, the place of the rest. */
export const nodeSize = 4;

/** Bytes that rows may take; states that get none are searched. */
const defaultRowBytes = 8 * 1024 * 1024;
const maxWords = 200_000;
const maxWordUnits = 512;
/** Code units of all words together: about 20 bytes of tables each. */
const maxTotalUnits = 8 * 1024 * 1024;
const maxClasses = 0xffff;

const plainClass = 0;
const letterClass = 1;
const surrogateClass = 2;
const firstUnitClass = 3;

export interface WordAutomatonOptions {
  /** True compares exactly; otherwise case and width are folded (see text-folding.ts). */
  readonly caseSensitive?: boolean;
  /** `word`: a match must not touch a letter, a digit or "_" on either side. Default `substring`. */
  readonly match?: 'substring' | 'word';
  /** Bytes that rows may take. More is faster until the processor's caches are full. Default 8 MiB. */
  readonly rowBytes?: number;
}

/** Immutable tables, shared by all streams. A state in `rows` is a place: below `rowLimit` the place of its row. */
export interface WordAutomaton extends Omit<WordTrie, 'parents'> {
  readonly wholeWords: boolean;
  readonly wordCount: number;
  /** The most UTF-16 code units that a stream holds back. */
  readonly maxHeldCharacters: number;
  /** The class of each code unit, folding included. */
  readonly classes: Uint16Array;
  /** By class: 1 for letters, digits and "_". */
  readonly letters: Uint8Array;
  readonly width: number;
  /** Places by row and class; -1 where a match may have to be told or surrogates to be joined. */
  readonly rows: Int32Array;
  readonly rowLimit: number;
  /** States that have a row: those before this one. */
  readonly rowStates: number;
  /** What a state without a row needs to go on; see nodeSize. The rest is -1 where giving up may tell a match. */
  readonly nodes: Int32Array;
  /** What is left undecided when a state gives up. */
  readonly rests: Int32Array;
  /** The last cell of what a state that gives up has matched, or 0. */
  readonly lastCells: Int32Array;
  readonly cells: Int32Array;
  readonly tableBytes: number;
}

/**
 * Compiles a list of words. Equal words (after folding) are merged. Throws a TypeError that gives the place of a word
 * which is empty, too long or holds half of a surrogate pair, and a RangeError for a list that is too large.
 */
export function buildWordAutomaton(words: readonly string[], options: WordAutomatonOptions = {}): WordAutomaton {
  const caseSensitive = options.caseSensitive ?? false;
  const wholeWords = options.match === 'word';
  checkWords(words);
  const folded = [...new Set(caseSensitive ? words : words.map(foldText))].toSorted(byCodeUnits);
  const alphabet = classifyUnits(folded, caseSensitive);
  const trie = buildWordTrie(folded, alphabet.classes);
  if (wholeWords) markInsideEnds(trie, alphabet);
  markWaiting(trie, wholeWords);
  const links = linkStates(trie, alphabet, wholeWords);
  const dense = fillRows(trie, alphabet, links, { wholeWords, rowBytes: options.rowBytes ?? defaultRowBytes });
  const nodes = packNodes(trie, links, { ...dense, width: alphabet.width });
  const { parents: _buildOnly, ...states } = trie;
  const tables = { ...states, ...links, classes: alphabet.classes, letters: alphabet.letters, width: alphabet.width, nodes, ...dense };
  return Object.freeze({
    ...tables,
    wholeWords,
    wordCount: folded.length,
    // Whole words wait for the next code point, of which a high surrogate may have come already.
    maxHeldCharacters: wholeWords ? trie.longest + 1 : trie.longest - 1,
    tableBytes: Object.values(tables).reduce<number>((sum, table) => sum + (ArrayBuffer.isView(table) ? table.byteLength : 0), 0),
  });
}

/** The place of a state in `rows`, or beyond them. */
export function placeOf(automaton: Pick<WordAutomaton, 'rowStates' | 'rowLimit' | 'width'>, state: number): number {
  return state < automaton.rowStates ? state * automaton.width : automaton.rowLimit + state - automaton.rowStates;
}

export function stateAt(automaton: WordAutomaton, place: number): number {
  return place < automaton.rowLimit ? place / automaton.width : place - automaton.rowLimit + automaton.rowStates;
}

interface Alphabet {
  readonly classes: Uint16Array;
  readonly letters: Uint8Array;
  /** The folded code unit of a class that occurs in words. */
  readonly units: Uint16Array;
  readonly width: number;
}

type Rows = Pick<WordAutomaton, 'rows' | 'rowLimit' | 'rowStates'>;

interface Links {
  readonly rests: Int32Array;
  readonly lastCells: Int32Array;
  readonly cells: Int32Array;
}

function checkWords(words: readonly string[]): void {
  if (words.length === 0) throw new TypeError('the list holds no word');
  if (words.length > maxWords) throw new RangeError(`the list holds more than ${maxWords} words`);
  let total = 0;
  // The words may be secrets, so a message gives the place and not the word.
  for (const [index, word] of words.entries()) {
    if (word === '') throw new TypeError(`word ${index + 1} of the list is empty`);
    if (word.length > maxWordUnits) throw new TypeError(`word ${index + 1} of the list is longer than ${maxWordUnits} code units`);
    if (!word.isWellFormed()) throw new TypeError(`word ${index + 1} of the list holds half of a surrogate pair`);
    total += word.length;
  }
  if (total > maxTotalUnits) throw new RangeError(`the words of the list have more than ${maxTotalUnits} code units together`);
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** One class for each unit that occurs in words, in the order of units, and three for all others. */
function classifyUnits(words: readonly string[], caseSensitive: boolean): Alphabet {
  const letterUnits = wordUnits();
  const used = new Uint8Array(letterUnits.length);
  for (const word of words) for (let index = 0; index < word.length; index += 1) used[word.charCodeAt(index)] = 1;
  const units: number[] = [0, 0, 0];
  const classOfFolded = Uint32Array.from(used, (isUsed, unit) => {
    if (isUsed === 1) return units.push(unit) - 1;
    if (isSurrogate(unit)) return surrogateClass;
    return letterUnits[unit] === 1 ? letterClass : plainClass;
  });
  if (units.length > maxClasses) throw new RangeError('the words of the list use too many different characters');
  const folds = foldedUnits();
  const classes = Uint16Array.from(used, (_isUsed, unit) => classOfFolded[caseSensitive ? unit : (folds[unit] ?? unit)] ?? plainClass);
  const letters = Uint8Array.from(units, (unit, index) => (index < firstUnitClass ? Number(index === letterClass) : (letterUnits[unit] ?? 0)));
  return { classes, letters, units: Uint16Array.from(units), width: units.length };
}

function markInsideEnds(trie: WordTrie, alphabet: Alphabet): void {
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    if (isLetterState(trie, alphabet, state)) trie.flags[state] = (trie.flags[state] ?? 0) | endsInside;
  }
}

/** Whether the code point that a state ends with is a letter or digit. */
function isLetterState(trie: WordTrie, alphabet: Alphabet, state: number): boolean {
  const label = trie.labels[state] ?? 0;
  const unit = alphabet.units[label] ?? 0;
  if (!isLowSurrogate(unit)) return alphabet.letters[label] === 1;
  const high = alphabet.units[trie.labels[trie.parents[state] ?? 0] ?? 0] ?? 0;
  return isWordCodePoint(joinSurrogates(high, unit));
}

function markWaiting(trie: WordTrie, wholeWords: boolean): void {
  for (let state = insideState + 1; state < trie.stateCount; state += 1) {
    const isLeaf = trie.children[state] === trie.children[state + 1];
    if (wholeWords || !isLeaf) trie.flags[state] = (trie.flags[state] ?? 0) | waits;
  }
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

/** For each state: what it has matched when it gives up, and what is left. Parents and rests come before their users. */
function linkStates(trie: WordTrie, alphabet: Alphabet, wholeWords: boolean): Links {
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
      next = rest === insideState ? 0 : isPair ? findPair(trie, rest, trie.labels[parent] ?? 0, label) : findChild(trie, rest, label);
    }
    rests[state] = next === 0 ? plain : next;
    lastCells[state] = chain;
  }
  return { rests, lastCells, cells: store.finish() };
}

/** The state after both halves of a surrogate pair, or 0. */
export function findPair(trie: Pick<WordTrie, 'children' | 'labels'>, state: number, high: number, low: number): number {
  const middle = findChild(trie, state, high);
  return middle === 0 ? 0 : findChild(trie, middle, low);
}

function fillRows(trie: WordTrie, alphabet: Alphabet, links: Links, options: { readonly wholeWords: boolean; readonly rowBytes: number }): Rows {
  const { wholeWords, rowBytes } = options;
  const { width, letters, units } = alphabet;
  const rowStates = Math.max(insideState + 1, Math.min(trie.stateCount, Math.floor(rowBytes / Int32Array.BYTES_PER_ELEMENT / width)));
  const rowLimit = rowStates * width;
  const layout = { rowStates, rowLimit, width };
  const rows = new Int32Array(rowLimit);
  const needsJoining = (label: number): boolean => wholeWords && (label === surrogateClass || (label >= firstUnitClass && isSurrogate(units[label] ?? 0)));
  for (let state = 0; state < rowStates; state += 1) {
    const row = state * width;
    const flags = trie.flags[state] ?? 0;
    if (state <= insideState) {
      for (let label = 0; label < width; label += 1) rows[row + label] = wholeWords && letters[label] === 1 ? insideState * width : rootState;
    } else if (links.lastCells[state] !== 0 || (!wholeWords && (flags & endsWord) !== 0)) {
      rows.fill(-1, row, row + width);
    } else {
      const rest = (links.rests[state] ?? 0) * width;
      rows.copyWithin(row, rest, rest + width);
      if ((flags & endsWord) !== 0) for (let label = 0; label < width; label += 1) if (letters[label] === 0) rows[row + label] = -1;
    }
    for (let child = trie.children[state] ?? 0; child < (trie.children[state + 1] ?? 0); child += 1) {
      rows[row + (trie.labels[child] ?? 0)] = placeOf(layout, child);
    }
    if (!wholeWords) continue;
    for (let label = 0; label < width; label += 1) if (needsJoining(label)) rows[row + label] = -1;
  }
  return { rows, rowLimit, rowStates };
}

function packNodes(trie: WordTrie, links: Links, layout: Pick<WordAutomaton, 'rowLimit' | 'rowStates'> & { readonly width: number }): Int32Array {
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
