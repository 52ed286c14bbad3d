import type { AnswerDecoder, DecodedFrame } from '../../kernel/component.ts';
import { SluiceError } from '../../kernel/errors.ts';
import { roles, type AnswerEvent, type EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { readUsage } from '../../kernel/dialects/openai-chat-usage.ts';
import { badFrame, parseFrame } from '../../kernel/dialects/provider-document.ts';
import { errorFromEvent, errorInDocument } from '../../kernel/dialects/provider-error.ts';
import { ChoiceDecoder, sawSomething } from './choice-decoder.ts';
import { hasValue, isIrregular, isTransparent, saysNothing, unknownOfChunk } from './chunk-shape.ts';

/** Choices of one answer. The API allows 128. */
const maxChoices = 1_024;
const nothing: DecodedFrame = { events: [], transparent: true };

type Meta = Omit<EventOfType<'response.meta'>, 'type'>;

/**
 * Decodes the chunks of a streamed chat completion, with the deviations of the compatible providers. The blocks of a
 * choice: reasoning, which ends when something else begins; one text and one refusal until the end of the choice; one per
 * tool call.
 */
export class ChatStreamDecoder implements AnswerDecoder {
  terminated = false;
  readonly #choices = new Map<number, ChoiceDecoder>();
  #blockSerial = 0;
  #meta: Meta = {};
  #metaSent = false;

  frame(event: string, data: string): DecodedFrame {
    if (this.terminated) return nothing;
    const text = data.trim();
    if (text === '') return nothing;
    if (text === '[DONE]') {
      this.terminated = true;
      return nothing;
    }
    if (event === 'error') throw errorFromEvent(text);
    const { document: chunk, strings } = parseFrame(text);
    const events = this.chunk(chunk, data, event);
    const transparent =
      (event === '' || event === 'message') && isTransparent(chunk, data, strings) && !this.#deviates(chunk);
    const opens = openedChoice(chunk);
    return {
      events: transparent ? this.#withTemplate(events, chunk, data) : events,
      transparent,
      ...((isIrregular(chunk) || this.#changesCall()) && { irregular: true }),
      ...(opens !== undefined && { opens }),
    };
  }

  /** The events of one chunk. Throws where it reports an error. */
  chunk(chunk: JsonObject, data: string, event = ''): AnswerEvent[] {
    const error = errorInDocument(chunk);
    if (error !== undefined) throw error;
    const events: AnswerEvent[] = [];
    const choices = chunk['choices'] ?? undefined;
    const usage = isObject(chunk['usage']) ? chunk['usage'] : readVendorUsage(chunk);
    const verdicts = chunk['prompt_filter_results'] ?? chunk['prompt_annotations'];
    if (choices === undefined && usage === undefined && verdicts === undefined)
      return [{ type: 'raw', dialect: openaiChat, ...(event !== '' && { event }), data }];
    if (choices !== undefined && !Array.isArray(choices)) throw badFrame('choices is no list');
    this.#readMeta(chunk, (choices as unknown[] | undefined) ?? [], events);
    if (Array.isArray(verdicts) && verdicts.length > 0) {
      const ext = { [openaiChat]: { prompt_filter_results: verdicts } };
      events.push({ type: 'safety', scope: 'prompt', verdicts, blocked: sawSomething(verdicts, 'filtered'), ext });
    }
    const left = this.#readChoices((choices as unknown[] | undefined) ?? [], events);
    if (usage !== undefined) events.push(readUsage(usage, this.#allFinished));
    this.#keepUnknown(chunk, data, left, events);
    return events;
  }

  /** Completes the answer after its terminator, or where every choice had said why it ended. */
  end(): readonly AnswerEvent[] {
    if (!this.terminated && !this.#allFinished) throw new SluiceError('UPSTREAM_TRUNCATED');
    return this.complete();
  }

  /** The events that are missing in an answer whose provider has said that it is done. */
  complete(): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    if (!this.#metaSent)
      events.push({ type: 'response.meta', provider: openaiChat, role: 'assistant', synthetic: true });
    this.#metaSent = true;
    if (this.#choices.size === 0) this.#choice(0);
    for (const choice of this.#choices.values())
      choice.finish(choice.calledTools ? 'tool_calls' : 'stop', true, events);
    return events;
  }

  get #allFinished(): boolean {
    if (this.#choices.size === 0) return false;
    for (const choice of this.#choices.values()) if (!choice.finished) return false;
    return true;
  }

  /** Says what is new about the answer. The id and the model are those that came first, whatever later chunks say. */
  #readMeta(chunk: JsonObject, choices: readonly unknown[], events: AnswerEvent[]): void {
    const known = this.#meta;
    if (this.#metaSent && !saysMore(chunk, known)) return;
    const { created } = chunk;
    const found: Meta = {
      ...keep('responseId', filledString(chunk['id'])),
      ...keep('model', filledString(chunk['model'])),
      ...keep('created', typeof created === 'number' && created > 0 ? created : undefined),
      ...keep('serviceTier', filledString(chunk['service_tier'])),
      ...keep('systemFingerprint', filledString(chunk['system_fingerprint'])),
    };
    this.#meta = { ...found, ...known };
    const role = this.#metaSent ? undefined : readRole(choices);
    this.#metaSent = true;
    events.push({ type: 'response.meta', ...this.#meta, provider: openaiChat, ...keep('role', role) });
  }

  /** Returns the unknown fields of choices that no event carries. */
  #readChoices(choices: readonly unknown[], events: AnswerEvent[]): JsonObject[] {
    const left: JsonObject[] = [];
    for (const [position, choice] of choices.entries()) {
      if (!isObject(choice)) throw badFrame('an entry of choices is no object');
      const { index } = choice;
      const decoder = this.#choice(
        typeof index === 'number' && Number.isInteger(index) && index >= 0 ? index : position,
      );
      const unknown = decoder.read(choice, events);
      if (unknown !== undefined) left.push({ index: decoder.index, delta: {}, ...unknown, finish_reason: null });
    }
    return left;
  }

  #choice(index: number): ChoiceDecoder {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      if (this.#choices.size >= maxChoices) throw badFrame(`more than ${maxChoices} choices`);
      choice = new ChoiceDecoder(index, () => `b${this.#blockSerial++}`);
      this.#choices.set(index, choice);
    }
    return choice;
  }

  /** Unknown fields go with the first event; without one, the chunk itself is passed on to clients of the format. */
  #keepUnknown(chunk: JsonObject, data: string, left: readonly JsonObject[], events: AnswerEvent[]): void {
    const unknown = { ...unknownOfChunk(chunk), ...this.#otherIdentity(chunk) };
    const [first] = events;
    if (first === undefined) {
      if (left.length > 0 || !saysNothing(unknownOfChunk(chunk)))
        events.push({ type: 'raw', dialect: openaiChat, data });
      return;
    }
    if (hasValue(unknown))
      events[0] = { ...first, ext: { ...first.ext, [openaiChat]: { ...unknown, ...first.ext?.[openaiChat] } } };
    if (left.length === 0) return;
    const { id, object, created, model } = chunk;
    events.push({
      type: 'raw',
      dialect: openaiChat,
      data: JSON.stringify({ id, object, created, model, choices: left }),
    });
  }

  /** An id or a model that is not the one of the answer; official clients refuse a stream whose identity changes. */
  #otherIdentity(chunk: JsonObject): JsonObject {
    const { responseId, model } = this.#meta;
    return {
      ...(typeof chunk['id'] === 'string' && chunk['id'] !== (responseId ?? '') && { id: chunk['id'] }),
      ...(typeof chunk['model'] === 'string' && chunk['model'] !== (model ?? '') && { model: chunk['model'] }),
    };
  }

  #changesCall(): boolean {
    for (const choice of this.#choices.values()) if (choice.changesCall) return true;
    return false;
  }

  #deviates(chunk: JsonObject): boolean {
    return filledString(chunk['id']) === undefined || orNothing(this.#otherIdentity(chunk)) !== undefined;
  }

  /**
   * Gives the frame's template to a piece of text that is all that the frame says. The first piece of a block has none:
   * learning costs as much as ten frames, and many answers are one piece.
   */
  #withTemplate(events: readonly AnswerEvent[], chunk: JsonObject, data: string): readonly AnswerEvent[] {
    const [event] = events;
    if (events.length !== 1 || event?.type !== 'text.delta' || event.logprobs !== undefined || chunk['usage'])
      return events;
    const template = this.#choices
      .get(event.choice ?? 0)
      ?.learnerOf(event.blockId)
      ?.templateOf({ data, document: chunk, text: event.text });
    if (template === undefined) return events;
    // The template holds the unknown fields too; kept twice they would show in other dialects for some frames only.
    const { ext: _inTemplate, ...rest } = event;
    return [{ ...rest, template }];
  }
}

/** The one choice of a chunk that clients accept as its first: with an id, a model and the role. */
function openedChoice({ id, model, choices }: JsonObject): number | undefined {
  if (
    filledString(id) === undefined ||
    filledString(model) === undefined ||
    !Array.isArray(choices) ||
    choices.length !== 1
  )
    return undefined;
  const [choice] = choices as unknown[];
  if (!isObject(choice) || !isObject(choice['delta']) || choice['delta']['role'] !== 'assistant') return undefined;
  return typeof choice['index'] === 'number' ? choice['index'] : undefined;
}

/** True where a chunk gives a field that no chunk before it gave. Asked for every chunk, so nothing is made for it. */
function saysMore(chunk: JsonObject, known: Meta): boolean {
  const { created } = chunk;
  return (
    (known.responseId === undefined && filledString(chunk['id']) !== undefined) ||
    (known.model === undefined && filledString(chunk['model']) !== undefined) ||
    (known.created === undefined && typeof created === 'number' && created > 0) ||
    (known.serviceTier === undefined && filledString(chunk['service_tier']) !== undefined) ||
    (known.systemFingerprint === undefined && filledString(chunk['system_fingerprint']) !== undefined)
  );
}

function keep<N extends string, V>(name: N, value: V | undefined): { readonly [K in N]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: V };
}

function readRole(choices: readonly unknown[]): EventOfType<'response.meta'>['role'] {
  const [choice] = choices;
  const part: unknown = isObject(choice) ? (choice['delta'] ?? choice['message']) : undefined;
  const role: unknown = isObject(part) ? part['role'] : undefined;
  return roles.find((candidate) => candidate === role) ?? 'assistant';
}

function readVendorUsage(chunk: JsonObject): JsonObject | undefined {
  const vendor = chunk['x_groq'];
  return isObject(vendor) && isObject(vendor['usage']) ? vendor['usage'] : undefined;
}
