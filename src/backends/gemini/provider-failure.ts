import { SluiceError } from '../../kernel/errors.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import {
  errorFromComplaint,
  errorFromEvent,
  errorFromStatus,
  errorInDocument,
} from '../../kernel/dialects/provider-error.ts';
import { cleanProviderText, maxLogLength } from '../../kernel/dialects/provider-text.ts';
import type { UpstreamHead } from '../../kernel/upstream.ts';

/** Statuses by their names in Google's APIs (google.rpc.Code). */
const statusByWord: ReadonlyMap<string, number> = new Map([
  ['CANCELLED', 499],
  ['UNKNOWN', 500],
  ['INVALID_ARGUMENT', 400],
  ['DEADLINE_EXCEEDED', 504],
  ['NOT_FOUND', 404],
  ['ALREADY_EXISTS', 409],
  ['PERMISSION_DENIED', 403],
  ['RESOURCE_EXHAUSTED', 429],
  ['FAILED_PRECONDITION', 400],
  ['ABORTED', 409],
  ['OUT_OF_RANGE', 400],
  ['UNIMPLEMENTED', 501],
  ['INTERNAL', 500],
  ['UNAVAILABLE', 503],
  ['DATA_LOSS', 500],
  ['UNAUTHENTICATED', 401],
]);
/** Reasons (google.rpc.ErrorInfo) that mean the credential, though the status blames the request. */
const keyReasons: ReadonlySet<unknown> = new Set(['API_KEY_INVALID', 'API_KEY_EXPIRED', 'API_KEY_SERVICE_BLOCKED']);

/** The error that a chunk or a document reports, or undefined. */
export function failureInDocument(document: JsonObject): SluiceError | undefined {
  const { error } = document;
  return isObject(error) ? failureOf(error) : errorInDocument(document);
}

/** The error of a text that is a list with one in it, which is what the API says where its answer was to be a list. */
export function failureInList(text: string): SluiceError | undefined {
  const error = text.trimStart().startsWith('[') ? readError(text) : undefined;
  return error === undefined ? undefined : failureOf(error);
}

/** The error of an event that is named `error`. */
export function failureFromEvent(data: string): SluiceError {
  const error = readError(data);
  return error === undefined ? errorFromEvent(data) : failureOf(error);
}

/** Maps an answer with a status of 400 or more. `wallTime` is milliseconds since 1970. */
export function failureFromStatus(head: UpstreamHead, body: string, wallTime: number): SluiceError {
  const error = readError(body);
  if (error === undefined) return errorFromStatus(head, body, wallTime);
  if (blamesKey(error)) {
    const upstreamMessage = cleanProviderText(messageOf(error), maxLogLength);
    return new SluiceError('UPSTREAM_AUTH', { context: { upstreamStatus: head.status, upstreamMessage } });
  }
  return withQuota(withRetryDelay(errorFromStatus(head, JSON.stringify({ error }), wallTime), error), error);
}

function failureOf(error: JsonObject): SluiceError {
  const words = [error['status'], error['type'], error['code']].filter((word) => typeof word === 'string').join(' ');
  const said = statusOf(error);
  // A key that may not call this service may call another one.
  const status = blamesKey(error) && said !== 403 ? 401 : said;
  const failure = errorFromComplaint({ message: messageOf(error), words: words.toLowerCase(), status });
  return withQuota(withRetryDelay(failure, error), error);
}

/** The error of a body; the API puts it in a list of one where the answer was to be a list. */
function readError(text: string): JsonObject | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const holder: unknown = Array.isArray(document) ? document[0] : document;
  const error: unknown = isObject(holder) ? holder['error'] : undefined;
  return isObject(error) ? error : undefined;
}

function statusOf(error: JsonObject): number | undefined {
  const { code, status } = error;
  if (typeof code === 'number' && Number.isInteger(code) && code >= 400 && code <= 599) return code;
  return typeof status === 'string' ? statusByWord.get(status) : undefined;
}

function messageOf(error: JsonObject): string {
  return filledString(error['message']) ?? '';
}

function detailsOf(error: JsonObject): readonly JsonObject[] {
  const { details } = error;
  return Array.isArray(details) ? details.filter(isObject) : [];
}

function blamesKey(error: JsonObject): boolean {
  return detailsOf(error).some(({ reason }) => keyReasons.has(reason));
}

/** Notes that a quota of the day is exhausted (google.rpc.QuotaFailure): one of a minute looks the same but for its name. */
function withQuota(failure: SluiceError, error: JsonObject): SluiceError {
  const quotas = detailsOf(error).flatMap(({ violations }) => (Array.isArray(violations) ? violations : []));
  const isOfDay = quotas.some((quota) => isObject(quota) && /PerDay/.test(filledString(quota['quotaId']) ?? ''));
  if (!isOfDay || failure.code !== 'UPSTREAM_RATE_LIMITED') return failure;
  return failure.with({ context: { ...failure.context, exhausted: true } });
}

/** Adds the delay of google.rpc.RetryInfo where no header gave one. */
function withRetryDelay(failure: SluiceError, error: JsonObject): SluiceError {
  const seconds = detailsOf(error)
    .map(({ retryDelay }) => readDelay(retryDelay))
    .find((delay) => delay !== undefined);
  if (seconds === undefined || failure.retryAfterSeconds !== undefined) return failure;
  return failure.with({ retryAfterSeconds: seconds });
}

/** A duration in the JSON of Google's APIs: `"48.5s"`. */
function readDelay(value: unknown): number | undefined {
  const match = typeof value === 'string' ? /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]);
}
