import type { Clock } from '../../clock.ts';
import type { SluiceError } from '../../errors.ts';
import type { Log } from '../../run.ts';
import { isPerCaller, reasonOfFailure, restFor, withCooling, type Cooling } from './cooling.ts';
import { Refusals, type Mark } from './refusals.ts';
import { SecondLooks } from './second-looks.ts';
import { isOfCaller } from '../token-failure.ts';
import type { Credential, Refusal, TokenLink, TokenState } from '../token-provider.ts';

/** How long a link is believed that says when it will be there again. */
const longestAnnounced = 600_000;
/** Of a credential that is used too much: how long it rests where nobody says, and at most. */
const usualRest = 60_000;
const longestRest = 3_600_000;

export interface ChainCapabilities {
  readonly clock: Clock;
  readonly log: Log;
}

interface LinkCooling extends Cooling {
  /** When it is asked in its place all the same; `until` unless it was refused and may have another credential. */
  readonly lookableAt: number;
}

/**
 * One link of a chain, and whether it cools down. One whose tokens differ by caller never does. Another credential than the
 * refused one is tried by one request, and when it is accepted the link is back.
 */
export class ChainLink {
  readonly link: TokenLink;
  readonly #coolDown: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #refusals: Refusals;
  readonly #looks = new SecondLooks();
  #cooling: LinkCooling | undefined;

  /** `coolDown` is in milliseconds. */
  constructor(link: TokenLink, coolDown: number, { clock, log }: ChainCapabilities) {
    this.link = link;
    this.#coolDown = coolDown;
    this.#clock = clock;
    this.#log = log;
    this.#refusals = new Refusals(link);
  }

  /** Undefined as soon as it is over. */
  get cooling(): LinkCooling | undefined {
    if (this.#cooling !== undefined && this.#clock.now() >= this.#cooling.until) this.#cooling = undefined;
    return this.#cooling;
  }

  /** Monotonic milliseconds: those that are asked in their place have 0, the others when they return. */
  get passedOverUntil(): number {
    const { cooling } = this;
    return cooling === undefined || this.#clock.now() >= cooling.lookableAt ? 0 : cooling.until;
  }

  /** It is asked: `isRefused`, `given`, `failed` or `abandoned` follows. Nobody else looks meanwhile. */
  ask(): void {
    if (this.cooling !== undefined) this.#lookAt(this.cooling.until);
  }

  abandoned(): void {
    if (this.cooling?.reason === 'rejected') this.#lookAt(this.#clock.now() + this.#looks.wait);
  }

  failed(error: SluiceError): void {
    if (isPerCaller(this.link) || isOfCaller(error)) return;
    const reason = reasonOfFailure(error);
    const now = this.#clock.now();
    const until = now + Math.max(this.#coolDown, Math.min((error.retryAfterSeconds ?? 0) * 1_000, longestAnnounced));
    // A pool that has only refused keys costs nothing to ask.
    const lookableAt = reason === 'rejected' ? now + this.#looks.wait : until;
    // A link that fails says nothing about credentials that were refused.
    if (this.cooling === undefined || this.cooling.isFailing)
      this.#cooling = { until, reason, isFailing: true, lookableAt };
    else if (this.cooling.reason === 'rejected') this.#lookAt(lookableAt);
  }

  /** True where the link has nothing but a credential that was refused. */
  isRefused(credential: Credential): boolean {
    const mark = this.#refusals.markOf(credential, this.#clock.now());
    if (mark !== undefined) this.#coolDownBecauseOf(mark, credential);
    return mark !== undefined;
  }

  given(credential: Credential): void {
    this.#refusals.given(credential);
    if (this.#cooling?.isFailing === true) this.#cooling = undefined;
    this.abandoned();
  }

  refused(credential: Credential, refusal: Refusal): void {
    const mark = { reason: refusal.reason, until: this.#clock.now() + this.#restAfter(refusal) };
    const verdict = this.#refusals.refused(credential, mark);
    const isLook = this.cooling?.reason === 'rejected' && !this.cooling.isFailing;
    if (verdict === 'spent' || (verdict === 'renewable' && isLook)) this.#coolDownBecauseOf(mark, credential);
  }

  accepted(credential: Credential): void {
    // That a credential is good does not say that the link has another one.
    if (!this.#refusals.accepted(credential)) return;
    this.#looks.accepted();
    if (this.#cooling?.isFailing !== true) this.#cooling = undefined;
  }

  state(): TokenState {
    const state = this.link.state();
    return this.cooling === undefined ? state : withCooling(state, this.cooling, this.#clock.now());
  }

  #lookAt(lookableAt: number): void {
    if (this.#cooling !== undefined) this.#cooling = { ...this.#cooling, lookableAt };
  }

  #coolDownBecauseOf({ reason, until }: Mark, credential: Credential): void {
    if (isPerCaller(this.link)) return;
    if (this.cooling === undefined || this.cooling.isFailing) {
      const seconds = Math.ceil((until - this.#clock.now()) / 1_000);
      this.#log.info('a link of a chain cools down', { tokenProvider: this.link.name, reason, seconds });
    }
    if (reason === 'rejected') this.#looks.refused(credential);
    const lookableAt = reason === 'rejected' ? this.#clock.now() + this.#looks.wait : until;
    this.#cooling = { until, reason, isFailing: false, lookableAt };
  }

  #restAfter({ reason, retryAfterMilliseconds }: Refusal): number {
    if (reason === 'rejected') return this.#coolDown;
    return restFor(retryAfterMilliseconds, usualRest, longestRest);
  }
}
