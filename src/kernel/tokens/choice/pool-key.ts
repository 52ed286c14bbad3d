import type { Clock } from '../../clock.ts';
import type { SluiceError } from '../../errors.ts';
import type { Log, Meter } from '../../run.ts';
import { isPerCaller, reasonOfFailure, restFor, withCooling, type Cooling, type CoolingReason } from './cooling.ts';
import type { Choosable } from './pool-choice.ts';
import { Refusals } from './refusals.ts';
import { SecondLooks } from './second-looks.ts';
import { isOfCaller } from '../token-failure.ts';
import type { Credential, Refusal, TokenLink, TokenState } from '../token-provider.ts';

const hour = 3_600_000;
/** How long a key is left out at most, unless the author says more: a refused one, one without quota, any that tells a time. */
const longestRejected = hour;
const longestQuota = 24 * hour;
const longestTold = hour;
/** A key that could not be had is asked again after this time if there is no other. */
const askAgainAfter = 1_000;
/** How long one request tries a key before others get it. A provider of models that refuses a key does so within this time. */
const longestTrial = 2_000;

/** How long a key is left out, in milliseconds. */
export type CoolDowns = Readonly<Record<CoolingReason, number>>;

interface KeyCooling extends Cooling {
  /** When it may be asked if there is no other; `until` for one that is used too much. */
  readonly askableAt: number;
  /** When it may be asked in its turn; `until` unless it was refused and may have another credential. */
  readonly lookableAt: number;
}

interface Rest {
  readonly reason: CoolingReason;
  /** In milliseconds, as the others. */
  readonly rest: number;
  readonly isFailing?: boolean;
  readonly askableIn?: number;
  readonly lookableIn?: number;
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
 * accepted; when it is refused again it is left out for twice the time. What is refused to one caller only does not count.
 * Where its link gives another credential than the refused one, that is tried before the time is over.
 */
export class PoolKey implements Choosable {
  readonly link: TokenLink;
  readonly weight: number;
  readonly isDrained: boolean;
  readonly seed: number;
  credit = 0;
  readonly #coolDowns: CoolDowns;
  readonly #capabilities: KeyCapabilities;
  #refusals: Refusals;
  #looks = new SecondLooks();
  #use = { count: 0 };
  #asked = 0;
  #cooling: KeyCooling | undefined;
  #isOnProbation = false;
  #timesRefused = 0;
  #trialEnds: number | undefined;
  /** That it is left out was written, and that it returned was not. */
  #isTold = false;

  constructor({ link, weight, isDrained, seed }: KeyOptions, coolDowns: CoolDowns, capabilities: KeyCapabilities) {
    this.link = link;
    this.weight = weight;
    this.isDrained = isDrained;
    this.seed = seed;
    this.#coolDowns = coolDowns;
    this.#capabilities = capabilities;
    this.#refusals = new Refusals(link);
  }

  /** Goes on with what the key of another pool knows of the same link. */
  inherit(before: PoolKey): void {
    // Those that it gave are still in use, may be refused, and count as those that are given here.
    this.#use = before.#use;
    this.#refusals = before.#refusals;
    this.#looks = before.#looks;
    this.#cooling = before.cooling;
    this.#isOnProbation = before.#isOnProbation;
    this.#timesRefused = before.#timesRefused;
    this.#isTold = before.#isTold;
  }

  get load(): number {
    return this.#use.count + this.#asked;
  }

  /** Undefined as soon as it is over. */
  get cooling(): KeyCooling | undefined {
    if (this.#cooling !== undefined && this.#now() >= this.#cooling.until) this.#return();
    return this.#cooling;
  }

  /** True where it takes turns with the others: it is ready, or it was refused and nobody has looked for a while. */
  get isInTurn(): boolean {
    if (this.cooling !== undefined) return this.#asked === 0 && this.#now() >= this.cooling.lookableAt;
    return this.#trialEnds === undefined || this.#now() >= this.#trialEnds;
  }

  /** It was chosen: `take`, `failed` or `abandoned` follows. */
  ask(): void {
    this.#asked += 1;
    const now = this.#now();
    if (this.#isOnProbation) this.#trialEnds = now + longestTrial;
    if (this.cooling === undefined) return;
    // One asks for all.
    const again = now + (this.cooling.isFailing ? askAgainAfter : this.#looks.wait);
    this.#cooling = { ...this.cooling, askableAt: again, lookableAt: Math.max(this.cooling.lookableAt, again) };
  }

  abandoned(): void {
    this.#asked -= 1;
    this.#trialEnds = undefined;
  }

  failed(error: SluiceError): void {
    this.abandoned();
    if (isPerCaller(this.link) || isOfCaller(error)) return;
    const told = error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1_000;
    const reason = reasonOfFailure(error);
    if (reason === 'rate-limited')
      return this.#leaveOut({ reason, rest: this.#restAfter(reason, told), isFailing: true });
    const announced = restFor(told, 0, longestTold);
    const rest = Math.max(this.#coolDowns.unavailable, announced);
    const askableIn = Math.max(askAgainAfter, announced);
    // A pool that has only refused keys costs nothing to ask; what fails otherwise is asked where there is no other.
    this.#leaveOut({ reason, rest, askableIn, lookableIn: reason === 'rejected' ? askableIn : rest, isFailing: true });
  }

  /**
   * Its link gave this. False where it may not be used: it was refused before, or the account is used too much, maybe since
   * the link was asked.
   */
  take(credential: Credential): boolean {
    this.#asked -= 1;
    const now = this.#now();
    const mark = this.#refusals.markOf(credential, now);
    if (mark !== undefined) this.#leaveOut({ reason: mark.reason, rest: mark.until - now }, credential);
    const { cooling } = this;
    if (cooling !== undefined) {
      if (mark !== undefined || (cooling.reason !== 'rejected' && !cooling.isFailing)) {
        this.#trialEnds = undefined;
        return false;
      }
      // Whether another one is good is not known before it was accepted.
      if (cooling.isFailing) this.#return();
      else this.#cooling = undefined;
    }
    this.#use.count += 1;
    this.#refusals.given(credential);
    return true;
  }

  refused(credential: Credential, { reason, retryAfterMilliseconds: told }: Refusal): void {
    if (isPerCaller(this.link)) return;
    const rest = this.#restAfter(reason, told);
    const verdict = this.#refusals.refused(credential, { reason, until: this.#now() + rest });
    if (verdict === 'spent' || (verdict === 'renewable' && this.#isOnProbation))
      this.#leaveOut({ reason, rest }, credential);
  }

  accepted(credential: Credential): void {
    if (!this.#refusals.accepted(credential)) return;
    this.#isOnProbation = false;
    this.#timesRefused = 0;
    this.#trialEnds = undefined;
    this.#looks.accepted();
    if (this.#isTold && this.#cooling === undefined) this.#tellReturn('rejected');
  }

  /** One request that used it is over. */
  settled(): void {
    this.#use.count -= 1;
    this.#trialEnds = undefined;
  }

  state(): TokenState {
    const state = { ...this.link.state(), inUse: this.#use.count };
    if (this.isDrained) return { ...state, status: 'cooling', reason: 'drained' };
    if (this.cooling !== undefined) return withCooling(state, this.cooling, this.#now());
    return { ...state, status: state.status ?? 'ready', ...(this.#isOnProbation && { reason: 'on probation' }) };
  }

  #restAfter(reason: Refusal['reason'], told: number | undefined): number {
    const usual = this.#coolDowns[reason];
    if (reason === 'rate-limited') return restFor(told, usual, longestTold);
    const longest = reason === 'quota' ? longestQuota : longestRejected;
    const doubled = Math.min(usual * 2 ** Math.min(this.#timesRefused, 30), Math.max(usual, longest));
    return Math.max(doubled, restFor(told, 0, longest));
  }

  /** `refused` is the credential that it is left out for, where it is for one. */
  #leaveOut(
    { reason, rest, isFailing = false, askableIn = rest, lookableIn = rest }: Rest,
    refused?: Credential,
  ): void {
    const now = this.#now();
    const before = this.cooling;
    if (before !== undefined && !before.isFailing) {
      // A link that fails says nothing about a key that was refused, only about another one that it could have.
      if (isFailing && before.reason === 'rejected')
        this.#cooling = { ...before, askableAt: now + askableIn, lookableAt: now + lookableIn };
      return;
    }
    const isRejected = refused !== undefined && reason === 'rejected';
    if (isRejected) this.#looks.refused(refused);
    const [askable, lookable] = isRejected ? [this.#looks.wait, this.#looks.wait] : [askableIn, lookableIn];
    this.#cooling = { reason, until: now + rest, isFailing, askableAt: now + askable, lookableAt: now + lookable };
    if (refused !== undefined && reason !== 'rate-limited') {
      this.#isOnProbation = true;
      this.#timesRefused += 1;
    }
    if (this.#isTold) return;
    this.#isTold = true;
    const { log, meter } = this.#capabilities;
    log.info('a key of a pool cools down', { tokenProvider: this.link.name, reason, seconds: Math.ceil(rest / 1_000) });
    meter.count('token_pool_cooled');
  }

  #return(): void {
    const reason = this.#cooling?.reason;
    this.#cooling = undefined;
    if (reason !== undefined) this.#tellReturn(reason);
  }

  #tellReturn(reason: CoolingReason): void {
    this.#isTold = false;
    this.#capabilities.log.info('a key of a pool returns', { tokenProvider: this.link.name, reason });
  }

  #now(): number {
    return this.#capabilities.clock.now();
  }
}
