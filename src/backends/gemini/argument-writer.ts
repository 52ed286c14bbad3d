import { escapeJson } from '../../kernel/json/json-text.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';
import type { PathStep } from './json-path.ts';

/** Characters that are written a second time because a value came out of order. */
const maxRewritten = 1_048_576;

type Container = Record<string, unknown> | unknown[];

/** An object or a list whose closing bracket is not written yet. */
interface OpenLevel {
  /** Where it stands in the one above; the outermost stands nowhere. */
  readonly step: PathStep | undefined;
  /** The keys that are written; undefined for a list. */
  readonly keys: Set<string> | undefined;
  count: number;
}

/** One value of the arguments of a call, or a piece of a string. */
export interface ArgumentPiece {
  readonly path: readonly PathStep[];
  readonly value: unknown;
  /** The next piece of this path continues the string. */
  readonly more: boolean;
}

/**
 * Writes arguments that come value by value as JSON text, piece by piece. Values come in the order of the document, as a
 * rule; one that comes back to a part that is closed has the whole member of the outermost object written again: of two
 * members with one name readers of JSON take the last.
 */
export class ArgumentWriter {
  readonly #whole: Record<string, unknown> = {};
  readonly #levels: OpenLevel[] = [];
  /** Path of the string that the next piece may continue. */
  #continued: readonly PathStep[] | undefined;
  /** The text ends inside this string. */
  #insideString = false;
  #rewritten = 0;

  /** Returns the text that the piece adds. Throws UPSTREAM_BAD_FRAME where no JSON object can come of it. */
  push({ path, value, more }: ArgumentPiece): string {
    const [top] = path;
    if (typeof top !== 'string') throw badFrame('the arguments of a call are no object');
    const continues = typeof value === 'string' && this.#continued !== undefined && isSamePath(this.#continued, path);
    put(this.#whole, path, value, continues);
    if (continues && this.#insideString) {
      this.#leave(path, more, more);
      return escapeJson(value) + (more ? '' : '"');
    }
    const ended = this.#endString();
    const depth = this.#commonDepth(path);
    const isText = typeof value === 'string';
    if (!this.#canAdd(path, depth)) {
      this.#leave(path, isText && more, false);
      return ended + this.#rewrite(top);
    }
    const opened = this.#closeTo(depth) + this.#open(path, depth);
    this.#leave(path, isText && more, isText && more);
    if (!isText) return ended + opened + JSON.stringify(value ?? null);
    return `${ended}${opened}"${escapeJson(value)}${more ? '' : '"'}`;
  }

  /** Returns the text that completes the object. */
  close(): string {
    if (this.#levels.length === 0) return '{}';
    return this.#endString() + this.#closeTo(0) + '}';
  }

  #leave(path: readonly PathStep[], continued: boolean, insideString: boolean): void {
    this.#continued = continued ? path : undefined;
    this.#insideString = insideString;
  }

  #endString(): string {
    if (!this.#insideString) return '';
    this.#insideString = false;
    return '"';
  }

  /** How many of the open levels, after the outermost, the path leads through. */
  #commonDepth(path: readonly PathStep[]): number {
    let depth = 0;
    while (depth < path.length - 1 && depth + 1 < this.#levels.length && this.#levels[depth + 1]?.step === path[depth])
      depth += 1;
    return depth;
  }

  #canAdd(path: readonly PathStep[], depth: number): boolean {
    const level = this.#levels[depth];
    const step = path[depth];
    if (level !== undefined) {
      if (level.keys === undefined ? step !== level.count : typeof step !== 'string' || level.keys.has(step))
        return false;
    }
    return path.slice(depth + 1).every((inner) => typeof inner === 'string' || inner === 0);
  }

  #closeTo(depth: number): string {
    let text = '';
    while (this.#levels.length > depth + 1) text += this.#levels.pop()?.keys === undefined ? ']' : '}';
    return text;
  }

  /** Everything before the value: brackets, commas and keys. */
  #open(path: readonly PathStep[], depth: number): string {
    let text = '';
    for (let at = depth; at < path.length; at += 1) {
      const step = path[at];
      if (step === undefined) break;
      const level = this.#levels[at] ?? this.#addLevel(path[at - 1], step);
      if (level.count === 0) text += level.keys === undefined ? '[' : '{';
      else text += ',';
      level.count += 1;
      level.keys?.add(String(step));
      if (level.keys !== undefined) text += `${JSON.stringify(step)}:`;
    }
    return text;
  }

  #addLevel(step: PathStep | undefined, first: PathStep): OpenLevel {
    const level: OpenLevel = { step, keys: typeof first === 'string' ? new Set() : undefined, count: 0 };
    this.#levels.push(level);
    return level;
  }

  #rewrite(top: string): string {
    const opened = this.#closeTo(0) + this.#open([top], 0);
    const text = JSON.stringify(ownValue(this.#whole, top));
    this.#rewritten += text.length;
    if (this.#rewritten > maxRewritten) throw badFrame('the arguments of a call come in too wild an order');
    return opened + text;
  }
}

function isSamePath(left: readonly PathStep[], right: readonly PathStep[]): boolean {
  return left.length === right.length && left.every((step, index) => step === right[index]);
}

/** Sets the value at the path; what stands in its way is replaced. */
function put(root: Record<string, unknown>, path: readonly PathStep[], value: unknown, append: boolean): void {
  let node: Container = root;
  for (const [at, step] of path.entries()) {
    const next = path[at + 1];
    const present: unknown = ownValue(node, step);
    if (next === undefined) {
      setOwn(node, step, append && typeof present === 'string' ? present + String(value) : value);
      return;
    }
    const fits = typeof next === 'number' ? Array.isArray(present) : isRecord(present);
    const inner: Container = fits ? (present as Container) : typeof next === 'number' ? [] : {};
    if (!fits) setOwn(node, step, inner);
    node = inner;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ownValue(node: Container, step: PathStep): unknown {
  return Object.hasOwn(node, step) ? (node as Record<PathStep, unknown>)[step] : undefined;
}

/** A key such as `__proto__` is a key like any other. */
function setOwn(node: Container, step: PathStep, value: unknown): void {
  if (Array.isArray(node) && typeof step === 'number') while (node.length < step) node.push(null);
  Object.defineProperty(node, step, { value, enumerable: true, writable: true, configurable: true });
}
