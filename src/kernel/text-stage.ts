import {
  channels,
  type Channel,
  type ReadModifier,
  type TextModifier,
  type TextReader,
  type TextRewriter,
} from './component.ts';
import { asSluiceError, describeCause, SluiceError } from './errors.ts';
import type { AnswerEvent, EventOfType } from './event.ts';
import type { Run } from './run.ts';

/** A modifier of a pipeline together with what the definition says of it. */
export interface Bound<M> {
  readonly name: string;
  readonly guard: boolean;
  readonly onError: 'fail' | 'skip';
  readonly modifier: M;
}

type Emit = (event: AnswerEvent) => void;

/**
 * Runs the text of every block through a row of modifiers that read or rewrite text, and derives from it what they do
 * to events. The fast lane calls `block(id).push` directly: both ways share the state of the block, so frames may
 * change between them at any time.
 */
export class TextStage {
  readonly #modifiers: readonly Bound<ReadModifier | TextModifier>[];
  readonly #run: Run;
  readonly #blocks = new Map<string, BlockText>();
  readonly #ended: BlockText[] = [];

  constructor(modifiers: readonly Bound<ReadModifier | TextModifier>[], run: Run) {
    this.#modifiers = modifiers;
    this.#run = run;
  }

  /** The open block, or undefined where no modifier reads its channel. */
  block(blockId: string): BlockText | undefined {
    return this.#blocks.get(blockId);
  }

  push(event: AnswerEvent, emit: Emit): void {
    switch (event.type) {
      case 'block.start':
        this.#open(event);
        emit(event);
        return;
      case 'text.delta':
        this.#pushText(event, emit);
        return;
      case 'reasoning.signature': {
        // It proves the text that was signed; whether that text leaves is known at the end of the block.
        const block = this.#blocks.get(event.blockId);
        if (block === undefined) emit(event);
        else block.signatures.push(event);
        return;
      }
      case 'block.end':
        this.#close(event, emit);
        return;
      case 'finish':
        emit(this.#readFinish(event));
        return;
      default:
        emit(event);
    }
  }

  /** What each modifier changed, over all blocks; undefined for one that does not count. */
  matches(): ReadonlyMap<string, number | undefined> {
    const counts = new Map<string, number | undefined>(this.#modifiers.map(({ name }) => [name, undefined]));
    for (const block of [...this.#ended, ...this.#blocks.values()]) block.addMatches(counts);
    return counts;
  }

  /** The stream failed: what is held is dropped, because a guard has not judged it. */
  discard(): void {
    this.#blocks.clear();
  }

  /**
   * The words beside the reason of an end belong to no block, but a guard reads them too. A word that it changes means
   * nothing any more and is left out.
   */
  #readFinish(event: EventOfType<'finish'>): EventOfType<'finish'> {
    const { reason, stopSequence, refusal, ...rest } = event;
    const raw = this.#guard(reason.raw, 'text');
    const stop = this.#guard(stopSequence, 'text');
    const category = this.#guard(refusal?.category, 'refusal');
    const explanation = this.#guard(refusal?.explanation, 'refusal');
    const isSame = raw === reason.raw && stop === stopSequence && category === refusal?.category;
    if (isSame && explanation === refusal?.explanation) return event;
    return {
      ...rest,
      reason: { unified: reason.unified, ...(raw !== undefined && raw === reason.raw && { raw }) },
      ...(stop !== undefined && stop === stopSequence && { stopSequence: stop }),
      ...(refusal !== undefined && {
        refusal: {
          ...(category !== undefined && category === refusal.category && { category }),
          ...(explanation !== undefined && { explanation }),
        },
      }),
    };
  }

  /** What the guards leave of a text that is told at once. */
  #guard(words: string | undefined, channel: Channel): string | undefined {
    if (words === undefined || words === '') return words;
    const guards = this.#modifiers.filter(({ guard, modifier }) => guard && modifier.channels.includes(channel));
    if (guards.length === 0) return words;
    const block = new BlockText(guards, this.#run, channel, 'assistant', undefined);
    const left = block.push(words) + block.flush();
    if (left !== words) this.#ended.push(block);
    return left;
  }

  #open(event: EventOfType<'block.start'>): void {
    const channel = channelOf(event.kind);
    if (channel === undefined) return;
    const readers = this.#modifiers.filter(({ modifier }) => modifier.channels.includes(channel));
    if (readers.length > 0)
      this.#blocks.set(event.blockId, new BlockText(readers, this.#run, channel, event.role, event.choice));
  }

  #pushText(event: EventOfType<'text.delta'>, emit: Emit): void {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) {
      emit(event);
      return;
    }
    const text = block.push(event.text);
    if (text === event.text) {
      emit(event);
      return;
    }
    if (text === '') return;
    const { logprobs: _dropped, ...rest } = event;
    emit({ ...rest, text });
  }

  #close(event: EventOfType<'block.end'>, emit: Emit): void {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) {
      emit(event);
      return;
    }
    this.#blocks.delete(event.blockId);
    this.#ended.push(block);
    const text = block.flush();
    if (text !== '') {
      emit({
        type: 'text.delta',
        blockId: event.blockId,
        role: block.role,
        text,
        ...(block.choice !== undefined && { choice: block.choice }),
      });
    }
    if (!block.changed) {
      for (const signature of block.signatures) emit(signature);
      emit(event);
      return;
    }
    const { final: _stale, ...rest } = event;
    emit(rest);
  }
}

interface Instance {
  readonly bound: Bound<ReadModifier | TextModifier>;
  readonly rewriter: TextRewriter | undefined;
  readonly reader: TextReader | undefined;
}

/** The text of one block on its way through the modifiers that read its channel. */
export class BlockText {
  readonly role: EventOfType<'block.start'>['role'];
  readonly choice: number | undefined;
  /** True once text left that had not come so. */
  changed = false;
  readonly signatures: EventOfType<'reasoning.signature'>[] = [];
  /** Text that came and has not left: held, and not yet known to be changed. */
  #owed = '';
  #instances: readonly Instance[];
  readonly #run: Run;

  constructor(
    modifiers: readonly Bound<ReadModifier | TextModifier>[],
    run: Run,
    channel: Channel,
    role: BlockText['role'],
    choice: number | undefined,
  ) {
    this.role = role;
    this.choice = choice;
    this.#run = run;
    this.#instances = modifiers.flatMap((bound) => openInstance(bound, run, channel) ?? []);
  }

  /** Takes the next piece and returns what can go out; the very same string where nothing is changed or held. */
  push(text: string): string {
    let current = text;
    for (const instance of this.#instances) {
      if (current === '') break;
      current = this.#step(instance, current);
    }
    if (current !== text || this.#owed !== '') this.#compare(text, current);
    return current;
  }

  /** The block ends: every modifier gives what it held to those behind it. */
  flush(): string {
    let held = '';
    for (const instance of this.#instances) {
      if (held !== '') held = this.#step(instance, held);
      held += this.#finish(instance);
    }
    this.#compare('', held);
    if (this.#owed !== '') this.changed = true;
    return held;
  }

  #compare(came: string, left: string): void {
    if (this.changed) return;
    this.#owed += came;
    if (this.#owed.startsWith(left)) this.#owed = this.#owed.slice(left.length);
    else this.changed = true;
    if (this.changed) this.#owed = '';
  }

  addMatches(counts: Map<string, number | undefined>): void {
    for (const { bound, rewriter } of this.#instances) {
      const matches = readMatches(bound, rewriter);
      if (matches !== undefined) counts.set(bound.name, (counts.get(bound.name) ?? 0) + matches);
    }
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

  #failed(instance: Instance, error: unknown): void {
    leaveOut(instance.bound, this.#run, error);
    this.#instances = this.#instances.filter((candidate) => candidate !== instance);
  }
}

/** A guard that fails ends the stream; another modifier may be left out, where the author said so. */
function leaveOut({ name, guard, onError }: Bound<ReadModifier | TextModifier>, run: Run, error: unknown): void {
  if (guard || onError === 'fail') throw asSluiceError(error, 'MODIFIER_FAILED', { modifier: name });
  run.log.warn('modifier failed and is left out of this run', { modifier: name, error: describeCause(error) });
  run.meter.count('modifiers_skipped');
}

/** Undefined for one that is left out. */
function openInstance(bound: Bound<ReadModifier | TextModifier>, run: Run, channel: Channel): Instance | undefined {
  const { modifier } = bound;
  try {
    return modifier.effect === 'text'
      ? { bound, rewriter: modifier.open(run, channel), reader: undefined }
      : { bound, rewriter: undefined, reader: modifier.open(run, channel) };
  } catch (error) {
    leaveOut(bound, run, error);
    return undefined;
  }
}

function readMatches(
  { name }: Bound<ReadModifier | TextModifier>,
  rewriter: TextRewriter | undefined,
): number | undefined {
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

function channelOf(kind: EventOfType<'block.start'>['kind']): Channel | undefined {
  if (kind === 'reasoning_summary') return 'reasoning';
  return channels.find((channel) => channel === kind);
}
