interface Entry {
  readonly instance: unknown;
  users: number;
}

/** An instance held for one generation. */
export interface Held<T> {
  readonly instance: T;
  release(): Promise<void>;
}

interface Disposable {
  dispose?(): void | Promise<void>;
}

/**
 * Instances of shared resources, by what they are made of. A generation that needs an equal one gets the same, so a
 * token cache survives an edit that does not concern it; the last user's release disposes it.
 */
export class SharedInstances {
  readonly #entries = new Map<string, Entry>();

  /** Without a key the instance belongs to its one user. */
  hold<T extends Disposable>(key: string | undefined, create: () => T): Held<T> {
    if (key === undefined) {
      const instance = create();
      return { instance, release: async () => instance.dispose?.() };
    }
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { instance: create(), users: 0 };
      this.#entries.set(key, entry);
    }
    entry.users += 1;
    const { instance } = entry as { instance: T };
    return { instance, release: () => this.#release(key, instance) };
  }

  async #release(key: string, instance: Disposable): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(key);
    await instance.dispose?.();
  }
}
