interface Entry {
  readonly instance: Disposable;
  users: number;
}

/** An instance held for one generation. */
export interface Held<T> {
  readonly instance: T;
  /** Later calls do nothing. */
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
    const entry = this.#entryOf(key, create);
    entry.users += 1;
    let isHeld = true;
    const release = async (): Promise<void> => {
      if (!isHeld) return;
      isHeld = false;
      await this.#release(key, entry);
    };
    return { instance: entry.instance as T, release };
  }

  #entryOf(key: string | undefined, create: () => Disposable): Entry {
    const known = key === undefined ? undefined : this.#entries.get(key);
    if (known !== undefined) return known;
    const entry = { instance: create(), users: 0 };
    if (key !== undefined) this.#entries.set(key, entry);
    return entry;
  }

  async #release(key: string | undefined, entry: Entry): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (key !== undefined) this.#entries.delete(key);
    await entry.instance.dispose?.();
  }
}
