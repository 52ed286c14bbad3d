import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';

/** Of a value, in UTF-8. Tokens are far smaller. */
export const maxValueBytes = 65_536;
/** What a process that was killed left half written is removed at this age, in milliseconds. */
const leftoverAge = 600_000;
const leftover = /^[0-9a-f]{64}\.[0-9a-f]{16}\.tmp$/;
/** File systems that can't do it for a folder say so in one of these ways. */
const noFolderSync: ReadonlySet<unknown> = new Set(['EINVAL', 'EISDIR', 'EPERM', 'ENOTSUP', 'EBADF']);

/** A value and the mark of the very file that holds it; another file has another mark. */
export interface KeptValue {
  readonly value: string;
  readonly stamp: string;
}

/** Named values on a disk. Errors have the `code` of the system, or a message of their own, and never the value. */
export interface SecretDisk {
  /** `known` where it is still what the disk holds; undefined where there is no file. Rejects where it can't be read. */
  read(name: string, known: KeptValue | undefined): Promise<KeptValue | undefined>;
  /** Resolves when the value would survive a loss of power. */
  write(name: string, value: string): Promise<KeptValue>;
}

/**
 * A folder with one file per value. The folder is made when it is first written to, for the user of the process alone, as
 * its files are. A file is written under another name and then renamed, so whoever reads finds the old value or the new
 * one, whole. A file that is a link, or no regular file, is neither read nor followed.
 */
export function secretFolder(directory: string, clock: Clock): SecretDisk {
  let isPrepared = false;
  const writeAnew = async (name: string, value: string): Promise<KeptValue> => {
    await prepare(directory, clock);
    isPrepared = true;
    return writeValue(directory, name, value);
  };
  return {
    read: (name, known) => readValue(join(directory, name), known),
    async write(name, value) {
      if (!isPrepared) return writeAnew(name, value);
      try {
        return await writeValue(directory, name, value);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        // Somebody removed the folder.
        return writeAnew(name, value);
      }
    },
  };
}

async function readValue(path: string, known: KeptValue | undefined): Promise<KeptValue | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stamp = await stampOf(handle);
    return stamp === known?.stamp ? known : { value: await readAll(handle), stamp };
  } finally {
    await handle.close();
  }
}

async function readAll(handle: FileHandle): Promise<string> {
  if (!(await handle.stat()).isFile()) throw new TypeError('it is no regular file');
  const bytes = Buffer.alloc(maxValueBytes + 1);
  let length = 0;
  for (let count = -1; count !== 0 && length < bytes.length; length += count)
    count = (await handle.read(bytes, length, bytes.length - length, null)).bytesRead;
  if (length > maxValueBytes) throw new TypeError(`it is larger than ${maxValueBytes} bytes`);
  return bytes.toString('utf8', 0, length);
}

async function writeValue(directory: string, name: string, value: string): Promise<KeptValue> {
  const temporary = join(directory, `${name}.${randomBytes(8).toString('hex')}.tmp`);
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const handle = await open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(value, 'utf8');
    await handle.sync();
    await rename(temporary, join(directory, name));
    await syncFolder(directory);
    // Of the file that was written, though another process may have put its own in the place already.
    return { value, stamp: await stampOf(handle) };
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Without it the name may be lost with the power, though the file is not. */
async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } catch (error) {
    if (!noFolderSync.has(codeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}

async function prepare(directory: string, clock: Clock): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    if (leftover.test(name)) await removeOld(join(directory, name), clock).catch(() => undefined);
  }
}

async function removeOld(path: string, clock: Clock): Promise<void> {
  const { mtimeMs } = await stat(path);
  if (clock.wallTime() - mtimeMs > leftoverAge) await unlink(path);
}

async function stampOf(handle: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function codeOf(error: unknown): unknown {
  return (Object(error) as { code?: unknown }).code;
}
