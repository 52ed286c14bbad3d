import { leaveOut, type BoundText } from './bound-modifier.ts';
import type { AnswerEnding, TextBlock, TextReader, TextRewriter } from './component.ts';
import { asSluiceError, SluiceError } from './errors.ts';
import type { FinishReason } from './event.ts';
import type { Run } from './run.ts';

/** A modifier of the row has ended the answer. */
export interface RowEnding extends AnswerEnding {
  readonly by: BoundText;
  /** The message has been put behind the text of the row. */
  readonly told: boolean;
}

interface Instance {
  readonly bound: BoundText;
  readonly rewriter: TextRewriter | undefined;
  readonly reader: TextReader | undefined;
}

/** The text of a block on its way through the modifiers that read its channel. */
export interface BlockText {
  /** True once something left that had not come so. */
  readonly changed: boolean;
  /** Set when a modifier ended the answer: nothing more is read, and what was returned last was the end. */
  readonly ending: RowEnding | undefined;
  /** Takes the next piece and returns what can go out; the very same string where nothing is changed or held. */
  push(piece: string): string;
  /** The block ends: every modifier gives what it held to those behind it. */
  flush(): string;
  /** The block ends, but more may be put behind its text: gives what can leave before that is known. */
  settle(): string;
  /** What is left after `settle`. With a reason the text is the last of its choice, and what acts at the end does so. */
  end(finish: FinishReason | undefined): string;
  /** Something comes between this text and what follows of its block: gives what is left, and begins a text anew. */
  restart(): string;
  addMatches(counts: Map<string, number | undefined>): void;
}

/** One text on its way through a row of modifiers that read or rewrite it. */
export class TextRow implements BlockText {
  changed = false;
  ending: RowEnding | undefined;
  /** Text that came and has not left: held, and not yet known to be changed. */
  #owed = '';
  #instances: readonly Instance[];
  #stop: { readonly by: BoundText; readonly ending: AnswerEnding } | undefined;
  /** What was changed before a restart. */
  #earlier: Map<string, number | undefined> | undefined;
  readonly #run: Run;
  readonly #block: Omit<TextBlock, 'stop'>;

  constructor(modifiers: readonly BoundText[], run: Run, block: Omit<TextBlock, 'stop'>) {
    this.#run = run;
    this.#block = block;
    this.#instances = modifiers.flatMap((bound) => this.#open(bound, block) ?? []);
  }

  push(text: string): string {
    if (this.ending !== undefined) return '';
    let current = text;
    for (const instance of this.#instances) {
      if (current === '') break;
      current = this.#step(instance, current);
      if (this.#stop !== undefined && this.#stop.by === instance.bound) return this.#cut(instance, current);
    }
    if (current !== text || this.#owed !== '') this.#compare(text, current);
    return current;
  }

  flush(): string {
    return this.settle() + this.end(undefined);
  }

  settle(): string {
    const first = this.#instances.findIndex(actsAtEnd);
    if (first === -1) return '';
    let held = '';
    for (const [index, instance] of this.#instances.entries()) {
      if (held !== '') held = this.#step(instance, held);
      if (index <= first) held += this.#finish(instance);
      if (this.#stop !== undefined && this.#stop.by === instance.bound) return this.#cut(instance, held);
    }
    this.#compare('', held);
    return held;
  }

  end(finish: FinishReason | undefined): string {
    if (this.ending !== undefined) return '';
    const first = this.#instances.findIndex(actsAtEnd);
    let held = '';
    for (const [index, instance] of this.#instances.entries()) {
      if (index < first) continue;
      if (held !== '') held = this.#step(instance, held);
      if (index !== first) held += this.#finish(instance);
      held += this.#close(instance, finish);
      if (this.#stop !== undefined && this.#stop.by === instance.bound) return this.#cut(instance, held);
    }
    this.#compare('', held);
    if (this.#owed !== '') this.changed = true;
    return held;
  }

  restart(): string {
    const text = this.flush();
    if (this.ending !== undefined) return text;
    const opened = this.#instances.map(({ bound }) => bound);
    this.addMatches((this.#earlier ??= new Map()));
    this.#instances = opened.flatMap((bound) => this.#open(bound, { ...this.#block, first: false }) ?? []);
    return text;
  }

  addMatches(counts: Map<string, number | undefined>): void {
    if (this.#earlier !== undefined && this.#earlier !== counts) addCounts(counts, this.#earlier);
    for (const { bound, rewriter } of this.#instances) {
      const matches = readMatches(bound, rewriter);
      if (matches !== undefined) counts.set(bound.name, (counts.get(bound.name) ?? 0) + matches);
    }
  }

  #open(bound: BoundText, about: Omit<TextBlock, 'stop'>): Instance | undefined {
    const { modifier } = bound;
    const block: TextBlock = {
      ...about,
      stop: (ending) => {
        this.#stop ??= { by: bound, ending };
      },
    };
    try {
      return modifier.effect === 'text'
        ? { bound, rewriter: modifier.open(this.#run, block), reader: undefined }
        : { bound, rewriter: undefined, reader: modifier.open(this.#run, block) };
    } catch (error) {
      leaveOut(bound, this.#run, error);
      return undefined;
    }
  }

  /** A modifier ended the answer with `text` as the last that it lets go: those behind it end their text with that. */
  #cut(stopper: Instance, text: string): string {
    const { by, ending } = this.#stop ?? { by: stopper.bound, ending: { reason: 'stop' } };
    const told = this.#block.channel === 'text';
    let current = text + (told ? (ending.message ?? '') : '');
    for (const instance of this.#instances.slice(this.#instances.indexOf(stopper) + 1)) {
      if (current !== '') current = this.#step(instance, current);
      current += this.#finish(instance) + this.#close(instance, ending.reason);
    }
    this.ending = { ...ending, by, told };
    this.changed = true;
    return current;
  }

  #compare(came: string, left: string): void {
    if (this.changed) return;
    this.#owed += came;
    if (this.#owed.startsWith(left)) this.#owed = this.#owed.slice(left.length);
    else this.changed = true;
    if (this.changed) this.#owed = '';
  }

  #step(instance: Instance, text: string): string {
    try {
      if (instance.rewriter !== undefined) return checkedText(instance.rewriter.text(text));
      instance.reader?.read(text);
      return text;
    } catch (error) {
      this.#failed(instance, error);
      return text;
    }
  }

  #finish(instance: Instance): string {
    try {
      if (instance.rewriter !== undefined) return checkedText(instance.rewriter.flush());
      instance.reader?.end?.();
    } catch (error) {
      this.#failed(instance, error);
    }
    return '';
  }

  #close({ bound, rewriter, ...rest }: Instance, finish: FinishReason | undefined): string {
    if (finish === undefined || rewriter?.close === undefined || bound.endCondition?.(finish) === false) return '';
    try {
      return checkedText(rewriter.close(finish));
    } catch (error) {
      this.#failed({ bound, rewriter, ...rest }, error);
      return '';
    }
  }

  #failed({ bound }: Instance, error: unknown): void {
    leaveOut(bound, this.#run, error);
    this.#instances = this.#instances.filter((candidate) => candidate.bound !== bound);
  }
}

/** Adds the counts of one map to those of another. */
export function addCounts(
  sum: Map<string, number | undefined>,
  counts: ReadonlyMap<string, number | undefined>,
): void {
  for (const [name, count] of counts) if (count !== undefined) sum.set(name, (sum.get(name) ?? 0) + count);
}

function actsAtEnd({ bound: { modifier } }: Instance): boolean {
  return modifier.effect === 'text' && modifier.actsAtEnd === true;
}

function readMatches({ name }: BoundText, rewriter: TextRewriter | undefined): number | undefined {
  try {
    return rewriter?.matches;
  } catch (error) {
    throw asSluiceError(error, 'MODIFIER_FAILED', { modifier: name });
  }
}

function checkedText(text: unknown): string {
  if (typeof text === 'string') return text;
  throw new SluiceError('MODIFIER_FAILED', {
    context: { reason: `a text modifier returned ${typeof text}, not a string` },
  });
}
