import type { AnswerBlock, AnswerChoice, ChatAnswer, UsageFold } from '../kernel/answer.ts';
import { defineEncoder, type EncodeContext, type Encoder } from '../kernel/component.ts';
import type { ErrorKind } from '../kernel/error-table.ts';
import type { SluiceError } from '../kernel/errors.ts';
import type { BlockKind } from '../kernel/event.ts';
import { strictObject } from '../kernel/schema.ts';
import { callIdOf } from './native/call-id.ts';
import { NativeStreamEncoder } from './native/stream-encoder.ts';

/** Answers in the native format: every event of the stream by its name, or one short document; errors as RFC 9457. */
export const nativeEncoder = defineEncoder({
  type: 'native',
  summary: 'Writes answers in the native format: all events, numbered and timed.',
  config: strictObject({}),
  needs: [],
  examples: [{ title: 'Server-sent events with id, event and data' }],
  create: (): Encoder => ({
    dialect: 'native',
    open: (context) => new NativeStreamEncoder(context),
    encodeAnswer,
    encodeError: (error, requestId) => ({
      contentType: 'application/problem+json',
      body: writeProblem(error, requestId),
    }),
  }),
});

const titles: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'The request is not valid',
  authentication: 'Authentication is needed',
  permission: 'This is not allowed',
  not_found: 'Not found',
  too_large: 'The request is too large',
  rate_limit: 'Too many requests',
  content_filter: 'Blocked by a rule',
  gateway: 'The gateway failed',
  upstream: 'The model provider failed',
  overloaded: 'Too busy',
  timeout: 'It took too long',
  client: 'The client failed',
};

function writeProblem(error: SluiceError, requestId: string): Record<string, unknown> {
  const { code, kind, status, message, retryable, retryAfterSeconds } = error;
  return {
    type: `urn:sluice:error:${code}`,
    title: titles[kind],
    status,
    detail: message,
    code,
    requestId,
    retryable,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

function encodeAnswer(answer: ChatAnswer, { run, request }: EncodeContext): Record<string, unknown> {
  const { meta, choices, usage } = answer;
  const [first] = choices;
  return {
    id: run.id,
    pipeline: run.pipeline,
    model: meta.model ?? request.model ?? null,
    message: writeMessage(first?.blocks ?? [], run.id),
    ...(choices.length > 1 && { choices: choices.map((choice) => writeChoice(choice, run.id)) }),
    finishReason: first?.finish?.reason.unified ?? null,
    usage: usage === undefined ? null : writeUsage(usage),
  };
}

function writeChoice({ index, blocks, finish }: AnswerChoice, run: string): Record<string, unknown> {
  return { index, message: writeMessage(blocks, run), finishReason: finish?.reason.unified ?? null };
}

/** Has the form of a message of a request, so a client can send it back as it is. */
function writeMessage(blocks: readonly AnswerBlock[], run: string): Record<string, unknown> {
  const reasoning = joinText(blocks, ['reasoning', 'reasoning_summary']);
  const refusal = joinText(blocks, ['refusal']);
  const calls = blocks.filter(({ kind }) => kind === 'tool_call' || kind === 'custom_tool_call');
  const parts = blocks.some(needsPart) ? blocks.flatMap((block) => writePart(block, run)) : undefined;
  return {
    role: 'assistant',
    content: joinText(blocks, ['text']),
    ...(parts !== undefined && { parts }),
    ...(reasoning !== '' && { reasoning }),
    ...(refusal !== '' && { refusal }),
    ...(calls.length > 0 && { toolCalls: calls.map((call) => writeCall(call, run)) }),
  };
}

/** True for what the strings of a message can't say: proofs of reasoning, and media. */
function needsPart({ signature, media }: AnswerBlock): boolean {
  return signature !== undefined || media.length > 0;
}

/** A part as a request takes it again; blocks that no request can hold are left out. */
function writePart(block: AnswerBlock, run: string): readonly Record<string, unknown>[] {
  const { kind, text, signature } = block;
  switch (kind) {
    case 'text':
    case 'refusal':
      return text === '' ? [] : [{ type: kind, text }];
    case 'reasoning':
    case 'reasoning_summary':
    case 'reasoning_redacted': {
      const { value, format, encrypted } = signature ?? {};
      const proof = { value, ...(format && { format }), ...(encrypted === true && { encrypted }) };
      return [
        { type: 'reasoning', ...(text !== '' && { text }), ...(signature !== undefined && { signature: proof }) },
      ];
    }
    case 'tool_call':
    case 'custom_tool_call':
      return [{ type: 'tool_call', ...writeCall(block, run) }];
    case 'image':
    case 'audio':
    case 'file':
      return writeMedia(block);
    default:
      return [];
  }
}

function writeMedia({ kind, media }: AnswerBlock): readonly Record<string, unknown>[] {
  const base64 = media.map((piece) => (piece.partialImageIndex === undefined ? (piece.base64 ?? '') : '')).join('');
  const { url } = media.find((piece) => piece.url !== undefined) ?? {};
  const { fileId } = media.find((piece) => piece.fileId !== undefined) ?? {};
  const { mediaType } = media.find((piece) => piece.mediaType !== undefined) ?? {};
  if (base64 !== '') return [{ type: kind, mediaType: mediaType ?? 'application/octet-stream', base64 }];
  if (url !== undefined) return [{ type: kind, url }];
  return fileId === undefined ? [] : [{ type: kind, fileId }];
}

function writeCall({ start, arguments: json }: AnswerBlock, run: string): Record<string, unknown> {
  return { id: callIdOf(start, run), name: start.name ?? '', arguments: json };
}

function joinText(blocks: readonly AnswerBlock[], kinds: readonly BlockKind[]): string {
  return blocks
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ text }) => text)
    .join('');
}

function writeUsage({ input, output, total, serverTools, cost }: UsageFold): Record<string, unknown> {
  return {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(total !== undefined && { total }),
    ...(serverTools !== undefined && { serverTools }),
    ...(cost !== undefined && { cost }),
  };
}
