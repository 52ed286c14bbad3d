/*
 * Markdown taken away, said again on the whole text: regular expressions for the beginning of a line, a list of tokens
 * for what is in it, and every pair of marks found by looking back from its end. Shares no code with the engine.
 */

export interface PlainOracle {
  readonly text: string;
  readonly isCode: boolean;
}

interface Fence {
  readonly mark: string;
  readonly length: number;
  readonly quotes: number;
  readonly prefix: string;
}

const bullet = /^[ \t\r]{0,32}(?:[-*+]|\d{1,9}[.)])[ \t\r]/;
const quote = /^[ \t\r]{0,32}> ?/;
const heading = /^[ \t\r]{0,32}#{1,6}(?:[ \t\r]{1,32}|$)/;
const rule = /^[ \t\r]{0,32}(?=.{3,64}$)([-*_=])(?:[ \t\r]*\1){2,}[ \t\r]*$/s;
const ticks = /^[ \t\r]{0,32}(?=.{3,256}$)(`{3,})[^`]*$/s;
const tildes = /^[ \t\r]{0,32}(?=.{3,256}$)(~{3,}).*$/s;
const delimiters = /^[ \t\r]{0,32}(?=.{2,256}$)\|[|:\- \t\r]*$/s;
const row = /^([ \t\r]{0,32})\|[ \t\r]{0,32}/;

interface LineOracle {
  readonly kind: 'dropped' | 'text' | 'code' | 'row' | 'opens' | 'closes';
  readonly prefix: string;
  readonly rest: string;
  readonly fence?: Fence;
}

function lineOf(line: string, fence: Fence | undefined): LineOracle {
  if (fence !== undefined) return codeLine(line, fence);
  let prefix = '';
  let rest = line;
  let marked = '';
  let quotes = 0;
  while (line.length - rest.length < 64) {
    const leaf = leafOf(rest, prefix, marked, quotes);
    if (leaf !== undefined) return leaf;
    const isQuote = quote.exec(rest);
    const isBullet = bullet.exec(rest);
    const found = isQuote ?? isBullet;
    if (found === null) break;
    if (isQuote !== null) quotes += 1;
    else prefix += found[0];
    marked += found[0];
    rest = rest.slice(found[0].length);
  }
  return { kind: 'text', prefix, rest };
}

function leafOf(rest: string, prefix: string, marked: string, quotes: number): LineOracle | undefined {
  const indent = /^[ \t\r]{0,32}/.exec(rest)?.[0] ?? '';
  if (rule.test(rest) && rest.length - indent.length <= 64) return { kind: 'dropped', prefix, rest: '' };
  const title = heading.exec(rest);
  if (title !== null) return { kind: 'text', prefix, rest: rest.slice(title[0].length) };
  const opened = ticks.exec(rest) ?? tildes.exec(rest);
  if (opened !== null && rest.length - indent.length <= 256) {
    const before = `${marked}${indent}`.replaceAll(/[^>\t]/g, ' ');
    const run = opened[1] ?? '';
    const fence = { mark: run.charAt(0), length: run.length, quotes, prefix: before };
    return { kind: 'opens', prefix, rest: '', fence };
  }
  if (delimiters.test(rest) && rest.includes('-') && rest.length - indent.length <= 256)
    return { kind: 'dropped', prefix, rest: '' };
  const cells = row.exec(rest);
  if (cells !== null) return { kind: 'row', prefix: prefix + (cells[1] ?? ''), rest: rest.slice(cells[0].length) };
  return undefined;
}

function codeLine(line: string, fence: Fence): LineOracle {
  let rest = line;
  for (let count = 0; count < fence.quotes && line.length - rest.length < 64; count += 1)
    rest = rest.replace(quote, '');
  const body = rest.replace(/^[ \t\r]{0,32}/, '');
  const run = /^(`*|~*)[ \t\r]{0,32}$/.exec(body)?.[1] ?? '';
  const closes = run.startsWith(fence.mark) && run.length >= fence.length && body.length <= 256;
  return { kind: closes ? 'closes' : 'code', prefix: '', rest };
}

/** The plain text, as pieces that are code or not. */
export function plainSlowly(text: string, showsAddresses: boolean): PlainOracle[] {
  const pieces: PlainOracle[] = [];
  const lines = text.split('\n');
  let fence: Fence | undefined;
  lines.forEach((line, index) => {
    const isLast = index === lines.length - 1;
    const feed = isLast ? '' : '\n';
    if (isLast && line === '') return;
    const read = lineOf(line, fence);
    if (read.kind === 'opens') fence = read.fence;
    if (read.kind === 'closes') fence = undefined;
    if (read.kind === 'code') pieces.push({ text: read.rest + feed, isCode: true });
    if (read.kind !== 'text' && read.kind !== 'row') return;
    const inline = inlineSlowly(read.rest, { isRow: read.kind === 'row', isLast, showsAddresses });
    pieces.push({ text: read.prefix + inline + feed, isCode: false });
  });
  return pieces;
}

/** The text as it is, as pieces that are code or not; and what closes a fence at its end. */
export function keptSlowly(text: string): { readonly pieces: PlainOracle[]; readonly closing: string } {
  const pieces: PlainOracle[] = [];
  const lines = text.split('\n');
  let fence: Fence | undefined;
  lines.forEach((line, index) => {
    const wasIn = fence !== undefined;
    const read = lineOf(line, fence);
    if (read.kind === 'opens') fence = read.fence;
    if (read.kind === 'closes') fence = undefined;
    pieces.push({ text: line, isCode: wasIn });
    if (index < lines.length - 1) pieces.push({ text: '\n', isCode: wasIn && fence !== undefined });
  });
  const open: Fence | undefined = fence;
  const start = text.endsWith('\n') ? '' : '\n';
  return { pieces, closing: open === undefined ? '' : closingOf(open, start) };
}

function closingOf({ prefix, mark, length }: Fence, start: string): string {
  return start + prefix + mark.repeat(length);
}

// ---- inside of a line --------------------------------------------------------------------------------------------------

interface Inside {
  readonly isRow: boolean;
  readonly isLast: boolean;
  readonly showsAddresses: boolean;
}

interface Token {
  readonly kind: 'text' | 'run' | 'open' | 'image' | 'close' | 'cell';
  /** Where it begins, or what is left of it. */
  at: number;
  /** What it shows. */
  text: string;
  readonly mark?: string;
  readonly opens?: boolean;
  readonly closes?: boolean;
  /** Set on a closing bracket with a target, with the length of the target. */
  readonly address?: string;
  readonly skips?: number;
  isOpen?: boolean;
}

const address = String.raw`(?:[^\s()]|\((?:[^\s()]|\((?:[^\s()]|\([^\s()]*\))*\))*\))*`;
const title = String.raw`(?:[ \t]+(?:"[^"]*"|'[^']*'|\([^)]*\)))?`;
const target = new RegExp(String.raw`^[ \t]*(?![ \t])(?:<([^<>]*)>|(?!<)(${address}))${title}[ \t]*\)`);

function inlineSlowly(line: string, inside: Inside): string {
  const tokens: Token[] = [];
  for (let at = 0; at < line.length;) {
    at = readToken(line, at, inside, tokens);
    const token = tokens.at(-1);
    if (token?.kind === 'run') pairRun(tokens);
    if (token?.kind === 'close') at += pairBracket(tokens, inside.showsAddresses);
    if (token?.kind === 'cell') closeBetween(tokens, -1);
    if (token?.kind === 'open' || token?.kind === 'image') token.isOpen = true;
  }
  return tokens.map(({ text }) => text).join('');
}

/** Reads the token at `at` and returns the place behind it. */
function readToken(line: string, at: number, inside: Inside, tokens: Token[]): number {
  const rest = line.slice(at);
  const put = (kind: Token['kind'], length: number, text: string, more: Partial<Token> = {}): number => {
    tokens.push({ kind, at, text, ...more });
    return at + length;
  };
  const escaped = /^\\([!-/:-@[-`{-~])/.exec(rest);
  if (escaped !== null) return put('text', 2, escaped[1] ?? '');
  if (rest === '\\' && !inside.isLast) return put('text', 1, '');
  const run = /^(?:`+|\*+|_+|~+)/.exec(rest)?.[0];
  if (run?.startsWith('`') === true) return readTicks(line, at, run, put);
  if (run !== undefined) return readRun(line, at, run, tokens, put);
  const link = /^<([^\s<>]{1,1023})>/.exec(rest)?.[1];
  if (link !== undefined && (/^[a-z][a-z0-9+.-]{1,31}:/i.test(link) || /^[^@]+@/.test(link)))
    return put('text', link.length + 2, link);
  if (rest.startsWith('![')) return put('image', 2, '![');
  if (rest.startsWith('[')) return put('open', 1, '[');
  if (rest.startsWith(']')) return readBracket(rest, put);
  if (inside.isRow) return readCell(line, at, put);
  return put('text', 1, rest.charAt(0));
}

type Put = (kind: Token['kind'], length: number, text: string, more?: Partial<Token>) => number;

function readTicks(line: string, at: number, run: string, put: Put): number {
  if (run.length > 8) return put('text', run.length, run);
  for (const { 0: other, index } of line.matchAll(/`+/g)) {
    if (index < at + run.length || index > at + 512 || other.length !== run.length) continue;
    const inner = line.slice(at + run.length, index);
    const padded = /^ (.*[^ ].*) $/s.exec(inner)?.[1] ?? inner;
    return put('text', index + run.length - at, padded);
  }
  return put('text', run.length, run);
}

function readRun(line: string, at: number, run: string, tokens: readonly Token[], put: Put): number {
  const mark = run.charAt(0);
  if (run.length > 3 || (mark === '~' && run.length !== 2)) return put('text', run.length, run);
  const before = beforeOf(line, at, tokens);
  const after = line.charAt(at + run.length);
  const isWord = (unit: string): boolean => /^[\p{L}\p{N}]$/u.test(unit);
  const opens = /\S/.test(after) && !(mark === '_' && isWord(before));
  const closes = /\S/.test(before) && !(mark === '_' && isWord(after));
  return put('run', run.length, run, { mark, opens, closes });
}

/** The unit before a place; of a token that is more than one character, something that is no white space and no letter. */
function beforeOf(line: string, at: number, tokens: readonly Token[]): string {
  const last = tokens.at(-1);
  if (last === undefined) return '';
  return last.kind === 'text' && at - last.at === 1 ? line.charAt(at - 1) : '.';
}

function readBracket(rest: string, put: Put): number {
  if (rest.charAt(1) !== '(') return put('close', 1, ']');
  const found = target.exec(rest.slice(2));
  if (found === null || found[0].length > 1024) return put('close', 1, ']');
  return put('close', 1, ']', { address: found[1] ?? found[2] ?? '', skips: found[0].length + 1 });
}

function readCell(line: string, at: number, put: Put): number {
  const rest = line.slice(at);
  const isInRun = /[ \t\r]$/.test(line.slice(0, at));
  const cell = /^([ \t\r]{0,32})\|[ \t\r]{0,32}/.exec(rest);
  if (cell === null || (isInRun && cell[1] !== '')) return put('text', 1, rest.charAt(0));
  return put('cell', cell[0].length, cell[0].length === rest.length ? '' : '\t');
}

/** Place of the nearest open token before the last one, or -1. */
function nearest(tokens: readonly Token[], fits: (token: Token) => boolean): number {
  const at = tokens.at(-1)?.at ?? 0;
  return tokens.slice(0, -1).findLastIndex((token) => token.isOpen === true && at - token.at <= 512 && fits(token));
}

function closeBetween(tokens: readonly Token[], from: number): void {
  for (const token of tokens.slice(from + 1)) token.isOpen = false;
}

function pairRun(tokens: readonly Token[]): void {
  const run = tokens.at(-1);
  if (run === undefined) return;
  let gone = 0;
  while (run.closes === true && run.text !== '') {
    const place = nearest(tokens, ({ kind, mark }) => kind === 'run' && mark === run.mark);
    const opened = tokens[place];
    if (opened === undefined) break;
    const used = Math.min(opened.text.length, run.text.length);
    opened.text = opened.text.slice(used);
    run.text = run.text.slice(used);
    gone += used;
    opened.isOpen = opened.text !== '';
    closeBetween(tokens, place);
  }
  run.at += gone;
  run.isOpen = run.text !== '' && run.opens === true;
}

/** Returns how long the target is that goes with the bracket. */
function pairBracket(tokens: readonly Token[], showsAddresses: boolean): number {
  const close = tokens.at(-1);
  const place = nearest(tokens, ({ kind }) => kind === 'open' || kind === 'image');
  const opened = tokens[place];
  if (close === undefined || opened === undefined) return 0;
  opened.isOpen = false;
  const { address: shownAddress, skips } = close;
  if (shownAddress === undefined || skips === undefined) return 0;
  opened.text = '';
  closeBetween(tokens, place);
  const shown = tokens
    .slice(place, -1)
    .map(({ text }) => text)
    .join('');
  const isHidden = opened.kind === 'image' || !showsAddresses || shownAddress === shown;
  close.text = isHidden || shown === '' ? '' : ` (${shownAddress})`;
  if (!isHidden && shown === '') close.text = shownAddress;
  if (shownAddress === '') close.text = '';
  return skips;
}
