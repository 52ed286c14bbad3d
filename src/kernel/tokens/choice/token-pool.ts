import { SluiceError } from '../../errors.ts';
import { anonymousCaller } from '../../run.ts';
import { askInTurn } from './ask-in-turn.ts';
import { isPerCaller } from './cooling.ts';
import { Givers } from './givers.ts';
import { hashOf } from '../hash-of.ts';
import { failureOfAll, type LinkFailure } from './link-failures.ts';
import { chooseFor, chooseInTurn, chooseLeastUsed } from './pool-choice.ts';
import { PoolKey, type CoolDowns, type KeyCapabilities, type KeyOptions } from './pool-key.ts';
import type { Credential, Refusal, TokenDetail, TokenProvider, TokenRun } from '../token-provider.ts';

export type PoolStrategy = 'round-robin' | 'least-used' | 'sticky';

export interface PoolOptions {
  readonly keys: readonly Omit<KeyOptions, 'seed'>[];
  readonly strategy: PoolStrategy;
  readonly coolDowns: CoolDowns;
}

interface PoolSearch {
  readonly run: TokenRun;
  readonly asked: Set<PoolKey>;
  readonly failures: Map<PoolKey, SluiceError>;
}

/** Several keys, of which each run gets one that may be used just now. */
export class TokenPool implements TokenProvider {
  readonly spares: number;
  readonly others: number;
  readonly subject?: (run: TokenRun) => string;
  readonly #keys: readonly PoolKey[];
  /** Those that are not drained. */
  readonly #active: readonly PoolKey[];
  readonly #strategy: PoolStrategy;
  readonly #capabilities: KeyCapabilities;
  readonly #givers = new Givers<PoolKey>();

  constructor({ keys, strategy, coolDowns }: PoolOptions, capabilities: KeyCapabilities) {
    const seeds = seedsOf(keys.map(({ link }) => link.name));
    this.#keys = keys.map(
      (key, index) => new PoolKey({ ...key, seed: seeds[index] ?? index }, coolDowns, capabilities),
    );
    this.#active = this.#keys.filter(({ isDrained }) => !isDrained);
    this.#strategy = strategy;
    this.#capabilities = capabilities;
    const links = this.#active.map(({ link }) => link);
    this.spares = withOtherKeys(links.map(({ spares }) => spares));
    this.others = withOtherKeys(links.map(({ others }) => others));
    if (strategy === 'sticky' || links.some(isPerCaller)) {
      const callerPart = (run: TokenRun): string => (strategy === 'sticky' ? run.caller.id : '');
      this.subject = (run) => hashOf('pool', callerPart(run), ...links.map((link) => link.subject?.(run) ?? ''));
    }
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    const search: PoolSearch = { run, asked: new Set(), failures: new Map() };
    return askInTurn<PoolKey>(run, {
      clock: this.#capabilities.clock,
      next: () => this.#next(search),
      take: (key, credential) => {
        const isTaken = key.take(credential);
        if (isTaken) this.#givers.gave(key, credential);
        return isTaken;
      },
      failed: (key, error) => {
        search.failures.set(key, error);
        key.failed(error);
      },
      abandoned: (key) => key.abandoned(),
      failure: () => this.#failure(search),
    });
  }

  invalidate(credential: Credential, refusal: Refusal): void {
    const key = this.#givers.lastOf(credential);
    key?.link.invalidate(credential, refusal);
    key?.refused(credential, refusal);
  }

  accepted(credential: Credential): void {
    const key = this.#givers.lastOf(credential);
    key?.link.accepted(credential);
    key?.accepted(credential);
  }

  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void {
    const key = this.#givers.returned(credential);
    key?.link.settled(credential, outcome);
    key?.settled();
  }

  state(): TokenDetail {
    const links = this.#keys.map((key) => key.state());
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

  /** A key that is ready; else one that somebody tries just now; else one that could not be had and is asked once more. */
  #next({ run, asked }: PoolSearch): PoolKey | undefined {
    const left = this.#active.filter((key) => !asked.has(key));
    const usable = left.filter(({ cooling }) => cooling === undefined);
    const ready = usable.filter(({ isOnTrial }) => !isOnTrial);
    const key = this.#choose(ready, run) ?? this.#choose(usable, run) ?? this.#askable(left);
    if (key === undefined) return undefined;
    key.ask();
    asked.add(key);
    return key;
  }

  #choose(keys: readonly PoolKey[], { caller }: TokenRun): PoolKey | undefined {
    if (this.#strategy === 'least-used') return chooseLeastUsed(keys);
    if (this.#strategy === 'round-robin' || caller.id === anonymousCaller.id) return chooseInTurn(keys);
    return chooseFor(keys, seedOf(caller.id));
  }

  #askable(keys: readonly PoolKey[]): PoolKey | undefined {
    const now = this.#capabilities.clock.now();
    const due = keys.filter(({ cooling }) => cooling !== undefined && now >= cooling.askableAt);
    return due.toSorted((one, other) => (one.cooling?.askableAt ?? 0) - (other.cooling?.askableAt ?? 0))[0];
  }

  #failure({ failures }: PoolSearch): SluiceError {
    const now = this.#capabilities.clock.now();
    const all = this.#active.flatMap((key) => failureOf(key, failures.get(key), now) ?? []);
    return failureOfAll(all, 'no key of the pool can be used now');
  }
}

/** Why a key can't be used: it failed just now, or is left out, or both. */
function failureOf({ link, cooling }: PoolKey, error: SluiceError | undefined, now: number): LinkFailure | undefined {
  const { name } = link;
  if (cooling === undefined) return error === undefined ? undefined : { name, error };
  const leftOutCode = cooling.reason === 'rate-limited' ? 'UPSTREAM_RATE_LIMITED' : 'TOKEN_UNAVAILABLE';
  const { code, context } = error ?? { code: leftOutCode, context: { reason: cooling.reason } };
  const retryAfterSeconds = Math.max(1, Math.ceil((cooling.askableAt - now) / 1_000));
  return { name, error: new SluiceError(code, { retryAfterSeconds, context }) };
}

/** The other keys, and what any of them has beside the first of its credentials. */
function withOtherKeys(more: readonly number[]): number {
  return more.length - 1 + Math.max(0, ...more);
}

function bySoonest(one: TokenDetail, other: TokenDetail): number {
  return (one.coolingForSeconds ?? 0) - (other.coolingForSeconds ?? 0);
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
