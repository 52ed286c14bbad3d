import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../clock.ts';
import { SluiceError } from '../../errors.ts';
import type { Log, Meter } from '../../run.ts';
import { hashOf } from '../hash-of.ts';
import type { CacheRules } from './held-token.ts';
import { RecentMap } from './recent-map.ts';
import { TokenCache } from './token-cache.ts';
import type { Credential, Refusal, TokenDetail, TokenLink, TokenRun } from '../token-provider.ts';

/** A provider whose every token is refused is told of so often, not for each one. */
const complaintMilliseconds = 60_000;

export interface TokenCachesOptions {
  readonly link: TokenLink;
  readonly rules: CacheRules;
  /** Tokens of so many subjects are kept; the one that was not asked for longest goes first. */
  readonly maxSubjects: number;
  /** From 0 up to 1; spreads the refreshes. */
  readonly random: () => number;
}

/** The tokens of one provider: a single one, or one for each subject where they differ by caller. */
export class TokenCaches {
  readonly #link: TokenLink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ending = new AbortController();
  readonly #only: TokenCache;
  readonly #bySubject: RecentMap<TokenCache> | undefined;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(
    { link, rules, maxSubjects, random }: TokenCachesOptions,
    { clock, log, meter }: { readonly clock: Clock; readonly log: Log; readonly meter: Meter },
  ) {
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
    const { signal } = this.#ending;
    // Taken here, where no run is: those of single subjects are made while one is being served.
    const inNoRun = AsyncLocalStorage.snapshot();
    const create = (): TokenCache => new TokenCache({ link, rules, clock, meter, signal, inNoRun, random });
    this.#only = create();
    this.#bySubject = link.subject === undefined ? undefined : new RecentMap(maxSubjects, create);
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    if (this.#bySubject === undefined) return this.#only.getToken(run);
    return this.#bySubject.get(hashOf(this.#link.subject?.(run) ?? '')).getToken(run);
  }

  /**
   * A credential that was rejected is let go where it is the held one, and only then is the provider told: a newer one
   * stays. Of one that is used too much the provider is told in any case; it is let go where there are other accounts.
   */
  invalidate(credential: Credential, refusal: Refusal): void {
    const isRejected = refusal.reason === 'rejected';
    const isDropped = (isRejected || this.#link.others > 0) && this.#drop(credential, isRejected);
    if (isDropped || !isRejected) this.#link.invalidate(credential, refusal);
  }

  state(): TokenDetail {
    if (this.#bySubject === undefined) return this.#only.state();
    const statuses = new Set([...this.#all()].map((cache) => cache.state().status));
    return { status: (['ready', 'refreshing', 'failing'] as const).find((status) => statuses.has(status)) ?? 'idle' };
  }

  /** Ends all calls that are under way; no other one begins. */
  dispose(): void {
    this.#ending.abort(new SluiceError('DRAINING'));
  }

  #all(): Iterable<TokenCache> {
    return this.#bySubject?.values() ?? [this.#only];
  }

  #drop(credential: Credential, isRejected: boolean): boolean {
    let isDropped = false;
    let isKept = false;
    // One credential may be held for several subjects, by a provider that falls back to a token for all.
    for (const cache of this.#all()) {
      const answer = cache.refuse(credential);
      isDropped ||= answer === 'dropped';
      isKept ||= answer === 'kept';
    }
    if (isRejected && isKept && !isDropped) this.#complain();
    return isDropped;
  }

  #complain(): void {
    const now = this.#clock.now();
    if (now - this.#complainedAt < complaintMilliseconds) return;
    this.#complainedAt = now;
    this.#log.warn('a token was refused as soon as it was there', { tokenProvider: this.#link.name });
  }
}
