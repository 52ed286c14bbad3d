import { readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

/** Calls `onChange` when something in the folder may have changed, any number of times. */
export type WatchFolder = (
  directory: string,
  onChange: () => void,
  onError: (error: unknown) => void,
) => { close(): Promise<void> };

/** Levels of folders below the pipelines folder: `resources` and its kinds. */
const depth = 2;

/**
 * Notifications of the file system for a folder and the folders in it. Folders are watched and never files: what was
 * renamed over a file has another identity, and a watch on the old one tells nothing any more. Each notification may
 * mean that a folder came or went, so the folders are looked up again.
 */
export const watchFolders: WatchFolder = (directory, onChange, onError) => {
  const watchers = new Map<string, FSWatcher>();
  let closed = false;

  const refresh = (): void => {
    if (closed) return;
    const folders = new Set(foldersBelow(directory, depth));
    for (const folder of watchers.keys()) if (!folders.has(folder)) drop(folder);
    for (const folder of folders) if (!watchers.has(folder)) add(folder);
  };
  const drop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const add = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        refresh();
        onChange();
      });
      watcher.on('error', (error) => {
        drop(folder);
        onError(error);
      });
      watchers.set(folder, watcher);
    } catch (error) {
      onError(error);
    }
  };

  refresh();
  // What changed between the first read and this moment was not notified.
  onChange();
  return {
    close: () => {
      closed = true;
      for (const folder of [...watchers.keys()]) drop(folder);
      return Promise.resolve();
    },
  };
};

/** The folder itself and those below it; links are not followed. */
function foldersBelow(folder: string, levels: number): string[] {
  if (levels === 0) return [folder];
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [folder, ...entries.flatMap(({ name }) => foldersBelow(join(folder, name), levels - 1))];
  } catch {
    return [folder];
  }
}
