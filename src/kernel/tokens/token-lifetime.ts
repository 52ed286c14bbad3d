import type { Clock } from '../clock.ts';
import { tokenInvalid } from './token-failure.ts';

/** Ten years. A longer time is a date or milliseconds that somebody took for seconds. */
const longestLifetime = 315_360_000;
/** So far the clock of a token server may be off from ours, which must not cost a good token. */
const clockErrorMilliseconds = 60_000;
/** Day, time and offset, in the spellings that are about. */
const dateText = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(?:[Zz]|([+-])(\d\d):?(\d\d))?$/;

/** When a token was asked for, in both times: it may not be thought younger than it is. */
export interface Asked {
  readonly now: number;
  readonly wallTime: number;
}

export function askedAt(clock: Clock): Asked {
  return { now: clock.now(), wallTime: clock.wallTime() };
}

/**
 * Monotonic time at which a token ends that lives for `expiresIn` seconds, a number or its digits. Undefined where it is
 * absent; TOKEN_INVALID where it is no time at all, over already, or longer than ten years.
 */
export function expiryAfter(expiresIn: unknown, asked: Asked): number | undefined {
  if (expiresIn === undefined || expiresIn === null) return undefined;
  const seconds =
    typeof expiresIn === 'string' && /^\s*-?\d{1,15}(\.\d+)?\s*$/.test(expiresIn) ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds))
    throw tokenInvalid('the token server tells no usable lifetime');
  if (seconds <= 0) throw tokenInvalid('the token has expired at its birth');
  if (seconds > longestLifetime) throw tokenInvalid('the token server tells a lifetime of more than ten years');
  return asked.now + seconds * 1_000;
}

/**
 * The same for a date: seconds since 1970 as a number or digits, or text as in RFC 3339. Text without an offset is UTC,
 * whatever the time zone of the machine.
 */
export function expiryOn(date: unknown, asked: Asked): number | undefined {
  if (date === undefined || date === null) return undefined;
  const seconds = readDate(date);
  if (seconds === undefined) throw tokenInvalid('the token server tells no usable date of expiry');
  return expiryAfter(seconds - asked.wallTime / 1_000, asked);
}

function readDate(date: unknown): number | undefined {
  if (typeof date === 'number' && Number.isFinite(date)) return date;
  if (typeof date !== 'string') return undefined;
  if (/^\s*\d{1,12}\s*$/.test(date)) return Number(date);
  const [, day, time, sign, hours = '', minutes = ''] = dateText.exec(date) ?? [];
  if (day === undefined || time === undefined) return undefined;
  const offset = sign === undefined ? 'Z' : `${sign}${hours}:${minutes}`;
  const milliseconds = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1_000;
}

/**
 * When a JSON Web Token says that it ends (`exp`). Undefined for any other text, and for one that does not say;
 * TOKEN_INVALID for one that is over, by more than the clocks may differ.
 */
export function expiryOfJwt(token: string, asked: Asked): number | undefined {
  const end = endOfJwt(token);
  if (end === undefined) return undefined;
  const isPerhapsOver = end * 1_000 <= asked.wallTime;
  return expiryOn(isPerhapsOver ? end + clockErrorMilliseconds / 1_000 : end, asked);
}

/**
 * The end that was told, unless the token is a JSON Web Token which says that it ends before: then it does. Where both
 * differ by less than the clocks may, what was told counts. TOKEN_INVALID as above.
 */
export function earlierExpiry(told: number | undefined, token: string, asked: Asked): number | undefined {
  if (told === undefined) return expiryOfJwt(token, asked);
  const end = endOfJwt(token);
  if (end === undefined) return told;
  const own = asked.now + end * 1_000 - asked.wallTime;
  return own > told - clockErrorMilliseconds ? told : expiryOfJwt(token, asked);
}

function endOfJwt(token: string): number | undefined {
  const [, payload, , more] = token.split('.', 4);
  if (payload === undefined || more !== undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const { exp } = Object(claims) as { exp?: unknown };
    return typeof exp === 'number' ? exp : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
