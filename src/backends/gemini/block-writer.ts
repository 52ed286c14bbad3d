import type { AnswerEvent, BlockKind, EventOfType } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';

/** Blocks of one candidate; a provider that never stops opening parts is stopped here. */
const maxBlocks = 4_096;

type Start = Omit<EventOfType<'block.start'>, 'type' | 'blockId' | 'role' | 'index' | 'choice'>;

/** Opens and closes the blocks of one candidate: one at a time, in the order of its parts. */
export class BlockWriter {
  readonly choice: { readonly choice?: number };
  readonly #nextBlockId: () => string;
  #count = 0;
  #open: { readonly blockId: string; readonly kind: BlockKind } | undefined;

  constructor(index: number, nextBlockId: () => string) {
    this.choice = index === 0 ? {} : { choice: index };
    this.#nextBlockId = nextBlockId;
  }

  get open(): { readonly blockId: string; readonly kind: BlockKind } | undefined {
    return this.#open;
  }

  /** Closes what is open and starts a block. Throws UPSTREAM_BAD_FRAME above the cap. */
  start(start: Start, events: AnswerEvent[]): string {
    this.close(events);
    if (this.#count >= maxBlocks) throw badFrame(`more than ${maxBlocks} blocks in one candidate`);
    const blockId = this.#nextBlockId();
    events.push({ type: 'block.start', ...this.choice, blockId, role: 'assistant', index: this.#count, ...start });
    this.#count += 1;
    this.#open = { blockId, kind: start.kind };
    return blockId;
  }

  close(events: AnswerEvent[], synthetic = false): void {
    if (this.#open === undefined) return;
    const { blockId } = this.#open;
    this.#open = undefined;
    events.push({ type: 'block.end', ...this.choice, blockId, ...(synthetic && { synthetic }) });
  }

  /** Adds to the open block of the kind, or to a new one. */
  text(kind: 'text' | 'reasoning', text: string, events: AnswerEvent[], logprobs?: unknown): void {
    const blockId = this.#open?.kind === kind ? this.#open.blockId : this.start({ kind }, events);
    events.push({
      type: 'text.delta',
      ...this.choice,
      blockId,
      role: 'assistant',
      text,
      ...(logprobs !== undefined && { logprobs }),
    });
  }

  /** A block of its own without text: the signature of the block that follows. */
  signature(value: string, events: AnswerEvent[], partFields?: JsonObject): void {
    const ext = partFields && { [gemini]: { candidates: { content: { parts: partFields } } } };
    const blockId = this.start({ kind: 'reasoning', ...(ext && { ext }) }, events);
    events.push({ type: 'reasoning.signature', ...this.choice, blockId, value, format: gemini });
    this.close(events);
  }
}
