import type { Branch, Check, Level } from './json-prefix-branches.ts';
import { jsonKinds, type ObjectRules, type SchemaPart } from './json-prefix-node.ts';

/*
 * What one part of a schema says to what comes next. Each function returns the keyword that makes it impossible, or
 * undefined.
 */

export function startCheck(part: SchemaPart, branch: Branch, kind: number): Check {
  return {
    part,
    branch,
    low: 0,
    high: kind === jsonKinds.string ? (part.string?.values?.list.length ?? 0) : 0,
    at: 0,
    tight: false,
    seen: undefined,
    missing: part.object?.requiredCount ?? 0,
    members: [],
    items: undefined,
  };
}

/** At a comma in an object, and at its first key. Makes the check ready for the key. */
export function canAddKey(check: Check, count: number): string | undefined {
  const rules = check.part.object;
  if (rules === undefined || check.branch.isDead) return undefined;
  if (count >= rules.maxProperties) return 'maxProperties';
  check.low = 0;
  check.high = rules.names.list.length;
  check.at = 0;
  check.tight = rules.maxProperties - count === check.missing;
  if ((!rules.closed && !check.tight) || hasFreeName(check, rules, check.low, check.high)) return undefined;
  return check.tight ? 'maxProperties' : 'additionalProperties';
}

/** At a comma in an array, and at its first item. */
export function canAddItem({ part: { array }, branch }: Check, count: number): string | undefined {
  if (array === undefined || branch.isDead) return undefined;
  if (count >= array.maxItems) return 'maxItems';
  const node = array.prefix[count] ?? array.items;
  return node.never ? (node.parts[0]?.name ?? 'items') : undefined;
}

/** The next unit of a string is from `low` to `high`. `takes` where it is `low`, and is part of the string now. */
export function canTakeUnit(
  check: Check,
  low: number,
  high: number,
  length: number,
  afterHigh: boolean,
  takes: boolean,
): string | undefined {
  const rules = check.part.string;
  if (rules === undefined || check.branch.isDead) return undefined;
  const mayJoin = afterHigh && high >= 0xdc00 && low <= 0xdfff;
  if (length >= rules.maxLength && !mayJoin) return 'maxLength';
  const { values } = rules;
  if (values === undefined) return undefined;
  const first = values.find(check.low, check.high, check.at, low);
  const end = values.find(first, check.high, check.at, high + 1);
  if (takes) {
    check.low = first;
    check.high = end;
    check.at += 1;
  }
  return first < end ? undefined : 'enum';
}

/** The same for a key of the object that the check is for. */
export function canTakeKeyUnit(check: Check, low: number, high: number, takes: boolean): string | undefined {
  const rules = check.part.object;
  if (rules === undefined || check.branch.isDead) return undefined;
  const first = rules.names.find(check.low, check.high, check.at, low);
  const end = rules.names.find(first, check.high, check.at, high + 1);
  if (takes) {
    check.low = first;
    check.high = end;
    check.at += 1;
  }
  if ((!rules.closed && !check.tight) || hasFreeName(check, rules, first, end)) return undefined;
  return check.tight ? 'maxProperties' : 'additionalProperties';
}

/** Some name of the range may still be a key. */
function hasFreeName({ seen, tight }: Check, rules: ObjectRules, low: number, high: number): boolean {
  for (let place = low; place < high; place += 1) {
    if (seen?.[place] === 1) continue;
    if (tight ? rules.required[place] === true : rules.properties[place]?.never === false) return true;
  }
  return false;
}

/** At the end of an object or an array. */
export function endMistake({ part, branch, missing }: Check, { kind, count }: Level): string | undefined {
  if (branch.isDead) return undefined;
  if (kind === jsonKinds.object && part.object !== undefined) {
    if (missing > 0) return 'required';
    return count < part.object.minProperties ? 'minProperties' : undefined;
  }
  if (kind === jsonKinds.array && part.array !== undefined && count < part.array.minItems) return 'minItems';
  return undefined;
}
