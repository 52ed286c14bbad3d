import { actsAtEnd, leaveOut, type BoundText } from './bound-modifier.ts';
import type { AnswerEnding, TextBlock, TextReader, TextRewriter } from './modifier.ts';
import { asSluiceError, SluiceError } from './errors.ts';
import type { FinishReason } from './event.ts';
import type { Run } from './run.ts';

/** A modifier of the row has ended the answer. */
export interface RowEnding extends AnswerEnding {
  readonly by: BoundText;
  /** The message has been put behind the text of the row. */
  readonly told: boolean;
}

/** What the texts of one stage have in common. */
export interface RowScope {
  readonly run: Run;
  /** Modifiers that failed and may be left out: no further text of the run is shown to them. */
  readonly leftOut: Set<BoundText>;
}

interface Instance {
  readonly bound: BoundText;
  rewriter: TextRewriter | undefined;
  reader: TextReader | undefined;
  /** It has given what it held. */
  isFinished: boolean;
  /** How it ended the answer. */
  ending: AnswerEnding | undefined;
}

/** Text that came and did not leave is compared with what leaves up to this length; with more the text counts as changed. */
const maxOwedCharacters = 1_048_576;

/** The text of a block on its way through the modifiers that read its channel. */
export interface BlockText {
  /** True once something left that had not come so. */
  readonly changed: boolean;
  /** Set when a modifier ended the answer: nothing more is read, and what was returned last was the end. */
  readonly ending: RowEnding | undefined;
  /** Nothing of the text has come yet. */
  readonly isEmpty: boolean;
  /** Takes the next piece and returns what can go out; the very same string where nothing is changed or held. */
  push(piece: string): string;
  /** The block ends: every modifier gives what it held to those behind it. */
  flush(): string;
  /** The block ends, but more may be put behind its text: gives what can leave before that is known. */
  settle(): string;
  /** What is left after `settle`. With a reason the text is the last of its choice, and what acts at the end does so. */
  end(finish: FinishReason | undefined): string;
  /**
   * Something comes between this text and what follows of its block: gives what is left, and begins a text anew. With a
   * reason this was the last text of its choice.
   */
  restart(finish?: FinishReason): string;
  addMatches(counts: Map<string, number | undefined>): void;
}

/** One text on its way through a row of modifiers that read or rewrite it. */
export class TextRow implements BlockText {
  changed = false;
  isEmpty = true;
  ending: RowEnding | undefined;
  /** Text that came and has not left: held, and not yet known to be changed. */
  #owed = '';
  #instances: readonly Instance[];
  /** A modifier failed that must not be left out: nothing more leaves. */
  #isBroken = false;
  /** What was changed before a restart. */
  #earlier: Map<string, number | undefined> | undefined;
  readonly #scope: RowScope;
  readonly #block: Omit<TextBlock, 'stop'>;

  constructor(modifiers: readonly BoundText[], scope: RowScope, block: Omit<TextBlock, 'stop'>) {
    this.#scope = scope;
    this.#block = block;
    this.#instances = this.#openAll(modifiers, block);
  }

  push(text: string): string {
    if (text === '' || this.#isOver()) return '';
    this.isEmpty = false;
    let current = text;
    for (const instance of this.#instances) {
      current = this.#step(instance, current);
      if (instance.ending !== undefined) return this.#cut(instance, instance.ending, current);
      if (current === '') break;
    }
    if (current !== text || this.#owed !== '') this.#compare(text, current);
    return current;
  }

  flush(): string {
    return this.end(undefined);
  }

  settle(): string {
    return this.#isOver()
      ? ''
      : this.#drain(
          this.#instances.findIndex(({ bound }) => actsAtEnd(bound)),
          undefined,
        );
  }

  end(finish: FinishReason | undefined): string {
    if (this.#isOver()) return '';
    const held = this.#drain(this.#instances.length - 1, finish);
    if (this.#owed !== '') this.changed = true;
    return held;
  }

  restart(finish?: FinishReason): string {
    const text = this.end(finish);
    if (this.#isOver()) return text;
    const opened = this.#instances.map(({ bound }) => bound);
    this.addMatches((this.#earlier ??= new Map()));
    this.#instances = this.#openAll(opened, { ...this.#block, first: this.#block.first && this.isEmpty });
    return text;
  }

  addMatches(counts: Map<string, number | undefined>): void {
    if (this.#earlier !== undefined && this.#earlier !== counts) addCounts(counts, this.#earlier);
    for (const { bound, rewriter } of this.#instances) {
      const matches = readMatches(bound, rewriter);
      if (matches !== undefined) counts.set(bound.name, (counts.get(bound.name) ?? 0) + matches);
    }
  }

  #isOver(): boolean {
    return this.ending !== undefined || this.#isBroken;
  }

  #openAll(modifiers: readonly BoundText[], about: Omit<TextBlock, 'stop'>): Instance[] {
    return modifiers.flatMap((bound) => this.#open(bound, about) ?? []);
  }

  #open(bound: BoundText, about: Omit<TextBlock, 'stop'>): Instance | undefined {
    const { run, leftOut } = this.#scope;
    if (leftOut.has(bound)) return undefined;
    const { modifier } = bound;
    const instance: Instance = { bound, rewriter: undefined, reader: undefined, isFinished: false, ending: undefined };
    const block: TextBlock = { ...about, stop: (ending) => void (instance.ending ??= ending) };
    try {
      if (modifier.effect === 'text') instance.rewriter = modifier.open(run, block);
      else instance.reader = modifier.open(run, block);
      return instance;
    } catch (error) {
      this.#leaveOut(bound, error);
      return undefined;
    }
  }

  /** The modifiers up to this one give what they hold to those behind them, and with a reason they act at the end. */
  #drain(last: number, finish: FinishReason | undefined): string {
    let held = '';
    for (const [index, instance] of this.#instances.entries()) {
      held = this.#pass(instance, held, index <= last, finish);
      if (instance.ending !== undefined) return this.#cut(instance, instance.ending, held);
    }
    this.#compare('', held);
    return held;
  }

  #pass(instance: Instance, text: string, finishes: boolean, finish: FinishReason | undefined): string {
    let left = text === '' ? '' : this.#step(instance, text);
    if (finishes && instance.ending === undefined && !instance.isFinished) left += this.#finish(instance);
    if (finish !== undefined && instance.ending === undefined) left += this.#close(instance, finish);
    return left;
  }

  /**
   * A modifier ended the answer with `text` as the last that it lets go: those behind it end their text with that. One of
   * them may end it still earlier.
   */
  #cut(stopper: Instance, ending: AnswerEnding, text: string): string {
    const told = this.#block.channel === 'text';
    let current = text + (told ? (ending.message ?? '') : '');
    for (const instance of this.#instances.slice(this.#instances.indexOf(stopper) + 1)) {
      current = this.#pass(instance, current, true, told ? ending.reason : undefined);
      if (instance.ending !== undefined) return this.#cut(instance, instance.ending, current);
    }
    this.ending = { ...ending, by: stopper.bound, told };
    this.changed = true;
    this.#owed = '';
    return current;
  }

  #compare(came: string, left: string): void {
    if (this.changed) return;
    this.#owed += came;
    if (left === '') this.changed = this.#owed.length > maxOwedCharacters;
    else if (this.#owed.startsWith(left)) this.#owed = this.#owed.slice(left.length);
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
    instance.isFinished = true;
    try {
      if (instance.rewriter !== undefined) return checkedText(instance.rewriter.flush());
      instance.reader?.end?.();
    } catch (error) {
      this.#failed(instance, error);
    }
    return '';
  }

  #close(instance: Instance, finish: FinishReason): string {
    const { bound, rewriter } = instance;
    try {
      if (!actsAtEnd(bound) || bound.endCondition?.(finish) === false) return '';
      return checkedText(rewriter?.close?.(finish) ?? '');
    } catch (error) {
      this.#failed(instance, error);
      return '';
    }
  }

  /** What a modifier asked for in a call that failed does not count. */
  #failed(instance: Instance, error: unknown): void {
    this.#leaveOut(instance.bound, error);
    instance.rewriter = undefined;
    instance.reader = undefined;
    instance.ending = undefined;
    this.#instances = this.#instances.filter((candidate) => candidate !== instance);
  }

  /** One that was left out already is told once. */
  #leaveOut(bound: BoundText, error: unknown): void {
    const { run, leftOut } = this.#scope;
    if (leftOut.has(bound)) return;
    this.#isBroken = true;
    leaveOut(bound, run, error);
    this.#isBroken = false;
    leftOut.add(bound);
  }
}

/** Adds the counts of one map to those of another. */
export function addCounts(sum: Map<string, number | undefined>, counts: ReadonlyMap<string, number | undefined>): void {
  for (const [name, count] of counts) if (count !== undefined) sum.set(name, (sum.get(name) ?? 0) + count);
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
