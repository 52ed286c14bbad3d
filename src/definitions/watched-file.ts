import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import type { Clock } from '../kernel/clock.ts';

/** A file is looked at again at most this often, in milliseconds. */
const checkInterval = 1_000;

export interface WatchedFileOptions {
  /** Of the file; a larger one is refused. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** False for a path that may not be read. Asked for the path as it stands, and for the one that links lead to. */
  readonly admits?: (path: string) => boolean;
}

/** Why there is no text. `what` follows the name of the file in a sentence, and holds nothing of its content. */
export interface FileTrouble {
  readonly kind: 'outside' | 'missing' | 'forbidden' | 'unreadable';
  readonly what: string;
}

/**
 * A small text file that may be rotated: a cheap look at its time stamp, at most once per second, tells whether it is read
 * again. While a rotation leaves it unreadable, the last good text stays. Links are followed, pipes and devices never.
 */
export class WatchedFile {
  readonly #path: string;
  readonly #options: WatchedFileOptions;
  #text = '';
  #stamp = '';
  #nextCheck = 0;

  constructor(path: string, options: WatchedFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** True once there was a good text. */
  get hasText(): boolean {
    return this.#stamp !== '';
  }

  /** Of the last good text: another one, and the file was written anew. Empty before there was one. */
  get stamp(): string {
    return this.#stamp;
  }

  /** The last good text, without its trailing newline. */
  get text(): string {
    return this.#text;
  }

  /** Looks now. Returns what is wrong with the file, or undefined; never throws. */
  look(): FileTrouble | undefined {
    this.#nextCheck = this.#options.clock.now() + checkInterval;
    try {
      return this.#read();
    } catch (error) {
      return troubleOf(error);
    }
  }

  /** Looks if the last look was a second ago. */
  lookWhenDue(): FileTrouble | undefined {
    return this.#options.clock.now() >= this.#nextCheck ? this.look() : undefined;
  }

  #read(): FileTrouble | undefined {
    const { maxBytes, admits = () => true } = this.#options;
    // Judged by its text first: whether a file outside exists is nothing that a definition may find out.
    if (!admits(this.#path)) return outside;
    const real = realpathSync(this.#path);
    if (!admits(real)) return outside;
    const found = statSync(real, { bigint: true });
    if (!found.isFile()) return { kind: 'unreadable', what: 'is not a regular file' };
    const stamp = stampOf(real, found);
    if (stamp === this.#stamp) return undefined;
    const text = readSmallFile(real, maxBytes);
    if (text === undefined)
      return { kind: 'unreadable', what: `is no regular file of at most ${maxBytes} bytes in UTF-8` };
    if (text.trim() === '') return { kind: 'missing', what: 'is empty' };
    this.#text = text;
    this.#stamp = stamp;
    return undefined;
  }
}

const outside: FileTrouble = { kind: 'outside', what: 'is outside of the folders that may be read' };

function troubleOf(error: unknown): FileTrouble {
  const { code = 'unknown' } = error as { code?: string };
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing', what: 'does not exist' };
  const isForbidden = code === 'EACCES' || code === 'EPERM';
  return { kind: isForbidden ? 'forbidden' : 'unreadable', what: `can not be read (${code})` };
}

function stampOf(real: string, found: BigIntStats): string {
  return `${real} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

/** Opened without blocking and without following a link: between the look and the opening it may have become a pipe. */
function readSmallFile(real: string, maxBytes: number): string | undefined {
  const handle = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(handle);
    if (!found.isFile() || found.size > maxBytes) return undefined;
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count)
      count = readSync(handle, bytes, length, bytes.length - length, null);
    if (length > maxBytes) return undefined;
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length)).replace(/\r?\n$/, '');
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return undefined;
    throw error;
  } finally {
    closeSync(handle);
  }
}
