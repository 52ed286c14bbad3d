import { conversationOf, toolNamesByCall, type Turn } from '../../kernel/dialects/conversation.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import { extensionOf, gemini, writeToolResponse } from '../../kernel/dialects/gemini-fields.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { messageText, type ChatRequest, type ContentBlock, type Message } from '../../kernel/request.ts';
import type { ModelTraits } from './model-traits.ts';
import { writeMedia, writePart, type PartContext } from './write-part.ts';

/** What the API takes where a call was made by a model of another provider, and so has no signature. */
const noSignature = 'skip_thought_signature_validator';
const mediaKinds: ReadonlySet<string> = new Set(['image', 'audio', 'file']);

interface Context extends PartContext {
  readonly request: ChatRequest;
  readonly traits: ModelTraits;
  readonly toolNames: ReadonlyMap<string, string>;
}

/** The conversation of a request in the format. */
export interface WrittenContents {
  readonly systemInstruction: JsonObject | undefined;
  readonly contents: readonly JsonObject[];
}

/** Throws REQUEST_INVALID for what the format can't say. */
export function writeContents(request: ChatRequest, traits: ModelTraits, context: PartContext): WrittenContents {
  const { system, turns, movedSystem } = conversationOf(request.messages);
  if (movedSystem) context.lose('system_position');
  const whole: Context = { ...context, request, traits, toolNames: toolNamesByCall(request.messages) };
  const instruction = writeSystem(system, whole);
  if (turns.length === 0 && instruction !== undefined) {
    // The API wants a question, whatever the instruction is.
    context.lose('system_position');
    return { systemInstruction: undefined, contents: [{ ...instruction, role: 'user' }] };
  }
  const contents = turns.flatMap((turn) => entriesOf(turn, whole.isOwn).flatMap((entry) => writeEntry(entry, whole)));
  return { systemInstruction: instruction, contents };
}

function writeSystem(messages: readonly Message[], context: Context): JsonObject | undefined {
  const parts = messages.flatMap((message) =>
    message.content.flatMap((block, position) => {
      const place = block.place ?? `${placeOf(message, context)}.content[${position}]`;
      if (block.kind !== 'text') refuse(place, 'a system prompt of this backend is made of text');
      return isEmpty(block, context) ? [] : (writePart(block, place, context) ?? []);
    }),
  );
  if (parts.length === 0) return undefined;
  const [first] = messages;
  return { ...(first && extensionOf(first)), parts };
}

/** The messages of a turn by the entry of `contents` that they were a part of; those without a mark join the one before. */
function entriesOf({ messages }: Turn, isOwn: boolean): readonly (readonly Message[])[] {
  const entries: Message[][] = [];
  let current: unknown;
  for (const message of messages) {
    const mark = isOwn ? extensionOf(message)?.['contents'] : undefined;
    const last = entries.at(-1);
    if (last === undefined || (mark !== undefined && current !== undefined && mark !== current))
      entries.push([message]);
    else last.push(message);
    current = mark ?? current;
  }
  return entries;
}

/** One entry, or none where everything in it is left out. */
function writeEntry(messages: readonly Message[], context: Context): readonly JsonObject[] {
  const [first] = messages;
  if (first === undefined) return [];
  if (messages.some(({ name, role }) => name !== undefined && role !== 'tool')) context.lose('name');
  const parts = first.role === 'assistant' ? writeModelParts(messages, context) : writeUserParts(messages, context);
  if (parts.length === 0) return [];
  const { contents: _number, functionResponse: _result, role, ...further } = extensionOf(first) ?? {};
  const word = typeof role === 'string' ? role : first.role === 'assistant' ? 'model' : 'user';
  // What stands beside a result is of its part.
  return [{ role: word, parts, ...(first.role !== 'tool' && further) }];
}

function writeUserParts(messages: readonly Message[], context: Context): readonly JsonObject[] {
  const parts: JsonObject[] = [];
  const beside: JsonObject[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      parts.push(writeResult(message, beside, context));
      continue;
    }
    parts.push(...beside.splice(0));
    parts.push(...writeBlocks(message, context));
  }
  return [...parts, ...beside];
}

/** The result of a function. Its media stand beside it; the client's own format has a place for them in it. */
function writeResult(message: Message, beside: JsonObject[], context: Context): JsonObject {
  const { callId, isError = false, content } = message;
  const { functionResponse, contents: _number, role: _role, ...further } = extensionOf(message) ?? {};
  const place = placeOf(message, context);
  const { id, name, ...inner } = asObject(functionResponse);
  const tool = filledString(name) ?? (callId === undefined ? undefined : context.toolNames.get(callId)) ?? message.name;
  if (tool === undefined) refuse(place, 'it answers no call that was made before');
  const media: JsonObject[] = [];
  for (const [position, block] of content.entries()) {
    if (block.kind === 'text') continue;
    const where = block.place ?? `${place}.content[${position}]`;
    if (!mediaKinds.has(block.kind)) refuse(where, `a result of the kind ${block.kind} can't be sent to this backend`);
    media.push(writeMedia(block, where, context));
  }
  if (!context.isOwn) beside.push(...media);
  return {
    functionResponse: {
      ...(context.isOwn && id !== undefined && { id: callId ?? id }),
      name: tool,
      response: writeToolResponse({ text: messageText(message), isError }),
      ...(context.isOwn && media.length > 0 && { parts: media }),
      ...inner,
    },
    ...further,
  };
}

/** The parts of the model. A signature without text goes on the part that follows it. */
function writeModelParts(messages: readonly Message[], context: Context): readonly JsonObject[] {
  const parts = messages.flatMap((message) => writeBlocks(message, context));
  const isForeign = !context.isOwn || messages.some(({ content }) => content.some(isSignedElsewhere));
  if (!isForeign || !context.traits.wantsSignatures) return parts;
  const call = parts.findIndex((part) => part['functionCall'] !== undefined);
  return parts.map((part, at) =>
    at === call && part['thoughtSignature'] === undefined ? { ...part, thoughtSignature: noSignature } : part,
  );
}

function isSignedElsewhere({ signature }: ContentBlock): boolean {
  return signature?.format !== undefined && signature.format !== gemini;
}

function writeBlocks(message: Message, context: Context): readonly JsonObject[] {
  const parts: JsonObject[] = [];
  let waiting: string | undefined;
  const standAlone = (): void => {
    if (waiting !== undefined) parts.push({ text: '', thoughtSignature: waiting });
    waiting = undefined;
  };
  for (const [position, block] of message.content.entries()) {
    if (block.kind === 'reasoning' || block.kind === 'reasoning_summary' || block.kind === 'reasoning_redacted') {
      standAlone();
      const { part, ofNext } = writeReasoning(block, context);
      waiting = ofNext;
      if (part !== undefined) parts.push(part);
      continue;
    }
    if (waiting === undefined && isEmpty(block, context)) continue;
    const place = block.place ?? `${placeOf(message, context)}.content[${position}]`;
    const part = writePart(block, place, context);
    if (part === undefined) continue;
    parts.push(waiting === undefined ? part : { ...part, thoughtSignature: waiting });
    waiting = undefined;
  }
  standAlone();
  return parts;
}

/** A thought. It goes back with its own signature only; a client of this format may also send one without any. */
function writeReasoning(
  block: ContentBlock,
  { isOwn, lose }: Context,
): { readonly part?: JsonObject; readonly ofNext?: string } {
  const { text = '', signature } = block;
  const isMade = signature !== undefined && (signature.format === gemini || (isOwn && signature.format === undefined));
  const isPlain = isOwn && signature === undefined && block.kind === 'reasoning';
  if (!isMade && !isPlain) {
    lose('reasoning');
    return {};
  }
  const { thought, ...further } = extensionOf(block) ?? {};
  if (isMade && text === '' && thought !== true) return { ofNext: signature.value };
  return { part: { text, thought: true, ...(isMade && { thoughtSignature: signature.value }), ...further } };
}

/** An empty text says nothing, and the API refuses it; a client of this format may mean it. */
function isEmpty({ kind, text = '' }: ContentBlock, { isOwn }: Context): boolean {
  return !isOwn && (kind === 'text' || kind === 'refusal') && text === '';
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function placeOf(message: Message, { request }: Context): string {
  return message.place ?? `messages[${request.messages.indexOf(message)}]`;
}
