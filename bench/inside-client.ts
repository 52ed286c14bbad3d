import { fileURLToPath } from 'node:url';
import type { Child, ChildProcesses } from './child-processes.ts';
import type { InsideFigures, InsideJob } from './inside-figures.ts';

const name = 'inside';
const program = fileURLToPath(new URL('./inside-bench.ts', import.meta.url));
const timeoutMilliseconds = 240_000;

function answerOf(child: Child, job: InsideJob): Promise<InsideFigures> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no figures after ${timeoutMilliseconds} ms`)),
      timeoutMilliseconds,
    );
    child.process.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(child.output));
    });
    child.process.once('message', (message) => {
      clearTimeout(timer);
      resolve((message as { readonly figures: InsideFigures }).figures);
    });
    child.process.send(job);
  });
}

/** Runs `inside-bench.ts` in a process of its own on this core. Throws with what it said where it ended without figures. */
export async function insideFigures(
  children: ChildProcesses,
  core: number | undefined,
  job: InsideJob,
): Promise<InsideFigures> {
  const parameters = ['--expose-gc', program];
  const child = children.start({ name, file: process.execPath, parameters, core, channel: true });
  try {
    return await answerOf(child, job);
  } finally {
    await children.stopNamed(name);
  }
}
