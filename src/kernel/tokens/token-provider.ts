import type { Run } from '../run.ts';
import type { UpstreamRequest } from '../upstream.ts';

/*
 * A token provider gets the credential for one attempt at a provider of models, and knows nothing of forwarding. It may
 * be asked by a thousand runs at once. What it gets from a network or from a caller is not trusted: whatever can't
 * stand in a header is TOKEN_INVALID, whatever can't be had is TOKEN_UNAVAILABLE, and no error holds a secret.
 *
 * Providers nest. One that wraps others gets them as `TokenLink`s and hands on their credentials as they are, the very
 * objects: by its identity a credential finds its way back when it was refused.
 */

/** Completes a request with an authorisation. */
export interface Credential {
  /** Adds headers, or signs the request as it is; called once per request, when nothing else of it changes any more. */
  apply(request: UpstreamRequest): void | Promise<void>;
  /** Origins it may be sent to; `"*"` for those of the backends whose author named its provider. */
  readonly origins: readonly string[] | '*';
  /** Monotonic milliseconds (`clock.now()`), or undefined where nobody said. */
  readonly expiresAt?: number;
}

/** For whom a token is fetched. A run is one; a refresh in the background has one of its own. */
export interface TokenRun extends Pick<Run, 'caller' | 'presented'> {
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/** What the provider of the model said about a credential. */
export interface Refusal {
  /** `rejected`: it is not valid (401). `rate-limited`: too much use (429). `quota`: nothing left to spend (402). */
  readonly reason: 'rejected' | 'rate-limited' | 'quota';
  /** When it may be used again, where that was said. */
  readonly retryAfterMilliseconds?: number;
  /** True where it was refused before, is still what the provider gives, and was not sent once more: nothing new to count. */
  readonly isRepeated?: boolean;
}

export interface TokenProvider {
  /** At once, without a promise, where nothing must be waited for. */
  getToken(run: TokenRun): Credential | Promise<Credential>;
  /**
   * The credential was refused. Compare before acting: a newer one may have taken its place, and that one stays. If the
   * next `getToken` gives another object, the run tries once more.
   */
  invalidate(credential: Credential, refusal: Refusal): void;
  /** The provider of the model took the request: the credential is good. */
  accepted?(credential: Credential): void;
  /**
   * Called once for each credential that was taken, when the attempt that used it is over; at once by a cache, whose
   * attempts are not told apart below it.
   */
  settled?(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void;
  /** How many further credentials one run may try after the first was rejected; 1 when absent, 7 at most. */
  readonly spares?: number;
  /** How many other accounts it can turn to where one is used too much; 0 when absent, 7 at most. */
  readonly others?: number;
  /**
   * There where tokens differ by caller: names the one they are for, without a bound in length. Equal subjects may share a
   * token, so it holds all that the token depends on, and keys of callers as `hashOf` only.
   */
  subject?(run: TokenRun): string;
  /** What an operator may know. */
  state?(): TokenDetail;
  /**
   * Called once, before all else, with those in use that have the same name and type and are made of something else, the
   * newest first: a definition was edited. What is known of what both wrap, which is the same link, may be taken over.
   */
  inherit?(predecessors: readonly TokenProvider[]): void;
  /** Ends what goes on in the background. Called once, after the last run. */
  dispose?(): void | Promise<void>;
}

/** What a provider says about itself; never a value. Times are seconds from now. */
export interface TokenDetail {
  /** `idle`: not asked yet. `ready`: has one. `refreshing`: gets one. `cooling`: left out for a while. `failing`: has none. */
  readonly status?: 'idle' | 'ready' | 'refreshing' | 'cooling' | 'failing';
  readonly expiresInSeconds?: number;
  readonly coolingForSeconds?: number;
  /** Why it is left out. */
  readonly reason?: string;
  /** Attempts that use it right now. */
  readonly inUse?: number;
  readonly links?: readonly TokenState[];
}

export interface TokenState extends TokenDetail {
  readonly name: string;
  readonly type: string;
  /** The last time that it gave no credential. */
  readonly lastFailure?: { readonly code: string; readonly reason: string; readonly secondsAgo: number };
  /** The last time that a credential of it was refused; never there where tokens differ by caller. */
  readonly lastRefusal?: { readonly reason: Refusal['reason']; readonly secondsAgo: number };
}

/** A provider with its name: what wrappers and backends are given. Fails with SluiceErrors that name it. */
export interface TokenLink extends TokenProvider {
  readonly name: string;
  readonly type: string;
  readonly spares: number;
  readonly others: number;
  accepted(credential: Credential): void;
  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void;
  state(): TokenState;
}
