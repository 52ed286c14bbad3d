import type { TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import { SluiceError } from '../errors.ts';
import type { Run } from '../run.ts';

/** Different values that one run hides. With more of them the request is refused. */
export const maxHidden = 99_999;
/** `<`, a label of at most 63 characters, `_`, the number, `>`. */
export const maxPlaceholderLength = 1 + 63 + 1 + String(maxHidden).length + 1;

/** A longer text is not kept alive for the few characters held back of it. */
const detachAbove = 256;
const placeholderForm = /<[A-Z][A-Z0-9_]*_[0-9]+>/g;
const vaultNote = Symbol('placeholders');

/** What one run has hidden. Placeholders look like `<EMAIL_1>`; numbers go up in the order in which values are hidden. */
export class PlaceholderVault {
  readonly #placeholders = new Map<string, string>();
  readonly #originals = new Map<string, string>();
  readonly #taken = new Set<string>();
  readonly #numbers = new Map<string, number>();
  /** Every text that can still become a placeholder. */
  readonly #beginnings = new Set<string>();

  get size(): number {
    return this.#originals.size;
  }

  /** Keeps what looks like a placeholder in this text from being given out. */
  reserve(text: string): void {
    for (const [placeholder] of text.matchAll(placeholderForm)) this.#taken.add(placeholder);
  }

  /** The placeholder of a value; the same one for the same value. Throws PROCESSOR_FLOOD beyond `maxHidden` values. */
  hide(label: string, value: string): string {
    const known = this.#placeholders.get(value);
    if (known !== undefined) return known;
    if (this.#originals.size >= maxHidden)
      throw new SluiceError('PROCESSOR_FLOOD', { details: { limit: `${maxHidden} placeholders` } });
    const placeholder = this.#next(label);
    this.#placeholders.set(value, placeholder);
    this.#originals.set(placeholder, value);
    for (let length = placeholder.length - 1; length > 0; length -= 1) {
      const beginning = placeholder.slice(0, length);
      if (this.#beginnings.has(beginning)) break;
      this.#beginnings.add(beginning);
    }
    return placeholder;
  }

  original(placeholder: string): string | undefined {
    return this.#originals.get(placeholder);
  }

  /** True where a placeholder of this run begins with the text and goes on. */
  begins(text: string): boolean {
    return this.#beginnings.has(text);
  }

  #next(label: string): string {
    let number = this.#numbers.get(label) ?? 0;
    let placeholder: string;
    do {
      number += 1;
      placeholder = `<${label}_${number}>`;
    } while (this.#taken.has(placeholder));
    this.#numbers.set(label, number);
    return placeholder;
  }
}

/** The vault of a run; the first one who asks makes it. */
export function vaultOf(run: Run): PlaceholderVault {
  const vault = findVault(run) ?? new PlaceholderVault();
  run.notes.set(vaultNote, vault);
  return vault;
}

/** The vault of a run, where something was hidden in it. */
export function findVault(run: Run): PlaceholderVault | undefined {
  const vault = run.notes.get(vaultNote);
  return vault instanceof PlaceholderVault ? vault : undefined;
}

/** Lets everything pass: for a run that hid nothing. */
const untouched: TextRewriter = { text: (chunk) => chunk, flush: () => '' };

/** Opens a rewriter that puts back what the run has hidden. Held is only what can still become one of its placeholders. */
export function createRestorer(run: Run): TextRewriter {
  const vault = findVault(run);
  return vault === undefined || vault.size === 0 ? untouched : new Restorer(vault);
}

class Restorer implements TextRewriter {
  readonly #vault: PlaceholderVault;
  /** The beginning of a placeholder. */
  #held = '';
  #matches = 0;

  constructor(vault: PlaceholderVault) {
    this.#vault = vault;
  }

  get matches(): number {
    return this.#matches;
  }

  text(chunk: string): string {
    if (this.#held === '' && !chunk.includes('<')) return chunk;
    const known = this.#held.length;
    const text = known === 0 ? chunk : this.#held + chunk;
    const matchesBefore = this.#matches;
    let output = '';
    let copied = 0;
    let start = text.indexOf('<');
    while (start !== -1) {
      const end = this.#follow(text, start, start === 0 ? Math.max(known, 1) : 1);
      if (end > text.length) break;
      const original = this.#vault.original(text.slice(start, end));
      if (original !== undefined) {
        output += text.slice(copied, start) + original;
        copied = end;
        this.#matches += 1;
      }
      start = text.indexOf('<', original === undefined ? start + 1 : end);
    }
    const holdsFrom = start === -1 ? text.length : start;
    this.#hold(text, holdsFrom);
    const isSame = known === 0 && holdsFrom === text.length && this.#matches === matchesBefore;
    return isSame ? chunk : output + text.slice(copied, holdsFrom);
  }

  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** End of what begins at `start` and may be a placeholder; beyond the text where that is not known yet. */
  #follow(text: string, start: number, known: number): number {
    let end = start + known;
    while (end <= text.length && this.#vault.begins(text.slice(start, end))) end += 1;
    return end;
  }

  #hold(text: string, from: number): void {
    const held = text.slice(from);
    this.#held = text.length > detachAbove ? detach(held) : held;
  }
}
