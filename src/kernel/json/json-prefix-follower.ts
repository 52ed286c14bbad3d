import { kill, maxFollowed, newLevel, Branch, type Check, type Group, type Level } from './json-prefix-branches.ts';
import { firstSeed, joinLanes, mixFirst, mixSecond, numberWords, secondSeed } from './json-prefix-hash.ts';
import { canAddItem, canAddKey, canTakeKeyUnit, canTakeUnit, endMistake, startCheck } from './json-prefix-checks.ts';
import { jsonKinds, type GroupRules, type JsonMistake, type SchemaNode } from './json-prefix-node.ts';
import { numberMistake } from './json-prefix-number.ts';
import type { JsonPrefixFollower } from './json-prefix-reader.ts';
import { isHighSurrogate, isLowSurrogate } from '../words/text-folding.ts';

/** Longest string that a pattern is tried on, in UTF-16 units; a longer one is refused. */
export const maxPatternText = 8192;
/** Keys of one object, and items of one array that must differ, that are told from each other; more are refused. */
export const maxRemembered = 4096;

/** Follows a document with a schema: any number of alternatives side by side, with a few fields for each open value. */
export class JsonSchemaFollower implements JsonPrefixFollower {
  wantsUnits = false;
  wantsNumber = false;
  readonly #root: SchemaNode;
  readonly #branch = new Branch(undefined);
  readonly #levels: Level[] = [];
  #depth = 0;
  #followed = 0;
  #keyword = '';
  #pointer: string | undefined;
  #inKey = false;
  #negative = false;
  /** The open string: code points, a high surrogate at its end, and its text where a pattern wants it. */
  #length = 0;
  #afterHigh = false;
  #keeps = false;
  #kept = new Uint16Array(0);
  #keptLength = 0;

  constructor(root: SchemaNode) {
    this.#root = root;
  }

  get mistake(): JsonMistake {
    return { keyword: this.#keyword, pointer: this.#pointer ?? this.#place() };
  }

  beginValue(kind: number, negative: boolean): boolean {
    const parent = this.#levels[this.#depth - 1];
    const level = this.#push(kind);
    this.#negative = negative;
    if (parent === undefined) this.#open(this.#root, this.#branch, level);
    else if (parent.kind === jsonKinds.array) this.#beginItem(parent, level);
    else this.#beginMember(parent, level);
    this.#beginText(level);
    return this.#isAlive();
  }

  nextMember(): boolean {
    const level = this.#top();
    for (const check of level.checks) this.#apply(check, canAddKey(check, level.count));
    return this.#isAlive();
  }

  nextItem(): boolean {
    const level = this.#top();
    for (const check of level.checks) this.#apply(check, canAddItem(check, level.count));
    return this.#isAlive();
  }

  beginKey(): boolean {
    const object = this.#top();
    const level = this.#push(jsonKinds.string);
    this.#negative = false;
    this.#inKey = true;
    level.isMarked = true;
    let keeps = false;
    for (const { part, branch } of object.checks) {
      if (branch.isDead || part.object === undefined) continue;
      if (part.object.patterns.length > 0) keeps = true;
      if (part.object.propertyNames !== undefined) this.#open(part.object.propertyNames, branch, level);
    }
    this.#beginText(level);
    this.#keeps ||= keeps;
    this.wantsUnits = true;
    return this.#isAlive();
  }

  canTake(low: number, high: number): boolean {
    const level = this.#top();
    for (const check of level.checks)
      this.#apply(check, canTakeUnit(check, low, high, this.#length, this.#afterHigh, false));
    const object = this.#inKey ? this.#levels[this.#depth - 2] : undefined;
    if (object !== undefined)
      for (const check of object.checks) this.#apply(check, canTakeKeyUnit(check, low, high, false));
    return this.#isAlive();
  }

  take(unit: number): boolean {
    const level = this.#top();
    for (const check of level.checks)
      this.#apply(check, canTakeUnit(check, unit, unit, this.#length, this.#afterHigh, true));
    const object = this.#inKey ? this.#levels[this.#depth - 2] : undefined;
    if (object !== undefined)
      for (const check of object.checks) this.#apply(check, canTakeKeyUnit(check, unit, unit, true));
    if (!this.#afterHigh || !isLowSurrogate(unit)) this.#length += 1;
    this.#afterHigh = isHighSurrogate(unit);
    if (level.isMarked) {
      level.first = mixFirst(level.first, unit);
      level.second = mixSecond(level.second, unit);
    }
    if (this.#keeps && !this.#keep(unit)) this.#fail(this.#branch, 'pattern');
    return this.#isAlive();
  }

  endString(): boolean {
    this.#endText(this.#top());
    return this.endValue();
  }

  endKey(): boolean {
    const level = this.#top();
    const text = this.#keeps ? this.#text() : '';
    this.#endText(level);
    this.#resolve(level);
    this.#pop(level);
    this.#inKey = false;
    const object = this.#top();
    object.keyFirst = level.first;
    object.keySecond = level.second;
    object.keys ??= new Set();
    const { size } = object.keys.add(joinLanes(level.first, level.second));
    if (size === object.count) this.#fail(this.#branch, 'repeated key');
    if (size > maxRemembered) this.#fail(this.#branch, 'number of keys');
    object.count += 1;
    for (const check of object.checks) if (!check.branch.isDead) this.#endKeyOf(check, object, text);
    if (this.#isAlive()) object.label = labelOf(object.checks);
    return this.#isAlive();
  }

  endNumber(text: string): boolean {
    const level = this.#top();
    const value = this.wantsNumber ? Number(text) : 0;
    for (const check of level.checks) {
      const rules = check.part.number;
      if (rules !== undefined) this.#apply(check, numberMistake(rules, value));
    }
    if (level.isMarked) {
      const [low, high] = numberWords(value);
      level.first = mixFirst(mixFirst(level.first, low), high);
      level.second = mixSecond(mixSecond(level.second, low), high);
    }
    return this.endValue();
  }

  endValue(): boolean {
    const level = this.#top();
    level.label = undefined;
    for (const check of level.checks) this.#apply(check, endMistake(check, level));
    this.#resolve(level);
    this.#pop(level);
    const parent = this.#levels[this.#depth - 1];
    if (parent === undefined) return this.#isAlive();
    if (level.isMarked) this.#remember(parent, level);
    if (parent.kind === jsonKinds.array) parent.count += 1;
    if (this.#isAlive()) parent.label = undefined;
    return this.#isAlive();
  }

  #beginItem(parent: Level, level: Level): void {
    parent.label = parent.count;
    level.isMarked = parent.isMarked || parent.hasMarkedItems;
    for (const { part, branch } of parent.checks) {
      if (part.array === undefined || branch.isDead) continue;
      this.#open(part.array.prefix[parent.count] ?? part.array.items, branch, level);
    }
  }

  #beginMember(parent: Level, level: Level): void {
    level.isMarked = parent.isMarked;
    for (const { members, branch } of parent.checks)
      for (const node of members) if (!branch.isDead) this.#open(node, branch, level);
  }

  /** Follows a value with a schema; the branch dies where its first character is not allowed. */
  #open(node: SchemaNode, branch: Branch, level: Level): void {
    for (const part of node.parts) {
      if (branch.isDead) return;
      if ((part.kinds & level.kind) === 0) {
        const byType = part.types === 0 ? part.name : 'type';
        return this.#fail(branch, (part.types & level.kind) === 0 ? byType : part.listed ? 'enum' : 'not');
      }
      if (this.#negative && !part.negative) return this.#fail(branch, part.number?.values ? 'enum' : 'minimum');
      if (level.checks.some((check) => check.part === part && check.branch === branch)) continue;
      if ((part.follows & level.kind) !== 0) {
        level.checks.push(startCheck(part, branch, level.kind));
        if (part.array?.unique === true && level.kind === jsonKinds.array) level.hasMarkedItems = true;
        this.#followed += 1;
        if (this.#followed > maxFollowed) return this.#fail(this.#branch, 'number of alternatives');
      }
      for (const group of part.groups) this.#openGroup(group, branch, level);
    }
  }

  #openGroup({ kind, nodes }: GroupRules, owner: Branch, level: Level): void {
    if (owner.isDead) return;
    const branches: Branch[] = [];
    const group: Group = { kind, owner, branches, living: nodes.length, keyword: '' };
    for (const _node of nodes) branches.push(new Branch(group));
    owner.children.push(...branches);
    level.groups.push(group);
    for (const [index, branch] of branches.entries()) {
      const node = nodes[index];
      if (node !== undefined && !branch.isDead) this.#open(node, branch, level);
    }
  }

  #apply(check: Check, keyword: string | undefined): void {
    if (keyword !== undefined) this.#fail(check.branch, keyword);
  }

  #fail(branch: Branch, keyword: string): void {
    if (branch.isDead) return;
    kill(branch);
    const { group } = branch;
    if (group === undefined) {
      this.#keyword = keyword;
      this.#pointer = this.#place();
      return;
    }
    group.living -= 1;
    if (keyword !== 'not' || group.keyword === '') group.keyword = keyword;
    if (group.living === 0 && group.kind !== 'not') this.#fail(group.owner, group.keyword);
  }

  /** The value ends: what only its end decides. Inner alternatives come before those that they are in. */
  #resolve({ groups }: Level): void {
    for (let index = groups.length - 1; index >= 0; index -= 1) {
      const group = groups[index];
      if (group === undefined) continue;
      const { kind, owner, branches } = group;
      if (!owner.isDead) {
        if (kind === 'oneOf' && group.living > 1) this.#fail(owner, kind);
        if (kind === 'not' && group.living > 0) this.#fail(owner, kind);
      }
      owner.children.length -= branches.length;
    }
  }

  #beginText({ kind, checks, isMarked }: Level): void {
    this.wantsUnits = false;
    this.wantsNumber = false;
    if (kind === jsonKinds.number) this.wantsNumber = isMarked || checks.length > 0;
    if (kind !== jsonKinds.string) return;
    this.wantsUnits = isMarked || checks.length > 0;
    this.#length = 0;
    this.#afterHigh = false;
    this.#keptLength = 0;
    this.#keeps = checks.some(({ part }) => part.string?.pattern !== undefined);
  }

  #endText({ checks }: Level): void {
    const text = checks.some(({ part }) => part.string?.pattern !== undefined) ? this.#text() : '';
    for (const check of checks) {
      const rules = check.part.string;
      if (rules === undefined) continue;
      if (this.#length < rules.minLength) this.#fail(check.branch, 'minLength');
      if (rules.values !== undefined && rules.values.exact(check.low, check.high, check.at) < 0)
        this.#fail(check.branch, 'enum');
      if (!check.branch.isDead && rules.pattern?.test(text) === false) this.#fail(check.branch, 'pattern');
    }
    this.#keeps = false;
  }

  #endKeyOf(check: Check, object: Level, text: string): void {
    const rules = check.part.object;
    if (rules === undefined) return;
    const place = rules.names.exact(check.low, check.high, check.at);
    const members: SchemaNode[] = [];
    const property = rules.properties[place];
    if (property !== undefined) members.push(property);
    for (const { pattern, node } of rules.patterns) if (pattern.test(text)) members.push(node);
    if (members.length === 0) members.push(rules.additional);
    check.members = members;
    if (place >= 0) {
      check.seen ??= new Uint8Array(rules.names.list.length);
      check.seen[place] = 1;
      if (rules.required[place] === true) check.missing -= 1;
    }
    const never = members.find((node) => node.never);
    if (never !== undefined) this.#fail(check.branch, never.parts[0]?.name ?? '');
    if (rules.maxProperties - object.count < check.missing) this.#fail(check.branch, 'maxProperties');
  }

  /** Adds a value that ended to the fingerprint of what it is in, and finds items that are there twice. */
  #remember(parent: Level, { kind, first, second }: Level): void {
    const one = mixFirst(first, kind);
    const two = mixSecond(second, kind);
    if (parent.kind === jsonKinds.array) {
      parent.first = mixFirst(parent.first, one);
      parent.second = mixSecond(parent.second, two);
    } else {
      parent.first = (parent.first + mixFirst(parent.keyFirst, one)) | 0;
      parent.second = (parent.second + mixSecond(parent.keySecond, two)) | 0;
    }
    if (!parent.hasMarkedItems) return;
    for (const check of parent.checks) {
      if (check.part.array?.unique !== true || check.branch.isDead) continue;
      check.items ??= new Set();
      const { size } = check.items.add(joinLanes(one, two));
      if (size === parent.count || size > maxRemembered) this.#fail(check.branch, 'uniqueItems');
    }
  }

  #push(kind: number): Level {
    const level = (this.#levels[this.#depth] ??= newLevel());
    this.#depth += 1;
    level.kind = kind;
    level.count = 0;
    level.label = undefined;
    level.keys = undefined;
    level.isMarked = false;
    level.hasMarkedItems = false;
    level.first = firstSeed;
    level.second = secondSeed;
    return level;
  }

  #pop(level: Level): void {
    this.#depth -= 1;
    this.#followed -= level.checks.length;
    level.checks.length = 0;
    level.groups.length = 0;
  }

  #top(): Level {
    return this.#levels[this.#depth - 1] ?? newLevel();
  }

  #isAlive(): boolean {
    return !this.#branch.isDead;
  }

  #place(): string {
    let pointer = '';
    for (const { label } of this.#levels.slice(0, this.#depth)) {
      if (label === undefined) break;
      pointer += `/${String(label).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    }
    return pointer;
  }

  #keep(unit: number): boolean {
    if (this.#keptLength === maxPatternText) return false;
    if (this.#keptLength === this.#kept.length) {
      const longer = new Uint16Array(Math.max(64, this.#kept.length * 2));
      longer.set(this.#kept);
      this.#kept = longer;
    }
    this.#kept[this.#keptLength] = unit;
    this.#keptLength += 1;
    return true;
  }

  #text(): string {
    return String.fromCharCode(...this.#kept.subarray(0, this.#keptLength));
  }
}

/** The name of the key that was read, where the schema has it. */
function labelOf(checks: readonly Check[]): string {
  for (const { part, branch, low, high, at } of checks) {
    const place = branch.isDead ? -1 : (part.object?.names.exact(low, high, at) ?? -1);
    if (place >= 0) return part.object?.names.list[place] ?? '*';
  }
  return '*';
}
