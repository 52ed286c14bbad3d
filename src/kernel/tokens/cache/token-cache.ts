import type { Clock } from '../../clock.ts';
import { asSluiceError, type SluiceError } from '../../errors.ts';
import { anonymousCaller, type Meter } from '../../run.ts';
import { isPromise } from '../../supervise.ts';
import { giveBack } from '../give-back.ts';
import { heldToken, type CacheRules, type HeldToken } from './held-token.ts';
import { isOfCaller, tokenUnavailable } from '../token-failure.ts';
import type { Credential, TokenDetail, TokenLink, TokenRun } from '../token-provider.ts';
import { whileOpen } from '../while-open.ts';

/** Retry-After of a token server is heeded up to this long. */
const longestQuietMilliseconds = 60_000;

/** A provider that has not answered by then is left to itself: before those give up who wait for it. */
const longestCallMilliseconds = 25_000;

export interface TokenCacheOptions {
  readonly link: TokenLink;
  readonly rules: CacheRules;
  readonly clock: Clock;
  readonly meter: Meter;
  /** Ends what goes on in the background; whoever waits gets its reason. */
  readonly signal: AbortSignal;
  /** Calls a function in the async context of no run. */
  readonly inNoRun: <T>(call: () => T) => T;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/**
 * The token of one subject: kept while it lives, fetched anew before it ends, and never by two calls at once. A call
 * belongs to no run, so it goes on when a run that waits for it ends.
 */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  /** So many tokens in a row may be exchanged as soon as they are refused: as many as a run may try. */
  readonly #exchanges: number;
  #held: HeldToken | undefined;
  /** How many tokens in a row were refused right before the held one. */
  #refusedBefore = 0;
  /** The same for the one that comes next. */
  #refusedInRow = 0;
  /** The end of the call that is under way. */
  #landing: Promise<Credential> | undefined;
  /** Why the last call brought nothing. */
  #failure: SluiceError | undefined;
  /** No call is begun before, unless there is neither a token nor a failure to give. */
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
    this.#exchanges = Math.max(1, options.link.spares, options.link.others);
  }

  /** At once where there is a token to give or a failure to repeat; fails with SluiceErrors. */
  getToken(run: TokenRun): Credential | Promise<Credential> {
    const held = this.#held;
    const now = this.#options.clock.now();
    return held !== undefined && now < held.refreshAt ? held.credential : this.#refreshed(run, now);
  }

  /**
   * The credential was refused. `dropped` where it was the held one. `kept` where it is, but came only just now in the
   * place of one that was refused: whoever refuses that one refuses the next one too. `other` where it is not held, so
   * that there is a newer one or none.
   */
  refuse(credential: Credential): 'dropped' | 'kept' | 'other' {
    const { clock, rules } = this.#options;
    if (this.#held?.credential !== credential) return 'other';
    this.#refusedInRow = this.#refusedBefore + 1;
    const isYoung = clock.now() - this.#held.keptAt < rules.failureTtl;
    if (isYoung && this.#refusedBefore >= this.#exchanges) return 'kept';
    this.#held = undefined;
    return 'dropped';
  }

  state(): TokenDetail {
    const now = this.#options.clock.now();
    const held = this.#living(now);
    if (held !== undefined) return { status: 'ready', expiresInSeconds: Math.floor((held.expiresAt - now) / 1_000) };
    if (this.#landing !== undefined) return { status: 'refreshing' };
    return { status: this.#failure === undefined || isOfCaller(this.#failure) ? 'idle' : 'failing' };
  }

  #living(now: number): HeldToken | undefined {
    return this.#held !== undefined && now < this.#held.expiresAt ? this.#held : undefined;
  }

  #refreshed(run: TokenRun, now: number): Credential | Promise<Credential> {
    if (this.#landing === undefined) this.#start(run, now);
    const held = this.#living(now);
    const landing = this.#landing;
    if (held === undefined) {
      if (landing === undefined) throw this.#failureNow(now);
      return whileOpen(landing, run.signal);
    }
    // No timer is shorter than a millisecond.
    const isInTime = held.waitAt <= now && now <= held.giveAt - 1;
    if (landing === undefined || !isInTime || this.#failure !== undefined) return held.credential;
    return this.#newOrOld(landing, run.signal, held.giveAt - now);
  }

  /** The new token, or in so many milliseconds the old one, unless that was refused meanwhile. */
  async #newOrOld(landing: Promise<Credential>, signal: AbortSignal, milliseconds: number): Promise<Credential> {
    const { clock } = this.#options;
    const late = tokenUnavailable('the token did not come in time');
    try {
      return await whileOpen(landing, signal, { clock, milliseconds, late: () => late });
    } catch (error) {
      if (error !== late) throw error;
      return this.#living(clock.now())?.credential ?? whileOpen(landing, signal);
    }
  }

  /** Begins a call, unless it is too early for one. Where the provider answers at once, it is over at once. */
  #start(run: TokenRun, now: number): void {
    const { link, meter, signal, inNoRun } = this.#options;
    const canAnswer = this.#failure !== undefined || this.#living(now) !== undefined;
    if (signal.aborted || (now < this.#quietUntil && canAnswer)) return;
    const controller = new AbortController();
    const asking = { ...(link.subject === undefined ? nobody : onBehalfOf(run)), signal: controller.signal };
    meter.count('token_refreshes');
    try {
      const answer = inNoRun(() => link.getToken(asking));
      if (isPromise(answer)) inNoRun(() => this.#follow(answer, controller, now));
      else this.#keep(answer, now);
    } catch (error) {
      this.#fail(error);
    }
  }

  #follow(answer: PromiseLike<Credential>, controller: AbortController, askedAt: number): void {
    const { clock, link, signal } = this.#options;
    const end = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    const timer = clock.after(longestCallMilliseconds, () =>
      controller.abort(tokenUnavailable('the token did not come in time')),
    );
    this.#landing = this.#land(whileOpen(answer, controller.signal), askedAt).finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      if (controller.signal.aborted) giveBack(link, answer);
    });
    // Nobody may wait for a token that is fetched in the background.
    this.#landing.catch(() => undefined);
  }

  /** Those who wait get the new token, or the old one while it lives, or the failure. */
  async #land(answer: Promise<Credential>, askedAt: number): Promise<Credential> {
    try {
      const credential = await answer;
      this.#landing = undefined;
      this.#keep(credential, askedAt);
      return credential;
    } catch (error) {
      this.#landing = undefined;
      this.#fail(error);
      const now = this.#options.clock.now();
      const held = this.#living(now);
      if (held === undefined) throw this.#failureNow(now);
      return held.credential;
    }
  }

  #keep(credential: Credential, askedAt: number): void {
    const { link, clock, rules, random } = this.#options;
    const now = clock.now();
    // What is kept serves any number of attempts: the provider counts none of them.
    link.settled(credential, 'failed');
    const held = heldToken(credential, { askedAt, now }, rules, random());
    // A provider that has nothing newer is not asked again at once.
    this.#quietUntil = credential === this.#held?.credential ? now + rules.failureTtl : Number.NEGATIVE_INFINITY;
    this.#held = held;
    this.#refusedBefore = this.#refusedInRow;
    this.#refusedInRow = 0;
    this.#failure = undefined;
  }

  #fail(thrown: unknown): void {
    const { clock, rules, meter, signal } = this.#options;
    const error = asSluiceError(thrown, 'TOKEN_UNAVAILABLE');
    if (signal.aborted) return;
    this.#failure = error;
    // Nobody was asked, and the next caller may have a key.
    if (error.code === 'CALLER_KEY_MISSING') {
      this.#quietUntil = Number.NEGATIVE_INFINITY;
      return;
    }
    meter.count('token_refresh_failures');
    const asked = Math.min((error.retryAfterSeconds ?? 0) * 1_000, longestQuietMilliseconds);
    this.#quietUntil = clock.now() + Math.max(rules.failureTtl, asked);
  }

  /** The last failure, with the time that is left until the provider is asked again. */
  #failureNow(now: number): SluiceError {
    const { signal } = this.#options;
    if (signal.aborted) return asSluiceError(signal.reason);
    const failure = this.#failure ?? tokenUnavailable('there is no token');
    // A caller who sends the same again gets the same again.
    if (isOfCaller(failure)) return failure;
    return failure.with({ retryAfterSeconds: Math.max(1, Math.ceil((this.#quietUntil - now) / 1_000)) });
  }
}

const nobody: Omit<TokenRun, 'signal'> = { caller: anonymousCaller, presented: () => undefined };

function onBehalfOf(run: TokenRun): Omit<TokenRun, 'signal'> {
  return { caller: run.caller, presented: (header) => run.presented(header) };
}
