import { SluiceError } from '../../errors.ts';
import { anonymousCaller } from '../../run.ts';
import { askInTurn } from './ask-in-turn.ts';
import { Givers } from './givers.ts';
import { hashOf } from '../hash-of.ts';
import { trialPatience } from './key-trial.ts';
import { LastResort } from './last-resort.ts';
import { accountOf, allFailedWith, joined, soonestRetry, type LinkFailure } from './link-failures.ts';
import { chooseFor, chooseInTurn, chooseLeastUsed } from './pool-choice.ts';
import { PoolKey, type Cooling, type CoolDowns, type KeyCapabilities, type KeyOptions } from './pool-key.ts';
import { isPerCaller } from './refusals.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { Credential, Refusal, TokenDetail, TokenProvider, TokenRun } from '../token-provider.ts';

export type PoolStrategy = 'round-robin' | 'least-used' | 'sticky';

export interface PoolOptions {
  readonly keys: readonly Omit<KeyOptions, 'seed'>[];
  readonly strategy: PoolStrategy;
  readonly coolDowns: CoolDowns;
}

interface PoolSearch {
  readonly run: TokenRun;
  readonly tried: Set<PoolKey>;
  readonly failures: LinkFailure[];
  readonly lastResort: LastResort<PoolKey>;
  /** When it has waited long enough for others to try a key. */
  patienceEnds: number | undefined;
}

/** Several keys, of which each run gets one that may be used just now. */
export class TokenPool implements TokenProvider {
  readonly spares: number;
  readonly others: number;
  readonly subject?: (run: TokenRun) => string;
  readonly #keys: readonly PoolKey[];
  readonly #strategy: PoolStrategy;
  readonly #capabilities: KeyCapabilities;
  readonly #givers = new Givers<PoolKey>();
  #refusals = 0;

  constructor({ keys, strategy, coolDowns }: PoolOptions, capabilities: KeyCapabilities) {
    const seeds = seedsOf(keys.map(({ link }) => link.name));
    this.#keys = keys.map(
      (key, index) => new PoolKey({ ...key, seed: seeds[index] ?? index }, coolDowns, capabilities),
    );
    this.#strategy = strategy;
    this.#capabilities = capabilities;
    const active = keys.filter(({ isDrained }) => !isDrained).map(({ link }) => link);
    this.spares = withOtherKeys(active.map(({ spares }) => spares));
    this.others = withOtherKeys(active.map(({ others }) => others));
    if (strategy === 'sticky' || active.some(isPerCaller)) {
      const callerPart = (run: TokenRun): string => (strategy === 'sticky' ? run.caller.id : '');
      this.subject = (run) => hashOf('pool', callerPart(run), ...active.map((link) => link.subject?.(run) ?? ''));
    }
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    const lastResort = new LastResort<PoolKey>();
    const search: PoolSearch = { run, tried: new Set(), failures: [], lastResort, patienceEnds: undefined };
    return askInTurn(run, {
      clock: this.#capabilities.clock,
      lastResort,
      next: () => this.#next(search),
      take: (key, credential) => this.#take(key, credential, search),
      failed: (key, error) => {
        search.failures.push({ name: key.link.name, error });
        key.failed(error, this.#now());
      },
      abandoned: (key) => key.abandoned(),
      conclude: () => this.#conclude(search),
    });
  }

  invalidate(credential: Credential, refusal: Refusal): void {
    const key = this.#givers.lastOf(credential);
    if (key === undefined) return;
    key.link.invalidate(credential, refusal);
    this.#refusals += 1;
    key.refused(credential, refusal, this.#now(), this.#refusals);
  }

  accepted(credential: Credential): void {
    const key = this.#givers.lastOf(credential);
    if (key === undefined) return;
    key.link.accepted(credential);
    if (key.accepted(credential)) this.#welcome(key);
  }

  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void {
    const key = this.#givers.returned(credential);
    if (key === undefined) return;
    key.link.settled(credential, outcome);
    if (outcome === 'accepted' && key.accepted(credential)) this.#welcome(key);
    key.settled(credential);
  }

  state(): TokenDetail {
    const now = this.#now();
    const links = this.#keys.map((key) => key.state(now));
    const inUse = links.reduce((sum, link) => sum + (link.inUse ?? 0), 0);
    if (links.some(({ status }) => status !== 'cooling')) return { inUse, links };
    const next = links.filter(({ coolingForSeconds }) => coolingForSeconds !== undefined).toSorted(bySoonest)[0];
    const { coolingForSeconds, reason } = next ?? {};
    return {
      status: 'cooling',
      ...(coolingForSeconds !== undefined && { coolingForSeconds }),
      ...(reason !== undefined && { reason }),
      inUse,
      links,
    };
  }

  dispose(): void {
    for (const key of this.#keys) key.dispose();
  }

  /** A key that is ready; else one that is asked once more; else, after a while, one that somebody tries just now. */
  #next(search: PoolSearch): PoolKey | Promise<void> | undefined {
    const now = this.#now();
    for (const key of this.#keys) if (key.returnIfDue(now)) this.#welcome(key);
    const untried = this.#keys.filter((key) => !key.isDrained && !search.tried.has(key));
    const key = this.#choose(untried, search.run) ?? askable(untried, now);
    if (key !== undefined) return ask(key, search, now);
    const onTrial = untried.filter(({ trial }) => trial !== undefined);
    const [first] = onTrial;
    if (first === undefined) return undefined;
    search.patienceEnds ??= now + trialPatience;
    if (now >= search.patienceEnds) return ask(first, search, now);
    return Promise.race(onTrial.map(({ trial }) => trial?.over ?? Promise.resolve()));
  }

  #choose(untried: readonly PoolKey[], { caller }: TokenRun): PoolKey | undefined {
    const ready = untried.filter(({ isReady }) => isReady);
    if (this.#strategy === 'least-used') return chooseLeastUsed(ready);
    if (this.#strategy === 'round-robin' || caller.id === anonymousCaller.id) return chooseInTurn(ready);
    return chooseFor(ready, seedOf(caller.id));
  }

  #take(key: PoolKey, credential: Credential, search: PoolSearch): boolean {
    const now = this.#now();
    const mark = key.markOf(credential, now);
    if (mark === undefined && !key.isRefused(now)) {
      this.#give(key, credential);
      return true;
    }
    if (mark === undefined) {
      key.abandoned();
      key.link.settled(credential, 'failed');
      return false;
    }
    key.refusedBefore(mark, now);
    if (isPerCaller(key.link)) search.lastResort.offer(key, credential, mark);
    else key.link.settled(credential, 'failed');
    return false;
  }

  #give(key: PoolKey, credential: Credential): void {
    key.taken(credential);
    this.#givers.gave(key, credential);
  }

  /** A caller whose own credential was refused gets it all the same, so that its run sees it again and gives up. */
  #conclude({ lastResort, failures }: PoolSearch): Credential {
    const last = lastResort.take();
    if (last === undefined) throw this.#failure(failures);
    last.asked.ask(this.#now());
    this.#give(last.asked, last.credential);
    return last.credential;
  }

  #failure(failures: readonly LinkFailure[]): SluiceError {
    const now = this.#now();
    const cooling = this.#keys.filter((key) => !key.isDrained && key.cooling !== undefined);
    const soonest = cooling.map((key) => key.cooling).reduce(sooner, undefined);
    if (soonest === undefined) return failureOfAll(failures);
    const names = cooling.map(({ link, cooling: why }) => `${link.name}: ${why?.reason ?? ''}`);
    const options = {
      retryAfterSeconds: Math.max(1, Math.ceil((soonest.askableAt - now) / 1_000)),
      context: { reasons: joined([...names, ...(failures.length === 0 ? [] : [accountOf(failures)])]) },
    };
    const reason = 'all keys of the pool cool down';
    if (soonest.reason === 'rate-limited')
      return new SluiceError('UPSTREAM_RATE_LIMITED', { ...options, context: { ...options.context, reason } });
    return tokenUnavailable(reason, options);
  }

  /** What it has missed is not made up for: it would be the only one in use for a long time. */
  #welcome(key: PoolKey): void {
    const others = this.#keys.filter((other) => other !== key && other.isReady);
    if (others.length === 0) return;
    const least = Math.min(...others.map(({ uses, weight }) => uses / weight));
    key.uses = Math.max(key.uses, Math.floor(least * key.weight));
  }

  #now(): number {
    return this.#capabilities.clock.now();
  }
}

/** The other keys, and what any of them has beside the first of its credentials. */
function withOtherKeys(more: readonly number[]): number {
  return more.length - 1 + Math.max(0, ...more);
}

function ask(key: PoolKey, { tried }: PoolSearch, now: number): PoolKey {
  key.ask(now);
  tried.add(key);
  return key;
}

/** A key whose link failed, which may be asked again by now. */
function askable(keys: readonly PoolKey[], now: number): PoolKey | undefined {
  const due = keys.filter(({ cooling }) => cooling !== undefined && now >= cooling.askableAt);
  return due.toSorted((one, other) => (one.cooling?.askableAt ?? 0) - (other.cooling?.askableAt ?? 0))[0];
}

function sooner(one: Cooling | undefined, other: Cooling | undefined): Cooling | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.askableAt < one.askableAt ? other : one;
}

function bySoonest(one: TokenDetail, other: TokenDetail): number {
  return (one.coolingForSeconds ?? 0) - (other.coolingForSeconds ?? 0);
}

/** No key cools down, since all failed for the one caller only. */
function failureOfAll(failures: readonly LinkFailure[]): SluiceError {
  const missing = allFailedWith(failures, 'CALLER_KEY_MISSING');
  if (missing !== undefined) return missing;
  const retryAfterSeconds = soonestRetry(failures);
  return tokenUnavailable('no key of the pool has a credential', {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    context: { reasons: accountOf(failures) },
  });
}

/** By the names, so that a key which is added or taken away does not move the callers of the others. */
function seedsOf(names: readonly string[]): number[] {
  return names.map((name, index) =>
    seedOf(name, String(names.slice(0, index).filter((other) => other === name).length)),
  );
}

function seedOf(...parts: readonly string[]): number {
  return Number.parseInt(hashOf(...parts).slice(0, 8), 16);
}
