import { sentenceEnds } from './sentence-oracle.ts';

/* A whole text cut into sentences and code, the slow way. */

export interface OracleSegment {
  readonly text: string;
  readonly code: boolean;
}

export function sentences(text: string, maxCharacters: number, fences: boolean): OracleSegment[] {
  const segments: OracleSegment[] = [];
  let place = 0;
  const ends = new Set(sentenceEnds(text));
  for (const [start, end] of fences ? codeRanges(text) : []) {
    segments.push(...proseSentences(text, place, start, ends, maxCharacters));
    segments.push({ text: text.slice(start, end), code: true });
    place = end;
  }
  return [...segments, ...proseSentences(text, place, text.length, ends, maxCharacters)];
}

function codeRanges(text: string): [number, number][] {
  const ranges: [number, number][] = [];
  let open: { mark: string; count: number; start: number } | undefined;
  let place = 0;
  for (const line of text.split('\n')) {
    const end = place + line.length;
    const [, marks = '', rest = ''] = /^[ \t\r]*(`+|~+)([^\n]*)$/.exec(line) ?? [];
    const mark = marks.charAt(0);
    if (open !== undefined) {
      if (mark === open.mark && marks.length >= open.count && /^[ \t\r]*$/.test(rest)) {
        ranges.push([open.start, end]);
        open = undefined;
      }
    } else if (marks.length >= 3) {
      if (mark === '`' && rest.includes('`')) ranges.push([place, end]);
      else open = { mark, count: marks.length, start: place };
    }
    place = end + 1;
  }
  if (open !== undefined) ranges.push([open.start, text.length]);
  return ranges;
}

function proseSentences(
  text: string,
  from: number,
  to: number,
  ends: ReadonlySet<number>,
  max: number,
): OracleSegment[] {
  const found: string[] = [];
  let sentence = '';
  for (let place = from; place < to; place += 1) {
    const unit = text.charAt(place);
    if (/\S/.test(sentence) && (ends.has(place) || /[\n\r\u2028\u2029]/.test(unit))) {
      found.push(sentence);
      sentence = '';
    }
    sentence += unit;
    if (sentence.length < max) continue;
    const cut = forcedCut(sentence, max);
    found.push(sentence.slice(0, cut));
    sentence = sentence.slice(cut);
  }
  return [...found, sentence].filter((part) => part !== '').map((part) => ({ text: part, code: false }));
}

function forcedCut(sentence: string, max: number): number {
  const space = sentence.split('').findLastIndex((unit) => /\s/.test(unit));
  if (space > max / 2) return space;
  return /[\ud800-\udbff]$/.test(sentence) ? max - 1 : max;
}
