import type { GroupRules, SchemaNode, SchemaPart } from './json-prefix-node.ts';

/** Parts that are followed at one time, over all alternatives and levels. A schema that branches at each level of a document meets it. */
export const maxFollowed = 2048;

/** One way in which a document may be valid. It dies with the first thing that is not; others may live on. */
export class Branch {
  isDead = false;
  readonly group: Group | undefined;
  /** Those that only matter while this one lives, in the order of their groups. */
  readonly children: Branch[] = [];

  constructor(group: Group | undefined) {
    this.group = group;
  }
}

/** Alternatives at one value. */
export interface Group {
  readonly kind: GroupRules['kind'];
  readonly owner: Branch;
  readonly branches: readonly Branch[];
  living: number;
  /** What ended the last one of them; rather not that something was excluded, which tells the least. */
  keyword: string;
}

/** A part of a schema on its way through one value. */
export interface Check {
  readonly part: SchemaPart;
  readonly branch: Branch;
  /** Range in the sorted names or values, and units matched in it. */
  low: number;
  high: number;
  at: number;
  /** Only the keys that are still required have room. */
  tight: boolean;
  /** By place in the names: the key was there. */
  seen: Uint8Array | undefined;
  missing: number;
  /** Schemas for the value of the key that was read. */
  members: readonly SchemaNode[];
  /** Fingerprints of the items. */
  items: Set<number> | undefined;
}

/** The values that are open, from the document down, and what follows each. One is reused for all values of its level. */
export interface Level {
  kind: number;
  readonly checks: Check[];
  readonly groups: Group[];
  /** Items or keys so far. */
  count: number;
  /** Index or name of what is open inside; undefined between them. */
  label: string | number | undefined;
  keys: Set<number> | undefined;
  /** The value is an item that must be told from others. */
  isMarked: boolean;
  /** Its items must be told from each other. */
  hasMarkedItems: boolean;
  first: number;
  second: number;
  /** Fingerprint of the key that is open. */
  keyFirst: number;
  keySecond: number;
}

export function newLevel(): Level {
  return {
    kind: 0,
    checks: [],
    groups: [],
    count: 0,
    label: undefined,
    keys: undefined,
    isMarked: false,
    hasMarkedItems: false,
    first: 0,
    second: 0,
    keyFirst: 0,
    keySecond: 0,
  };
}

/** Ends a branch with all that depends on it. */
export function kill(branch: Branch): void {
  branch.isDead = true;
  for (const child of branch.children) if (!child.isDead) kill(child);
}
