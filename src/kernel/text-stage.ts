import { AnswerEnds, type AnswerEndsOwner } from './answer-ends.ts';
import { ArgumentsText } from './arguments-text.ts';
import { channelOf, isCallKind } from './block-channel.ts';
import { actsAtEnd, fromFirstAtEnd, readsText, type BoundText } from './bound-modifier.ts';
import type { Channel, TextBlock } from './modifier.ts';
import type { AnswerEvent, EventOfType, FinishReason } from './event.ts';
import { guardedFinish } from './finish-words.ts';
import { isPatch } from './json/patch-leaves.ts';
import type { Run } from './run.ts';
import { addCounts, TextRow, type BlockText, type RowEnding, type RowScope } from './text-row.ts';
import { pieceOf, type Choice, type OpenBlock, type WaitingEnd } from './open-block.ts';

/**
 * Runs the text of every block through a row of modifiers that read or rewrite text, and derives from it what they do
 * to events. The fast lane calls `textOf(id).push` directly: both ways share the state of the block, so frames may
 * change between them at any time.
 */
export class TextStage {
  readonly #modifiers: readonly BoundText[];
  readonly #atEnd: readonly BoundText[];
  readonly #scope: RowScope;
  readonly #owner: AnswerEndsOwner;
  readonly #ends: AnswerEnds;
  readonly #blocks = new Map<string, OpenBlock>();
  readonly #waiting = new Map<number, WaitingEnd>();
  readonly #choices = new Map<number, Choice>();
  /** What was changed in the texts that have ended. */
  readonly #counts = new Map<string, number | undefined>();
  /** Why a count can't be read. */
  #countFailure: unknown;
  #failing = false;

  constructor(modifiers: readonly BoundText[], run: Run, owner: AnswerEndsOwner) {
    this.#modifiers = modifiers;
    this.#atEnd = modifiers.filter((bound) => actsAtEnd(bound));
    this.#scope = { run, leftOut: new Set() };
    this.#owner = owner;
    this.#ends = new AnswerEnds({
      choices: owner.choices,
      emit: (event) => this.#emit(event),
      onStop: (early) => owner.onStop(early),
      onEnded: () => owner.onEnded(),
    });
  }

  /** The text of an open block, or undefined where no modifier reads it. */
  textOf(blockId: string): BlockText | undefined {
    return this.#blocks.get(blockId)?.text;
  }

  /** True for a block of a choice that a modifier ended: none of it may leave any more. */
  refusesBlock(blockId: string): boolean {
    return this.#ends.refusesBlock(blockId);
  }

  push(event: AnswerEvent): void {
    if (this.#failing || this.#ends.refuses(event)) return;
    switch (event.type) {
      case 'block.start':
        this.#start(event);
        return;
      case 'text.delta':
        this.#pushText(event);
        return;
      case 'toolArgs.delta':
        this.#pushArguments(event);
        return;
      case 'reasoning.signature': {
        const block = this.#blocks.get(event.blockId);
        if (block === undefined) this.#emit(event);
        else block.signatures.push(event);
        return;
      }
      case 'block.end':
        this.#close(event);
        return;
      case 'finish':
        this.#finish(event);
        return;
      case 'stream.end':
        for (const choice of [...this.#waiting.keys()]) this.#endChoice(choice, 'stop');
        if (!this.#ends.isOver) this.#emit(this.#ends.endOf(event));
        return;
      default:
        this.#emit(event);
    }
  }

  /** What each modifier changed, over all blocks; undefined for one that does not count. */
  matches(): ReadonlyMap<string, number | undefined> {
    if (this.#countFailure !== undefined) throw this.#countFailure;
    const counts = new Map<string, number | undefined>(this.#modifiers.map(({ name }) => [name, undefined]));
    addCounts(counts, this.#counts);
    for (const { text } of this.#open()) text.addMatches(counts);
    return counts;
  }

  /** A modifier has ended the answer in the text of this block, whose last piece has left. Called by the fast lane. */
  stopAt(blockId: string): void {
    const block = this.#blocks.get(blockId);
    if (block !== undefined) this.#stop(block);
  }

  /** The stream failed: what is held leaves as if every text ended here. */
  fail(): void {
    if (this.#ends.isOver) return;
    this.#failing = true;
    for (const block of this.#open()) this.#emitRest(block);
    for (const { text } of this.#open()) this.#count(text);
    this.discard();
  }

  /** What is held is dropped. */
  discard(): void {
    this.#blocks.clear();
    this.#waiting.clear();
  }

  /** What has not left to its end. */
  #open(): OpenBlock[] {
    return [...[...this.#waiting.values()].map(({ block }) => block), ...this.#blocks.values()];
  }

  /** Nothing is kept of a text that has ended but what was counted. */
  #count(text: BlockText): void {
    try {
      text.addMatches(this.#counts);
    } catch (error) {
      this.#countFailure ??= error;
    }
  }

  #emit(event: AnswerEvent): void {
    this.#ends.left(event);
    this.#owner.emit(event);
  }

  // ---- blocks ----

  #start(event: EventOfType<'block.start'>): void {
    const { choice = 0, kind } = event;
    this.#release(choice);
    const isCall = isCallKind(kind);
    if (isCall) this.#letGoBefore(choice);
    if (this.#ends.hasStopped(choice)) return;
    const known = this.#choice(choice);
    known.endsInCall = isCall;
    const channel = channelOf(kind);
    if (channel !== undefined) {
      const readers = this.#modifiers.filter(({ modifier }) => modifier.channels.includes(channel));
      if (readers.length > 0) this.#blocks.set(event.blockId, this.#openBlock(event, channel, readers));
      known.seen.add(channel);
    }
    this.#emit(event);
  }

  #choice(choice: number): Choice {
    const known = this.#choices.get(choice) ?? { seen: new Set<Channel>(), endsInCall: false, isFinished: false };
    this.#choices.set(choice, known);
    return known;
  }

  #openBlock(start: EventOfType<'block.start'>, channel: Channel, readers: readonly BoundText[]): OpenBlock {
    const { choice = 0, kind, name } = start;
    const first = !this.#choice(choice).seen.has(channel);
    const isCall = isCallKind(kind);
    const about: Omit<TextBlock, 'stop'> = {
      channel,
      choice,
      first,
      ...(isCall && name !== undefined && { tool: name }),
    };
    const call = isCall ? new ArgumentsText(readers, this.#scope, about, kind !== 'custom_tool_call') : undefined;
    return { start, text: call ?? new TextRow(readers, this.#scope, about), call, first, signatures: [] };
  }

  /** Text that is still held leaves before a tool is called: what may follow it in its block is a text of its own. */
  #letGoBefore(choice: number): void {
    for (const block of this.#blocks.values()) {
      if ((block.start.choice ?? 0) !== choice || block.call !== undefined) continue;
      this.#emitPiece(block, block.text.restart());
      if (this.#stop(block)) return;
    }
  }

  #pushText(event: EventOfType<'text.delta'>): void {
    const block = this.#blocks.get(event.blockId);
    const left = block === undefined ? event.text : block.text.push(event.text);
    if (left === event.text) {
      this.#emit(event);
    } else if (left !== '') {
      const { logprobs: _dropped, ...rest } = event;
      this.#emit({ ...rest, text: left });
    }
    if (block?.text.ending !== undefined) this.#stop(block);
  }

  #pushArguments(event: EventOfType<'toolArgs.delta'>): void {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) {
      this.#emit(event);
      return;
    }
    const { json, ...patch } = event;
    if (json !== undefined) this.#pushFragment(block, event, json);
    if (isPatch(patch))
      for (const left of block.call?.rewritePatch(isPatch(event) && json === undefined ? event : patch) ?? [])
        this.#emit(left);
    if (block.text.ending !== undefined) this.#stop(block);
  }

  #pushFragment(block: OpenBlock, event: EventOfType<'toolArgs.delta'>, json: string): void {
    const left = block.text.push(json);
    if (left === json && event.patch === undefined) {
      this.#emit(event);
    } else if (left !== '') {
      const { patch: _apart, ...rest } = event;
      this.#emit({ ...rest, json: left });
    }
  }

  #close(event: EventOfType<'block.end'>): void {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) {
      this.#emit(event);
      return;
    }
    const { choice = 0, kind } = block.start;
    const waits = kind === 'text' && this.#actsAtEndOf(choice);
    if (waits) this.#release(choice);
    if (waits) this.#emitPiece(block, block.text.settle());
    else this.#emitRest(block);
    if (this.#stop(block)) return;
    this.#blocks.delete(event.blockId);
    if (waits) this.#waiting.set(choice, { block, event });
    else this.#end(block, event);
  }

  /** The last text of a choice turned out not to be the last. */
  #release(choice: number): void {
    const waiting = this.#waiting.get(choice);
    if (waiting === undefined) return;
    this.#waiting.delete(choice);
    this.#leaveLate(waiting, waiting.block.text.end(undefined));
  }

  #leaveLate({ block, event }: WaitingEnd, text: string): void {
    this.#emitPiece(block, text);
    this.#blocks.set(event.blockId, block);
    if (this.#stop(block)) return;
    this.#blocks.delete(event.blockId);
    this.#end(block, event);
  }

  #end(block: OpenBlock, event: EventOfType<'block.end'>): void {
    const { start, text, first, signatures } = block;
    this.#count(text);
    // A block without text is not the first text of its channel.
    const channel = first && text.isEmpty ? channelOf(start.kind) : undefined;
    if (channel !== undefined) this.#choice(start.choice ?? 0).seen.delete(channel);
    if (!text.changed) {
      for (const signature of signatures) this.#emit(signature);
      this.#emit(event);
      return;
    }
    const { final: _stale, ...rest } = event;
    this.#emit(rest);
  }

  /** What a block holds leaves. */
  #emitRest(block: OpenBlock): void {
    this.#emitPiece(block, block.text.end(undefined));
    for (const left of block.call?.flushPatches() ?? []) this.#emit(left);
  }

  #emitPiece(block: OpenBlock, text: string): void {
    if (text !== '') this.#emit(pieceOf(block, text));
  }

  // ---- ends ----

  #finish(event: EventOfType<'finish'>): void {
    const { choice = 0, reason } = event;
    if (!this.#endOpen(choice, reason.unified)) this.#endChoice(choice, reason.unified);
    this.#choice(choice).isFinished = true;
    if (this.#ends.hasStopped(choice)) return;
    this.#emit(guardedFinish(event, (words, channel) => this.#guard(words, channel)));
  }

  /**
   * What texts hold that are still open leaves before it is said why their choice ended. True where one of them is the
   * last text of the choice.
   */
  #endOpen(choice: number, finish: FinishReason): boolean {
    const open = [...this.#blocks.values()].filter(
      ({ start, call }) => call === undefined && (start.choice ?? 0) === choice,
    );
    const last = this.#actsAtEndOf(choice) ? open.findLast(({ start }) => start.kind === 'text') : undefined;
    if (last !== undefined) this.#release(choice);
    for (const block of open) {
      if (this.#ends.hasStopped(choice)) break;
      this.#emitPiece(block, block.text.restart(block === last ? finish : undefined));
      this.#stop(block);
    }
    return last !== undefined;
  }

  #actsAtEndOf(choice: number): boolean {
    const { endsInCall, isFinished } = this.#choice(choice);
    return this.#atEnd.length > 0 && !endsInCall && !isFinished;
  }

  /** It is known why the choice ended: what acts at the end does so, behind its last text or in a text of its own. */
  #endChoice(choice: number, finish: FinishReason): void {
    if (this.#ends.hasStopped(choice)) return;
    const waiting = this.#waiting.get(choice);
    if (waiting !== undefined) {
      this.#waiting.delete(choice);
      this.#leaveLate(waiting, waiting.block.text.end(finish));
    } else if (this.#actsAtEndOf(choice)) {
      const last = this.#openLast(choice);
      const { text, start } = last.block;
      const words = text.end(finish);
      if (words === '' && text.ending === undefined) return;
      this.#emit(start);
      this.#leaveLate(last, words);
    }
  }

  /** A text of its own for what is put at the end of an answer without one. Only what acts there has a part in it. */
  #openLast(choice: number): WaitingEnd {
    const about = { blockId: `text-at-end-${choice}`, ...(choice > 0 && { choice }), synthetic: true };
    const start = { type: 'block.start', ...about, kind: 'text', role: 'assistant', source: 'gateway' } as const;
    const block = this.#openBlock(start, 'text', fromFirstAtEnd(this.#modifiers.filter(readsText)));
    return { block, event: { type: 'block.end', ...about } };
  }

  /** Ends the choice of a block in which a modifier ended the answer. */
  #stop(block: OpenBlock): boolean {
    const { ending } = block.text;
    if (ending === undefined || this.#failing) return false;
    const { blockId, choice = 0 } = block.start;
    if (!this.#blocks.delete(blockId)) return true;
    this.#count(block.text);
    this.#release(choice);
    if (this.#ends.hasStopped(choice)) return true;
    for (const [otherId, other] of this.#blocks) {
      if ((other.start.choice ?? 0) !== choice) continue;
      this.#blocks.delete(otherId);
      this.#emitRest(other);
      this.#count(other.text);
    }
    const { words, by } = ending.told ? { words: '', by: ending } : this.#tell(ending, choice);
    this.#ends.end({ by: by.by.name, ending: by, choice }, words);
    return true;
  }

  /** The words of a modifier as those behind it leave them, with what acts at the end; one of them may end it otherwise. */
  #tell(ending: RowEnding, choice: number): { readonly words: string; readonly by: RowEnding } {
    const { message = '', by, reason } = ending;
    const { endsInCall, seen } = this.#choice(choice);
    const behind = this.#modifiers.slice(this.#modifiers.indexOf(by) + 1).filter(readsText);
    if (message === '' && endsInCall) return { words: '', by: ending };
    const readers = message === '' ? fromFirstAtEnd(behind) : behind;
    const row = new TextRow(readers, this.#scope, { channel: 'text', choice, first: !seen.has('text') });
    const words = row.push(message) + row.end(reason);
    this.#count(row);
    return { words, by: row.ending ?? ending };
  }

  /** What the guards leave of words that are told at once. */
  #guard(words: string, channel: Channel): string {
    const guards = this.#modifiers.filter(({ guard, modifier }) => guard && modifier.channels.includes(channel));
    if (guards.length === 0) return words;
    const row = new TextRow(guards, this.#scope, { channel, choice: 0, first: false });
    const left = row.push(words) + row.flush();
    if (left !== words) this.#count(row);
    return left;
  }
}
