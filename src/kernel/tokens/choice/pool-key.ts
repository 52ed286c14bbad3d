import type { Clock } from '../../clock.ts';
import type { SluiceError } from '../../errors.ts';
import type { Log, Meter } from '../../run.ts';
import { isPerCaller, restFor, withCooling, type Cooling, type CoolingReason } from './cooling.ts';
import type { Choosable } from './pool-choice.ts';
import { Refusals } from './refusals.ts';
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
 * accepted; when it is refused again it is left out for twice the time. What is refused to one caller only does not count.
 */
export class PoolKey implements Choosable {
  readonly link: TokenLink;
  readonly weight: number;
  readonly isDrained: boolean;
  readonly seed: number;
  credit = 0;
  readonly #coolDowns: CoolDowns;
  readonly #capabilities: KeyCapabilities;
  readonly #refusals: Refusals;
  #inUse = 0;
  #asked = 0;
  #cooling: KeyCooling | undefined;
  #isOnProbation = false;
  #timesRefused = 0;
  #trialEnds: number | undefined;

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

  /** Undefined as soon as it is over. */
  get cooling(): KeyCooling | undefined {
    if (this.#cooling !== undefined && this.#now() >= this.#cooling.until) this.#return();
    return this.#cooling;
  }

  /** True while one request tries it. */
  get isOnTrial(): boolean {
    return this.#trialEnds !== undefined && this.#now() < this.#trialEnds;
  }

  /** It was chosen: `take`, `failed` or `abandoned` follows. */
  ask(): void {
    this.#asked += 1;
    const now = this.#now();
    if (this.#isOnProbation) this.#trialEnds = now + longestTrial;
    // One asks for all.
    if (this.cooling !== undefined) this.#cooling = { ...this.cooling, askableAt: now + askAgainAfter };
  }

  abandoned(): void {
    this.#asked -= 1;
    this.#trialEnds = undefined;
  }

  failed(error: SluiceError): void {
    this.abandoned();
    if (isPerCaller(this.link) || isOfCaller(error)) return;
    const told = error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1_000;
    if (error.code === 'UPSTREAM_RATE_LIMITED')
      return this.#leaveOut('rate-limited', this.#restAfter('rate-limited', told));
    const announced = restFor(told, 0, longestTold);
    const rest = Math.max(this.#coolDowns.unavailable, announced);
    this.#leaveOut('unavailable', rest, Math.max(askAgainAfter, announced));
  }

  /** Its link gave this. False where it may not be used: it was refused before, or the key was while the link was asked. */
  take(credential: Credential): boolean {
    this.#asked -= 1;
    const now = this.#now();
    const mark = this.#refusals.markOf(credential, now);
    if (mark !== undefined) this.#leaveOut(mark.reason, mark.until - now);
    if (this.cooling !== undefined) {
      if (this.cooling.reason !== 'unavailable') return false;
      this.#return();
    }
    this.#inUse += 1;
    this.#refusals.given(credential);
    return true;
  }

  refused(credential: Credential, { reason, retryAfterMilliseconds: told }: Refusal): void {
    if (isPerCaller(this.link)) return;
    const rest = this.#restAfter(reason, told);
    const verdict = this.#refusals.refused(credential, { reason, until: this.#now() + rest });
    if (verdict === 'spent' || (verdict === 'renewable' && this.#isOnProbation)) this.#leaveOut(reason, rest);
  }

  accepted(credential: Credential): void {
    if (!this.#refusals.accepted(credential)) return;
    this.#isOnProbation = false;
    this.#timesRefused = 0;
    this.#trialEnds = undefined;
  }

  /** One request that used it is over. */
  settled(): void {
    this.#inUse -= 1;
    this.#trialEnds = undefined;
  }

  state(): TokenState {
    const state = { ...this.link.state(), inUse: this.#inUse };
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

  #leaveOut(reason: CoolingReason, rest: number, askableIn = rest): void {
    const now = this.#now();
    const before = this.cooling;
    // A link that fails says nothing about a key that was refused.
    if (before !== undefined && before.reason !== 'unavailable') return;
    this.#cooling = { reason, until: now + rest, askableAt: now + askableIn };
    if (reason === 'rejected' || reason === 'quota') {
      this.#isOnProbation = true;
      this.#timesRefused += 1;
    }
    if (before !== undefined) return;
    const { log, meter } = this.#capabilities;
    log.info('a key of a pool cools down', { tokenProvider: this.link.name, reason, seconds: Math.ceil(rest / 1_000) });
    meter.count('token_pool_cooled');
  }

  #return(): void {
    const reason = this.#cooling?.reason;
    this.#cooling = undefined;
    this.#capabilities.log.info('a key of a pool returns', { tokenProvider: this.link.name, reason });
  }

  #now(): number {
    return this.#capabilities.clock.now();
  }
}
