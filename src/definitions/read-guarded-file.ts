import { constants } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';

/** A file as it was found. Two equal stamps mean the same content, as far as a file system can promise it. */
export interface FoundFile {
  readonly stamp: string;
  /** Absent where the file was refused. */
  readonly text?: string;
  readonly refused?: { readonly code: string; readonly message: string };
}

/**
 * Reads one file of a folder that strangers may write to: only a regular file, also through links as long as they stay
 * inside `root` (a real path), at most `maxBytes`, in UTF-8. Never blocks on a pipe and never throws; returns undefined
 * where there is no file. A file with the stamp of `known` is not read again.
 */
export async function readGuardedFile(
  path: string,
  root: string,
  maxBytes: number,
  known: FoundFile | undefined,
): Promise<FoundFile | undefined> {
  try {
    const real = await realpath(path);
    if (!real.startsWith(root + sep))
      return refuse(`link ${real}`, 'file.outside', 'is a link to a place outside of the folder');
    const found = await stat(real, { bigint: true });
    const stamp = [real, found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
    if (stamp === known?.stamp) return known;
    if (!found.isFile()) return refuse(stamp, 'file.notRegular', 'is not a regular file');
    if (found.size > BigInt(maxBytes)) return refuse(stamp, 'json.tooLarge', `is larger than ${maxBytes} bytes`);
    const bytes = await readAtMost(real, maxBytes);
    if (bytes === undefined) return refuse(stamp, 'json.tooLarge', `is no regular file of at most ${maxBytes} bytes`);
    const text = decode(bytes);
    return text === undefined ? refuse(stamp, 'json.encoding', 'is not valid UTF-8') : { stamp, text };
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return refuse(code, 'file.unreadable', `can not be read (${code})`);
  }
}

function refuse(stamp: string, code: string, message: string): FoundFile {
  return { stamp, refused: { code, message } };
}

/** The file may have become something else, or larger, since it was looked at. */
async function readAtMost(real: string, maxBytes: number): Promise<Buffer | undefined> {
  const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const found = await handle.stat();
    return found.isFile() ? await readAll(handle, Math.min(found.size, maxBytes) + 1, maxBytes) : undefined;
  } finally {
    await handle.close();
  }
}

async function readAll(handle: FileHandle, expected: number, maxBytes: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.max(expected - length, 4_096)), 0);
    if (bytesRead === 0) return Buffer.concat(pieces);
    pieces.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (length > maxBytes) return undefined;
  }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
