import { tokenUnavailable } from '../token-failure.ts';
import type { Credential } from '../token-provider.ts';

/** Lifetime of a token of which nobody said how long it lives, or that it does for ever. */
export const usualLifetimeMilliseconds = 300_000;

/** Share of the lifetime by which refreshes are made earlier, at random, so that many processes do not ask at once. */
const jitter = 0.1;

/** In this last part of its life a token might end on its way, so that a call which is under way is waited for. */
const lastMilliseconds = 1_000;

/** Share of that part in which nobody waits any more: the old token is given while it lives. */
const lastMoment = 0.1;

/** How long a cache keeps what it was given. Times are milliseconds. */
export interface CacheRules {
  /** No token is used for longer; also the lifetime where none is known, which is 5 minutes when absent. */
  readonly ttl?: number;
  /** So long before its end a new one is fetched in the background at the latest; at most half of its lifetime. */
  readonly skew: number;
  /** Share of the lifetime after which a new token is fetched in the background. */
  readonly refreshAt: number;
  /** So long a failure is remembered, and so long the token in the place of a refused one is kept, refused or not. */
  readonly failureTtl: number;
}

/** A token and what is to happen to it when, in monotonic milliseconds. */
export interface HeldToken {
  readonly credential: Credential;
  readonly keptAt: number;
  /** From then on a new one is fetched in the background. */
  readonly refreshAt: number;
  /** From then on a call that is under way is waited for; before, the token is given at once. */
  readonly waitAt: number;
  /** From then on it is given at once again, also to those who wait: it is about to end. */
  readonly giveAt: number;
  /** It is not used then or later. */
  readonly expiresAt: number;
}

/**
 * When a token that was asked for at `askedAt` and came `now` is to be refreshed. `random` is from 0 up to 1. Throws
 * TOKEN_UNAVAILABLE for one that is over already.
 */
export function heldToken(
  credential: Credential,
  times: { readonly askedAt: number; readonly now: number },
  rules: CacheRules,
  random: number,
): HeldToken {
  const { askedAt, now } = times;
  const expiresAt = endOf(credential, now, rules);
  // Written so that a time which is no number counts as over.
  if (!(expiresAt > now)) throw tokenUnavailable('the token had expired when it came');
  const lifetime = expiresAt - askedAt;
  const due = Math.min(askedAt + rules.refreshAt * lifetime, expiresAt - Math.min(rules.skew, lifetime / 2));
  // A refresh that is due early is spread less: it may not be due at once.
  const spread = Math.min(jitter * lifetime, (due - askedAt) / 2);
  const last = Math.min(lastMilliseconds, lifetime / 2);
  const [waitAt, giveAt] = [expiresAt - last, expiresAt - last * lastMoment];
  return { credential, keptAt: now, refreshAt: due - random * spread, waitAt, giveAt, expiresAt };
}

function endOf({ expiresAt }: Credential, now: number, { ttl }: CacheRules): number {
  if (expiresAt === undefined || expiresAt === Number.POSITIVE_INFINITY)
    return now + (ttl ?? usualLifetimeMilliseconds);
  return ttl === undefined ? expiresAt : Math.min(expiresAt, now + ttl);
}
