import type { Credential } from '../token-provider.ts';

interface Given<G> {
  last: G;
  /** How often each of them gave it and did not get it back. */
  readonly out: Map<G, number>;
}

/** Who gave a credential. Several may give the same one, and each gets it back as often as it gave it. */
export class Givers<G> {
  readonly #given = new WeakMap<Credential, Given<G>>();

  gave(giver: G, credential: Credential): void {
    let given = this.#given.get(credential);
    if (given === undefined) {
      given = { last: giver, out: new Map() };
      this.#given.set(credential, given);
    }
    given.last = giver;
    given.out.set(giver, (given.out.get(giver) ?? 0) + 1);
  }

  /** The last one that gave it, also when it has got it back. */
  lastOf(credential: Credential): G | undefined {
    return this.#given.get(credential)?.last;
  }

  /** The one that gets it back; undefined where it was not given, or given back as often already. */
  returned(credential: Credential): G | undefined {
    const given = this.#given.get(credential);
    if (given === undefined) return undefined;
    const { out, last } = given;
    const giver = out.has(last) ? last : out.keys().next().value;
    if (giver === undefined) return undefined;
    const left = (out.get(giver) ?? 0) - 1;
    if (left > 0) out.set(giver, left);
    else out.delete(giver);
    return giver;
  }
}
