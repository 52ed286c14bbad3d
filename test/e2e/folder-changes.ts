import type { Sluice } from '../support/sluice.ts';
import { turn } from '../support/turn.ts';

/** Real milliseconds in which the file system must have told of a change. */
const PATIENCE_MILLISECONDS = 10_000;

/**
 * Changes the folder of an engine as an author does, and moves its clock until `isTaken`. The file system takes real
 * time to tell of a change and to read it, so the clock only moves when the engine itself waits for it.
 */
export async function changeFolder(sluice: Sluice, change: () => Promise<unknown>, isTaken: () => boolean): Promise<void> {
  const { clock } = sluice;
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  await change();
  while (!isTaken()) {
    if (performance.now() > deadline) throw new Error(`A change was not taken up. Log: ${sluice.log.messages().slice(-5).join('; ')}`);
    const waited = clock.pendingTimers().find(({ kind, label }) => kind === 'after' && label.startsWith('pipeline-folder.ts'));
    if (waited === undefined) await turn();
    else await clock.advance(Math.max(0, waited.dueAt - clock.now()));
  }
}
