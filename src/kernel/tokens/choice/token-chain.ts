import type { Clock } from '../../clock.ts';
import { SluiceError } from '../../errors.ts';
import type { Log } from '../../run.ts';
import { askInTurn } from './ask-in-turn.ts';
import { Givers } from './givers.ts';
import { hashOf } from '../hash-of.ts';
import { LastResort } from './last-resort.ts';
import { accountOf, allFailedWith, reasonOf, soonestRetry, type LinkFailure } from './link-failures.ts';
import { isPerCaller, Refusals, restFor, type Mark } from './refusals.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type {
  Credential,
  Refusal,
  TokenDetail,
  TokenLink,
  TokenProvider,
  TokenRun,
  TokenState,
} from '../token-provider.ts';

/** How long a link is believed that says when it will be there again. */
const longestAnnounced = 600_000;
/** Of a credential that is used too much: how long it rests where nobody says, and at most. */
const usualRest = 60_000;
const longestRest = 3_600_000;

interface ChainLink {
  readonly link: TokenLink;
  readonly refusals: Refusals;
  cooling: Cooling | undefined;
}

interface Cooling {
  readonly until: number;
  readonly reason: string;
  /** Its credential was refused, so that it takes more than another one to end this. */
  readonly isRefusal: boolean;
}

/**
 * Several links in the order of preference. One that fails or whose credentials are refused is asked last for a while: it
 * cools down. A link that tells callers apart never does, since the failure of one is not that of another.
 *
 * When nobody has a credential but refused ones, the one that was refused last is given, so that the run sees what it has
 * seen before and gives up with what the provider of the model said.
 */
export class TokenChain implements TokenProvider {
  readonly spares: number;
  readonly others: number;
  readonly subject?: (run: TokenRun) => string;
  readonly #parts: readonly ChainLink[];
  readonly #coolDown: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #givers = new Givers<ChainLink>();
  #refusals = 0;

  /** `coolDown` is in milliseconds. */
  constructor(
    links: readonly TokenLink[],
    coolDown: number,
    { clock, log }: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#parts = links.map((link) => ({ link, refusals: new Refusals(link), cooling: undefined }));
    this.#coolDown = coolDown;
    this.#clock = clock;
    this.#log = log;
    this.spares = links.reduce((sum, { spares }) => sum + 1 + spares, 0) - 1;
    this.others = links.reduce((sum, { others }) => sum + 1 + others, 0) - 1;
    if (links.some(isPerCaller))
      this.subject = (run) => hashOf('chained', ...links.map((link) => link.subject?.(run) ?? ''));
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    const queue = this.#inOrder();
    const failures: LinkFailure[] = [];
    const lastResort = new LastResort<ChainLink>();
    return askInTurn(run, {
      clock: this.#clock,
      lastResort,
      next: () => queue.shift(),
      take: (part, credential) => this.#take(part, credential, lastResort),
      failed: (part, error) => {
        failures.push({ name: part.link.name, error });
        this.#failed(part, error);
      },
      abandoned: () => undefined,
      conclude: () => {
        const last = lastResort.take();
        if (last === undefined) throw failureOf(failures);
        this.#give(last.asked, last.credential);
        return last.credential;
      },
    });
  }

  invalidate(credential: Credential, refusal: Refusal): void {
    const part = this.#givers.lastOf(credential);
    if (part === undefined) return;
    part.link.invalidate(credential, refusal);
    const until = this.#clock.now() + this.#restAfter(refusal);
    this.#refusals += 1;
    const mark = { reason: refusal.reason, until, order: this.#refusals };
    if (part.refusals.refused(credential, mark) === 'spent') this.#coolRefused(part, mark);
  }

  accepted(credential: Credential): void {
    const part = this.#givers.lastOf(credential);
    if (part === undefined) return;
    part.link.accepted(credential);
    this.#accepted(part, credential);
  }

  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void {
    const part = this.#givers.returned(credential);
    if (part === undefined) return;
    part.link.settled(credential, outcome);
    if (outcome === 'accepted') this.#accepted(part, credential);
  }

  state(): TokenDetail {
    const now = this.#clock.now();
    return { links: this.#parts.map(({ link, cooling }) => withCooling(link.state(), cooling, now)) };
  }

  /** Those that do not cool down, then the others, first the one that returns first. */
  #inOrder(): ChainLink[] {
    const now = this.#clock.now();
    for (const part of this.#parts)
      if (part.cooling !== undefined && now >= part.cooling.until) part.cooling = undefined;
    return this.#parts.toSorted((one, other) => (one.cooling?.until ?? 0) - (other.cooling?.until ?? 0));
  }

  #take(part: ChainLink, credential: Credential, lastResort: LastResort<ChainLink>): boolean {
    const mark = part.refusals.markOf(credential, this.#clock.now());
    if (mark !== undefined) {
      lastResort.offer(part, credential, mark);
      this.#coolRefused(part, mark);
      return false;
    }
    if (part.cooling?.isRefusal === false) part.cooling = undefined;
    this.#give(part, credential);
    return true;
  }

  #give(part: ChainLink, credential: Credential): void {
    part.refusals.given(credential);
    this.#givers.gave(part, credential);
  }

  #accepted(part: ChainLink, credential: Credential): void {
    // That a credential is good does not say that the link has another one.
    if (part.refusals.accepted(credential) && part.cooling?.isRefusal === true) part.cooling = undefined;
  }

  #failed(part: ChainLink, error: SluiceError): void {
    if (isPerCaller(part.link) || error.code === 'CALLER_KEY_MISSING') return;
    const announced = Math.min((error.retryAfterSeconds ?? 0) * 1_000, longestAnnounced);
    const until = this.#clock.now() + Math.max(this.#coolDown, announced);
    if (part.cooling !== undefined && part.cooling.until > until) return;
    part.cooling = { until, reason: reasonOf(error) || error.code, isRefusal: false };
  }

  #coolRefused(part: ChainLink, { until, reason }: Mark): void {
    if (isPerCaller(part.link)) return;
    if (part.cooling?.isRefusal !== true)
      this.#log.info('a link of a chain cools down', { tokenProvider: part.link.name, reason });
    part.cooling = { until: Math.max(until, part.cooling?.until ?? 0), reason, isRefusal: true };
    part.refusals.restart();
  }

  #restAfter({ reason, retryAfterMilliseconds }: Refusal): number {
    if (reason === 'rejected') return this.#coolDown;
    return restFor(retryAfterMilliseconds, usualRest, longestRest);
  }
}

function withCooling(state: TokenState, cooling: Cooling | undefined, now: number): TokenState {
  if (cooling === undefined || now >= cooling.until) return state;
  const coolingForSeconds = Math.ceil((cooling.until - now) / 1_000);
  return { ...state, status: 'cooling', coolingForSeconds, reason: cooling.reason };
}

/** What a caller or the provider of the model must put right keeps its code; everything else is the operator's. */
function failureOf(failures: readonly LinkFailure[]): SluiceError {
  const missing = allFailedWith(failures, 'CALLER_KEY_MISSING');
  if (missing !== undefined) return missing;
  const retryAfterSeconds = soonestRetry(failures);
  const reason = 'no link of the chain has a credential';
  const options = {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    context: { reasons: accountOf(failures) },
  };
  if (allFailedWith(failures, 'UPSTREAM_RATE_LIMITED') !== undefined)
    return new SluiceError('UPSTREAM_RATE_LIMITED', { ...options, context: { ...options.context, reason } });
  return tokenUnavailable(reason, options);
}
