import type { HttpAnswer } from '../../http-caller.ts';
import { usable } from '../token-credential.ts';
import { checkTokenStatus, readTokenDocument } from '../token-document.ts';
import { tokenInvalid } from '../token-failure.ts';
import { earlierExpiry, expiryAfter, expiryOn, type Asked } from '../token-lifetime.ts';
import { checkBearer } from '../token-type.ts';
import { valueAt } from './value-at.ts';

/** Where a token stands when nobody says it: as in OAuth 2, whose other fields beside it then mean what they mean there. */
export const usualTokenPlace = '/access_token';

/** Where an answer has what: JSON pointers, or `whole` where its text is the token. */
export interface TokenPlaces {
  readonly whole: boolean;
  readonly token: string;
  /** Seconds that it lives. */
  readonly expiresIn?: string;
  /** Date, or seconds since 1970. */
  readonly expiresAt?: string;
}

export interface HttpToken {
  readonly token: string;
  /** Monotonic, as `clock.now()`; undefined where neither the answer nor the token says it. */
  readonly expiresAt?: number;
}

/** The token in an answer. TOKEN_INVALID where there is no usable one, TOKEN_UNAVAILABLE where the status says no. */
export function readHttpToken(answer: HttpAnswer, places: TokenPlaces, asked: Asked): HttpToken {
  const { token, expiresAt } = places.whole ? { token: wholeText(answer, asked) } : placedToken(answer, places, asked);
  const end = earlierExpiry(expiresAt, token, asked);
  return { token, ...(end !== undefined && { expiresAt: end }) };
}

function placedToken(answer: HttpAnswer, places: TokenPlaces, asked: Asked): HttpToken {
  const document = readTokenDocument(answer, asked.wallTime);
  const at = (pointer: string | undefined): unknown => (pointer === undefined ? undefined : valueAt(document, pointer));
  const token = at(places.token);
  if (token === undefined) throw tokenInvalid('the answer has no token where it was expected');
  const isUsual = places.token === usualTokenPlace;
  if (isUsual) checkBearer(document['token_type']);
  const expiresAt =
    isUsual && (places.expiresIn ?? places.expiresAt) === undefined
      ? unaskedExpiry(document['expires_in'], asked)
      : (expiryAfter(at(places.expiresIn), asked) ?? expiryOn(at(places.expiresAt), asked));
  return { token: usable(token), ...(expiresAt !== undefined && { expiresAt }) };
}

/** Nobody said that it is a lifetime, so that one which is none is no mistake: some servers mean "for ever" with 0. */
function unaskedExpiry(expiresIn: unknown, asked: Asked): number | undefined {
  try {
    return expiryAfter(expiresIn, asked);
  } catch {
    return undefined;
  }
}

function wholeText(answer: HttpAnswer, { wallTime }: Asked): string {
  checkTokenStatus(answer, wallTime);
  const text = answer.body.trim();
  const isPage = /\bhtml\b/i.test(answer.headers['content-type'] ?? '') || text.startsWith('<');
  // Pages and JSON are answers to another question; a token is one word.
  if (isPage || /[\s{]/.test(text)) throw tokenInvalid('the answer is more than a token');
  return usable(text);
}
