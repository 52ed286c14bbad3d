interface Entry {
  readonly instance: Disposable;
  readonly line: string | undefined;
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

  /**
   * Without a key the instance belongs to its one user. `create` is given those in use of the same line, the newest first:
   * what an edited one replaces, so that it may take over what they know.
   */
  hold<T extends Disposable>(
    key: string | undefined,
    create: (predecessors: readonly T[]) => T,
    line?: string,
  ): Held<T> {
    const entry = this.#entryOf(key, create, line);
    entry.users += 1;
    let isHeld = true;
    const release = async (): Promise<void> => {
      if (!isHeld) return;
      isHeld = false;
      await this.#release(key, entry);
    };
    return { instance: entry.instance as T, release };
  }

  #entryOf<T extends Disposable>(
    key: string | undefined,
    create: (predecessors: readonly T[]) => T,
    line: string | undefined,
  ): Entry {
    const known = key === undefined ? undefined : this.#entries.get(key);
    if (known !== undefined) return known;
    const predecessors = this.#ofLine(line).map(({ instance }) => instance as T);
    const entry = { instance: create(predecessors), line, users: 0 };
    if (key !== undefined) this.#entries.set(key, entry);
    return entry;
  }

  /** The newest first: the entries stand in the order in which they were made. */
  #ofLine(line: string | undefined): Entry[] {
    if (line === undefined) return [];
    return [...this.#entries.values()].filter((entry) => entry.line === line).toReversed();
  }

  async #release(key: string | undefined, entry: Entry): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (key !== undefined) this.#entries.delete(key);
    await entry.instance.dispose?.();
  }
}
