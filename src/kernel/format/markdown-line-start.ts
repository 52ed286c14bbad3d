import { isBlank, isDigit } from '../unit-classes.ts';

/*
 * How a line of Markdown begins. The rule, on a whole line without its line feed (blanks are space, tab and carriage
 * return; the indentation of a mark is at most 32 blanks):
 *
 * In an open code fence
 * - as many quote marks as the fence has before it may be left out of the line;
 * - a run of the mark of the fence, as long as its own or longer and followed by at most 32 blanks and nothing else, at
 *   most 256 characters, closes it: the line is dropped;
 * - any other line is code.
 *
 * Elsewhere, from the left, again after each mark that may be followed by another, and only in the first 64 characters:
 * - `>` with one space behind it is a quote mark: it is taken away, and its indentation too;
 * - three or more of one of `-*_=`, blanks between them, at most 64 characters: a rule; the line is dropped;
 * - `-`, `*` or `+`, or up to nine digits with `.` or `)`, before a blank: the bullet of a list; it stays as it is;
 * - one to six `#` before a blank or the end of the line: a heading; the mark and up to 32 blanks are taken away;
 * - three or more of `` ` `` or `~`, followed by at most 256 characters (no backtick among them, for backticks): opens a
 *   code fence; the line is dropped;
 * - `|`: a row of a table; it is taken away with up to 32 blanks behind it. A row of only `|`, `-`, `:` and blanks, at
 *   most 256 characters and with a `-`, is dropped;
 * - anything else is text, its indentation too.
 */

/** An open code fence. */
export interface CodeFence {
  /** `` ` `` or `~`. */
  readonly mark: string;
  readonly length: number;
  /** Quote marks before it. */
  readonly quotes: number;
  /** What a line must begin with to belong to where the fence is: its quote marks, and blanks in place of bullets. */
  readonly prefix: string;
}

export type LineStart =
  /** What came of the line does not tell yet. */
  | { readonly kind: 'unknown' }
  /** A line without text of its own. */
  | { readonly kind: 'dropped' }
  | { readonly kind: 'opens'; readonly fence: CodeFence }
  | { readonly kind: 'closes' }
  /** From `from` on it is code. */
  | { readonly kind: 'code'; readonly from: number }
  /** `prefix` stands for what is before `from`; the rest is text. */
  | { readonly kind: 'text'; readonly prefix: string; readonly from: number; readonly isRow: boolean };

/** Characters after which the start of every line is known. */
export const maxLineStart = 448;

const maxIndent = 32;
const maxMarks = 64;
const maxRule = 64;
const maxInfo = 256;
const maxDelimiterRow = 256;
const maxClosing = 256;
const maxDigits = 9;
const maxLevel = 6;
const shortestFence = 3;

const unknown: LineStart = { kind: 'unknown' };
const dropped: LineStart = { kind: 'dropped' };

/** `line` may be cut behind `maxLineStart` characters; `isComplete` says that it is the whole line. */
export function readLineStart(line: string, isComplete: boolean, fence: CodeFence | undefined): LineStart {
  return fence === undefined ? readMarks(line, isComplete) : readInFence(line, isComplete, fence);
}

/** Where the blanks end that begin at `from`, of which at most `limit` are looked at. */
export function skipBlanks(text: string, from: number, limit: number): number {
  const end = Math.min(text.length, from + limit);
  let index = from;
  while (index < end && isBlank(text.charCodeAt(index))) index += 1;
  return index;
}

function readInFence(line: string, isComplete: boolean, fence: CodeFence): LineStart {
  let from = 0;
  let at = skipBlanks(line, 0, maxIndent);
  for (let quotes = 0; quotes < fence.quotes && from < maxMarks && line[at] === '>'; quotes += 1) {
    if (at + 1 === line.length && !isComplete) return unknown;
    from = line[at + 1] === ' ' ? at + 2 : at + 1;
    at = skipBlanks(line, from, maxIndent);
  }
  const end = runEnd(line, at, fence.mark);
  const rest = skipBlanks(line, end, maxIndent);
  const code: LineStart = { kind: 'code', from };
  if (rest < line.length || rest - at > maxClosing) return code;
  const isLongEnough = end - at >= fence.length;
  if (isComplete) return isLongEnough ? { kind: 'closes' } : code;
  const mayGoOn = isLongEnough || rest === end;
  return mayGoOn ? unknown : code;
}

function readMarks(line: string, isComplete: boolean): LineStart {
  let prefix = '';
  let from = 0;
  let quotes = 0;
  while (from < maxMarks) {
    const at = skipBlanks(line, from, maxIndent);
    if (at === line.length) {
      if (!isComplete) return unknown;
      break;
    }
    if (line[at] === '>') {
      if (at + 1 === line.length && !isComplete) return unknown;
      from = line[at + 1] === ' ' ? at + 2 : at + 1;
      quotes += 1;
      continue;
    }
    const leaf = readLeaf(line, from, at, isComplete, quotes, prefix);
    if (leaf !== undefined) return leaf;
    const bullet = readBullet(line, at, isComplete);
    if (bullet === undefined) return unknown;
    if (bullet === at) break;
    prefix += line.slice(from, bullet);
    from = bullet;
  }
  return { kind: 'text', prefix, from, isRow: false };
}

/** A mark that no other can follow, or undefined. */
function readLeaf(
  line: string,
  from: number,
  at: number,
  isComplete: boolean,
  quotes: number,
  prefix: string,
): LineStart | undefined {
  switch (line[at]) {
    case '-':
    case '*':
    case '_':
    case '=':
      return readRule(line, at, isComplete);
    case '#':
      return readHeading(line, at, isComplete, prefix);
    case '`':
    case '~':
      return readFence(line, at, isComplete, quotes);
    case '|':
      return readRow(line, at, isComplete, prefix + line.slice(from, at));
    default:
      return undefined;
  }
}

function readRule(line: string, at: number, isComplete: boolean): LineStart | undefined {
  const mark = line[at];
  let count = 0;
  let index = at;
  for (; index < line.length && index - at <= maxRule; index += 1) {
    if (line[index] === mark) count += 1;
    else if (!isBlank(line.charCodeAt(index))) return undefined;
  }
  if (index - at > maxRule) return undefined;
  if (!isComplete) return unknown;
  return count >= shortestFence ? dropped : undefined;
}

function readHeading(line: string, at: number, isComplete: boolean, prefix: string): LineStart | undefined {
  const end = runEnd(line, at, '#');
  if (end - at > maxLevel) return undefined;
  if (end === line.length && !isComplete) return unknown;
  if (end < line.length && !isBlank(line.charCodeAt(end))) return undefined;
  const from = skipBlanks(line, end, maxIndent);
  if (from === line.length && !isComplete && from - end < maxIndent) return unknown;
  return { kind: 'text', prefix, from, isRow: false };
}

function readFence(line: string, at: number, isComplete: boolean, quotes: number): LineStart | undefined {
  const mark = line[at] ?? '';
  const end = runEnd(line, at, mark);
  const isFence = end - at >= shortestFence;
  if (end === line.length && !isComplete && end - at <= maxInfo) return unknown;
  const length = line.length - at;
  if (!isFence || length > maxInfo || (mark === '`' && line.includes(mark, end))) return undefined;
  if (!isComplete) return unknown;
  const prefix = line.slice(0, at).replace(/[^>\t]/g, ' ');
  return { kind: 'opens', fence: { mark, length: end - at, quotes, prefix } };
}

function readRow(line: string, at: number, isComplete: boolean, prefix: string): LineStart {
  let hasDash = false;
  let index = at;
  for (; index < line.length && index - at <= maxDelimiterRow; index += 1) {
    if (line[index] === '-') hasDash = true;
    else if (line[index] !== '|' && line[index] !== ':' && !isBlank(line.charCodeAt(index))) break;
  }
  if (index === line.length && index - at <= maxDelimiterRow) {
    if (!isComplete) return unknown;
    if (hasDash) return dropped;
  }
  return { kind: 'text', prefix, from: skipBlanks(line, at + 1, maxIndent), isRow: true };
}

/** Where the bullet at `at` ends; `at` where there is none, undefined where it is not known yet. */
function readBullet(line: string, at: number, isComplete: boolean): number | undefined {
  let end = at;
  if (line[at] === '-' || line[at] === '*' || line[at] === '+') {
    end = at + 1;
  } else {
    while (end - at < maxDigits && isDigit(line.charCodeAt(end))) end += 1;
    if (end === at) return at;
    if (end === line.length) return isComplete ? at : undefined;
    if (line[end] !== '.' && line[end] !== ')') return at;
    end += 1;
  }
  if (end === line.length) return isComplete ? at : undefined;
  return isBlank(line.charCodeAt(end)) ? end + 1 : at;
}

function runEnd(line: string, from: number, mark: string): number {
  let end = from;
  while (line[end] === mark) end += 1;
  return end;
}
