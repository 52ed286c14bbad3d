import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { WatchedFile, type FileTrouble } from './watched-file.ts';

/** A key file is a line; whatever is larger is not one. */
export const maxSecretBytes = 65_536;

export interface SecretProblem {
  readonly code: 'secret.envNotAllowed' | 'secret.pathNotAllowed' | 'secret.missing' | 'secret.unreadable';
  readonly message: string;
}

/** Where a file may lie. A relative path is taken from the pipelines folder. */
export interface SecretFolders {
  readonly secretsDir: string;
  readonly pipelinesDir: string;
  readonly clock: Clock;
}

const codes: Readonly<Record<FileTrouble['kind'], SecretProblem['code']>> = {
  outside: 'secret.pathNotAllowed',
  missing: 'secret.missing',
  forbidden: 'secret.unreadable',
  unreadable: 'secret.unreadable',
};

/** A secret in a file that may be rotated, in one of the folders that definitions may read. */
export class SecretFile {
  /** As the definition names it. */
  readonly shownPath: string;
  readonly #path: string;
  readonly #file: WatchedFile;

  constructor(path: string, { secretsDir, pipelinesDir, clock }: SecretFolders) {
    this.shownPath = path;
    this.#path = resolve(pipelinesDir, path);
    this.#file = new WatchedFile(this.#path, {
      maxBytes: maxSecretBytes,
      clock,
      admits: (found) => [secretsDir, pipelinesDir].some((folder) => isInside(found, folder)),
    });
  }

  /** True once it could be read. */
  get wasRead(): boolean {
    return this.#file.hasText;
  }

  /** Equal for two that stand for the same file and hold the same of it. */
  get state(): string {
    return JSON.stringify([this.#path, this.#file.stamp]);
  }

  /** Looks now. True where the file can be read and holds something else than is known of it. */
  hasNews(): boolean {
    const before = this.#file.text;
    return this.#file.look() === undefined && this.#file.text !== before;
  }

  /** Reads the file. Returns what is wrong with it, or undefined. */
  load(): SecretProblem | undefined {
    const trouble = this.#file.look();
    if (trouble === undefined) return undefined;
    const what =
      trouble.kind === 'outside'
        ? 'is neither under SLUICE_SECRETS_DIR nor in the pipelines folder'
        : `${trouble.what}; a running engine looks at it again`;
    return { code: codes[trouble.kind], message: `the secret file ${JSON.stringify(this.shownPath)} ${what}` };
  }

  /** The text without its trailing newline; never throws. */
  reveal(): string {
    this.#file.lookWhenDue();
    return this.#file.text;
  }

  /** As `reveal`, but looks now. */
  refresh(): string {
    this.#file.look();
    return this.#file.text;
  }
}

/** True for a path below `folder`, or below what that is a link to. */
export function isInside(path: string, folder: string): boolean {
  if (path.startsWith(resolve(folder) + sep)) return true;
  try {
    return path.startsWith(realpathSync(folder) + sep);
  } catch {
    return false;
  }
}
