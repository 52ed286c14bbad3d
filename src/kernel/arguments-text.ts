import type { BoundText } from './bound-modifier.ts';
import type { TextBlock } from './modifier.ts';
import type { EventOfType } from './event.ts';
import { JsonLeaves, type LeafRewriter } from './json/json-leaves.ts';
import { PatchLeaves, type PatchEvent } from './json/patch-leaves.ts';
import { addCounts, TextRow, type BlockText, type RowEnding, type RowScope } from './text-row.ts';

/** What comes as fragments of the arguments. */
interface Fragments {
  push(json: string): string;
  flush(): string;
}

/**
 * The arguments of a tool call on their way through a row of modifiers: each string in them is a text of its own, and
 * everything else leaves as it came. The input of a tool of which nobody knows the form is one text.
 */
export class ArgumentsText implements BlockText {
  changed = false;
  ending: RowEnding | undefined;
  readonly isEmpty = false;
  readonly #fragments: Fragments;
  /** Where the arguments come as fragments of JSON. */
  readonly #leaves: JsonLeaves | undefined;
  /** Where values come by path. */
  #patches: PatchLeaves | undefined;
  readonly #readers: readonly BoundText[];
  readonly #scope: RowScope;
  #block: Omit<TextBlock, 'stop'>;
  readonly #counts = new Map<string, number | undefined>();
  /** The strings that are being read. */
  readonly #open = new Set<TextRow>();

  constructor(readers: readonly BoundText[], scope: RowScope, block: Omit<TextBlock, 'stop'>, isJson: boolean) {
    this.#readers = readers;
    this.#scope = scope;
    this.#block = block;
    this.#leaves = isJson ? new JsonLeaves(() => this.#openLeaf()) : undefined;
    this.#fragments = this.#leaves ?? fragmentsOf(this.#openLeaf());
  }

  push(json: string): string {
    return this.ending === undefined ? this.#fragments.push(json) : '';
  }

  flush(): string {
    return this.ending === undefined ? this.#fragments.flush() : '';
  }

  settle(): string {
    return '';
  }

  end(): string {
    return this.flush();
  }

  /** Calls may run side by side; their arguments are not cut by one another. */
  restart(): string {
    return '';
  }

  /** The events in place of one that brings a value by path: the very same one where nothing is changed or held. */
  rewritePatch(event: PatchEvent): readonly EventOfType<'toolArgs.delta'>[] {
    if (this.ending !== undefined) return [];
    const left = (this.#patches ??= new PatchLeaves(() => this.#openLeaf())).rewrite(event);
    // A value that is more than a text can't be cut: it leaves whole or not at all.
    return this.#hasEnded() && typeof event.patch.value !== 'string' ? left.slice(0, -1) : left;
  }

  /** What is left of a string that came by path and did not say that it was complete. */
  flushPatches(): readonly EventOfType<'toolArgs.delta'>[] {
    return this.ending === undefined ? (this.#patches?.flush() ?? []) : [];
  }

  addMatches(counts: Map<string, number | undefined>): void {
    addCounts(counts, this.#counts);
    for (const row of this.#open) row.addMatches(counts);
  }

  #hasEnded(): boolean {
    return this.ending !== undefined;
  }

  #openLeaf(): LeafRewriter {
    const row = new TextRow(this.#readers, this.#scope, this.#block);
    if (this.#block.first) this.#block = { ...this.#block, first: false };
    this.#open.add(row);
    return {
      text: (chunk) => (this.ending === undefined ? this.#cutAt(row, row.push(chunk)) : ''),
      flush: () => {
        const text = this.ending === undefined ? this.#cutAt(row, row.flush()) : '';
        this.changed ||= row.changed;
        row.addMatches(this.#counts);
        this.#open.delete(row);
        return text;
      },
    };
  }

  /** Where the answer ended inside of this string, nothing of the arguments behind it leaves. */
  #cutAt({ ending }: TextRow, text: string): string {
    if (ending === undefined) return text;
    this.ending = ending;
    this.changed = true;
    this.#leaves?.halt();
    return text;
  }
}

function fragmentsOf(leaf: LeafRewriter): Fragments {
  return { push: (text) => leaf.text(text), flush: () => leaf.flush() };
}
