import type { Clock } from '../../clock.ts';
import type { SluiceError } from '../../errors.ts';
import type { Log } from '../../run.ts';
import { isPerCaller, restFor, withCooling, type Cooling } from './cooling.ts';
import { Refusals, type Mark } from './refusals.ts';
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

/** One link of a chain, and whether it cools down. One whose tokens differ by caller never does. */
export class ChainLink {
  readonly link: TokenLink;
  readonly #coolDown: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #refusals: Refusals;
  #cooling: Cooling | undefined;

  /** `coolDown` is in milliseconds. */
  constructor(link: TokenLink, coolDown: number, { clock, log }: ChainCapabilities) {
    this.link = link;
    this.#coolDown = coolDown;
    this.#clock = clock;
    this.#log = log;
    this.#refusals = new Refusals(link);
  }

  /** Undefined as soon as it is over. */
  get cooling(): Cooling | undefined {
    if (this.#cooling !== undefined && this.#clock.now() >= this.#cooling.until) this.#cooling = undefined;
    return this.#cooling;
  }

  failed(error: SluiceError): void {
    if (isPerCaller(this.link) || isOfCaller(error)) return;
    // A link that fails says nothing about credentials that were refused.
    if (this.cooling !== undefined && this.cooling.reason !== 'unavailable') return;
    const announced = Math.min((error.retryAfterSeconds ?? 0) * 1_000, longestAnnounced);
    const until = this.#clock.now() + Math.max(this.#coolDown, announced);
    this.#cooling = { until, reason: 'unavailable' };
  }

  /** True where the link has nothing but a credential that was refused. */
  isRefused(credential: Credential): boolean {
    const mark = this.#refusals.markOf(credential, this.#clock.now());
    if (mark !== undefined) this.#coolDownBecauseOf(mark);
    return mark !== undefined;
  }

  given(credential: Credential): void {
    this.#refusals.given(credential);
    if (this.#cooling?.reason === 'unavailable') this.#cooling = undefined;
  }

  refused(credential: Credential, refusal: Refusal): void {
    const mark = { reason: refusal.reason, until: this.#clock.now() + this.#restAfter(refusal) };
    if (this.#refusals.refused(credential, mark) === 'spent') this.#coolDownBecauseOf(mark);
  }

  accepted(credential: Credential): void {
    // That a credential is good does not say that the link has another one.
    if (this.#refusals.accepted(credential) && this.#cooling?.reason !== 'unavailable') this.#cooling = undefined;
  }

  state(): TokenState {
    const state = this.link.state();
    return this.cooling === undefined ? state : withCooling(state, this.cooling, this.#clock.now());
  }

  #coolDownBecauseOf({ reason, until }: Mark): void {
    if (isPerCaller(this.link)) return;
    if (this.cooling === undefined || this.cooling.reason === 'unavailable') {
      const seconds = Math.ceil((until - this.#clock.now()) / 1_000);
      this.#log.info('a link of a chain cools down', { tokenProvider: this.link.name, reason, seconds });
    }
    this.#cooling = { until, reason };
  }

  #restAfter({ reason, retryAfterMilliseconds }: Refusal): number {
    if (reason === 'rejected') return this.#coolDown;
    return restFor(retryAfterMilliseconds, usualRest, longestRest);
  }
}
