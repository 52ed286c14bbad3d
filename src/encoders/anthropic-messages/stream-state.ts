import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import type { Form } from './block-form.ts';
import { JsonProgress } from './json-progress.ts';

/** A block of the answer that has begun and not ended, whether or not the client has been told of it. */
export interface BlockState {
  readonly form: Form;
  readonly start: EventOfType<'block.start'>;
  /** Place in the client's message, while the block is the open one there. */
  index: number | undefined;
  /** The client has been told of it; of a block that was interrupted, too. */
  opened: boolean;
  /** Ended for the client before its provider ended it. */
  closed: boolean;
  /** The own frame around a piece of text. */
  before: string;
  after: string;
  /** Something of the arguments has been written. */
  hasInput: boolean;
  readonly progress: JsonProgress;
  /** What can't be written before another block has ended. */
  waiting: AnswerEvent[];
}

export function newBlock(form: Form, start: EventOfType<'block.start'>): BlockState {
  return {
    form,
    start,
    index: undefined,
    opened: false,
    closed: false,
    before: '',
    after: '',
    hasInput: false,
    progress: new JsonProgress(),
    waiting: [],
  };
}

/** Characters that an event holds while it waits, roughly. */
export function sizeOf(event: AnswerEvent): number {
  const own =
    event.type === 'text.delta' ? event.text.length : event.type === 'toolArgs.delta' ? event.json?.length : 0;
  return 64 + (own ?? 0);
}
