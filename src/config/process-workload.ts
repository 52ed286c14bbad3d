import { resolve } from 'node:path';
import { WatchedFile } from '../definitions/watched-file.ts';
import type { Clock } from '../kernel/clock.ts';
import { tokenUnavailable } from '../kernel/tokens/token-failure.ts';
import { workloadFiles, type Workload, type WorkloadFile } from '../kernel/workload.ts';
import type { WorkloadSource } from './environment.ts';

/** Of a file with keys, which may hold many profiles. */
export const maxWorkloadFileBytes = 262_144;

/**
 * The identity that the platform gives to this process, from the variables that it was started with and from the files that
 * they name. A file is looked at again at most once per second; while it is being replaced, the text before stays.
 */
export function processWorkload({ variables, home }: WorkloadSource, clock: Clock): Workload {
  const files = new Map<WorkloadFile, WatchedFile>();
  const variable = (name: string): string | undefined => {
    const value = variables[name] ?? '';
    return value === '' ? undefined : value;
  };
  const open = (name: WorkloadFile, path: string): WatchedFile => {
    const known = files.get(name);
    if (known !== undefined) return known;
    const file = new WatchedFile(path, { maxBytes: maxWorkloadFileBytes, clock });
    files.set(name, file);
    return file;
  };
  return {
    variable,
    file(name) {
      const told = variable(name);
      const path = pathOf(told ?? workloadFiles[name], home);
      return path === undefined ? undefined : textOf(name, open(name, path), told !== undefined);
    },
  };
}

/** Undefined where there is no path, or one in a home folder that nobody knows. */
function pathOf(path: string | undefined, home: string | undefined): string | undefined {
  if (path === undefined || !path.startsWith('~/')) return path === undefined ? undefined : resolve(path);
  return home === undefined || home === '' ? undefined : resolve(home, path.slice(2));
}

function textOf(name: WorkloadFile, file: WatchedFile, isTold: boolean): string | undefined {
  const trouble = file.hasText ? file.lookWhenDue() : file.look();
  if (trouble === undefined) return file.text;
  // The usual place is nobody's word: there may be nothing, or the home of somebody else.
  if (!isTold && (trouble.kind === 'missing' || trouble.kind === 'forbidden')) return undefined;
  if (file.hasText) return file.text;
  throw tokenUnavailable('the file can not be read', { context: { variable: name, problem: trouble.what } });
}
