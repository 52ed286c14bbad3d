import { firstAstral, type CharacterSet } from './pattern-characters.ts';

/** The label of no character: what a unit table says of surrogates, and what stands behind the end of a text. */
export const noLabel = 0;

/** Characters in classes: two of the same label are in the same sets. */
export interface PatternAlphabet {
  /** Labels, `noLabel` included. */
  readonly width: number;
  /** By UTF-16 code unit; `noLabel` for a surrogate, which may be half of a character. */
  readonly unitLabels: Uint16Array;
  /** By set: 1 for each label whose characters are in it. */
  readonly members: readonly Uint8Array[];
  labelOf(codePoint: number): number;
  /** Labels of what a high surrogate may turn out to be: first that of it alone, then those of its pairs. */
  labelsOfHigh(high: number): readonly number[];
}

export function buildPatternAlphabet(sets: readonly CharacterSet[]): PatternAlphabet {
  const toggles = new Map<number, number[]>([[0, []]]);
  for (const [number, set] of sets.entries()) {
    for (const border of set) {
      const at = toggles.get(border);
      if (at === undefined) toggles.set(border, [number]);
      else at.push(number);
    }
  }
  const borders = [...toggles.keys()].toSorted((one, other) => one - other);
  const active = new Set<number>();
  const labelOfKey = new Map<string, number>();
  const setsOfLabel: number[][] = [[]];
  const labels = borders.map((border) => {
    for (const number of toggles.get(border) ?? []) if (!active.delete(number)) active.add(number);
    const inside = [...active].toSorted((one, other) => one - other);
    const key = inside.join();
    const label = labelOfKey.get(key) ?? setsOfLabel.push(inside) - 1;
    labelOfKey.set(key, label);
    return label;
  });
  const width = setsOfLabel.length;
  const members = sets.map(() => new Uint8Array(width));
  for (const [label, inside] of setsOfLabel.entries()) {
    for (const number of inside) members[number]?.fill(1, label, label + 1);
  }
  const ofHighs = new Map<number, readonly number[]>();
  const regionOf = (codePoint: number) => findRegion(borders, codePoint);
  const labelOf = (codePoint: number) => labels[regionOf(codePoint)] ?? noLabel;
  return { width, unitLabels: labelUnits(borders, labels), members, labelOf, labelsOfHigh };

  function labelsOfHigh(high: number): readonly number[] {
    const known = ofHighs.get(high);
    if (known !== undefined) return known;
    const first = (high - 0xd800) * 0x400 + firstAstral;
    const ofPairs = labels.slice(regionOf(first), regionOf(first + 0x3ff) + 1);
    const possible = [labelOf(high), ...new Set(ofPairs)];
    ofHighs.set(high, possible);
    return possible;
  }
}

function labelUnits(borders: readonly number[], labels: readonly number[]): Uint16Array {
  const unitLabels = new Uint16Array(firstAstral);
  for (const [region, border] of borders.entries()) {
    if (border < firstAstral) unitLabels.fill(labels[region] ?? noLabel, border);
  }
  return unitLabels.fill(noLabel, 0xd800, 0xe000);
}

function findRegion(borders: readonly number[], codePoint: number): number {
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((borders[middle] ?? 0) <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
