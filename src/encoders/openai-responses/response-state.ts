import { mergeUsage, type UsageFold } from '../../kernel/answer.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { EventOfType } from '../../kernel/event.ts';
import { filledString, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, openaiResponses, writeEnd } from '../../kernel/dialects/openai-responses-fields.ts';
import { writeUsage } from '../../kernel/dialects/openai-responses-usage.ts';
import { echoRequest, furtherOfResponse } from './response-object.ts';

/** What is known of one response beside its output. */
export class ResponseState {
  readonly #context: EncodeContext;
  #meta: Partial<EventOfType<'response.meta'>> = {};
  #identity: { readonly id: string; readonly created_at: number; readonly model: string } | undefined;
  /** What the provider says of its response. */
  #further: JsonObject = {};
  #usage: UsageFold | undefined;
  #finish: EventOfType<'finish'> | undefined;

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The wire format of the backend. */
  get provider(): string | undefined {
    return this.#meta.provider;
  }

  get isOwn(): boolean {
    return this.#meta.provider === openaiResponses;
  }

  /** True once the client has been told the identity, which then stays, whatever another attempt says. */
  get begun(): boolean {
    return this.#identity !== undefined;
  }

  takeMeta(event: EventOfType<'response.meta'>): void {
    this.#meta = { ...this.#meta, ...event };
    if (this.isOwn) this.#further = { ...this.#further, ...level(extensionOf(event), 'response') };
  }

  takeUsage(event: EventOfType<'usage'>): void {
    this.#usage = mergeUsage(this.#usage, event);
  }

  takeFinish(event: EventOfType<'finish'>): void {
    this.#finish = event;
  }

  begin(): void {
    const { run, request, created } = this.#context;
    this.#identity ??= {
      id: (this.isOwn ? filledString(this.#meta.responseId) : undefined) ?? `resp_${run.id}`,
      created_at: this.#meta.created ?? created,
      model: this.#meta.model ?? request.model ?? run.pipeline,
    };
  }

  /** The response object. Without `output` it is still going on. */
  write(status: string, output?: readonly JsonObject[]): JsonObject {
    const { serviceTier } = this.#meta;
    return {
      ...echoRequest(this.#context.request),
      ...furtherOfResponse(this.#further),
      ...(serviceTier !== undefined && { service_tier: serviceTier }),
      ...this.#identity,
      object: 'response',
      status,
      error: null,
      incomplete_details: null,
      output: output ?? [],
      usage: output !== undefined && this.#usage !== undefined ? writeUsage(this.#usage, this.isOwn) : null,
    };
  }

  /** The response as the answer ended. A refusal without words would look complete, so it counts as filtered. */
  writeFinal(output: readonly JsonObject[], hasRefusal: boolean): JsonObject {
    const { unified, raw } = this.#finish?.reason ?? {};
    const isFiltered = unified === 'refusal' && !hasRefusal;
    const { status, incomplete_details: details } = writeEnd(
      isFiltered ? 'content_filter' : unified,
      this.isOwn ? raw : undefined,
    );
    const error = {
      code: 'server_error',
      message: `The model could not complete its answer${raw === undefined ? '' : ` (${raw.slice(0, 64)})`}.`,
    };
    return {
      ...this.write(status, output),
      incomplete_details: details,
      ...(status === 'failed' && { error }),
    };
  }
}
