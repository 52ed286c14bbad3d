import type { AnswerBlock, ChatAnswer } from '../kernel/answer.ts';
import { defineEncoder, type EncodeContext, type Encoder } from '../kernel/component.ts';
import type { SluiceError } from '../kernel/errors.ts';
import { isObject, type JsonObject } from '../kernel/json/json-value.ts';
import { extensionOf, ollama } from '../kernel/dialects/ollama-fields.ts';
import { writeUsage } from '../kernel/dialects/ollama-usage.ts';
import { strictObject } from '../kernel/schema.ts';
import { LineEncoder } from './ollama/line-encoder.ts';
import { callEntry, doneReason, logprobsOf, loseCounts, loseUnsaid, textField, timeOf } from './ollama/line-parts.ts';

/** Answers in the format of Ollama's chat API: lines, documents, errors and the list of models. */
export const ollamaEncoder = defineEncoder({
  type: ollama,
  summary: 'Writes answers in the format of the chat API of Ollama.',
  config: strictObject({}),
  needs: [],
  examples: [{ title: 'Lines of JSON, or one document' }],
  create: (): Encoder => ({
    dialect: ollama,
    streamType: 'application/x-ndjson',
    open: (context) => new LineEncoder(context, writeError),
    encodeAnswer,
    encodeError: (error, requestId) => ({
      contentType: 'application/json',
      body: { ...writeError(error), request_id: requestId },
    }),
    encodeModels: (models) => ({ models: models.map(writeModel) }),
  }),
});

/** Clients show `error`; the code is for people who look for it. */
function writeError(error: SluiceError): JsonObject {
  return { error: error.message, code: error.code };
}

/** An entry of `/api/tags`. What a gateway can't know of a model's file is empty. */
function writeModel({ id, created, ownedBy }: { id: string; created: number; ownedBy: string }): JsonObject {
  return {
    name: id,
    model: id,
    modified_at: timeOf(created * 1_000),
    size: 0,
    digest: '',
    details: {
      parent_model: '',
      format: '',
      family: ownedBy,
      families: [ownedBy],
      parameter_size: '',
      quantization_level: '',
    },
  };
}

function encodeAnswer({ meta, choices, usage, safety }: ChatAnswer, context: EncodeContext): JsonObject {
  const { run, request } = context;
  const isOwn = meta.provider === ollama;
  const [choice, another] = choices;
  if (another !== undefined) run.lose('answer.choices');
  if (safety.length > 0 && !isOwn) run.lose('answer.safety');
  const blocks = choice?.blocks ?? [];
  const {
    message: ofMessage,
    created_at: createdAt,
    ...ofLine
  } = {
    ...extensionOf(meta),
    ...(choice?.finish && extensionOf(choice.finish)),
  };
  const logprobs = blocks.flatMap((block) => block.logprobs).flatMap((piece) => logprobsOf(piece) ?? []);
  loseOfBlocks(blocks, logprobs.length > 0, context);
  if (choice?.finish !== undefined) loseUnsaid(choice.finish, run);
  loseCounts(usage, run);
  return {
    model: meta.model ?? request.model ?? run.pipeline,
    created_at: createdAt ?? timeOf((meta.created ?? context.created) * 1_000),
    message: { ...writeMessage(blocks, isOwn, context), ...(isObject(ofMessage) && ofMessage) },
    done: true,
    done_reason: doneReason(choice?.finish, isOwn),
    ...(logprobs.length > 0 && { logprobs }),
    ...writeUsage(usage, isOwn, { total: 0, untilContent: 0 }),
    ...ofLine,
  };
}

function writeMessage(blocks: readonly AnswerBlock[], isOwn: boolean, { run }: EncodeContext): JsonObject {
  const textOf = (field: string): string =>
    blocks
      .filter(({ kind }) => textField(kind) === field)
      .map(({ text }) => text)
      .join('');
  const thinking = textOf('thinking');
  const images = blocks
    .filter(({ kind }) => kind === 'image')
    .map(({ media }) => media.map(({ base64 = '' }) => base64).join(''))
    .filter((base64) => base64 !== '');
  const calls = blocks
    .filter(({ kind }) => kind === 'tool_call' || kind === 'custom_tool_call')
    .map((block, index) => callEntry(block.start, block.arguments, block.final, index, { isOwn, run }));
  return {
    role: 'assistant',
    content: textOf('content'),
    ...(thinking !== '' && { thinking }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function loseOfBlocks(blocks: readonly AnswerBlock[], saysLogprobs: boolean, { run }: EncodeContext): void {
  for (const { kind, annotations, signature, media, logprobs } of blocks) {
    if (annotations.length > 0) run.lose('answer.citations');
    if (signature !== undefined) run.lose('answer.signature');
    if (logprobs.length > 0 && !saysLogprobs) run.lose('answer.logprobs');
    loseUnsaid({ type: 'block.start', kind }, run);
    if (kind === 'image' && !media.some(({ base64 }) => base64 !== undefined)) run.lose('answer.media');
  }
}
