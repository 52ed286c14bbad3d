import { unitsOf, type CharacterSet } from './pattern-characters.ts';
import { PatternError } from './pattern-error.ts';
import { treeWidth, type PatternTree } from './pattern-parse.ts';

/** States of all patterns together. A counted repetition has as many as it counts. */
const maxStates = 20_000;

/** `sets` of a state that reads nothing: one that leads on, and one that ends a match. */
export const splits = -1;
export const ends = -2;

/** A state reads a character of its set and goes to its target, or goes to all of its targets, or ends a match. */
export interface PatternNfa {
  /** By state: the number of a set, `splits` or `ends`. */
  readonly sets: readonly number[];
  readonly targets: readonly (readonly number[])[];
  /** By state: the pattern that it belongs to. */
  readonly owners: readonly number[];
  /** By state: the fewest UTF-16 code units to the end of a match; Infinity where there is no way. */
  readonly distances: readonly number[];
  /** By pattern. */
  readonly starts: readonly number[];
  readonly characterSets: readonly CharacterSet[];
}

interface Building {
  readonly name: string;
  readonly owner: number;
  readonly sets: number[];
  readonly targets: number[][];
  readonly owners: number[];
  readonly setNumbers: Map<string, number>;
  readonly characterSets: CharacterSet[];
}

/** Builds one automaton for all patterns. Throws a PatternError where they are too large together. */
export function buildPatternNfa(
  patterns: readonly { readonly name: string; readonly tree: PatternTree }[],
  moreSets: readonly CharacterSet[],
): PatternNfa & { readonly moreSetNumbers: readonly number[] } {
  const shared = { sets: [], targets: [], owners: [], setNumbers: new Map<string, number>(), characterSets: [] };
  const starts = patterns.map(({ name, tree }, owner) => {
    const building: Building = { ...shared, name, owner };
    return addTree(building, tree, addState(building, ends, []));
  });
  const numbering: Building = { ...shared, name: '', owner: 0 };
  const moreSetNumbers = moreSets.map((set) => numberOf(numbering, set));
  return { ...shared, starts, moreSetNumbers, distances: measure(numbering) };
}

function addState(building: Building, set: number, targets: number[]): number {
  const { sets, name } = building;
  if (sets.length >= maxStates)
    throw new PatternError(name, `the expression is too large: more than ${maxStates} states with those before it`);
  building.targets.push(targets);
  building.owners.push(building.owner);
  return sets.push(set) - 1;
}

/** Adds a tree that goes on at `next`; returns where it begins. */
function addTree(building: Building, tree: PatternTree, next: number): number {
  switch (tree.kind) {
    case 'set':
      return addState(building, numberOf(building, tree.set), [next]);
    case 'sequence':
      return tree.parts.reduceRight((after, part) => addTree(building, part, after), next);
    case 'choice':
      return addState(
        building,
        splits,
        tree.parts.map((part) => addTree(building, part, next)),
      );
    case 'repeat':
      return addRepeat(building, tree, next);
  }
}

function addRepeat(building: Building, tree: PatternTree & { kind: 'repeat' }, next: number): number {
  const { part, min, max } = tree;
  if (treeWidth(part) === 0) return next;
  let begin = next;
  if (max === Infinity) {
    const targets = [next];
    begin = addState(building, splits, targets);
    targets.unshift(addTree(building, part, begin));
  } else {
    for (let count = min; count < max; count += 1) {
      begin = addState(building, splits, [addTree(building, part, begin), next]);
    }
  }
  for (let count = 0; count < min; count += 1) begin = addTree(building, part, begin);
  return begin;
}

function numberOf({ setNumbers, characterSets }: Building, set: CharacterSet): number {
  const key = set.join();
  const known = setNumbers.get(key);
  if (known !== undefined) return known;
  setNumbers.set(key, characterSets.length);
  return characterSets.push(set) - 1;
}

/** Targets stand before what leads to them, save for loops, so that few rounds are enough. */
function measure({ sets, targets, characterSets }: Building): number[] {
  const units = characterSets.map((set) => (set.length === 0 ? Infinity : unitsOf(set).least));
  const distances = sets.map((set) => (set === ends ? 0 : Infinity));
  for (let changed = true; changed;) {
    changed = false;
    for (const [state, set] of sets.entries()) {
      if (set === ends) continue;
      const rest = (targets[state] ?? []).reduce((least, to) => Math.min(least, distances[to] ?? 0), Infinity);
      const distance = rest + (set === splits ? 0 : (units[set] ?? 0));
      if (distance >= (distances[state] ?? 0)) continue;
      distances[state] = distance;
      changed = true;
    }
  }
  return distances;
}
