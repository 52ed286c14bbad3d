import type { AnswerBlock, AnswerChoice, ChatAnswer } from '../../kernel/answer.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { AnswerEvent } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { writeUsage } from '../../kernel/dialects/gemini-usage.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { lossOfBlock } from '../../kernel/losses.ts';
import { citationFields, finishFields, finishWord } from './last-fields.ts';
import { writeLogprobs } from './logprobs.ts';
import {
  argumentsOf,
  callPart,
  formOf,
  levelsOf,
  mediaPart,
  standsAlone,
  textPart,
  writeSignature,
  type PartContext,
} from './parts.ts';

/** The one document of an answer: a response whose candidates are whole. */
export function writeDocument(answer: ChatAnswer, { run, request }: EncodeContext): JsonObject {
  const { meta, usage, safety } = answer;
  const context = { run, isOwn: meta.provider === gemini };
  const choices = answer.choices.length === 0 ? [{ index: 0, blocks: [] }] : answer.choices;
  const feedback = promptFeedback(answer, context);
  const isRefused = feedback !== undefined && choices.every(({ blocks }) => blocks.length === 0);
  const events = [...choices.flatMap(eventsOf), ...safety];
  const {
    responseId: _id,
    modelVersion: _model,
    ...ofChunk
  } = Object.assign({}, ...[meta, ...events].map((event) => levelsOf(event)?.chunk ?? {})) as Record<string, unknown>;
  return {
    ...(!isRefused && { candidates: choices.map((choice) => writeCandidate(choice, safety, context)) }),
    ...ofChunk,
    ...(feedback !== undefined && { promptFeedback: feedback }),
    ...(usage !== undefined && { usageMetadata: writeUsage(usage, context.isOwn) }),
    modelVersion: meta.model ?? request.model ?? run.pipeline,
    responseId: meta.responseId ?? run.id,
  };
}

function promptFeedback({ safety }: ChatAnswer, { run }: PartContext): JsonObject | undefined {
  if (safety.some(({ ext, verdicts }) => ext?.[gemini] === undefined && verdicts.length > 0)) run.lose('answer.safety');
  const prompt = safety.findLast(({ scope }) => scope === 'prompt');
  if (prompt === undefined) return undefined;
  const own = levelsOf(prompt)?.chunk['promptFeedback'];
  if (isObject(own)) return own;
  return prompt.blocked === true ? { blockReason: 'SAFETY' } : undefined;
}

/** The events of a choice that are kept whole. */
function eventsOf({ blocks, finish }: AnswerChoice): readonly AnswerEvent[] {
  return [
    ...blocks.flatMap(({ start, annotations, media, signature }) => [
      start,
      ...annotations,
      ...media,
      ...(signature === undefined ? [] : [signature]),
    ]),
    ...(finish === undefined ? [] : [finish]),
  ];
}

function writeCandidate(choice: AnswerChoice, safety: ChatAnswer['safety'], context: PartContext): JsonObject {
  const { index, blocks, finish } = choice;
  const ofChoice = safety.filter((event) => event.scope === 'completion' && (event.choice ?? 0) === index);
  const levels = [...eventsOf(choice), ...ofChoice].map(levelsOf).filter((level) => level !== undefined);
  const { index: _index, ...own } = Object.assign({}, ...levels.map(({ candidate }) => candidate)) as Record<
    string,
    unknown
  >;
  const contentFields: JsonObject = Object.assign({}, ...levels.map(({ content }) => content)) as JsonObject;
  const cites = own['groundingMetadata'] !== undefined || own['citationMetadata'] !== undefined;
  const texts = blocks.filter(({ kind }) => kind === 'text' || kind === 'refusal');
  const logprobs = joinLogprobs(blocks, context);
  return {
    content: { parts: writeParts(blocks, context), role: 'model', ...contentFields },
    finishReason: finishWord(finish, context),
    index,
    ...(logprobs !== undefined && { logprobsResult: logprobs }),
    ...own,
    ...citationFields(
      blocks.flatMap(({ annotations }) => annotations),
      texts,
      cites,
      context,
    ),
    ...finishFields(finish, own, context),
  };
}

function writeParts(blocks: readonly AnswerBlock[], context: PartContext): readonly JsonObject[] {
  const parts: JsonObject[] = [];
  let proof: string | undefined;
  for (const [index, block] of blocks.entries()) {
    const { start, signature, text } = block;
    const isBefore =
      formOf(start, context.isOwn) === 'thought' && text === '' && signature !== undefined && !standsAlone(start);
    if (isBefore) {
      if (proof !== undefined) parts.push(textPart('', false, { thoughtSignature: proof }));
      proof = writeSignature(signature);
      continue;
    }
    const part = writePart(block, `call_${context.run.id}_${index}`, proof !== undefined, context);
    if (part === undefined) continue;
    parts.push(proof === undefined ? part : { ...part, thoughtSignature: proof });
    proof = undefined;
  }
  if (proof !== undefined) parts.push(textPart('', false, { thoughtSignature: proof }));
  return parts.length === 0 ? [textPart('', false)] : parts;
}

function writePart(block: AnswerBlock, id: string, isSigned: boolean, context: PartContext): JsonObject | undefined {
  const { start, text, signature } = block;
  const form = formOf(start, context.isOwn);
  const proof = signature && { thoughtSignature: writeSignature(signature) };
  const fields = levelsOf(start)?.part;
  switch (form) {
    case 'text':
      if (text === '' && !isSigned && orNothing({ ...fields, ...proof }) === undefined) return undefined;
      return textPart(text, false, { ...fields, ...proof });
    case 'thought':
    case 'proof':
      return text === '' && proof === undefined ? undefined : textPart(text, true, { ...fields, ...proof });
    case 'call':
      return callPart(start, argumentsOf(block.arguments, block.final), id, context);
    case 'media':
      return mediaPart(start, block.media, context);
    case 'whole':
      return { ...(isObject(start.initial) && start.initial), ...fields };
    default:
      context.run.lose(lossOfBlock(start.kind));
      return undefined;
  }
}

/** The log probabilities of all pieces as those of one candidate. */
function joinLogprobs(blocks: readonly AnswerBlock[], { run }: PartContext): unknown {
  const pieces = blocks.flatMap(({ logprobs }) => logprobs).filter((piece) => piece !== null);
  if (pieces.length === 0) return undefined;
  const own = pieces.findLast((piece) => isObject(piece) && piece['logprobsResult'] !== undefined);
  const content = pieces.flatMap((piece) =>
    isObject(piece) && Array.isArray(piece['content']) ? (piece['content'] as unknown[]) : [],
  );
  const written = writeLogprobs(pieces.length === 1 && own !== undefined ? own : { content });
  if (written === undefined) run.lose('answer.logprobs');
  return written;
}
