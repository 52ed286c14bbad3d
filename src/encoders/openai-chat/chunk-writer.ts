import type { EncodeContext } from '../../kernel/component.ts';
import type { EventOfType } from '../../kernel/event.ts';
import { orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';

/** What all chunks of a stream say alike. */
export interface Identity {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

/** Writes the envelope of chunks: one id, one model and one date for all of them, whatever the provider says later. */
export class ChunkWriter {
  /** Fields of the chunk that the provider sent with its metadata, for the next chunk. */
  pending: JsonObject | undefined;
  readonly #context: EncodeContext;
  #meta: Partial<EventOfType<'response.meta'>> = {};
  #identity: Identity | undefined;

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The provider speaks this format, so its own fields and words may be used. */
  get isOwn(): boolean {
    return this.#meta.provider === openaiChat;
  }

  /** True when the first chunk is out. */
  get hasIdentity(): boolean {
    return this.#identity !== undefined;
  }

  get responseId(): string | undefined {
    return this.#meta.responseId;
  }

  learn(event: EventOfType<'response.meta'>): void {
    this.#meta = { ...this.#meta, ...event };
    const { choices: _levels, id: _id, model: _model, ...further } = extensionOf(event) ?? {};
    this.pending = orNothing({ ...this.pending, ...further });
  }

  /** The identity is fixed by the first chunk that is written, whatever another attempt says later. */
  fixIdentity(): Identity {
    const { run, request, created } = this.#context;
    this.#identity ??= {
      id: this.#meta.responseId ?? `chatcmpl-${run.id}`,
      created: this.#meta.created ?? created,
      model: this.#meta.model ?? request.model ?? run.pipeline,
    };
    return this.#identity;
  }

  /** The stream has the id and the model of the provider, so its frames fit in. */
  isIdentityOfProvider(): boolean {
    const { id, model } = this.fixIdentity();
    return id === this.#meta.responseId && model === this.#meta.model;
  }

  chunk(choices: readonly JsonObject[], further: JsonObject): string {
    const { id, created, model } = this.fixIdentity();
    const { systemFingerprint, serviceTier } = this.#meta;
    const { pending } = this;
    this.pending = undefined;
    return sseFrame(
      JSON.stringify({
        id,
        object: 'chat.completion.chunk',
        created,
        model,
        ...(serviceTier !== undefined && { service_tier: serviceTier }),
        ...(systemFingerprint !== undefined && { system_fingerprint: systemFingerprint }),
        choices,
        ...pending,
        ...further,
      }),
    );
  }
}
