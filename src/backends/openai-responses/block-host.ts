import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';

/** Blocks of one answer; a provider that never stops opening new ones is stopped here. */
const maxBlocks = 4_096;

type Start = Omit<EventOfType<'block.start'>, 'type' | 'blockId' | 'role'>;

/** The place of a frame in the stream: what only a client of the same format has a use for. */
export type FrameFields = { readonly sequence_number?: number };

/** Gives ids to the blocks of one answer and counts them. */
export class BlockHost {
  /** The client speaks the format too: it gets what only says how the provider said it. */
  readonly own: boolean;
  #blocks = 0;

  constructor(own: boolean) {
    this.own = own;
  }

  /** Opens a block and returns its id. Throws UPSTREAM_BAD_FRAME beyond the cap. */
  open(start: Start, events: AnswerEvent[]): string {
    if (this.#blocks >= maxBlocks) throw badFrame(`more than ${maxBlocks} blocks in one answer`);
    const blockId = `b${this.#blocks}`;
    this.#blocks += 1;
    events.push({ type: 'block.start', blockId, role: 'assistant', ...start });
    return blockId;
  }
}

/** Unknown fields as they stand in an event; nothing where there is none. */
export function extended(fields: JsonObject): { readonly ext?: Record<string, Record<string, unknown>> } {
  return orNothing(fields) === undefined ? {} : { ext: { [openaiResponses]: fields } };
}
