import type { EventOfType } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { BlockForm } from './parts.ts';

/** What all chunks of a stream say alike. */
export interface Identity {
  readonly responseId: string;
  readonly modelVersion: string;
  /** The id of the provider whose answer the first chunk was of. */
  readonly source: string | undefined;
}

/** What stands around a piece of text, as latin1 of UTF-8. */
export interface Frame {
  readonly before: string;
  readonly after: string;
}

/** A block that has begun and not ended. */
export interface OpenBlock {
  readonly choice: ChoiceState;
  readonly start: EventOfType<'block.start'>;
  readonly form: BlockForm;
  /** Its first frame was one of the provider. */
  readonly copied: boolean;
  /** The own frame around a piece of text, made when it is first needed. */
  frame: Frame | undefined;
  /** What the provider said in the part beside the text, for the next piece. */
  partFields: JsonObject | undefined;
  /** Some of its text is written. */
  hasText: boolean;
  /** The arguments so far, and what of them came after the last frame of the provider. */
  json: string;
  late: string;
  readonly media: EventOfType<'media.delta'>[];
  /** Characters of arguments or media that are held. */
  held: number;
  signature: EventOfType<'reasoning.signature'> | undefined;
}

/** What has been written of one candidate, and what waits for its next chunk. */
export interface ChoiceState {
  readonly index: number;
  started: boolean;
  /** Why it ended; written with the last chunk. */
  finish: EventOfType<'finish'> | undefined;
  /** A frame of the provider has said why it ended. */
  finished: boolean;
  /** A signature that belongs to the next part. */
  proof: string | undefined;
  fields: JsonObject;
  contentFields: JsonObject;
  /** The provider's own metadata about citations is written. */
  cites: boolean;
  readonly annotations: EventOfType<'annotation'>[];
  /** Text blocks as they were written, JSON-escaped, for the offsets of citations. */
  readonly texts: { readonly blockId: string; json: string }[];
  textLength: number;
}

export function newBlock(
  start: EventOfType<'block.start'>,
  choice: ChoiceState,
  form: BlockForm,
  copied: boolean,
): OpenBlock {
  return {
    choice,
    start,
    form,
    copied,
    frame: undefined,
    partFields: undefined,
    hasText: false,
    json: '',
    late: '',
    media: [],
    held: 0,
    signature: undefined,
  };
}

export function newChoice(index: number): ChoiceState {
  return {
    index,
    started: false,
    finish: undefined,
    finished: false,
    proof: undefined,
    fields: {},
    contentFields: {},
    cites: false,
    annotations: [],
    texts: [],
    textLength: 0,
  };
}
