import type { ErrorCode } from '../../src/kernel/error-table.ts';
import { readNativeStream } from '../support/native-reader.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import type { ProbeClient } from '../support/probe-client.ts';

/** The dialect that a client speaks, and whether it wants a stream or one document. */
export type Form = 'openai stream' | 'openai document' | 'native stream' | 'native document';

export const streams: readonly Form[] = ['openai stream', 'native stream'];
export const documents: readonly Form[] = ['openai document', 'native document'];
export const forms: readonly Form[] = [...streams, ...documents];

/** What a client got, in the same words for every form. */
export interface Seen {
  readonly status: number;
  readonly type: 'stream' | 'document';
  readonly text: string;
  /** The code of the error, in the client's dialect. */
  readonly code: string | undefined;
  readonly finishReason: string | undefined;
  /** `ok`: complete with the dialect's terminator; `error`: ended by an error; `cut`: neither. */
  readonly end: 'ok' | 'error' | 'cut';
  readonly retryAfter: string | undefined;
  /** Comments on the stream: heartbeats. */
  readonly heartbeats: number;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads the first response of a client when it has ended. */
export async function seenBy(client: ProbeClient, form: Form): Promise<Seen> {
  await client.end();
  const response = await client.response();
  const { status, headers } = response;
  const retryAfter = headers['retry-after'];
  const common = { status, retryAfter };
  if (headers['content-type']?.startsWith('text/event-stream') === true) {
    const stream = form.startsWith('native') ? readNative(response.body) : readOpenAi(response.body);
    return { ...common, type: 'stream', ...stream };
  }
  const body = response.json() as Json;
  const document = form.startsWith('native') ? readNativeDocument(body, status) : readOpenAiDocument(body, status);
  return { ...common, type: 'document', heartbeats: 0, ...document };
}

function readOpenAi(body: Buffer): Omit<Seen, 'status' | 'retryAfter' | 'type'> {
  const { text, error, done, finishReason, comments } = readOpenAiStream(body);
  const code = error === undefined ? undefined : String(error['code']);
  const end = error === undefined ? (done ? 'ok' : 'cut') : 'error';
  return { text, code, finishReason, end, heartbeats: comments.length };
}

function readNative(body: Buffer): Omit<Seen, 'status' | 'retryAfter' | 'type'> {
  const { text, error, outcome, events, comments } = readNativeStream(body);
  const code = error === undefined ? undefined : String(error['code']);
  const finish = events.find((event) => event['type'] === 'finish')?.['reason'] as Json | undefined;
  const finishReason = finish === undefined ? undefined : String(finish['unified']);
  const end = outcome === undefined ? 'cut' : outcome === 'ok' ? 'ok' : 'error';
  return { text, code, finishReason, end, heartbeats: comments.length };
}

function readOpenAiDocument(body: Json, status: number): Pick<Seen, 'text' | 'code' | 'finishReason' | 'end'> {
  const { error, choices } = body as { error?: Json; choices?: readonly { message: Json; finish_reason: string }[] };
  if (error !== undefined) return { text: '', code: String(error['code']), finishReason: undefined, end: 'error' };
  const [choice] = choices ?? [];
  const text = textOf(choice?.message);
  return { text, code: undefined, finishReason: choice?.finish_reason, end: status === 200 ? 'ok' : 'cut' };
}

function readNativeDocument(body: Json, status: number): Pick<Seen, 'text' | 'code' | 'finishReason' | 'end'> {
  const { code, message, finishReason } = body as { code?: string; message?: Json; finishReason?: string };
  if (code !== undefined) return { text: '', code, finishReason: undefined, end: 'error' };
  return { text: textOf(message), code: undefined, finishReason, end: status === 200 ? 'ok' : 'cut' };
}

function textOf(message: Json | undefined): string {
  const content = message?.['content'];
  return typeof content === 'string' ? content : '';
}

/** Codes that OpenAI's clients act on stand in the place of ours. */
const openAiCodes: Partial<Record<ErrorCode, string>> = {
  UPSTREAM_RATE_LIMITED: 'rate_limit_exceeded',
  UPSTREAM_OVERLOADED: 'overloaded',
  OVERLOADED: 'overloaded',
  DRAINING: 'overloaded',
  MODEL_UNKNOWN: 'model_not_found',
};

/** A code of the error table as a client of this form reads it. */
export function codeFor(code: ErrorCode, form: Form): string {
  return form.startsWith('native') ? code : (openAiCodes[code] ?? code);
}
