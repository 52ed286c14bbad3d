import { isSpace } from '../unit-classes.ts';

/*
 * The parts of inline Markdown whose end must be seen before their beginning means anything. Each looks ahead by a bound,
 * never beyond its line, and says `unknown` only while the line and the bound allow that the end still comes.
 */

/** Most characters from the first of a mark to the first of the mark that ends it: emphasis, code, the text of a link. */
export const maxSpan = 512;
/** Most characters between the parenthesis of a target and its end, and between `<` and `>`. */
export const maxTarget = 1024;
/** A longer run of backticks is text. */
export const maxTicks = 8;

/** `next` is the place behind the part. */
export interface Found {
  readonly text: string;
  readonly next: number;
}
export type Ahead = Found | 'none' | 'unknown';

const maxDepth = 3;
const titleEnds: Readonly<Record<string, string>> = { '"': '"', "'": "'", '(': ')' };

/**
 * A code span: `ticks` backticks at `at`, closed by the next run of just as many that begins at most `maxSpan` later. Its
 * text is what is between them, without one space on either side where both are there and something else too.
 */
export function readCodeSpan(text: string, at: number, ticks: number, end: number, isComplete: boolean): Ahead {
  const last = at + maxSpan;
  let index = at + ticks;
  for (;;) {
    index = text.indexOf('`', index);
    if (index === -1 || index >= end) return isComplete || end > last ? 'none' : 'unknown';
    if (index > last) return 'none';
    const start = index;
    while (index < end && index - start <= ticks && text[index] === '`') index += 1;
    if (index === end && !isComplete && index - start <= ticks) return 'unknown';
    if (index - start === ticks) return { text: codeText(text.slice(at + ticks, start)), next: index };
    while (index < end && index <= last && text[index] === '`') index += 1;
  }
}

/**
 * The target of a link or an image, from behind its opening parenthesis: blanks, the address (in `<>`, or without white
 * space and with parentheses in pairs, at most three deep), a title behind blanks, blanks, and the closing parenthesis.
 */
export function readTarget(text: string, from: number, end: number, isComplete: boolean): Ahead {
  const stop = Math.min(end, from + maxTarget);
  const out: Ahead = end >= from + maxTarget || isComplete ? 'none' : 'unknown';
  let at = skipSpaces(text, from, stop);
  if (at === stop) return out;
  const start = at;
  let url: string;
  if (text[at] === '<') {
    at = findEnd(text, at + 1, stop, '>', '<');
    if (at === stop) return out;
    if (text[at] !== '>') return 'none';
    url = text.slice(start + 1, at);
    at += 1;
  } else {
    at = skipAddress(text, at, stop);
    if (at === stop) return out;
    if (at === -1) return 'none';
    url = text.slice(start, at);
  }
  const afterUrl = at;
  at = skipSpaces(text, at, stop);
  if (at === stop) return out;
  const titleEnd = at > afterUrl ? titleEnds[text[at] ?? ''] : undefined;
  if (titleEnd !== undefined) {
    at = findEnd(text, at + 1, stop, titleEnd, '');
    if (at === stop) return out;
    at = skipSpaces(text, at + 1, stop);
    if (at === stop) return out;
  }
  return text[at] === ')' ? { text: url, next: at + 1 } : 'none';
}

/** `<address>`, where the address has a scheme or an at sign, no white space, and no angle bracket. */
export function readAutolink(text: string, at: number, end: number, isComplete: boolean): Ahead {
  const stop = Math.min(end, at + 1 + maxTarget);
  let index = at + 1;
  while (index < stop && !isSpace(text.charCodeAt(index)) && text[index] !== '<' && text[index] !== '>') index += 1;
  if (index === stop) return end >= at + 1 + maxTarget || isComplete ? 'none' : 'unknown';
  if (text[index] !== '>') return 'none';
  const address = text.slice(at + 1, index);
  const isAddress = /^[a-z][a-z0-9+.-]{1,31}:/i.test(address) || address.indexOf('@') > 0;
  return isAddress ? { text: address, next: index + 1 } : 'none';
}

function codeText(text: string): string {
  const isPadded = text.length > 2 && text.startsWith(' ') && text.endsWith(' ') && /[^ ]/.test(text);
  return isPadded ? text.slice(1, -1) : text;
}

/** Returns `stop` where the address does not end before it, and -1 where it can't end. */
function skipAddress(text: string, from: number, stop: number): number {
  let depth = 0;
  for (let at = from; at < stop; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x28) {
      depth += 1;
      if (depth > maxDepth) return -1;
    } else if (unit === 0x29) {
      if (depth === 0) return at;
      depth -= 1;
    } else if (isSpace(unit)) {
      return depth === 0 ? at : -1;
    }
  }
  return stop;
}

function findEnd(text: string, from: number, stop: number, one: string, other: string): number {
  let at = from;
  while (at < stop && text[at] !== one && text[at] !== other) at += 1;
  return at;
}

function skipSpaces(text: string, from: number, stop: number): number {
  let at = from;
  while (at < stop && (text[at] === ' ' || text[at] === '\t')) at += 1;
  return at;
}
