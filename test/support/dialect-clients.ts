import { expect } from '@jest/globals';
import { errorTable, type ErrorCode, type ErrorKind } from '../../src/kernel/error-table.ts';
import type { ProbeRequest, ProbeResponse } from './probe-client.ts';

export const dialectNames = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'ollama',
  'native',
] as const;
export type DialectName = (typeof dialectNames)[number];

type Json = Readonly<Record<string, unknown>>;

export interface AskOptions {
  /** Default `support`. */
  readonly pipeline?: string;
  /** Default none: the pipeline decides. Gemini names one always, then that of the pipeline. */
  readonly model?: string;
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The path of a question, below `/pipelines/NAME/`. */
const pathsOf: Readonly<Record<Exclude<DialectName, 'gemini'>, string>> = {
  'openai-chat': 'v1/chat/completions',
  'openai-responses': 'v1/responses',
  'anthropic-messages': 'v1/messages',
  ollama: 'api/chat',
  native: 'chat',
};

/** Where a client of the dialect asks. */
export function pathOf(dialect: DialectName, { pipeline = 'support', model, stream = false }: AskOptions = {}): string {
  const base = `/pipelines/${pipeline}/`;
  if (dialect !== 'gemini') return base + pathsOf[dialect];
  return `${base}v1beta/models/${model ?? pipeline}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`;
}

/** The smallest body with one question of the user. */
export function questionOf(dialect: DialectName, text = 'Hello'): Json {
  switch (dialect) {
    case 'openai-responses':
      return { input: [{ role: 'user', content: text }] };
    case 'anthropic-messages':
      return { max_tokens: 100, messages: [{ role: 'user', content: text }] };
    case 'gemini':
      return { contents: [{ role: 'user', parts: [{ text }] }] };
    default:
      return { messages: [{ role: 'user', content: text }] };
  }
}

/** A request with this body. Model and streaming go where the dialect has them. */
export function askWith(dialect: DialectName, body: Json, options: AskOptions = {}): ProbeRequest {
  const { model, stream = false, headers = {} } = options;
  const further = dialect === 'gemini' ? {} : { stream, ...(model !== undefined && { model }) };
  return { path: pathOf(dialect, options), headers, body: { ...further, ...body } };
}

const openAiTypes: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'invalid_request_error',
  too_large: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  content_filter: 'invalid_request_error',
  gateway: 'server_error',
  upstream: 'upstream_error',
  overloaded: 'server_error',
  timeout: 'timeout',
  client: 'invalid_request_error',
};
const anthropicTypes: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  rate_limit: 'rate_limit_error',
  content_filter: 'invalid_request_error',
  gateway: 'api_error',
  upstream: 'api_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  client: 'invalid_request_error',
};
/** Names of Google's APIs for a status. */
const geminiNames: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'INVALID_ARGUMENT'],
  [413, 'INVALID_ARGUMENT'],
  [415, 'INVALID_ARGUMENT'],
  [429, 'RESOURCE_EXHAUSTED'],
  [500, 'INTERNAL'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);
/** Codes that OpenAI's clients act on stand in the place of ours. */
function openAiCode(code: ErrorCode): string {
  const { kind } = errorTable[code];
  if (code === 'MODEL_UNKNOWN') return 'model_not_found';
  if (kind === 'rate_limit') return 'rate_limit_exceeded';
  if (kind === 'overloaded') return 'overloaded';
  return kind === 'content_filter' ? 'content_filter' : code;
}

/** The document of an error in a dialect. */
function errorBody(dialect: DialectName, code: ErrorCode, field: string | undefined, response: ProbeResponse): Json {
  const requestId = response.headers['x-sluice-run'];
  const { status, kind, retryable } = errorTable[code];
  const message = expect.any(String) as unknown;
  switch (dialect) {
    case 'openai-chat':
    case 'openai-responses':
      return {
        error: {
          message,
          type: openAiTypes[kind],
          param: field ?? null,
          code: openAiCode(code),
          request_id: requestId,
        },
      };
    case 'anthropic-messages':
      return { type: 'error', error: { type: anthropicTypes[kind], message, code }, request_id: requestId };
    case 'gemini': {
      const details: unknown = expect.arrayContaining([
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'sluice' },
        { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId },
        ...(field === undefined
          ? []
          : [
              {
                '@type': 'type.googleapis.com/google.rpc.BadRequest',
                fieldViolations: [{ field, description: expect.any(String) }],
              },
            ]),
      ]);
      return { error: { code: status, message, status: geminiNames.get(status), details } };
    }
    case 'ollama':
      return { error: message, code, request_id: requestId };
    case 'native':
      return {
        type: `urn:sluice:error:${code}`,
        title: expect.any(String),
        status,
        detail: message,
        code,
        requestId,
        retryable,
        ...(response.headers['retry-after'] !== undefined && { retryAfterSeconds: expect.any(Number) }),
      };
  }
}

/** The status that clients of the dialect know an error by. */
export function statusOf(dialect: DialectName, code: ErrorCode): number {
  return dialect === 'anthropic-messages' && errorTable[code].kind === 'overloaded' ? 529 : errorTable[code].status;
}

/** The words of an error document. */
export function messageOf(response: ProbeResponse, dialect: DialectName): string {
  const body = response.json() as { error?: unknown; detail?: unknown };
  if (dialect === 'native') return String(body.detail);
  if (dialect === 'ollama') return String(body.error);
  return String((body.error as { message?: unknown } | undefined)?.message);
}

/**
 * Expects a refusal before the head, in the form of the dialect: status, headers and the whole body. With `field` the
 * message begins with it, and it stands where the dialect has a place for it.
 */
export function expectDialectError(
  response: ProbeResponse,
  dialect: DialectName,
  code: ErrorCode,
  field?: string,
): string {
  const requestId = response.headers['x-sluice-run'];
  expect(requestId).toMatch(/^[\w-]{36}$/);
  const message = messageOf(response, dialect);
  if (field !== undefined) expect(message.startsWith(`${field}: `) ? field : message).toBe(field);
  expect(response.json()).toEqual(errorBody(dialect, code, field, response));
  expect([response.status, response.headers['cache-control'], response.headers['content-type']]).toEqual([
    statusOf(dialect, code),
    'no-store',
    dialect === 'native' ? 'application/problem+json' : 'application/json',
  ]);
  expect([response.headers['request-id'], response.headers['x-request-id']]).toEqual([requestId, requestId]);
  return message;
}
