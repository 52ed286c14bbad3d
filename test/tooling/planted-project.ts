import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

const configFiles = ['tsconfig.json', '.oxlintrc.json', '.dependency-cruiser.mjs', 'package.json'];
const maximumOutputBytes = 16 * 1024 * 1024;

/** A folder with the project's own configuration and nothing but the files that a test plants. */
export interface PlantedProject {
  readonly folder: string;
  /**
   * Runs a script of an installed package, or one with an absolute path, in the folder. Resolves to its standard output
   * whatever its exit code.
   */
  run(script: string, ...parameters: readonly string[]): Promise<string>;
  remove(): void;
}

/** `files` maps paths, relative to the root of the project, to source text. */
export function plantProject(files: Readonly<Record<string, string>>): PlantedProject {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  for (const name of configFiles) cpSync(join(projectFolder, name), join(folder, name));
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return {
    folder,
    run: (script, ...parameters) => runScript(folder, script, parameters),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function runScript(folder: string, script: string, parameters: readonly string[]): Promise<string> {
  const path = resolve(projectFolder, 'node_modules', script);
  try {
    const options = { cwd: folder, maxBuffer: maximumOutputBytes };
    return (await promisify(execFile)(process.execPath, [path, ...parameters], options)).stdout;
  } catch (error) {
    const { stdout, stderr, message } = Object(error) as { stdout?: string; stderr?: string; message: string };
    if (stdout === undefined || stdout === '')
      throw new Error(`${script} printed no report: ${stderr ?? message}`, { cause: error });
    return stdout;
  }
}
