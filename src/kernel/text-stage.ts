import { AnswerEnds } from './answer-ends.ts';
import { ArgumentsText } from './arguments-text.ts';
import type { BoundText } from './bound-modifier.ts';
import { channels, type Channel, type TextBlock } from './component.ts';
import type { AnswerEvent, BlockKind, EventOfType, FinishReason } from './event.ts';
import type { Run } from './run.ts';
import { TextRow, type BlockText } from './text-row.ts';
import type { StageOwner } from './stage-owner.ts';

/** Calls of a tool, whoever runs it. */
const callKinds: ReadonlySet<BlockKind> = new Set(['tool_call', 'custom_tool_call', 'server_tool_call']);

/** A block that some modifier reads. */
interface OpenBlock {
  readonly start: EventOfType<'block.start'>;
  readonly text: BlockText;
  readonly isCall: boolean;
  /** They prove the text that was signed; whether that leaves is known at the end of the block. */
  readonly signatures: EventOfType<'reasoning.signature'>[];
}

/** A text block that has ended, but not left: it may be the last of its choice. */
interface WaitingEnd {
  readonly block: OpenBlock;
  readonly event: EventOfType<'block.end'>;
}

/**
 * Runs the text of every block through a row of modifiers that read or rewrite text, and derives from it what they do
 * to events. The fast lane calls `textOf(id).push` directly: both ways share the state of the block, so frames may
 * change between them at any time.
 */
export class TextStage {
  readonly #modifiers: readonly BoundText[];
  readonly #atEnd: readonly BoundText[];
  readonly #run: Run;
  readonly #owner: StageOwner;
  readonly #ends: AnswerEnds;
  readonly #blocks = new Map<string, OpenBlock>();
  readonly #waiting = new Map<number, WaitingEnd>();
  /** By choice: the channels of which a text came, and whether its last block is a call. */
  readonly #choices = new Map<number, { readonly seen: Set<Channel>; endsInCall: boolean }>();
  readonly #ended: BlockText[] = [];
  #failing = false;

  constructor(modifiers: readonly BoundText[], run: Run, owner: StageOwner) {
    this.#modifiers = modifiers;
    this.#atEnd = modifiers.filter(({ modifier }) => modifier.effect === 'text' && modifier.actsAtEnd === true);
    this.#run = run;
    this.#owner = owner;
    this.#ends = new AnswerEnds({
      choices: owner.choices,
      emit: (event) => this.#emit(event),
      onEnded: () => owner.onEnded(),
    });
  }

  /** The text of an open block, or undefined where no modifier reads it. */
  textOf(blockId: string): BlockText | undefined {
    return this.#blocks.get(blockId)?.text;
  }

  push(event: AnswerEvent): void {
    if (this.#ends.refuses(event)) return;
    switch (event.type) {
      case 'block.start':
        this.#open(event);
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
        this.#emit(event);
        return;
      default:
        this.#emit(event);
    }
  }

  /** What each modifier changed, over all blocks; undefined for one that does not count. */
  matches(): ReadonlyMap<string, number | undefined> {
    const counts = new Map<string, number | undefined>(this.#modifiers.map(({ name }) => [name, undefined]));
    const open = [...this.#blocks.values(), ...[...this.#waiting.values()].map(({ block }) => block)];
    for (const text of [...this.#ended, ...open.map((block) => block.text)]) text.addMatches(counts);
    return counts;
  }

  /** A modifier has ended the answer in the text of this block, whose last piece has left. Called by the fast lane. */
  stopAt(blockId: string): void {
    const block = this.#blocks.get(blockId);
    if (block !== undefined) this.#stop(block);
  }

  /** The stream failed: what is held leaves as if every text ended here. */
  fail(): void {
    this.#failing = true;
    const waiting = [...this.#waiting.values()].map(({ block }) => block);
    const open = [...this.#blocks.values()];
    this.#ended.push(...[...waiting, ...open].map(({ text }) => text));
    this.discard();
    for (const block of waiting) this.#emitPiece(block, block.text.end(undefined));
    for (const block of open) this.#emitPiece(block, block.text.flush());
  }

  /** What is held is dropped. */
  discard(): void {
    this.#blocks.clear();
    this.#waiting.clear();
  }

  #emit(event: AnswerEvent): void {
    this.#ends.left(event);
    this.#owner.emit(event);
  }

  // ---- blocks ----

  #open(event: EventOfType<'block.start'>): void {
    const { choice = 0, kind } = event;
    this.#release(choice);
    const isCall = callKinds.has(kind);
    if (isCall) this.#letGoBefore(choice);
    if (this.#ends.hasStopped(choice)) return;
    const known = this.#choices.get(choice) ?? { seen: new Set<Channel>(), endsInCall: false };
    this.#choices.set(choice, known);
    known.endsInCall = isCall;
    const channel = channelOf(kind);
    if (channel !== undefined) {
      const readers = this.#modifiers.filter(({ modifier }) => modifier.channels.includes(channel));
      if (readers.length > 0) this.#blocks.set(event.blockId, this.#openBlock(event, channel, readers));
      known.seen.add(channel);
    }
    this.#emit(event);
  }

  #openBlock(start: EventOfType<'block.start'>, channel: Channel, readers: readonly BoundText[]): OpenBlock {
    const { choice = 0, kind, name } = start;
    const first = this.#choices.get(choice)?.seen.has(channel) !== true;
    const isCall = callKinds.has(kind);
    const about: Omit<TextBlock, 'stop'> = { channel, choice, first, ...(isCall && name !== undefined && { tool: name }) };
    const isArguments = isCall && kind !== 'custom_tool_call';
    const text = isArguments ? new ArgumentsText(readers, this.#run, about) : new TextRow(readers, this.#run, about);
    return { start, text, isCall, signatures: [] };
  }

  /** Text that is still held leaves before a tool is called: what may follow it in its block is a text of its own. */
  #letGoBefore(choice: number): void {
    for (const block of this.#blocks.values()) {
      if ((block.start.choice ?? 0) !== choice || block.isCall) continue;
      this.#emitPiece(block, block.text.restart());
      this.#stop(block);
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
    const { json } = event;
    if (block === undefined || json === undefined) {
      this.#emit(event);
      return;
    }
    const left = block.text.push(json);
    if (left === json) this.#emit(event);
    else if (left !== '') this.#emit({ ...event, json: left });
    if (block.text.ending !== undefined) this.#stop(block);
  }

  #close(event: EventOfType<'block.end'>): void {
    const block = this.#blocks.get(event.blockId);
    if (block === undefined) {
      this.#emit(event);
      return;
    }
    const { choice = 0, kind } = block.start;
    const waits = this.#atEnd.length > 0 && kind === 'text' && this.#choices.get(choice)?.endsInCall !== true;
    const text = waits ? block.text.settle() : block.text.flush();
    this.#emitPiece(block, text);
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
    this.#ended.push(block.text);
    if (!block.text.changed) {
      for (const signature of block.signatures) this.#emit(signature);
      this.#emit(event);
      return;
    }
    const { final: _stale, ...rest } = event;
    this.#emit(rest);
  }

  #emitPiece({ start, isCall }: OpenBlock, text: string): void {
    if (text === '') return;
    const { blockId, role, choice } = start;
    const of = { blockId, ...(choice !== undefined && { choice }) };
    if (isCall) this.#emit({ type: 'toolArgs.delta', ...of, json: text });
    else this.#emit({ type: 'text.delta', ...of, role, text });
  }

  // ---- ends ----

  #finish(event: EventOfType<'finish'>): void {
    const choice = event.choice ?? 0;
    if (this.#atEnd.length > 0) this.#endChoice(choice, event.reason.unified);
    if (this.#ends.hasStopped(choice)) return;
    this.#emit(this.#readFinish(event));
  }

  /** It is known why the choice ended: what acts at the end does so, behind its last text or in a text of its own. */
  #endChoice(choice: number, finish: FinishReason): void {
    const waiting = this.#waiting.get(choice) ?? this.#openLast(choice);
    if (waiting === undefined) return;
    this.#waiting.delete(choice);
    const { start, text } = waiting.block;
    const last = text.end(finish);
    if (start.blockId === lastBlockId(choice)) {
      if (last === '' && text.ending === undefined) return;
      this.#emit(start);
    }
    this.#leaveLate(waiting, last);
  }

  /** An answer without a text gets one, where something is put at its end; one that ends in a call gets none. */
  #openLast(choice: number): WaitingEnd | undefined {
    if (this.#choices.get(choice)?.endsInCall === true) return undefined;
    const about = { blockId: lastBlockId(choice), ...(choice > 0 && { choice }), synthetic: true };
    const start = { type: 'block.start', ...about, kind: 'text', role: 'assistant', source: 'gateway' } as const;
    const readers = this.#modifiers.filter(({ modifier }) => modifier.channels.includes('text'));
    const block = this.#openBlock(start, 'text', readers);
    block.text.settle();
    return { block, event: { type: 'block.end', ...about } };
  }

  /** Ends the choice of a block in which a modifier ended the answer. */
  #stop(block: OpenBlock): boolean {
    const { ending } = block.text;
    if (ending === undefined || this.#failing) return false;
    const { blockId, choice = 0 } = block.start;
    if (!this.#blocks.delete(blockId)) return true;
    this.#ended.push(block.text);
    for (const [otherId, other] of this.#blocks) {
      if ((other.start.choice ?? 0) !== choice) continue;
      this.#blocks.delete(otherId);
      this.#ended.push(other.text);
      this.#emitPiece(other, other.text.flush());
    }
    const message = ending.told ? '' : this.#messageOf(ending.message ?? '', ending.by, choice);
    this.#ends.end({ by: ending.by.name, ending, choice }, message);
    this.#owner.onStop({ by: ending.by.name, ending, choice });
    return true;
  }

  /** The words of a modifier as those behind it leave them. */
  #messageOf(words: string, by: BoundText, choice: number): string {
    if (words === '') return '';
    const behind = this.#modifiers.slice(this.#modifiers.indexOf(by) + 1);
    const readers = behind.filter(({ modifier }) => modifier.channels.includes('text'));
    const row = new TextRow(readers, this.#run, { channel: 'text', choice, first: false });
    const left = row.push(words) + row.flush();
    this.#ended.push(row);
    return left;
  }

  // ---- words beside the text ----

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
    const row = new TextRow(guards, this.#run, { channel, choice: 0, first: false });
    const left = row.push(words) + row.flush();
    if (left !== words) this.#ended.push(row);
    return left;
  }
}

/** Of the text that is made for what is put at the end of an answer without one. */
function lastBlockId(choice: number): string {
  return `text-at-end-${choice}`;
}

function channelOf(kind: BlockKind): Channel | undefined {
  if (kind === 'reasoning_summary') return 'reasoning';
  if (callKinds.has(kind)) return 'toolArguments';
  return channels.find((channel) => channel === kind);
}
