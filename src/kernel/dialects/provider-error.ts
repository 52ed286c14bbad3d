import { SluiceError, type ErrorOptions } from '../errors.ts';
import { filledString, isObject, type JsonObject } from '../json/json-value.ts';
import { cleanProviderText, maxLogLength } from './provider-text.ts';
import { readRetryAfter } from '../retry-after.ts';
import { isSpent } from './spent-account.ts';
import type { UpstreamHead } from '../upstream.ts';

/** What a provider says about a failure, in whatever form it says it. */
export interface Complaint {
  readonly message: string;
  /** Its type and its code, in lower case, for the words that tell the class. */
  readonly words: string;
  readonly status: number | undefined;
}

/** Statuses that blame the request. */
const rejections = new Set([400, 404, 405, 409, 410, 413, 415, 422]);

/** The error that a chunk or a whole body reports, or undefined. Errors come as objects, as strings, or as the document itself. */
export function errorInDocument(document: JsonObject): SluiceError | undefined {
  const { error, object } = document;
  if (error !== undefined && error !== null && error !== false && error !== '')
    return errorFromComplaint(readComplaint(error));
  return object === 'error' ? errorFromComplaint(readComplaint(document)) : undefined;
}

/** The error of an SSE event that is named `error`, whatever its data is. */
export function errorFromEvent(data: string): SluiceError {
  const document = parseOrNothing(data);
  const inner = isObject(document) && document['error'] !== undefined ? document['error'] : (document ?? data);
  return errorFromComplaint(readComplaint(inner));
}

/** Maps an answer with a status of 400 or more. `wallTime` is milliseconds since 1970, for a Retry-After that is a date. */
export function errorFromStatus(head: UpstreamHead, body: string, wallTime: number): SluiceError {
  const document = parseOrNothing(body);
  const complaint = {
    ...readComplaint(isObject(document) ? (document['error'] ?? document) : (document ?? '')),
    status: head.status,
  };
  const isDocument = document !== undefined;
  const context = {
    upstreamStatus: head.status,
    upstreamMessage: cleanProviderText(isDocument ? complaint.message : body, maxLogLength),
  };
  const retryAfterSeconds = readRetryAfter(head.headers, wallTime);
  const options = { context, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  // A page instead of a document: the usual reason is a wrong address. Busy or broken gateways send pages too, but with their status.
  if (!isDocument && rejections.has(head.status) && looksLikeMarkup(head, body))
    return new SluiceError('UPSTREAM_BAD_CONTENT', options);
  return errorByClass(complaint, options);
}

/** True for a page where a document was expected. */
export function looksLikeMarkup(head: Pick<UpstreamHead, 'headers'>, body: string): boolean {
  return (head.headers['content-type'] ?? '').toLowerCase().includes('html') || /^\s*</.test(body.slice(0, 1_024));
}

/** The error that a provider reports in its stream or in a document. Its words are only shown where it blames the request. */
export function errorFromComplaint(complaint: Complaint): SluiceError {
  const context = {
    upstreamMessage: cleanProviderText(complaint.message, maxLogLength),
    ...(complaint.status !== undefined && { upstreamStatus: complaint.status }),
  };
  return errorByClass(complaint, { context });
}

const blamesCredential = /authentication|api.?key|unauthori[sz]ed|unauthenticated/;

/** Of a failure without a status the one that its words stand for. */
function withStatus(upstreamStatus: number, options: ErrorOptions): ErrorOptions {
  return { ...options, context: { upstreamStatus, ...options.context } };
}

/** With `exhausted` in the context where the account has nothing left to spend, so that waiting does not help. */
function errorByClass({ message, words, status }: Complaint, given: ErrorOptions): SluiceError {
  const isExhausted = isSpent(words, message, status);
  const options = isExhausted ? { ...given, context: { ...given.context, exhausted: true } } : given;
  if (
    status === 429 ||
    (status === undefined && /rate.?limit|too_many_requests|quota|throttl|resource_exhausted/.test(words))
  )
    return new SluiceError('UPSTREAM_RATE_LIMITED', options);
  // It is the account of the operator, whatever the status blames.
  if (isExhausted) return new SluiceError('UPSTREAM_ERROR', options);
  if (
    status === 401 ||
    status === 403 ||
    (status === undefined && (blamesCredential.test(words) || /permission|access_?denied/.test(words)))
  )
    return new SluiceError('UPSTREAM_AUTH', withStatus(status ?? (blamesCredential.test(words) ? 401 : 403), options));
  if (status === 503 || status === 529 || (/overloaded|capacity|unavailable/.test(words) && (status ?? 500) >= 500))
    return new SluiceError('UPSTREAM_OVERLOADED', options);
  if (status !== undefined && status >= 500)
    return new SluiceError('UPSTREAM_5XX', { ...options, details: { status } });
  const blamesRequest =
    status === undefined
      ? /invalid_request|invalid_argument|bad_request|not_found|context_length|content_filter|unprocessable|validation/.test(
          words,
        )
      : rejections.has(status);
  if (!blamesRequest) return new SluiceError('UPSTREAM_ERROR', options);
  return new SluiceError('UPSTREAM_REJECTED', {
    ...options,
    status: status ?? 400,
    details: { reason: cleanProviderText(message) || 'it gave no reason' },
  });
}

function readComplaint(error: unknown): Complaint {
  if (typeof error === 'string') return { message: error, words: '', status: undefined };
  if (!isObject(error)) return { message: '', words: '', status: undefined };
  const { type, code } = error;
  const status = [error['status_code'], error['status'], code]
    .map(readStatus)
    .find((candidate) => candidate !== undefined);
  const words = [type, code]
    .filter((word) => typeof word === 'string')
    .join(' ')
    .toLowerCase();
  return { message: readMessage(error), words, status };
}

function readMessage(error: JsonObject): string {
  const { message, detail } = error;
  const text =
    filledString(message) ?? filledString(detail) ?? filledString(error['error']) ?? filledString(error['msg']);
  if (text !== undefined) return text;
  const first: unknown = Array.isArray(detail) ? detail[0] : (detail ?? message);
  if (!isObject(first)) return '';
  const place = Array.isArray(first['loc']) ? `${first['loc'].map(String).join('.')}: ` : '';
  const words = filledString(first['msg']) ?? filledString(first['message']) ?? filledString(first['detail']);
  return words === undefined ? '' : place + words;
}

function readStatus(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
