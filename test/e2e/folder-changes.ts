import type { Sluice } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';

/** Milliseconds of the test's clock in which a change of the folder must have been taken up. */
const MAX_MILLISECONDS = 3_000;
const STEP_MILLISECONDS = 50;

/**
 * Changes the folder of an engine as an author does and moves its clock until `isTaken`. The file system tells of a
 * change in its own time, so the clock waits for that first.
 */
export async function changeFolder(sluice: Sluice, change: () => Promise<unknown>, isTaken: () => boolean): Promise<void> {
  await change();
  const isTold = (): boolean => sluice.clock.pendingTimers().some(({ kind, label }) => kind === 'after' && label.startsWith('pipeline-folder.ts'));
  await eventually(() => isTold() || isTaken(), 'the file system to tell of a change');
  await sluice.clock.advanceUntil(isTaken, STEP_MILLISECONDS, MAX_MILLISECONDS);
}
