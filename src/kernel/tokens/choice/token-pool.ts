import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../../errors.ts';
import { anonymousCaller } from '../../run.ts';
import { askInTurn } from './ask-in-turn.ts';
import { failureFor, isPerCaller, reasonOfFailure } from './cooling.ts';
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
  /** Those that were left out when they were asked. */
  readonly looks: Set<PoolKey>;
  /** Those that are asked once more. */
  readonly again: PoolKey[];
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
  readonly #coolDowns: CoolDowns;
  readonly #capabilities: KeyCapabilities;
  readonly #givers = new Givers<PoolKey>();

  constructor({ keys, strategy, coolDowns }: PoolOptions, capabilities: KeyCapabilities) {
    const seeds = seedsOf(keys.map(({ link }) => link.name));
    this.#keys = keys.map(
      (key, index) => new PoolKey({ ...key, seed: seeds[index] ?? index }, coolDowns, capabilities),
    );
    this.#active = this.#keys.filter(({ isDrained }) => !isDrained);
    this.#strategy = strategy;
    this.#coolDowns = coolDowns;
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
    const search: PoolSearch = { run, asked: new Set(), looks: new Set(), again: [], failures: new Map() };
    return askInTurn<PoolKey>(run, {
      clock: this.#capabilities.clock,
      next: () => this.#next(search),
      take: (key, credential) => this.#take(key, credential, search),
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
    if (refusal.isRepeated !== true) key?.refused(credential, refusal);
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

  /** With other cool-downs it begins anew: they are changed where a key was left out for too long. */
  inherit(predecessors: readonly TokenProvider[]): void {
    const pools = predecessors.filter((one) => one instanceof TokenPool);
    const known = pools.filter((pool) => isDeepStrictEqual(pool.#coolDowns, this.#coolDowns));
    const before = known.flatMap((pool) => pool.#keys);
    for (const key of this.#keys) {
      const same = before.find(({ link }) => link === key.link);
      if (same !== undefined) key.inherit(same);
    }
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

  /** A key whose turn it is; else one that somebody tries just now; else one that is left out and may be asked again. */
  #next({ run, asked, looks, again }: PoolSearch): PoolKey | undefined {
    const left = this.#active.filter((key) => !asked.has(key));
    const inTurn = left.filter(({ isInTurn }) => isInTurn);
    const usable = left.filter(({ cooling }) => cooling === undefined);
    const key = this.#choose(inTurn, run) ?? this.#choose(usable, run) ?? this.#askable(left) ?? again.pop();
    if (key === undefined) return undefined;
    if (key.cooling !== undefined && !asked.has(key)) looks.add(key);
    key.ask();
    asked.add(key);
    return key;
  }

  #take(key: PoolKey, credential: Credential, { looks, again }: PoolSearch): boolean {
    if (key.take(credential)) {
      this.#givers.gave(key, credential);
      return true;
    }
    // Without a pool it would be sent and refused, and a cache would fetch a new one.
    if (looks.delete(key) && key.cooling?.reason === 'rejected' && !this.#active.some(isUsable)) {
      key.link.invalidate(credential, { reason: 'rejected', isRepeated: true });
      again.push(key);
    }
    return false;
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
  const failure = error ?? failureFor(cooling.reason);
  // To wait helps neither against a refusal nor without money.
  if (['rejected', 'quota'].includes(reasonOfFailure(failure))) return { name, error: failure };
  const retryAfterSeconds = Math.max(1, Math.ceil((cooling.askableAt - now) / 1_000));
  return { name, error: new SluiceError(failure.code, { retryAfterSeconds, context: failure.context }) };
}

function isUsable({ cooling }: PoolKey): boolean {
  return cooling === undefined;
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
