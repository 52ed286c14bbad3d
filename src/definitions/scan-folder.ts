import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { namePattern, type ReferenceKind } from '../kernel/schema.ts';
import { quote, type Diagnostic } from './diagnostic.ts';
import { pipelineLimits, wordListLimits } from './document-limits.ts';
import { readGuardedFile, type FoundFile } from './read-guarded-file.ts';

/** Files of one folder at most; the rest is reported and left out. */
export const maxFilesPerFolder = 2_000;

/** Folders under `resources/`. */
export const resourceKinds: readonly ReferenceKind[] = [
  'token-provider',
  'backend',
  'processor',
  'modifier',
  'word-list',
];

const validName = new RegExp(namePattern);

export interface ScannedFile extends FoundFile {
  readonly file: string;
}

/** What the folder holds at one moment. */
export interface FolderScan {
  /** By name, such as `support`. */
  readonly pipelines: ReadonlyMap<string, ScannedFile>;
  /** By kind and name, such as `word-list/secrets`. */
  readonly resources: ReadonlyMap<string, ScannedFile>;
  /** Findings that belong to no single definition. */
  readonly problems: readonly Diagnostic[];
}

export const emptyScan: FolderScan = { pipelines: new Map(), resources: new Map(), problems: [] };

/** Reads the pipelines folder and its resources. What has the stamp that `known` has is not read again. Never throws. */
export async function scanFolder(directory: string, known: FolderScan): Promise<FolderScan> {
  const problems: Diagnostic[] = [];
  const root = await realpath(directory).catch(() => undefined);
  if (root === undefined) {
    return {
      ...emptyScan,
      problems: [folderProblem(directory, 'folder.missing', 'the pipelines folder does not exist or can not be read')],
    };
  }
  const pipelines = new Map<string, ScannedFile>();
  const resources = new Map<string, ScannedFile>();
  const scan = { root, problems };
  await scanFiles(scan, directory, pipelineLimits.maxBytes, '', pipelines, known.pipelines);
  const shared = join(directory, 'resources');
  for (const kind of await listKinds(scan, shared)) {
    const { maxBytes } = kind === 'word-list' ? wordListLimits : pipelineLimits;
    await scanFiles(scan, join(shared, kind), maxBytes, `${kind}/`, resources, known.resources);
  }
  return { pipelines, resources, problems };
}

interface OpenScan {
  readonly root: string;
  readonly problems: Diagnostic[];
}

async function scanFiles(
  scan: OpenScan,
  folder: string,
  maxBytes: number,
  prefix: string,
  into: Map<string, ScannedFile>,
  known: ReadonlyMap<string, ScannedFile>,
): Promise<void> {
  const files = (await listFolder(scan, folder)).filter((entry) => /\.jsonc?$/.test(entry));
  if (files.length > maxFilesPerFolder) {
    scan.problems.push(
      folderProblem(folder, 'folder.tooMany', `only the first ${maxFilesPerFolder} of ${files.length} files are read`),
    );
  }
  for (const entry of files.slice(0, maxFilesPerFolder)) {
    const file = join(folder, entry);
    const name = entry.replace(/\.jsonc?$/, '');
    if (!validName.test(name)) {
      scan.problems.push(
        folderProblem(
          file,
          'name.invalid',
          `${quote(name)} is no valid name: a-z, 0-9 and "-", beginning with a letter, at most 63 characters`,
        ),
      );
      continue;
    }
    const key = prefix + name;
    const found = await readGuardedFile(
      file,
      scan.root,
      maxBytes,
      known.get(key)?.file === file ? known.get(key) : undefined,
    );
    if (found === undefined) continue;
    const other = into.get(key);
    into.set(key, other === undefined ? keep(file, found, known.get(key)) : bothForms(file, other, found));
  }
}

/** Keeps the object of an unchanged file, because what was read from it is remembered by it. */
function keep(file: string, found: FoundFile, known: ScannedFile | undefined): ScannedFile {
  return known?.stamp === found.stamp && known.file === file ? known : { file, ...found };
}

/** Two files claim one name, and neither may win by chance. */
function bothForms(file: string, other: ScannedFile, found: FoundFile): ScannedFile {
  return {
    file,
    stamp: `${other.stamp}\n${found.stamp}`,
    refused: { code: 'name.ambiguous', message: `has the same name as ${quote(other.file)}; keep one of them` },
  };
}

async function listKinds(scan: OpenScan, folder: string): Promise<ReferenceKind[]> {
  const entries = await listFolder(scan, folder);
  for (const entry of entries) {
    if (resourceKinds.some((kind) => kind === entry) || entry.startsWith('.')) continue;
    scan.problems.push({
      ...folderProblem(
        join(folder, entry),
        'folder.unknownKind',
        `there is no kind of resource ${quote(entry)}; known: ${resourceKinds.join(', ')}`,
      ),
      severity: 'warning',
    });
  }
  return resourceKinds.filter((kind) => entries.includes(kind));
}

/** Names in the order of the alphabet. A folder that leads outside counts as empty, and is reported. */
async function listFolder(scan: OpenScan, folder: string): Promise<string[]> {
  try {
    const real = await realpath(folder);
    if (real !== scan.root && !real.startsWith(scan.root + sep)) {
      scan.problems.push(folderProblem(folder, 'file.outside', 'is a link to a place outside of the folder'));
      return [];
    }
    return (await readdir(real)).filter((entry) => !entry.startsWith('.')).sort();
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown';
    if (code !== 'ENOENT') scan.problems.push(folderProblem(folder, 'file.unreadable', `can not be read (${code})`));
    return [];
  }
}

function folderProblem(file: string, code: string, message: string): Diagnostic {
  return { code, severity: 'error', message, file, pointer: '', line: 1, column: 1 };
}
