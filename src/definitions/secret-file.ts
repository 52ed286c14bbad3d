import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Clock } from '../kernel/clock.ts';

/** A key file is a line; whatever is larger is not one. */
export const maxSecretBytes = 65_536;
/** A file is looked at again at most this often, in milliseconds. */
const checkInterval = 1_000;

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

/**
 * A secret in a file that may be rotated: a cheap look at its time stamp, at most once per second, tells whether it is
 * read again. While a rotation leaves it unreadable, the last good text stays.
 */
export class SecretFile {
  readonly #path: string;
  readonly #shownPath: string;
  readonly #folders: SecretFolders;
  #text = '';
  #stamp = '';
  #nextCheck = 0;

  constructor(path: string, folders: SecretFolders) {
    this.#shownPath = path;
    this.#path = resolve(folders.pipelinesDir, path);
    this.#folders = folders;
  }

  /** Reads the file. Returns what is wrong with it, or undefined. */
  load(): SecretProblem | undefined {
    this.#nextCheck = this.#folders.clock.now() + checkInterval;
    try {
      return this.#read();
    } catch (error) {
      const { code } = error as { code?: string };
      const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
      return this.#problem(
        isMissing ? 'secret.missing' : 'secret.unreadable',
        isMissing ? 'does not exist' : `can not be read (${code ?? 'unknown'})`,
      );
    }
  }

  /** The text without its trailing newline; never throws. */
  reveal(): string {
    if (this.#folders.clock.now() >= this.#nextCheck) this.load();
    return this.#text;
  }

  #read(): SecretProblem | undefined {
    // Judged by its text first: whether a file outside exists is nothing that a definition may find out.
    const outside = (path: string): boolean =>
      ![this.#folders.secretsDir, this.#folders.pipelinesDir].some((folder) => isInside(path, folder));
    const refused = this.#problem(
      'secret.pathNotAllowed',
      'is neither under SLUICE_SECRETS_DIR nor in the pipelines folder',
    );
    if (outside(this.#path)) return refused;
    const real = realpathSync(this.#path);
    if (outside(real)) return refused;
    const found = statSync(real, { bigint: true });
    if (!found.isFile()) return this.#problem('secret.unreadable', 'is not a regular file');
    const stamp = stampOf(real, found);
    if (stamp === this.#stamp) return undefined;
    const text = readSmallFile(real);
    if (text === undefined)
      return this.#problem('secret.unreadable', `is no regular file of at most ${maxSecretBytes} bytes in UTF-8`);
    if (text === '') return this.#problem('secret.missing', 'is empty');
    this.#text = text;
    this.#stamp = stamp;
    return undefined;
  }

  #problem(code: SecretProblem['code'], what: string): SecretProblem {
    return { code, message: `the secret file ${JSON.stringify(this.#shownPath)} ${what}` };
  }
}

function stampOf(real: string, found: BigIntStats): string {
  return `${real} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** Opened without blocking and without following a link: between the look and the opening it may have become a pipe. */
function readSmallFile(real: string): string | undefined {
  const handle = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(handle).isFile()) return undefined;
    const bytes = Buffer.alloc(maxSecretBytes + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count)
      count = readSync(handle, bytes, length, bytes.length - length, null);
    if (length > maxSecretBytes) return undefined;
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length)).replace(/\r?\n$/, '');
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return undefined;
    throw error;
  } finally {
    closeSync(handle);
  }
}

function isInside(path: string, folder: string): boolean {
  if (path.startsWith(resolve(folder) + sep)) return true;
  try {
    return path.startsWith(realpathSync(folder) + sep);
  } catch {
    return false;
  }
}
