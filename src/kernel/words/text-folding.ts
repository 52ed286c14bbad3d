/*
 * Folding makes texts equal that a reader takes for equal, without moving a single character: each UTF-16 code unit is
 * replaced by exactly one, so a place in the folded text is the same place in the text.
 *
 * Folded are case (Unicode's simple case folding within the basic plane: also the final sigma, the long s, the Kelvin
 * sign) and width (full-width ASCII and signs, half-width katakana and hangul, the ideographic space).
 *
 * Not folded, because the length would change or one code unit does not decide it:
 * - sharp s and "ss", ligatures and "fi", dotted capital I (U+0130) and "i"; the dotless i (U+0131) is a letter of its own;
 * - half-width katakana with a separate voicing mark (two units) and the one voiced letter; the full-width macron;
 * - letters outside of the basic plane (Deseret, mathematical alphabets): their case is not folded;
 * - composed and decomposed accents, and invisible characters such as U+200B inside of a word.
 */

const unitCount = 0x10000;
const dotlessI = 0x0131;
const wordCharacter = /[\p{L}\p{N}_]/u;

let foldTable: Uint16Array | undefined;
let wordTable: Uint8Array | undefined;

/** The folded code unit of each code unit. Made once, at the first use. */
export function foldedUnits(): Uint16Array {
  foldTable ??= Uint16Array.from({ length: unitCount }, (_nothing, unit) => foldUnit(unit));
  return foldTable;
}

/** 1 for each code unit that is a letter, a digit or "_" by itself. Made once, at the first use. */
export function wordUnits(): Uint8Array {
  wordTable ??= Uint8Array.from({ length: unitCount }, (_nothing, unit) => (isWordCodePoint(unit) ? 1 : 0));
  return wordTable;
}

export function foldText(text: string): string {
  const table = foldedUnits();
  let folded = '';
  for (let index = 0; index < text.length; index += 1)
    folded += String.fromCharCode(table[text.charCodeAt(index)] ?? 0);
  return folded;
}

/** Letters and digits of all scripts, and "_". Half of a surrogate pair is none. */
export function isWordCodePoint(codePoint: number): boolean {
  return wordCharacter.test(String.fromCodePoint(codePoint));
}

export function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

export function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}

export function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}

export function joinSurrogates(high: number, low: number): number {
  return (high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000;
}

function foldUnit(unit: number): number {
  if (isSurrogate(unit) || unit === dotlessI) return unit;
  const plain = foldWidth(String.fromCharCode(unit));
  const upper = plain.toUpperCase();
  // Over the capital, so that letters with two small forms become one: both sigmas, s and the long s.
  const lower = (upper.length === 1 ? upper : plain).toLowerCase();
  return (lower.length === 1 ? lower : plain).charCodeAt(0);
}

function foldWidth(character: string): string {
  const hasWidth = character === '\u3000' || (character >= '\uff01' && character <= '\uffee');
  const plain = hasWidth ? character.normalize('NFKC') : character;
  return plain.length === 1 ? plain : character;
}
