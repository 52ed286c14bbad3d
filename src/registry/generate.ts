import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, generatedFolders } from './describe.ts';
import { discover } from './discover.ts';

/*
 * node src/registry/generate.ts           writes everything that is generated from the code
 * node src/registry/generate.ts --check   exits with 1 where a file is not what the code says
 */

interface Difference {
  readonly path: string;
  /** What the file should hold; undefined for one that should not be there. */
  readonly text: string | undefined;
}

/** Files under `root` that are not what they should be. */
export async function findDifferences(root: string, wanted: ReadonlyMap<string, string>): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [path, text] of wanted) {
    const present = await readFile(join(root, path), 'utf8').catch(() => undefined);
    if (present !== text) differences.push({ path, text });
  }
  for (const folder of generatedFolders) {
    for (const path of await filesUnder(root, folder)) {
      if (!wanted.has(path)) differences.push({ path, text: undefined });
    }
  }
  return differences;
}

export async function applyDifferences(root: string, differences: readonly Difference[]): Promise<void> {
  for (const { path, text } of differences) {
    const file = join(root, path);
    if (text === undefined) {
      await rm(file);
      continue;
    }
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function filesUnder(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/').replace(/^\//, ''))
    .sort();
}

async function main(checkOnly: boolean): Promise<number> {
  const source = new URL('../', import.meta.url);
  const root = fileURLToPath(new URL('..', source));
  const differences = await findDifferences(root, describe(await discover(source)));
  if (!checkOnly) {
    await applyDifferences(root, differences);
    for (const { path, text } of differences)
      process.stdout.write(`${text === undefined ? 'removed' : 'wrote'} ${path}\n`);
    return 0;
  }
  for (const { path, text } of differences)
    process.stderr.write(`${path} ${text === undefined ? 'is no longer generated' : 'is stale'}\n`);
  if (differences.length > 0) process.stderr.write('Run: npm run generate\n');
  return differences.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.includes('--check'));
}
