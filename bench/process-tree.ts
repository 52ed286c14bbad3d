import { readdirSync, readFileSync } from 'node:fs';

/** A tree deeper or wider than this is none of ours. */
const maxProcesses = 64;

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The process and all its living descendants; empty where there is no /proc. */
export function processTree(root: number): number[] {
  const found: number[] = threads(root).length > 0 ? [root] : [];
  for (let index = 0; index < found.length && found.length < maxProcesses; index++) {
    const pid = found[index] ?? root;
    for (const thread of threads(pid)) {
      const children = readOrEmpty(`/proc/${pid}/task/${thread}/children`);
      found.push(
        ...children
          .split(' ')
          .map(Number)
          .filter((child) => child > 0),
      );
    }
  }
  return found;
}

/** Resident memory of the tree in KB; undefined where there is no /proc. */
export function residentKilobytes(root: number): number | undefined {
  let total: number | undefined;
  for (const pid of processTree(root)) {
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/status`));
    if (resident !== null) total = (total ?? 0) + Number(resident[1]);
  }
  return total;
}

/** Nanoseconds that the scheduler gave to each thread, also for collectors and compilers of the runtime. */
export function scheduledNanoseconds(pid: number): number | undefined {
  let total: number | undefined;
  for (const thread of threads(pid)) {
    const onCpu = /^(\d+) /.exec(readOrEmpty(`/proc/${pid}/task/${thread}/schedstat`));
    if (onCpu !== null) total = (total ?? 0) + Number(onCpu[1]);
  }
  return total === 0 ? undefined : total;
}

/** User and system time in clock ticks of 10 ms; coarse, for kernels without scheduler statistics. */
export function tickNanoseconds(pid: number): number | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000_000;
}
