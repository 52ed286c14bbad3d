import { extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { conversationOf, type Turn } from '../../kernel/dialects/conversation.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatRequest, Message } from '../../kernel/request.ts';
import { writeBlock } from './write-block.ts';
import { writeCache, type WriteContext } from './write-context.ts';

/** One entry of `messages`. */
export interface Entry {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly JsonObject[];
  /** The one text of the content is written as a string. */
  readonly asString: boolean;
  /** Nothing was said here by the client itself. */
  readonly wasEmpty: boolean;
  /** The client's further fields of the message. */
  readonly further: JsonObject;
}

interface WrittenConversation {
  /** A string, blocks, or undefined where there is none. */
  readonly system: unknown;
  readonly entries: readonly Entry[];
}

/**
 * The system prompt and the turns. Neighbours of one side are one turn; the results of tools come first in theirs. Throws
 * REQUEST_INVALID for a block that can't be said, and where nothing is left to be sent.
 */
export function writeConversation(request: ChatRequest, context: WriteContext): WrittenConversation {
  const { messages } = request;
  const writer = new ConversationWriter(messages, context);
  const system: Message[] = [];
  const entries: Entry[] = [];
  let moved = false;
  for (const part of splitAtSystem(messages)) {
    if (!Array.isArray(part)) {
      entries.push(writer.systemEntry(part));
      continue;
    }
    const conversation = conversationOf(part);
    moved ||= conversation.movedSystem || (entries.length > 0 && conversation.system.length > 0);
    system.push(...conversation.system);
    entries.push(...conversation.turns.map((turn) => writer.entry(turn)));
  }
  const left = joinNeighbours(entries.filter(({ content, wasEmpty }) => content.length > 0 || wasEmpty));
  if (left.length === 0 && system.length > 0 && !context.isOwn) return writeSystemOnly(system, writer, context);
  if (left.length === 0) refuse('messages', 'no message is left that says anything to this backend');
  if (moved) context.run.lose('request.system_position');
  return { system: writer.system(system), entries: context.isOwn ? left : withoutTrailingBlanks(left) };
}

/** The API wants a message of the user; a prompt that is all that the client said is told as one. */
function writeSystemOnly(
  system: readonly Message[],
  writer: ConversationWriter,
  { run }: WriteContext,
): WrittenConversation {
  const entry = writer.entry({ role: 'user', messages: system });
  if (entry.content.length === 0) refuse('messages', 'no message is left that says anything to this backend');
  run.lose('request.system_position');
  return { system: undefined, entries: [entry] };
}

/** Cuts the messages at the system messages that the client wrote among the others, in the newer version of the format. */
function splitAtSystem(messages: readonly Message[]): readonly (Message | Message[])[] {
  const parts: (Message | Message[])[] = [];
  for (const message of messages) {
    const isInline = message.role === 'system' && extensionOf(message)?.['role'] === 'system';
    const last = parts.at(-1);
    if (isInline) parts.push(message);
    else if (Array.isArray(last)) last.push(message);
    else parts.push([message]);
  }
  return parts;
}

class ConversationWriter {
  readonly #context: WriteContext;
  readonly #indexes: ReadonlyMap<Message, number>;

  constructor(messages: readonly Message[], context: WriteContext) {
    this.#context = context;
    this.#indexes = new Map(messages.map((message, index) => [message, index]));
  }

  system(messages: readonly Message[]): unknown {
    for (const message of messages) this.#checkSystem(message);
    const blocks = messages.flatMap((message) => this.#blocks(message));
    const [only] = blocks;
    const isList = messages.some(isListed);
    if (only === undefined) return isList ? [] : undefined;
    return blocks.length === 1 && !isList && isPlainText(only) ? only['text'] : blocks;
  }

  systemEntry(message: Message): Entry {
    this.#checkSystem(message);
    return entryOf('system', this.#blocks(message), [message]);
  }

  entry({ role, messages }: Turn): Entry {
    const results: JsonObject[] = [];
    const others: JsonObject[] = [];
    for (const message of messages) {
      if (message.role === 'tool') results.push(this.#result(message));
      else others.push(...this.#blocks(message));
    }
    return entryOf(role, [...results, ...others], messages);
  }

  #place(message: Message): string {
    return message.place ?? `messages[${this.#indexes.get(message) ?? 0}]`;
  }

  #blocks(message: Message): JsonObject[] {
    const { content, name, role } = message;
    if (name !== undefined && role !== 'tool') this.#context.run.lose('request.name');
    return content.flatMap((block, index) => {
      const place = block.place ?? `${this.#place(message)}.content[${index}]`;
      const written = writeBlock(block, place, this.#context);
      return written === undefined ? [] : [written];
    });
  }

  #checkSystem(message: Message): void {
    if (this.#context.isOwn) return;
    for (const [index, { kind, place }] of message.content.entries())
      if (kind !== 'text')
        refuse(place ?? `${this.#place(message)}.content[${index}]`, 'a system prompt takes text only');
  }

  /** The mark of a result stands on the result itself, where the format has it. */
  #result(message: Message): JsonObject {
    const { isOwn, ids } = this.#context;
    const { content: _list, cache_control: original, ...further } = extensionOf(message) ?? {};
    const last = message.content.at(-1);
    const cache = isOwn ? undefined : last?.cache;
    const bare = message.content.map(({ cache: mark, ...block }) => {
      const isMarked = isOwn ? extensionOf(block)?.['cache_control'] !== undefined : mark !== cache;
      return isMarked && mark !== undefined ? { ...block, cache: mark } : block;
    });
    const blocks = this.#blocks({ ...message, content: bare, place: this.#place(message) });
    const [only] = blocks;
    const asString = blocks.length === 1 && only !== undefined && isPlainText(only) && !isListed(message);
    return {
      type: 'tool_result',
      tool_use_id: isOwn ? (message.callId ?? '') : ids.ofResult(message, this.#place(message)),
      ...(only === undefined ? isListed(message) && { content: [] } : { content: asString ? only['text'] : blocks }),
      ...(message.isError !== undefined && { is_error: message.isError }),
      ...further,
      ...(isOwn ? original !== undefined && { cache_control: original } : writeCache(cache, undefined, this.#context)),
    };
  }
}

function entryOf(role: Entry['role'], content: readonly JsonObject[], messages: readonly Message[]): Entry {
  const [only] = content;
  const [first] = messages;
  const isString = messages.length === 1 && !messages.some(isListed);
  const { content: _list, role: _role, ...further } = (first === undefined ? undefined : extensionOf(first)) ?? {};
  return {
    role,
    content,
    asString: isString && content.length <= 1 && (only === undefined || isPlainText(only)),
    wasEmpty: messages.every((message) => message.content.length === 0 && extensionOf(message) !== undefined),
    further: first?.role === 'tool' ? {} : further,
  };
}

/** The client wrote the content as a list. */
function isListed(message: Message): boolean {
  return extensionOf(message)?.['content'] !== undefined;
}

/** A block that a string says as well. */
function isPlainText(block: JsonObject): boolean {
  return block['type'] === 'text' && Object.keys(block).length === 2;
}

/** Turns that came to stand side by side, because one between them is left out, are one turn. */
function joinNeighbours(entries: readonly Entry[]): Entry[] {
  const joined: Entry[] = [];
  for (const entry of entries) {
    const last = joined.at(-1);
    if (last === undefined || last.role !== entry.role || entry.role === 'system') joined.push(entry);
    else
      joined[joined.length - 1] = {
        ...last,
        content: [...last.content, ...entry.content],
        asString: false,
        further: { ...last.further, ...entry.further },
      };
  }
  return joined;
}

/** An answer that the model is to go on with may not end with blanks. */
function withoutTrailingBlanks(entries: readonly Entry[]): readonly Entry[] {
  const last = entries.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== 'assistant' || block?.['type'] !== 'text' || typeof block['text'] !== 'string') return entries;
  const trimmed = { ...block, text: block['text'].trimEnd() };
  return [...entries.slice(0, -1), { ...last, content: [...last.content.slice(0, -1), trimmed] }];
}

export function writeEntry({ role, content, asString, further }: Entry): JsonObject {
  return { role, content: asString ? (content[0]?.['text'] ?? '') : content, ...further };
}
