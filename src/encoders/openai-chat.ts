import type { AnswerBlock, AnswerChoice, ChatAnswer } from '../kernel/answer.ts';
import { defineEncoder, type EncodeContext, type Encoder } from '../kernel/component.ts';
import type { EventOfType } from '../kernel/event.ts';
import { isObject, level, orNothing, type JsonObject } from '../kernel/json/json-value.ts';
import { writeOpenAiError } from '../kernel/dialects/openai-error.ts';
import { extensionOf, openaiChat, writeFinishReason } from '../kernel/dialects/openai-chat-fields.ts';
import { writeUsage } from '../kernel/dialects/openai-chat-usage.ts';
import { strictObject } from '../kernel/schema.ts';
import { isCall } from './openai-chat/chunk-parts.ts';
import {
  isReasoning,
  lossesOfFinish,
  lossOf,
  writeAudio,
  writeCitation,
  writeImage,
} from './openai-chat/foreign-parts.ts';
import { ReasoningEntries } from './openai-chat/reasoning-entries.ts';
import { ChatStreamEncoder } from './openai-chat/stream-encoder.ts';

/** Answers in the OpenAI chat completions format: chunks, documents, errors and the list of models. */
export const openaiChatEncoder = defineEncoder({
  type: openaiChat,
  summary: 'Writes answers in the format of the OpenAI chat completions API.',
  config: strictObject({}),
  needs: [],
  examples: [{ title: 'Chunks of a chat completion, or one document' }],
  create: (): Encoder => ({
    dialect: openaiChat,
    open: (context) => new ChatStreamEncoder(context, writeOpenAiError),
    encodeAnswer,
    encodeError: (error, requestId) => ({
      contentType: 'application/json',
      body: { error: { ...writeOpenAiError(error), request_id: requestId } },
    }),
    encodeModels: (models) => ({
      object: 'list',
      data: models.map(({ id, created, ownedBy }) => ({ id, object: 'model', created, owned_by: ownedBy })),
    }),
  }),
});

function encodeAnswer(answer: ChatAnswer, context: EncodeContext): JsonObject {
  const { meta, choices, usage, safety } = answer;
  const isOwn = meta.provider === openaiChat;
  if (!isOwn && safety.length > 0) context.run.lose('answer.safety');
  const { choices: _levels, ...further } = extensionOf(meta) ?? {};
  return {
    ...further,
    id: meta.responseId ?? `chatcmpl-${context.run.id}`,
    object: 'chat.completion',
    created: meta.created ?? context.created,
    model: meta.model ?? context.request.model ?? context.run.pipeline,
    choices: choices.map((choice) => writeChoice(choice, isOwn, context)),
    ...(usage !== undefined && { usage: writeUsage(usage, isOwn) }),
    ...(meta.serviceTier !== undefined && { service_tier: meta.serviceTier }),
    ...(meta.systemFingerprint !== undefined && { system_fingerprint: meta.systemFingerprint }),
  };
}

function writeChoice(choice: AnswerChoice, isOwn: boolean, context: EncodeContext): JsonObject {
  const { index, blocks, finish } = choice;
  if (!isOwn) loseForeign(choice, context);
  const levels = blocks.map((block) => level(extensionOf(block.start), 'choices') ?? {});
  const { delta: _fields, ...further } = Object.assign({}, ...levels) as Record<string, unknown>;
  const logprobs = joinLogprobs(blocks.flatMap((block) => block.logprobs));
  const message = writeMessage(blocks, levels, isOwn, context);
  const explanation = finish?.reason.unified === 'refusal' ? finish.refusal?.explanation : undefined;
  const refusal = message['refusal'] ?? explanation ?? null;
  return {
    ...further,
    index,
    message: { ...message, refusal },
    logprobs,
    finish_reason: finishWord(choice, isOwn, refusal !== null),
  };
}

function finishWord({ blocks, finish }: AnswerChoice, isOwn: boolean, refused: boolean): string | null {
  if (finish === undefined) return null;
  const { unified, raw } = finish.reason;
  if (isOwn && raw !== undefined) return raw;
  return writeFinishReason(unified, { called: blocks.some(({ kind }) => isCall(kind)), refused });
}

function writeMessage(
  blocks: readonly AnswerBlock[],
  levels: readonly JsonObject[],
  isOwn: boolean,
  context: EncodeContext,
): JsonObject {
  const ofKind = (...kinds: readonly string[]): AnswerBlock[] => blocks.filter((block) => kinds.includes(block.kind));
  const texts = ofKind('text');
  const reasoning = ofKind('reasoning', 'reasoning_summary', 'reasoning_redacted');
  const calls = blocks.filter(({ kind }) => isCall(kind));
  const legacy = calls.find(isLegacy);
  const annotations = texts.flatMap((block) => block.annotations.flatMap((event) => writeAnnotation(event, isOwn)));
  const images = ofKind('image')
    .map((block) => (isOwn ? block.start.initial : undefined) ?? writeImage(block.media))
    .filter((image) => image !== undefined);
  const [audio] = ofKind('audio').map((block) =>
    isOwn ? block.start.initial : writeAudio(block.media, context.run.id),
  );
  const toolCalls = calls.filter((call) => call !== legacy).map((call, index) => writeCall(call, index, context));
  return {
    ...furtherFields(levels),
    role: 'assistant',
    content: joined(texts),
    refusal: joined(ofKind('refusal')),
    ...(isOwn ? writeOwnReasoning(reasoning) : writeReasoning(blocks, context)),
    ...(annotations.length > 0 && { annotations }),
    ...(images.length > 0 && { images }),
    ...(audio !== undefined && { audio }),
    ...(legacy !== undefined && { function_call: { name: legacy.start.name ?? '', arguments: legacy.arguments } }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
}

/** The log probabilities of all pieces as those of one message. */
function joinLogprobs(pieces: readonly unknown[]): JsonObject | null {
  if (pieces.length === 0) return null;
  const joinedLists: Record<string, unknown> = {};
  for (const [name, value] of pieces.filter(isObject).flatMap((piece) => Object.entries(piece))) {
    const before = joinedLists[name];
    joinedLists[name] = Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...value] : value;
  }
  return joinedLists;
}

function joined(blocks: readonly AnswerBlock[]): string | null {
  return blocks.length === 0 ? null : blocks.map((block) => block.text).join('');
}

/** What the provider said in the message that has no place in a block. */
function furtherFields(levels: readonly JsonObject[]): JsonObject {
  const merged: Record<string, unknown> = Object.assign({}, ...levels.map((fields) => level(fields, 'delta') ?? {}));
  const { reasoning: _r, reasoning_details: _d, tool_calls: _t, function_call: _f, content: _c, ...further } = merged;
  return further;
}

/** Reasoning of another dialect: its text, and where it is proven an entry for each block. */
function writeReasoning(blocks: readonly AnswerBlock[], { run }: EncodeContext): JsonObject {
  const entries = new ReasoningEntries();
  const details: JsonObject[] = [];
  let calls = 0;
  for (const { kind, text, signature, start } of blocks) {
    const callId = isCall(kind) ? (start.callId ?? callIdOf(run.id, calls)) : undefined;
    details.push(...(isReasoning(kind) ? entries.add({ kind, text, signature }) : entries.before(callId)));
    if (isCall(kind)) calls += 1;
  }
  details.push(...entries.before());
  const text = blocks.map((block) => (isReasoning(block.kind) ? block.text : '')).join('');
  return {
    ...(text !== '' && { reasoning_content: text }),
    ...(details.length > 0 && { reasoning_details: details }),
  };
}

function callIdOf(runId: string, index: number): string {
  return `call_${runId}_${index}`;
}

/** Names what the document can't say. */
function loseForeign({ blocks, finish }: AnswerChoice, { run }: EncodeContext): void {
  for (const { kind, annotations, media } of blocks) {
    const loss = lossOf(kind);
    if (loss !== undefined) run.lose(`answer.${loss}`);
    if (kind === 'audio' && media.some(({ base64 }) => base64 === undefined)) run.lose('answer.media');
    if (annotations.some((event) => writeCitation(event) === undefined)) run.lose('answer.citations');
  }
  for (const loss of finish === undefined ? [] : lossesOfFinish(finish)) run.lose(`answer.${loss}`);
}

function writeAnnotation(event: EventOfType<'annotation'>, isOwn: boolean): readonly unknown[] {
  if (isOwn && (event.dialect ?? openaiChat) === openaiChat) return [event.annotation];
  const citation = writeCitation(event);
  return citation === undefined ? [] : [citation];
}

function writeOwnReasoning(blocks: readonly AnswerBlock[]): JsonObject {
  if (blocks.length === 0) return {};
  const deltas = blocks.map((block) => level(level(extensionOf(block.start), 'choices'), 'delta') ?? {});
  const text = blocks.map((block) => block.text).join('');
  const details = blocks.flatMap((block, index) => writeDetail(block, deltas[index]?.['reasoning_details']));
  const field = deltas.some((delta) => delta['reasoning'] !== undefined) ? 'reasoning' : 'reasoning_content';
  return { [field]: text, ...(details.length > 0 && { reasoning_details: details }) };
}

/** The entry of `reasoning_details` of one block; `marker` is what the provider said in it beside the text. */
function writeDetail(block: AnswerBlock, marker: unknown): readonly JsonObject[] {
  const first: unknown = Array.isArray(marker) ? marker[0] : undefined;
  if (!isObject(first)) return [];
  const { signature } = block;
  const proof =
    signature === undefined ? {} : { [signature.encrypted === true ? 'data' : 'signature']: signature.value };
  return [
    {
      ...first,
      ...(block.text !== '' && { [first['type'] === 'reasoning.summary' ? 'summary' : 'text']: block.text }),
      ...proof,
    },
  ];
}

function writeCall(block: AnswerBlock, index: number, context: EncodeContext): JsonObject {
  const unknown = level(level(level(extensionOf(block.start), 'choices'), 'delta'), 'tool_calls') ?? {};
  const { function: inner, custom, ...further } = unknown;
  const { name = '', callId = callIdOf(context.run.id, index) } = block.start;
  const head = { ...further, id: callId };
  if (block.kind === 'custom_tool_call')
    return { ...head, type: 'custom', custom: { ...(isObject(custom) && custom), name, input: block.arguments } };
  return { ...head, type: 'function', function: { ...(isObject(inner) && inner), name, arguments: block.arguments } };
}

function isLegacy(block: AnswerBlock): boolean {
  const delta = level(level(extensionOf(block.start), 'choices'), 'delta');
  return delta !== undefined && orNothing(delta)?.['function_call'] !== undefined;
}
