import { constants } from 'node:fs';
import { lstat, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Clock } from '../kernel/clock.ts';
import { describeCause } from '../kernel/errors.ts';
import type { Log, Meter } from '../kernel/run.ts';
import { inTime } from './in-time.ts';

/**
 * For a lock that another process has, in milliseconds: twice the usual time limit of a token server. With the request
 * that comes behind it, it is less than the 20 seconds that a chain or a pool waits for a token.
 */
const longestWait = 10_000;
/** Where the last wait was in vain: the other process may be frozen for hours. */
const waitAfterMiss = 1_000;
const fastestPoll = 20;
const slowestPoll = 100;
/** SQLITE_BUSY, in the lowest byte of what SQLite reports. */
const busy = 5;

/** Locks by name that processes share. Each is had by one at a time, and given back by the system when a process dies. */
export interface LockFolder {
  /** What gives the lock back; undefined while somebody else has it. Rejects where it can't be had at all. */
  take(name: string): Promise<(() => void) | undefined>;
}

export interface ProcessLocksOptions {
  readonly locks: LockFolder;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** From 0 up to 1, so that those who wait don't ask in step. */
  readonly random?: () => number;
}

/**
 * Lets one process at a time do something, as far as that can be had. Who has waited for 10 seconds goes on without the
 * lock, and so does everybody where locks can't be had, such as in a folder that can't be written: a process that is frozen
 * or a disk that fails must not stop the others. It is counted each time (`secret_lock_failures`) and logged when it begins.
 */
export class ProcessLocks {
  readonly #options: ProcessLocksOptions;
  /** Names whose lock could not be had the last time. */
  readonly #missed = new Set<string>();

  constructor(options: ProcessLocksOptions) {
    this.#options = options;
  }

  /** What the action comes to. Within this process the caller sees to it that a name is held once. */
  async hold<T>(name: string, action: () => Promise<T>): Promise<T> {
    const release = await this.#taken(name);
    try {
      return await action();
    } finally {
      release?.();
    }
  }

  async #taken(name: string): Promise<(() => void) | undefined> {
    try {
      const release = await this.#waited(name);
      if (this.#missed.delete(name)) this.#options.log.info('a kept secret has its lock again', { cell: name });
      return release;
    } catch (error) {
      this.#failed(name, error);
      return undefined;
    }
  }

  async #waited(name: string): Promise<() => void> {
    const { clock, random = Math.random } = this.#options;
    const patience = this.#missed.has(name) ? waitAfterMiss : longestWait;
    const end = clock.now() + patience;
    for (;;) {
      const release = await this.#tried(name);
      if (release !== undefined) return release;
      const left = end - clock.now();
      if (left <= 0) throw new Error(`another process has had it for ${patience} ms`);
      const pause = fastestPoll + random() * (slowestPoll - fastestPoll);
      await sleep(clock, Math.min(pause, left), new AbortController().signal);
    }
  }

  /** A lock that comes too late is given back. */
  async #tried(name: string): Promise<(() => void) | undefined> {
    let isLate = false;
    const taking = this.#options.locks.take(name).then((release) => {
      if (isLate) release?.();
      return release;
    });
    try {
      return await inTime(taking, this.#options.clock);
    } catch (error) {
      isLate = true;
      throw error;
    }
  }

  #failed(name: string, reason: unknown): void {
    this.#options.meter.count('secret_lock_failures');
    if (this.#missed.has(name)) return;
    this.#missed.add(name);
    this.#options.log.warn('a kept secret is used without its lock', { cell: name, reason: describeCause(reason) });
  }
}

/** Locks that everybody has at once. */
export const noLocks: LockFolder = { take: async () => () => undefined };

/**
 * Locks of the operating system on one empty file each, `NAME.lock`, which stays. SQLite takes them: Node itself has no call
 * for it, and a file that stands for a lock would outlive a process that was killed. Nothing is written into the files.
 */
export function lockFolder(directory: string): LockFolder {
  return {
    async take(name) {
      const path = join(directory, `${name}.lock`);
      await makeFile(directory, path);
      // Loaded by those alone who need it: a Node that was built without it serves as before.
      const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(path, { timeout: 0 });
      try {
        // Without the pragma a journal would lie beside the file.
        database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      } catch (error) {
        database.close();
        if (isBusy(error)) return undefined;
        throw error;
      }
      return () => database.close();
    },
  };
}

/**
 * Shows too that the disk answers before SQLite asks it, which nobody could call off. A file that is there is not opened:
 * closing it would give back the lock that this process may have on it.
 */
async function makeFile(directory: string, path: string): Promise<void> {
  try {
    if ((await lstat(path)).isFile()) return;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return createFile(path);
  }
  throw new TypeError('it is no regular file');
}

async function createFile(path: string): Promise<void> {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  try {
    await (await open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)).close();
  } catch (error) {
    // Another process was faster.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function isBusy(error: unknown): boolean {
  const { errcode } = Object(error) as { readonly errcode?: unknown };
  return typeof errcode === 'number' && (errcode & 0xff) === busy;
}

function codeOf(error: unknown): unknown {
  return (Object(error) as { readonly code?: unknown }).code;
}
