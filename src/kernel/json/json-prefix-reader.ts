import { jsonKinds, type JsonMistake } from './json-prefix-node.ts';
import { isJsonSpace } from '../unit-classes.ts';

/** Deepest nesting of a document. */
export const maxJsonPrefixDepth = 128;
/** Longest number whose value is looked at, in characters; a double has at most 767 digits that matter. */
export const maxNumberLength = 1024;

/**
 * Follows a document as it is read. Each method answers at the character it is called for: false where no document that
 * begins so is allowed, and then `mistake` says why.
 */
export interface JsonPrefixFollower {
  readonly mistake: JsonMistake;
  /** The units of the string that is open are to be told. */
  readonly wantsUnits: boolean;
  /** The text of the number that is open is to be told. */
  readonly wantsNumber: boolean;
  /** A value begins; `kind` is one of `jsonKinds`. */
  beginValue(kind: number, negative: boolean): boolean;
  /** There may be one more key, or item: called at the comma and at the first one. */
  nextMember(): boolean;
  nextItem(): boolean;
  beginKey(): boolean;
  endKey(): boolean;
  /** The next unit of the open string or key is one from `low` to `high`; it is not known which, as `\u00` was read. */
  canTake(low: number, high: number): boolean;
  take(unit: number): boolean;
  endString(): boolean;
  endNumber(text: string): boolean;
  /** A literal, an object or an array ends. */
  endValue(): boolean;
}

/** What is expected next. */
export const readerStates = {
  value: 0,
  firstItem: 1,
  firstKey: 2,
  key: 3,
  colon: 4,
  afterValue: 5,
  string: 6,
  escape: 7,
  hex: 8,
  minus: 9,
  zero: 10,
  digits: 11,
  dot: 12,
  fraction: 13,
  exponent: 14,
  sign: 15,
  exponentDigits: 16,
  literal: 17,
  done: 18,
  broken: 19,
} as const;
const states = readerStates;

const escapes: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
};
const quote = 0x22;
const backslash = 0x5c;

/**
 * Reads one JSON document in pieces, a unit at a time, and keeps nothing of it but the brackets that are open. Ends at
 * the first unit with which no document can go on.
 */
export class JsonPrefixReader {
  /** One of `readerStates`. */
  state: number = states.value;
  /** The string that is open is a key. */
  inKey = false;
  /** For each open bracket: true for an object. */
  readonly open: boolean[] = [];
  /** The literal that is open, and how much of it was read. */
  literal = '';
  literalRead = 0;
  /** Hex digits of a `\u` that were read. */
  hexRead = 0;
  /** Units read. */
  offset = 0;
  /** Where the part begins that a document can't end behind, such as a comma or half an escape; -1 for none. */
  danglingFrom = -1;
  /** The first mistake. */
  mistake: (JsonMistake & { readonly offset: number }) | undefined;
  readonly #stops: boolean;
  #follower: JsonPrefixFollower | undefined;
  #hex = 0;
  #number = '';

  /** `stops` false goes on behind a mistake against the schema, without the follower; a broken document always ends it. */
  constructor(follower: JsonPrefixFollower | undefined, stops: boolean) {
    this.#follower = follower;
    this.#stops = stops;
  }

  /**
   * Reads from `from` to the end of the text, of the document, or to a mistake. Returns the place of the first unit that
   * was not taken; a document that is a number ends before the unit behind it.
   */
  read(text: string, from = 0): number {
    const start = this.offset - from;
    let index = from;
    while (index < text.length && this.state < states.done) {
      this.offset = start + index;
      if (this.state === states.string) {
        const next = this.#readString(text, index, start);
        index = next < 0 ? this.offset - start : next;
        if (next < 0) break;
        continue;
      }
      const taken = this.#step(text.charCodeAt(index));
      if (taken < 0) break;
      index += taken;
    }
    this.offset = start + index;
    return index;
  }

  /** The text ends. Only a number that is the whole document is done by that. */
  finish(): void {
    if (this.open.length === 0 && isWholeNumber(this.state)) this.#endNumber();
  }

  /** Reads to the end of the string or the text. Returns the place behind it, or -1 at a mistake. */
  #readString(text: string, from: number, start: number): number {
    const follower = this.#follower?.wantsUnits === true ? this.#follower : undefined;
    let index = from;
    for (; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit === quote || unit === backslash || unit < 0x20) break;
      if (follower === undefined || follower.take(unit)) continue;
      this.offset = start + index;
      return this.#allow(false) ? index + 1 : -1;
    }
    if (index === text.length) return index;
    this.offset = start + index;
    return this.#stepString(text.charCodeAt(index)) < 0 ? -1 : index + 1;
  }

  /** A quote, a backslash or a control character inside of a string. */
  #stepString(unit: number): number {
    if (unit === quote) return this.#endString();
    if (unit !== backslash) return this.#break('syntax');
    if (!this.#allow(this.#follower?.canTake(0, 0xffff))) return -1;
    this.#dangle();
    this.state = states.escape;
    return 1;
  }

  /** Takes one unit: 1; 0 where it is to be read again behind the end of a number; -1 where it is impossible. */
  #step(unit: number): number {
    switch (this.state) {
      case states.escape:
        return this.#stepEscape(unit);
      case states.hex:
        return this.#stepHex(unit);
      case states.literal:
        return this.#stepLiteral(unit);
      default:
        if (this.state >= states.minus) return this.#stepNumber(unit);
        return isJsonSpace(unit) ? 1 : this.#stepStructure(unit);
    }
  }

  #stepStructure(unit: number): number {
    switch (this.state) {
      case states.value:
        return this.#beginValue(unit);
      case states.firstItem:
        if (unit === 0x5d) return this.#close(false);
        if (!beginsValue(unit)) return this.#break('syntax');
        return this.#allow(this.#follower?.nextItem()) ? this.#beginValue(unit) : -1;
      case states.firstKey:
        if (unit === 0x7d) return this.#close(true);
        if (unit !== quote) return this.#break('syntax');
        return this.#allow(this.#follower?.nextMember()) ? this.#beginKey(unit) : -1;
      case states.key:
        return this.#beginKey(unit);
      case states.colon:
        if (unit !== 0x3a) return this.#break('syntax');
        this.state = states.value;
        return 1;
      default:
        return this.#stepAfterValue(unit);
    }
  }

  #stepAfterValue(unit: number): number {
    if (unit === 0x7d || unit === 0x5d) return this.#close(unit === 0x7d);
    if (unit !== 0x2c) return this.#break('syntax');
    const inObject = this.open.at(-1) === true;
    if (!this.#allow(inObject ? this.#follower?.nextMember() : this.#follower?.nextItem())) return -1;
    this.#dangle();
    this.state = inObject ? states.key : states.value;
    return 1;
  }

  #beginKey(unit: number): number {
    if (unit !== quote) return this.#break('syntax');
    if (!this.#allow(this.#follower?.beginKey())) return -1;
    this.#dangle();
    this.inKey = true;
    this.state = states.string;
    return 1;
  }

  #beginValue(unit: number): number {
    const kind = kindOf(unit);
    if (kind === 0) return this.#break('syntax');
    const isBracket = kind === jsonKinds.object || kind === jsonKinds.array;
    if (isBracket && this.open.length === maxJsonPrefixDepth) return this.#break('depth');
    if (!this.#allow(this.#follower?.beginValue(kind, unit === 0x2d))) return -1;
    if (unit === 0x2d) this.#dangle();
    else this.danglingFrom = -1;
    if (isBracket) {
      this.open.push(kind === jsonKinds.object);
      this.state = kind === jsonKinds.object ? states.firstKey : states.firstItem;
    } else if (kind === jsonKinds.string) {
      this.state = states.string;
    } else if (kind === jsonKinds.number) {
      this.#number = String.fromCharCode(unit);
      this.state = unit === 0x2d ? states.minus : unit === 0x30 ? states.zero : states.digits;
    } else {
      this.literal = kind === jsonKinds.null ? 'null' : kind === jsonKinds.true ? 'true' : 'false';
      this.literalRead = 1;
      this.state = states.literal;
    }
    return 1;
  }

  #stepLiteral(unit: number): number {
    if (unit !== this.literal.charCodeAt(this.literalRead)) return this.#break('syntax');
    this.literalRead += 1;
    if (this.literalRead < this.literal.length) return 1;
    return this.#allow(this.#follower?.endValue()) ? this.#endValue() : -1;
  }

  #stepEscape(unit: number): number {
    if (unit === 0x75) {
      this.#hex = 0;
      this.hexRead = 0;
      this.state = states.hex;
      return 1;
    }
    const meant = escapes[String.fromCharCode(unit)];
    return meant === undefined ? this.#break('syntax') : this.#takeEscaped(meant);
  }

  #stepHex(unit: number): number {
    const digit = hexValue(unit);
    if (digit < 0) return this.#break('syntax');
    this.#hex = this.#hex * 16 + digit;
    this.hexRead += 1;
    if (this.hexRead === 4) return this.#takeEscaped(this.#hex);
    const open = 16 ** (4 - this.hexRead);
    return this.#allow(this.#follower?.canTake(this.#hex * open, (this.#hex + 1) * open - 1)) ? 1 : -1;
  }

  #takeEscaped(unit: number): number {
    if (!this.#allow(this.#follower?.take(unit))) return -1;
    if (!this.inKey) this.danglingFrom = -1;
    this.state = states.string;
    return 1;
  }

  #stepNumber(unit: number): number {
    const next = nextInNumber(this.state, unit);
    if (next < 0) {
      if (!isWholeNumber(this.state)) return this.#break('syntax');
      return this.#endNumber() ? 0 : -1;
    }
    if (this.#follower?.wantsNumber === true) {
      if (this.#number.length === maxNumberLength && !this.#allow(false, 'number length')) return -1;
      this.#number += String.fromCharCode(unit);
    }
    this.state = next;
    if (isWholeNumber(next)) this.danglingFrom = -1;
    else this.#dangle();
    return 1;
  }

  #endNumber(): boolean {
    const isAllowed = this.#allow(this.#follower?.endNumber(this.#number));
    this.#number = '';
    if (isAllowed) this.#endValue();
    return isAllowed;
  }

  #endString(): number {
    if (!this.#allow(this.inKey ? this.#follower?.endKey() : this.#follower?.endString())) return -1;
    if (!this.inKey) return this.#endValue();
    this.inKey = false;
    this.state = states.colon;
    return 1;
  }

  #close(isObject: boolean): number {
    if (this.open.at(-1) !== isObject) return this.#break('syntax');
    if (!this.#allow(this.#follower?.endValue())) return -1;
    this.open.pop();
    return this.#endValue();
  }

  #endValue(): number {
    this.state = this.open.length === 0 ? states.done : states.afterValue;
    return 1;
  }

  #dangle(): void {
    if (this.danglingFrom < 0) this.danglingFrom = this.offset;
  }

  /** Nobody follows: undefined is yes. A no is the mistake; whether reading goes on is told. */
  #allow(answer: boolean | undefined, keyword?: string): boolean {
    if (answer !== false) return true;
    const { keyword: own = '', pointer = '' } = this.#follower?.mistake ?? {};
    this.mistake ??= { keyword: keyword ?? own, pointer, offset: this.offset };
    this.#follower = undefined;
    return !this.#stops;
  }

  #break(keyword: string): number {
    this.mistake ??= { keyword, pointer: this.#follower?.mistake.pointer ?? '', offset: this.offset };
    this.state = states.broken;
    return -1;
  }
}

/** The state is that of a number which may end here. */
export function isWholeNumber(state: number): boolean {
  return (
    state === states.zero || state === states.digits || state === states.fraction || state === states.exponentDigits
  );
}

/** The state behind a unit of a number, or -1 where the unit is not of it. */
function nextInNumber(state: number, unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) {
    if (state === states.minus) return unit === 0x30 ? states.zero : states.digits;
    if (state === states.zero) return -1;
    if (state === states.dot) return states.fraction;
    return state === states.exponent || state === states.sign ? states.exponentDigits : state;
  }
  if (unit === 0x2e) return state === states.zero || state === states.digits ? states.dot : -1;
  if (unit === 0x65 || unit === 0x45)
    return isWholeNumber(state) && state !== states.exponentDigits ? states.exponent : -1;
  return (unit === 0x2b || unit === 0x2d) && state === states.exponent ? states.sign : -1;
}

function beginsValue(unit: number): boolean {
  return kindOf(unit) !== 0;
}

/** The kind of the value that begins with a unit; 0 for none. */
export function kindOf(unit: number): number {
  switch (unit) {
    case 0x7b:
      return jsonKinds.object;
    case 0x5b:
      return jsonKinds.array;
    case quote:
      return jsonKinds.string;
    case 0x74:
      return jsonKinds.true;
    case 0x66:
      return jsonKinds.false;
    case 0x6e:
      return jsonKinds.null;
    default:
      return unit === 0x2d || (unit >= 0x30 && unit <= 0x39) ? jsonKinds.number : 0;
  }
}

function hexValue(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
