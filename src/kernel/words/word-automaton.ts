import { foldText, isWordCodePoint } from './text-folding.ts';
import { classifyUnits, type WordAlphabet } from './word-alphabet.ts';
import { linkStates, type WordLinks } from './word-links.ts';
import { buildWordRows, type WordRows } from './word-rows.ts';
import { buildWordTrie, markInsideEnds, markWaiting, type WordTrie } from './word-trie.ts';

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

/** Bytes that rows may take: about what stays in a core's own cache. States that get no row are searched. */
const defaultRowBytes = 1024 * 1024;
const maxWords = 200_000;
const maxWordUnits = 512;
/** Code units of all words together: at most about 30 bytes of tables each. */
const maxTotalUnits = 4 * 1024 * 1024;

export interface WordAutomatonOptions {
  /** True compares exactly; otherwise case and width are folded (see text-folding.ts). */
  readonly caseSensitive?: boolean;
  /** `word`: a match must not touch a letter, a digit or "_" on either side. Default `substring`. */
  readonly match?: 'substring' | 'word';
  /**
   * Only where the first match begins is asked, not where it ends: words that go on from a shorter one are left out, so
   * that a match is known as soon as it begins for sure.
   */
  readonly startsOnly?: boolean;
  /** Bytes that rows may take. More is faster until a core's own cache is full. Default 1 MiB. */
  readonly rowBytes?: number;
}

/** Immutable tables, shared by all streams. */
export interface WordAutomaton extends Omit<WordTrie, 'parents'>, WordLinks, WordRows, Omit<WordAlphabet, 'units'> {
  readonly wholeWords: boolean;
  readonly wordCount: number;
  /** The most UTF-16 code units that a stream holds back. */
  readonly maxHeldCharacters: number;
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
  const sorted = [...new Set(caseSensitive ? words : words.map(foldText))].toSorted(byCodeUnits);
  const folded = options.startsOnly === true ? withoutLonger(sorted, wholeWords) : sorted;
  const alphabet = classifyUnits(folded, caseSensitive);
  const trie = buildWordTrie(folded, alphabet.classes);
  if (wholeWords) markInsideEnds(trie, alphabet);
  markWaiting(trie, wholeWords);
  const links = linkStates(trie, alphabet, wholeWords);
  const rows = buildWordRows({ trie, alphabet, links, wholeWords }, options.rowBytes ?? defaultRowBytes);
  const { parents: _parents, ...states } = trie;
  const { units: _units, ...classes } = alphabet;
  const tables = { ...states, ...classes, ...links, ...rows };
  return Object.freeze({
    ...tables,
    wholeWords,
    wordCount: folded.length,
    // Whole words wait for the next code point, of which a high surrogate may have come already.
    maxHeldCharacters: wholeWords ? trie.longest + 1 : trie.longest - 1,
    tableBytes: Object.values(tables).reduce<number>(
      (sum, table) => sum + (ArrayBuffer.isView(table) ? table.byteLength : 0),
      0,
    ),
  });
}

function checkWords(words: readonly string[]): void {
  if (words.length === 0) throw new TypeError('the list holds no word');
  if (words.length > maxWords) throw new RangeError(`the list holds more than ${maxWords} words`);
  let total = 0;
  // The words may be secrets, so a message gives the place and not the word.
  for (const [index, word] of words.entries()) {
    if (word === '') throw new TypeError(`word ${index + 1} of the list is empty`);
    if (word.length > maxWordUnits)
      throw new TypeError(`word ${index + 1} of the list is longer than ${maxWordUnits} code units`);
    if (!word.isWellFormed()) throw new TypeError(`word ${index + 1} of the list holds half of a surrogate pair`);
    total += word.length;
  }
  if (total > maxTotalUnits)
    throw new RangeError(`the words of the list have more than ${maxTotalUnits} code units together`);
}

/** Leaves out each word that only matches where a shorter one does too; whole words do where no letter follows. */
function withoutLonger(sorted: readonly string[], wholeWords: boolean): string[] {
  // The words that the current one begins with; sorted, they come directly before it, the shortest first.
  const beginnings: string[] = [];
  return sorted.filter((word) => {
    while (beginnings.length > 0 && !word.startsWith(beginnings.at(-1) ?? '')) beginnings.pop();
    const isLonger = beginnings.some(({ length }) => !wholeWords || !isWordCodePoint(word.codePointAt(length) ?? 0));
    if (!isLonger) beginnings.push(word);
    return !isLonger;
  });
}

function byCodeUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
