import { writeReasoningDetail, type ReasoningEntry } from '../../kernel/dialects/openai-chat-reasoning.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';

/** Characters of unproven reasoning of one answer that wait for a proof; beyond them it has its place in the text only. */
const maxWaiting = 4_194_304;

/**
 * The entries of `reasoning_details` for the reasoning of another dialect: one for each block, whole, so that a proof
 * stands with the text that it proves. Without any proof there are none: the text alone says as much. A proof without
 * text belongs to what follows it, and names the call where that is one.
 */
export class ReasoningEntries {
  #count = 0;
  #waiting: ReasoningEntry[] = [];
  #waitingCharacters = 0;
  #ofNext: ReasoningEntry | undefined;
  #isProven = false;

  /** The entries that can be written when this block of reasoning has ended. */
  add(block: ReasoningEntry): readonly JsonObject[] {
    const { text = '', signature } = block;
    const before = this.before();
    if (signature === undefined) {
      if (text === '') return before;
      if (this.#isProven) return [...before, this.#write(block)];
      this.#wait(block, text.length);
      return before;
    }
    this.#isProven = true;
    const unproven = this.#waiting.map((entry) => this.#write(entry));
    this.#waiting = [];
    if (text !== '' || signature.encrypted === true) return [...before, ...unproven, this.#write(block)];
    this.#ofNext = block;
    return [...before, ...unproven];
  }

  /** The entry that waited for what now begins, or for the end. `callId` is the id of a call. */
  before(callId?: string): readonly JsonObject[] {
    const entry = this.#ofNext;
    if (entry === undefined) return [];
    this.#ofNext = undefined;
    return [this.#write(callId === undefined ? entry : { ...entry, callId })];
  }

  #wait(block: ReasoningEntry, characters: number): void {
    this.#waitingCharacters += characters;
    if (this.#waitingCharacters <= maxWaiting) this.#waiting.push(block);
  }

  #write(block: ReasoningEntry): JsonObject {
    const detail = writeReasoningDetail(block, this.#count);
    this.#count += 1;
    return detail;
  }
}
