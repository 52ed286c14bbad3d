import { isSurrogate } from '../words/text-folding.ts';

/** Code points as borders in ascending order: from the first up to the second, from the third up to the fourth. */
export type CharacterSet = readonly number[];

export const firstAstral = 0x10000;
const codePointEnd = 0x110000;
const surrogates = [0xd800, 0xe000] as const;
/** Code points that are looked at in one piece of text. */
const pieceSize = 0x8000;

const properties = new Map<string, CharacterSet>();
const othersInCase = new Map<number, readonly number[]>();
let caseGroups: ReadonlyMap<number, readonly number[]> | undefined;

export const digits: CharacterSet = [0x30, 0x3a];
export const wordCharacters: CharacterSet = [0x30, 0x3a, 0x41, 0x5b, 0x5f, 0x60, 0x61, 0x7b];
/** All but the four ends of a line. */
export const anyCharacter: CharacterSet = invert([0x0a, 0x0b, 0x0d, 0x0e, 0x2028, 0x202a]);

export function spaces(): CharacterSet {
  return charactersOf('\\s');
}

/** The members of a class escape such as `\p{Script=Greek}`, as the JavaScript engine knows them. */
export function charactersOf(escape: string): CharacterSet {
  const known = properties.get(escape);
  if (known !== undefined) return known;
  const members = new RegExp(`${escape}+`, 'gu');
  const found: number[] = [];
  for (let from = 0; from < codePointEnd; from += pieceSize) {
    const width = from < firstAstral ? 1 : 2;
    for (const { 0: run, index } of textFrom(from).matchAll(members))
      found.push(from + index / width, from + (index + run.length) / width);
  }
  const single = new RegExp(`^${escape}$`, 'u');
  const alone: number[] = [];
  for (let unit = surrogates[0]; unit < surrogates[1]; unit += 1)
    if (single.test(String.fromCharCode(unit))) alone.push(unit, unit + 1);
  const set = union([intersect(found, invert(surrogates)), alone]);
  properties.set(escape, set);
  return set;
}

/** A piece of all code points in order. In the place of surrogates, which would join, it has something else. */
function textFrom(from: number): string {
  const units = new Uint16Array(from < firstAstral ? pieceSize : 2 * pieceSize);
  for (let count = 0; count < pieceSize; count += 1) {
    const codePoint = from + count;
    if (codePoint < firstAstral) {
      units[count] = isSurrogate(codePoint) ? 0 : codePoint;
    } else {
      units[2 * count] = 0xd800 + ((codePoint - firstAstral) >> 10);
      units[2 * count + 1] = 0xdc00 + (codePoint & 0x3ff);
    }
  }
  return Buffer.from(units.buffer).toString('utf16le');
}

export function union(sets: readonly CharacterSet[]): CharacterSet {
  const ranges: (readonly [number, number])[] = [];
  for (const set of sets) for (let at = 0; at + 1 < set.length; at += 2) ranges.push([set[at] ?? 0, set[at + 1] ?? 0]);
  ranges.sort((one, other) => one[0] - other[0]);
  const joined: number[] = [];
  for (const [from, to] of ranges) {
    const last = joined.length - 1;
    if (last > 0 && from <= (joined[last] ?? 0)) joined[last] = Math.max(joined[last] ?? 0, to);
    else joined.push(from, to);
  }
  return joined;
}

export function invert(set: CharacterSet): CharacterSet {
  const borders = set[0] === 0 ? set.slice(1) : [0, ...set];
  return borders.at(-1) === codePointEnd ? borders.slice(0, -1) : [...borders, codePointEnd];
}

export function intersect(one: CharacterSet, other: CharacterSet): CharacterSet {
  return invert(union([invert(one), invert(other)]));
}

/** Adds to a set what differs from a member in case only, as the flags `iu` of JavaScript see it. */
export function withBothCases(set: CharacterSet): CharacterSet {
  const more: CharacterSet[] = [set];
  for (const [member, group] of groupsOfCase()) {
    if (contains(set, member)) more.push(...othersOf(member, group).map((other) => [other, other + 1]));
  }
  return union(more);
}

function othersOf(member: number, group: readonly number[]): readonly number[] {
  const known = othersInCase.get(member);
  if (known !== undefined) return known;
  const same = new RegExp(`^\\u{${member.toString(16)}}$`, 'iu');
  const others = group.filter((other) => other !== member && same.test(String.fromCodePoint(other)));
  othersInCase.set(member, others);
  return others;
}

export function contains(set: CharacterSet, codePoint: number): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((set[middle] ?? 0) <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

/** Whether a set holds a surrogate that stands alone. */
export function holdsSurrogates(set: CharacterSet): boolean {
  return intersect(set, surrogates).length > 0;
}

/** The most and the least UTF-16 code units of one member; 0 for a set of none. */
export function unitsOf(set: CharacterSet): { readonly least: number; readonly most: number } {
  if (set.length === 0) return { least: 0, most: 0 };
  return { least: (set[0] ?? 0) < firstAstral ? 1 : 2, most: (set.at(-1) ?? 0) > firstAstral ? 2 : 1 };
}

/** By character: those which may differ from it in case only, itself included. Made once, at the first use. */
function groupsOfCase(): ReadonlyMap<number, readonly number[]> {
  if (caseGroups !== undefined) return caseGroups;
  const bySmall = new Map<string, number[]>();
  const groups = new Map<number, readonly number[]>();
  const cased = union([charactersOf('\\p{Changes_When_Casemapped}'), charactersOf('\\p{Changes_When_Casefolded}')]);
  for (let at = 0; at + 1 < cased.length; at += 2) {
    for (let codePoint = cased[at] ?? 0; codePoint < (cased[at + 1] ?? 0); codePoint += 1) {
      const key = smallForm(String.fromCodePoint(codePoint));
      const group = bySmall.get(key) ?? [];
      group.push(codePoint);
      bySmall.set(key, group);
      groups.set(codePoint, group);
    }
  }
  caseGroups = groups;
  return groups;
}

function smallForm(character: string): string {
  const upper = character.toUpperCase();
  const lower = ([...upper].length === 1 ? upper : character).toLowerCase();
  return [...lower].length === 1 ? lower : character;
}
