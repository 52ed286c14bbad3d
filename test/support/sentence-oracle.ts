/*
 * Sentences of a whole text, found the slow way: every place is judged by looking back at all that is in front of it. It
 * shares nothing with the cutter of the product but the words of the rule.
 */

export interface OracleSegment {
  readonly text: string;
  readonly code: boolean;
}

const soft = '.!?…．؟۔।॥።။';
const hard = '。！？｡';
const closers = '"\'”’»)]}」』）】》〉｣*_~`';
const openers = '("\'[{*_«„“‘';
const abbreviations = 'mr mrs ms dr prof sr jr st vs etc nr fig eq ca approx inc ltd co bzw usw ph.d al'.split(' ');

export function sentences(text: string, maxCharacters: number, fences: boolean): OracleSegment[] {
  const segments: OracleSegment[] = [];
  let place = 0;
  for (const [start, end] of fences ? codeRanges(text) : []) {
    segments.push(...proseSentences(text.slice(place, start), place === 0, maxCharacters));
    segments.push({ text: text.slice(start, end), code: true });
    place = end;
  }
  return [...segments, ...proseSentences(text.slice(place), place === 0, maxCharacters)];
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

function proseSentences(text: string, isTextStart: boolean, max: number): OracleSegment[] {
  const found: string[] = [];
  /** For every place: a full stop there ends nothing. */
  const noEnd: boolean[] = [];
  let sentence = '';
  for (const [place, unit] of text.split('').entries()) {
    if (/\S/.test(sentence) && endsBefore(text, place, noEnd)) {
      found.push(sentence);
      sentence = '';
    }
    sentence += unit;
    noEnd.push(unit === '.' && isAbbreviation(sentence, isTextStart && found.length === 0));
    if (sentence.length < max) continue;
    const cut = forcedCut(sentence, max);
    found.push(sentence.slice(0, cut));
    sentence = sentence.slice(cut);
  }
  return [...found, sentence].filter((part) => part !== '').map((part) => ({ text: part, code: false }));
}

function endsBefore(text: string, place: number, noEnd: readonly boolean[]): boolean {
  const next = text.charAt(place);
  if (/[\n\r\u2028\u2029]/.test(next)) return true;
  let start = place;
  while (start > 0 && (soft + hard + closers).includes(text.charAt(start - 1))) start -= 1;
  let end = '';
  for (let at = start; at < place; at += 1) {
    const unit = text.charAt(at);
    if (hard.includes(unit)) end = 'hard';
    if (soft.includes(unit) && end === '' && noEnd[at] !== true) end = 'soft';
  }
  if (end === 'soft') return /\s/.test(next);
  return end === 'hard' && !(soft + hard + closers).includes(next);
}

function isAbbreviation(sentence: string, isFirst: boolean): boolean {
  const before = sentence.slice(0, -1);
  const isWhole = before.length <= 12;
  const seen = before.slice(-12);
  const starts = seen.split('').findLastIndex((unit) => /\s/.test(unit) || openers.includes(unit));
  if (starts >= 0 || isWhole) {
    const word = seen.slice(starts + 1).toLowerCase();
    if (abbreviations.includes(word) || word.split('.').every((part) => /^\p{L}$/u.test(part))) return true;
  }
  const line = Math.max(seen.lastIndexOf('\n'), seen.lastIndexOf('\r'));
  if (line < 0 && !(isWhole && isFirst)) return false;
  return /^[ \t>]*\d{1,3}$/.test(seen.slice(line + 1));
}

function forcedCut(sentence: string, max: number): number {
  const space = sentence.split('').findLastIndex((unit) => /\s/.test(unit));
  if (space > max / 2) return space;
  return /[\ud800-\udbff]$/.test(sentence) ? max - 1 : max;
}
