import type { AnswerEnding } from '../../src/kernel/modifier.ts';
import { sentenceEnds } from './sentence-oracle.ts';

/*
 * The rules of stop-when said again, slowly and without a line of the engine's code: for every beginning of the text,
 * shortest first, every rule is asked anew.
 */

export interface SlowRules {
  readonly sequences?: readonly string[];
  readonly include?: boolean;
  readonly limit?: number;
  readonly repetition?: { readonly min: number; readonly max: number; readonly times: number };
  readonly condition?: {
    readonly at: 'word' | 'sentence' | 'line';
    readonly isMet: (counts: { characters: number; words: number; sentences: number; lines: number }) => boolean;
  };
}

export interface SlowStop {
  readonly left: string;
  readonly ending?: AnswerEnding;
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Where each character begins; one of more than 32 code points begins again after each 32. */
export function characterStarts(text: string): number[] {
  const starts: number[] = [];
  let place = 0;
  while (place < text.length) {
    starts.push(place);
    const [first] = segmenter.segment(text.slice(place));
    place += [...(first?.segment ?? '')].slice(0, 32).join('').length;
  }
  return starts;
}

export function stopSlowly(text: string, rules: SlowRules): SlowStop {
  // Half of a pair at the very end is let through: nobody knows what it would have been.
  const judged = /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
  const over = rules.limit === undefined ? undefined : characterStarts(judged)[rules.limit];
  const ends = sentenceEnds(text);
  for (let end = 0; end <= text.length; end += 1) {
    const read = text.slice(0, end);
    const sequence = (rules.sequences ?? [])
      .filter((one) => read.endsWith(one))
      .toSorted((one, other) => other.length - one.length)[0];
    if (sequence !== undefined) {
      const left = rules.include === true ? read : read.slice(0, -sequence.length);
      return { left, ending: { reason: 'stop', stopSequence: sequence } };
    }
    if (rules.repetition !== undefined && repeats(read, rules.repetition)) {
      return { left: read, ending: { reason: 'length' } };
    }
    if (rules.condition !== undefined && isMetAt(text, end, ends, rules.condition)) {
      return { left: read, ending: { reason: 'stop' } };
    }
    if (end === over) return { left: read, ending: { reason: 'length' } };
  }
  return { left: text };
}

function repeats(read: string, { min, max, times }: NonNullable<SlowRules['repetition']>): boolean {
  if (/[\ud800-\udbff]$/.test(read)) return false;
  for (let length = min; length <= max && length * times <= read.length; length += 1) {
    if (read.endsWith(read.slice(-length).repeat(times))) return true;
  }
  return false;
}

function isMetAt(
  text: string,
  end: number,
  sentences: readonly number[],
  { at, isMet }: NonNullable<SlowRules['condition']>,
): boolean {
  const next = text[end];
  if (next === undefined) return false;
  const read = text.slice(0, end);
  const endsSentence = sentences.includes(end);
  const endsWord = endsSentence || (/\S$/.test(read) && /\s/.test(next));
  const ends = { word: endsWord, sentence: endsSentence, line: next === '\n' };
  if (!ends[at]) return false;
  return isMet({
    characters: characterStarts(read).length,
    words: read.split(/\s+/).filter((word) => word !== '').length,
    sentences: sentences.filter((place) => place <= end).length,
    lines: read.split('\n').length,
  });
}
