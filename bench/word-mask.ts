import { pathToFileURL } from 'node:url';
import { buildWordAutomaton, type WordAutomaton } from '../src/kernel/words/word-automaton.ts';
import { createWordMasker, maskText } from '../src/kernel/words/word-mask.ts';
import { seeded, skewed, type Random } from './random.ts';
import { cutText, textSpeed } from './text-speed.ts';

/*
 * Speed of the word mask: made-up English and Chinese lists, running text of the same making. `node bench/word-mask.ts`.
 * MB/s counts UTF-8 bytes of text that goes through a masker, whole and in pieces of a model's delta.
 */

export interface WordMaskFigure {
  readonly language: 'english' | 'chinese';
  readonly words: number;
  readonly buildMilliseconds: number;
  readonly tableBytes: number;
  /** MB/s of UTF-8 in pieces of 64 Ki units, no word in the text. */
  readonly plain: number;
  /** The same in pieces of 24 units. */
  readonly plainDeltas: number;
  /** MB/s in pieces of 64 Ki units, about every 30th word of the text is in the list. */
  readonly matching: number;
}

interface Language {
  readonly name: 'english' | 'chinese';
  /** A word of running text. */
  word(random: Random): string;
  /** Shorter words are not listed: they would be in every second word of the text. */
  readonly shortest: number;
  readonly space: string;
}

const textUnits = 4 * 1024 * 1024;
const minimumMilliseconds = 400;
const consonants = [
  'b',
  'c',
  'd',
  'f',
  'g',
  'h',
  'l',
  'm',
  'n',
  'p',
  'r',
  's',
  't',
  'v',
  'w',
  'st',
  'tr',
  'ch',
  'sh',
  'th',
  'pl',
  'gr',
  'qu',
  'br',
  'k',
  'j',
  'z',
];
const vowels = ['a', 'e', 'i', 'o', 'u', 'ea', 'ou', 'io', 'ai', 'ee', 'y'];
const endings = ['', 'n', 'r', 's', 't', 'l', 'ng', 'd', 'm', 'ck', 'nt', 'st'];

const english: Language = {
  name: 'english',
  space: ' ',
  shortest: 7,
  word(random) {
    let word = '';
    const syllables = 1 + Math.floor(random() * 4);
    for (let index = 0; index < syllables; index += 1) word += skewed(consonants, random) + skewed(vowels, random);
    return word + skewed(endings, random);
  },
};

const chinese: Language = {
  name: 'chinese',
  space: '',
  shortest: 2,
  word(random) {
    let word = '';
    const length = 1 + Math.floor(random() * 4);
    for (let index = 0; index < length; index += 1)
      word += String.fromCharCode(0x4e00 + Math.floor(random() ** 1.5 * 3500));
    return word;
  },
};

/** The figures of one list. Deterministic but for the time. */
export function measureWordMask(name: 'english' | 'chinese', count: number): WordMaskFigure {
  const language = name === 'english' ? english : chinese;
  const random = seeded(count + name.length);
  const listed = new Set<string>();
  while (listed.size < count) {
    const word = language.word(random);
    if (word.length >= language.shortest) listed.add(word);
  }
  const words = [...listed];
  const started = performance.now();
  const automaton = buildWordAutomaton(words);
  const buildMilliseconds = performance.now() - started;
  const matchingText = makeText(language, seeded(7), words);
  // A match becomes a space, which is in no word, so no new match comes to be.
  const plainText = maskText(automaton, { with: ' ' }, makeText(language, seeded(9), []));
  return {
    language: name,
    words: count,
    buildMilliseconds,
    tableBytes: automaton.tableBytes,
    plain: throughput(automaton, cutText(plainText, 64 * 1024)),
    plainDeltas: throughput(automaton, cutText(plainText, 24)),
    matching: throughput(automaton, cutText(matchingText, 64 * 1024)),
  };
}

function makeText(language: Language, random: Random, listed: readonly string[]): string {
  const parts: string[] = [];
  for (let units = 0; units < textUnits;) {
    const part =
      listed.length > 0 && random() < 1 / 30
        ? (listed[Math.floor(random() * listed.length)] ?? '')
        : language.word(random);
    parts.push(part);
    units += part.length + language.space.length;
  }
  return parts.join(language.space);
}

function throughput(automaton: WordAutomaton, pieces: readonly string[]): number {
  return textSpeed(() => createWordMasker(automaton, { with: '***' }), pieces, minimumMilliseconds);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log('list                build ms   tables MB   plain MB/s   in deltas MB/s   matching MB/s');
  for (const language of ['english', 'chinese'] as const) {
    for (const count of [1_000, 10_000, 100_000]) {
      const figure = measureWordMask(language, count);
      const name = `${language} ${count.toLocaleString('en')}`;
      const cells = [
        figure.buildMilliseconds,
        figure.tableBytes / 1e6,
        figure.plain,
        figure.plainDeltas,
        figure.matching,
      ];
      const widths = [8, 12, 13, 17, 16];
      console.log(name.padEnd(20) + cells.map((cell, index) => cell.toFixed(1).padStart(widths[index] ?? 0)).join(''));
    }
  }
}
