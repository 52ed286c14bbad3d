import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import { writePart, type WriteContext } from './write-part.ts';

const reasoningKinds: ReadonlySet<string> = new Set(['reasoning', 'reasoning_summary', 'reasoning_redacted']);
/** Kinds of content that only the other side of the conversation can say. */
const mediaKinds: ReadonlySet<string> = new Set(['image', 'audio', 'file']);
/** Blocks that only the provider which made them understands. */
const providerKinds: ReadonlySet<string> = new Set(['server_tool_call', 'server_tool_result', 'compaction', 'code']);

/** Items without a form of their own that a client may send; all others of the kind `unknown` are parts of a message. */
const wholeItems =
  /^(?:item_reference|configuration_update|compaction_trigger|additional_tools)$|_(?:output|response)$/;

/**
 * Takes the system prompt out: what the client sent as `instructions`, with the system messages that a step put before it;
 * of a client of another format the system messages that come first.
 */
export function splitInstructions(
  messages: readonly Message[],
  isOwn: boolean,
): { readonly instructions: string | undefined; readonly messages: readonly Message[] } {
  const others = messages.findIndex((message) => !isSystem(message));
  const leading = messages.slice(0, others === -1 ? messages.length : others);
  const count = isOwn
    ? leading.findLastIndex((message) => extensionOf(message)?.['instructions'] === true) + 1
    : leading.length;
  if (count === 0) return { instructions: undefined, messages };
  const texts = leading.slice(0, count).flatMap(({ content }) => content.map(({ text = '' }) => text));
  return { instructions: texts.join('\n\n'), messages: messages.slice(count) };
}

function isSystem({ role, content }: Message): boolean {
  return role === 'system' && content.every(({ kind }) => kind === 'text');
}

/** The items of `input`. Throws REQUEST_INVALID for a block that the format can't say. */
export function writeInput(messages: readonly Message[], context: WriteContext): readonly JsonObject[] {
  const kinds = new Map<string, string>();
  for (const { content } of messages)
    for (const { callId, kind } of content) if (callId !== undefined) kinds.set(callId, kind);
  return messages.flatMap((message, index) => {
    const place = message.place ?? `messages[${index}]`;
    if (message.name !== undefined && message.role !== 'tool' && !context.isOwn) context.run.lose('request.name');
    if (message.role === 'assistant') return writeAssistant(message, place, context);
    if (message.role === 'tool') return [writeResult(message, place, kinds, context)];
    return writeMessage(message, place, context);
  });
}

function writeMessage(message: Message, place: string, context: WriteContext): readonly JsonObject[] {
  const [only] = message.content;
  // An item that is no message, in the place where the client had it.
  if (context.isOwn && message.content.length === 1 && only?.kind === 'unknown' && isItem(only.initial))
    return [only.initial as JsonObject];
  const { content: marker, ...rest } = itemOf(message) ?? {};
  return [{ ...rest, role: message.role, content: writeContent(message.content, marker, false, place, context) }];
}

/** True for an item that is kept whole, and false for a part of a message that is. */
function isItem(initial: unknown): boolean {
  if (!isObject(initial)) return false;
  const { type, id } = initial;
  return typeof type === 'string' ? wholeItems.test(type) : typeof id === 'string';
}

/** A string where the client sent a string, and for one text of a client of another format. */
function writeContent(
  blocks: readonly ContentBlock[],
  marker: unknown,
  isOutput: boolean,
  place: string,
  context: WriteContext,
): unknown {
  if (blocks.length === 0) return marker ?? (context.isOwn ? [] : '');
  const [only] = blocks;
  const isPlain = only?.kind === 'text' && level(extensionOf(only), 'part') === undefined;
  if (blocks.length === 1 && isPlain && (context.isOwn || !isOutput) && only.annotations === undefined)
    return only.text ?? '';
  return blocks.map((block, index) => writePart(block, isOutput, `${place}.content[${index}]`, context));
}

/** The result of a tool. That it is a failure only its text can say: the format has no field for it. */
function writeResult(
  message: Message,
  place: string,
  kinds: ReadonlyMap<string, string>,
  context: WriteContext,
): JsonObject {
  const { callId, content, isError } = message;
  const [only] = content;
  if (context.isOwn && content.length === 1 && only?.kind === 'unknown' && isItem(only.initial))
    return only.initial as JsonObject;
  if (callId === undefined) refuse(place, 'the result of a tool needs the id of its call');
  const { output: marker, ...rest } = itemOf(message) ?? {};
  if (isError === true && !context.isOwn) context.run.lose('request.is_error');
  const isCustom = kinds.get(callId) === 'custom_tool_call';
  return {
    type: isCustom ? 'custom_tool_call_output' : 'function_call_output',
    ...rest,
    call_id: callId,
    output: writeOutput(content, marker, place, context),
  };
}

function writeOutput(blocks: readonly ContentBlock[], marker: unknown, place: string, context: WriteContext): unknown {
  const isText = blocks.every(({ kind }) => kind === 'text');
  if (!context.isOwn && isText) return blocks.map(({ text = '' }) => text).join('\n');
  return writeContent(blocks, marker, false, place, context);
}

/** What the assistant said and did, item by item. */
function writeAssistant(message: Message, place: string, context: WriteContext): readonly JsonObject[] {
  const items: JsonObject[] = [];
  for (const group of groupsOf(message.content)) {
    const [first] = group;
    if (first === undefined) continue;
    const type = itemType(first);
    if (type === 'reasoning') items.push(...writeReasoning(group, context));
    else if (type === 'tool_call' || type === 'custom_tool_call') items.push(writeCall(first, place, context));
    else if (type !== 'message') items.push(...writeProviderItem(first, context));
    else items.push(...writeOutputMessage(group, place, context));
  }
  return items;
}

/** Blocks that are one item: until another item begins, and for reasoning until its proof. */
function groupsOf(content: readonly ContentBlock[]): ContentBlock[][] {
  const groups: ContentBlock[][] = [];
  for (const block of content) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && continues(last, block)) group.push(block);
    else groups.push([block]);
  }
  return groups;
}

function continues(last: ContentBlock, block: ContentBlock): boolean {
  const type = itemType(block);
  if (type !== itemType(last) || itemOf(block) !== undefined) return false;
  return type === 'message' || (type === 'reasoning' && last.signature === undefined);
}

function itemType({ kind, initial }: ContentBlock): string {
  if (reasoningKinds.has(kind)) return 'reasoning';
  if (kind === 'unknown') return isItem(initial) ? kind : 'message';
  return kind === 'tool_call' || kind === 'custom_tool_call' || providerKinds.has(kind) ? kind : 'message';
}

/** A provider takes back its own reasoning only: with its proof, or by its id. */
function writeReasoning(blocks: readonly ContentBlock[], { isOwn, run }: WriteContext): readonly JsonObject[] {
  const signature = blocks.findLast((block) => block.signature !== undefined)?.signature;
  const isOwnProof = signature?.format === openaiResponses;
  const extension = blocks.map(itemOf).find((item) => item !== undefined);
  if (signature === undefined ? !(isOwn && extension !== undefined) : !isOwnProof) {
    run.lose('request.reasoning');
    return [];
  }
  const { summary: emptySummary, content: emptyContent, ...rest } = extension ?? {};
  const summary = blocks.filter((block) => block.kind === 'reasoning_summary' || (!isOwn && block.text));
  const content = blocks.filter((block) => !summary.includes(block) && block.text !== undefined && isOwn);
  const summaries = summary.map((block) => writeReasoningText(block, 'summary_text'));
  const texts = content.map((block) => writeReasoningText(block, 'reasoning_text'));
  // An item without any text of its own may have said so; the format wants the summary even if there is none.
  const hasSummary = summaries.length > 0 || emptySummary !== undefined || !isOwn;
  return [
    {
      type: 'reasoning',
      ...rest,
      ...(hasSummary && { summary: summaries.length > 0 || emptySummary === undefined ? summaries : emptySummary }),
      ...(texts.length > 0 ? { content: texts } : emptyContent !== undefined && { content: emptyContent }),
      ...(isOwnProof && { encrypted_content: signature.value }),
    },
  ];
}

function writeReasoningText(block: ContentBlock, type: string): JsonObject {
  return { type, ...level(extensionOf(block), 'part'), text: block.text ?? '' };
}

function writeCall(block: ContentBlock, place: string, { isOwn }: WriteContext): JsonObject {
  const { name, callId, arguments: json = '', kind } = block;
  if (name === undefined) refuse(block.place ?? place, 'a tool call needs the name of its tool');
  if (callId === undefined) refuse(block.place ?? place, 'a tool call needs an id');
  const rest = itemOf(block) ?? {};
  if (kind === 'custom_tool_call') return { type: 'custom_tool_call', ...rest, call_id: callId, name, input: json };
  return { type: 'function_call', ...rest, call_id: callId, name, arguments: json === '' && !isOwn ? '{}' : json };
}

function writeProviderItem({ initial }: ContentBlock, { isOwn, run }: WriteContext): readonly JsonObject[] {
  if (isOwn && isObject(initial)) return [initial];
  run.lose('request.server_tools');
  return [];
}

/** The assistant can't say media in this format: they go to the user's side, where the model sees them. */
function writeOutputMessage(
  blocks: readonly ContentBlock[],
  place: string,
  context: WriteContext,
): readonly JsonObject[] {
  const media = context.isOwn ? [] : blocks.filter(({ kind }) => mediaKinds.has(kind));
  const said = blocks.filter((block) => !media.includes(block));
  if (media.length > 0) context.run.lose('request.assistant_media');
  const { content: marker, ...rest } = blocks.map(itemOf).find((item) => item !== undefined) ?? {};
  const isEmpty = Array.isArray(marker) && said.every(({ text = '' }) => text === '');
  return [
    ...(said.length > 0
      ? [
          {
            ...rest,
            role: 'assistant',
            content: isEmpty ? marker : writeContent(said, undefined, true, place, context),
          },
        ]
      : []),
    ...(media.length > 0
      ? [{ role: 'user', content: media.map((block) => writePart(block, false, place, context)) }]
      : []),
  ];
}

function itemOf(holder: Pick<Message, 'ext'>): JsonObject | undefined {
  return level(extensionOf(holder), 'item');
}
