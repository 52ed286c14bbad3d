import type { Sluice } from '../support/sluice.ts';
import { PATIENCE_MILLISECONDS, turn } from '../support/turn.ts';

/**
 * Real milliseconds after which the engine is not told of a change any more, and finds it when it polls the folder. Each
 * poll moves the clock; on a busy machine the file system takes its time, and the clock must not reach the hour at which
 * the longest run is ended.
 */
const TOLD_MILLISECONDS = 250;

/**
 * Changes the folder of an engine as an author does, and moves its clock until `isTaken`. The file system takes real
 * time to tell of a change and to read it, so the clock moves only when the engine itself waits for it.
 */
export async function changeFolder(
  { clock, log }: Sluice,
  change: () => Promise<unknown>,
  isTaken: () => boolean,
): Promise<void> {
  await change();
  const begun = performance.now();
  let polls = 0;
  while (!isTaken()) {
    const passed = performance.now() - begun;
    if (passed > PATIENCE_MILLISECONDS)
      throw new Error(`A change was not taken up. Log: ${log.messages().slice(-5).join('; ')}`);
    const timers = clock.pendingTimers().filter(({ label }) => label.startsWith('pipeline-folder.ts'));
    const isOverdue = passed > TOLD_MILLISECONDS * (polls + 1);
    const waited = timers.find(({ kind }) => kind === 'after') ?? (isOverdue ? timers[0] : undefined);
    if (waited?.kind === 'every') polls += 1;
    if (waited === undefined) await turn();
    else await clock.advance(Math.max(0, waited.dueAt - clock.now()));
  }
}
