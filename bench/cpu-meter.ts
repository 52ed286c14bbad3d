import { processTree, scheduledNanoseconds, tickNanoseconds } from './process-tree.ts';

/**
 * CPU time that the whole process tree has used so far, in microseconds: the scheduler's own count, all threads. Two
 * readings subtracted give the cost of what happened between them. Undefined where the machine can't tell (no Linux).
 */
export function cpuMicroseconds(root: number): number | undefined {
  let total: number | undefined;
  for (const pid of processTree(root)) {
    const nanoseconds = scheduledNanoseconds(pid) ?? tickNanoseconds(pid);
    if (nanoseconds !== undefined) total = (total ?? 0) + nanoseconds / 1_000;
  }
  return total;
}
