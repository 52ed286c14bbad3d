/** Values that are made when they are first asked for; beyond the limit the one that was not used for longest goes. */
export class RecentMap<V> {
  readonly #values = new Map<string, V>();
  readonly #limit: number;
  readonly #make: () => V;

  constructor(limit: number, make: () => V) {
    this.#limit = limit;
    this.#make = make;
  }

  get(key: string): V {
    const known = this.#values.get(key);
    const value = known ?? this.#make();
    // A map keeps the order in which keys were put in, so the oldest comes first.
    if (known !== undefined) this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#limit) this.#dropOldest();
    return value;
  }

  values(): Iterable<V> {
    return this.#values.values();
  }

  #dropOldest(): void {
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }
}
