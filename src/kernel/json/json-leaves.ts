import { detach } from '../detach.ts';
import { JsonPlace } from './json-place.ts';
import { isWholeScalar, nextScalar, openScalar } from './json-scalar.ts';
import { JsonSpelling, type LeafRewriter } from './json-spelling.ts';
import { isJsonSpace } from '../unit-classes.ts';

export type { LeafRewriter } from './json-spelling.ts';

/** What is kept of a key while it comes. */
const maxKeyJson = 1_024;
/** A value that is no text waits for what shows that it was one, up to this length with the white space behind it. */
const maxScalarHeld = 64;

const quote = 0x22;

/** What comes next. */
type State = 'value' | 'firstValue' | 'key' | 'firstKey' | 'inKey' | 'colon' | 'inText' | 'scalar' | 'comma' | 'plain';

/**
 * Rewrites the strings of a JSON text that comes in fragments; keys, numbers, white space and structure leave byte for
 * byte, and a string that its rewriter does not change keeps its escapes. Held back is what a rewriter holds, an escape that
 * is cut (at most five characters), and a number or a word such as `true` until a comma or bracket shows that it was one.
 *
 * A text that is no JSON is rewritten too: from its first impossible character on, the rest is one plain text with the
 * pointer `''`. Line ends and other control characters inside of a string are taken as part of it, since many clients read
 * them so. Never throws by itself.
 */
export class JsonLeaves {
  readonly #open: (pointer: string) => LeafRewriter | undefined;
  readonly #place = new JsonPlace();
  #state: State = 'value';
  /** The string that is being read; undefined where it is left as it is. */
  #leaf: JsonSpelling | undefined;
  #plain: LeafRewriter | undefined;
  /** An escape that is cut. */
  #escape = '';
  /** The fragment ended behind a backslash, in a string that nobody reads. */
  #skips = false;
  #key = '';
  #scalar = 0;
  #isHalted = false;
  /** A scalar from earlier fragments, with the white space behind it. */
  #held = '';
  /** Where the scalar begins that is not decided; -1 for none. */
  #scalarAt = -1;
  /** The fragment, how far it is read, and how far it is in the output. */
  #json = '';
  #at = 0;
  #copied = 0;
  #output = '';
  /** The next quote and the next backslash in the fragment, as far as they are known. */
  #quoteAt = -1;
  #backslashAt = -1;

  /** `open` is called for each string value with its JSON pointer. Where it gives nothing, the string is left as it is. */
  constructor(open: (pointer: string) => LeafRewriter | undefined) {
    this.#open = open;
  }

  /** Takes the next fragment and returns what can go out; the very same string where nothing is changed or held. */
  push(json: string): string {
    if (json === '' || this.#isHalted) return '';
    if (this.#state === 'plain') return this.#plain === undefined ? json : this.#plain.text(json);
    this.#json = this.#escape === '' ? json : this.#escape + json;
    this.#escape = '';
    this.#at = 0;
    this.#copied = 0;
    this.#quoteAt = -1;
    this.#backslashAt = -1;
    if (this.#held !== '') this.#scalarAt = 0;
    while (this.#at < this.#json.length && !this.#hasHalted()) this.#step();
    const left = this.#release();
    this.#json = '';
    this.#output = '';
    return left;
  }

  /** The text is complete, or no more of it comes: returns the rest. */
  flush(): string {
    if (this.#isHalted) return '';
    if (this.#state === 'plain') return this.#plain?.flush() ?? '';
    const escape = this.#escape;
    this.#escape = '';
    const held = this.#held;
    this.#held = '';
    if (held !== '' && !isWholeScalar(this.#scalar)) {
      const rewriter = this.#beginPlain();
      return rewriter === undefined ? held : rewriter.text(held) + rewriter.flush();
    }
    const left = this.#leaf?.flush() ?? '';
    this.#leaf = undefined;
    return this.#hasHalted() ? held + left : held + left + escape;
  }

  /** Called by a rewriter: nothing leaves behind what its current call returns. */
  halt(): void {
    this.#isHalted = true;
  }

  /** As a call, because a rewriter may have changed it. */
  #hasHalted(): boolean {
    return this.#isHalted;
  }

  #step(): void {
    switch (this.#state) {
      case 'inText':
        if (this.#leaf === undefined) this.#skipText();
        else this.#readText(this.#leaf);
        return;
      case 'inKey':
        this.#skipText();
        return;
      case 'scalar':
        this.#readScalar();
        return;
      default: {
        const unit = this.#json.charCodeAt(this.#at);
        if (isJsonSpace(unit) || this.#readMark(unit)) this.#at += 1;
        else this.#giveUp();
      }
    }
  }

  /** Reads one character of the structure. False for an impossible one. */
  #readMark(unit: number): boolean {
    switch (this.#state) {
      case 'firstKey':
      case 'key':
        if (unit === 0x7d && this.#state === 'firstKey') return this.#leave();
        if (unit !== quote) return false;
        this.#key = '';
        this.#state = 'inKey';
        return true;
      case 'colon':
        if (unit !== 0x3a) return false;
        this.#state = 'value';
        return true;
      case 'comma':
        return this.#readBehindValue(unit);
      default:
        return this.#readValue(unit);
    }
  }

  #readValue(unit: number): boolean {
    switch (unit) {
      case quote:
        this.#state = 'inText';
        this.#leaf = this.#openLeaf();
        return true;
      case 0x7b:
      case 0x5b:
        if (!this.#place.enter(unit === 0x7b)) return false;
        this.#state = unit === 0x7b ? 'firstKey' : 'firstValue';
        return true;
      case 0x5d:
        return this.#state === 'firstValue' && this.#leave();
      default:
        this.#scalar = openScalar(unit);
        if (this.#scalar === 0) return false;
        this.#state = 'scalar';
        this.#scalarAt = this.#at;
        return true;
    }
  }

  #readBehindValue(unit: number): boolean {
    if (this.#place.depth === 0) return false;
    const { inObject } = this.#place;
    const closes = unit === (inObject ? 0x7d : 0x5d);
    if (!closes && unit !== 0x2c) return false;
    this.#settleScalar();
    if (closes) return this.#leave();
    this.#place.next();
    this.#state = inObject ? 'key' : 'value';
    return true;
  }

  #leave(): true {
    this.#place.leave();
    this.#state = 'comma';
    return true;
  }

  #openLeaf(): JsonSpelling | undefined {
    const rewriter = this.#open(this.#place.pointer);
    return rewriter === undefined ? undefined : new JsonSpelling(rewriter);
  }

  #readScalar(): void {
    const json = this.#json;
    while (this.#at < json.length) {
      const next = nextScalar(this.#scalar, json.charCodeAt(this.#at));
      if (next === 0) {
        if (isWholeScalar(this.#scalar)) this.#state = 'comma';
        else this.#giveUp();
        return;
      }
      this.#scalar = next;
      this.#at += 1;
    }
  }

  /** What follows shows that a scalar was one. */
  #settleScalar(): void {
    if (this.#scalarAt === -1) return;
    this.#output += this.#held;
    this.#held = '';
    this.#scalarAt = -1;
  }

  /** Reads a key, or a string that nobody rewrites, as far as it is there. */
  #skipText(): void {
    const start = this.#at;
    const { length } = this.#json;
    if (this.#skips) this.#at += 1;
    this.#skips = false;
    let end = length;
    while (this.#at < length) {
      const closing = this.#nextQuote();
      const escaping = this.#nextBackslash();
      if (closing < escaping) {
        end = closing;
        break;
      }
      this.#at = Math.min(escaping + 2, length);
      this.#skips = escaping === length - 1;
    }
    if (this.#state === 'inKey' && this.#key.length < maxKeyJson)
      this.#key += this.#json.slice(start, Math.min(end, start + maxKeyJson));
    this.#at = end;
    if (end === length) return;
    this.#at += 1;
    if (this.#state === 'inKey') this.#place.key(this.#key);
    this.#state = this.#state === 'inKey' ? 'colon' : 'comma';
  }

  /** Reads a string as far as it is there: up to its closing quote, or to an escape that is cut or that is none. */
  #readText(leaf: JsonSpelling): void {
    const json = this.#json;
    const { length } = json;
    const start = this.#at;
    let text = '';
    let isBroken = false;
    let end = Math.min(this.#nextQuote(), length);
    while (this.#nextBackslash() < end) {
      const escaping = this.#backslashAt;
      text += json.slice(this.#at, escaping);
      const size = escapeLength(json, escaping);
      if (size <= 0) {
        isBroken = size < 0;
        if (size === 0) this.#escape = json.slice(escaping);
        this.#at = escaping;
        end = escaping;
        break;
      }
      text += unescaped(json, escaping, size);
      this.#at = escaping + size;
      end = Math.min(this.#nextQuote(), length);
    }
    const raw = json.slice(start, end);
    if (start < end) this.#put(start, end, leaf.push(this.#at === start ? raw : text + json.slice(this.#at, end), raw));
    this.#at = end;
    if (this.#hasHalted()) this.#cut(end);
    else if (isBroken) this.#giveUp();
    else if (this.#escape !== '') this.#at = length;
    else if (end < length) this.#closeLeaf(leaf, end);
  }

  #closeLeaf(leaf: JsonSpelling, end: number): void {
    this.#put(end, end, leaf.flush());
    this.#leaf = undefined;
    this.#state = 'comma';
    this.#at = end + 1;
    if (this.#hasHalted()) this.#cut(end);
  }

  /** Puts something in the place of a part of the fragment. */
  #put(start: number, end: number, json: string): void {
    if (json.length === end - start && this.#json.startsWith(json, start)) return;
    this.#output += this.#json.slice(this.#copied, start) + json;
    this.#copied = end;
  }

  /** Leaves out the fragment from here on. */
  #cut(at: number): void {
    this.#output += this.#json.slice(this.#copied, at);
    this.#copied = this.#json.length;
    this.#at = this.#json.length;
    this.#escape = '';
  }

  /** What comes is no JSON: the rest is one plain text, from the undecided scalar on. */
  #giveUp(): void {
    const start = this.#scalarAt === -1 ? this.#at : this.#scalarAt;
    if (this.#leaf !== undefined) this.#put(start, start, this.#leaf.flush());
    if (this.#hasHalted()) return this.#cut(start);
    const text = this.#held + this.#json.slice(start);
    this.#held = '';
    const rewriter = this.#beginPlain();
    this.#output += this.#json.slice(this.#copied, start) + (rewriter === undefined ? text : rewriter.text(text));
    this.#copied = this.#json.length;
    this.#at = this.#json.length;
  }

  #beginPlain(): LeafRewriter | undefined {
    this.#state = 'plain';
    this.#leaf = undefined;
    this.#scalarAt = -1;
    this.#plain = this.#open('');
    return this.#plain;
  }

  /** What leaves of the fragment: all but a cut escape or an undecided scalar. */
  #release(): string {
    const json = this.#json;
    let end = json.length - this.#escape.length;
    if (this.#scalarAt !== -1) {
      const held = this.#held + json.slice(this.#scalarAt);
      if (held.length > maxScalarHeld) this.#settleScalar();
      else {
        end = this.#scalarAt;
        this.#held = detach(held);
        this.#scalarAt = -1;
      }
    }
    return this.#output === '' && this.#copied === 0 && end === json.length
      ? json
      : this.#output + json.slice(this.#copied, end);
  }

  /** Where the next quote is; the end of the fragment where there is none. */
  #nextQuote(): number {
    if (this.#quoteAt < this.#at) {
      const found = this.#json.indexOf('"', this.#at);
      this.#quoteAt = found === -1 ? this.#json.length : found;
    }
    return this.#quoteAt;
  }

  #nextBackslash(): number {
    if (this.#backslashAt < this.#at) {
      const found = this.#json.indexOf('\\', this.#at);
      this.#backslashAt = found === -1 ? this.#json.length : found;
    }
    return this.#backslashAt;
  }
}

/** Length of the escape that begins at a backslash: 2 or 6, 0 where it is cut, -1 where it is none. */
function escapeLength(json: string, at: number): number {
  if (at + 1 === json.length) return 0;
  if (json.charCodeAt(at + 1) !== 0x75) return escapes.has(json.charAt(at + 1)) ? 2 : -1;
  const end = Math.min(at + 6, json.length);
  for (let index = at + 2; index < end; index += 1) if (!isHexDigit(json.charCodeAt(index))) return -1;
  return end === at + 6 ? 6 : 0;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

function unescaped(json: string, at: number, size: number): string {
  if (size === 2) return escapes.get(json.charAt(at + 1)) ?? '';
  return String.fromCharCode(Number.parseInt(json.slice(at + 2, at + 6), 16));
}

function isHexDigit(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x46) || (unit >= 0x61 && unit <= 0x66);
}
