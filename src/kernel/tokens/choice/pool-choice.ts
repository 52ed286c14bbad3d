/** What the choice among the keys of a pool looks at. */
export interface Choosable {
  readonly weight: number;
  /** 32 bits that stay the same for a key while others come and go. */
  readonly seed: number;
  /** Credentials that are out or on their way. */
  readonly load: number;
  /** What the key has saved up towards its next turn. */
  credit: number;
}

/**
 * The next one in turn: smooth weighted round robin. In a row of as many turns as the weights have in sum each key is
 * chosen as often as its weight says, spread as evenly as can be.
 */
export function chooseInTurn<K extends Choosable>(keys: readonly K[]): K | undefined {
  let total = 0;
  for (const key of keys) {
    key.credit += key.weight;
    total += key.weight;
  }
  const chosen = best(keys, (one, other) => other.credit - one.credit);
  if (chosen !== undefined) chosen.credit -= total;
  return chosen;
}

/** The one with the fewest credentials out for its weight; equals take turns. */
export function chooseLeastUsed<K extends Choosable>(keys: readonly K[]): K | undefined {
  const least = Math.min(...keys.map(shareOf));
  return chooseInTurn(keys.filter((key) => shareOf(key) === least));
}

/**
 * The one that belongs to a caller of this seed: weighted rendezvous hashing. A key that goes moves its own callers only, and
 * takes them back when it returns.
 */
export function chooseFor<K extends Choosable>(keys: readonly K[], callerSeed: number): K | undefined {
  const scores = new Map(keys.map((key) => [key, scoreOf(key, callerSeed)]));
  return best(keys, (one, other) => (scores.get(other) ?? 0) - (scores.get(one) ?? 0));
}

function shareOf({ load, weight }: Choosable): number {
  return load / weight;
}

function scoreOf({ seed, weight }: Choosable, callerSeed: number): number {
  const share = (scramble(seed ^ callerSeed) + 0.5) / 2 ** 32;
  return weight / -Math.log(share);
}

/** Spreads 32 bits: each bit that comes in changes half of those that go out (the last step of MurmurHash3). */
function scramble(bits: number): number {
  let mixed = bits;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The first that no other precedes. */
function best<K>(keys: readonly K[], compare: (one: K, other: K) => number): K | undefined {
  let chosen: K | undefined;
  for (const key of keys) if (chosen === undefined || compare(key, chosen) < 0) chosen = key;
  return chosen;
}
