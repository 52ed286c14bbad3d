import type { Sluice } from '../support/sluice.ts';
import type { PendingTimer, TestClock } from '../support/test-clock.ts';
import { PATIENCE_MILLISECONDS, turn } from '../support/turn.ts';

/** Both must have passed, so that a process that stood still has heard what it was told meanwhile. */
const TOLD_MILLISECONDS = 250;
const TOLD_TURNS = 250;
/** Of the clock: a change that is taken while it moves on is at most so long ago at the end. */
const STEP = 50;

/**
 * Changes the folder of an engine as an author does, and moves its clock until `isTaken`. The file system takes real
 * time to tell of a change and to read it, however busy the disk is, and meanwhile the clock stands still: it moves only
 * for the timers with which the engine waits for the folder to settle. Where the engine is told of nothing its poll
 * finds the change, once: to move on to a second one while the first still reads would end what runs meanwhile.
 */
export async function changeFolder(
  { clock, log }: Sluice,
  change: () => Promise<unknown>,
  isTaken: () => boolean,
): Promise<void> {
  const moveTo = async ({ dueAt }: PendingTimer, isOver: () => boolean): Promise<void> => {
    do await clock.advance(Math.min(STEP, Math.max(0, dueAt - clock.now())));
    while (clock.now() < dueAt && !isOver());
  };
  // What the engine was told before is not about this change.
  for (let timer = findTimer(clock, 'after'); timer !== undefined; timer = findTimer(clock, 'after'))
    await moveTo(timer, () => false);
  await change();
  const begun = performance.now();
  let hasHeard = false;
  for (let turns = 0; !isTaken(); turns += 1) {
    const passed = performance.now() - begun;
    if (passed > PATIENCE_MILLISECONDS)
      throw new Error(`A change was not taken up. Log: ${log.messages().slice(-5).join('; ')}`);
    const mustPoll: boolean = !hasHeard && turns > TOLD_TURNS && passed > TOLD_MILLISECONDS;
    const waited: PendingTimer | undefined =
      findTimer(clock, 'after') ?? (mustPoll ? findTimer(clock, 'every') : undefined);
    hasHeard ||= waited !== undefined;
    await (waited === undefined ? turn() : moveTo(waited, isTaken));
  }
}

/** What the engine waits for to look at its folder: `after` where it knows of a change, `every` is its poll. */
function findTimer(clock: TestClock, kind: PendingTimer['kind']): PendingTimer | undefined {
  return clock.pendingTimers().find((timer) => timer.kind === kind && timer.label.startsWith('pipeline-folder.ts'));
}
