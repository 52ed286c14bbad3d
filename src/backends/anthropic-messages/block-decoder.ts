import { anthropicMessages, isServerCall, isServerResult } from '../../kernel/dialects/anthropic-messages-fields.ts';
import type { AnswerEvent, BlockKind } from '../../kernel/event.ts';
import { filledString, isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';
import { TemplateLearner } from '../../kernel/text-template.ts';
import { unknownOfBlock, unknownOfDelta } from './frame-shape.ts';

/** Characters of a compaction that are kept to tell it whole at its end. */
const maxCompactionLength = 4_194_304;

const kinds: ReadonlyMap<string, BlockKind> = new Map([
  ['text', 'text'],
  ['thinking', 'reasoning'],
  ['redacted_thinking', 'reasoning_redacted'],
  ['tool_use', 'tool_call'],
  ['compaction', 'compaction'],
]);
/** Kinds that have a form in events; of the others the whole block is kept. */
const unfoldedKinds: ReadonlySet<BlockKind> = new Set(['text', 'reasoning', 'reasoning_redacted', 'tool_call']);
const role = 'assistant' as const;

/** Where a block stands. */
interface BlockPlace {
  readonly blockId: string;
  /** Place among the blocks of the answer. */
  readonly index: number;
  /** Index that the provider gave it. */
  readonly nativeIndex: number;
}

/** One content block of a streamed message, from its start to its stop. */
export class BlockDecoder {
  readonly blockId: string;
  readonly kind: BlockKind;
  readonly #learner: TemplateLearner | undefined;
  readonly #initial: JsonObject;
  /** The start held the input already; pieces that follow would say it again. */
  #hasInput = false;
  /** Some of the input of a tool has been said. */
  #saidInput = false;
  /** A piece of text has been said. */
  #started = false;
  #compaction: { content: string; further: JsonObject } | undefined;

  /** Adds the events of the start. A block may hold all of its content there. `further` is what the frame says beside it. */
  constructor(
    { blockId, index, nativeIndex }: BlockPlace,
    block: JsonObject,
    further: JsonObject,
    events: AnswerEvent[],
  ) {
    const type = filledString(block['type']) ?? '';
    this.blockId = blockId;
    this.kind = kindOf(type);
    this.#initial = block;
    this.#learner = learnerOf(this.kind, nativeIndex);
    const isUnfolded = unfoldedKinds.has(this.kind);
    const isServer = this.kind === 'server_tool_call' || this.kind === 'server_tool_result';
    const name = this.kind === 'tool_call' || isServer ? filledString(block['name']) : undefined;
    const callId = filledString(this.kind === 'server_tool_result' ? block['tool_use_id'] : block['id']);
    const ext = {
      ...further,
      ...(isUnfolded && orNothing(unknownFields(type, block)) && { content_block: unknownFields(type, block) }),
    };
    events.push({
      type: 'block.start',
      blockId,
      kind: this.kind,
      role,
      index,
      nativeIndex,
      ...(name !== undefined && { name }),
      ...(callId !== undefined && (this.kind === 'tool_call' || isServer) && { callId }),
      ...(isServer && { providerExecuted: true }),
      ...(!isUnfolded && { initial: block }),
      ...extended(ext),
    });
    this.#readContent(block, events);
  }

  /** Adds the events of a delta. False where it says something that no event can: the frame is then passed on raw. */
  delta(delta: JsonObject, further: JsonObject, events: AnswerEvent[]): boolean {
    const type = filledString(delta['type']) ?? '';
    const unknown = unknownOfDelta(type, delta);
    const ext = { ...further, ...(unknown && { delta: unknown }) };
    const before = events.length;
    if (!this.#readDelta(type, delta, ext, events)) return false;
    return events.length > before || orNothing(ext) === undefined;
  }

  /** Adds the end. `synthetic` where the provider sent none; `incomplete` where it was cut off by its limit. */
  end(further: JsonObject, events: AnswerEvent[], synthetic = false, incomplete = false): void {
    const compaction = this.#compaction;
    // A tool without parameters is called with nothing in the pieces; clients of other formats parse the arguments.
    if (this.kind === 'tool_call' && !this.#saidInput && !incomplete) this.#pushArguments('{}', {}, events);
    events.push({
      type: 'block.end',
      blockId: this.blockId,
      ...(compaction !== undefined &&
        !synthetic && {
          final: { ...this.#initial, ...compaction.further, content: compaction.content },
        }),
      ...(incomplete && { incomplete }),
      ...(synthetic && { synthetic }),
      ...extended(further),
    });
  }

  /**
   * Gives the frame's template to a piece of text that is all that the frame says. The first piece of a block has none:
   * learning costs as much as ten frames, and many answers are one piece.
   */
  withTemplate(events: readonly AnswerEvent[], document: JsonObject, data: string): readonly AnswerEvent[] {
    const [event] = events;
    if (events.length !== 1 || event?.type !== 'text.delta') return events;
    if (!this.#started) {
      this.#started = true;
      return events;
    }
    const template = this.#learner?.templateOf({ data, document, text: event.text });
    if (template === undefined) return events;
    // The template holds the unknown fields too; kept twice they would show in other dialects for some frames only.
    const { ext: _inTemplate, ...rest } = event;
    return [{ ...rest, template }];
  }

  #readDelta(type: string, delta: JsonObject, ext: JsonObject, events: AnswerEvent[]): boolean {
    switch (type) {
      case 'text_delta':
        this.#require(this.kind === 'text', type);
        this.#pushText(textOf(delta, 'text'), ext, events);
        return true;
      case 'thinking_delta':
        this.#require(this.kind === 'reasoning', type);
        this.#pushText(textOf(delta, 'thinking'), ext, events);
        return true;
      case 'signature_delta':
        this.#require(this.kind === 'reasoning', type);
        this.#pushSignature(textOf(delta, 'signature'), ext, events);
        return true;
      case 'input_json_delta':
        this.#require(this.kind !== 'text' && this.kind !== 'reasoning', type);
        this.#pushArguments(textOf(delta, 'partial_json'), ext, events);
        return true;
      case 'citations_delta':
        this.#require(this.kind === 'text', type);
        this.#pushCitation(delta['citation'], ext, events);
        return true;
      case 'compaction_delta':
        this.#require(this.kind === 'compaction', type);
        this.#keepCompaction(delta);
        return false;
      default:
        return false;
    }
  }

  #readContent(block: JsonObject, events: AnswerEvent[]): void {
    switch (this.kind) {
      case 'text':
        this.#pushText(textOf(block, 'text'), {}, events);
        for (const citation of listOf(block['citations'])) this.#pushCitation(citation, {}, events);
        return;
      case 'reasoning':
        this.#pushText(textOf(block, 'thinking'), {}, events);
        this.#pushSignature(textOf(block, 'signature'), {}, events);
        return;
      case 'reasoning_redacted':
        this.#pushSignature(textOf(block, 'data'), {}, events, true);
        return;
      case 'tool_call': {
        const input = inputOf(block['input']);
        this.#pushArguments(input, {}, events);
        this.#hasInput = input !== '';
        return;
      }
      default:
    }
  }

  #pushText(text: string, ext: JsonObject, events: AnswerEvent[]): void {
    if (text !== '') events.push({ type: 'text.delta', blockId: this.blockId, role, text, ...extended(ext) });
  }

  #pushSignature(value: string, ext: JsonObject, events: AnswerEvent[], encrypted = false): void {
    if (value === '') return;
    events.push({
      type: 'reasoning.signature',
      blockId: this.blockId,
      value,
      format: anthropicMessages,
      ...(encrypted && { encrypted }),
      ...extended(ext),
    });
  }

  #pushArguments(json: string, ext: JsonObject, events: AnswerEvent[]): void {
    if (json === '' || this.#hasInput) return;
    this.#saidInput = true;
    events.push({ type: 'toolArgs.delta', blockId: this.blockId, json, ...extended(ext) });
  }

  #pushCitation(citation: unknown, ext: JsonObject, events: AnswerEvent[]): void {
    if (!isObject(citation)) return;
    const url = filledString(citation['url']);
    const title = filledString(citation['title']) ?? filledString(citation['document_title']);
    const citedText = filledString(citation['cited_text']);
    events.push({
      type: 'annotation',
      blockId: this.blockId,
      annotation: citation,
      dialect: anthropicMessages,
      ...(url !== undefined && { url }),
      ...(title !== undefined && { title }),
      ...(citedText !== undefined && { citedText }),
      ...extended(ext),
    });
  }

  #keepCompaction({ type: _type, content, ...further }: JsonObject): void {
    const known = this.#compaction ?? { content: textOf(this.#initial, 'content'), further: {} };
    const joined = known.content + (typeof content === 'string' ? content : '');
    if (joined.length > maxCompactionLength)
      throw badFrame(`a compaction of more than ${maxCompactionLength} characters`);
    this.#compaction = { content: joined, further: { ...known.further, ...further } };
  }

  #require(fits: boolean, type: string): void {
    if (!fits) throw badFrame(`${type} in a block of the kind ${this.kind}`);
  }
}

function kindOf(type: string): BlockKind {
  if (isServerCall(type)) return 'server_tool_call';
  return isServerResult(type) ? 'server_tool_result' : (kinds.get(type) ?? 'unknown');
}

/** Fields of a block beside those that its events say. A list of citations that is there, but empty, is kept too. */
function unknownFields(type: string, block: JsonObject): JsonObject {
  const { citations } = block;
  const isBare = type === 'text' && citations !== undefined && listOf(citations).length === 0;
  return { ...(isBare && { citations }), ...unknownOfBlock(type, block) };
}

function learnerOf(kind: BlockKind, nativeIndex: number): TemplateLearner | undefined {
  const names = kind === 'text' ? (['text_delta', 'text'] as const) : (['thinking_delta', 'thinking'] as const);
  if (kind !== 'text' && kind !== 'reasoning') return undefined;
  const [type, field] = names;
  return new TemplateLearner({
    dialect: anthropicMessages,
    lead: 'event: content_block_delta\ndata: ',
    // The API pads its frames, each with another number of blanks.
    blanks: true,
    read: (document) => {
      if (!isObject(document) || document['index'] !== nativeIndex || !isObject(document['delta'])) return undefined;
      const { delta } = document;
      return delta['type'] === type && document['type'] === 'content_block_delta'
        ? filledString(delta[field])
        : undefined;
    },
  });
}

/** The string of a field; "" where it is not there. Text of another type is no frame of the format. */
function textOf(object: JsonObject, name: string): string {
  const value = object[name] ?? '';
  if (typeof value !== 'string') throw badFrame(`${name} is no string`);
  return value;
}

/** The input of a whole block as JSON text. An empty object is no input: pieces follow, or the tool takes none. */
function inputOf(input: unknown): string {
  if (typeof input === 'string') return input;
  return isObject(input) && orNothing(input) !== undefined ? JSON.stringify(input) : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function extended(fields: JsonObject): { readonly ext?: Record<string, Record<string, unknown>> } {
  return orNothing(fields) === undefined ? {} : { ext: { [anthropicMessages]: { ...fields } } };
}
