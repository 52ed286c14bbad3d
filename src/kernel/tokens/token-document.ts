import type { SluiceError } from '../errors.ts';
import type { HttpAnswer } from '../http-caller.ts';
import { readRetryAfter } from '../retry-after.ts';
import { tokenInvalid, tokenUnavailable, wordOf } from './token-failure.ts';

/** Answers of token servers are small; more is read from nobody. */
export const maxTokenAnswerBytes = 262_144;

const deepest = 32;
const byteOrderMark = '\ufeff';
const compressed = /gzip|deflate|compress|zstd|br/i;

/**
 * The JSON object in an answer of a token server. TOKEN_INVALID for anything else with a status of success, a redirect
 * among it; TOKEN_UNAVAILABLE for a status that says no, with its code where it is one, and with Retry-After. `wallTime` is
 * milliseconds since 1970, for one that is a date.
 */
export function readTokenDocument(answer: HttpAnswer, wallTime: number): Record<string, unknown> {
  checkTokenStatus(answer, wallTime);
  const document = parseObject(answer.body);
  if (document !== undefined) return document;
  const isCompressed = compressed.test(answer.headers['content-encoding'] ?? '');
  throw tokenInvalid(
    isCompressed ? 'the token server compresses unasked' : 'the token server did not answer with a JSON object',
  );
}

/** Throws what `readTokenDocument` throws for a status that is none of success. */
export function checkTokenStatus(answer: HttpAnswer, wallTime: number): void {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return;
  if (status >= 300 && status < 400) throw tokenInvalid('the token server redirects', { context: { status } });
  throw tokenRefusal(refusalWord(parseObject(body)) ?? 'the token server refused', answer, wallTime);
}

/** An answer with a status that says no, for a reason in a few fixed words or a checked code, with its Retry-After. */
export function tokenRefusal(reason: string, { status, headers }: HttpAnswer, wallTime: number): SluiceError {
  const retryAfterSeconds = readRetryAfter(headers, wallTime);
  return tokenUnavailable(reason, {
    context: { status },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** A JSON object without keys that reach a prototype, or undefined. It may begin with a byte order mark (RFC 8259, 8.1). */
export function parseObject(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length) : text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return isHarmless(value, 0) ? (value as Record<string, unknown>) : undefined;
}

function isHarmless(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= deepest) return false;
  return Object.entries(value).every(([key, item]) => key !== '__proto__' && isHarmless(item, depth + 1));
}

/** `error` of OAuth 2, `status` or `code` of an error that is an object, as at Google, or `code` alone, as at AWS. */
function refusalWord({ error, code: bare }: Record<string, unknown> = {}): string | undefined {
  const { status, code } = Object(error) as { status?: unknown; code?: unknown };
  return [error, status, code, bare].map((word) => wordOf(word, '')).find((word) => word !== '');
}
