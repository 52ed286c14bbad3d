import { refuse } from '../../kernel/dialects/field-check.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';

const unusable = /[^A-Za-z0-9_-]/g;

/**
 * The ids of the tool calls of one conversation, as the API takes them. Ids of other formats may hold other characters,
 * and some formats have calls without an id: their results are told by the name of the tool, in the order of the calls.
 */
export class CallIds {
  readonly #unnamed: { readonly name: string | undefined; readonly id: string }[] = [];
  #serial = 0;

  /** The id of a call. */
  ofCall({ callId, name }: ContentBlock): string {
    if (callId !== undefined) return usableId(callId);
    const id = `call_unnamed_${this.#serial++}`;
    this.#unnamed.push({ name, id });
    return id;
  }

  /** The id of the call that a message answers. Throws REQUEST_INVALID where there is none. */
  ofResult({ callId, name }: Message, place: string): string {
    if (callId !== undefined) return usableId(callId);
    const at = this.#unnamed.findIndex((call) => name === undefined || call.name === name);
    const [call] = at === -1 ? [] : this.#unnamed.splice(at, 1);
    return call === undefined ? refuse(place, 'the result names no tool call') : call.id;
  }
}

/** Always the same id for the same one, and another one for every other. */
function usableId(id: string): string {
  return id.replace(unusable, (character) => `-x${character.charCodeAt(0).toString(16)}-`) || '-';
}
