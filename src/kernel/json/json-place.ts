import { detach } from '../detach.ts';

/** Deepest level that has a pointer of its own; a text below it has the pointer of this level. */
const maxPointerLevels = 128;
/** What is kept of a key. */
const maxKeyCharacters = 128;
/** A pointer is cut here; what lies deeper has the pointer of its parent. */
const maxPointerCharacters = 2_048;
/** Deepest JSON whose strings are told from its keys: eight kilobytes of levels. */
const maxLevels = 65_536;

/** Where a reader of JSON is: the open objects and lists, and the JSON pointer of the value that comes next. */
export class JsonPlace {
  /** One bit a level, 1 for an object. */
  readonly #kinds: number[] = [];
  /** The pointers of the open objects and lists. */
  readonly #pointers: string[] = [];
  /** The key or the place of the current value at each level. */
  readonly #steps: (string | number)[] = [];
  #depth = 0;

  get depth(): number {
    return this.#depth;
  }

  get inObject(): boolean {
    const level = this.#depth - 1;
    return level >= 0 && (((this.#kinds[level >>> 5] ?? 0) >>> (level & 31)) & 1) === 1;
  }

  /** The pointer of the current value. */
  get pointer(): string {
    const level = Math.min(this.#depth, maxPointerLevels) - 1;
    if (level < 0) return '';
    const parent = this.#pointers[level] ?? '';
    const step = String(this.#steps[level] ?? '')
      .replaceAll('~', '~0')
      .replaceAll('/', '~1');
    return parent.length + step.length < maxPointerCharacters ? `${parent}/${step}` : parent;
  }

  /** False where it is too deep to go on. */
  enter(isObject: boolean): boolean {
    const level = this.#depth;
    if (level >= maxLevels) return false;
    if (level < maxPointerLevels) {
      this.#pointers[level] = this.pointer;
      this.#steps[level] = isObject ? '' : 0;
    }
    const bit = 1 << (level & 31);
    const bits = this.#kinds[level >>> 5] ?? 0;
    this.#kinds[level >>> 5] = isObject ? bits | bit : bits & ~bit;
    this.#depth = level + 1;
    return true;
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** The key of the next value; `json` is what stands between its quotes. */
  key(json: string): void {
    if (this.#depth > maxPointerLevels) return;
    const text = json.includes('\\') ? unescapeKey(json) : json;
    // A slice would keep alive the whole piece that it was cut from.
    this.#steps[this.#depth - 1] = detach(text.slice(0, maxKeyCharacters));
  }

  /** The next value of a list. */
  next(): void {
    const level = this.#depth - 1;
    const step = this.#steps[level];
    if (level < maxPointerLevels && typeof step === 'number') this.#steps[level] = step + 1;
  }
}

function unescapeKey(json: string): string {
  try {
    return JSON.parse(`"${json}"`) as string;
  } catch {
    return json;
  }
}
