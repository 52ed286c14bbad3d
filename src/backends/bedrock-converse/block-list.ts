import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { badFrame } from '../../kernel/dialects/provider-document.ts';
import { bedrockConverse } from './converse-fields.ts';

/** Blocks of one answer; a provider that never stops opening some is stopped here. */
const maxBlocks = 4_096;
/** Characters of signatures and of results of the provider's own tools, which wait for the end of their block. */
const maxWaiting = 4_194_304;

type Start = EventOfType<'block.start'>;

interface OpenBlock {
  readonly blockId: string;
  readonly kind: Start['kind'];
  /** Pieces of a signature, which is one value for the other dialects. */
  readonly signature: string[];
  /** What the provider said about the result of its own tool, and its pieces. */
  readonly result: { readonly start: JsonObject; readonly content: unknown[] } | undefined;
  hasArguments: boolean;
}

/** The blocks of one answer, by the index that the provider gives them. One event at a time, one choice. */
export class BlockList {
  readonly #open = new Map<number, OpenBlock>();
  readonly #toolNames: ReadonlyMap<string, string>;
  #blocks = 0;
  #waiting = 0;
  /** True when the client is asked to run a tool. */
  calledTools = false;

  /** `toolNames`: the names of the client, by the names that were sent where those differ. */
  constructor(toolNames: ReadonlyMap<string, string>) {
    this.#toolNames = toolNames;
  }

  /** Opens a block of what `contentBlockStart` says; a text has no start. */
  start(index: number, start: JsonObject, events: AnswerEvent[]): void {
    const { toolUse, toolResult, image } = start;
    this.end(index, events);
    if (isObject(toolUse)) this.#startTool(index, toolUse, events);
    else if (isObject(toolResult)) this.#startResult(index, toolResult);
    else if (isObject(image)) this.#openBlock(index, 'image', events, mediaTypeOf(image));
    else if (Object.keys(start).length > 0) this.#openBlock(index, 'unknown', events, { initial: start });
  }

  text(index: number, text: string, events: AnswerEvent[]): void {
    this.#pushText(this.#ensure(index, 'text', events), text, events);
  }

  annotation(index: number, citation: JsonObject, events: AnswerEvent[]): void {
    const { blockId } = this.#ensure(index, 'text', events);
    const { title, location, sourceContent } = citation;
    const web = isObject(location) && isObject(location['web']) ? location['web'] : {};
    const url = filledString(web['url']);
    const name = filledString(title);
    const cited = Array.isArray(sourceContent) ? sourceContent.map((part) => (isObject(part) ? part['text'] : '')) : [];
    const citedText = cited.filter((text) => typeof text === 'string').join('');
    events.push({
      type: 'annotation',
      blockId,
      annotation: citation,
      dialect: bedrockConverse,
      ...(url !== undefined && { url }),
      ...(name !== undefined && { title: name }),
      ...(citedText !== '' && { citedText }),
    });
  }

  reasoning(index: number, { text, signature, redactedContent }: JsonObject, events: AnswerEvent[]): void {
    if (typeof text === 'string') this.#pushText(this.#ensure(index, 'reasoning', events), text, events);
    if (typeof signature === 'string' && signature !== '')
      this.#wait(this.#ensure(index, 'reasoning', events).signature, signature, signature.length);
    if (typeof redactedContent === 'string')
      this.#wait(this.#ensure(index, 'reasoning_redacted', events).signature, redactedContent, redactedContent.length);
  }

  arguments(index: number, input: unknown, events: AnswerEvent[]): void {
    const block = this.#open.get(index);
    if (block?.kind !== 'tool_call' && block?.kind !== 'server_tool_call')
      throw badFrame('arguments of a tool without its call');
    const json = typeof input === 'string' ? input : input === undefined ? '' : JSON.stringify(input);
    if (json === '') return;
    block.hasArguments = true;
    events.push({ type: 'toolArgs.delta', blockId: block.blockId, json });
  }

  image(index: number, image: JsonObject, events: AnswerEvent[]): void {
    const { source } = image;
    const base64 = isObject(source) ? source['bytes'] : undefined;
    const known = this.#open.get(index);
    const block = known?.kind === 'image' ? known : this.#reopen(index, 'image', events, mediaTypeOf(image));
    if (typeof base64 === 'string') events.push({ type: 'media.delta', blockId: block.blockId, base64 });
  }

  /** Pieces of the result of a tool that the provider ran. */
  result(index: number, content: readonly unknown[]): void {
    const result = this.#open.get(index)?.result;
    if (result === undefined) throw badFrame('a piece of a result without its start');
    for (const piece of content) this.#wait(result.content, piece, JSON.stringify(piece).length);
  }

  /** Ends the block of an index, if one is open. */
  end(index: number, events: AnswerEvent[]): void {
    const block = this.#open.get(index);
    if (block === undefined) return;
    this.#open.delete(index);
    const { blockId, kind, result, signature, hasArguments } = block;
    if (result !== undefined) this.#pushResult(block, result, events);
    // Clients parse the arguments, and nothing is no JSON.
    if (kind === 'tool_call' && !hasArguments)
      events.push({ type: 'toolArgs.delta', blockId, json: '{}', synthetic: true });
    if (signature.length > 0) {
      const encrypted = kind === 'reasoning_redacted';
      const value = encrypted ? joinBase64(signature) : signature.join('');
      events.push({
        type: 'reasoning.signature',
        blockId,
        value,
        format: bedrockConverse,
        ...(encrypted && { encrypted }),
      });
    }
    events.push({ type: 'block.end', blockId });
  }

  endAll(events: AnswerEvent[]): void {
    for (const index of [...this.#open.keys()]) this.end(index, events);
  }

  #startTool(index: number, toolUse: JsonObject, events: AnswerEvent[]): void {
    const { toolUseId, name, type } = toolUse;
    const isServer = type === 'server_tool_use';
    const sent = filledString(name);
    if (sent === undefined) throw badFrame('a tool call without the name of its tool');
    const callId = filledString(toolUseId);
    if (!isServer) this.calledTools = true;
    this.#openBlock(index, isServer ? 'server_tool_call' : 'tool_call', events, {
      name: this.#toolNames.get(sent) ?? sent,
      ...(callId !== undefined && { callId }),
      ...(isServer && { providerExecuted: true, initial: toolUse }),
    });
  }

  /** Shown when it is whole, since the other dialects have results in one piece. */
  #startResult(index: number, start: JsonObject): void {
    this.#open.set(index, this.#newBlock('server_tool_result', { start, content: [] }));
  }

  #pushResult(
    { blockId }: OpenBlock,
    { start, content }: NonNullable<OpenBlock['result']>,
    events: AnswerEvent[],
  ): void {
    const callId = filledString(start['toolUseId']);
    events.push({
      type: 'block.start',
      blockId,
      kind: 'server_tool_result',
      role: 'assistant',
      ...(callId !== undefined && { callId }),
      providerExecuted: true,
      initial: { ...start, content },
    });
  }

  #ensure(index: number, kind: Start['kind'], events: AnswerEvent[]): OpenBlock {
    const open = this.#open.get(index);
    return open?.kind === kind ? open : this.#reopen(index, kind, events);
  }

  #reopen(index: number, kind: Start['kind'], events: AnswerEvent[], more: Partial<Start> = {}): OpenBlock {
    this.end(index, events);
    return this.#openBlock(index, kind, events, more);
  }

  #openBlock(index: number, kind: Start['kind'], events: AnswerEvent[], more: Partial<Start> = {}): OpenBlock {
    const block = this.#newBlock(kind, undefined);
    this.#open.set(index, block);
    events.push({
      type: 'block.start',
      blockId: block.blockId,
      kind,
      role: 'assistant',
      index: this.#blocks - 1,
      nativeIndex: index,
      ...more,
    } as Start);
    return block;
  }

  #newBlock(kind: Start['kind'], result: OpenBlock['result']): OpenBlock {
    if (this.#blocks >= maxBlocks) throw badFrame(`more than ${maxBlocks} blocks in one answer`);
    const blockId = `b${this.#blocks}`;
    this.#blocks += 1;
    return { blockId, kind, signature: [], result, hasArguments: false };
  }

  #pushText({ blockId }: OpenBlock, text: string, events: AnswerEvent[]): void {
    if (text !== '') events.push({ type: 'text.delta', blockId, role: 'assistant', text });
  }

  #wait<T>(list: T[], piece: T, characters: number): void {
    this.#waiting += characters;
    if (this.#waiting > maxWaiting) throw badFrame(`more than ${maxWaiting} characters wait for the end of a block`);
    list.push(piece);
  }
}

function mediaTypeOf({ format }: JsonObject): Partial<Start> {
  const name = filledString(format);
  return name === undefined ? {} : { mediaType: `image/${name}` };
}

/** Bytes that came in pieces, each encoded by itself. */
function joinBase64(pieces: readonly string[]): string {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64');
}
