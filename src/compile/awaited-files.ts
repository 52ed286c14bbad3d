import type { SecretFile } from '../definitions/secret-file.ts';

/** Files that one call of `news` looks at; of more, each has its turn. */
const maxLooks = 256;

/** A file with a secret that a definition was refused for. */
export type AwaitedFile = Pick<SecretFile, 'shownPath' | 'state' | 'hasNews'>;

/** Looks at files that are awaited: once at each, whatever number of definitions names it, and at few at a time. */
export class AwaitedFiles {
  #turn = 0;

  /** Those of the files that can be read now, and hold something else than when they were read last. */
  news(files: Iterable<AwaitedFile>): ReadonlySet<AwaitedFile> {
    const groups = Map.groupBy(files, ({ state }) => state);
    const all = [...groups.values()];
    const first = all.length > maxLooks ? this.#turn % all.length : 0;
    this.#turn = first + maxLooks;
    const chosen = [...all.slice(first), ...all.slice(0, first)].slice(0, maxLooks);
    return new Set(chosen.filter(([file]) => file?.hasNews()).flat());
  }
}
