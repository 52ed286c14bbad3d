import type { BoundText } from './bound-modifier.ts';
import type { TextBlock } from './component.ts';
import { JsonLeaves, type LeafRewriter } from './json-leaves.ts';
import type { Run } from './run.ts';
import { addCounts, TextRow, type BlockText, type RowEnding } from './text-row.ts';

/**
 * The arguments of a tool call on their way through a row of modifiers: each string in them is a text of its own, and
 * everything else leaves as it came.
 */
export class ArgumentsText implements BlockText {
  changed = false;
  ending: RowEnding | undefined;
  readonly #leaves: JsonLeaves;
  readonly #readers: readonly BoundText[];
  readonly #run: Run;
  readonly #block: Omit<TextBlock, 'stop'>;
  readonly #counts = new Map<string, number | undefined>();
  /** The string that is being read. */
  #open: TextRow | undefined;

  constructor(readers: readonly BoundText[], run: Run, block: Omit<TextBlock, 'stop'>) {
    this.#readers = readers;
    this.#run = run;
    this.#block = block;
    this.#leaves = new JsonLeaves(() => this.#openLeaf());
  }

  push(json: string): string {
    if (this.ending !== undefined) return '';
    return this.#leaves.push(json);
  }

  flush(): string {
    return this.ending === undefined ? this.#leaves.flush() : '';
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

  addMatches(counts: Map<string, number | undefined>): void {
    addCounts(counts, this.#counts);
    this.#open?.addMatches(counts);
  }

  #openLeaf(): LeafRewriter {
    const row = new TextRow(this.#readers, this.#run, this.#block);
    this.#open = row;
    return {
      text: (chunk) => {
        const text = row.push(chunk);
        if (row.ending !== undefined) this.#cut(row.ending);
        return text;
      },
      flush: () => {
        const text = row.flush();
        this.changed ||= row.changed;
        if (row.ending !== undefined) this.#cut(row.ending);
        row.addMatches(this.#counts);
        this.#open = undefined;
        return text;
      },
    };
  }

  /** The answer ends inside of this string: nothing of the arguments behind it leaves. */
  #cut(ending: RowEnding): void {
    this.ending = ending;
    this.changed = true;
    this.#leaves.halt();
  }
}
