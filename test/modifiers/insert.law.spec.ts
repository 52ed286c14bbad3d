import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { Configured } from '../../src/kernel/schema.ts';
import { insert } from '../../src/modifiers/insert.ts';
import { lawCases, proveLaw, proveMinimalHold, type Law } from '../support/law.ts';
import { sentenceEnds } from '../support/sentence-oracle.ts';
import { textBlock } from '../support/text-block.ts';
import { testRun } from '../support/test-run.ts';

/*
 * An oracle gives the places of a whole text, found by regular expressions and the segmenter; what is put in at which of
 * them is common to all.
 */

type Config = Configured<typeof insert.config>;
interface Rules {
  readonly config: Partial<Config> & Pick<Config, 'at'>;
  readonly places: (text: string) => readonly number[];
  readonly parts: readonly string[];
  /** Where the hold is proven with other parts. */
  readonly holdParts?: readonly string[];
  readonly goesOn: readonly string[];
}

const { run } = testRun();
// Its first unit is in no text, so that a place is never met by chance.
const mark = '‹i›';

const markerPlaces =
  (marker: string, side: 'before' | 'after') =>
  (text: string): number[] => {
    const places: number[] = [];
    for (let index = text.indexOf(marker); index !== -1; index = text.indexOf(marker, index + marker.length))
      places.push(side === 'before' ? index : index + marker.length);
    return places;
  };

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Each place behind as many characters, but the end of the text. */
const characterPlaces =
  (every: number) =>
  (text: string): number[] =>
    [...segmenter.segment(text)].map(({ index }) => index).filter((index, order) => order > 0 && order % every === 0);

const abbreviations = ['dr', 'etc'];
const sentencePlaces = (text: string): readonly number[] => sentenceEnds(text, abbreviations);

/** Paragraphs are found by cutting the text at blank lines, from the left; the text behind the last one is one too. */
function paragraphPlaces(text: string): number[] {
  const places: number[] = [];
  let start = 0;
  for (const { index, 0: lines } of text.matchAll(/\r?\n[ \t]{0,32}\r?\n/g)) {
    if (!/\S/.test(text.slice(start, index))) continue;
    places.push(index);
    start = index + lines.length;
  }
  const rest = text.slice(start);
  const tail = /(?:\r|\r?\n[ \t]{0,32}\r?)$/.exec(rest)?.index ?? rest.length;
  return /\S/.test(rest) ? [...places, start + tail] : places;
}

const clusters = [
  'a',
  'é',
  'e\u0301',
  '👩🏽‍🚀',
  '👩',
  '\u200d',
  '🇩🇪',
  '🇫',
  '한',
  'ᄒ',
  'ᅡ',
  '\r\n',
  '\r',
  '\n',
  'क्षि',
  '\ufe0f',
  '字',
];
const halves = ['\ud83c', '\udffd', '\ud83d', '\udc69'];
// Of the pairs with this first half some join what stands before, and some don't: so the half has to wait.
const undecidedHalf = ['a', 'é', 'e\u0301', '한', '字', '\ud83c\udffd', '\ud83c\udde9', '\ud83c\udf00'];
const afterHalf = ['', 'x', '\udffdx', '\udde9x', '\udc69x'];
const sentenceParts = [
  'a',
  'Dr',
  'etc',
  'J',
  '12',
  ' ',
  '\n',
  ' \t',
  '.',
  '.',
  '!',
  '?!',
  '…',
  '。',
  '！',
  '"',
  ')',
  '*',
  '\u0301',
  '👍🏽',
  'ab',
  '_',
  '“',
  '> ',
  '．',
  ' '.repeat(12),
  `${' '.repeat(12)}123456789`,
  '1234567890',
  'x'.repeat(22),
];
const paragraphParts = [
  'a',
  'b c',
  '\n',
  '\r\n',
  '\r',
  '\n\n',
  ' ',
  '\t',
  ' '.repeat(30),
  `\n${' '.repeat(32)}`,
  '\u3000',
];

const rules: Readonly<Record<string, Rules>> = {
  start: { config: { at: 'start' }, places: (text) => (text === '' ? [] : [0]), parts: ['a', 'b'], goesOn: ['', 'x'] },
  end: { config: { at: 'end' }, places: () => [], parts: ['a', 'b'], goesOn: ['', 'x'] },
  'before a marker': {
    config: { at: 'before', marker: 'aabaa' },
    places: markerPlaces('aabaa', 'before'),
    parts: ['a', 'b', 'aab', 'aabaa', 'abaa', 'c'],
    goesOn: ['', 'x', 'aabaax', 'abaax', 'baax', 'aax', 'ax', 'bax'],
  },
  'before every second marker, at most twice': {
    config: { at: 'before', marker: 'ab', every: 2, times: 2 },
    places: markerPlaces('ab', 'before'),
    parts: ['a', 'b', 'ab', 'c'],
    goesOn: ['', 'x', 'bx', 'abx'],
  },
  'after a marker of pairs': {
    config: { at: 'after', marker: '😀😀a' },
    places: markerPlaces('😀😀a', 'after'),
    parts: ['😀', 'a', '😀😀a', '\ud83d', '\ude00'],
    goesOn: ['', 'x', 'ax', '\ude00ax'],
  },
  'after the first marker': {
    config: { at: 'after', marker: 'abab', times: 1 },
    places: markerPlaces('abab', 'after'),
    parts: ['a', 'b', 'ab', 'c'],
    goesOn: ['', 'x', 'bx', 'abx', 'babx'],
  },
  'behind every character': {
    config: { at: 'characters', every: 1 },
    places: characterPlaces(1),
    parts: [...clusters, ...halves],
    holdParts: undecidedHalf,
    goesOn: afterHalf,
  },
  'behind every third character, at most twice': {
    config: { at: 'characters', every: 3, times: 2 },
    places: characterPlaces(3),
    parts: [...clusters, ...halves],
    holdParts: undecidedHalf,
    goesOn: afterHalf,
  },
  'behind sentences': {
    config: { at: 'sentences' },
    places: sentencePlaces,
    parts: [...sentenceParts, '\ud83c', '\udffd'],
    goesOn: ['', ' ', 'x', '\u0301'],
  },
  'behind every second sentence, at most twice': {
    config: { at: 'sentences', every: 2, times: 2 },
    places: sentencePlaces,
    parts: ['.', '. ', 'a', '。', '\ud83c', '\udffd'],
    goesOn: ['', ' ', 'x', '\u0301'],
  },
  'behind paragraphs': {
    config: { at: 'paragraphs' },
    places: paragraphPlaces,
    parts: paragraphParts,
    goesOn: ['', 'x', '\n', '\r\n', '\n\n', '\nx', ' \nx', '\rx', ' x'],
  },
  'behind every second paragraph, at most twice': {
    config: { at: 'paragraphs', every: 2, times: 2 },
    places: paragraphPlaces,
    parts: ['a', '\n', '\r\n', '\n\n', 'a\n\nb\n\n'],
    goesOn: ['', 'x', '\n', '\r\n', '\n\n', '\nx', ' \nx', '\rx', ' x'],
  },
};

const cases = Math.ceil(lawCases / Object.keys(rules).length);
/** Each looks at every piece of a text, in many ways to go on. */
const holdCases = Math.ceil(cases / 5);

function lawOf(
  { config, places, goesOn }: Rules,
  parts: readonly string[],
): Law & { readonly goesOn: readonly string[] } {
  const { every = 1, times = Number.POSITIVE_INFINITY } = config;
  const modifier = insert.create(
    { text: mark, channels: ['text'], ...config, ...(config.at === 'sentences' && { abbreviations }) },
    {},
  );
  return {
    open() {
      if (modifier.effect !== 'text') throw new TypeError('insert rewrites text');
      return modifier.open(run, textBlock());
    },
    oracle(text) {
      // Characters are counted by their places, all other places here.
      const step = config.at === 'characters' ? 1 : every;
      const used = places(text).filter((_place, index) => (index + 1) % step === 0);
      const kept = times === Number.POSITIVE_INFINITY ? used : used.slice(0, times);
      const cuts = [0, ...kept, text.length];
      return cuts
        .slice(1)
        .map((end, index) => text.slice(cuts[index], end))
        .join(mark);
    },
    texts: fc.array(fc.constantFrom(...parts), { maxLength: 14 }).map((pieces) => pieces.join('')),
    goesOn,
  };
}

describe.each(Object.entries(rules))('%s', (_name, rule) => {
  it('is the rule applied to the whole text, whatever the cuts', () => {
    proveLaw({ ...lawOf(rule, rule.parts), cases });
  });

  it('holds no more than it needs', () => {
    proveMinimalHold({ ...lawOf(rule, rule.holdParts ?? rule.parts), cases: holdCases });
  });
});
