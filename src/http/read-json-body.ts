import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../kernel/clock.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';

/** Nesting that any dialect needs stays far below; deeper documents break recursive code. */
const maxDepth = 64;

/** Milliseconds from the head of a request to the end of its body. */
const bodyTimeout = 30_000;

export type BodyCallback = (error: SluiceError | null, body?: unknown) => void;

/**
 * Reads the body of a request as one JSON value and calls back once. Ends early where it grows too large or does not
 * arrive in time; what still comes is then thrown away. No promise: this is done for every request.
 */
export function readJsonBody(message: IncomingMessage, maxBytes: number, clock: Clock, done: BodyCallback): void {
  const pieces: Buffer[] = [];
  let size = 0;
  let settled = false;
  const settle = (error: SluiceError | null, body?: unknown): void => {
    if (settled) return;
    settled = true;
    timer.cancel();
    if (error !== null) message.resume();
    done(error, body);
  };
  const timer = clock.after(bodyTimeout, () =>
    settle(new SluiceError('BODY_TIMEOUT', { details: { seconds: bodyTimeout / 1000 } })),
  );
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) {
    settle(tooLarge(maxBytes));
    return;
  }
  message.on('data', (piece: Buffer) => {
    if (settled) return;
    size += piece.length;
    if (size > maxBytes) settle(tooLarge(maxBytes));
    else pieces.push(piece);
  });
  message.on('end', () => {
    if (!settled)
      parseInto(settle, pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, size));
  });
  // Also emitted after every good body, and an error with its stack costs as much as the parsing.
  const onGone = (): void => {
    if (!settled) settle(new SluiceError('CLIENT_GONE'));
  };
  message.on('close', onGone);
  message.on('error', onGone);
}

function parseInto(settle: BodyCallback, bytes: Buffer): void {
  let body: unknown;
  try {
    body = parseJson(bytes);
  } catch (error) {
    settle(asSluiceError(error));
    return;
  }
  settle(null, body);
}

/** Parses untrusted bytes: UTF-8, bounded depth, and no key that could reach a prototype. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw new SluiceError('BODY_INVALID', { details: { reason: 'it is empty' } });
  if (!isUtf8(bytes)) throw new SluiceError('BODY_INVALID', { details: { reason: 'it is not UTF-8' } });
  checkDepth(bytes);
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SluiceError('BODY_INVALID', { details: { reason: positionOf(error) } });
  }
  if (mayHoldPrototypeKey(text) && holdsPrototypeKey(value)) {
    throw new SluiceError('BODY_INVALID', {
      details: { reason: 'it has a key named "__proto__" or "constructor.prototype"' },
    });
  }
  return value;
}

/** V8 accepts a million levels, but everything that walks the value after it does not. */
function checkDepth(bytes: Buffer): void {
  let depth = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    switch (bytes[index]) {
      case 0x22:
        index = endOfString(bytes, index);
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > maxDepth) throw new SluiceError('JSON_TOO_DEEP', { details: { limit: maxDepth } });
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
      default:
    }
  }
}

function endOfString(bytes: Buffer, start: number): number {
  let quote = bytes.indexOf(0x22, start + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (bytes[quote - 1 - backslashes] === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    quote = bytes.indexOf(0x22, quote + 1);
  }
  return bytes.length;
}

function mayHoldPrototypeKey(text: string): boolean {
  return text.includes('__proto__') || text.includes('"prototype"') || text.includes('\\u00');
}

function holdsPrototypeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsPrototypeKey);
  return Object.entries(value).some(
    ([key, inner]) =>
      key === '__proto__' ||
      (key === 'constructor' && typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype')) ||
      holdsPrototypeKey(inner),
  );
}

/** Where V8 stopped, without the text around it: a message must not repeat a prompt. */
function positionOf(error: unknown): string {
  const { message } = error as Error;
  if (message.startsWith('Unexpected end') || message.startsWith('Unterminated')) return 'it ends too early';
  const [, offset] = / in JSON at position (\d+)/.exec(message) ?? [];
  return offset === undefined ? 'it has an unexpected character' : `unexpected character at offset ${offset}`;
}

function tooLarge(limit: number): SluiceError {
  return new SluiceError('BODY_TOO_LARGE', { details: { limit } });
}
