import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Cores of the three parts; undefined where they can't be pinned, then the kernel chooses. */
export interface Affinity {
  readonly system: number;
  readonly generator: number;
  readonly mock: number;
}

/** `0-3,8` as numbers. */
function parseCoreList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function allowedCores(): number[] {
  try {
    const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'));
    return parseCoreList(allowed?.[1] ?? '');
  } catch {
    return [];
  }
}

/** The system gets a core of its own; mock and generator share one where there are only two. */
export function chooseAffinity(): Affinity | undefined {
  const [system, generator, mock = generator] = allowedCores();
  if (system === undefined || generator === undefined || mock === undefined) return undefined;
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined;
  return { system, generator, mock };
}
