import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../clock.ts';
import type { SluiceError } from '../../errors.ts';
import type { Log, Meter } from '../../run.ts';
import { KeyTrial } from './key-trial.ts';
import type { Choosable } from './pool-choice.ts';
import { isPerCaller, Refusals, restFor, type Mark } from './refusals.ts';
import type { Credential, Refusal, TokenLink, TokenState } from '../token-provider.ts';

const hour = 3_600_000;
/** How long a key is left out at most, unless the author says more: a refused one, one without quota, any that tells a time. */
const longestRejected = hour;
const longestQuota = 24 * hour;
const longestTold = hour;
/** A key that could not be had is asked again after this time if there is no other. */
const askAgainAfter = 1_000;

/** Why a key is left out. `unavailable`: its link gave no credential. */
export type CoolingReason = Refusal['reason'] | 'unavailable';

/** How long a key is left out, in milliseconds. */
export type CoolDowns = Readonly<Record<CoolingReason, number>>;

export interface Cooling {
  readonly reason: CoolingReason;
  readonly until: number;
  /** When it may be asked if there is no other; `until` for one that was refused. */
  readonly askableAt: number;
}

export interface KeyOptions {
  readonly link: TokenLink;
  readonly weight: number;
  readonly isDrained: boolean;
  readonly seed: number;
}

export interface KeyCapabilities {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * One key of a pool. After it was refused it is on probation: one request tries it, and it takes part in full when that was
 * accepted; when it is refused again it is left out for twice the time.
 */
export class PoolKey implements Choosable {
  readonly link: TokenLink;
  readonly weight: number;
  readonly isDrained: boolean;
  readonly seed: number;
  uses = 0;
  credit = 0;
  readonly #coolDowns: CoolDowns;
  readonly #capabilities: KeyCapabilities;
  readonly #refusals: Refusals;
  /** A trial goes on when the run that makes it ends. */
  readonly #inNoRun = AsyncLocalStorage.snapshot();
  #inUse = 0;
  #asked = 0;
  #cooling: Cooling | undefined;
  #isOnProbation = false;
  #timesRefused = 0;
  #trial: KeyTrial | undefined;

  constructor({ link, weight, isDrained, seed }: KeyOptions, coolDowns: CoolDowns, capabilities: KeyCapabilities) {
    this.link = link;
    this.weight = weight;
    this.isDrained = isDrained;
    this.seed = seed;
    this.#coolDowns = coolDowns;
    this.#capabilities = capabilities;
    this.#refusals = new Refusals(link);
  }

  get load(): number {
    return this.#inUse + this.#asked;
  }

  /** As it was when `returnIfDue` was last called. */
  get cooling(): Cooling | undefined {
    return this.#cooling;
  }

  /** The trial that keeps others off. */
  get trial(): KeyTrial | undefined {
    return this.#cooling === undefined && this.#trial?.isOver === false ? this.#trial : undefined;
  }

  get isReady(): boolean {
    return !this.isDrained && this.#cooling === undefined && this.trial === undefined;
  }

  /** True when it has just come back from a cool-down. */
  returnIfDue(now: number): boolean {
    if (this.#cooling === undefined || now < this.#cooling.until) return false;
    this.#return();
    return true;
  }

  /** It was chosen: `taken`, `failed`, `refusedBefore` or `abandoned` follows. */
  ask(now: number): void {
    this.uses += 1;
    this.#asked += 1;
    if (this.#isOnProbation) {
      this.#trial?.end();
      this.#trial = this.#inNoRun(() => new KeyTrial(this.#capabilities.clock));
    }
    // One asks for all.
    if (this.#cooling !== undefined) this.#cooling = { ...this.#cooling, askableAt: now + askAgainAfter };
  }

  abandoned(): void {
    this.#asked -= 1;
    this.#trial?.end();
  }

  taken(credential: Credential): void {
    this.#asked -= 1;
    this.#inUse += 1;
    this.#refusals.given(credential);
    if (this.#cooling?.reason === 'unavailable') this.#return();
  }

  failed(error: SluiceError, now: number): void {
    this.abandoned();
    if (isPerCaller(this.link) || error.code === 'CALLER_KEY_MISSING') return;
    const told = error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1_000;
    if (error.code === 'UPSTREAM_RATE_LIMITED')
      return this.#leaveOut('rate-limited', this.#restAfter('rate-limited', told), now);
    const rest = Math.max(this.#coolDowns.unavailable, restFor(told, 0, longestTold));
    this.#leaveOut('unavailable', rest, now, Math.max(askAgainAfter, restFor(told, 0, longestTold)));
  }

  /** That the link has given a credential which may not be used yet. */
  markOf(credential: Credential, now: number): Mark | undefined {
    return this.#refusals.markOf(credential, now);
  }

  /** True where it was refused while its link was asked. */
  isRefused(now: number): boolean {
    return this.#cooling !== undefined && this.#cooling.reason !== 'unavailable' && now < this.#cooling.until;
  }

  /** The link has nothing but what was refused. */
  refusedBefore({ reason, until }: Mark, now: number): void {
    this.abandoned();
    if (!isPerCaller(this.link)) this.#leaveOut(reason, until - now, now);
  }

  /** `order` counts the refusals of the pool. */
  refused(credential: Credential, { reason, retryAfterMilliseconds: told }: Refusal, now: number, order: number): void {
    const rest = this.#restAfter(reason, told);
    const verdict = this.#refusals.refused(credential, { reason, until: now + rest, order });
    if (isPerCaller(this.link)) return;
    if (this.#cooling !== undefined) return this.#prolong(reason, told, now);
    if (verdict === 'spent' || (verdict === 'renewable' && this.#isOnProbation))
      return this.#leaveOut(reason, rest, now);
    // That the account is used too much counts also when the token that was used is not the last one.
    if (reason !== 'rejected' && this.link.others === 0) this.#leaveOut(reason, rest, now);
  }

  /** True when the key takes part in full again. */
  accepted(credential: Credential): boolean {
    if (!this.#refusals.accepted(credential)) return false;
    const wasOnProbation = this.#isOnProbation;
    this.#isOnProbation = false;
    this.#timesRefused = 0;
    this.#trial?.end();
    return wasOnProbation;
  }

  /** One request that used it is over. */
  settled(credential: Credential): void {
    this.#inUse = Math.max(0, this.#inUse - 1);
    if (this.#refusals.isCurrent(credential)) this.#trial?.end();
  }

  state(now: number): TokenState {
    const state = { ...this.link.state(), inUse: this.#inUse };
    if (this.isDrained) return { ...state, status: 'cooling', reason: 'drained' };
    const cooling = this.#cooling;
    if (cooling !== undefined && now < cooling.until) {
      const coolingForSeconds = Math.ceil((cooling.until - now) / 1_000);
      return { ...state, status: 'cooling', coolingForSeconds, reason: cooling.reason };
    }
    return { ...state, status: state.status ?? 'ready', ...(this.#isOnProbation && { reason: 'on probation' }) };
  }

  dispose(): void {
    this.#trial?.end();
  }

  #restAfter(reason: Refusal['reason'], told: number | undefined): number {
    const usual = this.#coolDowns[reason];
    if (reason === 'rate-limited') return restFor(told, usual, longestTold);
    const longest = reason === 'quota' ? longestQuota : longestRejected;
    const doubled = Math.min(usual * 2 ** Math.min(this.#timesRefused, 30), Math.max(usual, longest));
    return Math.max(doubled, restFor(told, 0, longest));
  }

  /** Refused while it is left out, by a request that began before: that can only make it longer. */
  #prolong(reason: Refusal['reason'], told: number | undefined, now: number): void {
    const cooling = this.#cooling;
    // What was rejected then is not the credential that the link has now.
    if (cooling === undefined || reason === 'rejected') return;
    if (cooling.reason === reason && (reason === 'quota' || told === undefined)) return;
    const until = now + restFor(told, this.#coolDowns[reason], reason === 'quota' ? longestQuota : longestTold);
    if (until <= cooling.until) return;
    this.#cooling = { reason, until, askableAt: until };
    if (reason === 'quota') this.#distrust();
  }

  #leaveOut(reason: CoolingReason, rest: number, now: number, askableIn = rest): void {
    const before = this.#cooling;
    // A link that fails says nothing about a key that was refused.
    if (before !== undefined && before.reason !== 'unavailable') return;
    this.#cooling = { reason, until: now + rest, askableAt: now + askableIn };
    if (reason === 'rejected' || reason === 'quota') this.#distrust();
    this.#refusals.restart();
    this.#trial?.end();
    if (before !== undefined) return;
    const { log, meter } = this.#capabilities;
    log.info('a key of a pool cools down', { tokenProvider: this.link.name, reason, seconds: Math.ceil(rest / 1_000) });
    meter.count('token_pool_cooled');
  }

  #distrust(): void {
    this.#isOnProbation = true;
    this.#timesRefused += 1;
  }

  #return(): void {
    const reason = this.#cooling?.reason;
    this.#cooling = undefined;
    this.#capabilities.log.info('a key of a pool returns', { tokenProvider: this.link.name, reason });
  }
}
